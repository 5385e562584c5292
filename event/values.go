package event

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Values are the fields of one object by canonical name. A name that is missing was not said; nil was said to be empty.
// The other values are string, bool, int64 (milliseconds), and for "ous" a list of maps with "id", "name" and
// "primary". Custom and unknown fields are named "custom.NAME" and "raw.NAME".
type Values map[string]any

// UnmarshalJSON reads values back with the Go types that they were written with.
func (v *Values) UnmarshalJSON(data []byte) error {
	var out map[string]any
	if err := decodeNumbers(data, &out); err != nil {
		return fmt.Errorf("decode values: %w", err)
	}
	for name, value := range out {
		out[name] = integers(value)
	}
	*v = out
	return nil
}

// decodeNumbers decodes JSON and keeps numbers exact for integers to turn into Go's.
func decodeNumbers(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// integers turns the numbers of decoded JSON into int64 where they are whole and into float64 where not.
func integers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = integers(v[k])
		}
	}
	return value
}
