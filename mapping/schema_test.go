package mapping_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"idaas-ldap/internal/mappingtest"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"idaas-ldap/mapping"
)

// plainSchema returns the schema as JSON knows it.
func plainSchema(t *testing.T) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(mapping.Schema())
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(encoded, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// compiledSchema compiles the schema, which checks it against the schema of schemas.
func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mapping.json", plainSchema(t)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("mapping.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// decode returns YAML as JSON knows it.
func decode(t *testing.T, source []byte) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(source, &value); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func everything(t *testing.T) []byte {
	t.Helper()
	source, err := os.ReadFile("testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestMappingsAreValidBySchema(t *testing.T) {
	schema := compiledSchema(t)
	right := readyMappings(t)
	maps.Copy(right, files(t, "testdata/*.yaml"))
	maps.Copy(right, files(t, "../internal/mappingtest/testdata/*.yaml"))
	right["25 attributes"] = []byte(many)
	right["places"] = []byte(places)
	for name, source := range right {
		if err := schema.Validate(decode(t, source)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What an editor marks is wrong to the program as well. It marks what is wrong with keys, words and shapes; the rest is
// seen by the program only.
func TestSchemaRefusesWrongShapes(t *testing.T) {
	schema := compiledSchema(t)
	wrong := wrongMappings(t)
	for _, name := range []string{
		"unknown_keys", "version", "missing_everything", "section_is_text", "missing_dn_and_match", "match_is_text", "attribute_list", "attribute_names",
		"attribute_sources", "attribute_keys", "allocate", "password", "lifecycle", "on_delete", "members", "guards", "tests_shape", "tests_names", "tests_fields",
	} {
		source, ok := wrong["testdata/wrong/"+name+".yaml"]
		if !ok {
			t.Fatalf("there is no %s", name)
		}
		if err := schema.Validate(decode(t, source)); err == nil {
			t.Errorf("%s is valid by the schema", name)
		}
	}
}

// The example that has everything has every key of the schema, so the program knows them all.
func TestEverythingHasEveryKey(t *testing.T) {
	set := compile(t, string(everything(t)))
	for _, r := range mappingtest.Run(set) {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Name, r.Err)
		}
	}
	root := plainSchema(t)
	used := map[string]bool{}
	walk(root, root, decode(t, everything(t)), "", func(path string, _ map[string]any, value map[string]any) {
		for key := range value {
			used[path+"."+key] = true
		}
	})
	record := regexp.MustCompile(`^\.tests\[\]\.event\.(user|ou|parent|group|members\[\])\.`)
	walk(root, root, decode(t, everything(t)), "", func(path string, schema map[string]any, _ map[string]any) {
		properties, _ := schema["properties"].(map[string]any)
		for key := range properties {
			if name := path + "." + key; !used[name] && !record.MatchString(name) {
				t.Errorf("%s is in the schema and not in the example", name)
			}
		}
	})
}

// Where the program takes keys, it takes those of the schema and no others.
func TestSchemaHasTheKeysOfTheProgram(t *testing.T) {
	root := plainSchema(t)
	known := regexp.MustCompile(`there is no (?:field )?"zzzzzz"(?: here)?; known are (.*)`)
	checked := 0
	document := decode(t, everything(t))
	walk(root, root, document, "", func(path string, schema map[string]any, value map[string]any) {
		properties, isFixed := schema["properties"].(map[string]any)
		if !isFixed || strings.Contains(path, "ous[]") {
			return
		}
		value["zzzzzz"] = "z"
		defer delete(value, "zzzzzz")
		source, err := yaml.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		_, err = mapping.Compile("mapping.yaml", source)
		var wrong *mapping.Errors
		if !errors.As(err, &wrong) {
			t.Errorf("%s: a key that does not exist is accepted", path)
			return
		}
		message := wrong.List[0].Message + "; " + wrong.List[0].Hint
		if message == `there is no field "zzzzzz"; ` { // The fields of users are too many to be listed, and come from the same table.
			return
		}
		match := known.FindStringSubmatch(message)
		if match == nil {
			t.Errorf("%s: %s", path, message)
			return
		}
		got := strings.Split(strings.ReplaceAll(match[1], " and ", ", "), ", ")
		slices.Sort(got)
		want := slices.Sorted(maps.Keys(properties))
		if strings.HasSuffix(path, ".event") {
			want = slices.DeleteFunc(want, func(key string) bool { return !slices.Contains(got, key) }) // it depends on the type
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-schema +program)\n%s", path, diff)
		}
		checked++
	})
	const least = 30
	if checked < least {
		t.Errorf("%d places were checked", checked)
	}
}

// walk calls f for every object of a document with the part of the schema that is for it.
func walk(root, schema map[string]any, value any, path string, f func(path string, schema, value map[string]any)) {
	if ref, ok := schema["$ref"].(string); ok {
		definitions, _ := root["definitions"].(map[string]any)
		schema, _ = definitions[strings.TrimPrefix(ref, "#/definitions/")].(map[string]any)
	}
	if choices, ok := schema["anyOf"].([]any); ok && schema["properties"] == nil {
		for _, choice := range choices {
			part, _ := choice.(map[string]any)
			object, isObject := value.(map[string]any)
			if isObject == (part["type"] == "object") && hasRequired(object, part) {
				walk(root, part, value, path, f)
			}
		}
		return
	}
	switch value := value.(type) {
	case map[string]any:
		f(path, schema, value)
		properties, _ := schema["properties"].(map[string]any)
		for key, below := range value {
			part, ok := properties[key].(map[string]any)
			name := path + "." + key
			if !ok {
				part, _ = schema["additionalProperties"].(map[string]any)
				name = path + ".*"
			}
			if part != nil {
				walk(root, part, below, name, f)
			}
		}
	case []any:
		part, _ := schema["items"].(map[string]any)
		for _, below := range value {
			walk(root, part, below, path+"[]", f)
		}
	}
}

// hasRequired reports whether an object has what a schema demands. One that has not is for another schema.
func hasRequired(object, schema map[string]any) bool {
	required, _ := schema["required"].([]any)
	return object == nil || !slices.ContainsFunc(required, func(key any) bool {
		name, _ := key.(string)
		_, has := object[name]
		return !has
	})
}

// Everything in the schema has a text for the editor to show.
func TestSchemaDescribesEverything(t *testing.T) {
	var look func(path string, v any)
	look = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if properties, ok := v["properties"].(map[string]any); ok {
				for name, p := range properties {
					part, _ := p.(map[string]any)
					description, _ := part["description"].(string)
					if part["$ref"] == nil && (len(description) < 10 || !strings.HasSuffix(description, ".")) {
						t.Errorf("%s.%s: %q", path, name, description)
					}
				}
			}
			for key, below := range v {
				look(path+"."+key, below)
			}
		case []any:
			for i, below := range v {
				look(fmt.Sprintf("%s[%d]", path, i), below)
			}
		}
	}
	look("", plainSchema(t))
}
