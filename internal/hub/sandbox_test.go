package hub_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/report"
	"gonogo/internal/sandbox"
	"gonogo/internal/sandbox/openapi"
)

// world is a simulated GitHub with one pull request, seen through a hub whose
// traffic is held against GitHub's description.
type world struct {
	*sandbox.GitHub
	valid *openapi.Validator
	org   *sandbox.Owner
	shop  *sandbox.Repo
	hub   *hub.Hub
	repo  *hub.Repo
}

func newWorld(t *testing.T) *world {
	t.Helper()
	gh, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := gh.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gh.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{GitHub: gh, valid: openapi.Must(t), org: gh.Org("acme")}
	w.shop = w.org.Repo("shop")
	w.shop.Grant("kim", "write")
	w.shop.Grant("lee", "write")
	w.shop.Grant("dana", "maintain")
	w.hub, err = hub.New(hub.Config{
		AppID: gh.AppID(), PrivateKey: gh.PrivateKeyPEM(), BaseURL: gh.URL(),
		Transport: w.valid.RoundTripper(http.DefaultTransport),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.repo = w.hub.Repo(w.org.InstallationID(), gate.Repository{ID: w.shop.ID(), Owner: "acme", Name: "shop"})
	return w
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// Every method is asked, and no request or answer is outside GitHub's own
// description.
func TestEveryMethodAgainstTheDescription(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	first := w.shop.Open("kim", sandbox.Change{Title: "Base", Branch: "feature/base", Files: map[string]string{"a.go": "package a\n"}})
	if err := first.Merge("dana", "merge"); err != nil {
		t.Fatal(err)
	}
	w.shop.DeleteBranch("kim", "feature/base")
	w.shop.AnnotatedTag("dana", "app/v1", w.shop.Tip("main"), "one")
	w.shop.Release("dana", sandbox.ReleaseSpec{Tag: "app/v1"})
	left := w.shop.Open("kim", sandbox.Change{Title: "Left", Branch: "feature/left", Files: map[string]string{"b.go": "package a\n"}})
	if err := left.Merge("dana", "squash"); err != nil {
		t.Fatal(err)
	}
	w.shop.Require("main", sandbox.Required{Name: "build", App: sandbox.ActionsID})
	w.shop.Rule("main", "merge_queue", nil)
	pr := w.shop.Open("kim", sandbox.Change{Title: "Checkout", Body: "hello", Labels: []string{"risk"}, Branch: "feature/checkout",
		Files: map[string]string{"checkout.go": "package shop\n", ".github/gonogo.yml": "a: 1\n"}, Message: "Checkout\n\nCo-authored-by: Lee <lee@x.test>"})
	pr.Approve("lee")
	pr.Check("build", "success")
	pr.Status("kim", "legacy", "pending")
	w.shop.OpenIssue("kim", "Down", "all of it", "SEV1")
	w.shop.Alert(sandbox.Secret{Type: "aws_access_key_id", Path: "a.go", Line: 1, Commit: pr.Head()})
	w.org.Team("release-managers", "dana", "lee")
	n := pr.Number()

	repos := must[[]gate.Repository](t)(w.hub.Repositories(ctx, w.org.InstallationID()))
	if len(repos) != 1 || repos[0].ID != w.shop.ID() || repos[0].OwnerIsUser || repos[0].DefaultBranch != "main" {
		t.Errorf("repositories %+v", repos)
	}
	if self := must[hub.Self](t)(w.hub.Self(ctx)); self.ID != w.AppID() || self.Permissions["checks"] != "write" {
		t.Errorf("self %+v", self)
	}
	must[[]hub.Installation](t)(w.hub.Installations(ctx))
	must[hub.Installation](t)(w.hub.Installation(ctx, w.org.InstallationID()))
	if i := must[hub.Installation](t)(w.hub.InstallationOf(ctx, "acme", "shop")); i.ID != w.org.InstallationID() || i.Account.Login != "acme" {
		t.Errorf("installation %+v", i)
	}
	if _, err := w.hub.InstallationOf(ctx, "acme", "nothing"); !hub.IsMissing(err) {
		t.Error(err)
	}
	must[[]hub.Delivery](t)(w.hub.Deliveries(ctx, time.Time{}))
	must[string](t)(w.hub.HookURL(ctx))

	must[gate.Repository](t)(w.repo.Repository(ctx))
	pull := must[gate.PullRequest](t)(w.repo.PullRequest(ctx, n))
	if pull.HeadSHA != pr.Head() || pull.ChangedFiles != 2 || !pull.Open || pull.Labels[0] != "risk" || pull.Author.Login != "kim" {
		t.Errorf("pull request %+v", pull)
	}
	if open := must[[]gate.PullRequest](t)(w.repo.OpenPullRequests(ctx)); len(open) != 1 || open[0].Number != n {
		t.Errorf("open %+v", open)
	}
	if merged := must[[]gate.PullRequest](t)(w.repo.MergedPullRequests(ctx, "main", time.Time{})); len(merged) != 2 {
		t.Errorf("merged %+v", merged)
	}
	must[[]gate.PullRequest](t)(w.repo.PullRequestsOf(ctx, pr.Head()))
	files := must[[]gate.File](t)(w.repo.Files(ctx, n))
	if err := hub.FilesComplete(pull, files); err != nil || !files[0].HasPatch {
		t.Errorf("files %+v, %v", files, err)
	}
	commits := must[[]gate.Commit](t)(w.repo.Commits(ctx, n))
	if err := hub.CommitsComplete(pull, commits); err != nil || commits[0].CoAuthors[0].Email != "lee@x.test" || commits[0].Author.Login != "kim" {
		t.Errorf("commits %+v, %v", commits, err)
	}
	if reviews := must[[]gate.ReviewOf](t)(w.repo.Reviews(ctx, n)); len(reviews) != 1 || reviews[0].State != gate.Approved {
		t.Errorf("reviews %+v", reviews)
	}
	if checks := must[[]gate.Check](t)(w.repo.Checks(ctx, pr.Head())); len(checks) != 2 || checks[0].App != sandbox.ActionsID ||
		checks[0].State != "success" || !checks[1].Status || checks[1].State != "in_progress" {
		t.Errorf("checks %+v", checks)
	}
	if required := must[[]gate.RequiredCheck](t)(w.repo.RequiredChecks(ctx, "main")); len(required) != 1 || required[0].App != sandbox.ActionsID {
		t.Errorf("required %+v", required)
	}
	if issues := must[[]gate.Issue](t)(w.repo.SevereIssues(ctx, "SEV1")); len(issues) != 1 {
		t.Errorf("issues %+v", issues)
	}
	if issues := must[[]gate.Issue](t)(w.repo.SevereIssues(ctx, "no such")); len(issues) != 0 {
		t.Errorf("issues %+v", issues)
	}
	if alerts := must[[]gate.Alert](t)(w.repo.Alerts(ctx)); len(alerts) != 1 || alerts[0].Commits[0] != pr.Head() {
		t.Errorf("alerts %+v", alerts)
	}
	if branches := must[[]gate.Branch](t)(w.repo.DanglingBranches(ctx, pull)); len(branches) != 1 || branches[0].Name != "feature/left" {
		t.Errorf("dangling %+v", branches)
	}
	must[[]gate.Branch](t)(w.repo.HeadsOf(ctx, must[[]gate.PullRequest](t)(w.repo.MergedPullRequests(ctx, "main", time.Time{})), "main"))
	for login, want := range map[string]gate.Permission{"dana": gate.PermissionMaintain, "kim": gate.PermissionWrite, "nobody": gate.PermissionNone} {
		if got := must[gate.Collaborator](t)(w.repo.Permission(ctx, login)); got.Permission != want {
			t.Errorf("%s: %v, want %v", login, got, want)
		}
	}
	if writers := must[[]gate.Collaborator](t)(w.repo.Writers(ctx)); len(writers) < 3 {
		t.Errorf("writers %+v", writers)
	}
	if team := must[[]gate.User](t)(w.repo.Team(ctx, "acme", "release-managers")); len(team) != 2 {
		t.Errorf("team %+v", team)
	}
	if user := must[gate.User](t)(w.repo.User(ctx, "kim")); user.ID != w.UserID("kim") {
		t.Errorf("user %+v", user)
	}

	comment := must[gate.Comment](t)(w.repo.CreateComment(ctx, n, "hello"))
	comment = must[gate.Comment](t)(w.repo.EditComment(ctx, comment.ID, "hello again"))
	if got := must[gate.Comment](t)(w.repo.Comment(ctx, comment.ID)); got.Body != "hello again" || !got.User.Bot {
		t.Errorf("comment %+v", got)
	}
	for range 2 {
		if err := w.repo.React(ctx, comment.ID, "+1"); err != nil {
			t.Error(err)
		}
	}
	if comments := must[[]gate.Comment](t)(w.repo.Comments(ctx, n)); len(comments) != 1 {
		t.Errorf("comments %+v", comments)
	}

	file := must[hub.File](t)(w.repo.File(ctx, ".github/gonogo.yml", pr.Head()))
	if blob := must[[]byte](t)(w.repo.Blob(ctx, file.SHA)); string(blob) != "a: 1\n" || string(file.Content) != "a: 1\n" {
		t.Errorf("file %+v", file)
	}
	if _, err := w.repo.File(ctx, ".github/gonogo.yml", "main"); !hub.IsMissing(err) {
		t.Error(err)
	}
	releases := must[[]gate.Release](t)(w.repo.Releases(ctx))
	must[gate.Release](t)(w.repo.Release(ctx, releases[0].ID))
	must[gate.Release](t)(w.repo.ReleaseByTag(ctx, "app/v1"))
	tagged := must[string](t)(w.repo.TagCommit(ctx, "app/v1"))
	comparison := must[hub.Comparison](t)(w.repo.Compare(ctx, tagged, "feature/checkout"))
	if comparison.MergeBase == "" || len(comparison.Commits) != comparison.AheadBy || comparison.Status != "ahead" {
		t.Errorf("comparison %+v", comparison)
	}
	if sha, there, err := w.repo.Branch(ctx, "feature/checkout"); err != nil || !there || sha != pr.Head() {
		t.Error(sha, there, err)
	}
	if _, there, err := w.repo.Branch(ctx, "no/such"); err != nil || there {
		t.Error(there, err)
	}
	w.publish(ctx, t, pr)

	for _, v := range w.valid.Violations() {
		t.Error(v)
	}
}

// publish writes a verdict, changes it and finds it again.
func (w *world) publish(ctx context.Context, t *testing.T, pr *sandbox.PullRequest) {
	t.Helper()
	verdict := report.CheckRun{
		Name: "release-readiness", HeadSHA: pr.Head(), ExternalID: "1/2/3", DetailsURL: "https://gonogo.test/1",
		StartedAt: time.Now(), Title: "DRAFT", Summary: "s",
	}
	run := must[hub.Run](t)(w.repo.CreateCheckRun(ctx, verdict))
	verdict.Conclusion, verdict.Text = report.ActionRequired, "text"
	verdict.Actions = []report.Button{{Label: "GO", Description: "Say GO", Identifier: "go"}}
	must[hub.Run](t)(w.repo.UpdateCheckRun(ctx, run.ID, verdict))
	verdict.Conclusion, verdict.Actions = report.Success, nil
	must[hub.Run](t)(w.repo.UpdateCheckRun(ctx, run.ID, verdict))
	runs := must[[]hub.Run](t)(w.repo.CheckRuns(ctx, pr.Head(), "release-readiness"))
	if len(runs) != 1 || runs[0].ID != run.ID || runs[0].ExternalID != "1/2/3" || runs[0].Conclusion != report.Success || runs[0].Text != "text" {
		t.Errorf("runs %+v", runs)
	}
	must[[]hub.Run](t)(w.repo.CheckRuns(ctx, pr.Head(), ""))
}

// Cases 66, 67, 69: the simulated GitHub fails, limits and suspends.
func TestFaultsOfTheSandbox(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	pr := w.shop.Open("kim", sandbox.Change{Title: "Checkout", Files: map[string]string{"a": "b\n"}})
	if _, err := w.repo.PullRequest(ctx, pr.Number()); err != nil {
		t.Fatal(err)
	}
	for _, fault := range []sandbox.Fault{{Status: 502}, {Reset: true}, {Cut: true}} {
		fault.Method = http.MethodGet
		w.Fail(fault)
		_, err := w.repo.PullRequest(ctx, pr.Number())
		if _, again := w.repo.Commits(ctx, pr.Number()); hub.KindOf(err) != hub.KindFault || hub.KindOf(again) != hub.KindFault {
			t.Errorf("%+v: %v, %v", fault, err, again)
		}
		w.Mend()
	}
	w.Fail(sandbox.Fault{Drop: "sha"})
	if _, err := w.repo.Commits(ctx, pr.Number()); hub.KindOf(err) != hub.KindFault {
		t.Error(err)
	}
	w.Mend()
	w.valid.Forget() // the answer without a field was asked for
	w.shop.Rename("dana", "store")
	if got, err := w.repo.Repository(ctx); err != nil || got.Name != "store" {
		t.Error(got, err)
	}
	w.org.Suspend()
	if _, err := w.repo.Repository(ctx); hub.KindOf(err) != hub.KindSuspended && hub.KindOf(err) != hub.KindUnauthorized {
		t.Error(err)
	}
	w.org.Unsuspend()
	w.Limit(sandbox.Limit{For: time.Hour, Secondary: true})
	w.ForgetRequests()
	for range 5 {
		_, err := w.repo.Repository(ctx)
		var e *hub.Error
		if wait, ok := hub.RetryAfter(err); !ok || wait <= 0 || !errors.As(err, &e) {
			t.Error(err)
		}
	}
	if n := w.Count(func(r sandbox.Request) bool { return r.Closed }); n > 1 {
		t.Errorf("%d requests in a closed window", n)
	}
}

// Case 75: each field that is used is left out in turn, and nothing is read
// from what remains.
func TestEachFieldIsMissed(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	pr := w.shop.Open("kim", sandbox.Change{Title: "Checkout", Files: map[string]string{"a": "b\n"}})
	pr.Approve("lee")
	pr.Check("build", "success")
	pr.Status("kim", "legacy", "success")
	w.shop.OpenIssue("kim", "Down", "all of it", "SEV1")
	w.shop.Alert(sandbox.Secret{Type: "aws_access_key_id", Path: "a", Line: 1, Commit: pr.Head()})
	w.shop.Release("dana", sandbox.ReleaseSpec{Tag: "v1"})
	w.shop.Require("main", sandbox.Required{Name: "build"})
	w.org.Team("release-managers", "dana")
	n := pr.Number()
	if _, err := w.repo.CreateComment(ctx, n, "hello"); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		read   func() error
		fields []string
	}{
		{"repository", func() error { _, err := w.repo.Repository(ctx); return err },
			[]string{"id", "name", "owner", "default_branch", "private"}},
		{"pull request", func() error { _, err := w.repo.PullRequest(ctx, n); return err },
			[]string{"number", "state", "title", "html_url", "merged", "head", "base", "labels", "changed_files", "commits"}},
		{"files", func() error { _, err := w.repo.Files(ctx, n); return err }, []string{"filename", "status", "additions", "deletions"}},
		{"commits", func() error { _, err := w.repo.Commits(ctx, n); return err }, []string{"sha", "parents", "commit"}},
		{"reviews", func() error { _, err := w.repo.Reviews(ctx, n); return err }, []string{"id", "state", "submitted_at"}},
		{"checks", func() error { _, err := w.repo.Checks(ctx, pr.Head()); return err },
			[]string{"total_count", "check_runs", "statuses"}},
		{"rules", func() error { _, err := w.repo.RequiredChecks(ctx, "main"); return err }, []string{"type", "protected", "commit"}},
		{"issues", func() error { _, err := w.repo.SevereIssues(ctx, "SEV1"); return err }, []string{"number", "title", "labels", "created_at"}},
		{"alerts", func() error { _, err := w.repo.Alerts(ctx); return err }, []string{"number", "created_at"}},
		{"comments", func() error { _, err := w.repo.Comments(ctx, n); return err }, []string{"id", "body", "created_at", "updated_at"}},
		{"releases", func() error { _, err := w.repo.Releases(ctx); return err }, []string{"id", "tag_name", "draft", "prerelease", "published_at"}},
		{"tag", func() error { _, err := w.repo.TagCommit(ctx, "v1"); return err }, []string{"object"}},
		{"permission", func() error { _, err := w.repo.Permission(ctx, "dana"); return err }, []string{"permission"}},
		{"team", func() error { _, err := w.repo.Team(ctx, "acme", "release-managers"); return err }, []string{"id", "login", "members_count"}},
		{"comparison", func() error { _, err := w.repo.Compare(ctx, "v1", pr.Head()); return err },
			[]string{"status", "ahead_by", "behind_by", "total_commits", "commits", "merge_base_commit"}},
		{"runs", func() error { _, err := w.repo.CheckRuns(ctx, pr.Head(), ""); return err }, []string{"check_runs"}},
	}
	for _, tt := range tests {
		if err := tt.read(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, field := range tt.fields {
			w.Fail(sandbox.Fault{Method: http.MethodGet, Drop: field})
			if err := tt.read(); hub.KindOf(err) != hub.KindFault {
				t.Errorf("%s without %s: %v", tt.name, field, err)
			}
			w.Mend()
		}
	}
	w.valid.Forget() // the answers without fields were asked for
}

// Trees and distances are read as GitHub describes them, links, submodules and
// moved bases included.
func TestTreeAndDivergeAgainstTheDescription(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.shop.Commit("kim", "main", map[string]string{"a.go": "package a\n"})
	pr := w.shop.Open("kim", sandbox.Change{Title: "Lib", Branch: "feature/lib", Files: map[string]string{"lib/b.go": "package lib\n"}})
	pr.PushCommits("kim", sandbox.Commit{
		Files: map[string]string{"lib/link": "../a.go", "vendor/c": "Subproject commit 0123456789abcdef0123456789abcdef01234567\n"},
		Modes: map[string]string{"lib/link": "120000", "vendor/c": "160000"}, Message: "More",
	})
	tree := must[map[string]hub.Entry](t)(w.repo.Tree(ctx, pr.Head()))
	for path, mode := range map[string]string{"a.go": "100644", "lib/b.go": "100644", "lib/link": "120000", "vendor/c": "160000"} {
		if tree[path].Mode != mode {
			t.Errorf("%s has mode %q, want %s", path, tree[path].Mode, mode)
		}
	}
	if _, there := tree["lib"]; there {
		t.Error("a directory counts as a file")
	}
	if _, err := w.repo.Tree(ctx, strings.Repeat("0", 40)); !hub.IsMissing(err) {
		t.Errorf("a commit that is not there: %v", err)
	}

	start := must[hub.Divergence](t)(w.repo.Diverge(ctx, pr.Head(), "main"))
	if start.AheadBy != 0 || len(start.Files) != 0 || start.BaseSHA != pr.Head() || start.MergeBase != w.shop.Tip("main") {
		t.Errorf("a base that stands still: %+v", start)
	}
	w.shop.Commit("kim", "main", map[string]string{"a.go": "package a // more\n"})
	w.shop.Commit("kim", "main", map[string]string{"d.go": "package a\n"})
	moved := must[hub.Divergence](t)(w.repo.Diverge(ctx, pr.Head(), "main"))
	if moved.AheadBy != 2 || len(moved.Files) != 2 || moved.Files[0].Path != "a.go" || moved.FilesCut || moved.MergeBase != start.MergeBase {
		t.Errorf("a base that moved on: %+v", moved)
	}
	many := map[string]string{}
	for i := range 301 {
		many[fmt.Sprintf("many/%d", i)] = "x\n"
	}
	w.shop.Commit("kim", "main", many)
	if cut := must[hub.Divergence](t)(w.repo.Diverge(ctx, pr.Head(), "main")); cut.AheadBy != 3 || !cut.FilesCut {
		t.Errorf("%d ahead, cut %t", cut.AheadBy, cut.FilesCut)
	}
}

// What has not changed since it was read first is answered as it was then.
func TestCompareAgain(t *testing.T) {
	w := newWorld(t)
	pr := w.shop.Open("kim", sandbox.Change{Title: "Lib", Branch: "lib", Files: map[string]string{"lib/b.go": "package lib\n"}})
	for range 3 {
		got := must[hub.Comparison](t)(w.repo.Compare(t.Context(), "main", pr.Head()))
		if len(got.Commits) != 1 || len(got.Files) != 1 || got.MergeBase != w.shop.Tip("main") || got.BaseSHA != got.MergeBase {
			t.Errorf("%+v", got)
		}
	}
}
