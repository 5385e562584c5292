package config

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"idaas-ldap/internal/secret"
)

// Setting is one value of the configuration, as it may be shown.
type Setting struct {
	// Key is its path, such as directories[0].tls.ca_file.
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Shown returns all that is set, by the file, the environment or as usual, in the order of the documentation. Of a secret it says no more than that there is one.
func (c *Config) Shown() []Setting { return shownIn("", reflect.ValueOf(*c)) }

func shownIn(at string, v reflect.Value) []Setting {
	switch {
	case isScalar(v.Type()):
		if v.IsZero() && v.Kind() != reflect.Bool {
			return nil
		}
		return []Setting{{at, shownScalar(v)}}
	case v.Kind() == reflect.Slice:
		var all []Setting
		for i := range v.Len() {
			all = append(all, shownIn(fmt.Sprintf("%s[%d]", at, i), v.Index(i))...)
		}
		return all
	}
	var all []Setting
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		if name == "" {
			continue
		}
		all = append(all, shownIn(strings.TrimPrefix(at+"."+name, "."), v.Field(i))...)
	}
	return all
}

// shownScalar writes a value. Text that is a URL may have somebody's login in it, or a token in its query.
func shownScalar(v reflect.Value) string {
	if isSecret(v.Type()) {
		return secret.Mask
	}
	text := fmt.Sprint(v.Interface())
	if v.Kind() != reflect.String || !strings.Contains(text, "://") {
		return text
	}
	address, err := url.Parse(text)
	if err != nil {
		return secret.Mask
	}
	if address.User != nil {
		address.User = url.User("…")
	}
	if address.RawQuery != "" {
		address.RawQuery = "…"
	}
	return address.String()
}
