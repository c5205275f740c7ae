package ledger

import (
	"context"
	"database/sql"

	"gonogo/internal/gate"
)

// AppendOverride adds an override. It reports false when the command that once
// names was entered before.
func AppendOverride(ctx context.Context, tx *sql.Tx, pr gate.PullRequest, d gate.PersonDecision, once string) (bool, error) {
	return Append(ctx, tx, Entry{
		At: d.At, Kind: KindOverride, RepoID: pr.Repo.ID, Number: pr.Number, SHA: d.For.HeadSHA, Actor: d.User, Once: once,
		Data: decision{For: d.For, Reason: d.Reason, Channel: d.Channel, CommentID: d.CommentID, ReviewID: d.ReviewID, SaidAt: d.SaidAt, URL: d.URL, Until: d.Until},
	})
}

// AppendAcceptance adds that somebody accepts what looks like a credential. It
// reports false when the command that once names was entered before.
func AppendAcceptance(ctx context.Context, tx *sql.Tx, pr gate.PullRequest, a gate.Acceptance, once string) (bool, error) {
	return Append(ctx, tx, Entry{
		At: a.At, Kind: KindAcceptSecret, RepoID: pr.Repo.ID, Number: pr.Number, SHA: a.For.HeadSHA, Actor: a.User, Once: once,
		Data: decision{For: a.For, Reason: a.Reason, Channel: a.Channel, CommentID: a.CommentID, ReviewID: a.ReviewID, SaidAt: a.SaidAt, URL: a.URL, Fingerprint: a.Fingerprint},
	})
}

// Overrides returns every override of a pull request in the order of acceptance.
func (l *Ledger) Overrides(ctx context.Context, repoID int64, number int) ([]gate.PersonDecision, error) {
	said, err := l.said(ctx, repoID, number, KindOverride)
	var overrides []gate.PersonDecision
	for _, s := range said {
		overrides = append(overrides, s.PersonDecision)
	}
	return overrides, err
}

// Acceptances returns everything that was accepted in a pull request although it
// looks like a credential, in the order of acceptance.
func (l *Ledger) Acceptances(ctx context.Context, repoID int64, number int) ([]gate.Acceptance, error) {
	said, err := l.said(ctx, repoID, number, KindAcceptSecret)
	var accepted []gate.Acceptance
	for _, s := range said {
		accepted = append(accepted, gate.Acceptance{Fingerprint: s.Name, PersonDecision: s.PersonDecision})
	}
	return accepted, err
}
