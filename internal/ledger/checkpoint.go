package ledger

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/gate"
)

// Checkpoint says, signed, how long the ledger was and what its last hash was.
// Kept where those who can write the database cannot, it shows when entries
// were cut off or the whole chain was written anew.
type Checkpoint struct {
	Ledger    string    `json:"ledger"` // hash of the first entry: which ledger it is
	Size      int64     `json:"size"`
	Hash      string    `json:"hash"` // of the last entry
	At        time.Time `json:"at"`
	Key       string    `json:"key"`       // the public key, to tell several apart
	Signature string    `json:"signature"` // base64
}

// checkpointPurpose keeps a signature from counting for anything else.
const checkpointPurpose = "gonogo ledger checkpoint\n"

// signed is what a checkpoint's signature is over.
func (c Checkpoint) signed() []byte {
	c.Signature = ""
	b, err := canonical(c)
	if err != nil {
		return nil // size is never beyond what JSON can hold
	}
	return append([]byte(checkpointPurpose), b...)
}

func (c Checkpoint) signedBy(key ed25519.PublicKey) bool {
	return verifies(key, c.signed(), c.Signature)
}

func verifies(key ed25519.PublicKey, message []byte, signature string) bool {
	sig, err := base64.StdEncoding.DecodeString(signature)
	return err == nil && len(message) > 0 && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, sig)
}

// Checkpoint signs the ledger as it is now. It reports false for an empty
// ledger.
func (l *Ledger) Checkpoint(ctx context.Context, key ed25519.PrivateKey, at time.Time) (Checkpoint, bool, error) {
	size, hash, err := tip(ctx, l.db.Read())
	if err != nil || size == 0 {
		return Checkpoint{}, false, err
	}
	first, _, err := hashOf(ctx, l.db.Read(), 1)
	if err != nil {
		return Checkpoint{}, false, fmt.Errorf("make a checkpoint: %w", err)
	}
	c := Checkpoint{
		Ledger: hex.EncodeToString(first), Size: size, Hash: hex.EncodeToString(hash), At: at.UTC().Truncate(time.Second),
		Key: PublicKey(key),
	}
	c.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, c.signed()))
	return c, true, nil
}

// ParseCheckpoints reads a file of checkpoints, one JSON object a line. A last
// line without its end is what a crash leaves behind, and is passed over; any
// other line that is none is an error.
func ParseCheckpoints(data []byte) ([]Checkpoint, error) {
	var all []Checkpoint
	n := 0
	for line := range bytes.Lines(data) {
		n++
		text, whole := bytes.CutSuffix(line, []byte("\n"))
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var c Checkpoint
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		err := dec.Decode(&c)
		if err == nil && (c.Size <= 0 || len(c.Hash) != hex.EncodedLen(len(origin))) {
			err = errors.New("it has no size or hash")
		}
		switch {
		case err != nil && !whole:
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("line %d of the checkpoints is none: %w", n, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// Restore is the data of a RESTORE entry: an operator goes on with a ledger
// that checkpoints say was longer, or other, before. What follows entry Agreed
// in the checkpoints up to Last is given up.
type Restore struct {
	Agreed    int64      `json:"agreed"` // entries up to which checkpoints and ledger agree
	Found     int64      `json:"found"`  // entries that the ledger had
	Last      Checkpoint `json:"last"`   // the last checkpoint that is given up
	Key       string     `json:"key"`
	Signature string     `json:"signature"`
}

const restorePurpose = "gonogo ledger restore\n"

func (r Restore) signed() []byte {
	r.Signature = ""
	b, err := canonical(r)
	if err != nil {
		return nil // as for a checkpoint
	}
	return append([]byte(restorePurpose), b...)
}

// marks holds a chain against checkpoints while it is walked along.
type marks struct {
	key     ed25519.PublicKey
	all     []Checkpoint
	bySize  map[int64][]int
	agrees  []bool
	excused []bool
}

func newMarks(a Against) *marks {
	m := &marks{key: a.Key, all: a.Checkpoints, bySize: map[int64][]int{}}
	m.agrees, m.excused = make([]bool, len(m.all)), make([]bool, len(m.all))
	for i, c := range m.all {
		m.bySize[c.Size] = append(m.bySize[c.Size], i)
	}
	return m
}

func (m *marks) pass(size int64, hash []byte) {
	for _, i := range m.bySize[size] {
		m.agrees[i] = m.all[i].Hash == hex.EncodeToString(hash)
	}
}

// restored excuses the checkpoints that a RESTORE entry gives up. One without
// the right signature excuses nothing.
func (m *marks) restored(r Restore) {
	if len(m.all) == 0 || !verifies(m.key, r.signed(), r.Signature) {
		return
	}
	for i := len(m.all) - 1; i >= 0; i-- {
		if m.all[i].Signature != r.Last.Signature {
			continue
		}
		for j := range i + 1 {
			m.excused[j] = m.excused[j] || m.all[j].Size > r.Agreed
		}
		return
	}
}

// stand returns the largest and smallest checkpoint that the chain contradicts
// (nil: none), up to which entry it agrees before them, and how many checkpoints
// were given up.
func (m *marks) stand() (largest, smallest *Checkpoint, agreed int64, lapsed int) {
	for i := range m.all {
		c := &m.all[i]
		switch {
		case m.agrees[i]:
			continue
		case m.excused[i]:
			lapsed++
			continue
		}
		if largest == nil || c.Size > largest.Size {
			largest = c
		}
		if smallest == nil || c.Size < smallest.Size {
			smallest = c
		}
	}
	for i, c := range m.all {
		if m.agrees[i] && (smallest == nil || c.Size < smallest.Size) {
			agreed = max(agreed, c.Size)
		}
	}
	return largest, smallest, agreed, lapsed
}

// settle returns what the checkpoints say against a chain of this size, and how
// many of them were given up.
func (m *marks) settle(size int64) (*Fault, int) {
	_, c, agreed, lapsed := m.stand()
	switch {
	case c == nil:
		return nil, lapsed
	case c.Size > size:
		return &Fault{size + 1, fmt.Sprintf("it is missing: a checkpoint of %s says %d entries, found %d",
			c.At.Format(time.RFC3339), c.Size, size)}, lapsed
	}
	return &Fault{agreed + 1, fmt.Sprintf(
		"this entry, or one behind it up to %d, was written anew with all that follows: the chain holds, and is not the one that the checkpoint of %s signed",
		c.Size, c.At.Format(time.RFC3339))}, lapsed
}

// Setback is a ledger that is shorter than its checkpoints say, or another. Its
// error is for operators.
type Setback struct {
	Agreed int64 // entries up to which both agree
	Found  int64
	Size   int64 // the largest checkpoint against which it stands
}

func (s *Setback) Error() string {
	what := "LEDGER REWRITTEN"
	if s.Size > s.Found {
		what = "LEDGER ROLLED BACK"
	}
	return fmt.Sprintf("%s · checkpoint size %d, found %d (they agree up to entry %d). "+
		"Put the newest backup in place; if there is none, sign that you go on with this one: gonogo ledger restore --reason '…'",
		what, s.Size, s.Found, s.Agreed)
}

// Held holds the ledger against its checkpoints, without proving what is in it.
// It returns a [*Setback] when it is shorter or another.
func (l *Ledger) Held(ctx context.Context, a Against) error {
	q := l.db.Read()
	size, _, err := tip(ctx, q)
	if err != nil {
		return err
	}
	m := newMarks(a)
	for i, c := range m.all {
		if !c.signedBy(a.Key) {
			return fmt.Errorf("checkpoint %d, for %d entries, is not signed by this server's key: a new key needs a new place for its checkpoints", i+1, c.Size)
		}
		hash, found, err := hashOf(ctx, q, c.Size)
		if err != nil {
			return fmt.Errorf("hold the ledger against checkpoint %d: %w", i+1, err)
		}
		m.agrees[i] = found && hex.EncodeToString(hash) == c.Hash
	}
	restores, err := restoresOf(ctx, q)
	if err != nil {
		return err
	}
	for _, r := range restores {
		m.restored(r)
	}
	largest, _, agreed, _ := m.stand()
	if largest == nil {
		return nil
	}
	return &Setback{Agreed: agreed, Found: size, Size: largest.Size}
}

// Restore enters, signed, that an operator goes on with this ledger although
// checkpoints say more, or something else. Nothing is entered when they do not.
func (l *Ledger) Restore(ctx context.Context, all []Checkpoint, key ed25519.PrivateKey, by, why string, at time.Time) (bool, error) {
	err := l.Held(ctx, Against{Checkpoints: all, Key: key.Public().(ed25519.PublicKey)})
	var back *Setback
	if !errors.As(err, &back) {
		return false, err
	}
	r := Restore{Agreed: back.Agreed, Found: back.Found, Last: all[len(all)-1], Key: PublicKey(key)}
	r.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, r.signed()))
	err = l.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := Append(ctx, tx, Entry{
			At: at, Kind: KindRestore, Actor: gate.User{Login: by}, Once: fmt.Sprintf("restore/%d/%s", r.Last.Size, r.Last.Hash),
			Data: r, Texts: map[string]string{reasonText: why},
		})
		return err
	})
	return err == nil, err
}

func restoresOf(ctx context.Context, q querier) (_ []Restore, err error) {
	rows, err := q.QueryContext(ctx, `SELECT data FROM entry WHERE repo_id = 0 AND once LIKE 'restore/%' ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("read RESTORE entries: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []Restore
	for rows.Next() {
		var data []byte
		var r Restore
		if err := rows.Scan(&data); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, fmt.Errorf("read a RESTORE entry: %w", err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
