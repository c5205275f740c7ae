package ledger

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/store"
)

// Fault is the first thing that is wrong with a ledger.
type Fault struct {
	Index int64  // of the entry, from 1
	What  string // one sentence
}

// Proof is what verifying came to.
type Proof struct {
	Size        int64
	Hash        string // of the last entry
	At          time.Time
	Adopted     int64 // entries at the beginning that were made before there was a chain
	Texts       int64
	Erased      int64
	Checkpoints int    // that the ledger was held against
	Lapsed      int    // that a RESTORE entry explains
	Fault       *Fault // nil: all holds
}

// Against is what a ledger is held against besides itself.
type Against struct {
	Checkpoints []Checkpoint // in the order in which they were made
	Key         ed25519.PublicKey
}

// Verify proves the whole ledger as of one moment, entry by entry in constant
// memory. What is wrong with it is in the proof; an error means that it could
// not be read at all.
func Verify(ctx context.Context, db *store.Store, a Against) (Proof, error) {
	tx, err := db.Read().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Proof{}, fmt.Errorf("verify the ledger: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return verify(ctx, tx, a)
}

func verify(ctx context.Context, q querier, a Against) (Proof, error) {
	var p Proof
	for i, c := range a.Checkpoints {
		if !c.signedBy(a.Key) {
			p.Fault = &Fault{c.Size, fmt.Sprintf("checkpoint %d, for %d entries, is not signed by this key", i+1, c.Size)}
			return p, nil
		}
	}
	if err := walk(ctx, q, a, &p); err != nil || p.Fault != nil {
		return p, err // texts are held against digests of a chain that holds
	}
	return p, verifyTexts(ctx, q, &p)
}

// walk goes along the chain, and holds it against the checkpoints.
func walk(ctx context.Context, q querier, a Against, p *Proof) error {
	rows, err := q.QueryContext(ctx, `SELECT `+rowColumns+` FROM entry ORDER BY id`)
	if errors.Is(store.Classify(err), store.ErrBroken) { // the first row is read at once
		return fault(ctx, p, "", err)
	}
	if err != nil {
		return fmt.Errorf("verify the ledger: %w", err)
	}
	defer func() { _ = rows.Close() }() // all was read, or its error is told
	marks := newMarks(a)
	s, prev, buf := newStrict(), origin, []byte(nil)
	for rows.Next() {
		what := ""
		if what, buf, err = s.check(rows, p.Size+1, prev[:], buf); err != nil || what != "" {
			return fault(ctx, p, what, err)
		}
		copy(prev[:], s.hash)
		p.Size++
		p.At = store.Time(s.at)
		if err := p.learn(&s.row, marks); err != nil {
			return fault(ctx, p, err.Error(), nil)
		}
		marks.pass(p.Size, s.hash)
	}
	if err := rows.Err(); err != nil {
		return fault(ctx, p, "", err)
	}
	if p.Size > 0 {
		p.Hash = hex.EncodeToString(prev[:])
	}
	p.Fault, p.Lapsed = marks.settle(p.Size)
	p.Checkpoints = len(a.Checkpoints)
	return nil
}

// fault says what is wrong with the entry behind the last good one. A row that
// the database cannot read is wrong too; a caller that gave up is no fault.
func fault(ctx context.Context, p *Proof, what string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("verify the ledger: %w", ctx.Err())
	}
	if errors.Is(store.Classify(err), store.ErrUnavailable) {
		return fmt.Errorf("verify the ledger: entry %d: %w", p.Size+1, err)
	}
	if err != nil {
		what = fmt.Sprintf("the database cannot read it (%v)", err)
	}
	p.Fault = &Fault{p.Size + 1, what}
	return nil
}

// check says what is wrong with the current row as the entry with this id, or
// "".
func (s *strict) check(rows *sql.Rows, id int64, prev, buf []byte) (string, []byte, error) {
	wrong, err := s.scan(rows)
	switch {
	case err != nil:
		return "", buf, err
	case wrong != "":
		return "its column " + wrong + " holds a value of another type", buf, nil
	case s.id != id:
		return fmt.Sprintf("it is missing: entry %d follows entry %d", s.id, id-1), buf, nil
	case len(s.hash) == 0:
		return "it is not in the chain: start gonogo serve once, which takes entries from before the chain into it", buf, nil
	}
	if what := s.malformed(); what != "" {
		return "its " + what, buf, nil
	}
	ok, buf := s.follows(buf, prev)
	if !ok {
		return "its hash is not that of its content after the entry before: it, or where it stands, was changed", buf, nil
	}
	return "", buf, nil
}

// learn takes in what some entries say about the ledger itself.
func (p *Proof) learn(r *row, marks *marks) error {
	switch Kind(r.kind) {
	case KindAdopted:
		var data struct{ Entries int64 }
		if err := json.Unmarshal(r.data, &data); err != nil {
			return err
		}
		p.Adopted = data.Entries
	case KindRestore:
		var data Restore
		if err := json.Unmarshal(r.data, &data); err != nil {
			return err
		}
		marks.restored(data)
	}
	return nil
}

// verifyTexts holds every text beside the chain against its digest in the
// chain, up to the first bad one.
func verifyTexts(ctx context.Context, q querier, p *Proof) error {
	rows, err := q.QueryContext(ctx, `
		SELECT e.id, e.repo_id, e.texts, w.name, w.salt, w.text FROM entry e LEFT JOIN words w ON w.entry = e.id
		WHERE e.texts <> '{}' ORDER BY e.id`)
	if err != nil {
		return fmt.Errorf("verify texts: %w", err)
	}
	defer func() { _ = rows.Close() }() // all was read, or its error is told
	var id int64
	var erased []erasure
	awaited := map[string]string{} // digests of the entry's texts that were not seen yet
	bad := func(id int64, what string) {
		p.Fault = &Fault{id, what}
	}
	missing := func() bool {
		for name := range awaited {
			bad(id, fmt.Sprintf("its text %q is missing", name))
		}
		return len(awaited) > 0
	}
	for rows.Next() {
		var entry, repoID int64
		var digests string
		var name, text sql.NullString
		var salt []byte
		if err := rows.Scan(&entry, &repoID, &digests, &name, &salt, &text); err != nil {
			return fmt.Errorf("verify texts: %w", err)
		}
		if entry != id {
			if missing() {
				return nil
			}
			id = entry
			clear(awaited)
			if err := json.Unmarshal([]byte(digests), &awaited); err != nil {
				bad(id, "its texts cannot be read")
				return nil
			}
		}
		want, named := awaited[name.String]
		if !name.Valid || !named {
			continue // belongs to no text of the chain; a missing one is told below
		}
		delete(awaited, name.String)
		switch {
		case !text.Valid:
			erased = append(erased, erasure{id, repoID, name.String})
		case words{name: name.String, text: text.String, salt: salt}.digest() != want:
			bad(id, fmt.Sprintf("its text %q is not what was entered", name.String))
			return nil
		}
		p.Texts++
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("verify texts: %w", err)
	}
	if missing() {
		return nil
	}
	return p.verifyErased(ctx, q, erased)
}

// erasure is a text that is no longer there.
type erasure struct {
	entry, repoID int64
	name          string
}

// verifyErased asks for the entry that says that a text was erased.
func (p *Proof) verifyErased(ctx context.Context, q querier, erased []erasure) error {
	for _, e := range erased {
		var n int
		err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM entry WHERE repo_id = $1 AND once = $2 AND kind = $3`,
			e.repoID, erasedOnce(e.entry, e.name), string(KindErased)).Scan(&n)
		if err != nil {
			return fmt.Errorf("verify texts: %w", err)
		}
		if n == 0 {
			p.Fault = &Fault{e.entry, fmt.Sprintf("its text %q is gone, and no entry says that it was erased", e.name)}
			return nil
		}
		p.Erased++
	}
	return nil
}
