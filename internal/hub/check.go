package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
	"golang.org/x/sync/errgroup"

	"gonogo/internal/gate"
	"gonogo/internal/report"
)

var (
	actRuns     = act{"list check runs", "the check runs", "Checks: read"}
	actWorkflow = act{"list workflow runs", "the workflow runs", "Actions: read"}
	actStatuses = act{"list statuses", "the commit statuses", "Commit statuses: read"}
	actRules    = act{"read rules", "the rules of the base branch", "Metadata: read"}
	actBranch   = act{"read branch", "the branch", "Contents: read"}
	actPublish  = act{"create check run", "the check run", "Checks: write"}
	actUpdate   = act{"update check run", "the check run", "Checks: write"}
)

// Checks returns the check runs and commit statuses on a commit, our own too.
// Of the runs of one name by one App in one suite only the newest is returned,
// by id and over all re-runs; but one that was skipped or is neutral does not
// hide the run before it when that one failed, unless it is our own. Of statuses
// the newest of each context is returned. The order is by name.
func (r *Repo) Checks(ctx context.Context, sha string) ([]gate.Check, error) {
	var runs, statuses []gate.Check
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		runs, err = r.checkRuns(gctx, sha)
		return err
	})
	group.Go(func() (err error) {
		statuses, err = r.statuses(gctx, sha)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := append(runs, statuses...)
	slices.SortFunc(all, func(a, b gate.Check) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.App, b.App), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

func commitPath(sha, rest string) string { return "commits/" + escapePath(sha) + "/" + rest }

func (r *Repo) checkRuns(ctx context.Context, sha string) ([]gate.Check, error) {
	// "latest" would be the latest of each suite by time of completion, in
	// which a queued re-run may be missing.
	k := r.call(actRuns, "@"+gate.Short(sha), commitPath(sha, "check-runs")).with("filter", "all")
	wire, err := readAll(ctx, r.c, k, field[github.CheckRun]("check_runs"))
	if err != nil {
		return nil, err
	}
	runs, err := each(k, wire, convertRun)
	if err != nil {
		return nil, err
	}
	return newestRuns(runs, r.hub.cfg.AppID), nil
}

func convertRun(w *wants, run *github.CheckRun) gate.Check {
	check := gate.Check{
		ID:        wantSome(w, "id", run.ID),
		Name:      wantSome(w, "name", run.Name),
		App:       run.GetApp().GetID(),
		AppTag:    run.GetApp().GetSlug(),
		Suite:     run.GetCheckSuite().GetID(),
		State:     wantSome(w, "status", run.Status),
		URL:       run.GetHTMLURL(),
		StartedAt: run.GetStartedAt().Time,
	}
	switch check.State {
	case "completed":
		check.State = wantSome(w, "conclusion", run.Conclusion)
	case "in_progress":
	default: // queued, waiting, requested, pending
		check.State = "queued"
	}
	return check
}

// newestRuns keeps the run of each name in each suite that counts. Of our own
// that is the newest, whatever it is: it is what stands for us.
func newestRuns(runs []gate.Check, own int64) []gate.Check {
	slices.SortFunc(runs, func(a, b gate.Check) int { return cmp.Compare(b.ID, a.ID) })
	type key struct {
		app, suite int64
		name       string
	}
	at := map[key]int{}
	var newest []gate.Check
	settled := map[key]bool{}
	for _, run := range runs {
		k := key{run.App, run.Suite, run.Name}
		hollow := run.App != own && (run.State == "skipped" || run.State == "neutral")
		i, seen := at[k]
		switch {
		case !seen:
			at[k] = len(newest)
			newest = append(newest, run)
			settled[k] = !hollow
		case !settled[k] && !hollow:
			if run.State != "success" {
				newest[i] = run
			}
			settled[k] = true
		}
	}
	return newest
}

// WorkflowRuns lists the runs of GitHub Actions for a commit. The path of the
// workflow's file is without the ref that GitHub puts behind it in some answers.
func (r *Repo) WorkflowRuns(ctx context.Context, sha string) ([]gate.WorkflowRun, error) {
	k := r.call(actWorkflow, "@"+gate.Short(sha), "actions/runs").with("head_sha", sha)
	wire, err := readAll(ctx, r.c, k, field[wireWorkflowRun]("workflow_runs"))
	if err != nil {
		return nil, err
	}
	wire = slices.DeleteFunc(wire, func(run wireWorkflowRun) bool { return run.HeadSHA == nil || *run.HeadSHA != sha })
	return each(k, wire, func(w *wants, run *wireWorkflowRun) gate.WorkflowRun {
		path, _, _ := strings.Cut(wantSome(w, "path", run.Path), "@")
		return gate.WorkflowRun{Suite: wantSome(w, "check_suite_id", run.Suite), Path: path, Event: wantSome(w, "event", run.Event)}
	})
}

type wireWorkflowRun struct {
	HeadSHA *string `json:"head_sha"`
	Suite   *int64  `json:"check_suite_id"`
	Path    *string `json:"path"`
	Event   *string `json:"event"`
}

func (r *Repo) statuses(ctx context.Context, sha string) ([]gate.Check, error) {
	k := r.call(actStatuses, "@"+gate.Short(sha), commitPath(sha, "status"))
	wire, err := readAll(ctx, r.c, k, field[github.RepoStatus]("statuses"))
	if err != nil {
		return nil, err
	}
	all, err := each(k, wire, func(w *wants, s *github.RepoStatus) gate.Check {
		check := gate.Check{
			ID:        wantSome(w, "id", s.ID),
			Name:      wantSome(w, "context", s.Context),
			Status:    true,
			State:     wantSome(w, "state", s.State),
			URL:       s.GetTargetURL(),
			StartedAt: wantTime(w, "created_at", s.CreatedAt),
		}
		if check.State == "pending" {
			check.State = "in_progress"
		}
		return check
	})
	if err != nil {
		return nil, err
	}
	// GitHub lists the newest of each already; a page that shifted while it
	// was read may hold one twice.
	slices.SortFunc(all, func(a, b gate.Check) int { return cmp.Compare(b.ID, a.ID) })
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(c gate.Check) bool {
		twice := seen[c.Name]
		seen[c.Name] = true
		return twice
	}), nil
}

// RequiredChecks returns the checks that a branch's rulesets and its classic
// protection require, ours too. Where the plan has no rules, none is required.
func (r *Repo) RequiredChecks(ctx context.Context, branch string) ([]gate.RequiredCheck, error) {
	var ruled, protected []gate.RequiredCheck
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		ruled, err = r.ruledChecks(gctx, branch)
		if IsMissing(err) { // a server older than rulesets; the branch itself is read beside
			return nil
		}
		return err
	})
	group.Go(func() (err error) {
		protected, err = r.protectedChecks(gctx, branch)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := append(ruled, protected...)
	slices.SortFunc(all, func(a, b gate.RequiredCheck) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.App, b.App))
	})
	return slices.Compact(all), nil
}

// ruledChecks decodes the rules itself: the library fails as a whole on kinds
// of rules that are younger than it is.
func (r *Repo) ruledChecks(ctx context.Context, branch string) ([]gate.RequiredCheck, error) {
	type rule struct {
		Type       *string `json:"type"`
		Parameters struct {
			Checks []struct {
				Context *string `json:"context"`
				App     *int64  `json:"integration_id"`
			} `json:"required_status_checks"`
		} `json:"parameters"`
	}
	k := r.call(actRules, " "+branch, "rules/branches/"+url.PathEscape(branch))
	raw, err := readAll(ctx, r.c, k, bare[json.RawMessage])
	if KindOf(err) == KindDisabled {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var checks []gate.RequiredCheck
	for _, one := range raw {
		var kind struct {
			Type *string `json:"type"`
		}
		if err := json.Unmarshal(one, &kind); err != nil || kind.Type == nil {
			return nil, k.fault(errors.New("a rule has no type"))
		}
		if *kind.Type != "required_status_checks" {
			continue
		}
		var full rule
		if err := json.Unmarshal(one, &full); err != nil {
			return nil, k.fault(errors.New("the rule required_status_checks cannot be understood"))
		}
		for _, check := range full.Parameters.Checks {
			if check.Context == nil {
				return nil, k.fault(errors.New("a required check has no name"))
			}
			checks = append(checks, requiredCheck(*check.Context, check.App))
		}
	}
	return checks, nil
}

func requiredCheck(name string, app *int64) gate.RequiredCheck {
	check := gate.RequiredCheck{Name: name}
	if app != nil && *app > 0 { // -1 is "any"
		check.App = *app
	}
	return check
}

type wireBranch struct {
	Name   *string `json:"name"`
	Commit struct {
		SHA *string `json:"sha"`
	} `json:"commit"`
	Protected  *bool `json:"protected"`
	Protection *struct {
		Required *struct {
			Contexts []string `json:"contexts"`
			Checks   []struct {
				Context *string `json:"context"`
				App     *int64  `json:"app_id"`
			} `json:"checks"`
		} `json:"required_status_checks"`
	} `json:"protection"`
}

func (r *Repo) readBranch(ctx context.Context, branch string) (wireBranch, error) {
	k := r.call(actBranch, " "+branch, "branches/"+url.PathEscape(branch))
	var wire wireBranch
	if err := r.c.read(ctx, k, &wire); err != nil {
		return wireBranch{}, err
	}
	var w wants
	wantSome(&w, "name", wire.Name)
	wantSome(&w, "commit.sha", wire.Commit.SHA)
	want(&w, "protected", wire.Protected)
	if err := w.err(); err != nil {
		return wireBranch{}, k.fault(err)
	}
	return wire, nil
}

func (r *Repo) protectedChecks(ctx context.Context, branch string) ([]gate.RequiredCheck, error) {
	wire, err := r.readBranch(ctx, branch)
	if err != nil || wire.Protection == nil || wire.Protection.Required == nil {
		return nil, err
	}
	var checks []gate.RequiredCheck
	named := map[string]bool{}
	for _, check := range wire.Protection.Required.Checks {
		if check.Context != nil {
			named[*check.Context] = true
			checks = append(checks, requiredCheck(*check.Context, check.App))
		}
	}
	for _, context := range wire.Protection.Required.Contexts {
		if !named[context] {
			checks = append(checks, gate.RequiredCheck{Name: context})
		}
	}
	return checks, nil
}

// Run is a check run of our own App.
type Run struct {
	ID         int64
	Name       string
	HeadSHA    string
	ExternalID string
	Completed  bool
	Conclusion report.Conclusion // InProgress until it is completed
	Title      string
	Summary    string
	Text       string
	URL        string
	StartedAt  time.Time
}

func convertOwnRun(w *wants, run *github.CheckRun) Run {
	own := Run{
		ID:         wantSome(w, "id", run.ID),
		Name:       wantSome(w, "name", run.Name),
		HeadSHA:    wantSome(w, "head_sha", run.HeadSHA),
		ExternalID: run.GetExternalID(),
		Completed:  wantSome(w, "status", run.Status) == "completed",
		Title:      run.GetOutput().GetTitle(),
		Summary:    run.GetOutput().GetSummary(),
		Text:       run.GetOutput().GetText(),
		URL:        run.GetHTMLURL(),
		StartedAt:  run.GetStartedAt().Time,
	}
	if own.Completed {
		own.Conclusion = report.Conclusion(wantSome(w, "conclusion", run.Conclusion))
	}
	return own
}

// CheckRuns lists the runs of our own App on a commit, the newest first; name
// "" lists those of any name. It finds a run whose creation was not answered,
// by its external id.
func (r *Repo) CheckRuns(ctx context.Context, sha, name string) ([]Run, error) {
	app := r.hub.cfg.AppID
	k := r.call(actRuns, "@"+gate.Short(sha), commitPath(sha, "check-runs")).
		with("filter", "all", "check_name", name, "app_id", strconv.FormatInt(app, 10))
	wire, err := readAll(ctx, r.c, k, field[github.CheckRun]("check_runs"))
	if err != nil {
		return nil, err
	}
	wire = slices.DeleteFunc(wire, func(run github.CheckRun) bool { return run.GetApp().GetID() != app })
	runs, err := each(k, wire, convertOwnRun)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(runs, func(a, b Run) int { return cmp.Compare(b.ID, a.ID) })
	return runs, nil
}

// CreateCheckRun publishes a new run. When its answer is lost the run may still
// exist: look with [Repo.CheckRuns] before creating another.
func (r *Repo) CreateCheckRun(ctx context.Context, run report.CheckRun) (Run, error) {
	body := runBody(run)
	body["head_sha"] = run.HeadSHA
	k := r.call(actPublish, "@"+gate.Short(run.HeadSHA), "check-runs").send(http.MethodPost, body)
	return r.writeRun(ctx, k)
}

// UpdateCheckRun changes a run in place. A completed run cannot go back to
// being in progress: that takes a new run.
func (r *Repo) UpdateCheckRun(ctx context.Context, id int64, run report.CheckRun) (Run, error) {
	body := runBody(run)
	if len(run.Actions) == 0 {
		body["actions"] = []any{} // else the old buttons stay
	}
	of := strconv.FormatInt(id, 10)
	return r.writeRun(ctx, r.call(actUpdate, " "+of, "check-runs/"+of).send(http.MethodPatch, body))
}

func (r *Repo) writeRun(ctx context.Context, k call) (Run, error) {
	k.urgent = true
	var wire github.CheckRun
	if err := r.c.read(ctx, k, &wire); err != nil {
		return Run{}, err
	}
	return one(k, wire, convertOwnRun)
}

// runBody holds only what is set: GitHub refuses empty values.
func runBody(run report.CheckRun) map[string]any {
	body := map[string]any{"name": run.Name, "status": "in_progress"}
	if run.Conclusion != report.InProgress {
		body["status"] = "completed"
		body["conclusion"] = string(run.Conclusion)
	}
	if run.ExternalID != "" {
		body["external_id"] = run.ExternalID
	}
	if run.DetailsURL != "" {
		body["details_url"] = run.DetailsURL
	}
	if !run.StartedAt.IsZero() {
		body["started_at"] = run.StartedAt.UTC().Format(time.RFC3339)
	}
	output := map[string]any{"title": run.Title, "summary": run.Summary}
	if run.Text != "" {
		output["text"] = run.Text
	}
	body["output"] = output
	var actions []map[string]string
	for _, b := range run.Actions {
		actions = append(actions, map[string]string{
			"label": b.Label, "description": b.Description, "identifier": b.Identifier,
		})
	}
	if len(actions) > 0 {
		body["actions"] = actions
	}
	return body
}
