package ldaptest

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

// message is one LDAPMessage (RFC 4511 section 4.1.1).
type message struct {
	id       int64
	op       *ber.Packet
	controls []control
}

// control is one control of a message (RFC 4511 section 4.1.11).
type control struct {
	oid      string
	critical bool
	value    string
}

// maxNesting is the depth of nested elements that is read. Filters nest; no sensible one comes near this.
const maxNesting = 100

var (
	errTooLarge  = errors.New("the message is larger than the server takes")
	errMalformed = errors.New("the message is not BER as LDAP uses it")
)

// readMessage reads one message of at most limit bytes. Every error is the end of the connection.
func readMessage(r *bufio.Reader, limit int) (*message, error) {
	raw, err := readElement(r, limit)
	if err != nil {
		return nil, err
	}
	if err := checkNesting(raw, 0); err != nil {
		return nil, err
	}
	p, err := ber.DecodePacketErr(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if p.ClassType != ber.ClassUniversal || p.Tag != ber.TagSequence || len(p.Children) < 2 || len(p.Children) > 3 {
		return nil, errMalformed
	}
	id, ok := p.Children[0].Value.(int64)
	if !ok || id < 0 || id > 1<<31-1 || p.Children[1].ClassType != ber.ClassApplication {
		return nil, errMalformed
	}
	m := &message{id: id, op: p.Children[1]}
	if len(p.Children) == 3 {
		if m.controls, err = readControls(p.Children[2]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// readElement reads one BER element whole, so that its length is known before anything is made of it.
func readElement(r *bufio.Reader, limit int) ([]byte, error) {
	head, err := r.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0] != 0x30 {
		return nil, errMalformed
	}
	header := 2
	if head[1] >= 0x80 {
		header += int(head[1] & 0x7f)
	}
	if header == 2 && head[1] == 0x80 || header > 6 {
		return nil, errMalformed
	}
	if head, err = r.Peek(header); err != nil {
		return nil, err
	}
	length := int(head[1])
	if header > 2 {
		length = 0
		for _, b := range head[2:] {
			length = length<<8 | int(b)
		}
	}
	if length > limit {
		return nil, errTooLarge
	}
	raw := make([]byte, header+length)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	return raw, nil
}

// checkNesting walks through elements and refuses what is nested too deep and lengths that are not definite
// (RFC 4511 section 5.1), before the decoder builds anything.
func checkNesting(raw []byte, depth int) error {
	if depth > maxNesting {
		return errMalformed
	}
	for len(raw) > 0 {
		if len(raw) < 2 || raw[0]&0x1f == 0x1f {
			return errMalformed
		}
		header, length := 2, int(raw[1])
		if raw[1] >= 0x80 {
			n := int(raw[1] & 0x7f)
			if n == 0 || n > 4 || len(raw) < 2+n {
				return errMalformed
			}
			header, length = 2+n, 0
			for _, b := range raw[2 : 2+n] {
				length = length<<8 | int(b)
			}
		}
		if length > len(raw)-header {
			return errMalformed
		}
		if raw[0]&0x20 != 0 {
			if err := checkNesting(raw[header:header+length], depth+1); err != nil {
				return err
			}
		}
		raw = raw[header+length:]
	}
	return nil
}

func readControls(p *ber.Packet) ([]control, error) {
	if p.ClassType != ber.ClassContext || p.Tag != 0 {
		return nil, errMalformed
	}
	var out []control
	for _, c := range p.Children {
		if len(c.Children) < 1 || len(c.Children) > 3 {
			return nil, errMalformed
		}
		ctl := control{oid: octets(c.Children[0])}
		for _, part := range c.Children[1:] {
			switch part.Tag {
			case ber.TagBoolean:
				ctl.critical, _ = part.Value.(bool)
			case ber.TagOctetString:
				ctl.value = octets(part)
			default:
				return nil, errMalformed
			}
		}
		out = append(out, ctl)
	}
	return out, nil
}

// octets returns the content of a primitive element.
func octets(p *ber.Packet) string { return p.Data.String() }

// integer returns the content of an INTEGER or ENUMERATED.
func integer(p *ber.Packet) int64 {
	n, _ := p.Value.(int64)
	return n
}

// child returns an element of a sequence, an empty one where it is missing, so that what is malformed reads as empty.
func child(p *ber.Packet, i int) *ber.Packet {
	if i < len(p.Children) {
		return p.Children[i]
	}
	return ber.Encode(ber.ClassUniversal, ber.TypePrimitive, ber.TagNULL, nil, "")
}

// attributeLists reads a sequence of attribute descriptions with their values.
func attributeLists(p *ber.Packet) []plan.Attribute {
	out := make([]plan.Attribute, 0, len(p.Children))
	for _, c := range p.Children {
		out = append(out, attributeList(c))
	}
	return out
}

func attributeList(p *ber.Packet) plan.Attribute {
	a := plan.Attribute{Name: octets(child(p, 0))}
	for _, v := range child(p, 1).Children {
		a.Values = append(a.Values, octets(v))
	}
	return a
}

func text(value string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, value, "")
}

func sequence(children ...*ber.Packet) *ber.Packet {
	p := ber.NewSequence("")
	for _, c := range children {
		p.AppendChild(c)
	}
	return p
}

// resultOp makes a response of the kind that carries an LDAPResult.
func resultOp(tag ber.Tag, r *dit.Refusal) *ber.Packet {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(r.Code), ""))
	op.AppendChild(text(dit.Text(r.Matched)))
	op.AppendChild(text(r.Message))
	return op
}

// entryOp makes a search result entry.
func entryOp(dn string, attributes []plan.Attribute) *ber.Packet {
	list := ber.NewSequence("")
	for _, a := range attributes {
		list.AppendChild(attributePacket(a))
	}
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultEntry, nil, "")
	op.AppendChild(text(dn))
	op.AppendChild(list)
	return op
}

func attributePacket(a plan.Attribute) *ber.Packet {
	set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
	for _, v := range a.Values {
		set.AppendChild(text(v))
	}
	return sequence(text(a.Name), set)
}

// encode returns a message as bytes.
func encode(id int64, op *ber.Packet, controls []control) []byte {
	m := sequence(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""), op)
	if len(controls) > 0 {
		list := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		for _, c := range controls {
			list.AppendChild(sequence(text(c.oid), text(c.value)))
		}
		m.AppendChild(list)
	}
	return m.Bytes()
}
