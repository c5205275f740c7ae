// Package store opens, migrates and guards the database.
//
// It offers two ways in: [Store.Write] runs one transaction at a time on the
// only writing connection, and [Store.Read] is a pool of connections that
// cannot write. What is committed is on the disk: the write-ahead log is synced
// at every commit, and a database on which that cannot be had is refused.
//
// SQL is one text with $1 placeholders, numbered in the order in which they
// first appear, so that another engine can run it. Times are unix milliseconds
// in UTC ([Millis], [Time]).
//
// One process owns a database: a lock file beside it is held for as long as
// the store is open, and the system releases it when the process dies, however
// it dies.
//
// A failed fsync is never tried again: the pages that it should have written
// may be lost although the next one succeeds. The store then refuses all
// further writes and [Store.Broken] tells the owner to end the process; the
// log is replayed at the next start.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// readers is the size of the reading pool: more than the two or three reads
// that overlap in one process gain nothing.
const readers = 8

// Store is an open database. It is safe for concurrent use.
type Store struct {
	writer *sql.DB
	reader *sql.DB
	lock   *os.File

	path      string
	broken    chan struct{}
	breakOnce sync.Once
	cause     error // written before broken is closed
}

// Open opens the database that databaseURL names ("sqlite:path"), takes its
// lock, and brings its tables up to date. A database that another process has
// open, that is newer than this program, or that does not sync its commits is
// refused with a sentence fit for the operator.
func Open(ctx context.Context, databaseURL string) (*Store, error) {
	path, err := Path(databaseURL)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s := &Store{lock: lock, path: path, broken: make(chan struct{})}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, Classify(err)), s.Close())
	}
	return s, nil
}

// OpenReadOnly opens an existing database for reading while another process
// may be writing it. Write and Migrate are refused.
func OpenReadOnly(ctx context.Context, databaseURL string) (*Store, error) {
	path, err := Path(databaseURL)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s := &Store{path: path, broken: make(chan struct{})}
	if s.reader, err = openDB(dsn(path, false)); err == nil {
		err = s.reader.PingContext(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), s.Close())
	}
	return s, nil
}

// Path returns the file that databaseURL names, or an error that says which
// URLs can be used.
func Path(databaseURL string) (string, error) {
	scheme, rest, found := strings.Cut(databaseURL, ":")
	switch {
	case found && (scheme == "postgres" || scheme == "postgresql"):
		return "", errors.New("this version keeps its data in SQLite only; write GONOGO_DATABASE_URL=sqlite:/path/to/gonogo.db")
	case !found || scheme != "sqlite":
		return "", fmt.Errorf("database URL %q is not understood; write sqlite:/path/to/gonogo.db", redact(databaseURL))
	}
	path := strings.TrimPrefix(rest, "//")
	if path == "" || strings.HasPrefix(path, ":memory:") {
		return "", errors.New("the database needs a file; write sqlite:/path/to/gonogo.db")
	}
	return filepath.Clean(path), nil
}

// redact keeps no more of a URL than its scheme: the rest may hold a password.
func redact(databaseURL string) string {
	scheme, _, found := strings.Cut(databaseURL, ":")
	if !found {
		return "…"
	}
	return scheme + ":…"
}

func (s *Store) open(ctx context.Context) error {
	var err error
	if s.writer, err = openDB(dsn(s.path, true)); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	s.writer.SetMaxIdleConns(1)
	if err := s.durable(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if s.reader, err = openDB(dsn(s.path, false)); err != nil {
		return err
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return s.reader.PingContext(ctx)
}

// dsn names the file to the driver. The path is escaped, since SQLite reads
// it as a URI.
func dsn(path string, write bool) string {
	q := url.Values{"_pragma": {"busy_timeout(5000)", "foreign_keys(1)"}}
	if write {
		q["_pragma"] = append(q["_pragma"], "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(4000)")
		q.Set("_txlock", "immediate")
	} else {
		q["_pragma"] = append(q["_pragma"], "query_only(1)")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// durable refuses a database whose commits would not survive a power loss.
func (s *Store) durable(ctx context.Context) error {
	var mode string
	if err := s.writer.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return fmt.Errorf("read journal mode: %w", err)
	}
	var sync int
	if err := s.writer.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync); err != nil {
		return fmt.Errorf("read synchronous mode: %w", err)
	}
	const full = 2
	if mode != "wal" || sync < full {
		return fmt.Errorf("commits would not be durable (journal mode %s, synchronous %d); put the database on a local disk", mode, sync)
	}
	return nil
}

// Write runs f in one transaction on the writing connection and commits it.
// When f fails or panics, nothing is written. f must use the transaction it is
// given only: calling Write inside f waits for itself for ever.
//
// Errors of the database are classified: see [Classify].
func (s *Store) Write(ctx context.Context, f func(*sql.Tx) error) (err error) {
	if s.writer == nil {
		return errors.New("the database is open for reading only")
	}
	select {
	case <-s.broken:
		return fmt.Errorf("%w: %w", ErrBroken, s.cause)
	default:
	}
	defer func() { s.noticeBreak(err) }()
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", Classify(err))
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := f(tx); err != nil {
		return Classify(err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", Classify(err))
	}
	return nil
}

// Read returns the reading pool. Its connections refuse to write.
func (s *Store) Read() *sql.DB { return s.reader }

// Writer returns the writing connection for a library that begins its own
// transactions on it.
func (s *Store) Writer() *sql.DB { return s.writer }

// Check reports whether the store can be read and written now.
func (s *Store) Check(ctx context.Context) error {
	if err := s.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE delivery SET again = again WHERE id = 0")
		return err
	}); err != nil {
		return fmt.Errorf("write to the database: %w", err)
	}
	if err := s.reader.PingContext(ctx); err != nil {
		return fmt.Errorf("read from the database: %w", Classify(err))
	}
	return nil
}

// Vacuum writes the file anew, so that nothing is left in it of what was
// removed or overwritten. It takes as long as copying the database.
func (s *Store) Vacuum(ctx context.Context) error {
	if _, err := s.writer.ExecContext(ctx, "VACUUM"); err != nil {
		return fmt.Errorf("write the database anew: %w", Classify(err))
	}
	return nil
}

// Broken is closed when the disk failed to keep what was written. The process
// should end then; the reason is logged by who waits, from [Store.Cause].
func (s *Store) Broken() <-chan struct{} { return s.broken }

// Cause returns why the store broke. It may be called once Broken is closed.
func (s *Store) Cause() error { return s.cause }

func (s *Store) noticeBreak(err error) {
	if errors.Is(err, ErrBroken) {
		s.breakOnce.Do(func() {
			s.cause = err
			close(s.broken)
		})
	}
}

// Close closes the database and releases its lock.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Millis returns t as it is stored; the zero time is 0.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time returns the stored time in UTC; 0 is the zero time.
func Time(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis).UTC()
}

// Nullable returns t as it is stored in a column that is null for "never".
func Nullable(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: Millis(t), Valid: !t.IsZero()}
}
