package worker

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/report"
)

// store records the evaluation, a changed verdict, that it is to be shown, and
// when to look again, in one transaction.
func (w *Worker) store(ctx context.Context, v *view, ev gate.Evaluation, acts []answer) error {
	last, _, err := w.Ledger.Latest(ctx, v.pr.Repo.ID, v.pr.Number)
	if err != nil {
		return err
	}
	ev.Mode, ev.Check = v.mode, v.policy.Check
	return w.Store.Write(ctx, func(tx *sql.Tx) (err error) {
		if err := ledger.Finish(ctx, tx, ev); err != nil {
			return err
		}
		if v.turn, err = ledger.Intend(ctx, tx, v.pr.Repo.ID, v.pr.HeadSHA); err != nil {
			return err
		}
		if last.Verdict != ev.Verdict || last.Exempt != ev.Exempt || last.Reverts != ev.Reverts || overriders(last) != overriders(ev) || last.PR.HeadSHA != ev.PR.HeadSHA {
			if err := w.enterVerdict(ctx, tx, ev); err != nil {
				return err
			}
			if err := w.tellOfHotfix(ctx, tx, ev); err != nil {
				return err
			}
		}
		if err := w.enterReady(ctx, tx, v, ev); err != nil {
			return err
		}
		if ev.Passes() || decided(acts) {
			if err := ledger.Keep(ctx, tx, ev.Number); err != nil {
				return err
			}
		}
		if decided(acts) { // what people saw when they decided
			if err := ledger.Keep(ctx, tx, last.Number); err != nil {
				return err
			}
		}
		if err := w.enterRequirement(ctx, tx, v); err != nil {
			return err
		}
		if err := w.touchGroups(ctx, tx, v.pr.Repo.ID, v.job.Subject.Tenant); err != nil {
			return err
		}
		at := w.wakeAt(v, ev)
		pressed, err := ledger.PressedFor(ctx, tx, v.pr.Repo.ID, v.pr.Number)
		if err == nil && pressed.After(w.now()) && (at.IsZero() || pressed.Before(at)) {
			at = pressed // whoever pressed a button meanwhile is waiting
		}
		if err != nil {
			return err
		}
		return w.Queue.Wake(ctx, tx, v.job.Subject, at)
	})
}

func (w *Worker) enterVerdict(ctx context.Context, tx *sql.Tx, ev gate.Evaluation) error {
	var codes []string
	for _, f := range ev.Blockers() {
		codes = append(codes, string(f.Requirement)+" "+f.Code)
	}
	data := map[string]any{
		"verdict": ev.Verdict, "class": ev.Class.String(), "base": ev.PR.BaseRef, "policy": ev.PolicySHA,
		"record": ev.Terms.Hash(), "evaluation": ev.Number, "blockers": codes,
	}
	if ev.Exempt != "" {
		data["exempt"] = ev.Exempt
	}
	if ev.Reverts != 0 {
		data["reverts"] = ev.Reverts
	}
	if !ev.Mode.Enforces() {
		data["mode"] = ev.Mode
	}
	if ev.Overridden() {
		data["override"], data["until"] = overriders(ev), ev.Override.Until
	}
	_, err := ledger.Append(ctx, tx, ledger.Entry{
		At: ev.At, Kind: ledger.KindVerdict, RepoID: ev.PR.Repo.ID, Number: ev.PR.Number, SHA: ev.PR.HeadSHA,
		Once: fmt.Sprintf("verdict/%d", ev.Number),
		Data: data,
	})
	if err == nil && ev.Reverts != 0 && ev.Verdict == gate.Ready {
		_, err = ledger.Append(ctx, tx, ledger.Entry{
			At: ev.At, Kind: ledger.KindRevert, RepoID: ev.PR.Repo.ID, Number: ev.PR.Number, SHA: ev.PR.HeadSHA,
			Once: fmt.Sprintf("revert/%d", ev.Number),
			Data: map[string]any{"reverts": ev.Reverts, "evaluation": ev.Number, "policy": ev.PolicySHA},
		})
	}
	if err != nil || ev.Exempt == "" || ev.Verdict != gate.Ready {
		return err
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{
		At: ev.At, Kind: ledger.KindExempt, RepoID: ev.PR.Repo.ID, Number: ev.PR.Number, SHA: ev.PR.HeadSHA,
		Once: fmt.Sprintf("exempt/%d", ev.Number),
		Data: map[string]any{"rule": ev.Exempt, "evaluation": ev.Number, "policy": ev.PolicySHA},
	})
	return err
}

// enterRequirement enters whether the base branch requires our check, where
// that could be read.
func (w *Worker) enterRequirement(ctx context.Context, tx *sql.Tx, v *view) error {
	if v.snap == nil || !v.snap.required.Known || v.policy == nil {
		return nil
	}
	state := w.requirementOf(v.policy, v.snap.required.Value)
	return ledger.SaveRequirement(ctx, tx, v.pr.Repo.ID, v.pr.BaseRef, state, w.now())
}

// refresh is how often an undecided check run is written again: GitHub calls one
// stale after 14 days.
const refresh = 24 * time.Hour

// wakeAt is when to look again without an event.
func (w *Worker) wakeAt(v *view, ev gate.Evaluation) time.Time {
	if soon := ev.At.Add(5 * time.Second); v.lags && (ev.Again.IsZero() || ev.Again.After(soon)) {
		return soon
	}
	if !ev.Again.IsZero() {
		return ev.Again
	}
	if report.Conclude(ev) == report.InProgress {
		return ev.At.Add(refresh)
	}
	return time.Time{}
}

// closed keeps what stood when a pull request was merged.
func (w *Worker) closed(ctx context.Context, v *view) error {
	releases, err := w.Ledger.ReleasesOn(ctx, v.pr.Repo.ID, v.pr.HeadSHA)
	if err != nil {
		return err
	}
	err = w.Store.Write(ctx, func(tx *sql.Tx) error {
		if err := w.releasesAlone(ctx, tx, v.pr.Repo.ID, releases); err != nil {
			return err
		}
		return w.Queue.Wake(ctx, tx, v.job.Subject, time.Time{})
	})
	if err != nil || !v.pr.Merged {
		return err
	}
	m, err := w.enterMerge(ctx, v.pr)
	if err != nil {
		return err
	}
	return w.land(ctx, v, m)
}

// enterMerge enters what stood when a pull request was merged, once: the verdict
// of its head, if that is what GitHub showed and was for the base into which it
// went. It returns the entry that stands.
func (w *Worker) enterMerge(ctx context.Context, pr gate.PullRequest) (ledger.Merge, error) {
	if stands, found, err := w.Ledger.MergeOf(ctx, pr.Repo.ID, pr.Number); err != nil || found {
		return stands, err
	}
	last, found, err := w.Ledger.LatestOn(ctx, pr.Repo.ID, pr.Number, pr.HeadSHA)
	if err != nil {
		return ledger.Merge{}, err
	}
	is, _, err := w.Ledger.PublishingOf(ctx, pr.Repo.ID, w.now())
	if err != nil {
		return ledger.Merge{}, err
	}
	shown, _, err := w.Ledger.PublishedOn(ctx, pr.Repo.ID, pr.HeadSHA, cmp.Or(last.Check, is.Check))
	if err != nil {
		return ledger.Merge{}, err
	}
	m := ledger.Merge{Verdict: last.Verdict, Mode: last.Mode, Evaluation: last.Number, MergeSHA: pr.MergeSHA, Base: pr.BaseRef, At: pr.MergedAt, Exempt: last.Exempt, Reverts: last.Reverts}
	passing := (shown.Conclusion == string(report.Success) || !last.Mode.Enforces()) && last.PR.BaseRef == pr.BaseRef
	if m.Verdict == gate.Ready && !passing {
		m.Verdict = gate.Waiting
	}
	if passing && pr.MergedAt.Before(last.Override.Until) {
		m.Override = overriders(last)
	}
	return m, w.Store.Write(ctx, func(tx *sql.Tx) error {
		if found {
			if err := ledger.Keep(ctx, tx, last.Number); err != nil {
				return err
			}
		}
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindMerged, RepoID: pr.Repo.ID, Number: pr.Number, SHA: pr.HeadSHA,
			Once: ledger.MergedOnce(pr.Number), Data: m,
		})
		if err != nil {
			return err
		}
		return w.wakeDeployments(ctx, tx, pr.Repo.ID, pr.MergeSHA)
	})
}
