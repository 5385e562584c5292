// Package jsonscan takes JSON (RFC 8259) apart in one pass and without copying: the members of an object and the items of
// an array are slices of the text that was given.
//
// Documents of IDaaS hold JSON in strings in JSON. A decoder that works on values goes over each level several times; here
// every octet of a level is looked at once, and checked. Nothing is kept, and nothing is logged.
package jsonscan
