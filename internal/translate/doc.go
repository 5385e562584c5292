// Package translate turns the messages of the program, which are made in English, into Chinese where a person reads them on a page. In goes
// a message as it was made, maybe long ago and by another version; out comes what it says in Chinese, with names, DNs, numbers and the words
// of servers as they are. What it does not know stays English. It never leaves anything out that stands in a message.
package translate
