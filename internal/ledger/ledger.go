// Package ledger keeps what was decided, judged and done.
//
// Entries are append-only: nothing here changes or removes one. Each is made
// in the transaction that does what it records, and each carries a key under
// which it can be made only once, so that a repeated delivery, a retried job and
// a restart add nothing. A decision whose comment was edited or deleted is not
// taken back: another entry says so.
//
// Beside the entries stand the evaluations, numbered in the order in which
// they began (a higher number means fresher evidence), and the check run that
// was last published for each head commit.
package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// Kind is what an entry records.
type Kind string

// The kinds of entries.
const (
	KindGo       Kind = "go"
	KindNoGo     Kind = "no-go"
	KindSignoff  Kind = "signoff"
	KindVoid     Kind = "void"     // a decision's comment was edited or deleted
	KindRefused  Kind = "refused"  // a command that was not accepted
	KindAnswered Kind = "answered" // a command that decides nothing: recheck, help
	KindVerdict  Kind = "verdict"  // a verdict that differs from the one before
	KindPublish  Kind = "publish"  // a check run about to be written
	KindMerged   Kind = "merged"   // a pull request was merged, with its verdict then
	KindRelease  Kind = "release"  // a release was judged

	KindOverride     Kind = "override"      // somebody lets a head pass against the verdict
	KindAcceptSecret Kind = "accept-secret" // somebody says that what looks like a credential is none
)

// Kinds lists all kinds.
var Kinds = [...]Kind{
	KindGo, KindNoGo, KindSignoff, KindVoid, KindRefused, KindAnswered, KindVerdict,
	KindPublish, KindMerged, KindRelease,
	KindOverride, KindAcceptSecret,
}

// Entry is one line of the ledger.
type Entry struct {
	ID     int64
	At     time.Time
	Kind   Kind
	RepoID int64
	Number int // of the pull request, 0 for none
	SHA    string
	Actor  gate.User // zero for Gonogo itself
	Once   string    // unique within the repository
	Data   any       // marshalled as JSON
}

// Ledger is safe for concurrent use.
type Ledger struct{ db *store.Store }

// New returns the ledger in db.
func New(db *store.Store) *Ledger { return &Ledger{db: db} }

// Append adds an entry in the caller's transaction. It reports false when an
// entry with the same Once stands already, and then changes nothing.
func Append(ctx context.Context, tx *sql.Tx, e Entry) (bool, error) {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return false, fmt.Errorf("append %s entry: %w", e.Kind, err)
	}
	res, err := tx.ExecContext(ctx, `
		INSERT INTO entry (at, kind, repo_id, number, sha, actor_id, actor, once, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (repo_id, once) DO NOTHING`,
		store.Millis(e.At), string(e.Kind), e.RepoID, e.Number, e.SHA, e.Actor.ID, e.Actor.Login, e.Once, data)
	if err != nil {
		return false, fmt.Errorf("append %s entry: %w", e.Kind, err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// Has reports whether an entry with this key stands.
func (l *Ledger) Has(ctx context.Context, repoID int64, once string) (bool, error) {
	var n int
	err := l.db.Read().QueryRowContext(ctx, `SELECT COUNT(*) FROM entry WHERE repo_id = $1 AND once = $2`, repoID, once).Scan(&n)
	return n > 0, err
}

// Entries returns the entries of one pull request, oldest first; Data holds the
// raw JSON.
func (l *Ledger) Entries(ctx context.Context, repoID int64, number int) ([]Entry, error) {
	rows, err := l.db.Read().QueryContext(ctx, `
		SELECT id, at, kind, repo_id, number, sha, actor_id, actor, once, data
		FROM entry WHERE repo_id = $1 AND number = $2 ORDER BY id`, repoID, number)
	if err != nil {
		return nil, fmt.Errorf("read entries of #%d: %w", number, err)
	}
	defer rows.Close()
	var entries []Entry
	for rows.Next() {
		var e Entry
		var at int64
		var data json.RawMessage
		if err := rows.Scan(&e.ID, &at, &e.Kind, &e.RepoID, &e.Number, &e.SHA, &e.Actor.ID, &e.Actor.Login, &e.Once, &data); err != nil {
			return nil, err
		}
		e.At, e.Data = store.Time(at), data
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// decision is the data of a GO or NO-GO.
type decision struct {
	For       gate.Binding
	Reason    string `json:",omitempty"`
	Channel   string
	CommentID int64 `json:",omitempty"`
	ReviewID  int64 `json:",omitempty"`
	SaidAt    time.Time
	URL       string `json:",omitempty"`
	LiftsOwn  bool   `json:",omitempty"`
	Signoff   string `json:",omitempty"` // the name of a sign-off

	Until       time.Time `json:",omitzero"`  // of an override
	Fingerprint string    `json:",omitempty"` // of what looks like a credential
}

// void is the data of a void entry.
type void struct {
	Decision int64
	How      string
}

// Merge is the data of a merged entry: what stood when a pull request was
// merged. An empty verdict means that none was made for that head.
type Merge struct {
	Override   string `json:",omitempty"` // who let it pass against the verdict
	Verdict    gate.Verdict
	Mode       gate.Mode `json:",omitempty"` // in which the verdict was made
	Evaluation int64
	MergeSHA   string
	Base       string
	At         time.Time
}

// MergeOf returns what stood when a pull request was merged, and false when
// its merge was not entered.
func (l *Ledger) MergeOf(ctx context.Context, repoID int64, number int) (Merge, bool, error) {
	var data []byte
	row := l.db.Read().QueryRowContext(ctx, `SELECT data FROM entry WHERE repo_id = $1 AND once = $2`,
		repoID, MergedOnce(number))
	found, err := none(row.Scan(&data))
	if err != nil || !found {
		return Merge{}, false, err
	}
	var m Merge
	return m, true, json.Unmarshal(data, &m)
}

// MergedOnce is the key of a pull request's merged entry.
func MergedOnce(number int) string { return fmt.Sprintf("merged/%d", number) }

// AppendDecision adds a GO or NO-GO. It reports false when the command that
// once names was entered before.
func AppendDecision(ctx context.Context, tx *sql.Tx, pr gate.PullRequest, d gate.PersonDecision, once string) (bool, error) {
	kind := KindGo
	if d.Choice == gate.ChoiceNoGo {
		kind = KindNoGo
	}
	return Append(ctx, tx, Entry{
		At: d.At, Kind: kind, RepoID: pr.Repo.ID, Number: pr.Number, SHA: d.For.HeadSHA, Actor: d.User, Once: once,
		Data: decision{For: d.For, Reason: d.Reason, Channel: d.Channel, CommentID: d.CommentID, ReviewID: d.ReviewID, SaidAt: d.SaidAt, URL: d.URL, LiftsOwn: d.LiftsOwn},
	})
}

// AppendSignoff adds a sign-off. It reports false when the command that once
// names was entered before.
func AppendSignoff(ctx context.Context, tx *sql.Tx, pr gate.PullRequest, s gate.Signoff, once string) (bool, error) {
	return Append(ctx, tx, Entry{
		At: s.At, Kind: KindSignoff, RepoID: pr.Repo.ID, Number: pr.Number, SHA: s.For.HeadSHA, Actor: s.User, Once: once,
		Data: decision{For: s.For, Reason: s.Reason, Channel: s.Channel, CommentID: s.CommentID, URL: s.URL, Signoff: s.Name},
	})
}

// AppendVoid enters that the comment of a decision no longer carries it, and
// how that came about ("edited by @eve"). Only the first such entry counts.
func AppendVoid(ctx context.Context, tx *sql.Tx, pr gate.PullRequest, d gate.PersonDecision, how string, at time.Time) error {
	_, err := Append(ctx, tx, Entry{
		At: at, Kind: KindVoid, RepoID: pr.Repo.ID, Number: pr.Number, SHA: d.For.HeadSHA,
		Once: fmt.Sprintf("void:%d", d.ID), Data: void{Decision: d.ID, How: how},
	})
	return err
}

// Decisions returns every GO and NO-GO of a pull request in the order of
// acceptance.
func (l *Ledger) Decisions(ctx context.Context, repoID int64, number int) ([]gate.PersonDecision, error) {
	said, err := l.said(ctx, repoID, number, KindGo, KindNoGo)
	if err != nil {
		return nil, err
	}
	var decisions []gate.PersonDecision
	for _, s := range said {
		decisions = append(decisions, s.PersonDecision)
	}
	return decisions, nil
}

// Signoffs returns every sign-off of a pull request in the order of acceptance.
func (l *Ledger) Signoffs(ctx context.Context, repoID int64, number int) ([]gate.Signoff, error) {
	return l.said(ctx, repoID, number, KindSignoff)
}

// said returns what people said, by kinds of entries, with what became of the
// comments that said it.
func (l *Ledger) said(ctx context.Context, repoID int64, number int, kinds ...Kind) ([]gate.Signoff, error) {
	entries, err := l.Entries(ctx, repoID, number)
	if err != nil {
		return nil, err
	}
	var said []gate.Signoff
	for _, e := range entries {
		raw := e.Data.(json.RawMessage)
		switch {
		case slices.Contains(kinds, e.Kind):
			s, err := asSaid(e, raw)
			if err != nil {
				return nil, err
			}
			said = append(said, s)
		case e.Kind == KindVoid:
			var v void
			if err := json.Unmarshal(raw, &v); err != nil {
				return nil, fmt.Errorf("entry %d: %w", e.ID, err)
			}
			for i := range said {
				if said[i].ID == v.Decision {
					said[i].Voided = v.How
				}
			}
		}
	}
	return said, nil
}

func asSaid(e Entry, raw []byte) (gate.Signoff, error) {
	var data decision
	if err := json.Unmarshal(raw, &data); err != nil {
		return gate.Signoff{}, fmt.Errorf("entry %d: %w", e.ID, err)
	}
	choice := map[Kind]gate.Choice{KindGo: gate.ChoiceGo, KindNoGo: gate.ChoiceNoGo}[e.Kind]
	return gate.Signoff{Name: data.Signoff + data.Fingerprint, PersonDecision: gate.PersonDecision{
		ID: e.ID, Choice: choice, User: e.Actor, At: e.At, For: data.For, Reason: data.Reason,
		Channel: data.Channel, CommentID: data.CommentID, ReviewID: data.ReviewID, SaidAt: data.SaidAt, URL: data.URL, LiftsOwn: data.LiftsOwn, Until: data.Until,
	}}, nil
}

// none turns "no such row" into a plain no.
func none(err error) (bool, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
