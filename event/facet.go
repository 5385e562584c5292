package event

// Facet is one side of an object. What an event says is settled by the facets that it speaks about, so that the end of an
// account does not wait for an attribute that the directory refuses.
type Facet string

// The facets.
const (
	// FacetExistence: whether there is an entry at all.
	FacetExistence Facet = "existence"
	// FacetAccess: whether the user can log in.
	FacetAccess Facet = "access"
	// FacetRecord: the place and the attributes of the entry.
	FacetRecord Facet = "record"
	// FacetSecret: the password.
	FacetSecret Facet = "secret"
	// FacetMembership: who belongs to a group.
	FacetMembership Facet = "membership"
)

// Facets returns what events of this type speak about first of all. A status event may carry a whole record; it is settled
// by the status all the same, as that is what it was sent for.
func (t Type) Facets() []Facet {
	switch t {
	case TypeUserDisable, TypeUserEnable, TypeUserLock, TypeUserUnlock:
		return []Facet{FacetAccess}
	case TypeUserUpdatePassword:
		return []Facet{FacetSecret}
	case TypeGroupAddUser, TypeGroupRemoveUser:
		return []Facet{FacetMembership}
	}
	switch t.Effect() {
	case EffectDelete:
		return []Facet{FacetExistence}
	default:
		return []Facet{FacetExistence, FacetRecord, FacetAccess, FacetMembership}
	}
}
