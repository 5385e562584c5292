package processor_test

import (
	"fmt"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
)

// standing is a login status of a user in IDaaS.
type standing struct{ disabled, locked, expired bool }

func (s standing) usable() bool { return !s.disabled && !s.locked && !s.expired }

func (s standing) String() string {
	return fmt.Sprintf("disabled %t, locked %t, expired %t", s.disabled, s.locked, s.expired)
}

// maxFailure is the number of wrong passwords after which the servers of the tests lock an account.
const maxFailure = 5

// standings are all of them.
func standings() []standing {
	var all []standing
	for i := range 8 {
		all = append(all, standing{disabled: i&1 != 0, locked: i&2 != 0, expired: i&4 != 0})
	}
	return all
}

const hour = event.Millis(time.Hour / time.Millisecond)

// fields are what IDaaS says of a standing.
func (w *world) fields(s standing) event.Values {
	out := event.Values{"status": event.StatusEnabled, "lockExpireTime": int64(-1), "accountExpireTime": int64(-1)}
	if s.disabled {
		out["status"] = event.StatusDisabled
	}
	if s.locked {
		out["lockExpireTime"] = w.at + int64(hour)
	}
	if s.expired {
		out["accountExpireTime"] = w.at - int64(hour)
	}
	return out
}

// become sends the events that lead from one standing to another, each by itself.
func (w *world) become(ref event.Ref, from, to standing) {
	w.Helper()
	all := w.fields(to)
	part := func(kind event.Type, field string) {
		w.Helper()
		if o := w.process(ref, w.say(kind, ref, event.Values{field: all[field]})).Outcome; o.State != event.Done {
			w.Fatalf("%s: from %s to %s: %s: %s", ref, from, to, o.Code, o.Message)
		}
	}
	if from.disabled != to.disabled {
		part(map[bool]event.Type{true: event.TypeUserDisable, false: event.TypeUserEnable}[to.disabled], "status")
	}
	if from.locked != to.locked {
		part(map[bool]event.Type{true: event.TypeUserLock, false: event.TypeUserUnlock}[to.locked], "lockExpireTime")
	}
	if from.expired != to.expired {
		part(event.TypeUserUpdateInfo, "accountExpireTime")
	}
}

// checkStatus walks a user through every change from one standing to another and looks at every step whether the user can
// log in. That, and nothing else, is what the standing comes to.
func checkStatus(t *testing.T, w *world) {
	t.Helper()
	t.Run("from every standing to every other", func(t *testing.T) {
		w := w.in(t)
		ann := user("walk")
		w.create(ann, "walk", "Correct-Horse-0", nil)
		w.login(ann, "Correct-Horse-0", true)
		at, password := standing{}, 0
		for _, a := range standings() {
			for _, b := range standings() {
				for _, next := range []standing{a, b} {
					w.become(ann, at, next)
					w.login(ann, fmt.Sprintf("Correct-Horse-%d", password), next.usable())
					w.quiet(ann)
					at = next
				}
				// A new password changes nothing of that.
				password++
				if o := w.password(ann, fmt.Sprintf("Correct-Horse-%d", password)).Outcome; o.Code != event.CodeApplied {
					t.Fatalf("a password while %s: %s: %s", at, o.Code, o.Message)
				}
				w.login(ann, fmt.Sprintf("Correct-Horse-%d", password-1), false)
				w.login(ann, fmt.Sprintf("Correct-Horse-%d", password), at.usable())
				w.quiet(ann)
			}
		}
	})
	t.Run("known before the user is", func(t *testing.T) {
		w := w.in(t)
		for i, s := range standings() {
			ref := user(fmt.Sprintf("before%d", i))
			fields := w.fields(s)
			delete(fields, "accountExpireTime")
			waits := w.process(ref, w.say(event.TypeUserDisable, ref, event.Values{"status": fields["status"], "lockExpireTime": fields["lockExpireTime"]}))
			if waits.Outcome.Code != event.CodeWaitsForRecord {
				t.Fatalf("a status of somebody unknown: %+v", waits.Outcome)
			}
			w.password(ref, "Correct-Horse-1")
			// The record is older than what was said of the status.
			c := w.say(event.TypeUserCreate, ref, record(ref.ID, event.Values{"accountExpireTime": w.fields(s)["accountExpireTime"]}))
			c.Stamp.Event -= 10
			w.must(event.CodeApplied, ref, c)
			w.login(ref, "Correct-Horse-1", s.usable())
			w.quiet(ref)
		}
	})
	t.Run("said when the user is made, with the password or before it", func(t *testing.T) {
		w := w.in(t)
		for i, s := range standings() {
			together, later := user(fmt.Sprintf("with%d", i)), user(fmt.Sprintf("later%d", i))
			w.create(together, together.ID, "Correct-Horse-1", w.fields(s))
			w.login(together, "Correct-Horse-1", s.usable())
			w.quiet(together)
			w.create(later, later.ID, "", w.fields(s))
			w.quiet(later)
			w.password(later, "Correct-Horse-1")
			w.login(later, "Correct-Horse-1", s.usable())
			w.quiet(later)
		}
	})
	t.Run("a lock ends by itself", func(t *testing.T) {
		w := w.in(t)
		ref := user("ends")
		w.create(ref, "ends", "Correct-Horse-1", w.fields(standing{locked: true}))
		w.login(ref, "Correct-Horse-1", false)
		w.at += 2 * int64(hour)
		w.must(event.CodeApplied, ref)
		w.login(ref, "Correct-Horse-1", true)
		w.quiet(ref)
	})
	t.Run("a lock of the server's own is lifted by an unlock and by nothing else", func(t *testing.T) {
		w := w.in(t)
		ref := user("guess")
		w.create(ref, "guess", "Correct-Horse-1", nil)
		for range 7 {
			w.guesses(ref)
		}
		w.login(ref, "Correct-Horse-1", false)
		w.must(event.CodeApplied, ref, w.say(event.TypeUserPush, ref, record("guess", event.Values{"displayName": "Ann Kim"})))
		w.login(ref, "Correct-Horse-1", false)
		w.must(event.CodeApplied, ref, w.say(event.TypeUserUnlock, ref, event.Values{"lockExpireTime": int64(-1)}))
		w.login(ref, "Correct-Horse-1", true)
	})
	t.Run("what lifts a lock of the server's own leaves no wrong password counted", func(t *testing.T) {
		w := w.in(t)
		wrong := func(ref event.Ref, times int) {
			for range times {
				w.guesses(ref)
			}
		}
		for name, lift := range map[string]func(ref event.Ref){
			"unlock": func(ref event.Ref) {
				w.must(event.CodeApplied, ref, w.say(event.TypeUserUnlock, ref, event.Values{"lockExpireTime": int64(-1)}))
			},
			"enable": func(ref event.Ref) {
				w.must(event.CodeApplied, ref, w.say(event.TypeUserEnable, ref, event.Values{"status": event.StatusEnabled}))
			},
			"disable": func(ref event.Ref) {
				w.become(ref, standing{}, standing{disabled: true})
				w.become(ref, standing{disabled: true}, standing{})
			},
		} {
			ref := user("count" + name)
			w.create(ref, ref.ID, "Correct-Horse-1", nil)
			wrong(ref, maxFailure)
			w.login(ref, "Correct-Horse-1", false)
			lift(ref)
			wrong(ref, maxFailure-1)
			w.login(ref, "Correct-Horse-1", true)
			w.quiet(ref)
		}
	})
	t.Run("the guards hold a disabling, but not what follows a password", func(t *testing.T) {
		w := w.in(t)
		ref := user("guard")
		w.create(ref, "guard", "Correct-Horse-1", w.fields(standing{disabled: true}))
		w.memory.denied = true
		w.password(ref, "Correct-Horse-2")
		w.login(ref, "Correct-Horse-2", false)
		w.memory.denied = false
		w.become(ref, standing{disabled: true}, standing{})
		w.memory.denied = true
		if o := w.process(ref, w.say(event.TypeUserDisable, ref, event.Values{"status": event.StatusDisabled})).Outcome; o.Code != event.CodeGuarded {
			t.Fatalf("a guarded disabling: %+v", o)
		}
		w.login(ref, "Correct-Horse-2", true)
	})
}

// checkPasswords shows that passwords are set, refused and kept to themselves, however the server is reached.
func checkPasswords(t *testing.T, a ldaptest.Access, mapping string, keepsHistory bool) {
	t.Helper()
	for _, how := range []over{ldaps, startTLS} {
		t.Run("over "+how.String(), func(t *testing.T) {
			w := enter(t, a, how, mapping)
			ref := user("pw" + how.String())
			w.create(ref, ref.ID, "Correct-Horse-1", nil)
			w.login(ref, "Correct-Horse-1", true)
			w.password(ref, `Påßwörd "密码" 🐎 1`)
			w.login(ref, `Påßwörd "密码" 🐎 1`, true)
			w.login(ref, "Correct-Horse-1", false)
			refused(t, w, ref, "Ab1-")
			w.login(ref, `Påßwörd "密码" 🐎 1`, true)
			if !keepsHistory {
				return
			}
			refused(t, w, ref, "Correct-Horse-1")
			// The one in use is no refusal: the directory says so already.
			if r := w.password(ref, `Påßwörd "密码" 🐎 1`); r.Outcome.Code != event.CodeUnchanged || secretOf(r) != nil {
				t.Fatalf("the password in use: %+v", r)
			}
			// After a crash nobody knows whether the first try was the one that the history remembers.
			k := w.memory.objects[ref]
			k.tried = true
			w.memory.objects[ref] = k
			if r := w.password(ref, "Correct-Horse-1"); r.Outcome.Code != event.CodeApplied || secretOf(r) != nil {
				t.Fatalf("a repeat after a crash: %+v", r)
			}
		})
	}
	t.Run("refused when the user is made", func(t *testing.T) {
		w := enter(t, a, ldaps, mapping)
		ref := user("refused")
		c := w.say(event.TypeUserCreate, ref, record("refused", nil))
		c.Password = secret.New("Ab1-")
		result := w.process(ref, c)
		if secretOf(result) == nil || secretOf(result).Code != event.CodePasswordRefused {
			t.Fatalf("a bad password of a new user: %+v", result)
		}
		w.quiet(ref)
		w.password(ref, "Correct-Horse-1")
		w.login(ref, "Correct-Horse-1", true)
	})
}

func refused(t *testing.T, w *world, ref event.Ref, password string) {
	t.Helper()
	result := w.password(ref, password)
	o := secretOf(result)
	if o == nil || o.State != event.Failed || o.Code != event.CodePasswordRefused {
		t.Fatalf("the password %q is not refused: %+v", password, result)
	}
	if secret.New(password).In(o.Message) {
		t.Fatalf("the message holds the password: %s", o.Message)
	}
	t.Log(o.Message)
}
