// Package receiver is the HTTP side: it takes in the callbacks of IDaaS, makes sure that they come from there, and answers
// in the words that IDaaS understands.
//
// A request goes in; a verified [Delivery] goes to the [Intake], which makes it durable; the outcomes come back as the
// answer. Everything that is not beyond doubt ends here, and a forger learns nothing from the answer: the reason is in the
// log.
//
// The package never speaks LDAP, keeps no state but the public keys of IDaaS, and never logs a token, a document or a
// password.
package receiver
