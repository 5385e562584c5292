"use strict";
// The workbench works without this, by its buttons. It numbers lines, marks mistakes at their place, offers words, and checks and tries at
// every pause in typing.
(() => {
  const form = document.querySelector("[data-bench]");
  if (!form) return;
  const source = form.elements.source, sheet = source.parentElement, gutter = form.querySelector(".gutter"), marks = form.querySelector(".marks");
  const checked = form.querySelector("[data-checked]"), tried = form.querySelector("[data-tried]"), everybody = form.querySelector("[data-everybody]");
  const pause = 50, sent = { check: null, try: null, words: null };

  // caret is where somebody writes, counted from 1, in characters.
  const caret = () => {
    const lines = source.value.slice(0, source.selectionStart).split("\n");
    return { line: lines.length, column: [...lines.at(-1)].length + 1 };
  };
  const put = (line, column) => {
    const lines = source.value.split("\n").slice(0, Math.max(0, line - 1)), last = source.value.split("\n")[line - 1] ?? "";
    const at = lines.reduce((n, text) => n + text.length + 1, 0) + [...last].slice(0, Math.max(0, column - 1)).join("").length;
    source.focus();
    source.setSelectionRange(at, at);
    source.scrollTop = Math.max(0, (line - 5) * lineHeight());
  };
  const lineHeight = () => parseFloat(getComputedStyle(source).lineHeight);

  const number = () => {
    const wrong = new Set([...checked.querySelectorAll("[data-line]")].map((p) => Number(p.dataset.line)));
    const n = source.value.split("\n").length;
    gutter.textContent = Array.from({ length: n }, (_, i) => (wrong.has(i + 1) ? "▸" : "") + (i + 1)).join("\n");
    marks.replaceChildren(...[...checked.querySelectorAll(".problems [data-line]")].map((p) => {
      const mark = document.createElement("div"), line = Number(p.dataset.line), column = Number(p.dataset.column);
      mark.style.top = `calc(${(line - 1) * lineHeight()}px + 0.5rem)`;
      mark.style.height = lineHeight() + "px";
      mark.style.setProperty("--column", Math.max(0, column - 1));
      mark.hidden = line < 1;
      return mark;
    }));
    follow();
  };
  const follow = () => {
    gutter.scrollTop = source.scrollTop;
    marks.style.transform = `translate(${-source.scrollLeft}px, ${-source.scrollTop}px)`;
  };
  source.addEventListener("scroll", follow);

  // tell says why nothing could be asked. What is edited stays as it is.
  const tell = (text) => {
    const said = document.createElement("p");
    said.className = "wrong";
    said.textContent = text;
    checked.replaceChildren(said);
    number();
    return null;
  };
  const refusal = async (answer) => {
    if (answer.redirected) return form.dataset.ended;
    return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main .wrong")?.textContent ?? String(answer.status);
  };
  // ask sends the form, and forgets what was asked before and is not answered yet.
  const ask = async (what, path, options) => {
    sent[what]?.abort();
    const mine = (sent[what] = new AbortController());
    try {
      const answer = await fetch(path, { method: "POST", signal: mine.signal, ...options });
      if (answer.ok && !answer.redirected) return answer;
      return what === "words" ? null : tell(await refusal(answer));
    } catch (failure) {
      if (failure.name !== "AbortError") throw failure;
      return null;
    }
  };
  const body = () => new URLSearchParams(new FormData(form));
  const check = async () => {
    const answer = await ask("check", "/console/mappings/check", { body: body() });
    if (!answer) return;
    checked.innerHTML = await answer.text();
    number();
  };
  const attempt = async () => {
    const who = form.elements.with.value === "person" && !form.elements.who.value.trim();
    if (who || (form.elements.with.value === "event" && !form.elements.seq.value.trim())) return;
    const answer = await ask("try", "/console/mappings/try", { body: body() });
    if (answer) tried.innerHTML = await answer.text();
  };
  let waiting;
  const later = (...doing) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => doing.forEach((one) => one()), pause);
  };

  // Words are shown below the line where somebody writes.
  const list = document.createElement("ul");
  list.className = "words";
  list.id = "words";
  list.role = "listbox";
  list.ariaLabel = source.dataset.wordsLabel;
  list.hidden = true;
  sheet.append(list);
  source.setAttribute("aria-controls", list.id);
  let typed = 0, chosen = 0;
  const hide = () => {
    list.hidden = true;
    source.removeAttribute("aria-activedescendant");
  };
  const choose = (n) => {
    const all = [...list.children];
    chosen = (n + all.length) % all.length;
    all.forEach((one, i) => (one.ariaSelected = i === chosen));
    all[chosen].scrollIntoView({ block: "nearest" });
    source.setAttribute("aria-activedescendant", all[chosen].id);
  };
  const take = (n) => {
    const text = list.children[n].dataset.text, key = list.children[n].dataset.kind === "key";
    const from = source.selectionStart - typed, after = source.value.slice(source.selectionStart).split("\n")[0];
    source.setRangeText(text + (key && !after.startsWith(":") ? ": " : ""), from, source.selectionStart, "end");
    hide();
    source.focus();
    number();
    later(check, attempt);
  };
  const offer = async (asked) => {
    const at = caret();
    const answer = await ask("words", "/api/v1/mappings/words", {
      headers: { "Content-Type": "application/json" }, body: JSON.stringify({ directory: form.elements.directory.value, source: source.value, ...at }),
    });
    if (!answer) return;
    const said = await answer.json();
    typed = said.typed;
    if (!said.words.length || (!asked && !typed) || (said.words.length === 1 && said.words[0].text.length === typed)) return hide();
    list.replaceChildren(...said.words.map((word, i) => {
      const one = document.createElement("li"), name = document.createElement("code"), about = document.createElement("small");
      one.role = "option";
      one.id = "word-" + i;
      one.dataset.text = word.text;
      one.dataset.kind = word.kind;
      name.textContent = word.shape || word.text;
      about.textContent = word.doc || "";
      one.append(name, " ", about);
      one.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        take(i);
      });
      return one;
    }));
    list.style.top = `calc(${at.line * lineHeight() - source.scrollTop}px + 0.5rem)`;
    list.hidden = false;
    choose(0);
  };
  source.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      offer(true);
      return;
    }
    if (list.hidden) return;
    const doing = { ArrowDown: () => choose(chosen + 1), ArrowUp: () => choose(chosen - 1), Enter: () => take(chosen), Escape: hide }[event.key];
    if (!doing) return;
    event.preventDefault();
    doing();
  });
  source.addEventListener("blur", hide);
  source.addEventListener("input", () => {
    hide();
    number();
    later(check, attempt, () => offer(false));
  });

  checked.addEventListener("click", (event) => {
    const at = event.target.closest("a") && event.target.closest("[data-line]");
    if (!at) return;
    event.preventDefault();
    put(Number(at.dataset.line), Number(at.dataset.column));
  });
  form.querySelector("[data-check-now]").addEventListener("click", (event) => {
    event.preventDefault();
    check();
    attempt();
  });

  const show = () => {
    for (const part of form.querySelectorAll("[data-with]")) part.hidden = part.dataset.with !== form.elements.with.value;
  };
  form.elements.with.addEventListener("change", () => {
    show();
    attempt();
  });
  for (const name of ["who", "seq", "sample"]) form.elements[name].addEventListener("input", () => later(attempt));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    attempt();
  });

  // Everybody is compared as long as the page is open and nobody stops it.
  const compare = form.querySelector("[data-compare]"), stop = form.querySelector("[data-stop]");
  let comparing;
  compare.addEventListener("click", async (event) => {
    event.preventDefault();
    comparing = new AbortController();
    compare.disabled = true;
    stop.hidden = false;
    try {
      const answer = await fetch("/console/mappings/everybody", { method: "POST", body: body(), signal: comparing.signal, headers: { Accept: "text/event-stream" } });
      if (answer.headers.get("Content-Type") !== "text/event-stream") {
        tell(await refusal(answer));
        return;
      }
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) break;
        const events = (text + value).split("\n\n");
        text = events.pop();
        const data = events.at(-1)?.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
        if (data) everybody.innerHTML = data;
      }
    } catch (failure) {
      if (failure.name !== "AbortError") throw failure;
    } finally {
      compare.disabled = false;
      stop.hidden = true;
    }
  });
  stop.addEventListener("click", () => comparing?.abort());
  window.addEventListener("pagehide", () => comparing?.abort());

  show();
  number();
})();
