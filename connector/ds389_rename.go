package connector

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// 389 Directory Server (2.3.1 at least) cannot make every rename, and it is not enough to try again once it has refused one:
// when a plug-in refuses a rename, the server takes back what it has done so far, and afterwards it calls entries by wrong
// names or ends with a segmentation fault. So it is never asked for what it would refuse.

// Renames: the plug-in "attribute uniqueness" cannot rename an entry and drop the old name at once where that has a character
// that is escaped in DNs: Lee\, Ann. And an entry that gets another name and another place at once is refused, with 53, if at
// its old place and with its new name it would be above the new place: ou=b to ou=a,ou=a.
func (ds389) Renames(op plan.ModifyDN) []plan.ModifyDN {
	steps := []plan.ModifyDN{op}
	if at := op.DN.Parent().Child(op.NewRDN); !op.NewSuperior.Empty() && op.NewSuperior.Within(at) {
		move, rename := op, op
		move.NewRDN = op.DN.RDN()
		rename.DN, rename.NewSuperior = move.NewDN(), nil
		steps = []plan.ModifyDN{move, rename}
	}
	for i, step := range steps {
		steps[i].DeleteOldRDN = step.DeleteOldRDN && !strings.Contains(step.DN.RDN().String(), `\`)
	}
	return steps
}

// LeavesBehind: with a connection that is cut around the rename of a unit, an entry in it may keep its former DN (2.3.1). It is
// found at that alone.
func (ds389) LeavesBehind() bool { return true }

// integrity is the plug-in that lets references follow.
const integrity = "cn=referential integrity postoperation,cn=plugins,cn=config"

// Settings: we let references follow ourselves.
func (ds389) Settings() []Setting {
	return []Setting{{
		DN: plan.MustParseDN(integrity), Attribute: "nsslapd-pluginEnabled", Value: "off",
		Reason: "with this plug-in the server (2.3.1 at least) loses track of the entries in a unit that is renamed, and refuses to add or " +
			"rename others there, in part even after a restart; idaas-ldap keeps references in order without it",
	}}
}

// aboutOperationsError tells what is usually behind a refusal that says nothing.
func aboutOperationsError(refused *OutcomeError) {
	if refused.Code == ldap.LDAPResultOperationsError && refused.Verb != verbRead {
		refused.Message = strings.TrimPrefix(refused.Message+" (389 Directory Server refuses so when it has lost track of names below a unit that "+
			"was renamed: switch its plug-in referential integrity postoperation off and restart it; names that it still has wrong then are in its database)", " ")
	}
}
