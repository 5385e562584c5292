package simulation_test

import (
	"context"
	"errors"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// target is the directory as one instance sees it. As the connector does, it asks for nothing after the work was given up.
type target struct {
	*storm

	by *instance
}

// ask makes an operation when it is its turn. What an instance asks that has crashed arrives nowhere.
func ask[T any](ctx context.Context, t *target, verb string, dn plan.DN, do func() (T, error)) (answer T, err error) {
	failed := t.by.through(verb+" "+dn.Key(), verb == "write", func() error {
		if ctx.Err() != nil {
			return &connector.OutcomeError{Kind: connector.KindRetry, Verb: verb, DN: dn, Err: ctx.Err()}
		}
		answer, err = do()
		return nil
	})
	if failed == errCrashed { //nolint:errorlint // It is that very error.
		failed = &connector.OutcomeError{Kind: connector.KindUnavailable, Verb: verb, DN: dn, InDoubt: verb == "write", Err: errCrashed}
	}
	if failed != nil {
		var none T
		return none, failed
	}
	return answer, err
}

// check finds out whether the directory answers and takes writes, as the connector does: by a change of nothing in an entry that is not there.
func (t *target) check(ctx context.Context) error {
	nothing := plan.Modify{DN: plan.MustParseDN("ou=nowhere," + suffix), Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "description"}}}
	var refused *connector.OutcomeError
	if err := t.Apply(ctx, nothing); errors.As(err, &refused) {
		switch refused.Kind {
		case connector.KindUnavailable, connector.KindRetry, connector.KindReadOnly:
			return err
		}
	}
	_, err := t.Read(ctx, plan.MustParseDN(suffix), nil)
	return err
}

func (t *target) Find(ctx context.Context, key plan.Key) (*plan.Entry, error) {
	return ask(ctx, t, "find", key.Base, func() (*plan.Entry, error) { return t.storm.Find(ctx, key) })
}

func (t *target) Read(ctx context.Context, dn plan.DN, attributes []string) (*plan.Entry, error) {
	return ask(ctx, t, "read", dn, func() (*plan.Entry, error) { return t.storm.Read(ctx, dn, attributes) })
}

func (t *target) ReadNew(ctx context.Context, dn plan.DN, key plan.Key) (*plan.Entry, error) {
	return ask(ctx, t, "read", dn, func() (*plan.Entry, error) { return t.storm.ReadNew(ctx, dn, key) })
}

func (t *target) Children(ctx context.Context, dn plan.DN) ([]plan.DN, error) {
	return ask(ctx, t, "children", dn, func() ([]plan.DN, error) { return t.storm.Children(ctx, dn) })
}

func (t *target) Holding(ctx context.Context, dn plan.DN, attribute string, values []string) (map[string]bool, error) {
	return ask(ctx, t, "holding", dn, func() (map[string]bool, error) { return t.storm.Holding(ctx, dn, attribute, values) })
}

func (t *target) Referring(ctx context.Context, base plan.DN, attributes []string, value string) ([]connector.Reference, error) {
	return ask(ctx, t, "referring", base, func() ([]connector.Reference, error) { return t.storm.Referring(ctx, base, attributes, value) })
}

func (t *target) ReferringBelow(ctx context.Context, base plan.DN, attributes []string, at, was plan.DN, remembered []plan.DN) ([]connector.Reference, error) {
	return ask(ctx, t, "referring", at, func() ([]connector.Reference, error) {
		return t.storm.ReferringBelow(ctx, base, attributes, at, was, remembered)
	})
}

func (t *target) LeftBehind(ctx context.Context, at, was plan.DN, remembered []plan.DN) ([]plan.DN, error) {
	return ask(ctx, t, "left behind", at, func() ([]plan.DN, error) { return t.storm.LeftBehind(ctx, at, was, remembered) })
}

func (t *target) Occupied(ctx context.Context, base plan.DN, attribute string, values []string) (map[string]bool, error) {
	return ask(ctx, t, "occupied", base, func() (map[string]bool, error) { return t.storm.Occupied(ctx, base, attribute, values) })
}

func (t *target) Apply(ctx context.Context, op plan.Operation) error {
	_, err := ask(ctx, t, "write", op.Target(), func() (struct{}, error) { return struct{}{}, t.storm.Apply(ctx, op) })
	return err
}
