package mapping

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"idaas-ldap/event"
)

// onMillis makes a function of a moment; an absent one, zero, less, and what means never give an absent result.
func onMillis(f func(time.Time) string) func(*meter, []any) (any, error) {
	return func(_ *meter, args []any) (any, error) {
		if args[0] == nil {
			return nil, nil
		}
		ms, ok := whole(args[0])
		if s, isText := args[0].(string); isText {
			n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
			ms, ok = n, err == nil || errors.Is(err, strconv.ErrRange) // Then it is the largest or the smallest number.
		}
		if !ok {
			return nil, wrongValue("a moment is a number of milliseconds, and %.40q is none", valueText(args[0]))
		}
		if ms <= 0 || ms >= int64(event.Endless) {
			return nil, nil
		}
		return f(time.UnixMilli(ms).UTC()), nil
	}
}

func generalizedTime(t time.Time) string { return t.Format("20060102150405Z") }

func fileTime(t time.Time) string {
	const from1601To1970 = 11644473600
	return strconv.FormatInt((t.Unix()+from1601To1970)*10_000_000+int64(t.Nanosecond())/100, 10)
}

func epochDays(t time.Time) string {
	const day = 24 * 60 * 60
	return strconv.FormatInt(t.Unix()/day, 10)
}
