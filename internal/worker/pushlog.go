package worker

import (
	"context"
	"database/sql"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/index"
)

// readPushLog reads who pushed to the pull request since it was opened, once for
// each head: no event need have told of a push. The log of a fork is not the
// App's to read; there the event of the head is what is known, or nothing is.
//
// Where the log cannot be read, an event that told of the head is enough. Else
// who brought it is not known.
func (w *Worker) readPushLog(ctx context.Context, v *view) error {
	repoID, number := v.pr.Repo.ID, v.pr.Number
	known, err := w.Index.Brought(ctx, nil, repoID, number)
	if err != nil || known[v.pr.HeadSHA].Logged {
		return err
	}
	if v.pr.HeadRepoID != repoID {
		if !known[v.pr.HeadSHA].Told {
			v.pr.PushersUnread = gate.Unreadable{Cause: gate.CauseMissing, Fact: "that of a fork cannot be read."}
		}
		return nil
	}
	if v.snap.movesOf != v.pr.HeadRef {
		r := &round{w: w}
		w.readMoves(ctx, r, v.repo, v.snap, v.pr)
		if err := r.wait(); err != nil {
			return err
		}
	}
	moves, shown, why := v.snap.moves.Value, false, v.snap.moves.Why
	switch {
	case !v.snap.moves.Known:
	case len(moves) == 0 || moves[0].SHA != v.pr.HeadSHA:
		why = gate.Unreadable{Cause: gate.CauseFault, Fact: "GitHub's log of pushes does not show this head yet"}
	case !reaches(moves, v.pr, known):
		why = gate.Unreadable{Cause: gate.CauseTruncated, Fact: "GitHub's log of pushes holds more than was read"}
	default:
		shown = true
	}
	switch {
	case shown:
	case !known[v.pr.HeadSHA].Told:
		v.pr.PushersUnread = why
		return nil
	case why.Cause == gate.CauseFault: // it is tried again
		return nil
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, m := range moves {
			if m.By.ID == 0 || m.By.Bot || !m.Push || m.At.Before(v.pr.CreatedAt) {
				continue
			}
			if err := w.Index.SawPush(ctx, tx, repoID, number, index.Push{SHA: m.SHA, By: m.By}); err != nil {
				return err
			}
		}
		return w.Index.SawBrought(ctx, tx, repoID, number, v.pr.HeadSHA, index.Brought{Logged: true})
	})
}

// readMoves reads the log of pushes of the head's branch, beside other evidence
// where it is known that it will be asked for.
func (w *Worker) readMoves(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, pr gate.PullRequest) {
	s.movesOf = pr.HeadRef
	into(ctx, r, func(ctx context.Context) ([]hub.Move, error) { return repo.HeadMoves(ctx, pr) },
		func(v gate.Reading[[]hub.Move]) { s.moves = v })
}

// reaches reports whether moves reach back to when the pull request was opened,
// or to a head for which the log was read before.
func reaches(moves []hub.Move, pr gate.PullRequest, known map[string]index.Brought) bool {
	if len(moves) < hub.MovesRead || moves[len(moves)-1].At.Before(pr.CreatedAt) {
		return true
	}
	for _, m := range moves {
		if known[m.SHA].Logged {
			return true
		}
	}
	return false
}
