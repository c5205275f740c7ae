package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// fills enters n entries of several kinds and people.
func (f fixture) fills(n int) {
	f.t.Helper()
	f.write(func(ctx context.Context, tx *sql.Tx) error {
		for i := range n {
			texts := map[string]string{}
			if i%4 == 0 {
				texts[reasonText] = fmt.Sprintf("since %d “is” fine", i)
			}
			if _, err := Append(ctx, tx, Entry{
				At: at, Kind: Kinds[i%3], RepoID: 7 + int64(i%2), Number: i % 50, SHA: "9f8e7d6c5b4a", Actor: gate.User{ID: int64(300 + i%9), Login: "dana"},
				Once: fmt.Sprintf("once/%06d", i), Texts: texts,
				Data: map[string]any{"zone": "a<b>&c", "n": i, "nested": map[string]any{"b": []int{1, 2}, "a": nil}},
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f fixture) verifies(a Against) Proof {
	f.t.Helper()
	p, err := Verify(f.t.Context(), f.db, a)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// unguarded removes the triggers, as somebody with the file could.
func (f fixture) unguarded() {
	f.t.Helper()
	for _, name := range []string{"entry_follows", "entry_stays", "entry_remains", "words_stay", "words_remain"} {
		f.exec("DROP TRIGGER IF EXISTS " + name)
	}
}

func (f fixture) exec(query string, args ...any) {
	f.t.Helper()
	if _, err := f.db.Writer().ExecContext(f.t.Context(), query, args...); err != nil {
		f.t.Fatal(err)
	}
}

// tampered verifies after a change that is then taken back.
func (f fixture) tampered(change func(*sql.Tx) error) Proof {
	f.t.Helper()
	tx, err := f.db.Writer().BeginTx(f.t.Context(), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := change(tx); err != nil {
		f.t.Fatal(err)
	}
	p, err := verify(f.t.Context(), tx, Against{})
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

func (f fixture) rows() []row {
	f.t.Helper()
	var all []row
	for {
		r, found, err := next(f.t.Context(), f.db.Read(), int64(len(all)))
		if err != nil {
			f.t.Fatal(err)
		}
		if !found {
			return all
		}
		all = append(all, r)
	}
}

func TestAnUntouchedLedgerVerifies(t *testing.T) {
	f := open(t)
	if p := f.verifies(Against{}); p.Fault != nil || p.Size != 0 {
		t.Errorf("empty: %+v", p)
	}
	f.fills(100)
	if p := f.verifies(Against{}); p.Fault != nil || p.Size != 100 || p.Texts != 25 || p.Hash == "" {
		t.Errorf("%+v %+v", p, p.Fault)
	}
}

// Case 82: every byte of every column of 1,000 entries.
func TestEveryByteOfAnEntryIsProven(t *testing.T) {
	f := open(t)
	f.fills(1000)
	prev, buf := origin[:], []byte(nil)
	flips := 0
	for _, r := range f.rows() {
		ok := false
		holds := func() bool {
			if r.malformed() != "" {
				return false
			}
			ok, buf = r.follows(buf, prev)
			return ok
		}
		if !holds() {
			t.Fatalf("entry %d does not hold untouched", r.id)
		}
		for _, n := range []*int64{&r.id, &r.at, &r.repoID, &r.number, &r.actorID} {
			for bit := 0; bit < 64; bit += 8 {
				*n ^= 1 << bit
				if holds() {
					t.Fatalf("entry %d: a changed number was not found", r.id)
				}
				*n ^= 1 << bit
				flips++
			}
		}
		for _, s := range []*string{&r.kind, &r.sha, &r.actor, &r.once, &r.texts} {
			was := *s
			for i := range was {
				b := []byte(was)
				b[i] ^= 1 << (i % 8)
				if *s = string(b); holds() {
					t.Fatalf("entry %d: %q for %q was not found", r.id, b, was)
				}
				flips++
			}
			*s = was
		}
		for _, b := range [][]byte{r.data, r.hash} {
			for i := range b {
				b[i] ^= 1 << (i % 8)
				if holds() {
					t.Fatalf("entry %d: %q was not found", r.id, b)
				}
				b[i] ^= 1 << (i % 8)
				flips++
			}
		}
		prev = bytes.Clone(r.hash)
	}
	t.Logf("%d changes found", flips)
}

// Case 82: in the database, each entry in one column, in rising order of
// columns.
func TestAChangedColumnIsFoundAtItsEntry(t *testing.T) {
	f := open(t)
	f.fills(1000)
	f.unguarded()
	change := []string{
		"at = at + 1", "kind = 'merged'", "repo_id = repo_id + 100", "number = number + 1", "sha = sha || '0'", "actor_id = -actor_id",
		"actor = 'Dana'", "once = once || ' '", "data = CAST(REPLACE(CAST(data AS TEXT), '\"n\":', '\"N\":') AS BLOB)", `texts = '{"reason":"x"}'`,
		"hash = zeroblob(32)", "hash = x''", "actor = CAST(actor AS BLOB)", "data = CAST(data AS TEXT)", "at = at + 0.5", "data = data || x'20'",
	}
	for i := range int64(1000) {
		set := change[i%int64(len(change))]
		p := f.tampered(func(tx *sql.Tx) error {
			_, err := tx.Exec("UPDATE entry SET "+set+" WHERE id = $1", i+1)
			return err
		})
		if p.Fault == nil || p.Fault.Index != i+1 {
			t.Fatalf("%s in entry %d: %+v", set, i+1, p.Fault)
		}
	}
}

// Case 82: bytes of the file itself.
func TestAFlippedByteOfTheFileIsFoundAtItsEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	fixture{t, New(db)}.fills(1000)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cells := cellsOf(data)
	if len(cells) != 1000 {
		t.Fatalf("%d entries found in the file", len(cells))
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	put := func(at int, b byte) {
		if _, err := file.WriteAt([]byte{b}, int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(4, 82))
	for id, c := range cells {
		at := c.from + random.IntN(c.to-c.from)
		if at == c.idle {
			at++
		}
		put(at, data[at]^1<<random.IntN(8))
		ro, err := store.OpenReadOnly(t.Context(), "sqlite:"+path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Verify(t.Context(), ro, Against{})
		if err != nil {
			t.Fatalf("byte %d of entry %d: %v", at-c.from, id, err)
		}
		if p.Fault == nil || p.Fault.Index != id {
			t.Fatalf("byte %d of entry %d: %+v", at-c.from, id, p.Fault)
		}
		if err := ro.Close(); err != nil {
			t.Fatal(err)
		}
		put(at, data[at])
	}
}

// cell is where a row lies. The byte at idle says how the column id is stored,
// which SQLite never reads: the id is the row's own number, before it.
type cell struct{ from, to, idle int }

// cellsOf finds the ledger's rows in a database file (SQLite's file format,
// sections 1.6 and 2.1): leaf pages of tables, whose cells begin with the size
// of the payload and the row's id.
func cellsOf(data []byte) map[int64]cell {
	cells := map[int64]cell{}
	size := int(binary.BigEndian.Uint16(data[16:]))
	for start := size; start < len(data); start += size {
		page := data[start : start+size]
		if page[0] != 0x0d {
			continue
		}
		for i := range int(binary.BigEndian.Uint16(page[3:])) {
			at := int(binary.BigEndian.Uint16(page[8+2*i:]))
			payload, n := varint(page[at:])
			id, m := varint(page[at+n:])
			end := at + n + m + int(payload)
			if end <= size && bytes.Contains(page[at:end], []byte(fmt.Sprintf("once/%06d", id-1))) {
				cells[int64(id)] = cell{start + at, start + end, start + at + n + m + 1}
			}
		}
	}
	return cells
}

// varint reads SQLite's form, whose first byte is the most significant.
func varint(b []byte) (v uint64, n int) {
	for n < 8 {
		v = v<<7 | uint64(b[n]&0x7f)
		n++
		if b[n-1] < 0x80 {
			return v, n
		}
	}
	return v<<8 | uint64(b[8]), 9
}

// Case 82: entries removed, swapped, slipped in, and a fork.
func TestAMovedEntryIsFound(t *testing.T) {
	f := open(t)
	f.fills(60)
	f.unguarded()
	for _, tt := range []struct {
		name  string
		index int64
		steps []string
	}{
		{"one is removed", 17, []string{"DELETE FROM entry WHERE id = 17"}},
		{"the first is removed", 1, []string{"DELETE FROM entry WHERE id = 1"}},
		{"one is removed and the rest moves up", 17, []string{"DELETE FROM entry WHERE id = 17", "UPDATE entry SET id = id - 1 WHERE id > 17"}},
		{"two change places", 20, []string{"UPDATE entry SET id = 0 WHERE id = 20", "UPDATE entry SET id = 20 WHERE id = 33", "UPDATE entry SET id = 33 WHERE id = 0"}},
		{"one is entered twice", 61, []string{"INSERT INTO entry SELECT 61, at, kind, repo_id, number, sha, actor_id, actor, once || '/', data, texts, hash FROM entry WHERE id = 40"}},
		{"a branch grows from an earlier entry", 51, []string{"DELETE FROM entry WHERE id > 50",
			"INSERT INTO entry SELECT 51, at, kind, repo_id, number, sha, actor_id, actor, 'fork', data, texts, hash FROM entry WHERE id = 31"}},
	} {
		p := f.tampered(func(tx *sql.Tx) error {
			for _, s := range tt.steps {
				if _, err := tx.Exec(s); err != nil {
					return err
				}
			}
			return nil
		})
		if p.Fault == nil || p.Fault.Index != tt.index {
			t.Errorf("%s: %+v, want entry %d", tt.name, p.Fault, tt.index)
		}
	}
}

// Case 82: whoever computes the hash of a changed entry anew breaks the chain
// behind it.
func TestARehashedEntryBreaksTheChainBehindIt(t *testing.T) {
	f := open(t)
	f.fills(20)
	f.unguarded()
	all := f.rows()
	r := all[16]
	r.actor = "eve"
	sum, _ := r.sum(nil, all[15].hash)
	p := f.tampered(func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE entry SET actor = $1, hash = $2 WHERE id = $3", r.actor, sum[:], r.id)
		return err
	})
	if p.Fault == nil || p.Fault.Index != 18 {
		t.Errorf("%+v", p.Fault)
	}
}

func TestTheDatabaseRefusesToChangeTheLedger(t *testing.T) {
	f := open(t)
	f.fills(5)
	for _, s := range []string{
		"UPDATE entry SET actor = 'eve' WHERE id = 2",
		"UPDATE entry SET hash = x'' WHERE id = 2",
		"DELETE FROM entry WHERE id = 5",
		"INSERT OR REPLACE INTO entry SELECT id, at, kind, repo_id, number, sha, actor_id, 'eve', once, data, texts, hash FROM entry WHERE id = 2",
		"INSERT OR REPLACE INTO entry SELECT 6, at, kind, repo_id, number, sha, actor_id, 'eve', once, data, texts, hash FROM entry WHERE id = 2",
		"INSERT INTO entry SELECT 9, at, kind, repo_id, number, sha, actor_id, actor, 'new', data, texts, hash FROM entry WHERE id = 2",
		"INSERT INTO entry SELECT 6, at, kind, repo_id, number, sha, actor_id, actor, 'new', data, texts, x'' FROM entry WHERE id = 2",
		"UPDATE words SET text = 'other' WHERE entry = 1",
		"UPDATE words SET entry = 2, text = NULL, salt = NULL WHERE entry = 1",
		"DELETE FROM words WHERE entry = 1",
	} {
		if _, err := f.db.Writer().Exec(s); err == nil || !strings.Contains(err.Error(), "ledger") {
			t.Errorf("%s: %v", s, err)
		}
	}
	if p := f.verifies(Against{}); p.Fault != nil || p.Size != 5 {
		t.Errorf("%+v", p.Fault)
	}
}

func TestTextsAreProvenAndErasable(t *testing.T) {
	f := open(t)
	f.fills(20)
	if err := f.Erase(t.Context(), 5, reasonText, "ops", "asked to by the person", at); err != nil {
		t.Fatal(err)
	}
	p := f.verifies(Against{})
	if p.Fault != nil || p.Erased != 1 || p.Size != 21 {
		t.Errorf("after erasing: %+v %+v", p, p.Fault)
	}
	for _, e := range must(f.Entries(t.Context(), 7, 4)) {
		if e.ID == 5 && e.Texts[reasonText] != ErasedText {
			t.Errorf("reads %q", e.Texts[reasonText])
		}
	}
	if err := f.Erase(t.Context(), 2, reasonText, "ops", "", at); err == nil || !strings.Contains(err.Error(), "has no text") {
		t.Errorf("a text that is none: %v", err)
	}
	f.unguarded()
	for what, step := range map[string]string{
		"changed":                   "UPDATE words SET text = text || '!' WHERE entry = 9",
		"another salt":              "UPDATE words SET salt = zeroblob(16) WHERE entry = 9",
		"gone without a word":       "UPDATE words SET text = NULL, salt = NULL WHERE entry = 9",
		"removed":                   "DELETE FROM words WHERE entry = 9",
		"given to another entry":    "UPDATE words SET entry = 10 WHERE entry = 9",
		"an empty one in its place": "UPDATE words SET text = '' WHERE entry = 9",
	} {
		p := f.tampered(func(tx *sql.Tx) error { _, err := tx.Exec(step); return err })
		if p.Fault == nil || p.Fault.Index != 9 {
			t.Errorf("%s: %+v", what, p.Fault)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Whoever erases a reason means it: the stored evaluations quote it too.
func TestErasingReachesTheEvaluations(t *testing.T) {
	f := open(t)
	const words = "grandma is in hospital"
	n := f.evaluates(12, "a", gate.Ready)
	f.write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := AppendDecision(ctx, tx, pr, gate.PersonDecision{Choice: gate.ChoiceNoGo, User: sam, At: at, Reason: words}, "c")
		if err != nil {
			return err
		}
		return Finish(ctx, tx, gate.Evaluation{Number: n, At: at, PR: pr, Verdict: gate.NotReady,
			Findings:  []gate.Finding{{Fact: "sam said " + gate.Quote(words) + " today"}},
			Decisions: []gate.Standing{{PersonDecision: gate.PersonDecision{ID: 1, Reason: words}}}})
	})
	if err := f.Erase(t.Context(), 1, reasonText, "ops", "asked", at); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"words", "evaluation"} {
		var n int
		column := map[string]string{"words": "text", "evaluation": "data"}[table]
		if err := f.db.Read().QueryRow("SELECT COUNT(*) FROM "+table+" WHERE instr(CAST("+column+" AS TEXT), $1) > 0", words).Scan(&n); err != nil || n > 0 {
			t.Errorf("%d in %s, %v", n, table, err)
		}
	}
	ev, _, err := f.Latest(t.Context(), 7, 12)
	if err != nil || ev.Number != n || ev.Findings[0].Fact != "sam said "+gate.Quote(ErasedText)+" today" || ev.Decisions[0].Reason != ErasedText {
		t.Errorf("%+v %v", ev, err)
	}
	if d := f.decisions(); len(d) != 1 || d[0].Reason != ErasedText {
		t.Errorf("%+v", d)
	}
}

func TestEntriesFromBeforeTheChainAreTakenIn(t *testing.T) {
	f := open(t)
	f.unguarded()
	for i := range 3 {
		f.exec(`INSERT INTO entry (at, kind, repo_id, number, sha, actor_id, actor, once, data) VALUES (1, 'go', 7, 12, 'a', 3, 'dana', $1, $2)`,
			fmt.Sprint("comment/", i), []byte(`{"Reason":"old","For":{}}`))
	}
	if p := f.verifies(Against{}); p.Fault == nil || p.Fault.Index != 1 || !strings.Contains(p.Fault.What, "not in the chain") {
		t.Errorf("before: %+v", p.Fault)
	}
	err := f.db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := Append(t.Context(), tx, Entry{Once: "x"})
		return err
	})
	if err == nil {
		t.Error("appended behind entries that are in no chain")
	}
	for range 2 {
		if err := f.Adopt(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	if p := f.verifies(Against{}); p.Fault != nil || p.Size != 4 || p.Adopted != 3 {
		t.Errorf("after: %+v %+v", p, p.Fault)
	}
	if d := f.decisions(); len(d) != 3 || d[0].Reason != "old" {
		t.Errorf("%+v", d)
	}
}

func TestCanonicalJSON(t *testing.T) {
	for in, want := range map[any]string{
		"a\"\\\b\f\n\r\t\x01\x7f<é>\u2028": `"a\"\\\b\f\n\r\t\u0001` + "\x7f<é>\u2028" + `"`,
		-12:                                "-12",
		true:                               "true",
	} {
		if got := string(must(canonical(in))); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	// RFC 8785, section 3.2.3: the order is that of UTF-16, not of UTF-8.
	keys := map[string]any{"\u20ac": nil, "\r": nil, "\ufb33": nil, "1": nil, "\U0001F600": nil, "\u0080": nil, "\u00f6": nil}
	want := `{"\r":null,"1":null,"` + "\u0080" + `":null,"` + "\u00f6" + `":null,"` + "\u20ac" + `":null,"` + "\U0001F600" + `":null,"` + "\ufb33" + `":null}`
	if got := string(must(canonical(keys))); got != want {
		t.Errorf("%s\n%s", got, want)
	}
	for _, bad := range []any{1.5, int64(1) << 60, map[string]any{"a": []any{0.1}}} {
		if b, err := canonical(bad); err == nil {
			t.Errorf("%v became %s", bad, b)
		}
	}
}

// BenchmarkVerify has 1,000,000 entries.
func BenchmarkVerify(b *testing.B) {
	db, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "l.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	const entries = 1_000_000
	data := must(canonical(map[string]any{
		"verdict": gate.Waiting, "class": "medium", "base": "main", "policy": "0123456789abcdef", "record": "0123456789abcdef",
		"evaluation": 1234567, "blockers": []string{"review/approvals approvals-missing", "decision/authorized go-missing"},
	}))
	err = db.Write(b.Context(), func(tx *sql.Tx) error {
		if _, err := tx.Exec("DROP TRIGGER entry_follows"); err != nil { // of a table of this size the set-up would take minutes
			return err
		}
		prev := origin
		for i := range int64(entries) {
			r := row{
				id: i + 1, at: store.Millis(at), kind: string(KindVerdict), repoID: i % 100, number: i % 5000, texts: "{}", data: data,
				sha: "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c", once: fmt.Sprintf("verdict/%d", i), actorID: dana.ID, actor: dana.Login,
			}
			prev, _ = r.sum(nil, prev[:])
			r.hash = prev[:]
			if err := insert(b.Context(), tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if p, err := Verify(b.Context(), db, Against{}); err != nil || p.Fault != nil || p.Size != entries {
			b.Fatalf("%+v %v", p, err)
		}
	}
}
