package processor_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/processor"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/mapping"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
)

const (
	suffix   = "dc=example,dc=org"
	people   = "ou=people," + suffix
	groups   = "ou=groups," + suffix
	adminDN  = "cn=admin," + suffix
	password = "the admin's"
)

// start is what every directory holds at first.
const start = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: ou=policies,dc=example,dc=org
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,dc=example,dc=org
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
`

// stage is a processor on a directory, with a memory that keeps what the store would keep.
type stage struct {
	*testing.T
	processor *processor.Processor
	directory *watched
	memory    *memory
	at        int64
}

// onBoth plays a scene on a directory in memory and on one that speaks LDAP. Edits change the mapping for OpenLDAP, in pairs
// of old and new text.
func onBoth(t *testing.T, edits []string, scene func(s *stage)) {
	t.Helper()
	set := mappingOf(t, "openldap.yaml", edits)
	t.Run("in memory", func(t *testing.T) {
		// References are followed by the processor here, as by no means every server does it.
		scene(newStage(t, inMemory(t, false), set))
	})
	t.Run("over LDAP", func(t *testing.T) {
		server := startServer(t, ldaptest.Config{NoReferences: true, NoMemberOf: true})
		scene(newStage(t, openDirectory(t, connector.Config{URLs: []string{server.URL()}}), set))
	})
}

// inMemory returns a directory in memory, which follows references itself or leaves that to the processor.
func inMemory(t *testing.T, follows bool) *memdir.Directory {
	t.Helper()
	schema, err := dit.ReadSchema()
	if err != nil {
		t.Fatal(err)
	}
	d, err := memdir.New(memdir.Config{Kind: connector.OpenLDAP, Schema: schema, Suffix: suffix, Follows: follows, Clock: time.Now, Rand: randomness(1)})
	if err == nil {
		err = d.LoadLDIF(start)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// randomness is the same every time.
func randomness(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// mappingOf reads a ready mapping, with edits in pairs of old and new text.
func mappingOf(t *testing.T, file string, edits []string) *mapping.Set {
	t.Helper()
	source, err := os.ReadFile("../configs/mappings/" + file)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(source), "\ntests:")
	for i := 0; i+1 < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("the mapping has no %q", edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	set, err := mapping.Compile(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func startServer(t *testing.T, cfg ldaptest.Config) *ldaptest.Server {
	t.Helper()
	cfg.AdminDN, cfg.AdminPassword, cfg.LDIF = adminDN, secret.New(password), start
	server, err := ldaptest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// openDirectory opens a directory as the administrator of a simulated one.
func openDirectory(t *testing.T, cfg connector.Config) *connector.Directory {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	cfg.Log = log
	if cfg.BindDN == "" {
		cfg.BindDN = adminDN
	}
	if cfg.Credentials == nil {
		cfg.Credentials = connector.Fixed(connector.Credentials{BindPassword: secret.New(password)})
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Minute // more than anything takes on a busy machine
	}
	d, err := connector.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func newStage(t *testing.T, target processor.Target, set *mapping.Set) *stage {
	t.Helper()
	s := &stage{T: t, directory: &watched{Target: target}, at: 1_800_000_000_000}
	s.memory = &memory{objects: map[event.Ref]known{}, waits: map[event.Ref][]event.Ref{}, members: map[string]map[string]event.Membership{}, numbers: map[string]int64{}, names: map[string]event.Ref{}, former: map[event.Ref][]plan.FormerName{}}
	s.processor = processor.New(s.directory, func() *mapping.Set { return set })
	return s
}

// process takes in what was said about an object and brings the directory to it, as the dispatcher does: with what waits of
// that object since earlier, and remembering what came of it.
func (s *stage) process(ref event.Ref, changes ...event.Change) processor.Result {
	s.Helper()
	k := s.memory.objects[ref]
	k.pending = append(k.pending, changes...)
	k.object.Ref = ref
	k.object.Members = s.memory.spokenOf(ref, k.pending)
	task := processor.Task{
		Record: k.Record, Doubted: k.doubted, MayName: k.mayName, Tried: k.before, Remained: k.remained, Known: k.object, Merged: event.Merge(k.object, k.pending),
		Now: event.Millis(s.at), Memory: &memoryOf{memory: s.memory, self: ref}, PasswordTried: k.tried, Alone: true,
	}
	for _, c := range k.pending {
		task.Unlock = task.Unlock || c.Type == event.TypeUserUnlock || c.Type == event.TypeUserEnable
	}
	result := s.processor.Process(s.Context(), task)
	k.DN = s.memory.objects[ref].DN
	s.remember(ref, k, task, result)
	return result
}

func (s *stage) remember(ref event.Ref, k known, task processor.Task, result processor.Result) {
	if ref.Kind == event.KindUnit && result.Matching != nil && !k.DN.Empty() && !result.DN.Empty() {
		s.memory.rebase(result.Matching, k.DN, result.DN)
	}
	k.Record, k.doubted, k.mayName = result.Record, result.Doubted, result.MayName
	k.tried = k.tried || s.memory.noted > 0
	s.memory.noted = 0
	s.memory.waits[ref] = result.WaitsFor
	waits := slices.ContainsFunc(slices.Collect(maps.Values(result.MemberOutcomes)), func(o event.Outcome) bool { return o.State == event.Waiting })
	if result.Outcome.State.Settled() && !waits {
		k.object, k.pending, k.tried, k.mayName = task.Merged.Object, nil, false, nil
		if s.memory.members[ref.ID] == nil {
			s.memory.members[ref.ID] = map[string]event.Membership{}
		}
		maps.DeleteFunc(s.memory.members[ref.ID], func(_ string, word event.Membership) bool { return word.At.Before(k.object.Floor) })
		maps.Copy(s.memory.members[ref.ID], k.object.Members)
	}
	s.memory.objects[ref] = k
}

// done processes and fails the test unless the directory was brought to what was said by exactly these operations, given as
// LDIF; with none, nothing was to be written.
func (s *stage) done(ldif string, ref event.Ref, changes ...event.Change) processor.Result {
	s.Helper()
	s.directory.written = nil
	result := s.process(ref, changes...)
	code := event.CodeApplied
	if ldif == "" {
		code = event.CodeUnchanged
	}
	if result.Outcome.State != event.Done || result.Outcome.Code != code {
		s.Fatalf("%s is %+v; want %s", ref, result.Outcome, code)
	}
	s.wrote(ldif)
	return result
}

// wrote checks what was written since the last look.
func (s *stage) wrote(ldif string) {
	s.Helper()
	var b bytes.Buffer
	if err := plan.WriteLDIF(&b, s.directory.written...); err != nil {
		s.Fatal(err)
	}
	s.directory.written = nil
	if diff := cmp.Diff(strings.TrimSpace(ldif), strings.TrimSpace(b.String())); diff != "" {
		s.Fatalf("written (-want +got):\n%s", diff)
	}
}

// waits processes and fails the test unless the object waits with a code, for certain objects, and names them.
func (s *stage) waits(code event.Code, words []string, on []event.Ref, ref event.Ref, changes ...event.Change) processor.Result {
	s.Helper()
	result := s.process(ref, changes...)
	if result.Outcome.State != event.Waiting || result.Outcome.Code != code {
		s.Fatalf("%s is %+v; want %s", ref, result.Outcome, code)
	}
	if !slices.Equal(result.WaitsFor, on) {
		s.Fatalf("%s waits for %v; want %v", ref, result.WaitsFor, on)
	}
	for _, word := range words {
		if !strings.Contains(result.Outcome.Message, word) {
			s.Errorf("the message does not name %s: %s", word, result.Outcome.Message)
		}
	}
	return result
}

// there returns the entry at a DN, which has to be there.
func (s *stage) there(dn string) *plan.Entry {
	s.Helper()
	e, err := s.directory.Target.Read(s.Context(), plan.MustParseDN(dn), []string{"*"})
	if err != nil || e == nil {
		s.Fatalf("%s is not there: %v", dn, err)
	}
	return e
}

// absent fails the test if there is an entry at a DN.
func (s *stage) absent(dn string) {
	s.Helper()
	e, err := s.directory.Target.Read(s.Context(), plan.MustParseDN(dn), []string{"*"})
	if err != nil || e != nil {
		s.Fatalf("%s is there: %v", dn, err)
	}
}

// make does something to the directory behind the product's back.
func (s *stage) make(operations ...plan.Operation) {
	s.Helper()
	for _, op := range operations {
		if err := s.directory.Target.Apply(s.Context(), op); err != nil {
			s.Fatalf("%s: %v", op.Verb(), err)
		}
	}
}

// person makes an entry behind the product's back.
func person(dn string, attributes ...string) plan.Add {
	name := plan.MustParseDN(dn)
	add := plan.Add{DN: name, Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{"inetOrgPerson"}}, {Name: "cn", Values: []string{"Somebody"}}, {Name: "sn", Values: []string{"Somebody"}},
	}}
	for _, a := range append(attributes, name.RDN()[0].Type+"="+name.RDN()[0].Value) {
		attribute, value, _ := strings.Cut(a, "=")
		add.Attributes = append(add.Attributes, plan.Attribute{Name: attribute, Values: []string{value}})
	}
	return add
}

// say makes an event of the next moment.
func (s *stage) say(kind event.Type, ref event.Ref, fields event.Values) event.Change {
	s.at++
	if fields == nil {
		fields = event.Values{}
	}
	fields[event.FieldID] = ref.ID
	return event.Change{ID: "evnt", Type: kind, Object: ref, Stamp: event.Stamp{Event: event.Millis(s.at)}, Fields: fields}
}

// named says that a user exists, with a name and in a unit.
func (s *stage) named(ref event.Ref, username, unit string) event.Change {
	return s.say(event.TypeUserPush, ref, event.Values{event.FieldUsername: username, event.FieldPrimaryUnit: unit})
}

// called says that a unit exists, with a name and below another.
func (s *stage) called(ref event.Ref, name, parent string) event.Change {
	return s.say(event.TypeUnitPush, ref, event.Values{event.FieldName: name, event.FieldParentID: parent})
}

// watched notes what was written, and lets a test come between the processor and the directory.
type watched struct {
	processor.Target
	written []plan.Operation
	// meddle, if set, is called in place of every operation; write does it.
	meddle func(op plan.Operation, write func() error) error
}

func (w *watched) Apply(ctx context.Context, op plan.Operation) error {
	write := func() error {
		err := w.Target.Apply(ctx, op)
		if err == nil {
			w.written = append(w.written, op)
		}
		return err
	}
	if w.meddle != nil {
		return w.meddle(op, write)
	}
	return write()
}

// once meddles with the first operation of a kind only.
func (w *watched) once(verb string, meddle func(write func() error) error) {
	w.meddle = func(op plan.Operation, write func() error) error {
		if op.Verb() != verb {
			return write()
		}
		w.meddle = nil
		return meddle(write)
	}
}

func user(id string) event.Ref  { return event.Ref{Kind: event.KindUser, ID: id} }
func unit(id string) event.Ref  { return event.Ref{Kind: event.KindUnit, ID: id} }
func group(id string) event.Ref { return event.Ref{Kind: event.KindGroup, ID: id} }
