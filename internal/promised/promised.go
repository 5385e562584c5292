// Package promised compares what users rely on with what earlier versions had, for tests: names of commands, metrics, fields and the like, one to
// a line. What an earlier version had is in configs/testdata/compat, is never changed, and has to be there in every later version of the same
// major one.
//
//	what a package has, as lines -> [Keep] -> an error for each line of an earlier version that is gone
package promised

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// variable names the version for which [Keep] writes down what there is, when it is released.
const variable = "PROMISED_VERSION"

// Keep fails the test for whatever an earlier version had of a subject and this one has not. Root is the path of the repository.
func Keep(t *testing.T, root, subject string, has []string) {
	t.Helper()
	folder := filepath.Join(root, "configs", "testdata", "compat")
	if version := os.Getenv(variable); version != "" { //nolint:forbidigo // A test has no main.
		slices.Sort(has)
		write(t, filepath.Join(folder, version, "promised", subject+".txt"), strings.Join(slices.Compact(has), "\n")+"\n")
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*", "promised", subject+".txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no earlier version has promised %s: write it by %s=0.1.0 (%v)", subject, variable, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSuffix(line, "\n"); !slices.Contains(has, line) {
				t.Errorf("%s has promised: %s", path, line)
			}
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o750)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Members returns the members that a value has as JSON, each with its path and type.
func Members(name string, value any) []string { return members(name, reflect.TypeOf(value), nil) }

func members(name string, of reflect.Type, above []reflect.Type) []string {
	switch {
	case of.Kind() == reflect.Pointer:
		return members(name, of.Elem(), above)
	case of.Kind() == reflect.Slice && of.Elem().Kind() != reflect.Uint8:
		return members(name+"[]", of.Elem(), above)
	case of.Kind() == reflect.Map:
		return members(name+"{}", of.Elem(), above)
	case of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]() || writesItself(of) || slices.Contains(above, of):
		return []string{name + " " + sort(of)}
	}
	var all []string
	for i := range of.NumField() {
		field := of.Field(i)
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case tag == "-" || !field.IsExported() && !field.Anonymous:
		case field.Anonymous && tag == "":
			all = append(all, members(name, field.Type, append(above, of))...)
		case tag == "":
			all = append(all, members(name+"."+field.Name, field.Type, append(above, of))...)
		default:
			all = append(all, members(name+"."+tag, field.Type, append(above, of))...)
		}
	}
	return all
}

// writesItself reports whether a type says itself how it looks as JSON.
func writesItself(of reflect.Type) bool {
	for _, method := range []string{"MarshalJSON", "MarshalText"} {
		if _, has := of.MethodByName(method); has {
			return true
		}
	}
	return false
}

// sort is what a type is in JSON.
func sort(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Interface:
		return "any"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	default:
		return fmt.Sprint(of)
	}
}
