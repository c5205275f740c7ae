package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

func openTest(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "gonogo.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// connection returns the one connection of the writing pool, for a test to look
// into.
func connection(t *testing.T, s *Store) *keeper {
	t.Helper()
	c, err := s.writer.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	var k *keeper
	if err := c.Raw(func(driver any) error { k = driver.(*keeper); return nil }); err != nil {
		t.Fatal(err)
	}
	return k
}

const plain = "SELECT value FROM kept ORDER BY value"

func fill(t *testing.T, s *Store, values ...int) {
	t.Helper()
	if _, err := s.writer.ExecContext(t.Context(), "CREATE TABLE IF NOT EXISTS kept (value INTEGER UNIQUE)"); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if _, err := s.writer.ExecContext(t.Context(), "INSERT INTO kept (value) VALUES ($1)", v); err != nil {
			t.Fatal(err)
		}
	}
}

func list(ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, query string) (values []int, err error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var v int
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, rows.Err()
}

func TestStatementsAreKept(t *testing.T) {
	s := openTest(t)
	fill(t, s, 1, 2, 3)
	k := connection(t, s)
	for range 3 {
		got, err := list(t.Context(), s.writer, plain)
		if err != nil || fmt.Sprint(got) != "[1 2 3]" {
			t.Fatalf("%v, %v", got, err)
		}
	}
	first, ok := k.kept.Peek(plain)
	if !ok || first.busy {
		t.Fatalf("kept %v, %+v", ok, first)
	}
	if _, err := list(t.Context(), s.writer, plain); err != nil {
		t.Fatal(err)
	}
	if again, _ := k.kept.Peek(plain); again != first {
		t.Error("it was prepared again")
	}
}

func TestStatementWithinItsOwnRows(t *testing.T) {
	s := openTest(t)
	fill(t, s, 1, 2, 3)
	err := s.Write(t.Context(), func(tx *sql.Tx) error {
		outer, err := tx.QueryContext(t.Context(), plain)
		if err != nil {
			return err
		}
		defer func() { _ = outer.Close() }()
		n := 0
		for ; outer.Next(); n++ {
			inner, err := list(t.Context(), tx, plain)
			if err != nil || fmt.Sprint(inner) != "[1 2 3]" {
				return fmt.Errorf("inner: %v, %w", inner, err)
			}
		}
		if n != 3 {
			return fmt.Errorf("the outer rows ended after %d", n)
		}
		return outer.Err()
	})
	if err != nil {
		t.Error(err)
	}
}

func TestStatementAfterTheSchemaChanged(t *testing.T) {
	s := openTest(t)
	fill(t, s, 1)
	const all = "SELECT * FROM kept"
	columns := func() int {
		t.Helper()
		rows, err := s.writer.QueryContext(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	before := columns()
	if _, err := s.writer.ExecContext(t.Context(), "ALTER TABLE kept ADD COLUMN more TEXT"); err != nil {
		t.Fatal(err)
	}
	if got := columns(); got != before+1 {
		t.Errorf("%d columns after %d and one more", got, before)
	}
}

// A statement that failed must not spoil the next use of its text.
func TestStatementThatFailed(t *testing.T) {
	s := openTest(t)
	fill(t, s, 1)
	const insert = "INSERT INTO kept (value) VALUES ($1)"
	for range 2 {
		if _, err := s.writer.ExecContext(t.Context(), insert, 1); err == nil {
			t.Fatal("a second 1 went in")
		}
	}
	if _, err := s.writer.ExecContext(t.Context(), insert, 2); err != nil {
		t.Error(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := list(canceled, s.reader, plain); err == nil {
		t.Error("a canceled reading succeeded")
	}
	if got, err := list(t.Context(), s.reader, plain); err != nil || fmt.Sprint(got) != "[1 2]" {
		t.Errorf("%v, %v", got, err)
	}
}

// More texts than are kept push the oldest out, also while they are in use.
func TestStatementsPushedOut(t *testing.T) {
	s := openTest(t)
	fill(t, s, 1, 2)
	k := connection(t, s)
	err := s.Write(t.Context(), func(tx *sql.Tx) error {
		outer, err := tx.QueryContext(t.Context(), plain)
		if err != nil {
			return err
		}
		defer func() { _ = outer.Close() }()
		for i := range statementsKept + 10 {
			if _, err := list(t.Context(), tx, fmt.Sprintf("SELECT value + %d FROM kept", i)); err != nil {
				return err
			}
		}
		n := 0
		for ; outer.Next(); n++ {
		}
		if n != 2 {
			return fmt.Errorf("the outer rows ended after %d", n)
		}
		return outer.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := k.kept.Len(); n != statementsKept {
		t.Errorf("%d are kept", n)
	}
	if _, ok := k.kept.Peek(plain); ok {
		t.Error("the oldest is still there")
	}
}

func TestKeepable(t *testing.T) {
	for query, want := range map[string]bool{
		"SELECT 1": true, "\n\tselect 1": true, "-- name: Look :one\nINSERT INTO t VALUES (1)": true, "UPDATE t SET a = 1": true,
		"DELETE FROM t": true, "WITH x AS (SELECT 1) SELECT * FROM x": true, "SELECT\n1": true,
		"": false, "-- nothing": false, "VACUUM": false, "PRAGMA journal_mode": false, "CREATE TABLE t (a)": false,
		"BEGIN": false, "SELECTED": false, "ALTER TABLE t ADD a": false,
	} {
		if got := keepable(query); got != want {
			t.Errorf("keepable(%q) = %v", query, got)
		}
	}
}
