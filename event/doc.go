// Package event is the vocabulary of idaas-ldap: what Alibaba Cloud IDaaS says happened, and what is known of an object
// after it has been said.
//
// A verified document goes in ([Decode]); a list of [Change] comes out, one per event, with one name for every field
// whichever generation of names the wire used. [Merge] adds changes to what is known of an object ([Object]), field by
// field in the order of time, so that events may come late, twice and in any order.
//
// The package does no input or output, reads no clock and logs nothing. It never interprets what a field means for a
// directory: that is the mapping's business.
package event
