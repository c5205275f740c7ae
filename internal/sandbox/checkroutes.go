package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// GitHub's limits on the output of a check run.
// https://docs.github.com/en/rest/checks/runs
const (
	maxOutputBytes = 65535
	maxAnnotations = 50
	maxActions     = 3
)

func (g *GitHub) checkRoutes() []route {
	return []route{
		newRoute("POST", "/repos/{owner}/{repo}/check-runs", "checks:write", postRun),
		newRoute("PATCH", "/repos/{owner}/{repo}/check-runs/{id}", "checks:write", withRun(patchRun)),
		newRoute("GET", "/repos/{owner}/{repo}/check-runs/{id}", "checks:read", withRun(func(_ *call, run *CheckRun) answer {
			return ok(run.json())
		})),
		newRoute("GET", "/repos/{owner}/{repo}/check-runs/{id}/annotations", "checks:read", withRun(func(c *call, run *CheckRun) answer {
			return listOf(c, run.annotations, func(o object) object { return o })
		})),
	}
}

func withRun(then func(*call, *CheckRun) answer) func(*call) answer {
	return func(c *call) answer {
		for _, run := range c.repo.runs {
			if run.id == c.id("id") {
				return then(c, run)
			}
		}
		return notFound()
	}
}

// runBody is what POST and PATCH of check runs take.
type runBody struct {
	Name        *string    `json:"name"`
	HeadSHA     string     `json:"head_sha"`
	Status      *string    `json:"status"`
	Conclusion  *string    `json:"conclusion"`
	DetailsURL  *string    `json:"details_url"`
	ExternalID  *string    `json:"external_id"`
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
	Output      *struct {
		Title       *string  `json:"title"`
		Summary     *string  `json:"summary"`
		Text        *string  `json:"text"`
		Annotations []object `json:"annotations"`
	} `json:"output"`
	Actions *[]Action `json:"actions"`
}

var (
	statuses = []string{"queued", "in_progress", completed}
	// GitHub's description lists "stale", too; only GitHub itself sets it.
	conclusions = []string{
		"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out",
	}
)

// problem returns what GitHub would refuse in the body, "" when nothing.
func (b *runBody) problem(created bool) string {
	switch {
	case b.Status != nil && !slices.Contains(statuses, *b.Status):
		return fmt.Sprintf("For 'properties/status', %q is not a member of %q.", *b.Status, statuses)
	case b.Conclusion != nil && !slices.Contains(conclusions, *b.Conclusion):
		return fmt.Sprintf("For 'properties/conclusion', %q is not a member of %q.", *b.Conclusion, conclusions)
	case b.Status != nil && *b.Status == completed && b.Conclusion == nil:
		return "For 'anyOf/0', {\"status\"=>\"completed\"} is missing required keys: [\"conclusion\"]."
	case b.DetailsURL != nil && !isWeb(*b.DetailsURL):
		return "details_url must use http or https scheme"
	}
	if text := b.outputProblem(created); text != "" {
		return text
	}
	return b.actionProblem()
}

func isWeb(s string) bool { return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") }

func (b *runBody) outputProblem(created bool) string {
	o := b.Output
	switch {
	case o == nil:
		return ""
	case o.Summary == nil:
		return "For 'properties/output', \"summary\" is a required key."
	case created && (o.Title == nil || *o.Title == ""):
		return "For 'properties/output', \"title\" is a required key."
	case o.Summary != nil && len(*o.Summary) > maxOutputBytes:
		return "Only 65535 characters are allowed; 65536 or more were supplied in summary."
	case o.Text != nil && len(*o.Text) > maxOutputBytes:
		return "Only 65535 characters are allowed; 65536 or more were supplied in text."
	case len(o.Annotations) > maxAnnotations:
		return "No more than 50 annotations are allowed in one request."
	}
	for _, a := range o.Annotations {
		for _, key := range []string{"path", "start_line", "end_line", "annotation_level", "message"} {
			if a[key] == nil {
				return fmt.Sprintf("For 'properties/annotations', %q is a required key.", key)
			}
		}
	}
	return ""
}

func (b *runBody) actionProblem() string {
	if b.Actions == nil {
		return ""
	}
	if len(*b.Actions) > maxActions {
		return "No more than 3 actions are allowed."
	}
	for _, a := range *b.Actions {
		for _, part := range []struct {
			name, value string
			most        int
		}{{"label", a.Label, 20}, {"description", a.Description, 40}, {"identifier", a.Identifier, 20}} {
			if n := len([]rune(part.value)); n == 0 || n > part.most {
				return fmt.Sprintf("For 'properties/actions', %s must have 1 to %d characters.", part.name, part.most)
			}
		}
	}
	return ""
}

func badRun(text string) answer {
	return refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n"+text)
}

func postRun(c *call) answer {
	var b runBody
	if c.decode(&b) != nil {
		return problemsParsing()
	}
	switch {
	case b.Name == nil || *b.Name == "":
		return badRun("\"name\" wasn't supplied.")
	case b.HeadSHA == "":
		return badRun("\"head_sha\" wasn't supplied.")
	case c.repo.objects.commits[b.HeadSHA] == nil:
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+b.HeadSHA)
	}
	if text := b.problem(true); text != "" {
		return badRun(text)
	}
	run := c.repo.newRun(c.g.app, b.HeadSHA, *b.Name)
	b.apply(run)
	run.emit("created", c.g.app.bot, object{})
	if run.status == completed {
		run.emit(completed, c.g.app.bot, object{})
		c.repo.autoMerge(run.sha)
	}
	a := created(run.json())
	a.header = http.Header{"Location": {c.repo.api("/check-runs/%d", run.id)}}
	return a
}

func patchRun(c *call, run *CheckRun) answer {
	var b runBody
	if c.decode(&b) != nil {
		return problemsParsing()
	}
	if run.app != c.g.app {
		return refuse(http.StatusForbidden, "Invalid app_id `"+strconv.FormatInt(c.g.app.ID, 10)+"` - check run can only be modified by the GitHub App that created it.")
	}
	if text := b.problem(false); text != "" {
		return badRun(text)
	}
	if run.statusNow() == completed && b.Conclusion == nil && b.Status != nil && *b.Status != completed {
		return badRun("A completed check run cannot go back to " + *b.Status + ".")
	}
	was := run.status
	b.apply(run)
	if run.status == completed && (was != completed || b.Conclusion != nil) {
		run.emit(completed, c.g.app.bot, object{})
		c.repo.autoMerge(run.sha)
	}
	return ok(run.json())
}

func (b *runBody) apply(run *CheckRun) {
	set(&run.name, b.Name)
	set(&run.status, b.Status)
	set(&run.externalID, b.ExternalID)
	set(&run.detailsURL, b.DetailsURL)
	set(&run.started, b.StartedAt)
	if b.Conclusion != nil {
		run.status, run.conclusion, run.ended = completed, *b.Conclusion, run.repo.gh.now()
		set(&run.ended, b.CompletedAt)
	}
	if b.Actions != nil {
		run.actions = *b.Actions
	}
	if o := b.Output; o != nil {
		run.summary = *o.Summary
		if o.Title != nil {
			run.title = *o.Title
		}
		run.text = nil
		if o.Text != nil {
			run.text = *o.Text
		}
		for _, a := range o.Annotations {
			run.annotations = append(run.annotations, annotation(run, a))
		}
	}
	run.suite.updated = run.repo.gh.now()
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func annotation(run *CheckRun, a object) object {
	o := object{
		"start_column": nil, "end_column": nil, "title": nil, "raw_details": nil,
		"blob_href": web("%s/blob/%s/%v", run.repo.fullName(), run.sha, a["path"]),
	}
	for key, value := range a {
		o[key] = value
	}
	return o
}

func listRuns(c *call, sha string) answer {
	runs := newestFirst(slices.DeleteFunc(slices.Clone(c.repo.runs), func(run *CheckRun) bool { return run.sha != sha }))
	if c.query("filter") != "all" {
		slices.Reverse(runs)
		runs = latestRuns(runs)
	}
	runs = slices.DeleteFunc(runs, func(run *CheckRun) bool {
		return c.query("check_name") != "" && c.query("check_name") != run.name ||
			c.query("app_id") != "" && c.query("app_id") != strconv.FormatInt(run.app.ID, 10) ||
			c.query("status") != "" && c.query("status") != run.statusNow()
	})
	return countedOf(c, "check_runs", runs, (*CheckRun).json)
}

func listSuites(c *call, sha string) answer {
	list := slices.DeleteFunc(slices.Clone(c.repo.suites), func(s *suite) bool {
		return s.sha != sha || c.query("app_id") != "" && c.query("app_id") != strconv.FormatInt(s.app.ID, 10)
	})
	return countedOf(c, "check_suites", list, (*suite).json)
}

func (c *CheckRun) html() string {
	if c.suite.run == 0 {
		return web("%s/runs/%d", c.repo.fullName(), c.id)
	}
	return web("%s/actions/runs/%d/job/%d", c.repo.fullName(), c.suite.run, c.id)
}

func (c *CheckRun) json() object {
	r := c.repo
	url := r.api("/check-runs/%d", c.id)
	status, conclusion := c.state()
	return object{
		"id": c.id, "node_id": nodeID("CheckRun", c.id), "name": c.name, "head_sha": c.sha, "external_id": c.externalID,
		"url": url, "html_url": c.html(), "details_url": c.detailsURL, "status": status,
		"conclusion": orNil(conclusion), "started_at": stamp(c.started), "completed_at": stamp(c.ended),
		"output": object{
			"title": c.title, "summary": c.summary, "text": c.text, "annotations_count": len(c.annotations),
			"annotations_url": url + "/annotations",
		},
		"check_suite": object{"id": c.suite.id}, "app": r.gh.appBrief(c.app), "pull_requests": r.pullsOn(c.sha),
	}
}

func (s *suite) json() object {
	r := s.repo
	url := r.api("/check-suites/%d", s.id)
	status, conclusion := s.state()
	c := r.objects.at(s.sha)
	before := noSHA
	if len(c.parents) > 0 {
		before = c.parents[0]
	}
	return object{
		"id": s.id, "node_id": nodeID("CheckSuite", s.id), "head_branch": orNil(s.branch), "head_sha": s.sha,
		"status": status, "conclusion": orNil(conclusion), "url": url, "before": before, "after": s.sha,
		"pull_requests": r.pullsOn(s.sha), "app": r.gh.appBrief(s.app), "repository": r.brief(),
		"created_at": stamp(s.created), "updated_at": stamp(s.updated), "latest_check_runs_count": len(s.latest()),
		"check_runs_url": url + "/check-runs", "rerequestable": true, "runs_rerequestable": true,
		"head_commit": c.simple(),
	}
}

// emit sends a check run's event. Buttons and re-runs go to the App that made
// the run only.
func (c *CheckRun) emit(action string, who *user, extra object) {
	if c.app != c.repo.gh.app && (action == "requested_action" || action == "rerequested") {
		return
	}
	o := c.json()
	o["check_suite"] = c.suite.inRun()
	extra["check_run"] = o
	c.repo.gh.emit(c.repo, "check_run", action, who, extra)
}

// inRun is the suite inside a check run's event.
func (s *suite) inRun() object {
	o := s.json()
	for _, key := range []string{"latest_check_runs_count", "check_runs_url", "head_commit", "repository", "rerequestable", "runs_rerequestable"} {
		delete(o, key)
	}
	return o
}

func (s *suite) emit(action string, who *user) {
	o := s.json()
	delete(o, "repository")
	s.repo.gh.emit(s.repo, "check_suite", action, who, object{"check_suite": o})
}
