package console_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"idaas-ldap/ldaptest"
)

// The program as somebody builds it is not much larger by the console, and what a new user does with it works: from the demonstration to an edited
// mapping that is in force, in the browser alone.
func TestBrowserTriesTheProgram(t *testing.T) {
	ldaptest.Require(t, ldaptest.Browser)
	program := filepath.Join(t.TempDir(), "idaas-ldap")
	run(t, "go", "build", "-o", program, "idaas-ldap/cmd/idaas-ldap")
	t.Run("which is small", func(t *testing.T) { isSmall(t, program) })
	t.Run("from the demonstration on", func(t *testing.T) { editsTheDemonstration(t, program) })
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, args, err, &complaint)
	}
	return out
}

// mostOfProgram is how much of the program the console may take.
const mostOfProgram = 1_000_000

// isSmall adds up what is in the program only for the console: its files, and the symbols of all packages that nothing else needs.
func isSmall(t *testing.T, program string) {
	t.Helper()
	total := 0
	for _, folder := range []string{"assets", "templates", "texts", "openapi.json"} {
		if err := filepath.WalkDir(folder, func(_ string, f fs.DirEntry, err error) error {
			if err != nil || f.IsDir() {
				return err
			}
			info, err := f.Info()
			total += int(info.Size())
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	files, only := total, onlyForTheConsole(t)
	for line := range strings.Lines(string(run(t, "go", "tool", "nm", "-size", program))) {
		// The address, the size, the kind and the name, which begins with the package or has it after "type:" and the like.
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		name := regexp.MustCompile(`^[a-z.]*:[.*]*(eq\.)?|^go:itab\.\*?`).ReplaceAllString(fields[3], "")
		for _, pkg := range only {
			if strings.HasPrefix(name, pkg+".") {
				size, err := strconv.Atoi(fields[1])
				if err != nil {
					t.Fatal(line)
				}
				total += size
			}
		}
	}
	t.Logf("the console takes %d bytes, %d of them files", total, files)
	if total == files || total > mostOfProgram {
		t.Errorf("the console takes %d bytes of the program, and may take %d", total, mostOfProgram)
	}
}

// onlyForTheConsole returns the packages of the program that would not be in it without the console.
func onlyForTheConsole(t *testing.T) []string {
	t.Helper()
	imports := map[string][]string{}
	for list := json.NewDecoder(bytes.NewReader(run(t, "go", "list", "-deps", "-json=ImportPath,Imports", "idaas-ldap/cmd/idaas-ldap"))); list.More(); {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := list.Decode(&pkg); err != nil {
			t.Fatal(err)
		}
		imports[pkg.ImportPath] = pkg.Imports
	}
	needed := map[string]bool{"idaas-ldap/console": true} // which is not gone through
	var need func(path string)
	need = func(path string) {
		if needed[path] {
			return
		}
		needed[path] = true
		for _, other := range imports[path] {
			need(other)
		}
	}
	need("idaas-ldap/cmd/idaas-ldap")
	only := []string{"idaas-ldap/console"}
	for path := range imports {
		if !needed[path] {
			only = append(only, path)
		}
	}
	return only
}

// demonstration is the program that plays the demonstration and stays up.
type demonstration struct {
	// lines are those that it prints, until it has ended.
	lines chan string
}

func demonstrates(t *testing.T, program string) demonstration {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), program, "demo", "--keep")
	cmd.Env = append(cmd.Environ(), "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	d := demonstration{make(chan string, 1000)}
	go func() {
		defer close(d.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			d.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		for range d.lines { // read to its end, which Wait asks for
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demonstration ends with %v", err)
		}
	})
	return d
}

// says waits for a line with a text, and returns it.
func (d demonstration) says(t *testing.T, text string) string {
	t.Helper()
	end := time.NewTimer(within)
	defer end.Stop()
	for {
		select {
		case line, open := <-d.lines:
			if !open {
				t.Fatalf("the demonstration has ended, and said nothing of %q", text)
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-end.C:
			t.Fatalf("the demonstration said nothing of %q", text)
		}
	}
}

func editsTheDemonstration(t *testing.T, program string) {
	t.Helper()
	d := demonstrates(t, program)
	url := strings.TrimSuffix(strings.TrimSpace(d.says(t, "/console/")), "/console/")
	s := &service{T: t, url: url}
	c := s.chromium()
	c.run("open it", speaks("en"), chromedp.Navigate(url+"/console/"), chromedp.WaitVisible(xpath(`//td[contains(., "demo")]`)))
	c.look("demo", "", "en", 1280, 800, false)
	c.run("find Ann, and the workbench for her", chromedp.Click(xpath(`//nav//a[contains(., "People")]`)), arrives("/people"), chromedp.SendKeys(css(`input[name=who]`), "ann"), chromedp.Submit(css(`input[name=who]`)), arrives("who=ann"),
		chromedp.Click(xpath(`//td//a[contains(., "ann.kim")]`)), arrives("/people/one"), chromedp.Click(xpath(`//a[contains(., "Try it in the mapping")]`)), chromedp.WaitVisible(css("textarea[name=source]")))
	c.run("make a mistake, and see it at its place", typed("    mail: lower(user.email)", "    mail: lowr(user.email)"),
		until(`document.querySelector(".problems [data-line]")?.textContent.includes("did you mean lower") && document.querySelector(".gutter").textContent.includes("▸39")`))
	c.run("mend it, with a rule more", typed("    mail: lowr(user.email)", "    mail: lower(user.email)\n    title: { const: Head of Sales, when: 'user.username == \"ann.kim\"' }"),
		until(`[...document.querySelectorAll("[data-tried] ins")].some((e) => e.textContent.includes("title: Head of Sales"))`),
		until(`document.querySelector("[data-checked] .state.ok") !== null`))
	c.run("look what everybody would get", chromedp.Click(css("[data-compare]")), chromedp.WaitVisible(xpath(`//details//bdi[contains(., "uid=ann.kim")]`)))
	c.run("put it in force", chromedp.Click(css(`button[formaction="/console/mappings/force"]`)), chromedp.WaitVisible(css(`input[name=by]`)),
		chromedp.SendKeys(css(`input[name=by]`), "Ann Admin"), chromedp.Submit(css(`input[name=by]`)), arrives("done=mapping"), chromedp.WaitVisible(css(`p.notice`)))
	d.says(t, "Another mapping is in force")
	d.says(t, "all answered with success")
	c.run("see that the next event has used it", chromedp.Navigate(url+"/console/people?who=ann.kim"), chromedp.Click(xpath(`//td//a[contains(., "ann.kim")]`)), arrives("/people/one"), untilLoaded(
		`[...document.querySelectorAll(".beside section:last-child pre")].some((e) => e.textContent.includes("title: Head of Sales")) && document.body.textContent.includes("user:push")`))
}

// untilLoaded loads the page that is shown again and again, until something holds.
func untilLoaded(condition string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for {
			if _, err := chromedp.WaitVisible(css("main h2"))(ctx, t); err != nil {
				return err
			}
			holds, err := chromedp.Evaluate[bool](condition)(ctx, t)
			if err != nil || holds {
				return err
			}
			if _, err := chromedp.Reload()(ctx, t); err != nil {
				return err
			}
		}
	})
}
