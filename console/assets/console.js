"use strict";
// The pages work without this. It shows moments in the time of the browser, ticks all boxes of a list at once, and shows what moves.
(() => {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  const local = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.title = time.textContent;
      time.textContent = format.format(at);
    }
  };
  local(document);
  const live = document.querySelector("[data-live]");
  if (live && window.EventSource) {
    const source = new EventSource(live.dataset.live);
    source.addEventListener("overview", (event) => {
      // What has the focus is replaced as well, by what stands in its place.
      const at = [...live.querySelectorAll("a")].indexOf(document.activeElement);
      live.innerHTML = event.data;
      if (at >= 0) live.querySelectorAll("a")[at]?.focus({ preventScroll: true });
      local(live);
    });
    window.addEventListener("pagehide", () => source.close());
  }
  for (const all of document.querySelectorAll("input[data-all]")) {
    all.addEventListener("change", () => {
      for (const box of all.form.querySelectorAll("input[name=seq]")) box.checked = all.checked;
    });
  }
})();
