// Package pull reads the organization from IDaaS's own API and brings what differs in as events of our own.
//
// In: the answers of the API, and what is known of each object. Out: changes of the types event.TypePull and event.TypePullAbsent. It never
// writes to a directory, never asks IDaaS to change anything, never says anything about a password, and concludes nothing from an answer
// that was not whole.
package pull
