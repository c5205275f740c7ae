package worker

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/policy"
)

// readMeant settles whom the logins of the policy's roles mean: the accounts
// that had them when they were first resolved, which is now for those that never
// were. One that cannot be read is tried again by the next evaluation.
func (w *Worker) readMeant(ctx context.Context, r *round, v *view) error {
	logins := v.policy.Unnumbered()
	if len(logins) == 0 {
		return nil
	}
	pins, err := w.Index.Pins(ctx, nil, v.pr.Repo.ID)
	if err != nil {
		return err
	}
	for _, login := range logins {
		if id, pinned := pins[login]; pinned {
			keep(v.snap, v.snap.meant, login, gate.Read(gate.User{ID: id, Login: login}, w.now()))
			continue
		}
		into(ctx, r, func(ctx context.Context) (gate.User, error) { return v.repo.User(ctx, login) },
			func(got gate.Reading[gate.User]) {
				if got.Why.Cause == gate.CauseMissing {
					got = gate.Read(gate.User{Login: login}, got.At)
				}
				keep(v.snap, v.snap.meant, login, got)
			})
	}
	return nil
}

// pin keeps whom the logins of the policy's roles mean.
func (w *Worker) pin(ctx context.Context, v *view) error {
	logins := v.policy.Unnumbered()
	if len(logins) == 0 {
		return nil
	}
	pins, err := w.Index.Pins(ctx, nil, v.pr.Repo.ID)
	if err != nil {
		return err
	}
	var fresh []gate.User
	for _, login := range logins {
		_, pinned := pins[login]
		if meant := v.snap.Meant(login); !pinned && meant.Known {
			fresh = append(fresh, gate.User{ID: meant.Value.ID, Login: login})
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, u := range fresh {
			if err := w.Index.Pin(ctx, tx, v.pr.Repo.ID, u.Login, u.ID, w.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// readPushers settles who pushed to the pull request, its author apart. Who
// pressed the button by which GitHub merges the base in is none, which the
// commit itself tells; where that cannot be read they count as one.
func (w *Worker) readPushers(ctx context.Context, v *view) error {
	if err := w.readPushLog(ctx, v); err != nil {
		return err
	}
	pushes, err := w.Index.Pushes(ctx, nil, v.pr.Repo.ID, v.pr.Number)
	if err != nil {
		return err
	}
	var merges []string
	for _, p := range pushes {
		if p.Merge || p.By.Is(v.pr.Author) || v.merged(p) {
			continue
		}
		merge, err := w.mergedByGitHub(ctx, v, p.SHA)
		switch {
		case err != nil:
			return err
		case merge:
			merges = append(merges, p.SHA)
		case !slices.ContainsFunc(v.pr.Pushers, p.By.Is):
			v.pr.Pushers = append(v.pr.Pushers, p.By)
		}
	}
	if len(merges) == 0 {
		return nil
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, sha := range merges {
			if err := w.Index.PushWasMerge(ctx, tx, v.pr.Repo.ID, v.pr.Number, sha); err != nil {
				return err
			}
		}
		return nil
	})
}

// mergedByGitHub reports whether GitHub made a head by merging, with no line in
// it that somebody wrote. The error is a
// limit that GitHub set, after which it is asked again.
func (w *Worker) mergedByGitHub(ctx context.Context, v *view, sha string) (bool, error) {
	for _, c := range v.snap.commits.Value {
		if c.SHA == sha {
			return policy.MergedByGitHub(c) && c.Mechanical, nil
		}
	}
	c, err := v.repo.Commit(ctx, sha)
	if _, limited := hub.RetryAfter(err); limited {
		return false, err
	}
	if err != nil {
		w.log(ctx).WithError(err).WithField("sha", sha).Info("a former head could not be read: who pushed it counts as an author")
		return false, nil
	}
	if !policy.MergedByGitHub(c) {
		return false, nil
	}
	return w.mechanical(ctx, v, c)
}

// Bearer is the account that had a login when its permission was read.
func (s *snapshot) Bearer(login string) gate.Reading[gate.User] { return lookUp(s, s.bearers, login) }

// Meant is the account that a login of the policy means.
func (s *snapshot) Meant(login string) gate.Reading[gate.User] {
	return lookUp(s, s.meant, strings.ToLower(login))
}
