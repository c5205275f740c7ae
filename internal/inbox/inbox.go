// Package inbox holds what the door has acknowledged and the dispatcher has
// not turned into work yet.
//
// A [Hint] is what is kept of a delivery: what is needed to look again. The
// payload is not kept; only a comment, or the body of a submitted review, that
// may hold a command is kept whole, since it may be edited or deleted before
// anybody reads it.
//
// Each delivery is stored once: its identifier stays in a table of its own for
// as long as [Inbox.Prune] leaves it there. A body that was seen under another
// identifier is marked as replayed, since the signature covers the body only.
package inbox

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// version is that of a stored hint's format. A hint of a later version cannot
// be dispatched by this program: see [Entry].
const version = 1

// Digest identifies a body. It may be any function of the body that nobody who
// replays it can change.
type Digest [16]byte

// Hint is what is kept of one delivery. Fields that its event does not have
// are zero. Names and numbers are the payload's word: they say where to look,
// never what is so.
type Hint struct {
	GUID       string    `json:"guid"` // a UUID in lower case
	Event      string    `json:"event"`
	Action     string    `json:"action,omitempty"`
	ReceivedAt time.Time `json:"at"`
	BodyDigest Digest    `json:"-"`
	// Replayed: the same body came before under another GUID. Set by Append.
	Replayed bool `json:"replayed,omitempty"`
	// Again: the delivery was stored before; it may only revive a dead subject.
	// Set by Append.
	Again bool `json:"again,omitempty"`

	InstallationID int64 `json:"installation,omitempty"`
	Account        Account
	Repo           Repo
	Sender         gate.User

	PR     int      `json:"pr,omitempty"`
	PRs    []int    `json:"prs,omitempty"`  // of a check event; empty for forks
	SHA    string   `json:"sha,omitempty"`  // head of a pull request, subject of a check or status
	Ref    string   `json:"ref,omitempty"`  // without "refs/heads/" or "refs/tags/"
	Base   string   `json:"base,omitempty"` // of a merge queue's group, without "refs/heads/"
	IsTag  bool     `json:"is_tag,omitempty"`
	Tag    string   `json:"tag,omitempty"`    // of a release
	Target string   `json:"target,omitempty"` // of a draft release: what its tag will be made from
	AppID  int64    `json:"app,omitempty"`    // whose check it is
	Labels []string `json:"labels,omitempty"`

	Pull    *Pull    `json:"pull,omitempty"`
	Comment *Comment `json:"comment,omitempty"`
	Review  *Review  `json:"review,omitempty"`
	Button  *Button  `json:"button,omitempty"`
	// Deployment is of a run that waits to deploy SHA.
	Deployment *Deployment `json:"deployment,omitempty"`

	// ReposAdded and ReposRemoved are of installation events.
	ReposAdded   []Repo `json:"repos_added,omitempty"`
	ReposRemoved []Repo `json:"repos_removed,omitempty"`
}

// Account is the owner of a repository, or the organization of an event that
// belongs to no repository.
type Account struct {
	ID     int64  `json:"id,omitempty"`
	Login  string `json:"login,omitempty"`
	IsUser bool   `json:"is_user,omitempty"`
}

// Repo is the repository of a hint.
type Repo struct {
	ID            int64  `json:"id,omitempty"`
	FullName      string `json:"full_name,omitempty"`
	DefaultBranch string `json:"default_branch,omitempty"`
	Private       bool   `json:"private,omitempty"`
}

// Pull is the pull request of a hint, as of UpdatedAt.
type Pull struct {
	HeadRef    string    `json:"head_ref"`
	HeadRepoID int64     `json:"head_repo,omitempty"`
	BaseRef    string    `json:"base_ref"`
	AuthorID   int64     `json:"author,omitempty"`
	Open       bool      `json:"open,omitempty"`
	Draft      bool      `json:"draft,omitempty"`
	Merged     bool      `json:"merged,omitempty"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// Comment is a comment of a pull request's conversation. Body is kept only if
// it may hold a command.
type Comment struct {
	ID        int64     `json:"id"`
	User      gate.User `json:"user"`
	Body      string    `json:"body,omitempty"`
	URL       string    `json:"url,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Terms     string    `json:"terms,omitempty"` // record hash of the description then; "" without a command
}

// Review is a review. Body is kept only if it may hold a command.
type Review struct {
	ID        int64     `json:"id"`
	User      gate.User `json:"user"`
	State     string    `json:"state"`
	CommitSHA string    `json:"commit,omitempty"`
	Body      string    `json:"body,omitempty"`
	URL       string    `json:"url,omitempty"`
	At        time.Time `json:"at"`
	Terms     string    `json:"terms,omitempty"` // record hash of the description then; "" without a command
}

// Button is a pressed button of one of our check runs.
type Button struct {
	Identifier string `json:"identifier"`
	CheckRunID int64  `json:"check_run"`
	ExternalID string `json:"external_id,omitempty"`
}

// Deployment is what a run of GitHub Actions waits to deploy to.
type Deployment struct {
	Run         int64  `json:"run"`
	Environment string `json:"environment"`
}

// MayCommand reports whether a line of body begins with a slash. It is cheap
// and errs on the side of yes: what a command is says package command.
func MayCommand(body string) bool {
	for line := range strings.Lines(body) {
		if strings.HasPrefix(strings.TrimLeft(line, " \t\u00a0\ufeff"), "/") {
			return true
		}
	}
	return false
}

// Inbox is safe for concurrent use.
type Inbox struct{ store *store.Store }

// New returns the inbox of a store.
func New(s *store.Store) *Inbox { return &Inbox{store: s} }

// Outcome is what Append did with a hint.
type Outcome int

// The outcomes.
const (
	Stored    Outcome = iota // a new delivery
	Replay                   // stored, and marked as replayed
	Duplicate                // its GUID and body were stored before
)

// Append stores new deliveries in one transaction and returns an outcome for
// each. Once it returns nil they are on the disk. A repeated GUID is stored
// once more if its subject may be dead: see [Hint].
func (i *Inbox) Append(ctx context.Context, hints []Hint) ([]Outcome, error) {
	var outcomes []Outcome
	err := i.store.Write(ctx, func(tx *sql.Tx) error {
		var err error
		outcomes, err = appendHints(ctx, tx, hints)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store %d deliveries: %w", len(hints), err)
	}
	return outcomes, nil
}

func appendHints(ctx context.Context, tx *sql.Tx, hints []Hint) ([]Outcome, error) {
	seen, err := seenBodies(ctx, tx, hints)
	if err != nil {
		return nil, err
	}
	fresh, err := insertDeliveries(ctx, tx, hints)
	if err != nil {
		return nil, err
	}
	dead := false
	outcomes := make([]Outcome, len(hints))
	keep := make([]Hint, 0, len(hints))
	for n, h := range hints {
		switch {
		case !fresh[identity{h.GUID, h.BodyDigest}]:
			outcomes[n] = Duplicate
			if h.Again, err = again(ctx, tx, h, &dead); err != nil {
				return nil, err
			}
			if !h.Again {
				continue
			}
		case seen[h.BodyDigest]:
			outcomes[n], h.Replayed = Replay, true
		}
		delete(fresh, identity{h.GUID, h.BodyDigest}) // a second one in this batch is a duplicate
		seen[h.BodyDigest] = true
		keep = append(keep, h)
	}
	return outcomes, insertHints(ctx, tx, keep)
}

// values returns "($1, $2), ($3, $4), …" for the given number of rows and
// columns.
func values(rows, columns int) string {
	var b strings.Builder
	for n := range rows * columns {
		switch {
		case n%columns != 0:
			b.WriteString(", ")
		case n == 0:
			b.WriteByte('(')
		default:
			b.WriteString("), (")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n + 1))
	}
	return b.String() + ")"
}

func seenBodies(ctx context.Context, tx *sql.Tx, hints []Hint) (_ map[Digest]bool, err error) {
	args := make([]any, len(hints))
	for n := range hints {
		args[n] = hints[n].BodyDigest[:]
	}
	seen := make(map[Digest]bool, len(hints))
	rows, err := tx.QueryContext(ctx, "SELECT body FROM delivery WHERE body IN "+values(1, len(hints)), args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var sum sql.RawBytes
		if err := rows.Scan(&sum); err != nil {
			return nil, err
		}
		var d Digest
		copy(d[:], sum)
		seen[d] = true
	}
	return seen, rows.Err()
}

// identity is that of a delivery: GitHub repeats a GUID with its body only.
type identity struct {
	guid string
	body Digest
}

// insertDeliveries returns those that are new.
func insertDeliveries(ctx context.Context, tx *sql.Tx, hints []Hint) (_ map[identity]bool, err error) {
	args := make([]any, 0, 3*len(hints))
	for n := range hints {
		guid, err := guidBytes(hints[n].GUID)
		if err != nil {
			return nil, err
		}
		args = append(args, guid, hints[n].BodyDigest[:], store.Millis(hints[n].ReceivedAt))
	}
	rows, err := tx.QueryContext(ctx, "INSERT INTO delivery (guid, body, received_at) VALUES "+
		values(len(hints), 3)+" ON CONFLICT (body, guid) DO NOTHING RETURNING guid, body", args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	fresh := make(map[identity]bool, len(hints))
	for rows.Next() {
		var guid, sum sql.RawBytes
		if err := rows.Scan(&guid, &sum); err != nil {
			return nil, err
		}
		id := identity{guid: guidText(guid)}
		copy(id.body[:], sum)
		fresh[id] = true
	}
	return fresh, rows.Err()
}

// guidBytes returns the sixteen bytes of a UUID.
func guidBytes(guid string) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(guid, "-", ""))
	if err != nil || len(b) != 16 {
		return nil, fmt.Errorf("delivery identifier %q is not a UUID", guid)
	}
	return b, nil
}

func guidText(b []byte) string {
	digits := hex.EncodeToString(b)
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}

// again reports whether a repeated delivery is let through: once, while any
// subject is dead. Which one it is about, the dispatcher finds out.
func again(ctx context.Context, tx *sql.Tx, h Hint, dead *bool) (bool, error) {
	guid, err := guidBytes(h.GUID)
	if err != nil {
		return false, err
	}
	if !*dead {
		err := tx.QueryRowContext(ctx, "SELECT count(*) > 0 FROM subject WHERE dead_at IS NOT NULL").Scan(dead)
		if err != nil || !*dead {
			return false, err
		}
	}
	res, err := tx.ExecContext(ctx, "UPDATE delivery SET again = 1 WHERE body = $1 AND guid = $2 AND again = 0",
		h.BodyDigest[:], guid)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// stored is a hint as it lies in the table.
type stored struct {
	Version int `json:"v"`
	Hint
}

func insertHints(ctx context.Context, tx *sql.Tx, hints []Hint) error {
	if len(hints) == 0 {
		return nil
	}
	args := make([]any, 0, 2*len(hints))
	for _, h := range hints {
		body, err := json.Marshal(stored{version, h})
		if err != nil {
			return fmt.Errorf("encode delivery %s: %w", h.GUID, err)
		}
		args = append(args, body, store.Millis(h.ReceivedAt))
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO hint (body, received_at) VALUES "+values(len(hints), 2), args...)
	return err
}

// Entry is a stored hint. Err is set when it cannot be read by this version.
type Entry struct {
	ID   int64
	Hint Hint
	Err  error
}

// Next returns the oldest n hints that are not dead, in the order in which
// they were stored.
func (i *Inbox) Next(ctx context.Context, n int) (_ []Entry, err error) {
	rows, err := i.store.Read().QueryContext(ctx, "SELECT id, body FROM hint WHERE dead_at IS NULL ORDER BY id LIMIT $1", n)
	if err != nil {
		return nil, fmt.Errorf("read inbox: %w", store.Classify(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []Entry
	for rows.Next() {
		var e Entry
		var body sql.RawBytes
		if err := rows.Scan(&e.ID, &body); err != nil {
			return nil, fmt.Errorf("read inbox: %w", err)
		}
		e.Hint, e.Err = decode(body)
		list = append(list, e)
	}
	return list, rows.Err()
}

func decode(body []byte) (Hint, error) {
	var s stored
	if err := json.Unmarshal(body, &s); err != nil {
		return Hint{}, fmt.Errorf("decode hint: %w", err)
	}
	if s.Version != version {
		return Hint{}, fmt.Errorf("hint has version %d, this program reads version %d", s.Version, version)
	}
	return s.Hint, nil
}

// Delete removes dispatched hints in the dispatcher's transaction.
func (i *Inbox) Delete(ctx context.Context, tx *sql.Tx, ids []int64) error {
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, "DELETE FROM hint WHERE id = $1", id); err != nil {
			return fmt.Errorf("delete hint %d: %w", id, err)
		}
	}
	return nil
}

// Bury marks a hint that cannot be dispatched, so that those behind it go on.
// It is kept for the operator and for a later version.
func (i *Inbox) Bury(ctx context.Context, tx *sql.Tx, id int64, at time.Time, why error) error {
	text := strings.ReplaceAll(strings.ToValidUTF8(why.Error(), "\uFFFD"), "\x00", "\uFFFD")
	_, err := tx.ExecContext(ctx, "UPDATE hint SET dead_at = $1, error = $2 WHERE id = $3", store.Millis(at), text[:min(len(text), 500)], id)
	if err != nil {
		return fmt.Errorf("bury hint %d: %w", id, err)
	}
	return nil
}

// Depth is how many hints wait, and how many were buried.
type Depth struct{ Waiting, Dead int }

// Depth counts hints.
func (i *Inbox) Depth(ctx context.Context) (Depth, error) {
	var d Depth
	err := i.store.Read().QueryRowContext(ctx, "SELECT count(*) - count(dead_at), count(dead_at) FROM hint").Scan(&d.Waiting, &d.Dead)
	if err != nil {
		return Depth{}, fmt.Errorf("count inbox: %w", err)
	}
	return d, nil
}

// pruneBatch keeps pruning from holding the writer for long.
const pruneBatch = 1000

// Prune forgets delivery identifiers that were received before the given time,
// and returns how many. What is forgotten can be delivered again.
func (i *Inbox) Prune(ctx context.Context, before time.Time) (int, error) {
	total := 0
	for {
		var n int64
		err := i.store.Write(ctx, func(tx *sql.Tx) error {
			// Rows lie in the order in which they came: the search ends at the first
			// that stays.
			res, err := tx.ExecContext(ctx, `DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE id <
				coalesce((SELECT min(id) FROM delivery WHERE received_at >= $1), 9223372036854775807) ORDER BY id LIMIT $2)`,
				store.Millis(before), pruneBatch)
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		})
		if err != nil {
			return total, fmt.Errorf("prune deliveries: %w", err)
		}
		if total += int(n); n < pruneBatch {
			return total, nil
		}
	}
}
