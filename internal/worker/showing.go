package worker

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/queue"
	"gonogo/internal/report"
)

// showing is something on its way from the ledger to a head's check run. How the
// check run gets from one to the next, and what may not overtake what, is drawn
// in package ledger's outbox.
type showing struct {
	repo    *hub.Repo
	repoID  int64
	subject queue.Subject // is looked at again when the check run is in doubt
	number  int64         // of the newest evaluation that is shown
	turn    int64         // in the outbox
	anew    bool          // is written although it says nothing new: somebody had the check run again

	// seen are our own runs on the head, as this evaluation read them after began.
	seen  gate.Reading[[]gate.Check]
	began time.Time
}

// showing is how what the view came to gets to GitHub.
func (v *view) showing(number int64) showing {
	s := showing{repo: v.repo, repoID: v.pr.Repo.ID, subject: v.job.Subject, number: number, turn: v.turn, anew: rerun(v.job), began: v.began}
	if v.snap != nil {
		s.seen = v.snap.ours
	}
	return s
}

// tells reports whether what was read of the head tells that another run of ours
// stands there than the one that is recorded. What was recorded after the reading
// began it cannot tell of.
func (s showing) tells(stands ledger.Published, name string) bool {
	if !s.seen.Known || stands.RunID == 0 || !stands.At.Before(s.began) {
		return false
	}
	newest := gate.Check{}
	for _, c := range s.seen.Value {
		if c.Name == name && c.ID > newest.ID {
			newest = c
		}
	}
	conclusion := newest.State
	if conclusion == "in_progress" {
		conclusion = string(report.InProgress)
	}
	// A list whose newest is older than the recorded run lags behind.
	return newest.ID > stands.RunID || newest.ID == stands.RunID && conclusion != stands.Conclusion
}

// writeRun brings the check run on GitHub to what run says: intent, effect and
// outcome are each on the disk before the next. It returns the run's id, 0 when
// nothing was written.
func (w *Worker) writeRun(ctx context.Context, s showing, run report.CheckRun) (id int64, err error) {
	stands, found, err := w.Ledger.PublishedOn(ctx, s.repoID, run.HeadSHA, run.Name)
	if err != nil {
		return 0, err
	}
	told := s.tells(stands, run.Name)
	if told {
		w.log(ctx).WithField("sha", run.HeadSHA).WithField("run", stands.RunID).Warn("another check run of ours stands on the head: it is written again")
	}
	if stands.Pending || told {
		if err := asItIs(ctx, s.repo, run, &stands); err != nil {
			return 0, err
		}
	}
	shows := ledger.Published{RunID: stands.RunID, Conclusion: string(run.Conclusion), Digest: run.Digest(), Evaluation: s.number, At: stands.At, Turn: s.turn}
	if found && !s.anew && stands.Digest == shows.Digest && w.now().Sub(stands.At) < refresh {
		_, err := w.savePublished(ctx, s, run, shows, false)
		return 0, err
	}
	shows.At = w.now()
	if claimed, err := w.claim(ctx, s, run); err != nil || !claimed {
		return 0, err
	}
	if shows.RunID, err = sendRun(ctx, s.repo, run, stands); err != nil {
		return 0, fmt.Errorf("publish on %s: %w", gate.Short(run.HeadSHA), err)
	}
	w.log(ctx).WithField("sha", run.HeadSHA).WithField("title", run.Title).Info("published")
	if last, err := w.savePublished(ctx, s, run, shows, true); err != nil || last {
		return shows.RunID, err
	}
	return 0, w.doubt(ctx, s, run, "a later verdict began to be written before this one was answered")
}

// publishOnce is the key of what is entered about writing a check run: one
// evaluation may show first that it is under way, and then what it awaits.
func publishOnce(s showing, run report.CheckRun) string {
	return fmt.Sprintf("publish/%s/%s/%d/%s/%s", run.Name, gate.Short(run.HeadSHA), s.number, run.Conclusion, run.Digest())
}

// claim enters that a check run is about to be written. Until its outcome is
// saved, what stands on GitHub is not known. It reports false when a later
// verdict goes before.
func (w *Worker) claim(ctx context.Context, s showing, run report.CheckRun) (claimed bool, err error) {
	title := w.Scanner.Redact(ctx, run.Title)
	err = w.Store.Write(ctx, func(tx *sql.Tx) (err error) {
		claimed, err = ledger.Claim(ctx, tx, s.repoID, run.HeadSHA, run.Name, s.turn, run.Conclusion == report.Success)
		if err != nil {
			return err
		}
		if !claimed {
			return w.dropped(ctx, tx, s, run)
		}
		_, err = ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindPublish, RepoID: s.repoID, SHA: run.HeadSHA,
			Once: publishOnce(s, run), Texts: map[string]string{"title": title},
			Data: map[string]any{"name": run.Name, "conclusion": run.Conclusion, "evaluation": s.number},
		})
		return err
	})
	if err == nil && !claimed {
		w.log(ctx).WithField("evaluation", s.number).Info("superseded: the check run shows, or is about to show, a later verdict")
	}
	return claimed, err
}

// dropped enters that a check run is not written. A pass that gave way to a
// verdict which only has its turn is looked at again, should that one never come.
func (w *Worker) dropped(ctx context.Context, tx *sql.Tx, s showing, run report.CheckRun) error {
	if run.Conclusion == report.Success {
		if err := w.Queue.WakeBy(ctx, tx, s.subject, w.now().Add(doubting)); err != nil {
			return err
		}
	}
	return w.appendSuperseded(ctx, tx, s, run.HeadSHA, run.Name)
}

// savePublished keeps what stands now, and enters that it was written. It reports
// false when a later verdict claimed the check run meanwhile: which of the two
// landed last is not known then.
func (w *Worker) savePublished(ctx context.Context, s showing, run report.CheckRun, p ledger.Published, written bool) (last bool, err error) {
	return last, w.Store.Write(ctx, func(tx *sql.Tx) (err error) {
		if last, err = ledger.SavePublished(ctx, tx, s.repoID, run.HeadSHA, run.Name, p); err != nil || !written {
			return err
		}
		_, err = ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindPublished, RepoID: s.repoID, SHA: run.HeadSHA, Once: publishOnce(s, run) + "/done",
			Data: map[string]any{"run": p.RunID, "conclusion": run.Conclusion, "evaluation": s.number},
		})
		if err != nil || last {
			return err
		}
		return w.appendSuperseded(ctx, tx, s, run.HeadSHA, run.Name)
	})
}

func (w *Worker) appendSuperseded(ctx context.Context, tx *sql.Tx, s showing, sha, name string) error {
	_, err := ledger.Append(ctx, tx, ledger.Entry{
		At: w.now(), Kind: ledger.KindSuperseded, RepoID: s.repoID, Number: s.subject.Number, SHA: sha,
		Once: fmt.Sprintf("superseded/%s/%s/%d", name, gate.Short(sha), s.turn),
		Data: map[string]any{"name": name, "evaluation": s.number},
	})
	return err
}

// doubting is for how long a check run that was doubted is not doubted again at
// once: somebody else who writes in our name would be answered for ever.
const doubting = time.Minute

// doubt has the head looked at again, because another run of ours may stand there
// than the newest.
func (w *Worker) doubt(ctx context.Context, s showing, run report.CheckRun, why string) error {
	w.log(ctx).WithField("sha", run.HeadSHA).WithField("evaluation", s.number).Warn("the check run is looked up and written again: " + why)
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		before, err := ledger.Doubt(ctx, tx, s.repoID, run.HeadSHA, run.Name, w.now())
		if err != nil {
			return err
		}
		if w.now().Sub(before) < doubting {
			return w.Queue.WakeBy(ctx, tx, s.subject, w.now().Add(doubting))
		}
		return w.Queue.Touch(ctx, tx, s.subject)
	})
}

// readBack reads what stands on the head after a pass was written: a refusal of
// another process, or a run that somebody else wrote in our name, must not be
// taken for it, nor it for them.
func (w *Worker) readBack(ctx context.Context, s showing, run report.CheckRun, id int64) error {
	runs, err := s.repo.CheckRuns(ctx, run.HeadSHA, run.Name)
	if err != nil || len(runs) == 0 {
		w.log(ctx).WithError(err).WithField("sha", run.HeadSHA).Info("what was published could not be read back: looking again soon")
		return w.Store.Write(ctx, func(tx *sql.Tx) error {
			return w.Queue.WakeBy(ctx, tx, s.subject, w.now().Add(doubting))
		})
	}
	if newest := runs[0]; newest.ID == id && newest.Conclusion == run.Conclusion && newest.ExternalID == run.ExternalID {
		return nil
	}
	stands, _, err := w.Ledger.PublishedOn(ctx, s.repoID, run.HeadSHA, run.Name)
	if err != nil || stands.Turn != s.turn { // a later verdict is on its way
		return err
	}
	return w.doubt(ctx, s, run, "another one stands in its place")
}

// asItIs takes from GitHub what stands on a head, after an answer was lost or
// when there is doubt: the run that was asked for may exist or not, and may have
// been changed or not.
func asItIs(ctx context.Context, repo *hub.Repo, run report.CheckRun, stands *ledger.Published) error {
	runs, err := repo.CheckRuns(ctx, run.HeadSHA, run.Name)
	if err != nil {
		return err
	}
	recorded := *stands
	stands.Digest = ""
	if len(runs) > 0 && runs[0].ID >= recorded.RunID { // the newest comes first
		stands.RunID, stands.Conclusion = runs[0].ID, string(runs[0].Conclusion)
	} // else the list lags behind: what is written on an older run nobody sees
	if !recorded.Pending && stands.RunID == recorded.RunID && stands.Conclusion == recorded.Conclusion {
		stands.Digest = recorded.Digest // there was nothing to doubt
	}
	return nil
}

// sendRun changes the standing run in place, or posts a new one: for a head that
// has none, and where a completed run would have to go back to being in
// progress, which GitHub refuses.
func sendRun(ctx context.Context, repo *hub.Repo, run report.CheckRun, stands ledger.Published) (int64, error) {
	if stands.RunID != 0 && (stands.Conclusion == "" || run.Conclusion != report.InProgress) {
		updated, err := repo.UpdateCheckRun(ctx, stands.RunID, run)
		if !hub.IsMissing(err) {
			return answered(updated, run, err)
		}
	}
	created, err := repo.CreateCheckRun(ctx, run)
	return answered(created, run, err)
}

// answered holds GitHub's answer against what was written.
func answered(is hub.Run, run report.CheckRun, err error) (int64, error) {
	if err == nil && is.Conclusion != run.Conclusion {
		return 0, fmt.Errorf("check run %d is %q after it was made %q", is.ID, is.Conclusion, run.Conclusion)
	}
	return is.ID, err
}

// rerun reports whether somebody had our check run again.
func rerun(job queue.Job) bool {
	return slices.ContainsFunc(job.Messages, isRerun)
}
