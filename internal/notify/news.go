package notify

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Kind is a sort of news, as a word that machines may rely on.
type Kind string

// The kinds.
const (
	Held        Kind = "held"           // events wait for a person
	Failed      Kind = "failed"         // more events have failed than usual
	Down        Kind = "directory_down" // a directory is not written to
	Certificate Kind = "certificate"    // one ends soon, or has ended
	Store       Kind = "store"          // it is damaged, full or nearly so
	Pull        Kind = "pull"           // IDaaS's own API was not read to the end
	Test        Kind = "test"           // somebody wants to see whether messages arrive
)

// News is something that people should know.
type News struct {
	Kind Kind
	// Subject is what it is about: a directory, an application or a key of the configuration. News of one kind about one subject repeat
	// each other.
	Subject string
	// Text says more, for a person; it may come from outside. InChinese says the same in Chinese, and is empty where it is no other text.
	Text, InChinese string
	// Count is how many events it is about, zero where none are counted, and Names are some of those whom they concern.
	Count int
	Names []string
	// Over: what was told of this kind and subject has ended.
	Over bool
}

// Message is what a receiver is told.
type Message struct {
	News
	// Repeats is how often it has happened since it was told the last time; zero for the first time.
	Repeats int
	At      time.Time
	// Instance is the process that tells it.
	Instance string
	// Language is the one of the texts, English if empty.
	Language Language
}

// Title says in one line what has happened.
func (m Message) Title() string {
	if m.Language == Chinese {
		return m.chineseTitle()
	}
	switch m.Kind {
	case Held:
		if m.Count == 1 {
			return "1 event of " + m.Subject + " is held until a person decides"
		}
		return fmt.Sprintf("%d events of %s are held until a person decides", m.Count, m.Subject)
	case Failed:
		return fmt.Sprintf("%d events of %s have failed", m.Count, cmp.Or(m.Subject, "no directory"))
	case Down:
		if m.Over {
			return "the directory " + m.Subject + " is back"
		}
		return "the directory " + m.Subject + " cannot be written"
	case Certificate:
		return "a certificate needs to be renewed: " + m.Subject
	case Store:
		return "the store is in trouble"
	case Pull:
		return "IDaaS's own API could not be read for " + m.Subject
	case Test:
	}
	return "this is a test"
}

// Action says what to do.
func (m Message) Action() string {
	if m.Language == Chinese {
		return m.chineseAction()
	}
	switch m.Kind {
	case Held:
		return "Look at them in the console or with 'idaas-ldap events list --held', and approve or drop them."
	case Failed:
		return "Look at them with 'idaas-ldap events list --failed', mend the cause, and try again with 'idaas-ldap events retry --failed'."
	case Down:
		if m.Over {
			return "Nothing is to be done; what waited is written now."
		}
		return "Events are kept meanwhile and nothing is lost. Look at the connection, the login and the server."
	case Certificate:
		return "Put the new one in the place of the file; it is read by itself."
	case Store:
		return "Look at the disk and the log of the service; docs/backup.md says how a damaged store is replaced."
	case Pull:
		return "'idaas-ldap pull' says what is in the way; it is tried again by itself."
	case Test:
	}
	return "Nothing is to be done."
}

// What of a message is shown at most.
const (
	mostNames    = 5
	longestName  = 64
	longestText  = 600
	longestTitle = 160
)

// clean returns the message as it may be shown: in its language, one line each, of bounded length, with nothing that turns or moves text.
func (m Message) clean(names bool) Message {
	if m.Language == Chinese {
		m.Text = cmp.Or(m.InChinese, m.Text)
	}
	m.Subject, m.Text, m.InChinese = plain(m.Subject, longestName), plain(m.Text, longestText), ""
	if !names {
		m.Names = nil
	}
	m.Names = slices.Clone(m.Names[:min(len(m.Names), mostNames)])
	for i, name := range m.Names {
		m.Names[i] = plain(name, longestName)
	}
	return m
}
