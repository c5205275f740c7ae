package worker

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
	"gonogo/internal/report"
)

// ask writes the comment that asks for a decision, when nothing but people's
// decisions is missing. There is one for a pull request: it is edited for a new
// head, and comes anew (so that people are notified again) only when a GO that
// was given has lapsed.
func (w *Worker) ask(ctx context.Context, v *view, ev gate.Evaluation) error {
	if v.policy.Ask != "comment" || ev.PR.Draft || ev.Class == gate.Low || !awaitsDecision(ev) || v.talk.silent(w.now()) {
		return nil
	}
	last, asked, err := w.Ledger.AskOf(ctx, v.pr.Repo.ID, v.pr.Number)
	if err != nil {
		return err
	}
	lapsed := lapsedGo(ev)
	anew := !asked || lapsed.ID > last.LapsedGo
	if !anew && last.HeadSHA == ev.PR.HeadSHA {
		return nil
	}
	deciders, outsider, err := w.deciders(ctx, v, ev)
	if _, limited := hub.RetryAfter(err); limited {
		return err
	}
	if err != nil { // the question matters more than the names in it
		w.log(ctx).WithError(err).Info("the people with write access could not be listed: nobody is mentioned")
	}
	next := ledger.Ask{CommentID: last.CommentID, HeadSHA: ev.PR.HeadSHA, LapsedGo: max(last.LapsedGo, lapsed.ID), Body: report.Ask(ev, deciders, lapsed.Lapsed, outsider)}
	once := fmt.Sprintf("ask/%d/%s/%d", v.pr.Number, gate.Short(ev.PR.HeadSHA), next.LapsedGo)
	if err := w.enterComment(ctx, v, once, next.Body); err != nil {
		return err
	}
	if !anew {
		_, err = v.repo.EditComment(ctx, last.CommentID, next.Body)
		anew = hub.IsMissing(err)
	}
	if anew {
		var written gate.Comment
		written, err = w.writeAsk(ctx, v, next.Body)
		next.CommentID = written.ID
		if err == nil {
			w.written(ctx, v.talk)
		}
	}
	if err != nil {
		return err
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindCommented, RepoID: v.pr.Repo.ID, Number: v.pr.Number, SHA: ev.PR.HeadSHA, Once: once + "/done",
			Data: map[string]any{"what": "ask", "comment": next.CommentID, "edited": !anew},
		})
		if err != nil {
			return err
		}
		return ledger.SaveAsk(ctx, tx, v.pr.Repo.ID, v.pr.Number, next)
	})
}

// enterComment enters that a comment is about to be written.
func (w *Worker) enterComment(ctx context.Context, v *view, once, body string) error {
	body = w.Scanner.Redact(ctx, body)
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindComment, RepoID: v.pr.Repo.ID, Number: v.pr.Number, SHA: v.pr.HeadSHA, Once: once,
			Data: map[string]any{"what": "ask"}, Texts: map[string]string{"body": body},
		})
		return err
	})
}

// writeAsk writes the comment, unless a job that is tried again wrote the very
// same before its answer was lost.
func (w *Worker) writeAsk(ctx context.Context, v *view, body string) (gate.Comment, error) {
	for _, c := range v.snap.comments.Value {
		if v.job.Attempt > 1 && c.User.Bot && strings.TrimSpace(c.Body) == strings.TrimSpace(body) {
			return c, nil
		}
	}
	return v.repo.CreateComment(ctx, v.pr.Number, body)
}

// awaitsDecision reports whether every blocker is a GO that is missing.
func awaitsDecision(ev gate.Evaluation) bool {
	open := ev.Blockers()
	return len(open) > 0 && !slices.ContainsFunc(open, func(f gate.Finding) bool {
		return f.Requirement != "decision/authorized" || f.Status != gate.Action || f.By != gate.ByDecider
	})
}

// lapsedGo is the newest GO that no longer counts; zero when there is none.
func lapsedGo(ev gate.Evaluation) gate.Standing {
	for _, s := range slices.Backward(ev.Decisions) {
		if s.Choice == gate.ChoiceGo && !s.Counts {
			return s
		}
	}
	return gate.Standing{}
}

// deciders lists who may say /go here and has not: the record's final decision
// owner first, then others by login. It also tells whether the author has no
// write access.
func (w *Worker) deciders(ctx context.Context, v *view, ev gate.Evaluation) (_ []gate.User, outsider bool, _ error) {
	writers, err := v.repo.Writers(ctx)
	if err != nil {
		return nil, false, err
	}
	outsider = !slices.ContainsFunc(writers, func(c gate.Collaborator) bool { return c.User.Is(v.pr.Author) })
	for _, c := range writers {
		keep(v.snap, v.snap.permissions, c.User.Login, gate.Read(c.Permission, w.now()))
	}
	roles := v.policy.Asked(ev.Record, v.snap.files)
	var deciders []gate.User
	for _, u := range w.candidates(ctx, v, writers, roles) {
		said := slices.ContainsFunc(ev.Decisions, func(s gate.Standing) bool { return s.Counts && s.User.Is(u) })
		holds := v.policy.Holds(v.snap, roles, u)
		if holds.Known && holds.Value && !said && !policy.ContributedAt(ev.Class, v.pr, v.snap.commits.Value, u) {
			deciders = append(deciders, u)
		}
	}
	owner := ev.Record.DecisionOwner.User
	slices.SortStableFunc(deciders, func(a, b gate.User) int {
		if first := strings.EqualFold(a.Login, owner); first != strings.EqualFold(b.Login, owner) {
			if first {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Login, b.Login)
	})
	return deciders, outsider, nil
}
