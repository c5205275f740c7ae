package hub

import (
	"context"
	"strconv"
	"time"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

// DeployStatus is how far a deployment came, and when.
type DeployStatus struct {
	State string // success, failure or error
	At    time.Time
}

// deploymentsLooked is of how many deployments of one commit the end is looked
// for, the newest first.
const deploymentsLooked = 20

// Deployed returns how the newest of a commit's deployments to an environment
// that came to an end did so, and false when none has.
func (r *Repo) Deployed(ctx context.Context, environment, sha string) (DeployStatus, bool, error) {
	k := r.call(actDeployments, "@"+gate.Short(sha), "deployments").with("environment", environment, "sha", sha)
	wire, err := readAll(ctx, r.c, k, bare[github.Deployment])
	if err != nil {
		return DeployStatus{}, false, err
	}
	for _, d := range wire[:min(len(wire), deploymentsLooked)] {
		if d.GetSHA() != sha || d.GetEnvironment() != environment {
			continue
		}
		of := strconv.FormatInt(d.GetID(), 10)
		k := r.call(actDeployed, " "+of, "deployments/"+of+"/statuses")
		wire, err := readAll(ctx, r.c, k, bare[github.DeploymentStatus])
		if err != nil {
			return DeployStatus{}, false, err
		}
		statuses, err := each(k, wire, func(w *wants, s *github.DeploymentStatus) DeployStatus {
			return DeployStatus{State: wantSome(w, "state", s.State), At: wantTime(w, "created_at", s.CreatedAt)}
		})
		if err != nil {
			return DeployStatus{}, false, err
		}
		if ended, is := lastEnd(statuses); is {
			return ended, true, nil
		}
	}
	return DeployStatus{}, false, nil
}

// lastEnd is the newest of the statuses that are an end. A deployment turns
// inactive when another takes its place, which says nothing of how it went.
func lastEnd(statuses []DeployStatus) (last DeployStatus, ended bool) {
	for _, s := range statuses {
		switch s.State {
		case "success", "failure", "error":
			if !ended || s.At.After(last.At) {
				last, ended = s, true
			}
		}
	}
	return last, ended
}
