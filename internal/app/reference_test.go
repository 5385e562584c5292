package app

import (
	"cmp"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
)

var update = flag.Bool("update", false, "write the reference of the configuration anew")

// referenceWords are the words of the tables that are no name, by language. What a key means is in the schema in English; in Chinese the
// page itself is where it is written, and every other column comes from the source.
var referenceWords = map[string]map[string]string{
	"../../docs/configuration.md": {},
	"../../docs/zh-CN/configuration.md": {
		"Key and variable": "键和变量", "Value": "值", "Default": "默认值", "Meaning": "含义", "A change takes": "改动何时生效",
		"text": "文本", "number": "数", "bytes": "字节数", "duration": "时长", "path": "路径", "secret": "秘密", "network": "网段", "list of ": "列表：",
		", or in the file ": "，或写在文件 ", " names": " 中", "restart": "重启", "reload": "重新加载", "reload; the file by itself": "重新加载；文件自动", "required": "必填",
	},
}

// setting is one key of the configuration.
type setting struct {
	path, variable, value, twin, standard, meaning, change string
	required                                               bool
}

// The reference has every key with what the source says of it: type, default, meaning, variable, and what a change takes. In Chinese it
// has a meaning for every key as well.
func TestConfigurationReferenceIsThatOfTheSource(t *testing.T) {
	settings := referenceOf(t)
	for path, words := range referenceWords {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got := string(source)
		for i := 0; i < len(settings); {
			section := regexp.MustCompile(`^[a-z]+`).FindString(settings[i].path)
			end := i
			for end < len(settings) && strings.HasPrefix(settings[end].path, section) {
				end++
			}
			got = referenceTable(t, path, got, section, settings[i:end], words)
			i = end
		}
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if diff := gocmp.Diff(string(source), got); diff != "" {
			t.Errorf("%s: -update writes it anew (-page +source)\n%s", path, diff)
		}
	}
}

// referenceTable puts the keys of a section between the marks of the page.
func referenceTable(t *testing.T, path, page, section string, settings []setting, words map[string]string) string {
	t.Helper()
	from, to := "<!-- keys of "+section+" -->\n", "<!-- end of "+section+" -->"
	i, j := strings.Index(page, from), strings.Index(page, to)
	if i < 0 || j < i {
		t.Errorf("%s has no place for the keys of %s: %s%s", path, section, from, to)
		return page
	}
	say := func(word string) string { return cmp.Or(words[word], word) }
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n|---|---|---|---|---|\n", say("Key and variable"), say("Value"), say("Default"), say("Meaning"), say("A change takes"))
	for _, s := range settings {
		meaning := s.meaning
		if len(words) > 0 {
			row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta("`"+s.path+"`") + ` <br> .*\| ([^|]+) \| [^|]* \|$`).FindStringSubmatch(page[i:j])
			if row == nil {
				row = []string{"", "?"}
			}
			if meaning = row[1]; meaning == "?" {
				t.Errorf("%s: say what %s means, in the place of the question mark: %s", path, s.path, s.meaning)
			}
		}
		value, standard := s.value, s.standard
		if s.required {
			standard = say("required")
		}
		if items, isList := strings.CutPrefix(value, "list of "); isList {
			value = say("list of ") + say(items)
		} else {
			value = say(value)
		}
		if s.twin != "" {
			value += say(", or in the file ") + "`" + s.twin + "`" + say(" names")
		}
		fmt.Fprintf(&b, "| `%s` <br> `%s` | %s | %s | %s | %s |\n", s.path, s.variable, value, standard, meaning, say(s.change))
	}
	return page[:i+len(from)] + b.String() + page[j:]
}

// referenceOf lists the keys that hold a value, in the order of the source.
func referenceOf(t *testing.T) []setting {
	t.Helper()
	restart := takesRestart(t)
	var all []setting
	var walk func(path, variable string, kind reflect.Type, schema map[string]any, twin string, required bool)
	walk = func(path, variable string, kind reflect.Type, schema map[string]any, twin string, required bool) {
		if items, isList := schema["items"].(map[string]any); isList && items["properties"] != nil {
			walk(path+"[]", variable+"_0", kind.Elem(), items, "", false)
			return
		}
		if properties, isSection := schema["properties"].(map[string]any); isSection {
			demanded, _ := schema["required"].([]string)
			for i := range kind.NumField() {
				field := kind.Field(i)
				if name := field.Tag.Get("yaml"); name != "" {
					walk(strings.TrimPrefix(path+"."+name, "."), variable+"_"+strings.ToUpper(name), field.Type, properties[name].(map[string]any), field.Tag.Get("file"), slices.Contains(demanded, name))
				}
			}
			return
		}
		s := setting{path: path, variable: variable, twin: twin, value: valueOf(path, kind, schema), change: "reload", required: required}
		if kind.Kind() == reflect.Slice {
			s.variable += "_0"
		}
		s.meaning, _ = schema["description"].(string)
		if value, has := schema["default"]; has {
			s.standard = fmt.Sprintf("`%v`", value)
		}
		switch {
		case restart[path]:
			s.change = "restart"
		case kind == reflect.TypeFor[config.Path](), kind == reflect.TypeFor[[]config.Path]():
			s.change = "reload; the file by itself"
		}
		all = append(all, s)
	}
	walk("", config.Prefix, reflect.TypeFor[config.Config](), config.Schema(), "", false)
	return all
}

// valueOf says what sort of value a key has.
func valueOf(path string, kind reflect.Type, schema map[string]any) string {
	if words, limited := schema["enum"].([]string); limited {
		return "`" + strings.Join(words, "`, `") + "`"
	}
	switch {
	case kind == reflect.TypeFor[time.Duration]():
		return "duration"
	case kind == reflect.TypeFor[secret.Text]():
		return "secret"
	case kind == reflect.TypeFor[config.Path]():
		return "path"
	case kind == reflect.TypeFor[netip.Prefix]():
		return "network"
	case kind.Kind() == reflect.Slice:
		return "list of " + valueOf(path, kind.Elem(), schema["items"].(map[string]any))
	case kind.Kind() == reflect.Bool:
		return "`true`, `false`"
	case kind.Kind() == reflect.String:
		return "text"
	case strings.HasSuffix(path, "bytes"):
		return "bytes"
	}
	return "number"
}

// takesRestart finds out which keys a running service keeps as they were when their value, and nothing else, is another one.
func takesRestart(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{"store.url_file": true} // it is where store.url stands
	before := config.Defaults()
	var walk func(path string, value reflect.Value, next *config.Config)
	walk = func(path string, value reflect.Value, next *config.Config) {
		kind := value.Type()
		for i := range kind.NumField() {
			name, field := kind.Field(i).Tag.Get("yaml"), value.Field(i)
			if name == "" || field.Kind() == reflect.Slice {
				continue // lists are taken over as they are
			}
			at := strings.TrimPrefix(path+"."+name, ".")
			if field.Kind() == reflect.Struct && field.Type() != reflect.TypeFor[secret.Text]() {
				walk(at, field, next)
				continue
			}
			was := reflect.New(field.Type()).Elem()
			was.Set(field)
			other(field)
			_, kept := keep(&before, next)
			found[at] = len(kept) > 0
			field.Set(was)
		}
	}
	next := config.Defaults()
	walk("", reflect.ValueOf(&next).Elem(), &next)
	if !found["receiver.listen"] || found["receiver.path"] || !slices.ContainsFunc(referenceNames(found), func(s string) bool { return strings.HasPrefix(s, "audit.") }) {
		t.Errorf("what takes a restart is not told right: %v", found)
	}
	return found
}

func referenceNames(found map[string]bool) (names []string) {
	for name, restart := range found {
		if restart {
			names = append(names, name)
		}
	}
	return names
}

// other gives a value that it did not have.
func other(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		v.Set(reflect.ValueOf(secret.New("another")))
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	default:
		v.SetInt(v.Int() + 1)
	}
}
