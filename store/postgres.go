package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"idaas-ldap/internal/secret"
)

// PostgresConfig is what a store on a PostgreSQL server is made from.
type PostgresConfig struct {
	// URL is that of the database (postgres://...). What it leaves out is taken from where every program of PostgreSQL looks: the
	// file of passwords, the file of services and the variables that begin with PG.
	URL secret.Text
	// Access is what it is opened for.
	Access Access
	Seal   *Seal
	// As says who we are, for whoever finds a lease taken.
	As string
	// Clock is by what a lease ends for the one who has it. LeaseFor is how long one lasts that is not renewed; zero for what is usual.
	Clock    func() time.Time
	LeaseFor time.Duration
	// Growth is how many rows are worked on between two looks at how much the tables have grown; zero for no look, where the server gathers
	// statistics by itself alone.
	Growth int64
	// Together is how much of what waits at the same moment is stored or read together at most; zero for what is usual.
	Together int

	arriving bool // another store is carried over to it
	leaving  bool // it is carried over to another store, or taken back
}

// Postgres is a store on a PostgreSQL server. Several processes may write to it, one transaction after the other.
type Postgres struct {
	database

	db       *sql.DB
	config   *pgx.ConnConfig
	known    int    // version of the schema
	pooled   bool   // somebody stands between, who gives each transaction another connection
	nonce    string // by which our own notices are told
	owner    string // of leases: no other process, and no other store of this one, has the same
	clock    func() time.Time
	leaseFor time.Duration
	growth   *growth // nil where nobody looks
	closed   sync.Once
}

var _ Store = (*Postgres)(nil)

// connectWithin is how long it may take to get a connection, where the URL does not say.
const connectWithin = 5 * time.Second

// OpenPostgres opens a store on a PostgreSQL server with the key in a file of 64 hex digits. Where it is opened to serve, its tables
// are made if absent and brought up to date; with them, and never later, a key is made from random.
func OpenPostgres(ctx context.Context, cfg PostgresConfig, keyFile string, random io.Reader) (*Postgres, error) {
	s, there, err := cfg.look(ctx, keyFile)
	if err != nil {
		return nil, postgresError(err)
	}
	var made made
	if !there && cfg.Seal == nil {
		known := exists(keyFile)
		if cfg.Seal, err = LoadOrCreateKey(keyFile, random); err == nil && !known {
			made = append(made, keyFile)
		}
	}
	if err == nil {
		s.seal = cfg.Seal
		s.nonce, err = drawNonce(random)
		s.owner = fmt.Sprintf("%s (%s)", cfg.As, s.nonce)
	}
	if err == nil {
		err = s.open(ctx, cfg)
	}
	if err != nil {
		err = errors.Join(err, s.Close())
		made.unmake()
		return nil, postgresError(err)
	}
	return s, nil
}

// drawNonce draws a name that nobody else has.
func drawNonce(random io.Reader) (string, error) {
	nonce := make([]byte, 6)
	if _, err := io.ReadFull(random, nonce); err != nil {
		return "", fmt.Errorf("draw a number: %w", err)
	}
	return hex.EncodeToString(nonce), nil
}

// ExaminePostgres reports why OpenPostgres would fail, and whether somebody works on what is due. It changes nothing.
func ExaminePostgres(ctx context.Context, cfg PostgresConfig, keyFile string) (running bool, err error) {
	s, _, err := cfg.look(ctx, keyFile)
	if err != nil {
		return false, postgresError(err)
	}
	err = s.within(ctx, func(session *session) error {
		running, err = isWorkedOn(session)
		return err
	})
	return running, postgresError(errors.Join(err, s.Close()))
}

// isWorkedOn reports whether somebody has a lease.
func isWorkedOn(session *session) (running bool, err error) {
	if isOutdated(session) {
		return false, nil
	}
	_, err = session.row("SELECT COUNT(*) > 0 FROM lease WHERE until >= "+databaseNow, nil, &running)
	return running, err
}

// look is the part of opening that changes nothing: it connects, reports whether the tables are there, takes their key, and finds what
// would keep the rest from succeeding.
func (cfg *PostgresConfig) look(ctx context.Context, keyFile string) (s *Postgres, there bool, err error) {
	s, err = cfg.connect()
	if err != nil {
		return nil, false, err
	}
	err = s.within(ctx, func(session *session) error {
		if err := s.prepareWherePossible(session); err != nil {
			return err
		}
		version, err := versionOf(session)
		if err != nil {
			return err
		}
		there = version > 0
		if !there && cfg.Access != ToServe {
			return ErrNoStore
		}
		if err := cfg.key(there, keyFile); err != nil {
			return &Misconfigured{Key: true, Err: err}
		}
		if err := checkVersion(session, cfg.Access); err != nil || cfg.Seal == nil {
			return err
		}
		if err := checkMark(session, cfg.Seal); err != nil {
			return err
		}
		if cfg.arriving {
			if running, err := isWorkedOn(session); err != nil || running {
				return errors.Join(err, ErrReserved)
			}
		}
		return errors.Join(checkArrived(session, cfg.arriving), checkStays(session, cfg.Access, cfg.leaving))
	})
	if err != nil {
		return nil, there, errors.Join(fmt.Errorf("open the store: %w", err), s.Close())
	}
	return s, there, nil
}

// key takes the key from its file, which may be absent where it is going to be made.
func (cfg *PostgresConfig) key(there bool, keyFile string) error {
	if cfg.Seal != nil {
		return nil
	}
	var err error
	cfg.Seal, err = LoadKey(keyFile)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case missing && there:
		return fmt.Errorf("the file %s with the key that the store was made with is not there: put it back, or copy it from another instance; no other key opens the store, so none is made", keyFile)
	case missing:
		if err = mayMake(keyFile); err != nil {
			return fmt.Errorf("make the store's key %s: %w", keyFile, err)
		}
	}
	return err
}

// connect prepares connections. None is made yet.
func (cfg *PostgresConfig) connect() (*Postgres, error) {
	config, err := pgx.ParseConfig(cfg.URL.Reveal())
	if err != nil {
		return nil, &Misconfigured{Err: errors.New("open the store: the URL of the database cannot be read; write it as postgres://USER@HOST:5432/DATABASE?sslmode=verify-full")} // without the URL
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectWithin
	}
	names, err := migrationNames()
	if err != nil {
		return nil, err
	}
	s := &Postgres{
		known:    len(names),
		database: database{dialect: postgresDialect(len(names)).together(cfg.Together), seal: cfg.Seal, loads: newLoads(cfg.Together), opened: newOpened()}, db: stdlib.OpenDB(*config), config: config,
		clock: cfg.Clock, leaseFor: cmp.Or(cfg.LeaseFor, leaseUsual),
	}
	s.db.SetMaxOpenConns(1 + readSessions)
	s.db.SetMaxIdleConns(1 + readSessions)
	s.db.SetConnMaxLifetime(connectionsFor)
	return s, nil
}

// prepareWherePossible lets connections keep statements prepared unless there is a pooler between, which gives each transaction another
// connection to the server, so that nothing prepared is found again. A pooler is told by the process that serves us: it is not the
// one that was named when we connected.
func (s *Postgres) prepareWherePossible(session *session) error {
	var pid, named uint32
	if _, err := session.row("SELECT pg_backend_pid()", nil, &pid); err != nil {
		return err
	}
	if err := session.conn.Raw(func(conn any) error {
		named = conn.(*stdlib.Conn).Conn().PgConn().PID()
		return nil
	}); err != nil {
		return failure(err)
	}
	if s.pooled = pid != named; !s.pooled {
		s.dialect.args = func(args []any) []any { return append([]any{pgx.QueryExecModeCacheStatement}, storable(args)...) }
	}
	return nil
}

// connectionsFor is how long a connection is used, so that they move when a name stands for another server.
const connectionsFor = 30 * time.Minute

// within calls look with a session of its own.
func (s *Postgres) within(ctx context.Context, look func(*session) error) error {
	session, err := newSession(ctx, s.db, s.dialect)
	if err != nil {
		return err
	}
	if err := session.attach(ctx); err != nil {
		return err
	}
	defer session.detach()
	return look(session)
}

// open makes what looked at can be used.
func (s *Postgres) open(ctx context.Context, cfg PostgresConfig) error {
	if cfg.Access == ToServe {
		if err := s.within(ctx, func(session *session) error { return s.migrate(ctx, session, cfg.arriving) }); err != nil {
			return err
		}
	}
	var err error
	if s.readers, err = newReaders(ctx, s.db, s.dialect, readSessions, nil); err != nil || cfg.Access == ToRead {
		return err
	}
	if err := s.within(ctx, s.canNotify); err != nil {
		return err
	}
	session, err := newSession(ctx, s.db, s.dialect)
	if err != nil {
		return err
	}
	wrote := func(int64) {}
	if cfg.Access == ToServe && cfg.Growth > 0 {
		s.growth = s.watchGrowth(cfg.Growth)
		wrote = s.growth.count
	}
	s.writer = newWriter(session, nil, cfg.Together, wrote)
	return s.leaveMark(ctx)
}

// migrate brings the schema up to date. Where it is, not even the right to change it is needed.
func (s *Postgres) migrate(ctx context.Context, session *session, arriving bool) error {
	if !isOutdated(session) && !arriving {
		return nil
	}
	return migrate(ctx, session, s.seal, arriving)
}

// Close waits for writes under way and closes all connections.
func (s *Postgres) Close() error {
	var err error
	s.closed.Do(func() {
		err = s.stop()
		if s.growth != nil {
			s.growth.stop()
		}
		err = errors.Join(err, s.db.Close())
	})
	return err
}

// postgresError marks what does not pass by itself, and says what to do.
func postgresError(err error) error {
	var known *Misconfigured
	if err == nil || errors.As(err, &known) || errors.Is(err, ErrNoStore) || errors.Is(err, ErrHasContent) || errors.Is(err, context.Canceled) {
		return err
	}
	advice := ""
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "28000", "28P01":
			advice = "; give the user and the password that the server knows"
		case "3D000", "3F000", "42501":
			advice = "; make the database and its owner as docs/scale.md says"
		}
	}
	if advice == "" && errors.Is(err, ErrUnavailable) {
		return err
	}
	return &Misconfigured{Key: errors.Is(err, ErrWrongKey), Err: fmt.Errorf("%w%s", err, advice)}
}
