// Package reload keeps the mapping in force the one that its file holds: a [File] is read again when a [Watcher] sees that
// something has happened in its folder.
//
// A new file takes the place of the old one only after it has compiled and the tests inside it have passed, at one moment
// and for everybody who asks from then on. A file that is wrong, or gone, changes nothing: the mapping in force stays, and
// [File.Refused] says why until the file is good again.
//
// The package decides nothing about events. One that has failed because of the mapping is not tried again by itself when
// there is a new one, as nobody knows whether the new one was made for it: 'events retry --failed' does that.
package reload
