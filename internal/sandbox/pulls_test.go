package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

func pullPath(pr *sandbox.PullRequest) string { return fmt.Sprintf("%s/pulls/%d", shop, pr.Number()) }

func TestPullRequestLists(t *testing.T) {
	w := newWorld(t)
	one := w.repo.Open("kim", sandbox.Change{Title: "One", Branch: "kim/one", Files: map[string]string{"a": "1\n"}})
	w.clock.move(time.Minute)
	w.repo.Commit("dana", "release/1.4", map[string]string{"r": "1\n"})
	two := w.repo.Open("kim", sandbox.Change{Title: "Two", Base: "release/1.4", Files: map[string]string{"a": "2\n"}})
	w.clock.move(time.Minute)
	one.Comment("dana", "hello")
	two.Close("kim")
	for _, c := range []struct{ query, want string }{
		{"", "1"}, {"?state=all", "2 1"}, {"?state=closed", "2"}, {"?state=all&direction=asc", "1 2"},
		{"?state=all&base=release/1.4", "2"}, {"?state=all&head=acme:kim/one", "1"}, {"?head=acme:nothing", ""},
		{"?state=all&sort=updated", "1 2"},
	} {
		got := w.app().get(shop+"/pulls"+c.query, 200)
		var numbers []string
		for i := range got.len() {
			numbers = append(numbers, got.text(i, "number"))
		}
		if strings.Join(numbers, " ") != c.want {
			t.Errorf("pulls%s: %v, want %s", c.query, numbers, c.want)
		}
	}
	w.app().get(shop+"/pulls/99", http.StatusNotFound)
	w.app().get(shop+"/pulls/99/files", http.StatusNotFound)
}

func TestHugePullRequestIsCut(t *testing.T) {
	w := newWorld(t)
	files := map[string]string{}
	for i := range 3001 {
		files[fmt.Sprintf("f%04d", i)] = "x\n"
	}
	pr := w.repo.Open("kim", sandbox.Change{Title: "Huge", Files: map[string]string{"n": "first"}})
	commits := make([]sandbox.Commit, 250)
	for i := range commits {
		commits[i] = sandbox.Commit{Message: fmt.Sprint("commit ", i), Files: map[string]string{"n": fmt.Sprint(i)}}
	}
	commits[249].Files = files
	pr.PushCommits("kim", commits...)
	got := w.app().get(pullPath(pr), 200)
	if got.text("changed_files") != "3002" || got.text("commits") != "251" {
		t.Errorf("counts: %s files, %s commits", got.text("changed_files"), got.text("commits"))
	}
	count := func(path string) int {
		n := 0
		for {
			page := w.app().get(path, 200)
			n += page.len()
			if !strings.Contains(page.header.Get("Link"), `rel="next"`) {
				return n
			}
			path = linkOf(t, page, "next")
		}
	}
	if n := count(pullPath(pr) + "/files?per_page=100"); n != 3000 {
		t.Errorf("%d files are listed", n)
	}
	if n := count(pullPath(pr) + "/commits?per_page=100"); n != 250 {
		t.Errorf("%d commits are listed", n)
	}
	compared := w.app().get(shop+"/compare/main...huge", 200)
	if compared.len("files") != 300 || compared.len("commits") != 250 || compared.text("total_commits") != "251" {
		t.Errorf("compare: %d files, %d of %s commits", compared.len("files"), compared.len("commits"), compared.text("total_commits"))
	}
	if rest := w.app().get(linkOf(t, compared, "next"), 200); rest.len("commits") != 1 {
		t.Errorf("the rest of the comparison has %d commits", rest.len("commits"))
	}
}

func TestPatchesAreLeftOut(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "Binary", Files: map[string]string{
		"a.bin": "\x00\x01", "b.txt": strings.Repeat("x\n", 20_001), "c.txt": "late\n",
	}})
	got := w.app().get(pullPath(pr)+"/files", 200)
	for i, name := range []string{"a.bin", "b.txt", "c.txt"} {
		if got.value(i, "patch") != nil {
			t.Errorf("%s has a patch", name)
		}
	}
	if got.text(1, "additions") != "20001" || got.text(2, "additions") != "0" {
		t.Errorf("counts: %s and %s", got.text(1, "additions"), got.text(2, "additions"))
	}
}

func TestHeadMoves(t *testing.T) {
	w := newWorld(t)
	hooks, url := newReceiver(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "Move", Files: map[string]string{"a": "1\n"}})
	first := pr.Head()
	w.SendWebhooks(url, secret)
	second := pr.Push("kim", map[string]string{"a": "2\n"})
	third := pr.ForcePush("eve", map[string]string{"a": "3\n"})
	pr.Reset("kim", first)
	w.repo.Commit("dana", "main", map[string]string{"b": "1\n"})
	updated := pr.UpdateBranch("kim")
	w.settle()
	var got []string
	for _, d := range hooks.take() {
		if d.event == "pull_request" {
			p := reply{t: t, body: d.body}
			got = append(got, p.text("before")+" "+p.text("after"))
		}
	}
	want := []string{first + " " + second, second + " " + third, third + " " + first, first + " " + updated}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("synchronize events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	merge := w.app().get(shop+"/commits/"+updated, 200)
	if merge.len("parents") != 2 || merge.text("commit", "verification", "verified") != "true" || merge.text("committer", "login") != "web-flow" {
		t.Errorf("update commit: %s", merge.body)
	}
	forced := 0
	timeline := w.app().get(fmt.Sprintf("%s/issues/%d/timeline", shop, pr.Number()), 200)
	for i := range timeline.len() {
		if timeline.text(i, "event") == "head_ref_force_pushed" {
			forced++
		}
	}
	if forced != 2 {
		t.Errorf("%d force-pushes in the timeline", forced)
	}
	log := w.app().get(shop+"/activity?ref=refs/heads/move&per_page=2", 200)
	if log.text(0, "activity_type") != "push" || log.text(1, "activity_type") != "force_push" || log.text(1, "actor", "login") != "kim" {
		t.Errorf("activity: %s", log.body)
	}
	if rest := w.app().get(linkOf(t, log, "next"), 200); rest.text(0, "actor", "login") != "eve" {
		t.Errorf("more activity: %s", rest.body)
	}
	if got := w.app().get(shop+"/activity?activity_type=force_push&actor=eve&time_period=day&direction=asc", 200); got.len() != 1 {
		t.Errorf("force-pushes of eve: %s", got.body)
	}
}

func TestReviewsCanBeRepointed(t *testing.T) {
	for _, c := range []struct {
		how            sandbox.Repointing
		moved, updated bool // whether an approval follows a push, and an update of the branch
	}{{sandbox.Frozen, false, false}, {sandbox.RepointIfIdentical, false, true}, {sandbox.RepointAlways, true, true}} {
		w := newWorld(t)
		w.RepointReviews(c.how)
		commit := func(pr *sandbox.PullRequest) string {
			return w.app().get(pullPath(pr)+"/reviews", 200).text(0, "commit_id")
		}
		pr := w.repo.Open("kim", sandbox.Change{Title: "Push", Files: map[string]string{"a": "1\n"}})
		pr.Approve("dana")
		pr.Push("kim", map[string]string{"a": "evil\n"})
		if got := commit(pr) == pr.Head(); got != c.moved {
			t.Errorf("%d: an approval followed a push: %v", c.how, got)
		}
		pr = w.repo.Open("kim", sandbox.Change{Title: "Update", Files: map[string]string{"c": "1\n"}})
		pr.Approve("dana")
		w.repo.Commit("dana", "main", map[string]string{"b": "1\n"})
		pr.UpdateBranch("kim")
		if got := commit(pr) == pr.Head(); got != c.updated {
			t.Errorf("%d: an approval followed an update: %v", c.how, got)
		}
	}
}

func TestForks(t *testing.T) {
	w := newWorld(t)
	w.repo.Publish()
	pr := w.repo.Open("stranger", sandbox.Change{Title: "Gift", Fork: true, Files: map[string]string{"a": "1\n"}})
	got := w.app().get(pullPath(pr), 200)
	if got.text("head", "repo", "full_name") != "stranger/shop" || got.text("head", "label") != "stranger:gift" {
		t.Errorf("head: %v", got.value("head", "label"))
	}
	pr.Check("build", "success")
	if runs := w.app().get(shop+"/commits/"+pr.Head()+"/check-runs", 200); runs.len("check_runs", 0, "pull_requests") != 0 {
		t.Error("a check of a fork names its pull request")
	}
	if got := w.app().get(shop+"/compare/main...stranger:gift", 200); got.text("ahead_by") != "1" {
		t.Errorf("compare: %s", got.body)
	}
	w.as(w.jwt(nil)).get("/repos/stranger/shop/installation", http.StatusNotFound)
	pr.LoseFork()
	if got := w.app().get(pullPath(pr), 200); got.value("head", "repo") != nil {
		t.Error("the lost fork is still there")
	}
	w.DeleteUser("stranger")
	if got := w.app().get(fmt.Sprintf("%s/issues/%d", shop, pr.Number()), 200); got.value("user") != nil {
		t.Error("the ghost has a face")
	}
}

func TestMergeMethods(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method  string
		parents int
		author  string
	}{{"merge", 2, "dana"}, {"squash", 1, "kim"}, {"rebase", 1, "kim"}} {
		pr := w.repo.Open("kim", sandbox.Change{Title: c.method, Files: map[string]string{c.method: "1\n"}})
		pr.Push("kim", map[string]string{c.method: "2\n"})
		if err := pr.Merge("dana", c.method); err != nil {
			t.Fatal(err)
		}
		sha, merged := pr.Merged()
		landed := w.app().get(shop+"/commits/"+sha, 200)
		if !merged || sha != w.repo.Tip("main") || landed.len("parents") != c.parents || landed.text("author", "login") != c.author {
			t.Errorf("%s: %s", c.method, landed.body)
		}
		if got := w.app().get(shop+"/contents/"+c.method, 200).text("content"); got != "Mgo=\n" {
			t.Errorf("%s landed as %q", c.method, got)
		}
		if got := w.app().get(shop+"/commits/"+sha+"/pulls", 200); got.text(0, "number") != fmt.Sprint(pr.Number()) {
			t.Errorf("%s: pulls of the commit: %s", c.method, got.body)
		}
		if err := pr.Merge("dana", c.method); err == nil {
			t.Error("it was merged twice")
		}
	}
}

func TestWhatDoesNotMerge(t *testing.T) {
	w := newWorld(t)
	w.repo.Protect("main", sandbox.Protection{Approvals: 1, Strict: true})
	pr := w.repo.Open("kim", sandbox.Change{Title: "One", Files: map[string]string{"a": "1\n"}, Draft: true})
	refused := func(why string) {
		t.Helper()
		if err := pr.Merge("dana", "merge"); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("merge: %v, want %q", err, why)
		}
	}
	pr.Approve("stranger")
	refused("approving review")
	change := pr.Review("lee", gate.ChangesRequested, "no")
	w.repo.Grant("lee", "write")
	pr.Approve("dana")
	refused("approving review")
	change.Dismiss("dana", "fine")
	refused("draft")
	pr.Ready("kim")
	w.repo.Commit("dana", "main", map[string]string{"b": "1\n"})
	refused("out of date")
	if got := w.app().get(pullPath(pr), 200); got.text("mergeable_state") != "blocked" {
		t.Errorf("state %s", got.text("mergeable_state"))
	}
	w.repo.Unprotect("main")
	w.repo.Commit("dana", "main", map[string]string{"a": "other\n"})
	refused("conflicts")
	if got := w.app().get(pullPath(pr), 200); got.text("mergeable_state") != "dirty" || got.text("mergeable") != "false" {
		t.Errorf("state %s", got.text("mergeable_state"))
	}
	w.acme.Permit("contents", "write")
	w.token = w.newToken()
	w.app().do(http.MethodPut, pullPath(pr)+"/merge", map[string]any{"sha": w.repo.Tip("main")}, http.StatusConflict)
}

func TestBypassAutoMergeAndRevert(t *testing.T) {
	w := newWorld(t)
	w.repo.Require("main", sandbox.Required{Name: "release-readiness", App: w.AppID()})
	forced := w.repo.Open("kim", sandbox.Change{Title: "Forced", Files: map[string]string{"a": "1\n"}})
	if err := forced.Bypass("ceo", "squash"); err != nil {
		t.Fatal(err)
	}
	pr := w.repo.Open("kim", sandbox.Change{Title: "Patient", Files: map[string]string{"b": "1\n"}})
	pr.AutoMerge("kim", "squash")
	if got := w.app().get(pullPath(pr), 200); got.text("auto_merge", "enabled_by", "login") != "kim" || got.text("merged") != "false" {
		t.Errorf("auto-merge: %s", got.body)
	}
	w.app().post(shop+"/check-runs", map[string]any{"name": "release-readiness", "head_sha": pr.Head(), "conclusion": "success"}, 201)
	if _, merged := pr.Merged(); !merged {
		t.Error("auto-merge did not merge")
	}
	back := forced.Revert("dana")
	got := w.app().get(pullPath(back)+"/files", 200)
	if got.len() != 1 || got.text(0, "status") != "removed" || back.Body() != "Reverts acme/shop#1" {
		t.Errorf("revert: %s", got.body)
	}
}

func TestWrongMergeBase(t *testing.T) {
	w := newWorld(t)
	w.repo.UseWrongMergeBase(true)
	pr := w.repo.Open("kim", sandbox.Change{Title: "One", Files: map[string]string{"a": "1\n"}})
	w.repo.Commit("dana", "main", map[string]string{"landed": "meanwhile\n"})
	if err := pr.Merge("dana", "squash"); err != nil {
		t.Fatal(err)
	}
	w.app().get(shop+"/contents/landed", http.StatusNotFound)
}

func TestMergeClosesIssuesAndDeletesBranches(t *testing.T) {
	w := newWorld(t)
	w.repo.DeleteHeadOnMerge(true)
	issue := w.repo.OpenIssue("sam", "Down", "", "SEV1")
	pr := w.repo.Open("kim", sandbox.Change{Title: "Fix", Body: fmt.Sprintf("Fixes #%d", issue.Number()), Files: map[string]string{"a": "1\n"}})
	stacked := w.repo.Open("kim", sandbox.Change{Title: "More", Base: "fix", Files: map[string]string{"b": "1\n"}})
	if err := pr.Merge("dana", "merge"); err != nil {
		t.Fatal(err)
	}
	if issue.IsOpen() || w.repo.Tip("fix") != "" {
		t.Errorf("issue open: %v, branch at %q", issue.IsOpen(), w.repo.Tip("fix"))
	}
	if got := w.app().get(pullPath(stacked), 200); got.text("base", "ref") != "main" || got.text("state") != "open" {
		t.Errorf("the stacked pull request goes into %s", got.text("base", "ref"))
	}
	w.repo.DeleteBranch("kim", "more")
	if stacked.IsOpen() {
		t.Error("a pull request without its branch is open")
	}
	w.repo.Branch("kim", "dev", w.repo.Tip("main"))
	lost := w.repo.Open("kim", sandbox.Change{Title: "Lost", Base: "dev", Files: map[string]string{"b": "1\n"}})
	w.repo.DeleteBranch("kim", "dev")
	if lost.IsOpen() {
		t.Error("a pull request without its base is open")
	}
	if err := lost.Bypass("ceo", "merge"); err == nil {
		t.Error("it was merged into nothing")
	}
}

func TestCommitsOfOthers(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "One", Files: map[string]string{"a": "1\n"}})
	pr.PushCommits("kim",
		sandbox.Commit{Author: "lee", Committer: "dana", Message: "Theirs", Files: map[string]string{"a": "2\n"}},
		sandbox.Commit{Email: "who@example.com", Message: "Unknown", Files: map[string]string{"link": "a"}, Modes: map[string]string{"link": "120000"},
			At: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)})
	got := w.app().get(pullPath(pr)+"/commits", 200)
	if got.text(1, "author", "login") != "lee" || got.text(1, "committer", "login") != "dana" {
		t.Errorf("commit: %s", got.body)
	}
	if got.value(2, "author") != nil || got.text(2, "commit", "author", "date") != "2020-01-01T00:00:00Z" {
		t.Errorf("unknown author: %s", got.body)
	}
	tree := w.app().get(shop+"/git/trees/"+pr.Head(), 200)
	if tree.text("tree", 2, "mode") != "120000" {
		t.Errorf("tree: %s", tree.body)
	}
	if got := w.app().get(shop+"/contents/link?ref=one", 200); got.text("type") != "file" || got.text("sha") != w.app().get(shop+"/contents/a?ref=one", 200).text("sha") {
		t.Errorf("a symlink to a file is read as the file: %s", got.body)
	}
	pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"link": "nowhere"}, Modes: map[string]string{"link": "120000"}})
	if got := w.app().get(shop+"/contents/link?ref=one", 200); got.text("type") != "symlink" || got.text("target") != "nowhere" {
		t.Errorf("symlink: %s", got.body)
	}
	if got := w.app().get(shop+"/commits?sha=one&path=a&since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z", 200); got.len() != 2 {
		t.Errorf("commits that touch a: %s", got.body)
	}
}

// Who makes a commit over the API is its author; GitHub commits and signs it.
func TestCommitsOfBotsAreSigned(t *testing.T) {
	w := newWorld(t)
	const bot = "dependabot[bot]"
	pr := w.repo.Open(bot, sandbox.Change{Title: "Bump", Branch: "dependabot/go/x", Files: map[string]string{"go.mod": "module shop\n"}})
	pr.PushCommits(bot, sandbox.Commit{Files: map[string]string{"go.sum": "a\n"}, Message: "by git", Unsigned: true})
	pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"go.sum": "b\n"}, Message: "in its name", Author: bot, Committer: bot})
	pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"go.sum": "c\n"}, Message: "by a person"})
	got := w.app().get(pullPath(pr)+"/commits", 200)
	for i, want := range []struct{ author, committer, verified, reason string }{
		{bot, "web-flow", "true", "valid"}, {bot, bot, "false", "unsigned"}, {bot, bot, "false", "unsigned"}, {"kim", "kim", "false", "unsigned"},
	} {
		if got.text(i, "author", "login") != want.author || got.text(i, "committer", "login") != want.committer ||
			got.text(i, "commit", "verification", "verified") != want.verified || got.text(i, "commit", "verification", "reason") != want.reason {
			t.Errorf("commit %d: %s, want %v", i, got.body, want)
		}
	}
}
