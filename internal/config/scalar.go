package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"idaas-ldap/internal/secret"
)

// isScalar reports whether values of a type are written as one word.
func isScalar(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[secret.Text](), reflect.TypeFor[netip.Prefix]():
		return true
	}
	return t.Kind() != reflect.Struct && t.Kind() != reflect.Slice
}

// isSecret reports whether values of a type, or in it, must not be shown.
func isSecret(t reflect.Type) bool {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t == reflect.TypeFor[secret.Text]()
}

// setScalar reads text as a value of the type of into. Otherwise it leaves into alone and returns what is wrong.
func setScalar(text string, into reflect.Value) (wrong string) {
	switch p := into.Addr().Interface().(type) {
	case *secret.Text:
		*p = secret.New(text)
	case *Path:
		*p = Path(text)
	case *string:
		*p = text
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Sprintf("%q is not a duration; write it as 8s, 10m or 720h", text)
		}
		*p = d
	case *netip.Prefix:
		prefix, wrong := parsePrefix(text)
		if wrong != "" {
			return wrong
		}
		*p = prefix
	case *bool:
		if text != "true" && text != "false" {
			return fmt.Sprintf("%q is neither true nor false", text)
		}
		*p = text == "true"
	default:
		bits := 64
		if into.Kind() == reflect.Int {
			bits = strconv.IntSize
		}
		n, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, bits)
		if err != nil {
			return fmt.Sprintf("%q is not a whole number", text)
		}
		into.SetInt(n)
	}
	return ""
}

// parsePrefix reads a network in CIDR notation (RFC 4632), or one address.
func parsePrefix(text string) (prefix netip.Prefix, wrong string) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		return netip.PrefixFrom(address, address.BitLen()), ""
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Sprintf("%q is not a network; write it as 192.0.2.0/24 or 2001:db8::/32", text)
	}
	if prefix != prefix.Masked() {
		return netip.Prefix{}, fmt.Sprintf("%s is an address inside the network %s; write the network, or the address alone", text, prefix.Masked())
	}
	return prefix, ""
}

// expectation says what a value of a type is written as.
func expectation(t reflect.Type) string {
	switch {
	case isScalar(t):
		return "one value"
	case t.Kind() == reflect.Slice:
		return "a list"
	default:
		return "keys with values"
	}
}
