// Package acceptance drives the whole product from the outside: signed events go in by HTTP, and what the directory holds
// afterwards is read by a client of its own and by real binds.
//
// The same rows run on every kind of directory. The package holds nothing but tests and what they need.
package acceptance
