// Package app wires the parts together: from a configuration it makes the store, the directories with their mappings,
// the dispatcher, the receiver and the admin listener, starts them in the right order and stops them in the reverse.
//
// It decides nothing. Whoever wants to know how an event goes through the product reads [Open] from top to bottom.
package app
