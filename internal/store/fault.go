package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What a database may answer, besides success and mistakes of ours.
var (
	// ErrUnavailable: not now, perhaps in a moment: locked, too slow, full. The
	// caller may try again; nothing was written.
	ErrUnavailable = errors.New("the database cannot take this now")
	// ErrFull is an ErrUnavailable: no space is left.
	ErrFull = fmt.Errorf("%w: no space left", ErrUnavailable)
	// ErrBroken: the disk or the file failed. Nothing may be written any more
	// by this process.
	ErrBroken = errors.New("the database's disk or file failed")
)

// Classify wraps a database error with [ErrUnavailable], [ErrFull] or
// [ErrBroken] where it is one of these; other errors are returned as they are.
func Classify(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrBroken) {
		return err
	}
	var e *sqlite.Error
	switch {
	case errors.As(err, &e):
		if kind := kindOf(e.Code()); kind != nil {
			return fmt.Errorf("%w: %w", kind, err)
		}
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return err
	}
}

func kindOf(code int) error {
	switch code {
	case sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC:
		return ErrBroken
	}
	switch code & 0xff { // the primary code of an extended one
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL:
		return ErrUnavailable
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return ErrBroken
	default:
		return nil
	}
}
