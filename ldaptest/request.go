package ldaptest

import (
	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

// request is a message of which it is known what it asks for.
type request struct {
	*message
	verb        string
	dn          string
	who         plan.DN
	responseTag ber.Tag
	content     content
	fault       Fault
}

// read takes the request apart as far as that needs no schema. What is wrong with it counts before what is wrong with the
// controls, and both before the DN; only in a search the DN comes first.
func (r *request) read(d *dit.Directory) (err error) {
	if r.verb == "search" {
		if _, err := d.ParseDN(r.dn); err != nil {
			return err
		}
	}
	if r.content, err = readContent(r); err != nil {
		return err
	}
	r.controls, err = applicable(r.controls, r.verb)
	return err
}

// answer is what goes back: entries of a search first, then the result.
type answer struct {
	result   *dit.Refusal
	entries  [][]byte
	controls []control
	// referral are URLs of other servers that go with the result.
	referral []string
	name     string
	value    *string
	startTLS bool
}

// request tells what a message asks for, nil where it is none of LDAP's requests.
func (c *session) request(m *message) *request {
	r := &request{message: m}
	switch m.op.Tag {
	case ldap.ApplicationBindRequest:
		r.verb, r.dn, r.responseTag = "bind", octets(child(m.op, 1)), ldap.ApplicationBindResponse
	case ldap.ApplicationSearchRequest:
		r.verb, r.dn, r.responseTag = "search", octets(child(m.op, 0)), ldap.ApplicationSearchResultDone
	case ldap.ApplicationModifyRequest:
		r.verb, r.dn, r.responseTag = "modify", octets(child(m.op, 0)), ldap.ApplicationModifyResponse
	case ldap.ApplicationAddRequest:
		r.verb, r.dn, r.responseTag = "add", octets(child(m.op, 0)), ldap.ApplicationAddResponse
	case ldap.ApplicationDelRequest:
		r.verb, r.dn, r.responseTag = "delete", octets(m.op), ldap.ApplicationDelResponse
	case ldap.ApplicationModifyDNRequest:
		r.verb, r.dn, r.responseTag = "modrdn", octets(child(m.op, 0)), ldap.ApplicationModifyDNResponse
	case ldap.ApplicationCompareRequest:
		r.verb, r.dn, r.responseTag = "compare", octets(child(m.op, 0)), ldap.ApplicationCompareResponse
	case ldap.ApplicationExtendedRequest:
		r.verb, r.responseTag = "extended", ldap.ApplicationExtendedResponse
		switch octets(child(m.op, 0)) {
		case oidStartTLS:
			r.verb = "starttls"
		case oidWhoAmI:
			r.verb = "whoami"
		case oidPasswordMod:
			r.verb = "password"
			r.dn, _, _ = readPasswordModify(m.op)
		}
	default:
		return nil
	}
	return r
}

// answer does what is asked for.
func (c *session) answer(r *request) answer {
	var a answer
	err := r.read(c.server.dir)
	if err != nil {
		return answer{result: dit.AsRefusal(err)}
	}
	switch r.verb {
	case "bind":
		err = c.bind(r)
	case "search":
		a, err = c.search(r)
	case "compare":
		err = c.compare(r)
	case "add", "modify", "modrdn", "delete":
		a, err = c.write(r)
	default:
		a, err = c.extended(r)
	}
	switch {
	case err != nil:
		a.result = dit.AsRefusal(err)
	case a.result == nil:
		a.result = &dit.Refusal{}
	}
	return a
}
