package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"

	"idaas-ldap/internal/secret"
)

// worldReadable is the permission bit that lets everybody on the machine read a file.
const worldReadable = 0o004

// writableByOthers are the permission bits that let others than its owner change a file.
const writableByOthers = 0o022

// rightsIn returns the permission bits of a file. On Windows they say nothing: rights are not in the mode of a file there.
func rightsIn(mode fs.FileMode) fs.FileMode {
	if runtime.GOOS == "windows" {
		return 0
	}
	return mode.Perm()
}

// resolvePaths makes every relative path relative to the folder of the configuration file.
func (l *loader) resolvePaths(base string) {
	walk("", reflect.ValueOf(l.config).Elem(), func(_ string, value reflect.Value) {
		if path, ok := value.Addr().Interface().(*Path); ok {
			*path = path.under(base)
		}
	})
	if path, ok := strings.CutPrefix(l.config.Store.URL, sqliteScheme); ok {
		l.config.Store.URL = sqliteScheme + string(Path(path).under(base))
	}
}

func (p Path) under(base string) Path {
	if p == "" || filepath.IsAbs(string(p)) {
		return p
	}
	return Path(filepath.Join(base, string(p)))
}

// warnOfWriters warns of files that others than their owner can write: who can decides what they say.
func (l *loader) warnOfWriters(mode fs.FileMode) {
	if rightsIn(mode)&writableByOthers != 0 {
		l.warn("", "others than the owner of the file can write it, and so decide who gets into the directories; take that permission away (chmod go-w)")
	}
	walk("", reflect.ValueOf(l.config).Elem(), func(path string, value reflect.Value) {
		file, ok := value.Interface().(Path)
		if !ok || file == "" {
			return
		}
		if info, err := os.Stat(string(file)); err == nil && info.Mode().IsRegular() && rightsIn(info.Mode())&writableByOthers != 0 {
			l.warn(path, "others than its owner can write %s; take that permission away (chmod go-w)", file)
		}
	})
}

// readSecrets reads the secrets that are kept in files of their own, and warns where others can read along. The mode is
// that of the configuration file.
func (l *loader) readSecrets(mode fs.FileMode) {
	inline := false
	walk("", reflect.ValueOf(l.config).Elem(), func(path string, value reflect.Value) {
		if value.Kind() != reflect.Struct || isScalar(value.Type()) {
			return
		}
		for i := range fields(value.Type()) {
			tag := value.Type().Field(i).Tag
			if tag.Get("file") == "" {
				continue
			}
			here, file := below(path, tag.Get("yaml")), below(path, tag.Get("file"))
			target, paths := value.Field(i), value.Field(twinOf(value.Type(), i))
			given := !target.IsZero()
			inline = inline || given && l.origin(here).position.Variable == ""
			if given && !paths.IsZero() {
				l.wrong(file, "give either %s or %s, not both", tag.Get("yaml"), tag.Get("file"))
				continue
			}
			l.readTwin(file, target, paths)
		}
	})
	inline = inline || isPostgres(l.config.Store.URL) && strings.Contains(l.config.Store.URL, "@") && l.origin("store.url").position.Variable == ""
	if inline && rightsIn(mode)&worldReadable != 0 {
		l.warnings = append(l.warnings, Warning{
			Position{File: l.source.name},
			"the file holds secrets and everybody on this machine can read it; take that permission away (chmod o-r), or move the secrets to files of their own",
		})
	}
}

// readTwin reads one secret, or a list of them, from the files named beside it.
func (l *loader) readTwin(path string, target, paths reflect.Value) {
	switch paths := paths.Interface().(type) {
	case Path:
		if paths != "" {
			target.Set(reflect.ValueOf(l.readSecret(path, paths)))
		}
	case []Path:
		for i, p := range paths {
			target.Set(reflect.Append(target, reflect.ValueOf(l.readSecret(fmt.Sprintf("%s[%d]", path, i), p))))
		}
	}
}

// readSecret reads a file that holds one secret. One line break at its end is not part of the secret.
func (l *loader) readSecret(path string, file Path) secret.Text {
	text, mode, err := readFile(string(file))
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // the name is in the message already
		}
		l.unreadableSecret(path, "cannot read the secret from %s: %v", file, err)
		return secret.Text{}
	}
	content, err := SecretIn(text)
	switch {
	case err != nil:
		l.unreadableSecret(path, "%s %v", file, err)
	case rightsIn(mode)&worldReadable != 0:
		l.warn(path, "everybody on this machine can read %s; take that permission away (chmod o-r)", file)
	}
	return content
}

// SecretIn returns the one line of a file that holds a secret. The line break at its end, and a byte order mark, are not part of
// it.
func SecretIn(file []byte) (secret.Text, error) {
	content := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(string(file), byteOrderMark), "\n"), "\r")
	switch {
	case content == "":
		return secret.Text{}, errors.New("is empty; it should hold the secret")
	case strings.ContainsAny(content, "\r\n"):
		return secret.Text{}, errors.New("has more than one line; it should hold the secret and nothing else")
	}
	return secret.New(content), nil
}

func (l *loader) unreadableSecret(path, format string, args ...any) {
	l.wrong(path, format, args...)
	l.spoilt[path] = true
}

// walk calls visit for every value of a configuration, structs before their fields.
func walk(path string, value reflect.Value, visit func(path string, value reflect.Value)) {
	visit(path, value)
	switch {
	case isScalar(value.Type()):
	case value.Kind() == reflect.Slice:
		for i := range value.Len() {
			walk(fmt.Sprintf("%s[%d]", path, i), value.Index(i), visit)
		}
	default:
		for i, name := range fieldNames(value.Type()) {
			walk(below(path, name), value.Field(i), visit)
		}
	}
}
