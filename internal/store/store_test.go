package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gonogo/internal/store"
)

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestOpenIsRepeatable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?#%.db")
	s := open(t, path)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	var n int
	if err := again.Read().QueryRow("SELECT count(*) FROM delivery").Scan(&n); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct{ name, url, want string }{
		{"PostgreSQL, which comes later", "postgres://u:secret@h/db", "SQLite only"},
		{"another engine", "mysql://u:secret@h/db", "not understood"},
		{"a bare path", "gonogo.db", "not understood"},
		{"no path", "sqlite:", "needs a file"},
		{"a database that a crash would take along", "sqlite::memory:", "needs a file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := store.Open(t.Context(), test.url)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Fatalf("got %v, want an error with %q and no password", err, test.want)
			}
		})
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gonogo.db")
	s := open(t, path)
	_, err := store.Open(t.Context(), "sqlite:"+path)
	if err == nil || !strings.Contains(err.Error(), "another gonogo process has it open") {
		t.Fatalf("second open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	for _, statement := range []string{
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)",
		"INSERT INTO river_migration (line, version) VALUES ('main', 9999)",
	} {
		path := filepath.Join(t.TempDir(), "gonogo.db")
		s := open(t, path)
		if _, err := s.Writer().Exec(statement); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		_, err := store.Open(t.Context(), "sqlite:"+path)
		if err == nil || !strings.Contains(err.Error(), "newer version of gonogo") {
			t.Errorf("after %q: %v", statement, err)
		}
	}
}

func TestWriteIsAllOrNothing(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "gonogo.db"))
	insert := func(tx *sql.Tx) {
		if _, err := tx.Exec("INSERT INTO delivery (guid, body, received_at) VALUES ($1, $2, $3)", []byte{1}, []byte{1}, 1); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (n int) {
		if err := s.Read().QueryRow("SELECT count(*) FROM delivery").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	mine := errors.New("mine")
	if err := s.Write(t.Context(), func(tx *sql.Tx) error { insert(tx); return mine }); !errors.Is(err, mine) {
		t.Fatalf("got %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Write(t.Context(), func(tx *sql.Tx) error { insert(tx); panic("in a transaction") })
	}()
	if n := count(); n != 0 {
		t.Fatalf("%d rows after a failed and a panicking transaction", n)
	}
	if err := s.Write(t.Context(), func(tx *sql.Tx) error { insert(tx); return nil }); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 1 {
		t.Fatalf("%d rows after a committed transaction", n)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "gonogo.db"))
	if _, err := s.Read().Exec("DELETE FROM delivery"); err == nil {
		t.Fatal("a reader could write")
	}
}

func TestOpenReadOnlyBesideARunningServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gonogo.db")
	open(t, path)
	r, err := store.OpenReadOnly(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := r.Write(t.Context(), func(*sql.Tx) error { return nil }); err == nil {
		t.Fatal("a read-only store could write")
	}
}

func TestFullAndSlowAreUnavailableAndHeal(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "gonogo.db"))
	var pages int
	if err := s.Writer().QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := s.Writer().Exec("PRAGMA max_page_count = " + strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
	}
	fill := func() error {
		return s.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.Exec("INSERT INTO hint (body, received_at) VALUES ($1, $2)", make([]byte, 1<<20), 1)
			return err
		})
	}
	limit(pages)
	if err := fill(); !errors.Is(err, store.ErrFull) || !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("on a full disk: %v", err)
	}
	limit(1 << 30)
	if err := fill(); err != nil {
		t.Fatalf("after space was made: %v", err)
	}

	inside := make(chan struct{})
	release := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- s.Write(context.Background(), func(*sql.Tx) error { close(inside); <-release; return nil })
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	if err := s.Write(ctx, func(*sql.Tx) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("while another transaction holds the writer: %v", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Broken():
		t.Fatal("neither is a reason to end the process")
	default:
	}
}
