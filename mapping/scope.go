package mapping

import (
	"github.com/expr-lang/expr/types"

	"idaas-ldap/event"
)

// The names under which an expression sees things.
const (
	nameUser   = "user"
	nameUnit   = "ou"
	nameParent = "parent"
	nameGroup  = "group"
	nameDN     = "dn"
	nameBase   = "base"
	nameCustom = "custom"
	nameRaw    = "raw"
	nameEntry  = "entry"
)

// scope is what the expressions of a section can read: the object, the unit above it, its own DN and the base.
type scope struct {
	kind event.Kind
	// above: units are known to the mapping, so the unit above can be read.
	above bool
	// decided are the attributes that can be read as fields of entry.
	decided []string
}

// undecided returns the scope of what has to be known before anything is decided.
func (s scope) undecided() scope {
	s.decided = nil
	return s
}

// own is the name of the object.
func (s scope) own() string {
	if s.kind == event.KindUnit {
		return nameUnit
	}
	return string(s.kind)
}

// aboveName is the name of the unit above, empty where there is none.
func (s scope) aboveName() string {
	switch {
	case !s.above:
		return ""
	case s.kind == event.KindUser:
		return nameUnit
	case s.kind == event.KindUnit:
		return nameParent
	}
	return ""
}

// fields returns the fields below a name, nil where the name has none.
func (s scope) fields(name string) []event.Field {
	switch name {
	case s.own():
		return event.Fields(s.kind)
	case s.aboveName():
		return event.Fields(event.KindUnit)
	}
	return nil
}

// isRecord reports whether a name stands for a record with fields.
func (s scope) isRecord(name string) bool {
	return name != "" && (name == s.own() || name == s.aboveName() || name == nameEntry && len(s.decided) > 0)
}

// names returns every name that an expression may begin with.
func (s scope) names() []string {
	names := []string{s.own()}
	if above := s.aboveName(); above != "" {
		names = append(names, above)
	}
	if len(s.decided) > 0 {
		names = append(names, nameEntry)
	}
	return append(names, nameDN, nameBase)
}

// fieldNames returns what may stand after a name and a dot.
func (s scope) fieldNames(name string) []string {
	if name == nameEntry {
		return s.decided
	}
	var names []string
	for _, f := range s.fields(name) {
		names = append(names, f.Name)
	}
	if name == s.aboveName() {
		names = append(names, nameDN)
	}
	return append(names, nameCustom, nameRaw)
}

// types returns the types of everything that can be read.
func (s scope) types() types.Map {
	out := types.Map{nameDN: types.String, nameBase: types.String, s.own(): recordTypes(s.fields(s.own()))}
	if above := s.aboveName(); above != "" {
		record := recordTypes(s.fields(above))
		record[nameDN] = types.String
		out[above] = record
	}
	if len(s.decided) > 0 {
		record := types.Map{}
		for _, name := range s.decided {
			record[name] = types.String
		}
		out[nameEntry] = record
	}
	return out
}

func recordTypes(fields []event.Field) types.Map {
	record := types.Map{
		nameCustom: types.Map{types.Extra: types.String},
		nameRaw:    types.Map{types.Extra: types.Any},
	}
	for _, f := range fields {
		record[f.Name] = fieldType(f.Type)
	}
	return record
}

func fieldType(t event.FieldType) types.Type {
	switch t {
	case event.TypeBool:
		return types.Bool
	case event.TypeMillis:
		return types.Int64
	case event.TypeUnits:
		return types.Array(types.Map{"id": types.String, "name": types.String, "primary": types.Bool})
	case event.TypeList:
		return types.Array(types.String)
	default:
		return types.String
	}
}
