package telemetry

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sirupsen/logrus"

	"idaas-ldap/internal/secret"
)

// formatter writes entries through another formatter after it has made their text harmless.
type formatter struct {
	inner logrus.Formatter
}

// Format returns an entry as one line.
func (f *formatter) Format(entry *logrus.Entry) ([]byte, error) {
	clean := *entry
	clean.Message = neutral(strings.TrimSuffix(entry.Message, "\n"))
	clean.Data = make(logrus.Fields, len(entry.Data))
	for key, value := range entry.Data {
		if secretField.MatchString(key) {
			value = secret.Mask
		}
		name := neutralKey(key)
		if slices.Contains(ownKeys, name) {
			name += "_"
		}
		clean.Data[name] = neutralValue(value)
	}
	return f.inner.Format(&clean)
}

// ownKeys are those of an entry itself. A field of that name gets another, so that each is in a line once, whoever searches it.
var ownKeys = []string{logrus.FieldKeyTime, logrus.FieldKeyLevel, logrus.FieldKeyMsg, logrus.FieldKeyLogrusError}

// secretField finds names of fields whose value is a secret, in whatever style they are written. Names of files that
// hold secrets are not among them.
var secretField = regexp.MustCompile(`((?i:passw(or)?d|pwd|secret|token|credential|authorization|cookie|(^|[^a-z])key)s?|[a-z]Keys?)$`)

// jose finds JWS and JWE in compact serialization (RFC 7515, RFC 7516): what they carry is for nobody's eyes, and while
// they are valid they can be sent again.
var jose = regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]*\.[\w-]*(\.[\w-]*\.[\w-]*)?`)

// neutralValue returns a value that prints as one harmless line.
func neutralValue(value any) any {
	switch v := value.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		return v
	case string:
		return neutral(v)
	case []byte:
		return neutral(string(v))
	case time.Time:
		return v.Format(time.RFC3339Nano)
	default:
		// Errors, Stringers and secrets print themselves; a method that panics on nil is caught.
		return neutral(fmt.Sprint(v))
	}
}

// neutral returns text in which nothing begins a new line, moves the cursor or turns the direction of writing, and which
// holds no token.
func neutral(text string) string {
	text = jose.ReplaceAllString(text, secret.Mask)
	if strings.IndexFunc(text, isHostile) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if !isHostile(r) {
			out.WriteRune(r)
			continue
		}
		escaped := strconv.QuoteRuneToASCII(r)
		out.WriteString(escaped[1 : len(escaped)-1])
	}
	return out.String()
}

// neutralKey does the same for the name of a field, which formatters do not quote.
func neutralKey(key string) string {
	return strings.Map(func(r rune) rune {
		if isHostile(r) || unicode.IsSpace(r) || strings.ContainsRune(`="\`, r) {
			return '_'
		}
		return r
	}, key)
}

// isHostile finds control and format characters (among the latter those that turn the direction of writing), the line
// separators of Unicode and what is not UTF-8.
func isHostile(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar
}
