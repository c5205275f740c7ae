package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"gonogo/internal/store"
)

// State is what became of a letter.
type State string

// The states of letters; the package comment draws how they follow each other.
const (
	StateWaiting   State = "waiting"
	StateSent      State = "sent"
	StateDead      State = "dead"
	StateNoChannel State = "no channel"
)

// States lists all states.
var States = [...]State{StateWaiting, StateSent, StateDead, StateNoChannel}

// Letter is a notice on its way to one place.
type Letter struct {
	ID     int64
	Key    string // of the notice, its repository and its place: the same at each attempt
	Via    string // the carrier's name
	Target string // a channel, an item, "" where a carrier has one place only
	Notice Notice

	Attempts int // failed ones
	At       time.Time
	Ended    time.Time // when it was sent or given up
	Error    string    // of the last failed attempt
}

// Carrier brings letters to their places.
type Carrier interface {
	// Name is the carrier's name: lasting, it is stored.
	Name() string
	// Targets returns the places that a notice goes to this way; none when it
	// does not.
	Targets(Notice) []string
	// Carry brings a letter to its place, or says why not. Its errors hold no
	// secrets. A [Later] among them says when it may be tried again.
	Carry(context.Context, Letter) error
}

// Later is an error that asks for patience.
type Later struct {
	After time.Duration
	Err   error
}

// Error is the reason.
func (l *Later) Error() string { return l.Err.Error() }

// Unwrap returns the reason.
func (l *Later) Unwrap() error { return l.Err }

// Config is what an outbox is made of.
type Config struct {
	Store    *store.Store
	Carriers []Carrier
	Log      *logrus.Entry
	Now      func() time.Time
	// Redact takes credentials out of a text; nil leaves it as it is.
	Redact func(context.Context, string) string
	// Settled is called in the transaction in which a letter is sent or given
	// up, to enter it; nil: nothing is entered.
	Settled func(context.Context, *sql.Tx, Letter, State) error
	// Count is called when a letter is sent or given up; nil: nobody counts.
	Count func(Kind, State)
	// Every is how often waiting letters are looked for; 0: twice a second.
	Every time.Duration
}

// Outbox is safe for concurrent use.
type Outbox struct{ cfg Config }

// New returns the outbox in a store.
func New(cfg Config) (*Outbox, error) {
	if cfg.Store == nil || cfg.Log == nil || cfg.Now == nil {
		return nil, errors.New("an outbox needs a store, a log and a clock")
	}
	if cfg.Redact == nil {
		cfg.Redact = func(_ context.Context, s string) string { return s }
	}
	if cfg.Settled == nil {
		cfg.Settled = func(context.Context, *sql.Tx, Letter, State) error { return nil }
	}
	if cfg.Count == nil {
		cfg.Count = func(Kind, State) {}
	}
	if cfg.Every <= 0 {
		cfg.Every = 500 * time.Millisecond
	}
	return &Outbox{cfg: cfg}, nil
}

// Post keeps a notice in the caller's transaction; once that is committed, it
// goes to its places. A notice whose key stands already is not posted again. One
// without places is kept, and not sent.
func (o *Outbox) Post(ctx context.Context, tx *sql.Tx, n Notice) error {
	if err := o.post(ctx, tx, n); err != nil {
		return fmt.Errorf("post notice %s: %w", n.Key, err)
	}
	return nil
}

func (o *Outbox) post(ctx context.Context, tx *sql.Tx, n Notice) error {
	switch {
	case n.Key == "" || len(n.Lines) == 0:
		return errors.New("a notice needs a key and a text")
	case !slices.Contains(Kinds[:], n.Kind):
		return fmt.Errorf("there is no kind %q", n.Kind)
	}
	n = n.tidy(ctx, o.cfg.Redact)
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	now := store.Millis(o.cfg.Now())
	var id int64
	err = tx.QueryRowContext(ctx, `
		INSERT INTO notice (repo_id, key, kind, body, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (repo_id, key) DO NOTHING RETURNING id`, n.RepoID, n.Key, string(n.Kind), string(body), now).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return o.address(ctx, tx, id, n, now)
}

// address makes the letters of a notice.
func (o *Outbox) address(ctx context.Context, tx *sql.Tx, id int64, n Notice, now int64) error {
	places := 0
	for _, c := range o.cfg.Carriers {
		for _, target := range c.Targets(n) {
			places++
			if err := o.letter(ctx, tx, id, c.Name(), target, StateWaiting, now); err != nil {
				return err
			}
		}
	}
	if places > 0 {
		return nil
	}
	return o.letter(ctx, tx, id, "", "", StateNoChannel, now)
}

func (o *Outbox) letter(ctx context.Context, tx *sql.Tx, notice int64, via, target string, state State, now int64) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO letter (notice, via, target, state, due) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (notice, via, target) DO NOTHING`, notice, via, target, string(state), now)
	return err
}

// Tally is how many letters of a kind are in a state.
type Tally struct {
	Kind  Kind
	State State
	N     int
}

// Tally counts the letters by kind and state.
func (o *Outbox) Tally(ctx context.Context) (_ []Tally, err error) {
	rows, err := o.cfg.Store.Read().QueryContext(ctx, `
		SELECT n.kind, l.state, COUNT(*) FROM letter l JOIN notice n ON n.id = l.notice GROUP BY n.kind, l.state ORDER BY n.kind, l.state`)
	if err != nil {
		return nil, fmt.Errorf("count notices: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []Tally
	for rows.Next() {
		var t Tally
		if err := rows.Scan(&t.Kind, &t.State, &t.N); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// maxDead is how many letters that were given up are listed.
const maxDead = 200

// Dead lists the letters that were given up, the newest first, 200 at most.
func (o *Outbox) Dead(ctx context.Context) ([]Letter, error) {
	dead, err := o.letters(ctx, `WHERE l.state = 'dead' ORDER BY l.ended DESC, l.id DESC LIMIT $1`, maxDead)
	if err != nil {
		return nil, fmt.Errorf("list notices that were given up: %w", err)
	}
	return dead, nil
}

// letters reads letters with their notices.
func (o *Outbox) letters(ctx context.Context, where string, args ...any) (_ []Letter, err error) {
	rows, err := o.cfg.Store.Read().QueryContext(ctx, `
		SELECT l.id, l.via, l.target, l.attempts, l.ended, l.error, n.repo_id, n.key, n.kind, n.body, n.at
		FROM letter l JOIN notice n ON n.id = l.notice `+where, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []Letter
	for rows.Next() {
		l, err := scanLetter(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, rows.Err()
}

func scanLetter(rows *sql.Rows) (Letter, error) {
	var l Letter
	var ended sql.NullInt64
	var cause sql.NullString
	var repo, at int64
	var key, kind, body string
	if err := rows.Scan(&l.ID, &l.Via, &l.Target, &l.Attempts, &ended, &cause, &repo, &key, &kind, &body, &at); err != nil {
		return Letter{}, err
	}
	if body == "" { // it is old: only what it was is known
		l.Notice = Notice{Key: key, Kind: Kind(kind), RepoID: repo, At: store.Time(at)}
	} else if err := json.Unmarshal([]byte(body), &l.Notice); err != nil {
		return Letter{}, fmt.Errorf("read notice %s: %w", key, err)
	}
	l.At, l.Ended, l.Error = store.Time(at), store.Time(ended.Int64), cause.String
	l.Key = fmt.Sprintf("%d/%s/%s/%s", repo, key, l.Via, l.Target)
	return l, nil
}

// Prune empties the notices that were posted before a time and wait for nothing.
// Their keys stay taken. It returns how many.
func (o *Outbox) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	err = o.cfg.Store.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `
			UPDATE notice SET body = '' WHERE at < $1 AND body <> ''
			AND NOT EXISTS (SELECT 1 FROM letter l WHERE l.notice = notice.id AND l.state = 'waiting')`, store.Millis(before))
		if err != nil {
			return fmt.Errorf("prune notices: %w", err)
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}
