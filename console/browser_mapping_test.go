package console_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// typed puts a text where another one is in the editor, as somebody who types does, with the caret behind it.
func typed(old, now string) step {
	return until(fmt.Sprintf(`(() => {
  const source = document.querySelector("textarea[name=source]"), at = source.value.indexOf(%q);
  source.focus();
  source.setSelectionRange(at, at + %d);
  return at >= 0 && document.execCommand("insertText", false, %q);
})()`, old, len(old), now))
}

// update has the picture of the documentation made anew, and shownPicture is where it is.
var update = flag.Bool("update", false, "make the picture of the documentation anew")

const (
	shownPicture   = "../docs/console.png"
	largestPicture = 150_000
)

// picture takes the picture that the documentation shows, where that is asked for.
func (c *chromium) picture() {
	c.Helper()
	if !*update {
		return
	}
	var taken []byte
	c.run("take the picture", call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1100, Height: 700, DeviceScaleFactor: 1}),
		until(`(document.querySelector("textarea[name=source]").scrollTop = 450) > 0`), until(`document.querySelector(".gutter").scrollTop === 450`),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			answer, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{})
			taken = answer.Data
			return err
		}))
	if len(taken) > largestPicture {
		c.Errorf("the picture has %d bytes", len(taken))
	}
	if err := os.WriteFile(shownPicture, taken, 0o644); err != nil {
		c.Fatal(err)
	}
}

// The documentation shows a picture that is there.
func TestTheDocumentationShowsAPicture(t *testing.T) {
	info, err := os.Stat(shownPicture)
	if err != nil || info.Size() > largestPicture {
		t.Errorf("the picture: %v", err)
	}
	for _, name := range []string{"../README.md", "../README.zh-CN.md"} {
		if text, err := os.ReadFile(name); err != nil || !strings.Contains(string(text), "(docs/console.png)") {
			t.Errorf("%s does not show it: %v", name, err)
		}
	}
}

// The stories of a mapping edit that is wrong at first, and of somebody without an account because of the mapping, in a real browser with
// a real directory and by the keyboard.
func TestBrowserMendsAMapping(t *testing.T) {
	ldaptest.Require(t, ldaptest.Browser)
	slapd := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	s := serve(t, target{slapd.URL, slapd.BindDN, slapd.Password}, "")
	before := s.Directories()[0].Mapping()
	s.write(s.mapping, s.edited("description: user.description\n  password", `description: 'user.username == "una.low" ? fail("una has no description") : user.description'`+"\n  password"))
	s.eventually("the rule is in force", func() bool { return s.Directories()[0].Mapping() != before })
	people := s.company()
	una := idaastest.User{ID: s.tenant.NewUserID(), Username: "una.low", DisplayName: "Una Low", Unit: people.unit.ID}
	s.send(s.tenant.CreateUser(una, userPassword))
	failed := s.in(event.Failed, 1)
	c := s.chromium()

	c.run("find who has no account, and why", chromedp.Navigate(c.url+"/console/people?who=una"), chromedp.Click(xpath(`//td//a[contains(., "una.low")]`)),
		chromedp.WaitVisible(xpath(`//dd[contains(., "una has no description")]`)), chromedp.Click(xpath(`//a[contains(., "Try it in the mapping")]`)),
		chromedp.WaitVisible(xpath(`//div[@data-tried]//*[contains(., "una has no description")]`)))
	c.look("mapping_person", "", "en", 1440, 900, false)
	c.run("make a mistake", typed(`fail("una has no description")`, `fial("oh")`), until(`document.querySelector(".problems [data-line]")?.textContent.includes("did you mean fail")`),
		until(`document.querySelector(".marks div:not([hidden])") !== null && document.querySelector(".gutter").textContent.includes("▸")`))
	c.look("mapping_wrong", "", "en", 360, 740, true)
	c.look("mapping_wrong", "", "en", 1440, 900, false)
	c.run("mend it with a word that is offered", typed(`fial("oh")`, `norm`), chromedp.WaitVisible(css(".words li")), press(escape), until(`document.querySelector(".words").hidden && document.activeElement.name === "source"`),
		press(offers), chromedp.WaitVisible(css(".words li")), press(enter),
		until(`document.querySelector("textarea[name=source]").value.includes('"una.low" ? normalize')`), until(`document.querySelector(".words").hidden`),
		typed(`"una.low" ? normalize`, `"una.low" ? "of the sales team"`), until(`[...document.querySelectorAll("[data-tried] ins")].some((e) => e.textContent.includes("of the sales team"))`),
		until(`document.querySelector("[data-checked] .state.ok") !== null`))
	c.look("mapping_mended", "", "en", 1440, 900, false)
	c.picture()
	c.look("mapping_mended", "", "en", 1440, 900, true)
	c.run("go on where the session has ended", call(network.ClearBrowserCookies, cdp.Empty{}), chromedp.Click(css("[data-check-now]")),
		until(`document.querySelector("[data-checked] .wrong")?.textContent.includes("The session has ended")`), chromedp.Click(css("[data-check-now]")),
		until(`document.querySelector("[data-checked] .state.ok") !== null && document.querySelector("textarea[name=source]").value.includes("of the sales team")`))
	c.run("compare everybody", chromedp.Click(css("[data-compare]")), chromedp.WaitVisible(xpath(`//details//bdi[contains(., "una.low")]`)))
	c.run("put it in force", chromedp.Click(css(`button[formaction="/console/mappings/force"]`)), chromedp.WaitVisible(css(`input[name=by]`)))
	c.look("mapping_force", "", "en", 1440, 900, false)
	c.look("mapping_force", "", "zh-CN", 360, 740, false)
	c.run("confirm", chromedp.SendKeys(css(`input[name=by]`), "Ann Admin"), chromedp.Submit(css(`input[name=by]`)),
		chromedp.WaitVisible(css(`p.notice`)))
	if !strings.Contains(s.onDisk(), "of the sales team") {
		t.Error("it is not written")
	}
	c.run("try again", chromedp.Navigate(c.url+"/console/events/one?seq="+seqsOf(failed)[0]), chromedp.Click(css(`button[value=retry]`)), chromedp.WaitVisible(css(`input[name=by]`)),
		chromedp.Submit(css(`input[name=by]`)), chromedp.WaitVisible(css(`p.notice`)))
	s.eventually("there is an account", func() bool {
		found, _, err := s.Store.FindByName(s.Context(), store.NameFilter{Prefix: "una"})
		return err == nil && len(found) == 1 && !found[0].Record.DN.Empty()
	})
	c.run("see the account", chromedp.Navigate(c.url+"/console/people?who=una"), chromedp.WaitVisible(xpath(`//td[contains(., "uid=una.low,ou=Research")]`)))
}
