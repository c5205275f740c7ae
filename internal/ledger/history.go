package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"gonogo/internal/gate"
)

// The names of the texts of what somebody said: the reason that they gave, and
// the digest of the whole comment or review. The digest of a short text tells
// the text, so that it stands where it can be erased.
const (
	reasonText = "reason"
	digestText = "digest"
)

// decision is the data of what somebody said.
type decision struct {
	For       gate.Binding
	Reason    string `json:",omitempty"` // in entries from before the chain
	Channel   string
	CommentID int64 `json:",omitempty"`
	ReviewID  int64 `json:",omitempty"`
	SaidAt    time.Time
	URL       string `json:",omitempty"`
	LiftsOwn  bool   `json:",omitempty"`
	SeenTo    int64  `json:",omitempty"`
	Signoff   string `json:",omitempty"` // the name of a sign-off

	Until       time.Time `json:",omitzero"`  // of an override
	Fingerprint string    `json:",omitempty"` // of what looks like a credential
}

// void is the data of a void entry.
type void struct {
	Decision int64
	How      string
}

// AppendDecision adds a GO or NO-GO. It reports false when the command that
// once names was entered before.
func AppendDecision(ctx context.Context, tx *sql.Tx, pr gate.PullRequest, d gate.PersonDecision, once string) (bool, error) {
	kind := KindGo
	if d.Choice == gate.ChoiceNoGo {
		kind = KindNoGo
	}
	return appendSaid(ctx, tx, pr, kind, d, decision{}, once)
}

// AppendSignoff adds a sign-off. It reports false when the command that once
// names was entered before.
func AppendSignoff(ctx context.Context, tx *sql.Tx, pr gate.PullRequest, s gate.Signoff, once string) (bool, error) {
	return appendSaid(ctx, tx, pr, KindSignoff, s.PersonDecision, decision{Signoff: s.Name}, once)
}

// AppendOverride adds an override. It reports false when the command that once
// names was entered before.
func AppendOverride(ctx context.Context, tx *sql.Tx, pr gate.PullRequest, d gate.PersonDecision, once string) (bool, error) {
	return appendSaid(ctx, tx, pr, KindOverride, d, decision{}, once)
}

// AppendAcceptance adds that somebody accepts what looks like a credential. It
// reports false when the command that once names was entered before.
func AppendAcceptance(ctx context.Context, tx *sql.Tx, pr gate.PullRequest, a gate.Acceptance, once string) (bool, error) {
	return appendSaid(ctx, tx, pr, KindAcceptSecret, a.PersonDecision, decision{Fingerprint: a.Fingerprint}, once)
}

func appendSaid(ctx context.Context, tx *sql.Tx, pr gate.PullRequest, kind Kind, d gate.PersonDecision, data decision, once string) (bool, error) {
	data.For, data.Channel, data.CommentID, data.ReviewID = d.For, d.Channel, d.CommentID, d.ReviewID
	data.SaidAt, data.URL, data.LiftsOwn, data.SeenTo, data.Until = d.SaidAt, d.URL, d.LiftsOwn, d.SeenTo, d.Until
	return Append(ctx, tx, Entry{
		At: d.At, Kind: kind, RepoID: pr.Repo.ID, Number: pr.Number, SHA: d.For.HeadSHA, Actor: d.User, Once: once, Data: data,
		Texts: map[string]string{reasonText: d.Reason, digestText: d.Digest},
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

// History is what the ledger holds of one pull request, and what people said on it,
// each in the order of acceptance and with what became of its comment.
type History struct {
	Entries     []Entry // all of them, oldest first; Data holds the raw JSON
	Decisions   []gate.PersonDecision
	Signoffs    []gate.Signoff
	Overrides   []gate.PersonDecision
	Acceptances []gate.Acceptance
}

// History reads the entries of a pull request.
func (l *Ledger) History(ctx context.Context, repoID int64, number int) (History, error) {
	entries, err := l.Entries(ctx, repoID, number)
	if err != nil {
		return History{}, err
	}
	voided, err := voidings(entries)
	if err != nil {
		return History{}, err
	}
	s := History{Entries: entries}
	for _, e := range entries {
		if err := s.add(e, voided[e.ID]); err != nil {
			return History{}, err
		}
	}
	return s, nil
}

// voidings tells how the comment of each decision ceased to carry it.
func voidings(entries []Entry) (map[int64]string, error) {
	how := map[int64]string{}
	for _, e := range entries {
		if e.Kind != KindVoid {
			continue
		}
		var v void
		if err := json.Unmarshal(e.Data.(json.RawMessage), &v); err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.ID, err)
		}
		how[v.Decision] = v.How
	}
	return how, nil
}

func (s *History) add(e Entry, voided string) error {
	switch e.Kind {
	case KindGo, KindNoGo, KindSignoff, KindOverride, KindAcceptSecret:
	default:
		return nil
	}
	var data decision
	if err := json.Unmarshal(e.Data.(json.RawMessage), &data); err != nil {
		return fmt.Errorf("entry %d: %w", e.ID, err)
	}
	if text := e.Texts[reasonText]; text != "" {
		data.Reason = text
	}
	d := gate.PersonDecision{
		ID: e.ID, User: e.Actor, At: e.At, For: data.For, Reason: data.Reason, Digest: e.Texts[digestText], Channel: data.Channel,
		CommentID: data.CommentID, ReviewID: data.ReviewID, SaidAt: data.SaidAt, URL: data.URL, LiftsOwn: data.LiftsOwn, SeenTo: data.SeenTo, Until: data.Until,
		Voided: voided,
	}
	switch e.Kind {
	case KindSignoff:
		s.Signoffs = append(s.Signoffs, gate.Signoff{Name: data.Signoff, PersonDecision: d})
	case KindOverride:
		s.Overrides = append(s.Overrides, d)
	case KindAcceptSecret:
		s.Acceptances = append(s.Acceptances, gate.Acceptance{Fingerprint: data.Fingerprint, PersonDecision: d})
	default:
		d.Choice = gate.ChoiceGo
		if e.Kind == KindNoGo {
			d.Choice = gate.ChoiceNoGo
		}
		s.Decisions = append(s.Decisions, d)
	}
	return nil
}
