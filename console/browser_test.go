package console_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// pictures is where the pictures of pages go. It is left out of version control.
const pictures = "../bin/console"

// chromium is a real browser with the console of a service.
type chromium struct {
	*service
	ctx context.Context

	mu     sync.Mutex
	wrongs []string
}

// chromium starts a browser, which ends with the test. What it finds wrong with a page fails the test.
func (s *service) chromium() *chromium {
	s.Helper()
	ldaptest.Require(s.T, ldaptest.Browser)
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		s.Fatal(err)
	}
	// What is left of a browser that has ended may be written for a moment still, so the folder is not one of the test.
	profile, err := os.MkdirTemp("", "idaas-ldap-browser-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(profile) })
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(ldaptest.Binary(ldaptest.Browser)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(within))
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	s.Cleanup(end)
	ctx, cancel := chromedp.NewContext(allocator)
	s.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // how it ends does not matter
		cancel()
	})
	c := &chromium{service: s, ctx: ctx}
	if err := chromedp.Listen(ctx, c.heed); err != nil {
		s.Fatal(err)
	}
	c.run("start", call(log.Enable, cdp.Empty{}), call(network.Enable, network.EnableParams{}))
	return c
}

// call is an action that sends one command.
func call[P, R any](command cdp.Command[P, R], parameters P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, parameters)
		return err
	})
}

// step is one thing that is done in the browser.
type step = chromedp.Action[chromedp.Void]

// xpath and css are the elements that an expression finds.
func xpath(expression string) chromedp.Search { return chromedp.Search(expression) }
func css(expression string) chromedp.CSS      { return chromedp.CSS(expression) }

// until waits until something holds on a page, also while parts of it are replaced, and while another page comes in its place.
func until(condition string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for {
			holds, err := chromedp.Evaluate[bool](condition)(ctx, t)
			if err == nil && holds {
				return nil
			}
			select {
			case <-time.After(10 * time.Millisecond): // between two looks, never in place of one
			case <-ctx.Done():
				return fmt.Errorf("%s never held: %w", condition, errors.Join(ctx.Err(), err))
			}
		}
	})
}

// arrives waits until the page is there whose address has a part. What is used after that is on no page before it.
func arrives(part string) step {
	return until(fmt.Sprintf(`location.href.includes(%q) && document.readyState === "complete"`, part))
}

// heed notes what a browser complains about.
func (c *chromium) heed(happened any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := happened.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			c.wrongs = append(c.wrongs, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		c.wrongs = append(c.wrongs, e.ExceptionDetails.Text)
	case *network.EventLoadingFailed:
		if !e.Canceled {
			c.wrongs = append(c.wrongs, "not loaded: "+e.ErrorText)
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			c.wrongs = append(c.wrongs, fmt.Sprintf("%d for %s", e.Response.Status, e.Response.URL))
		}
	}
}

// run does something in the browser.
func (c *chromium) run(what string, steps ...step) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, within)
	defer cancel()
	if err := inTurn(ctx, steps); err != nil {
		body, _ := chromedp.Run(c.ctx, chromedp.Evaluate[string]("document.body.innerText")) // to say where it was
		c.Fatalf("%s: %v\n%.2000s", what, err, body)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, wrong := range c.wrongs {
		c.Errorf("%s: %s", what, wrong)
	}
	c.wrongs = nil
}

// inTurn does one thing after the other. What was looked up on a page in whose place another one has come is looked up again: nothing was done with it.
func inTurn(ctx context.Context, steps []step) error {
	for _, one := range steps {
		err := chromedp.Do(ctx, one)
		for err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "Could not find node with given id") {
			err = chromedp.Do(ctx, one)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// manners are what is wrong with the page that is shown: what can be scrolled sideways, fields without labels, controls without names, text that is
// hard to tell from its background (WCAG 2.2, 1.4.3), and headings that are missing.
const manners = `(() => {
  const wrongs = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.querySelectorAll("main *")].find((e) => e.getBoundingClientRect().right > root.clientWidth + 1);
    wrongs.push("it scrolls sideways: " + root.scrollWidth + " in " + root.clientWidth + " by " + (wide ? wide.outerHTML.slice(0, 200) : "something"));
  }
  if (document.querySelectorAll("h1").length !== 1) wrongs.push("it has not one heading");
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!field.labels.length && !field.ariaLabel) wrongs.push("a field has no label: " + field.outerHTML.slice(0, 200));
  for (const control of document.querySelectorAll("a, button"))
    if (!control.textContent.trim() && !control.ariaLabel) wrongs.push("a control has no name: " + control.outerHTML.slice(0, 200));
  const channels = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const light = (text) => {
    const [r, g, b] = channels(text).map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor, parts = channels(colour);
      if (parts.length === 3 || parts[3] > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const seen = new Set();
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const ink = getComputedStyle(e).color, paper = behind(e), pair = ink + " on " + paper;
    if (seen.has(pair)) continue;
    seen.add(pair);
    const [high, low] = [light(ink), light(paper)].sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < 4.5) wrongs.push("hard to read: " + pair + " in " + e.outerHTML.slice(0, 120));
  }
  return wrongs;
})()`

// look is how somebody looks at a page.
type look struct {
	language      string
	width, height int64
	dark          bool
}

// String is the name of a look.
func (l look) String() string {
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	return fmt.Sprintf("%s-%d-%s", l.language, l.width, scheme)
}

// speaks lets the browser wish for a language.
func speaks(language string) step {
	return call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
}

// seen looks at the page that is shown, checks its manners, and takes a picture of it where that is wanted.
func (c *chromium) seen(name string, l look, isTaken bool) {
	c.Helper()
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	var wrongs []string
	var picture []byte
	c.run(name,
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}),
		call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.width, Height: l.height, DeviceScaleFactor: 1}),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			var err error
			if wrongs, err = chromedp.Evaluate[[]string](manners)(ctx, t); err != nil || !isTaken {
				return err
			}
			taken, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: new(true)})
			picture = taken.Data
			return err
		}))
	for _, wrong := range wrongs {
		c.Errorf("%s, %s: %s", name, l, wrong)
	}
	if !isTaken {
		return
	}
	if err := os.WriteFile(filepath.Join(pictures, fmt.Sprintf("%s-%s.png", name, l)), picture, 0o600); err != nil {
		c.Fatal(err)
	}
}

// look shows a page, or stays where it is for no path, checks its manners, and takes a picture of it.
func (c *chromium) look(name, path, language string, width, height int64, dark bool) {
	c.Helper()
	c.run(name, speaks(language))
	if path != "" {
		c.run(name, chromedp.Navigate(c.url+path))
	}
	c.seen(name, look{language, width, height, dark}, true)
}

// lookEverywhere shows a page on a phone, on a desk and on a wall in both languages, each of them light here and dark there, and goes through it by the
// keyboard. Pictures are taken of two.
func (c *chromium) lookEverywhere(name, path string) {
	c.Helper()
	for _, language := range []string{"zh-CN", "en"} {
		isDark := language != "en"
		c.run(name, speaks(language), chromedp.Navigate(c.url+path))
		if language == "en" {
			c.tabbed(name)
		}
		c.seen(name, look{language, 360, 740, isDark}, isDark)
		c.seen(name, look{language, 1280, 800, isDark}, !isDark)
		c.seen(name, look{language, 3840, 2160, !isDark}, false)
	}
}

// The stories of a held mass deletion and of somebody without an account, in a real browser with a real directory; and every page is
// looked at in both languages, wide and narrow, light and dark.
func TestBrowserShowsEveryPageAndTakesDecisions(t *testing.T) {
	ldaptest.Require(t, ldaptest.Browser)
	slapd := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	s := serve(t, target{slapd.URL, slapd.BindDN, slapd.Password}, `token: "`+token+`",`)
	c := s.chromium()
	people := s.company()
	stranger := s.stranger(slapd, people.unit)

	c.look("login", "/console/held", "en", 1440, 900, false)
	c.run("sign in", chromedp.SendKeys(css(`input[name=token]`), token), chromedp.SendKeys(css(`input[name=who]`), "Ann Admin"), chromedp.Submit(css(`input[name=token]`)),
		chromedp.WaitVisible(xpath(`//h2[contains(., "Deletions")]`)))
	s.day()
	held := s.in(event.Held, 4)
	for name, path := range map[string]string{
		"overview": "/console/overview", "held": "/console/held", "held_set": "/console/held/set?directory=corp&code=GUARDED&act=delete", "events": "/console/events", "people": "/console/people",
		"event": "/console/events/one?seq=" + seqsOf(held)[0], "person": "/console/people/one?directory=corp&kind=user&id=" + people.waiter.ID,
		"audit": "/console/audit", "writes": "/console/audit/writes", "settings": "/console/settings", "mappings": "/console/mappings", "mapping": "/console/mappings/one?directory=corp",
	} {
		c.lookEverywhere(name, path)
	}
	c.look("events", "/console/events", "zh-CN", 3840, 2160, false)
	c.look("held", "/console/held", "en", 1280, 800, true)
	c.usesKeys()

	c.run("approve two of four", chromedp.Navigate(c.url+"/console/held"),
		chromedp.Click(xpath(`//section[contains(., "Deletions")]//a[contains(@class, "button")]`)), chromedp.WaitVisible(css(`input[name=all]`)),
		chromedp.Click(xpath(`(//input[@name="seq"])[1]`)), chromedp.Click(xpath(`(//input[@name="seq"])[2]`)), chromedp.Click(css(`button[value=retry]`)),
		chromedp.WaitVisible(xpath(`//p[contains(., "2 events are to be tried again")]`)))
	c.look("confirm", "", "en", 1440, 900, false)
	c.run("confirm", chromedp.Click(xpath(`//button[contains(., "Yes, try again")]`)),
		chromedp.WaitVisible(xpath(`//p[contains(., "It is being tried again")]`)))
	s.in(event.Held, 2)
	c.run("see it move", chromedp.Navigate(c.url+"/console/overview"), until(`document.querySelector('dd a[href="/console/held"]')?.textContent === "2"`),
		until(`document.querySelector('dd a[href="/console/held"]').focus() === undefined`))
	if _, err := s.Store.Discard(t.Context(), 1, "somebody", []int64{s.in(event.Held, 2)[0].Seq}); err != nil {
		t.Fatal(err)
	}
	c.run("see it move under the focus", until(`document.querySelector('dd a[href="/console/held"]')?.textContent === "1"`), until(`document.activeElement.textContent === "1"`))

	c.run("find who has no account, and ask for another try", chromedp.Navigate(c.url+"/console/people"),
		chromedp.SendKeys(css(`input[name=who]`), "zoe"), chromedp.Submit(css(`input[name=who]`)), arrives("who=zoe"),
		chromedp.Click(xpath(`//td//a[contains(., "zoe.kim")]`)), chromedp.WaitVisible(xpath(`//dd[contains(., "somebody else's entry has the DN")]`)),
		chromedp.Click(xpath(`(//input[@name="seq"])[1]`)), chromedp.Click(css(`button[value=retry]`)), chromedp.WaitVisible(css(`input[name=by]`)))
	// The cause is mended now and not before: what waits is tried by itself too.
	s.remove(slapd, stranger)
	c.run("try again", chromedp.Click(xpath(`//button[contains(., "Yes, try again")]`)), chromedp.WaitVisible(xpath(`//h2[contains(., "zoe.kim")]`)))
	s.eventually("there is an account", func() bool {
		found, _, err := s.Store.FindByName(s.Context(), store.NameFilter{Prefix: "zoe"})
		return err == nil && len(found) == 1 && !found[0].Record.DN.Empty()
	})
	c.run("see the account", chromedp.Navigate(c.url+"/console/people?who=zoe"), chromedp.WaitVisible(xpath(`//td[contains(., "uid=zoe.kim,ou=Research")]`)))

	c.run("choose Chinese and sign out", chromedp.Click(xpath(`//a[@hreflang="zh"]`)), chromedp.WaitVisible(xpath(`//h1[contains(., "人员")]`)),
		chromedp.Click(xpath(`//button[contains(., "退出")]`)), chromedp.WaitVisible(css(`input[name=token]`)))
}

// stranger puts an entry that is not ours where somebody should get one, and returns its DN.
func (s *service) stranger(slapd *ldaptest.Slapd, unit idaastest.Unit) string {
	s.Helper()
	const dn = "uid=zoe.kim,ou=Research,ou=people,dc=example,dc=org"
	conn, err := ldap.DialURL(slapd.URL)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	request := ldap.NewAddRequest(dn, nil)
	for name, value := range map[string]string{"objectClass": "inetOrgPerson", "uid": "zoe.kim", "cn": "Zoe", "sn": "Kim", "employeeNumber": "of somebody else"} {
		request.Attribute(name, []string{value})
	}
	if err = conn.Bind(slapd.BindDN, slapd.Password); err == nil {
		err = conn.Add(request)
	}
	if err != nil {
		s.Fatal(err)
	}
	zoe := idaastest.User{ID: s.tenant.NewUserID(), Username: "zoe.kim", DisplayName: "Zoe " + strings.Repeat("Kim ", 30), Unit: unit.ID}
	s.send(s.tenant.CreateUser(zoe, userPassword))
	s.eventually("the entry of somebody else is met", func() bool {
		found, err := s.Store.Events(s.Context(), store.Filter{Object: zoe.ID})
		return err == nil && len(found) == 1 && found[0].Outcome.Code == event.CodeDNTaken
	})
	return dn
}

// remove removes an entry as its owner does.
func (s *service) remove(slapd *ldaptest.Slapd, dn string) {
	s.Helper()
	conn, err := ldap.DialURL(slapd.URL)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	if err = conn.Bind(slapd.BindDN, slapd.Password); err == nil {
		err = conn.Del(ldap.NewDelRequest(dn, nil))
	}
	if err != nil {
		s.Fatal(err)
	}
}

// day lets the store remember a day.
func (s *service) day() {
	s.Helper()
	now := time.Now()
	for i := range 288 {
		n := int64(i)
		if err := s.Store.RecordSample(s.Context(), store.Sample{
			At: event.Millis(now.Add(-time.Duration(i) * 5 * time.Minute).UnixMilli()), Accepted: 20 + n*n%70, Failed: n % 17 / 15, Backlog: n * 7 % 40,
			Operations: 50, Took: time.Duration(100+n%90) * time.Millisecond,
		}); err != nil {
			s.Fatal(err)
		}
	}
}
