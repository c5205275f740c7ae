package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"modernc.org/sqlite"
)

// The driver parses and plans every statement that it is given, and finalizes
// it after its only use. For the short statements of this program that is most
// of their cost (measured: two thirds of all time spent in SQLite), so that each
// connection here keeps what it has prepared, by its text.

// statementsKept is how many statements a connection keeps. There are about 150
// in this program, the queue's among them.
const statementsKept = 256

// openDB opens a pool whose connections keep their statements.
func openDB(dsn string) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{c}), nil
}

type connector struct{ driver.Connector }

// Connect is called by the pool.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	base, ok := opened.(session)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's connection %T lacks what is needed of it", opened), opened.Close())
	}
	kept, err := simplelru.NewLRU[string, *kept](statementsKept, evict)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return &keeper{session: base, kept: kept}, nil
}

// session is all that database/sql asks of the driver's connections.
type session interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keeper is a connection that keeps its statements. A statement that is wanted
// while its own rows are being read is prepared a second time. SQLite prepares
// one anew by itself when the schema has changed. Like every connection it serves
// one caller at a time.
type keeper struct {
	session
	kept *simplelru.LRU[string, *kept]
}

type kept struct {
	statement
	query string
	busy  bool
	gone  bool // no longer among those that are kept: closed after use
}

// ExecContext runs a statement that returns no rows.
func (k *keeper) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !keepable(query) {
		return k.session.ExecContext(ctx, query, args)
	}
	s, err := k.take(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := s.ExecContext(context.WithoutCancel(ctx), args)
	return res, k.back(s, err)
}

// QueryContext runs a statement that returns rows.
func (k *keeper) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !keepable(query) {
		return k.session.QueryContext(ctx, query, args)
	}
	s, err := k.take(ctx, query)
	if err != nil {
		return nil, err
	}
	r, err := s.QueryContext(context.WithoutCancel(ctx), args)
	if err != nil {
		return nil, k.back(s, err)
	}
	return &rows{Rows: r, back: func(err error) error { return k.back(s, err) }}, nil
}

// take returns a statement that nobody else uses. It runs to its end, whatever
// becomes of the context meanwhile (rows are still read no further): watching over
// it takes the driver a goroutine and a callback, which cost more than most
// statements, and one that is broken off makes the connection unusable.
func (k *keeper) take(ctx context.Context, query string) (*kept, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	old, ok := k.kept.Get(query)
	if ok && !old.busy {
		old.busy = true
		return old, nil
	}
	prepared, err := k.PrepareContext(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil, err
	}
	able, is := prepared.(statement)
	if !is {
		return nil, errors.Join(fmt.Errorf("the driver's statement %T lacks what is needed of it", prepared), prepared.Close())
	}
	s := &kept{statement: able, query: query, busy: true, gone: ok}
	if !ok {
		k.kept.Add(query, s)
	}
	return s, nil
}

// back ends the use of a statement. One that failed is not used again. It returns
// err, joined with what went wrong here.
func (k *keeper) back(s *kept, err error) error {
	s.busy = false
	if s.gone {
		return join(err, s.Close())
	}
	if err != nil {
		k.kept.Remove(s.query)
	}
	return err
}

// evict is told of each statement that is no longer kept.
func evict(_ string, s *kept) {
	if s.gone = true; !s.busy {
		_ = s.Close() // reports the failure of its last run, which was told
	}
}

// join is errors.Join that leaves a lone error as it is.
func join(err, more error) error {
	if more == nil {
		return err
	}
	return errors.Join(err, more)
}

// Close finalizes the statements and closes the connection.
func (k *keeper) Close() error {
	k.kept.Purge()
	return k.session.Close()
}

// rows are the rows of a kept statement.
type rows struct {
	driver.Rows
	back func(error) error
}

// Close ends the reading, and gives the statement back.
func (r *rows) Close() error { return r.back(r.Rows.Close()) }

// keepable reports whether a statement's plan may be kept: what reads and writes
// rows, and not what changes the database or the connection.
func keepable(query string) bool {
	for {
		query = strings.TrimLeft(query, " \t\r\n")
		rest, comment := strings.CutPrefix(query, "--")
		if !comment {
			break
		}
		_, query, _ = strings.Cut(rest, "\n")
	}
	word, _, _ := strings.Cut(query[:min(len(query), len("SELECT "))], " ")
	switch strings.ToUpper(strings.TrimSpace(word)) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return true
	}
	return false
}
