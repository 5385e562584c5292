package processor

import (
	"context"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// Offline returns a directory that holds nothing and that every operation succeeds on: what plans are made against where
// no directory is to be asked. The type is that of the configuration; auto counts as OpenLDAP with its password policy.
func Offline(kind string) Target { return offline{profile: connector.UsualProfile(kind)} }

type offline struct{ profile *connector.Profile }

func (o offline) Profile(context.Context) (*connector.Profile, error) { return o.profile, nil }

func (offline) Find(context.Context, plan.Key) (*plan.Entry, error) { return nil, nil }

func (offline) Read(context.Context, plan.DN, []string) (*plan.Entry, error) { return nil, nil }

func (offline) Children(context.Context, plan.DN, int) ([]plan.DN, error) { return nil, nil }

func (offline) Holding(context.Context, plan.DN, string, []string) (map[string]bool, error) {
	return map[string]bool{}, nil
}

func (offline) Referring(context.Context, plan.DN, []string, string) ([]connector.Reference, error) {
	return nil, nil
}

func (offline) Occupied(context.Context, plan.DN, string, []string) (map[string]bool, error) {
	return map[string]bool{}, nil
}

func (offline) ReferringBelow(context.Context, plan.DN, []string, plan.DN, plan.DN, []plan.DN) ([]connector.Reference, error) {
	return nil, nil
}

func (offline) Apply(context.Context, plan.Operation) error { return nil }
