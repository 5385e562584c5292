package connector

import (
	"fmt"

	"idaas-ldap/plan"
)

// Act is something that the bind account may or may not do.
type Act int

// The acts.
const (
	ActAdd Act = iota
	ActDelete
	// ActDeleteSubtree is to delete an entry together with all below it.
	ActDeleteSubtree
	// ActRename is to give an entry another name where it is, ActMove to bring it from below one entry to below another, and back.
	ActRename
	ActMove
	ActWrite
	ActPassword
)

// Want is a right that somebody lacks.
type Want struct {
	Act Act
	// Who lacks it, and Below is the entry below which it is wanted; of a move that below which it ends, and From that below which it
	// begins.
	Who         string
	Below, From plan.DN
	// Class is the object class of the entries. Attribute is the one to be written; for a rename or a move, the one in the name.
	Class, Attribute string
}

// Grant gives it to everybody whom nothing more is known of.
func (standard) Grant(w Want) string {
	what := map[Act]string{
		ActAdd: "add entries of " + w.Class, ActDelete: "delete entries of " + w.Class, ActDeleteSubtree: "delete entries of " + w.Class + " and all below them", ActRename: "rename and move entries of " + w.Class,
		ActMove:  "rename and move entries of " + w.Class,
		ActWrite: "write " + w.Attribute, ActPassword: "set passwords",
	}[w.Act]
	return fmt.Sprintf("let %s %s below %s", w.Who, what, w.Below)
}

// Grant is a line for slapd.conf, or with olcAccess: {0} in front for cn=config. Who adds, deletes or renames needs the pseudo-attribute children of
// the entry above as well, and who renames the attribute in the name (slapd.access(5)).
func (openLDAP) Grant(w Want) string {
	attributes := "entry,children"
	switch w.Act {
	case ActWrite:
		attributes = w.Attribute
	case ActPassword:
		attributes = "userPassword"
	case ActRename, ActMove:
		attributes += "," + w.Attribute
	case ActAdd, ActDelete, ActDeleteSubtree:
	}
	return fmt.Sprintf("to dn.subtree=%q attrs=%s by dn.exact=%q write by * break", w.Below, attributes, w.Who)
}

// Grant is a value of the attribute aci of the entry below which it is wanted.
func (ds389) Grant(w Want) string {
	rights, attributes := "write", w.Attribute
	switch w.Act {
	case ActAdd:
		rights, attributes = "add", "*"
	case ActDelete, ActDeleteSubtree:
		rights, attributes = "delete", "*"
	case ActRename, ActMove:
		rights = "write,moddn"
	case ActPassword:
		attributes = "userPassword"
	case ActWrite:
	}
	return fmt.Sprintf(`aci: (target="ldap:///%s")(targetattr="%s")(version 3.0; acl "idaas-ldap %s"; allow (%s) userdn="ldap:///%s";)`,
		w.Below, attributes, rights, rights, w.Who)
}

// Grant is a command for a domain controller, or two. CC and DC are to create and delete children, DT to delete with all below, WP to write
// a property, CA an extended right. Who renames an entry writes its name and the attribute in it; who moves it also creates it at the one place and
// deletes it at the other (MS-ADTS section 3.1.1.5.4.1).
func (activeDirectory) Grant(w Want) string {
	const here, below = "/I:T", "/I:S"
	grant := func(inherit string, rights ...string) string {
		command := fmt.Sprintf(`dsacls "%s" %s /G`, w.Below, inherit)
		for _, right := range rights {
			command += fmt.Sprintf(` "%s:%s;%s"`, w.Who, right, w.Class)
		}
		return command
	}
	switch w.Act {
	case ActAdd:
		return grant(here, "CC")
	case ActDelete:
		return grant(here, "DC")
	case ActDeleteSubtree:
		return grant(below, "DT;")
	case ActRename:
		return grant(below, "WP;name", "WP;"+w.Attribute)
	case ActMove:
		if w.Below.Equal(w.From) {
			return grant(here, "DC") // who adds and renames there lacks this alone
		}
		return grant(here, "CCDC") + " && " + grant(below, "WP;name", "WP;"+w.Attribute)
	case ActPassword:
		return grant(below, "CA;Reset Password")
	case ActWrite:
	}
	return grant(below, "WP;"+w.Attribute)
}
