package mapping

import "idaas-ldap/event"

// inScope reports whether it is certain that an object is within the scope; the error is [ErrOutOfScope] where it is certain that it is
// not. A scope that reads a unit which is not known decides nothing.
func (e *evaluation) inScope() (in bool, err error) {
	scope := e.section.scope
	if scope != nil && scope.readsAbove && e.in.Above == nil && !e.noUnit() {
		return false, nil
	}
	switch in, err := e.condition(scope, "scope"); {
	case err != nil:
		return false, err
	case !in:
		return false, ErrOutOfScope
	}
	return true, nil
}

// noUnit reports whether the object was said to belong to no unit.
func (e *evaluation) noUnit() bool {
	o := e.in.Object
	if o.PrimaryUnit() != "" {
		return false
	}
	_, direct := o.Value(event.FieldPrimaryUnit)
	_, list := o.Value(event.FieldUnits)
	_, above := o.Value(event.FieldParentID)
	return direct || list || above
}

// unitUnknown reports whether the section reads the unit above, which is known by its id only.
func (e *evaluation) unitUnknown() (event.Ref, bool) {
	id := e.in.Object.PrimaryUnit()
	if e.in.Above != nil || id == "" || !e.section.readsAbove() {
		return event.Ref{}, false
	}
	return event.Ref{Kind: event.KindUnit, ID: id}, true
}
