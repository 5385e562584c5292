package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Notice is something that another process has done with a store. It holds nothing about anybody.
type Notice struct {
	What      Happened
	Directory string
	// Seqs are the deliveries that were settled.
	Seqs []int64
}

// Happened is what a notice is about.
type Happened string

// What happens.
const (
	// NoticeWork: objects of the directory were made due.
	NoticeWork Happened = "work"
	// NoticeSettled: deliveries to the directory came to an outcome.
	NoticeSettled Happened = "settled"
	// NoticeFree: the lease of the directory was given up.
	NoticeFree Happened = "free"
	// NoticeMissed: anything may have happened, in any directory, that nobody was told of.
	NoticeMissed Happened = "missed"
)

// Listen tells of what other processes do until ctx ends. There is none that works with a store in a file, but for commands.
func (s *SQLite) Listen(ctx context.Context, _ func(Notice)) { <-ctx.Done() }

// noticeSeqs is how many deliveries one notice names, so that it stays below what PostgreSQL passes on.
const noticeSeqs = 300

// text writes a notice down for others.
func (n Notice) text() string {
	seqs := make([]string, len(n.Seqs))
	for i, seq := range n.Seqs {
		seqs[i] = strconv.FormatInt(seq, 36)
	}
	return string(n.What) + " " + strings.Join(seqs, ",") + " " + n.Directory
}

// readNotice reads what text has written. It is false for what another version may have.
func readNotice(text string) (n Notice, ok bool) {
	parts := strings.SplitN(text, " ", 3)
	if len(parts) < 3 || !slices.Contains([]Happened{NoticeWork, NoticeSettled, NoticeFree}, Happened(parts[0])) {
		return n, false
	}
	n.What, n.Directory = Happened(parts[0]), parts[2]
	for part := range strings.SplitSeq(parts[1], ",") {
		if part == "" {
			continue
		}
		seq, err := strconv.ParseInt(part, 36, 64)
		if err != nil {
			return n, false
		}
		n.Seqs = append(n.Seqs, seq)
	}
	return n, true
}

// notices are what a transaction has to tell others, once it is committed.
type notices struct {
	work    []string           // directories
	settled map[string][]int64 // by directory
}

// due notes that objects of a directory were made due.
func (n *notices) due(directory string) {
	if !slices.Contains(n.work, directory) {
		n.work = append(n.work, directory)
	}
}

// settle notes that a delivery to a directory came to an outcome.
func (n *notices) settle(directory string, seq int64) {
	if n.settled == nil {
		n.settled = map[string][]int64{}
	}
	n.settled[directory] = append(n.settled[directory], seq)
}

// list returns all that is to be told.
func (n *notices) list() []Notice {
	var all []Notice
	for _, directory := range n.work {
		all = append(all, Notice{What: NoticeWork, Directory: directory})
	}
	for directory, seqs := range n.settled {
		for some := range slices.Chunk(seqs, noticeSeqs) {
			all = append(all, Notice{What: NoticeSettled, Directory: directory, Seqs: some})
		}
	}
	return all
}
