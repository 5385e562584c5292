// Package reload keeps what is in force the same as what files say: a mapping, a certificate, a password. What a [Held] is made
// of is read again when a [Watcher] sees that something has happened in its folder, and whenever somebody asks for it.
//
// What is new takes the place of the old only after it was found good (a mapping compiles and the tests inside it pass), at one
// moment and for everybody who asks from then on. A file that is wrong, or gone, changes nothing: what was in force stays, and
// [Held.Refused] says why until the file is good again.
//
// The package decides nothing about events. One that has failed because of the mapping is not tried again by itself when
// there is a new one, as nobody knows whether the new one was made for it: 'events retry --failed' does that.
package reload
