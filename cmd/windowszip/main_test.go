package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What is published for Windows is the same bytes each time, has what docs/windows.md speaks of, and registers the service under its name.
func TestWhatIsPublishedForWindows(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(folder, "idaas-ldap.exe")
	if err := os.WriteFile(program, []byte("MZ\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var packed [2][]byte
	for i := range packed {
		path := filepath.Join(folder, string(rune('a'+i))+".zip")
		if err := run([]string{path, "1790000000", program, "../.."}); err != nil {
			t.Fatal(err)
		}
		var err error
		if packed[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(packed[0], packed[1]) {
		t.Error("the same files give other bytes")
	}
	r, err := zip.NewReader(bytes.NewReader(packed[0]), int64(len(packed[0])))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, f := range r.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		texts[f.Name] = string(text)
	}
	if texts["idaas-ldap/idaas-ldap.exe"] != "MZ\n" || texts["idaas-ldap/samples/mappings/active-directory.yaml"] == "" {
		t.Error("it lacks the program or a mapping")
	}
	install, page := texts["idaas-ldap/install.cmd"], texts["idaas-ldap/docs/windows.md"]
	service, err := os.ReadFile("../../cmd/idaas-ldap/service_windows.go")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`serviceName = "(.*)"`).FindSubmatch(service)
	if name == nil || !strings.Contains(install, "sc.exe create "+string(name[1])+" binPath=") || strings.Count(install, "\n") != strings.Count(install, "\r\n") {
		t.Errorf("the service is %q, and is registered by:\n%s", name, install)
	}
	// What the page has typed is what the file does.
	for _, command := range regexp.MustCompile(`(?m)^sc\.exe (\w+) `).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(install, "\nsc.exe "+command[1]+" ") {
			t.Errorf("install.cmd does not do sc.exe %s", command[1])
		}
	}
	for _, named := range []string{"install.cmd", "remove.cmd"} {
		if !strings.Contains(page, "`"+named+"`") || texts["idaas-ldap/"+named] == "" {
			t.Errorf("the page or the archive lacks %s", named)
		}
	}
	for _, wrong := range [][]string{nil, {filepath.Join(folder, "a.zip"), "1", program, "../.."}, {filepath.Join(folder, "c.zip"), "x", program, "../.."}, {filepath.Join(folder, "d.zip"), "1", program, folder}} {
		if run(wrong) == nil {
			t.Errorf("%q is packed", wrong)
		}
	}
	if !slices.ContainsFunc(r.File, func(f *zip.File) bool { return strings.HasPrefix(f.Name, "idaas-ldap/docs/zh-CN/") }) {
		t.Error("it lacks the Chinese pages")
	}
}
