package mapping

import (
	"slices"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Check compares the mapping with the schema of a directory and returns everything that the directory would refuse, in the
// order of the file. filled are the attributes that the server gives a new entry itself.
func (s *Set) Check(schema *plan.Schema, filled []string) []Problem {
	c := comparison{reader: s.reader(), schema: schema, filled: filled}
	for _, kind := range []event.Kind{event.KindUnit, event.KindUser, event.KindGroup} {
		if section := s.sections[kind]; section != nil {
			c.section(section)
		}
	}
	for _, rule := range s.protects {
		c.protects(rule)
	}
	c.errors.finish()
	return c.errors.List
}

// protects checks what a filter of protect compares: what the directory does not know protects nothing.
func (c comparison) protects(rule protectRule) {
	for _, f := range rule.filter.comparisons() {
		at := rule.text.within(len([]rune(rule.text.text[:f.at])))
		name, _, _ := strings.Cut(f.attribute, ":")
		if _, ok := c.schema.Attribute(name); !ok && name != "" {
			c.report(at, c.nearest(name), "the directory's schema has no attribute %s, so this protects nothing", name)
			continue
		}
		if len(f.parts) != 1 || f.operator == ":=" {
			continue
		}
		value := f.parts[0]
		if form := c.schema.Misfit(name, value); form != "" {
			c.problem(at, "a value of %s is %s in the directory, and %q is not, so this protects nothing", name, form, value)
		}
		if _, known := c.schema.ObjectClass(value); plan.SameAttribute(name, "objectClass") && !known {
			c.report(at, didYouMean(value, c.schema.ClassNames()), "the directory's schema has no object class %s, so this protects nothing", value)
		}
	}
}

// reader returns a reader that reports problems of the file.
func (s *Set) reader() *reader { return &reader{file: s.file, lines: s.lines} }

// comparison is that of a mapping with a schema.
type comparison struct {
	*reader
	schema *plan.Schema
	filled []string
}

func (c comparison) section(section *section) {
	// Where a class is unknown nobody can tell what the entries may hold.
	classes := c.classes(section)
	c.writes(section, classes)
	c.names(section, classes)
	if classes {
		c.demands(section)
	}
	for _, m := range section.match {
		for _, name := range m.attributes {
			if _, ok := c.schema.Attribute(name); !ok {
				c.report(m.at, c.nearest(name), "the directory's schema has no attribute %s, so this rule finds nothing", name)
			}
		}
	}
}

func (c comparison) nearest(name string) string { return didYouMean(name, c.schema.AttributeNames()) }

// classAt is where an object class of a section is named; the section itself where the file names none.
func (section *section) classAt(i int) position {
	if i < len(section.classesAt) {
		return section.classesAt[i]
	}
	return section.at
}

// classes checks the object classes themselves and reports whether all are known.
func (c comparison) classes(section *section) bool {
	known := true
	for i, name := range section.objectClasses {
		if _, ok := c.schema.ObjectClass(name); !ok {
			known = false
			c.report(section.classAt(i), didYouMean(name, c.schema.ClassNames()), "the directory's schema has no object class %s", name)
		}
	}
	if known && c.schema.Structural(section.objectClasses) == "" {
		c.report(section.classAt(0), "add one, such as "+defaultClasses[section.kind], "none of the object classes is structural, and every entry has one that is")
	}
	return known
}

// writes checks what the rules, the lifecycle and the members write.
func (c comparison) writes(section *section, classes bool) {
	writers := section.writers()
	for i, w := range writers {
		a, ok := c.schema.Attribute(w.attribute)
		switch {
		case !ok:
			c.report(w.at, c.nearest(w.attribute), "the directory's schema has no attribute %s", w.attribute)
			continue
		case a.ReadOnly:
			c.problem(w.at, "only the directory itself writes %s", w.attribute)
			continue
		case classes && !c.schema.Allows(section.objectClasses, w.attribute):
			c.report(w.at, "add the class that has it to object_classes, or leave it out", "no object class of the section allows %s (they are %s)",
				w.attribute, list(section.objectClasses, "and"))
		}
		if j := slices.IndexFunc(writers[:i], func(other writer) bool {
			return !plan.SameAttribute(other.attribute, w.attribute) && c.schema.Same(other.attribute, w.attribute)
		}); j >= 0 {
			c.report(w.at, "keep one of the two", "%s and %s are one attribute in this directory", w.attribute, writers[j].attribute)
		}
		if a.SingleValue && len(w.constants) > 1 {
			c.problem(w.at, "%s has one value in the directory, and this gives %d", w.attribute, len(w.constants))
		}
		for _, v := range w.constants {
			if form := c.schema.Misfit(w.attribute, v); form != "" {
				c.problem(w.at, "a value of %s is %s in the directory, and %q is not", w.attribute, form, v)
			}
		}
	}
	for _, rule := range section.attributes {
		if rule.value != nil && rule.value.several && c.schema.SingleValued(rule.name) {
			c.report(rule.value.at, "take first(...) of it, or join(..., \", \")", "%s has one value in the directory, and this gives a list", rule.name)
		}
	}
}

// writers are the parts of a section that write attributes of an entry.
func (section *section) writers() []writer {
	var out []writer
	for _, rule := range section.attributes {
		out = append(out, writer{rule.name, aRule, rule.at, rule.constant})
	}
	out = append(out, section.status...)
	if section.members != nil && section.members.Attribute != "" {
		w := writer{attribute: section.members.Attribute, part: "members", at: section.members.at}
		if section.members.Placeholder != "" {
			w.constants = []string{section.members.Placeholder}
		}
		out = append(out, w)
	}
	return out
}

// names checks the attributes that stand in the DN.
func (c comparison) names(section *section, classes bool) {
	for i, rdn := range section.dn.rdns {
		for _, ava := range rdn {
			switch _, ok := c.schema.Attribute(ava.name); {
			case !ok:
				c.report(section.dn.at, c.nearest(ava.name), "the directory's schema has no attribute %s", ava.name)
			case i == 0 && classes && !c.schema.Allows(section.objectClasses, ava.name):
				c.problem(section.dn.at, "entries are named by %s, and no object class of the section allows it (they are %s)",
					ava.name, list(section.objectClasses, "and"))
			}
		}
	}
}

// demands finds attributes that the object classes demand and nothing writes.
func (c comparison) demands(section *section) {
	has := append([]string{"objectClass"}, c.filled...)
	has = append(has, section.dn.names()...)
	for _, rule := range section.attributes {
		has = append(has, rule.name)
	}
	var said []string
	for i, class := range section.objectClasses {
		for _, name := range c.schema.Demands(class) {
			if slices.ContainsFunc(append(has, said...), func(n string) bool { return c.schema.Same(n, name) }) {
				continue
			}
			if m := section.members; m != nil && c.schema.Same(m.Attribute, name) {
				if m.Placeholder == "" {
					c.report(m.at, "name a placeholder", "%s demands %s, and a group without members has none", class, name)
				}
				continue
			}
			said = append(said, name)
			c.report(section.classAt(i), "add a rule for it", "%s demands %s, and nothing writes it", class, name)
		}
	}
}

// Place is an entry that others are below, and that has to be there before them.
type Place struct {
	DN plan.DN
	// What names it as the file does.
	What string
	// Kinds are those of the objects whose entries are made right below it.
	Kinds []event.Kind
	at    position
}

// Places returns the entries that have to be there: the base, the root, where the entries of a section are made, and where
// those are kept that are not at their usual place.
func (s *Set) Places() []Place {
	places := []Place{{DN: s.base, What: "base", at: position{1, 1}}}
	add := func(p Place) {
		i := slices.IndexFunc(places, func(known Place) bool { return known.DN.Equal(p.DN) })
		if i < 0 {
			places = append(places, p)
			return
		}
		places[i].Kinds = append(places[i].Kinds, p.Kinds...)
	}
	if unit := s.sections[event.KindUnit]; unit != nil && unit.rootAt != (position{}) {
		add(Place{DN: unit.root, What: "organizational_unit.root", at: unit.rootAt})
	}
	for _, kind := range []event.Kind{event.KindUnit, event.KindUser, event.KindGroup} {
		c := s.sections[kind]
		if c == nil {
			continue
		}
		p := Place{DN: s.ground(c), What: sectionNames[kind] + ".dn", at: c.dn.at}
		if len(c.dn.literalEnd()) == len(c.dn.rdns)-1 {
			p.Kinds = []event.Kind{kind}
		}
		add(p)
	}
	for _, p := range s.kept {
		p.Kinds = []event.Kind{event.KindUser}
		if strings.HasPrefix(p.What, "on_delete") {
			p.Kinds = []event.Kind{event.KindGroup}
		}
		add(p)
	}
	return places
}

// ProblemAt returns a problem with the part of the file that names a place.
func (s *Set) ProblemAt(p Place, message string) Problem {
	r := s.reader()
	r.problem(p.at, "%s", message)
	return r.errors.List[0]
}

// ObjectClasses returns the object classes of the entries of a kind.
func (s *Set) ObjectClasses(kind event.Kind) []string {
	if c := s.sections[kind]; c != nil {
		return c.objectClasses
	}
	return nil
}

// Writes returns the attributes that the section for a kind writes.
func (s *Set) Writes(kind event.Kind) []string {
	c := s.sections[kind]
	if c == nil {
		return nil
	}
	names := c.dn.names()
	for _, w := range c.writers() {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, w.attribute) }) {
			names = append(names, w.attribute)
		}
	}
	return names
}
