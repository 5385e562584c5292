// Command windowszip packs what is published for Windows: the program, what registers it as a service, the sample configuration, the ready
// mappings and the documentation. The same files give the same bytes.
package main

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "windowszip: %v\n", err)
		os.Exit(1)
	}
}

// content is what is packed beside the program: a pattern of files in the source, and the folder that they are in.
var content = []struct{ pattern, folder string }{
	{"configs/windows/*.cmd", ""},
	{"LICENSE", ""},
	{"NOTICE", ""},
	{"CHANGELOG.md", ""},
	{"README*.md", ""},
	{"configs/idaas-ldap.yaml", "samples"},
	{"configs/mappings/*.yaml", "samples/mappings"},
	{"docs/*.md", "docs"},
	{"docs/example.yaml", "docs"},
	{"docs/zh-CN/*.md", "docs/zh-CN"},
}

// run packs: the file to make, the second that all files in it are of, the program, and the top folder of the source.
func run(args []string) error {
	if len(args) != 4 {
		return errors.New("windowszip ZIP SECOND PROGRAM SOURCE")
	}
	second, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return fmt.Errorf("the second: %w", err)
	}
	out, err := os.OpenFile(args[0], os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	p := packer{zip.NewWriter(out), time.Unix(second, 0).UTC()}
	p.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	return errors.Join(p.all(args[2], args[3]), p.Close(), out.Close())
}

type packer struct {
	*zip.Writer

	at time.Time
}

func (p packer) all(program, source string) error {
	if err := p.file(program, "idaas-ldap/idaas-ldap.exe"); err != nil {
		return err
	}
	for _, c := range content {
		paths, err := filepath.Glob(filepath.Join(source, filepath.FromSlash(c.pattern)))
		if err != nil || len(paths) == 0 {
			return errors.Join(err, fmt.Errorf("there is no %s", c.pattern))
		}
		slices.Sort(paths)
		for _, from := range paths {
			if err := p.file(from, path.Join("idaas-ldap", c.folder, filepath.Base(from))); err != nil {
				return err
			}
		}
	}
	return nil
}

// file packs one. Texts get the line ends that programs of Windows want.
func (p packer) file(from, name string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	if path.Ext(name) != ".exe" {
		raw = []byte(strings.ReplaceAll(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n", "\r\n"))
	}
	w, err := p.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.at})
	if err == nil {
		_, err = w.Write(raw)
	}
	if err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	return nil
}
