// Package notify tells people what waits for them: events that are held or fail, a directory that is down, a certificate that ends.
//
// [News] go in and never wait; messages go out to webhooks and by mail, to each receiver in a queue of its own. What repeats is told once
// and then as a number. The package does not know how anything becomes news, never decides anything, and puts no secret into a message.
package notify
