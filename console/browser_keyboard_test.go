package console_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// key is one that is pressed, as the browser is told of it.
type key struct {
	name, code, text string
	number, with     int64
}

// The keys by which everything can be reached. Where a text is, it is what a key would write, which links and buttons listen to.
var (
	tab    = key{name: "Tab", code: "Tab", number: 9}
	back   = key{name: "Tab", code: "Tab", number: 9, with: 8}
	enter  = key{name: "Enter", code: "Enter", text: "\r", number: 13}
	space  = key{name: " ", code: "Space", text: " ", number: 32}
	escape = key{name: "Escape", code: "Escape", number: 27}
	offers = key{name: " ", code: "Space", number: 32, with: 2}
)

// press presses a key, where the focus is.
func press(k key) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		down := input.DispatchKeyEventTypeRawKeyDown
		if k.text != "" {
			down = input.DispatchKeyEventTypeKeyDown
		}
		for _, kind := range []input.DispatchKeyEventType{down, input.DispatchKeyEventTypeKeyUp} {
			event := input.DispatchKeyEventParams{Type: kind, Key: k.name, Code: k.code, WindowsVirtualKeyCode: k.number, Modifiers: k.with}
			if kind == down {
				event.Text = k.text
			}
			if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, event); err != nil {
				return err
			}
		}
		return nil
	})
}

// watchFocus notes where the focus goes on a page: the place of each element among those that can be used, and whether it is to be seen that the
// focus is there. What can only be scrolled has no place. It returns how many can be used.
const watchFocus = `(() => {
  const usable = () => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
    .filter((e) => !e.disabled && e.getClientRects().length > 0);
  window.went = [];
  document.addEventListener("focusin", ({ target }) => {
    const ring = getComputedStyle(target.closest(".editor") ?? target);
    const shown = ring.outlineStyle !== "none" && parseFloat(ring.outlineWidth) >= 2;
    window.went.push({ at: usable().indexOf(target), shown, what: target.outerHTML.slice(0, 120) });
  });
  return usable().length;
})()`

// stop is where the focus was.
type stop struct {
	At    int    `json:"at"`
	Shown bool   `json:"shown"`
	What  string `json:"what"`
}

// tabbed goes by the tabulator key through the page that was just opened, and expects to come by everything that can be used, in the order in
// which it is read, to see where the focus is, and to leave the page at its end.
func (c *chromium) tabbed(name string) {
	c.Helper()
	usable, err := chromedp.Run(c.ctx, chromedp.Evaluate[int](watchFocus))
	if err != nil {
		c.Fatal(err)
	}
	var went []stop
	for pressed := 0; pressed < 2*usable && (len(went) == 0 || went[len(went)-1].At < usable-1); {
		keys := slices.Repeat([]step{press(tab)}, max(1, usable-pressed))
		pressed += len(keys)
		c.run("press the tabulator key on "+name, keys...)
		if went, err = chromedp.Run(c.ctx, chromedp.Evaluate[[]stop]("window.went")); err != nil {
			c.Fatal(err)
		}
	}
	next := 0
	for _, w := range went {
		if !w.Shown {
			c.Errorf("%s: it is not to be seen that the focus is on %s", name, w.What)
		}
		if w.At < 0 || w.At == next-1 {
			continue // it can be scrolled, or was replaced by what is newer
		}
		if w.At != next {
			c.Errorf("%s: the focus goes to number %d, %s, and number %d would be next", name, w.At, w.What, next)
		}
		next = w.At + 1
	}
	if next != usable {
		c.Errorf("%s: %d of %d can be reached", name, next, usable)
	}
	c.run("leave the page", press(tab), until(fmt.Sprintf("window.went.length !== %d || document.activeElement === document.body", len(went))))
}

// usesKeys does with the keys what else is done with a mouse: it leaps over the head of the page, chooses all, asks for a decision, and goes back.
func (c *chromium) usesKeys() {
	c.Helper()
	c.run("leap to the content", chromedp.Navigate(c.url+"/console/events?state=held"), press(tab), until(`document.activeElement.className === "skip"`), press(enter),
		until(`document.activeElement.id === "main"`))
	c.run("choose all", until(`document.querySelector("[data-all]").focus() === undefined`), press(space),
		until(`[...document.querySelectorAll("input[name=seq]")].every((e) => e.checked)`))
	c.run("ask for a decision", until(`document.querySelector("button[value=discard]").focus() === undefined`), press(back), until(`document.activeElement.value === "retry"`), press(space),
		arrives("/decide"))
	c.run("go back", until(`document.querySelector("a.button.quiet").focus() === undefined`), press(enter), arrives("state=held"))
}
