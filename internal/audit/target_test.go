package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/internal/audit"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// directory answers every read with one entry, and every write as the test says.
type directory struct {
	processor.Target
	entry   *plan.Entry
	answer  error
	written int
}

func (d *directory) Read(context.Context, plan.DN, []string) (*plan.Entry, error) {
	return d.entry, nil
}

func (d *directory) Apply(context.Context, plan.Operation) error {
	d.written++
	return d.answer
}

var ann = plan.MustParseDN("uid=ann,ou=people,dc=example,dc=org")

// recorded makes one write, after a look at the entry, and returns what is recorded of it.
func recorded(t *testing.T, op plan.Operation, answer error, values bool) string {
	t.Helper()
	l := newLogs(t, nil)
	log := l.open(t)
	target := audit.Target{
		Target: &directory{answer: answer, entry: &plan.Entry{DN: ann, Attributes: []plan.Attribute{
			{Name: "mail", Values: []string{"old@example.org"}}, {Name: "userPassword", Values: []string{"{SSHA}c4n4ry"}}, {Name: "member", Values: []string{"cn=many"}},
		}}},
		Directory: "corp", Log: log, Values: values, Clock: func() time.Time { return time.Unix(0, 0) },
	}
	ctx := audit.Begin(t.Context(), audit.Cause{
		Object: event.Ref{Kind: event.KindUser, ID: "user_1"},
		Events: []audit.Event{{Application: "app_example", ID: "evt_1", Type: "ud:user:delete", ApprovedBy: "ann@host"}},
	})
	if _, err := target.Read(ctx, ann, nil); err != nil {
		t.Fatal(err)
	}
	if err := target.Apply(ctx, op); !errors.Is(err, answer) {
		t.Errorf("the processor is told %v", err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	var found []audit.Record
	if err := audit.Read(l.Path, func(r audit.Record) bool {
		found = append(found, r)
		return true
	}); err != nil || len(found) != 1 {
		t.Fatalf("recorded are %v: %v", found, err)
	}
	if found[0].Object.ID != "user_1" || found[0].Directory != "corp" || len(found[0].Events) != 1 || found[0].Events[0].ApprovedBy != "ann@host" {
		t.Errorf("it was done for %+v", found[0])
	}
	text, err := json.Marshal(struct {
		Operation, DN, NewDN string
		Subtree              bool
		Changes              []audit.Change
		Outcome              audit.Outcome
		Reason               string
	}{found[0].Operation, found[0].DN, found[0].NewDN, found[0].Subtree, found[0].Changes, found[0].Outcome, found[0].Reason})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every write is recorded with what it changes, and no password is.
func TestWhatIsRecordedOfAWrite(t *testing.T) {
	replace := plan.Modify{DN: ann, Modifications: []plan.Modification{
		{Type: plan.ReplaceValues, Name: "mail", Values: []string{"new@example.org"}},
		{Type: plan.ReplaceValues, Name: "userPassword", Values: []string{"c4n4ry"}},
		{Type: plan.AddValues, Name: "member", Values: []string{"cn=bob"}},
	}}
	for name, c := range map[string]struct {
		op     plan.Operation
		answer error
		values bool
		want   []string
	}{
		"a change": {replace, nil, false, []string{`"Operation":"modify"`, `{"attribute":"mail","kind":"replace"}`, `"Outcome":"done"`}},
		"a change with its values": {replace, nil, true, []string{
			`{"attribute":"mail","kind":"replace","old":["old@example.org"],"new":["new@example.org"]}`, `{"attribute":"userPassword","kind":"replace"}`,
			`{"attribute":"member","kind":"add","new":["cn=bob"]}`,
		}},
		"a new entry": {plan.Add{DN: ann, Attributes: []plan.Attribute{{Name: "uid", Values: []string{"ann"}}, {Name: "unicodePwd", Values: []string{"c4n4ry"}}}}, nil, true, []string{
			`"Operation":"add"`, `{"attribute":"uid","kind":"add","new":["ann"]}`, `{"attribute":"unicodePwd","kind":"add"}`,
		}},
		"a password":    {plan.SetPassword{DN: ann, Password: secret.New("c4n4ry")}, nil, true, []string{`"Operation":"password"`, `"Changes":null`}},
		"another place": {plan.ModifyDN{DN: ann, NewRDN: ann.RDN(), NewSuperior: plan.MustParseDN("ou=leavers,dc=example,dc=org")}, nil, false, []string{`"NewDN":"uid=ann,ou=leavers,dc=example,dc=org"`}},
		"with all":      {plan.Delete{DN: ann, Subtree: true}, nil, false, []string{`"Operation":"delete"`, `"Subtree":true`}},
		"refused":       {plan.Delete{DN: ann}, &connector.OutcomeError{Kind: connector.KindRefused, Code: 50, Verb: "delete", DN: ann, Message: "no"}, false, []string{`"Outcome":"refused"`, `no`}},
		"broken off":    {plan.Delete{DN: ann}, &connector.OutcomeError{Kind: connector.KindRetry, Verb: "delete", DN: ann, Err: context.Canceled}, false, []string{`"Outcome":"in doubt"`}},
		"in doubt":      {plan.Delete{DN: ann}, &connector.OutcomeError{Kind: connector.KindRetry, InDoubt: true, Verb: "delete", DN: ann}, false, []string{`"Outcome":"in doubt"`}},
	} {
		t.Run(name, func(t *testing.T) {
			got := recorded(t, c.op, c.answer, c.values)
			if !strings.Contains(got, `"DN":"`+ann.String()+`"`) || strings.Contains(got, "c4n4ry") || slices.ContainsFunc(c.want, func(text string) bool { return !strings.Contains(got, text) }) {
				t.Errorf("recorded is %s", got)
			}
		})
	}
}

// A server that was not asked for a write has not done or refused one, however often that is tried again.
func TestWhatNoServerWasAskedForIsNotRecorded(t *testing.T) {
	for _, answer := range []connector.OutcomeError{
		{Kind: connector.KindUnavailable, Verb: "connect", Err: errors.New("connection refused")},
		{Kind: connector.KindConfiguration, Code: 49, Verb: "bind"},
		{Kind: connector.KindReadOnly, Verb: "no server takes writes", Err: errors.New("shadow context")},
	} {
		l := newLogs(t, nil)
		log := l.open(t)
		target := audit.Target{Target: &directory{answer: &answer}, Directory: "corp", Log: log, Clock: time.Now}
		if err := target.Apply(t.Context(), plan.Delete{DN: ann}); !errors.Is(err, &answer) {
			t.Errorf("the processor is told %v", err)
		}
		if end, err := log.Sync(); err != nil || end.Seq != 0 {
			t.Errorf("%s: %d records: %v", answer.Verb, end.Seq, err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What can be in no log does not happen.
func TestNothingIsWrittenWithoutALog(t *testing.T) {
	log := newLogs(t, nil).open(t)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := log.Append(record(1)); err == nil {
		t.Fatal("it is written to a closed file")
	}
	d := &directory{}
	target := audit.Target{Target: d, Directory: "corp", Log: log, Clock: time.Now}
	err := target.Apply(t.Context(), plan.Delete{DN: ann})
	var outcome *connector.OutcomeError
	if !errors.As(err, &outcome) || outcome.Kind != connector.KindRetry || !strings.Contains(err.Error(), "audit log") || d.written > 0 {
		t.Errorf("%d are written: %v", d.written, err)
	}
}
