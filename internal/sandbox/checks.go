package sandbox

import (
	"fmt"
	"slices"
	"time"
)

const completed = "completed"

// suite is the check suite of one App on one commit.
type suite struct {
	repo      *Repo
	id        int64
	app       *App
	requested bool // our App was asked for checks
	workflow  Workflow
	run       int64 // of the workflow; 0 for suites of other Apps
	sha       string
	branch    string
	created   time.Time
	updated   time.Time
}

// CheckRun is one run of a check.
type CheckRun struct {
	repo               *Repo
	suite              *suite
	id                 int64
	app                *App
	name, sha          string
	status, conclusion string
	externalID         string
	detailsURL         string
	started, ended     time.Time
	title, summary     any // strings or null
	text               any
	annotations        []object
	actions            []Action
}

// Action is a button of a check run.
type Action struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

// CheckView is a check run as one reads it.
type CheckView struct {
	ID         int64
	App        int64
	Name, SHA  string
	Status     string // queued, in_progress or completed
	Conclusion string // "" before it is completed
	ExternalID string
	DetailsURL string
	Title      string
	Summary    string
	Text       string
	Actions    []Action
}

// Workflow is what GitHub Actions ran: the path of the workflow's file, and the
// event that started it.
type Workflow struct {
	Path, Event string
}

// Check is what another App reports.
type Check struct {
	Name string
	App  int64 // default: GitHub Actions
	// Of is the workflow of which it is a job. Without one the API shows no
	// workflow run.
	Of Workflow
	// Status is queued, in_progress or completed; default: completed when there
	// is a conclusion, else in_progress.
	Status     string
	Conclusion string
	DetailsURL string
}

// Check reports a check run of another App on a commit.
func (r *Repo) Check(sha string, k Check) *CheckRun {
	defer r.gh.act()()
	r.objects.at(sha)
	if k.App == 0 {
		k.App = ActionsID
	}
	app := r.gh.apps[k.App]
	if app == nil {
		panic(fmt.Sprintf("sandbox: there is no App %d", k.App))
	}
	run := r.newRunOf(app, sha, k.Name, k.Of)
	if k.DetailsURL != "" {
		run.detailsURL = k.DetailsURL
	}
	run.status = "in_progress"
	if k.Status != "" {
		run.status = k.Status
	}
	run.emit("created", app.bot, object{})
	if k.Conclusion != "" {
		run.complete(k.Conclusion)
	}
	return run
}

// Check reports a check run of GitHub Actions on the head.
func (p *PullRequest) Check(name, conclusion string) *CheckRun {
	return p.repo.Check(p.Head(), Check{Name: name, Conclusion: conclusion})
}

// Complete ends the run.
func (c *CheckRun) Complete(conclusion string) {
	defer c.repo.gh.act()()
	c.complete(conclusion)
}

func (c *CheckRun) complete(conclusion string) {
	c.status, c.conclusion, c.ended = completed, conclusion, c.repo.gh.now()
	c.emit("completed", c.app.bot, object{})
	if status, _ := c.suite.state(); status == completed && c.app != c.repo.gh.app {
		c.suite.emit(completed, c.app.bot)
	}
	c.repo.autoMerge(c.sha)
}

// Press presses one of the run's buttons.
func (c *CheckRun) Press(who, identifier string) error {
	defer c.repo.gh.act()()
	has := func(a Action) bool { return a.Identifier == identifier }
	if !slices.ContainsFunc(c.actions, has) {
		return fmt.Errorf("press %q on check run %d: there is no such button", identifier, c.id)
	}
	if w := c.repo.watch; w != nil && c.app == c.repo.gh.app {
		w.presses = append(w.presses, PressMoment{c.repo.gh.newID(), who, identifier, c.sha, c.repo.gh.now(), c.repo.born()})
	}
	c.emit("requested_action", c.repo.gh.person(who), object{"requested_action": object{"identifier": identifier}})
	return nil
}

// Rerequest presses "Re-run" on the run.
func (c *CheckRun) Rerequest(who string) {
	defer c.repo.gh.act()()
	c.emit("rerequested", c.repo.gh.person(who), object{})
}

// RerequestSuite presses "Re-run all checks" of our App on a commit.
func (r *Repo) RerequestSuite(who, sha string) {
	defer r.gh.act()()
	r.suiteOf(r.gh.app, sha).emit("rerequested", r.gh.person(who))
}

// ID returns the run's id.
func (c *CheckRun) ID() int64 { return c.id }

// View returns the run as it is now.
func (c *CheckRun) View() CheckView {
	c.repo.gh.mu.Lock()
	defer c.repo.gh.mu.Unlock()
	return c.view()
}

func (c *CheckRun) view() CheckView {
	word := func(v any) string { s, _ := v.(string); return s }
	status, conclusion := c.state()
	return CheckView{
		ID: c.id, App: c.app.ID, Name: c.name, SHA: c.sha, Status: status, Conclusion: conclusion,
		ExternalID: c.externalID, DetailsURL: c.detailsURL, Title: word(c.title), Summary: word(c.summary),
		Text: word(c.text), Actions: slices.Clone(c.actions),
	}
}

// Run returns our App's newest run of that name on a commit, nil when there is
// none.
func (r *Repo) Run(sha, name string) *CheckRun {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	for _, run := range slices.Backward(r.runs) {
		if run.app == r.gh.app && run.sha == sha && run.name == name {
			return run
		}
	}
	return nil
}

// Runs returns all runs on a commit, the oldest first.
func (r *Repo) Runs(sha string) []CheckView {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	var list []CheckView
	for _, run := range r.runs {
		if run.sha == sha {
			list = append(list, run.view())
		}
	}
	return list
}

// Verdict returns our App's newest run of that name on the head; its zero
// value when there is none.
func (p *PullRequest) Verdict(name string) CheckView {
	if run := p.repo.Run(p.Head(), name); run != nil {
		return run.View()
	}
	return CheckView{}
}

// GitHub gives up on runs that are not completed after 14 days, and keeps 1,000
// runs of one name in a suite.
// https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-checks
const (
	staleAfter = 14 * 24 * time.Hour
	maxRuns    = 1000
)

// state is the run's status and conclusion now.
func (c *CheckRun) state() (status, conclusion string) {
	if c.status != completed && c.repo.gh.now().Sub(c.started) > staleAfter {
		return completed, "stale"
	}
	return c.status, c.conclusion
}

func (c *CheckRun) statusNow() string {
	status, _ := c.state()
	return status
}

func (r *Repo) newRun(app *App, sha, name string) *CheckRun {
	return r.newRunOf(app, sha, name, Workflow{})
}

func (r *Repo) newRunOf(app *App, sha, name string, of Workflow) *CheckRun {
	s := r.suiteFor(app, sha, of)
	r.dropOldest(s, name)
	c := &CheckRun{
		repo: r, suite: s, id: r.gh.newID(), app: app, name: name, sha: sha, status: "queued", started: r.gh.now(),
		detailsURL: web("%s/runs/%d", r.fullName(), r.gh.lastID),
	}
	s.updated = r.gh.now()
	r.runs = append(r.runs, c)
	return c
}

func (r *Repo) dropOldest(s *suite, name string) {
	same := func(c *CheckRun) bool { return c.suite == s && c.name == name }
	n := 0
	for _, c := range r.runs {
		if same(c) {
			n++
		}
	}
	if n >= maxRuns {
		at := slices.IndexFunc(r.runs, same)
		r.runs = slices.Delete(r.runs, at, at+1)
	}
}

func (r *Repo) suiteOf(app *App, sha string) *suite { return r.suiteFor(app, sha, Workflow{}) }

func (r *Repo) suiteFor(app *App, sha string, of Workflow) *suite {
	for _, s := range r.suites {
		if s.app == app && s.sha == sha && s.workflow == of {
			return s
		}
	}
	s := &suite{repo: r, id: r.gh.newID(), app: app, sha: sha, workflow: of, created: r.gh.now(), updated: r.gh.now()}
	if of != (Workflow{}) {
		s.run = r.gh.newID()
	}
	for _, name := range r.refNames("heads/") {
		if r.refs["heads/"+name] == sha {
			s.branch = name
		}
	}
	r.suites = append(r.suites, s)
	return s
}

// requestSuite asks our App for checks of a pushed commit.
func (r *Repo) requestSuite(sha, branch string, who *user) {
	s := r.suiteOf(r.gh.app, sha)
	if s.branch == "" {
		s.branch = branch
	}
	if !s.requested {
		s.requested = true
		s.emit("requested", who)
	}
}

// state is the suite's status and conclusion, of its newest runs.
func (s *suite) state() (status, conclusion string) {
	runs := s.latest()
	if len(runs) == 0 {
		return "queued", ""
	}
	worst := "success"
	for _, run := range runs {
		status, conclusion := run.state()
		if status != completed {
			return "in_progress", ""
		}
		if !slices.Contains([]string{"success", "neutral", "skipped"}, conclusion) {
			worst = conclusion
		}
	}
	return completed, worst
}

func (s *suite) latest() []*CheckRun {
	return latestRuns(slices.DeleteFunc(slices.Clone(s.repo.runs), func(c *CheckRun) bool { return c.suite != s }))
}

// latestRuns keeps the newest run of each name of each App.
func latestRuns(runs []*CheckRun) []*CheckRun {
	type key struct {
		app  *App
		name string
	}
	seen := map[key]bool{}
	var list []*CheckRun
	for _, run := range slices.Backward(runs) {
		if k := (key{run.app, run.name}); !seen[k] {
			seen[k] = true
			list = append(list, run)
		}
	}
	return list
}

// pullsOn returns the open pull requests of the repository's own branches on a
// commit: GitHub leaves those of forks out.
func (r *Repo) pullsOn(sha string) []object {
	list := []object{}
	for _, p := range r.pulls {
		if p.open && p.headSHA == sha && p.head == r {
			list = append(list, p.minimal())
		}
	}
	return list
}
