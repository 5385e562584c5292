package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// noticeChannel is where the processes that share a database tell each other what they have done.
const noticeChannel = "idaas_ldap"

// The pauses between two tries to listen.
const (
	listenAgain   = time.Second
	listenLongest = 30 * time.Second
)

// canNotify finds out whether others can be told anything: some databases that speak PostgreSQL's protocol have no notices. Then everybody
// finds by looking what others have done.
func (s *Postgres) canNotify(session *session) error {
	_, err := session.row("SELECT pg_notify(?, '')", []any{noticeChannel}, new(string))
	switch {
	case errors.Is(err, ErrUnavailable):
		return err
	case err == nil:
		s.dialect.announce = s.announcement
	}
	return nil
}

// announcement returns statements that pass notices on when the transaction is committed.
func (s *Postgres) announcement(all []Notice) string {
	var statements strings.Builder
	for _, n := range all {
		statements.WriteString("NOTIFY " + noticeChannel + ", '" + strings.ReplaceAll(s.nonce+" "+n.text(), "'", "''") + "'; ")
	}
	return statements.String()
}

// Listen tells of what other processes do until ctx ends. It has a connection of its own, and makes another one when that breaks; what
// happened in between is told as missed. Behind a pooler there is nothing to be heard.
func (s *Postgres) Listen(ctx context.Context, told func(Notice)) {
	if s.pooled || s.dialect.announce == nil {
		<-ctx.Done()
		return
	}
	for pause := listenAgain; ; pause = min(2*pause, listenLongest) {
		if s.listen(ctx, told) {
			pause = listenAgain
		}
		again := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			again.Stop()
			return
		case <-again.C:
		}
	}
}

// listen does so on one connection until that breaks, and reports whether there was one.
func (s *Postgres) listen(ctx context.Context, told func(Notice)) bool {
	conn, err := pgx.ConnectConfig(ctx, s.config.Copy())
	if err != nil {
		return false // said by those who need the database more
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing was written
	if _, err := conn.Exec(ctx, "LISTEN "+noticeChannel); err != nil {
		return false
	}
	told(Notice{What: NoticeMissed})
	for {
		heard, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true
		}
		if sender, text, ok := strings.Cut(heard.Payload, " "); ok && sender != s.nonce {
			if n, ok := readNotice(text); ok {
				told(n)
			}
		}
	}
}
