package connector

import (
	"context"

	"idaas-ldap/plan"
)

// Offline returns a directory that holds nothing and that every operation succeeds on: what plans are made against where
// no directory is to be asked. The type is that of the configuration; auto counts as OpenLDAP with its password policy.
func Offline(kind string) Target {
	var f Flavour = openLDAP{locked: true, ended: true, reset: true, policy: true, lockout: true}
	switch kind {
	case ActiveDirectory:
		f = activeDirectory{}
	case DS389:
		f = ds389{}
	case Generic:
		f = generic{}
	}
	return offline{profile: &Profile{Flavour: f, Matching: plan.DefaultMatching()}}
}

type offline struct{ profile *Profile }

func (o offline) Profile(context.Context) (*Profile, error) { return o.profile, nil }

func (offline) Find(context.Context, plan.Key) (*plan.Entry, error) { return nil, nil }

func (offline) Read(context.Context, plan.DN, []string) (*plan.Entry, error) { return nil, nil }

func (offline) Children(context.Context, plan.DN, int) ([]plan.DN, error) { return nil, nil }

func (offline) Holding(context.Context, plan.DN, string, []string) (map[string]bool, error) {
	return map[string]bool{}, nil
}

func (offline) Referring(context.Context, plan.DN, []string, string) ([]Reference, error) {
	return nil, nil
}

func (offline) Occupied(context.Context, plan.DN, string, []string) (map[string]bool, error) {
	return map[string]bool{}, nil
}

func (offline) ReferringBelow(context.Context, plan.DN, []string, plan.DN, plan.DN, []plan.DN) ([]Reference, error) {
	return nil, nil
}

func (offline) Apply(context.Context, plan.Operation) error { return nil }
