package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"gonogo/internal/store"
)

// row is an entry as it is stored.
type row struct {
	id, at, repoID, number, actorID int64
	kind, sha, actor, once, texts   string
	data, hash                      []byte
}

const rowColumns = "id, at, kind, repo_id, number, sha, actor_id, actor, once, data, texts, hash"

// origin stands for the hash before the first entry.
var origin [sha256.Size]byte

// appendHashed appends what the row's hash is taken over: its columns and the
// hash before it as one canonical JSON object. The data goes in as stored; it is
// an object of its own, so that nothing in it can pass for another column.
func (r *row) appendHashed(b, prev []byte) []byte {
	b = appendString(append(b, `{"actor":`...), r.actor)
	b = strconv.AppendInt(append(b, `,"actor_id":`...), r.actorID, 10)
	b = strconv.AppendInt(append(b, `,"at":`...), r.at, 10)
	b = append(append(b, `,"data":`...), r.data...)
	b = strconv.AppendInt(append(b, `,"id":`...), r.id, 10)
	b = appendString(append(b, `,"kind":`...), r.kind)
	b = strconv.AppendInt(append(b, `,"number":`...), r.number, 10)
	b = appendString(append(b, `,"once":`...), r.once)
	b = append(hex.AppendEncode(append(b, `,"prev":"`...), prev), '"')
	b = strconv.AppendInt(append(b, `,"repo_id":`...), r.repoID, 10)
	b = appendString(append(b, `,"sha":`...), r.sha)
	b = append(append(b, `,"texts":`...), r.texts...)
	return append(b, `,"v":1}`...)
}

// sum returns the hash of the row after the row with the hash prev. buf is
// scratch space that is returned for the next call.
func (r *row) sum(buf, prev []byte) (hash [sha256.Size]byte, _ []byte) {
	buf = r.appendHashed(buf[:0], prev)
	return sha256.Sum256(buf), buf
}

// malformed says what of the row no entry ever held, or "".
func (r *row) malformed() string {
	switch {
	case !utf8.ValidString(r.kind), !utf8.ValidString(r.sha), !utf8.ValidString(r.actor), !utf8.ValidString(r.once):
		return "text is none"
	case !json.Valid(r.data):
		return "data is no JSON"
	case r.texts != "{}" && !json.Valid([]byte(r.texts)):
		return "texts is no JSON"
	}
	return ""
}

// querier is a transaction or the reading pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// errUnchained is returned for a ledger whose entries were not taken into the
// chain yet: see [Ledger.Adopt].
var errUnchained = errors.New("the ledger has entries from before its chain: start gonogo serve once, which takes them in")

// tip returns the number of entries and the hash of the last one.
func tip(ctx context.Context, q querier) (size int64, hash []byte, err error) {
	found, err := none(q.QueryRowContext(ctx, `SELECT id, hash FROM entry ORDER BY id DESC LIMIT 1`).Scan(&size, &hash))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("read the ledger's last entry: %w", err)
	case !found:
		return 0, origin[:], nil
	case len(hash) == 0:
		return 0, nil, errUnchained
	}
	return size, hash, nil
}

// hashOf returns the hash of one entry, and false when there is none.
func hashOf(ctx context.Context, q querier, id int64) (hash []byte, found bool, err error) {
	found, err = none(q.QueryRowContext(ctx, `SELECT hash FROM entry WHERE id = $1`, id).Scan(&hash))
	return hash, found, err
}

// insert adds a row behind the last one, whose size and hash the caller read in
// the same transaction. Of two that chose the same place, one fails.
func insert(ctx context.Context, tx *sql.Tx, r row) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO entry (id, at, kind, repo_id, number, sha, actor_id, actor, once, data, texts, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		r.id, r.at, r.kind, r.repoID, r.number, r.sha, r.actorID, r.actor, r.once, r.data, r.texts, r.hash)
	return err
}

// Adopt takes entries from before the chain into it, in their order, and enters
// how many they were: nothing proves what was in them earlier. It does nothing
// to a ledger that is chained. It must run before anything is appended.
func (l *Ledger) Adopt(ctx context.Context, at time.Time) error {
	if _, _, err := tip(ctx, l.db.Read()); !errors.Is(err, errUnchained) {
		return err
	}
	return l.db.Write(ctx, func(tx *sql.Tx) error {
		var chained, n int64
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM entry WHERE length(hash) > 0`).Scan(&chained); err != nil {
			return err
		}
		if chained > 0 {
			return errors.New("the ledger has entries without a hash behind entries with one: something else wrote into it")
		}
		prev := origin[:]
		for {
			r, found, err := next(ctx, tx, n)
			if err != nil {
				return err
			}
			if !found {
				break
			}
			if n++; r.id != n {
				return fmt.Errorf("entry %d of the ledger is missing", n)
			}
			sum, _ := r.sum(nil, prev)
			prev = sum[:]
			if _, err := tx.ExecContext(ctx, `UPDATE entry SET hash = $1 WHERE id = $2`, prev, r.id); err != nil {
				return fmt.Errorf("chain entry %d: %w", r.id, err)
			}
		}
		_, err := Append(ctx, tx, Entry{At: at, Kind: KindAdopted, Once: "adopted", Data: map[string]any{"entries": n}})
		return err
	})
}

// next returns the row behind the one with this id.
func next(ctx context.Context, q querier, id int64) (r row, found bool, err error) {
	found, err = none(q.QueryRowContext(ctx, `SELECT `+rowColumns+` FROM entry WHERE id > $1 ORDER BY id LIMIT 1`, id).Scan(
		&r.id, &r.at, &r.kind, &r.repoID, &r.number, &r.sha, &r.actorID, &r.actor, &r.once, &r.data, &r.texts, &r.hash))
	return r, found, err
}

// strict takes a row from a result column by column: a value of another type is
// none of ours, though it may look the same.
type strict struct {
	row
	values [12]any
	into   [12]any
}

func newStrict() *strict {
	s := &strict{}
	for i := range s.values {
		s.into[i] = &s.values[i]
	}
	return s
}

// scan reads the current row. It names the first column of a wrong type.
func (s *strict) scan(rows *sql.Rows) (wrong string, err error) {
	if err := rows.Scan(s.into[:]...); err != nil {
		return "", err
	}
	var bad string
	integer := func(i int, name string) int64 {
		n, ok := s.values[i].(int64)
		if !ok && bad == "" {
			bad = name
		}
		return n
	}
	text := func(i int, name string) string {
		t, ok := s.values[i].(string)
		if !ok && bad == "" {
			bad = name
		}
		return t
	}
	blob := func(i int, name string) []byte {
		b, ok := s.values[i].([]byte)
		if !ok && bad == "" {
			bad = name
		}
		return b
	}
	s.row = row{
		id: integer(0, "id"), at: integer(1, "at"), kind: text(2, "kind"), repoID: integer(3, "repo_id"),
		number: integer(4, "number"), sha: text(5, "sha"), actorID: integer(6, "actor_id"), actor: text(7, "actor"),
		once: text(8, "once"), data: blob(9, "data"), texts: text(10, "texts"), hash: blob(11, "hash"),
	}
	return bad, nil
}

// follows reports whether the row's hash is the one that it must have after
// prev.
func (r *row) follows(buf, prev []byte) (bool, []byte) {
	sum, buf := r.sum(buf, prev)
	return bytes.Equal(sum[:], r.hash), buf
}

// entry returns the row with its raw data, without texts.
func (r *row) entry() Entry {
	e := Entry{
		ID: r.id, At: store.Time(r.at), Kind: Kind(r.kind), RepoID: r.repoID, Number: int(r.number), SHA: r.sha,
		Once: r.once, Data: json.RawMessage(r.data), Hash: r.hash,
	}
	e.Actor.ID, e.Actor.Login = r.actorID, r.actor
	return e
}
