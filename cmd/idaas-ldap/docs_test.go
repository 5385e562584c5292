package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"idaas-ldap/internal/config"
	"idaas-ldap/mapping"
)

// languages are where the documentation is in each language: its first page, and the folder of the others.
var languages = map[string][2]string{"English": {"README.md", "docs"}, "Chinese": {"README.zh-CN.md", "docs/zh-CN"}}

// documentation returns the pages of a language by their paths.
func documentation(t *testing.T, language string) map[string]string {
	t.Helper()
	root, where := filepath.Join("..", ".."), languages[language]
	paths, err := filepath.Glob(filepath.Join(root, where[1], "*.md"))
	if err != nil || len(paths) < 10 {
		t.Fatalf("%s: %d pages, %v", where[1], len(paths), err)
	}
	pages := map[string]string{}
	for _, path := range append(paths, filepath.Join(root, where[0])) {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Base(path)] = string(source)
	}
	return pages
}

// documented are the pages of all languages, by their paths.
func documented(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for language, where := range languages {
		for page, source := range documentation(t, language) {
			all[where[1]+"/"+page] = source
		}
	}
	return all
}

var (
	fencedBlock = regexp.MustCompile("(?m)^( *)```(\\w*)( \\w+)?\n((?s:.*?))^ *```$")
	inlineCode  = regexp.MustCompile("`([^`\n]+)`")
	redirected  = regexp.MustCompile(`^\d?[<>|&;]`)
)

// prose is a page without its fenced blocks.
func prose(source string) string { return fencedBlock.ReplaceAllString(source, "") }

// parser is that of the program, which ends nothing and prints nothing here.
func docsParser(t *testing.T) *kong.Kong {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Name("idaas-ldap"), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}),
		kong.Vars{"version": "", "events": ""})
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// ran finds the program, and who runs it, at the beginning of a line for the shell.
var ran = regexp.MustCompile(`^\s*(?:[A-Z_]+=\S+ |sudo |runuser -u [\w-]+ -- |go run \./cmd/|(?:\./)?bin/|\./|source <\(|exec )*idaas-ldap\s+(.*)$`)

// commandIn returns the words behind the name of the program in a line for the shell, as far as they belong to it; nil if another one is run.
func commandIn(line string) []string {
	line, _, _ = strings.Cut(line, " # ")
	found := ran.FindStringSubmatch(strings.TrimRight(line, "\n) "))
	if found == nil {
		return nil
	}
	words := strings.Fields(found[1])
	if end := slices.IndexFunc(words, redirected.MatchString); end >= 0 {
		words = words[:end]
	}
	return words
}

// Every command in an example can be given as it stands there.
func TestCommandsOfTheDocumentationAreCommands(t *testing.T) {
	found := 0
	for page, source := range documented(t) {
		for _, block := range fencedBlock.FindAllStringSubmatch(source, -1) {
			if block[2] != "sh" {
				continue
			}
			for line := range strings.Lines(strings.ReplaceAll(block[4], "\\\n", " ")) {
				words := commandIn(line)
				if words == nil {
					continue
				}
				found++
				if _, err := docsParser(t).Parse(words); err != nil {
					t.Errorf("%s: %s: %v", page, strings.TrimSpace(line), err)
				}
			}
		}
	}
	if found < 40 {
		t.Errorf("%d commands were found", found)
	}
}

// Every command that is named in a sentence is one, and so is every flag behind it.
func TestCommandsThatTheDocumentationNamesAreThere(t *testing.T) {
	app := docsParser(t)
	for page, source := range documented(t) {
		for _, code := range inlineCode.FindAllStringSubmatch(prose(source), -1) {
			words, is := strings.CutPrefix(code[1], "idaas-ldap ")
			if !is {
				continue
			}
			node := app.Model.Node
			for _, word := range strings.Fields(words) {
				name, isFlag := strings.CutPrefix(word, "--")
				name, _, _ = strings.Cut(name, "=")
				child := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word })
				switch {
				case isFlag && !slices.ContainsFunc(slices.Concat(node.AllFlags(false)...), func(f *kong.Flag) bool { return f.Name == name }):
					t.Errorf("%s: %s: there is no flag --%s", page, code[0], name)
				case child >= 0:
					node = node.Children[child]
				case !isFlag && node == app.Model.Node && word != "COMMAND":
					t.Errorf("%s: %s: there is no command %s", page, code[0], word)
				}
			}
		}
	}
}

// schemaWithout compiles a schema in which nothing is demanded, as examples show a part of a file.
func schemaWithout(t *testing.T, schema map[string]any) *jsonschema.Schema {
	t.Helper()
	encoded, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	var relax func(v any)
	relax = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if _, isList := v["required"].([]any); isList {
				delete(v, "required")
			}
			for below := range maps.Values(v) {
				relax(below)
			}
		case []any:
			for _, below := range v {
				relax(below)
			}
		}
	}
	relax(document)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// keysOf returns the first keys of a schema.
func keysOf(schema map[string]any) map[string]any {
	keys, _ := schema["properties"].(map[string]any)
	return keys
}

// Every file that is shown in part is one that could be read: of the configuration, or of a mapping. Those with a word behind the fence
// are run by the tests of mapping.
func TestFilesOfTheDocumentationFitTheirSchema(t *testing.T) {
	settings, rules := schemaWithout(t, config.Schema()), schemaWithout(t, mapping.Schema())
	settingKeys, ruleKeys := keysOf(config.Schema()), keysOf(mapping.Schema())
	found := 0
	for page, source := range documented(t) {
		for _, block := range fencedBlock.FindAllStringSubmatch(source, -1) {
			if block[2] != "yaml" || block[3] != "" {
				continue
			}
			var document map[string]any
			if err := yaml.Unmarshal([]byte(block[4]), &document); err != nil {
				t.Errorf("%s: %v\n%s", page, err, block[4])
				continue
			}
			for key := range document {
				schema := settings
				_, isSetting := settingKeys[key]
				_, isRule := ruleKeys[key]
				switch {
				case isRule && !isSetting:
					schema = rules
				case !isSetting:
					t.Errorf("%s: no file has a key %s:\n%s", page, key, block[4])
					continue
				}
				found++
				encoded, err := json.Marshal(document)
				if err != nil {
					t.Fatal(err)
				}
				plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(plain); err != nil {
					t.Errorf("%s: %v\n%s", page, err, block[4])
				}
			}
		}
	}
	if found < 12 {
		t.Errorf("%d files were found", found)
	}
}

// configurationKeys lists the keys of the configuration with their paths, in which the items of a list have empty brackets.
func configurationKeys() []string {
	var keys []string
	var walk func(path string, schema map[string]any)
	walk = func(path string, schema map[string]any) {
		if path != "" {
			keys = append(keys, path)
		}
		for name, below := range keysOf(schema) {
			walk(strings.TrimPrefix(path+"."+name, "."), below.(map[string]any))
		}
		if items, isList := schema["items"].(map[string]any); isList {
			walk(path+"[]", items)
		}
	}
	walk("", config.Schema())
	return keys
}

var index = regexp.MustCompile(`\[\d+\]`)

// What looks like a key of the configuration is one: a path that begins with one of its sections.
func TestKeysThatTheDocumentationNamesAreThere(t *testing.T) {
	keys := configurationKeys()
	for page, source := range documented(t) {
		for _, code := range inlineCode.FindAllStringSubmatch(prose(source), -1) {
			name := index.ReplaceAllString(code[1], "[]")
			section := regexp.MustCompile(`^[a-z]+`).FindString(name)
			rest := strings.TrimPrefix(name, section)
			isPath := (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "[]")) && regexp.MustCompile(`^[a-z_.\[\]]+$`).MatchString(rest)
			isFile := slices.Contains([]string{".key", ".url", ".secret"}, filepath.Ext(name)) || strings.HasPrefix(name, "audit.log") // as examples call them
			if isPath && !isFile && slices.Contains(keys, section) && !slices.Contains(keys, name) {
				t.Errorf("%s: %s is no key of the configuration", page, code[0])
			}
		}
	}
}

// The page about the application in IDaaS has every key that belongs to one.
func TestEveryKeyOfAnApplicationStandsBesideAFieldOfIDaaS(t *testing.T) {
	for language := range languages {
		source := documentation(t, language)["idaas.md"]
		for _, key := range configurationKeys() {
			isLeaf := !slices.ContainsFunc(configurationKeys(), func(other string) bool {
				return strings.HasPrefix(other, key+".") || strings.HasPrefix(other, key+"[")
			}) || strings.HasSuffix(key, "s")
			if strings.HasPrefix(key, "applications[].") && isLeaf && !strings.HasSuffix(key, "[]") && !strings.Contains(source, "`"+key+"`") {
				t.Errorf("%s: %s is not on the page", language, key)
			}
		}
	}
}
