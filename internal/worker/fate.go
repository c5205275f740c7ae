package worker

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/inbox"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
)

// changed hears that a comment was edited or deleted. A GO dies with its
// comment, a NO-GO does not; text that was edited into a command is none.
func (r *room) changed(ctx context.Context, c inbox.Command) ([]answer, error) {
	if r.carries(c) {
		return nil, r.voidOf(ctx, c, c.Action)
	}
	said := command.Parse(c.Body)
	if c.Source != inbox.FromComment || c.Action != "edited" || len(said) == 0 || r.made["hint/"+hintKey(c)] {
		return nil, nil
	}
	hint := c
	hint.Action = "edited"
	err := r.w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: r.w.now(), Kind: ledger.KindAnswered, RepoID: r.pr.Repo.ID, Number: r.pr.Number, SHA: r.pr.HeadSHA, Actor: c.User,
			Once: heardPrefix + "hint/" + hintKey(c), Data: map[string]any{"what": "edited into a command"},
		})
		return err
	})
	return []answer{refuse(hint, "edited text is never a command; write it in a new comment", "")}, err
}

// carries reports whether a decision rests on the comment or review of c.
func (r *room) carries(c inbox.Command) bool {
	return slices.ContainsFunc(r.said(), func(d gate.PersonDecision) bool { return sameText(c, d) })
}

func sameText(c inbox.Command, d gate.PersonDecision) bool {
	return c.CommentID != 0 && c.CommentID == d.CommentID || c.ReviewID != 0 && c.ReviewID == d.ReviewID
}

// voidOf enters that the text of a decision was edited, deleted or dismissed.
func (r *room) voidOf(ctx context.Context, c inbox.Command, how string) error {
	for _, d := range r.said() {
		if sameText(c, d) {
			if err := r.void(ctx, d, how+" by "+gate.Quote("@"+c.Sender.Login)); err != nil {
				return err
			}
		}
	}
	return nil
}

func hintKey(c inbox.Command) string { return fmt.Sprintf("comment/%d", c.CommentID) }

func (r *room) void(ctx context.Context, d gate.PersonDecision, how string) error {
	if d.Voided != "" {
		return nil
	}
	err := r.w.Store.Write(ctx, func(tx *sql.Tx) error { return ledger.AppendVoid(ctx, tx, r.pr, d, how, r.w.now()) })
	if err != nil {
		return err
	}
	return r.reload(ctx)
}

// reload reads anew what was said.
func (r *room) reload(ctx context.Context) error { return r.w.readSaid(ctx, r.snap, r.pr) }

// checkComments holds every decision against its comment or review as it is now:
// the event that told of an edit may have been lost.
func (r *room) checkComments(ctx context.Context) error {
	live := map[int64]gate.Comment{}
	for _, c := range r.snap.comments.Value {
		live[c.ID] = c
	}
	for _, d := range r.said() {
		if d.Voided != "" || d.CommentID == 0 && d.ReviewID == 0 || d.CommentID != 0 && !r.snap.comments.Known {
			continue
		}
		how, err := r.fate(ctx, live, d)
		if _, limited := hub.RetryAfter(err); limited {
			return err
		}
		if err != nil {
			r.faults = append(r.faults, policy.Unread("a comment by which something was decided", hub.Unreadable(err)))
			continue
		}
		if how != "" {
			if err := r.void(ctx, d, how); err != nil {
				return err
			}
		}
	}
	return nil
}

// fate is what became of a decision's comment; "" when it stands unchanged. A
// comment that a list lacks is asked for by its id: lists lag.
func (r *room) fate(ctx context.Context, live map[int64]gate.Comment, d gate.PersonDecision) (string, error) {
	if d.Digest == ledger.ErasedText {
		return "taken out of the ledger", nil
	}
	if d.ReviewID != 0 {
		return r.fateOfReview(d), nil
	}
	c, ok := live[d.CommentID]
	if !ok {
		var err error
		c, err = r.repo.Comment(ctx, d.CommentID)
		if hub.IsMissing(err) {
			return "deleted", nil
		}
		if err != nil {
			return "", err
		}
	}
	if edited(c) || differs(d, c.Body) {
		return "edited", nil
	}
	return "", nil
}

// fateOfReview is fate for a review. It cannot be deleted once it is submitted;
// and GitHub does not tell when it was edited, so that only its text shows it.
func (r *room) fateOfReview(d gate.PersonDecision) string {
	for _, v := range r.snap.reviews.Value {
		switch {
		case v.ID != d.ReviewID:
		case v.State == gate.Dismissed:
			return "dismissed"
		case differs(d, v.Body):
			return "edited"
		}
	}
	return ""
}

// differs reports whether a text is another than the one by which something was
// decided. GitHub's times have seconds: who edits at once changes none of them.
func differs(d gate.PersonDecision, text string) bool {
	return d.Digest != "" && d.Digest != gate.TextDigest(text)
}
