package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"idaas-ldap/internal/config"
)

// plain returns a value as JSON knows it.
func plain(t *testing.T, v any) any {
	t.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// validate checks a configuration against the schema.
func validate(t *testing.T, path string) error {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("config.json", plain(t, config.Schema())); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := yaml.Unmarshal(source, &document); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(plain(t, document))
}

func TestConfigurationsAreValidBySchema(t *testing.T) {
	for _, path := range []string{"../../configs/idaas-ldap.yaml", "testdata/valid.yaml", "testdata/minimal.yaml"} {
		if err := validate(t, path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, name := range []string{"unknown_keys", "shape", "log", "directories"} {
		if err := validate(t, "testdata/wrong/"+name+".yaml"); err == nil {
			t.Errorf("%s is valid by the schema", name)
		}
	}
}

// Everything in the schema has a text for the editor to show, also what is added to the configuration tomorrow.
func TestSchemaDescribesEverything(t *testing.T) {
	var look func(path string, v any)
	look = func(path string, v any) {
		part, _ := v.(map[string]any)
		if description, _ := part["description"].(string); path != "" && !strings.HasSuffix(description, ".") {
			t.Errorf("%s: %q", path, description)
		}
		properties, _ := part["properties"].(map[string]any)
		for name, p := range properties {
			look(path+"."+name, p)
		}
		if items := part["items"]; items != nil {
			look(path+"[]", items)
		}
	}
	look("", plain(t, config.Schema()))
}
