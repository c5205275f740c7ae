package hub

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

var (
	actDeployments = act{"list deployments", "the earlier deployments of the commit", "Deployments: read"}
	actDeployed    = act{"list deployment statuses", "how earlier deployments of the commit ended", "Deployments: read"}
	actAnswer      = act{"answer deployment", "the deployment", "Deployments: write"}
)

// DeploymentAnswer is what a deployment that waits is told. State "" only
// reports.
type DeploymentAnswer struct {
	Environment string
	State       string // "approved", "rejected" or ""
	Comment     string
}

// AnswerDeployment answers a run of GitHub Actions that waits for this App before
// it deploys. The address is made from the repository and the run's number: the
// one that the request brought is not used. [KindMissing] and [KindInvalid] mean
// that nobody waits there any more.
func (r *Repo) AnswerDeployment(ctx context.Context, run int64, a DeploymentAnswer) error {
	of := strconv.FormatInt(run, 10)
	body := map[string]string{"environment_name": a.Environment, "comment": a.Comment}
	if a.State != "" {
		body["state"] = a.State
	}
	k := r.call(actAnswer, " of run "+of, "actions/runs/"+of+"/deployment_protection_rule").send(http.MethodPost, body)
	k.urgent = true
	_, err := r.c.do(ctx, k)
	return err
}

// HasRun reports whether a run of GitHub Actions is one for this commit.
func (r *Repo) HasRun(ctx context.Context, sha string, run int64) (bool, error) {
	k := r.call(actWorkflow, "@"+gate.Short(sha), "actions/runs").with("head_sha", sha)
	wire, err := readAll(ctx, r.c, k, field[github.WorkflowRun]("workflow_runs"))
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(wire, func(w github.WorkflowRun) bool { return w.GetID() == run && w.GetHeadSHA() == sha }), nil
}

// LiveSince lists the times at which it was said that a commit, deployed to an
// environment, had arrived there. Whoever may write to the repository can say so.
func (r *Repo) LiveSince(ctx context.Context, environment, sha string) ([]time.Time, error) {
	k := r.call(actDeployments, "@"+gate.Short(sha), "deployments").with("environment", environment, "sha", sha)
	wire, err := readAll(ctx, r.c, k, bare[github.Deployment])
	if err != nil {
		return nil, err
	}
	var since []time.Time
	for _, d := range wire {
		if d.GetSHA() != sha || d.GetEnvironment() != environment {
			continue
		}
		of := strconv.FormatInt(d.GetID(), 10)
		k := r.call(actDeployed, " "+of, "deployments/"+of+"/statuses")
		statuses, err := readAll(ctx, r.c, k, bare[github.DeploymentStatus])
		if err != nil {
			return nil, err
		}
		for _, s := range statuses {
			if s.GetState() != "success" {
				continue
			}
			if s.GetCreatedAt().IsZero() {
				return nil, k.fault(errors.New("a status has no time"))
			}
			since = append(since, s.GetCreatedAt().Time)
		}
	}
	return since, nil
}
