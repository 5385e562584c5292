package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"idaas-ldap/internal/secret"
)

// Place is where a store is: a database in a file, or on a server.
type Place struct {
	// File is the path of an SQLite database, URL that of a PostgreSQL database. One of them is given.
	File string
	URL  secret.Text
}

// Carrying carries all that a store holds over into an empty one, with the same key.
type Carrying struct {
	From, To Place
	// ToName says where To is to whoever opens From afterwards. It holds no secret.
	ToName  string
	KeyFile string
	// As says who we are, for whoever finds the work reserved.
	As     string
	Clock  func() time.Time
	Random io.Reader
	// Told, if set, is called now and then with how many rows are carried.
	Told func(done, of int64)
}

// Carried is what was carried of one table.
type Carried struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
	// Digest is made of the values of all rows, in whatever order. It is the same in both databases.
	Digest string `json:"digest"`
}

// ErrHasContent says that a store is not empty.
var ErrHasContent = errors.New("there are events or objects in it already, and nothing is replaced: name an empty database")

// errBrokenOff says that a store has not got everything yet.
var errBrokenOff = errors.New("another store was being carried over to it, and that was broken off: run 'idaas-ldap store migrate' again, which begins anew, before anything else uses it")

// Run does it. Nobody may work with either store meanwhile ([ErrReserved]). Until all is there and was compared nothing is changed in the one
// that it comes from, nobody else opens the other one, and what was broken off is begun again by another Run. From then on nobody works with
// the one that it comes from ([Carrying.TakeBack]).
func (c Carrying) Run(ctx context.Context) ([]Carried, error) {
	from, err := c.open(ctx, c.From, ToChange, false)
	if err != nil {
		return nil, fmt.Errorf("the store that is carried over: %w", err)
	}
	to, err := c.open(ctx, c.To, ToServe, true)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the store that it is carried to: %w", err), from.close())
	}
	carried, err := c.carry(ctx, from, to)
	return carried, errors.Join(err, to.close(), from.close())
}

// end is one of the two stores.
type end struct {
	// session returns a session of its own, of which each statement takes as long as it takes.
	session func(context.Context) (*session, error)
	close   func() error
}

// open opens one of the two and reserves the work on it.
func (c Carrying) open(ctx context.Context, p Place, access Access, arriving bool) (end, error) {
	if p.URL.Empty() {
		s, err := Open(ctx, SQLiteConfig{Path: p.File, Access: access, Reserve: true, As: c.As, arriving: arriving, leaving: !arriving}, c.KeyFile, c.Random)
		if err != nil {
			return end{}, err
		}
		return end{func(ctx context.Context) (*session, error) { return newSession(ctx, s.db, s.dialect) }, s.Close}, nil
	}
	s, err := OpenPostgres(ctx, PostgresConfig{URL: p.URL, Access: access, As: c.As, Clock: c.Clock, arriving: arriving, leaving: !arriving}, c.KeyFile, c.Random)
	if err != nil {
		return end{}, err
	}
	release, err := s.Reserve(ctx)
	if err != nil {
		return end{}, errors.Join(err, s.Close())
	}
	patient := *s.dialect
	patient.longest = carriedWithin
	return end{
		func(ctx context.Context) (*session, error) { return newSession(ctx, s.db, &patient) },
		func() error { return errors.Join(release(), s.Close()) },
	}, nil
}

// carriedWithin bounds one statement that reads a table as a whole.
const carriedWithin = 24 * time.Hour

// within calls work in a transaction. Its writes are stored if it succeeds.
func (e end) within(ctx context.Context, begin func(*dialect) string, work func(*session) error) error {
	s, err := e.session(ctx)
	if err != nil {
		return err
	}
	if err = s.attach(ctx); err == nil {
		defer s.detach()
		err = s.transact(ctx, begin(s.dialect), work)
	}
	if s.lasting {
		err = errors.Join(err, s.close())
	}
	return err
}

func (s *session) transact(ctx context.Context, begin string, work func(*session) error) error {
	err := s.script(ctx, begin)
	if err == nil {
		err = work(s)
	}
	if err == nil {
		return s.script(ctx, "COMMIT")
	}
	if s.script(context.WithoutCancel(ctx), "ROLLBACK") != nil {
		s.discard()
	}
	return err
}

// carry copies everything and compares it. While it does nobody writes to the store that it comes from.
func (c Carrying) carry(ctx context.Context, from, to end) (carried []Carried, err error) {
	alone := func(d *dialect) string { return d.beginAlone }
	err = from.within(ctx, alone, func(source *session) error {
		if err := to.within(ctx, alone, func(target *session) error { return c.copyAll(ctx, source, target) }); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		if carried, err = digestAll(ctx, source); err != nil {
			return fmt.Errorf("read again what was copied: %w", err)
		}
		return to.within(ctx, func(d *dialect) string { return d.beginRead }, func(target *session) error { return compare(ctx, carried, target) })
	})
	if err != nil {
		return nil, err
	}
	if err := from.within(ctx, alone, c.markLeft); err != nil {
		return nil, fmt.Errorf("note where all of it is: %w", err)
	}
	return carried, to.within(ctx, alone, func(target *session) error {
		if err := target.gatherStatistics(ctx); err != nil {
			return err
		}
		_, err := target.exec("DELETE FROM meta WHERE name = ?", arrivingMark)
		return err
	})
}

// compare reads what is in a store and refuses what differs.
func compare(ctx context.Context, want []Carried, target *session) error {
	got, err := digestAll(ctx, target)
	if err != nil {
		return fmt.Errorf("read what has arrived: %w", err)
	}
	for i, table := range want {
		if got[i] != table {
			return fmt.Errorf("the table %s has %d rows with the digest %s and has arrived with %d and %s: somebody else has changed it, or the database does not keep what it is given",
				table.Table, table.Rows, table.Digest, got[i].Rows, got[i].Digest)
		}
	}
	return nil
}

// arrivingMark is the name of the mark in meta of a store that has not got everything yet.
const arrivingMark = "arriving"

// markArriving says that a store has not got everything yet.
func markArriving(s *session) error {
	_, err := s.exec("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", arrivingMark, []byte{1})
	return err
}

// checkArrived refuses a store that has not got everything yet; to the one who carries it over, one that has something which nobody is
// carrying.
func checkArrived(s *session, arriving bool) error {
	var has int
	if _, err := s.row(s.hasTable, []any{"meta"}, &has); err != nil || has == 0 {
		return err
	}
	brokenOff, err := s.row("SELECT 1 FROM meta WHERE name = ?", []any{arrivingMark}, new(int))
	switch {
	case err != nil:
		return err
	case brokenOff && !arriving:
		return errBrokenOff
	case brokenOff || !arriving:
		return nil
	}
	for _, table := range carriedTables {
		if table.bare {
			continue
		}
		if _, err := s.row(s.hasTable, []any{table.name}, &has); err != nil {
			return err
		}
		if has == 0 {
			continue
		}
		if found, err := s.row("SELECT 1 FROM "+table.name+" LIMIT 1", nil, new(int)); err != nil || found {
			return errors.Join(err, ErrHasContent)
		}
	}
	return nil
}

// leftMark is the name of the mark in meta of a store of which everything was carried over to another one. It says where.
const leftMark = "left"

// markLeft says where everything is.
func (c Carrying) markLeft(s *session) error {
	_, err := s.exec("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", leftMark, []byte(c.ToName))
	return err
}

// checkStays refuses a store of which everything was carried over to another one, unless it is only read.
func checkStays(s *session, access Access, leaving bool) error {
	if access == ToRead || leaving {
		return nil
	}
	var has int
	if _, err := s.row(s.hasTable, []any{"meta"}, &has); err != nil || has == 0 {
		return err
	}
	var to []byte
	left, err := s.row("SELECT value FROM meta WHERE name = ?", []any{leftMark}, &to)
	if err == nil && left {
		err = fmt.Errorf("everything in it was carried over to %s, and what has been done since would be done again from here: let store.url say that; or run 'idaas-ldap store take-back' to work with this one all the same", to)
	}
	return err
}

// ErrNotLeft says that nothing was carried over from a store to another one.
var ErrNotLeft = errors.New("nothing was carried over from it to another store, so it serves as it is")

// TakeBack lets From be worked with again of which everything was carried over to another store, and returns where that is.
func (c Carrying) TakeBack(ctx context.Context) (where string, err error) {
	from, err := c.open(ctx, c.From, ToChange, false)
	if err != nil {
		return "", err
	}
	err = from.within(ctx, func(d *dialect) string { return d.beginAlone }, func(s *session) error {
		var to []byte
		left, err := s.row("DELETE FROM meta WHERE name = ? RETURNING value", []any{leftMark}, &to)
		if err == nil && !left {
			err = ErrNotLeft
		}
		where = string(to)
		return err
	})
	return where, errors.Join(err, from.close())
}

// carriedTable is a table whose rows are carried over.
type carriedTable struct {
	name string
	// where leaves out what is said of the database itself.
	where string
	// bare: an empty store has rows of it as well.
	bare bool
	// numbered: its rows are given numbers, of which none is given twice.
	numbered string
}

// carriedTables are all tables but those of the schema's version and of leases, which are about the database itself. What is referred to
// comes first.
var carriedTables = []carriedTable{
	{name: "meta", where: " WHERE name NOT IN ('" + arrivingMark + "', '" + leftMark + "', 'worker')", bare: true},
	{name: "version", bare: true},
	{name: "event", numbered: "id"},
	{name: "delivery", numbered: "seq"},
	{name: "object"},
	{name: "membership"},
	{name: "former_name"},
	{name: "work"},
	{name: "dependency"},
	{name: "number"},
	{name: "pool"},
	{name: "claim"},
	{name: "spent"},
	{name: "owner"},
	{name: "identity"},
	{name: "reading"},
	{name: "sample", bare: true},
	{name: "audit", numbered: "id"},
}

// gatherStatistics lets the database look at what has arrived, where it plans statements by what is in its tables: that of its own accord
// comes a minute later.
func (s *session) gatherStatistics(ctx context.Context) error {
	if s.analyze == "" {
		return nil
	}
	for _, table := range carriedTables {
		if err := s.script(ctx, s.analyze+table.name); err != nil {
			return err
		}
	}
	return nil
}
