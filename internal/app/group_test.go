package app

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/sandbox"
)

// queues brings a pull request with one file to READY.
func (w *world) another(title string) *sandbox.PullRequest {
	w.t.Helper()
	pr := w.repo.Open("kim", sandbox.Change{
		Title: title, Branch: title, Body: body("medium"), Files: map[string]string{"cart/" + title + ".go": "package cart\n"},
	})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	return pr
}

func (w *world) enqueues(pr *sandbox.PullRequest, method string) *sandbox.MergeGroup {
	w.t.Helper()
	m, err := pr.Enqueue("kim", method)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *world) onGroup(m *sandbox.MergeGroup, title string) sandbox.CheckView {
	w.t.Helper()
	return w.await(func() sandbox.CheckView { return w.groupCheck(m) }, title)
}

func (w *world) groupCheck(m *sandbox.MergeGroup) sandbox.CheckView {
	if run := w.repo.Run(m.HeadSHA(), checkName); run != nil {
		return run.View()
	}
	return sandbox.CheckView{}
}

func TestGroupsOfReadyPullRequests(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			var groups []*sandbox.MergeGroup
			for _, title := range []string{"one", "two", "three"} {
				pr := w.another(title)
				pr.Push("kim", map[string]string{"cart/" + title + "/more.go": "package " + title + "\n"})
				pr.Check("build", "success")
				pr.Approve("lee")
				pr.Comment("dana", "/go "+pr.Head())
				w.shows(pr, "READY · medium")
				groups = append(groups, w.enqueues(pr, method))
			}
			v := w.onGroup(groups[2], "READY · queue · "+groups[2].HeadSHA()[:7]+" · #1, #2, #3")
			if v.Conclusion != "success" || !strings.Contains(v.Text, "| #2 | `two` |") {
				t.Errorf("%s\n%s", v.Conclusion, v.Text)
			}
			w.onGroup(groups[0], "READY · queue")
			w.quiet()
			for _, m := range groups {
				if err := m.Land(); err != nil {
					t.Fatal(err)
				}
			}
			w.quiet()
			for n := 1; n <= 3; n++ {
				l, found, err := w.app.ledger.LandingOf(w.ctx, w.repo.ID(), n)
				if err != nil || !found || l.State != "same" {
					t.Errorf("#%d landed %+v, %t, %v", n, l, found, err)
				}
			}
			if n := len(w.entered(ledger.KindBypass)); n > 0 {
				t.Errorf("%d bypasses", n)
			}
		})
	}
}

// entered lists the entries of some kinds, of all pull requests and none.
func (w *world) entered(kinds ...ledger.Kind) []ledger.Entry {
	w.t.Helper()
	all, err := w.app.ledger.OfKind(w.ctx, w.repo.ID(), kinds...)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func TestGroupWithWhatIsNotReady(t *testing.T) {
	for name, tt := range map[string]struct {
		does  func(w *world, pr *sandbox.PullRequest)
		title string
	}{
		"no GO on the head": {func(w *world, pr *sandbox.PullRequest) {
			pr.Push("kim", map[string]string{"cart/more.go": "package cart\n"})
			pr.Check("build", "success")
			pr.Approve("lee")
			w.shows(pr, "WAITING · stale-go")
		}, "WAITING · queue · #1 has no GO on "},
		"a NO-GO": {func(w *world, pr *sandbox.PullRequest) {
			pr.Comment("dana", "/no-go wrong rates")
			w.shows(pr, "NOT READY")
		}, "NOT READY · queue · #1 is NOT READY on "},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.another("one")
			other := w.another("two")
			tt.does(w, pr)
			first := w.enqueues(pr, "squash")
			second := w.enqueues(other, "squash")
			want := strings.Replace(tt.title, "WAITING", "NOT READY", 1)
			for _, m := range []*sandbox.MergeGroup{first, second} {
				if v := w.onGroup(m, want+pr.Head()[:7]); v.Conclusion != "failure" {
					t.Errorf("%s", v.Conclusion)
				}
			}
			if err := first.Land(); err == nil {
				t.Error("it landed")
			}
		})
	}
}

// What changes while the group waits counts.
func TestWhatChangesWhileAGroupWaits(t *testing.T) {
	for name, tt := range map[string]struct {
		does  func(w *world, pr *sandbox.PullRequest)
		title string
	}{
		"a NO-GO":      {func(w *world, pr *sandbox.PullRequest) { pr.Comment("sam", "/no-go wrong rates") }, "NOT READY · queue · #1 is NOT READY"},
		"a SEV1 issue": {func(w *world, _ *sandbox.PullRequest) { w.repo.OpenIssue("lee", "down", "", "SEV1") }, "NOT READY · queue · #1 is NOT READY"},
		"a push": {func(w *world, pr *sandbox.PullRequest) {
			pr.Push("kim", map[string]string{"cart/more.go": "package cart\n"})
		}, "NOT READY · queue"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.another("one")
			m := w.enqueues(pr, "merge")
			w.onGroup(m, "READY · queue")
			w.quiet()
			tt.does(w, pr)
			w.onGroup(m, tt.title)
		})
	}
}

// An event of a severe issue that was lost does not help: each pull request is
// judged anew when its last look is older than a group may wait.
func TestGroupWhosePullRequestsWereJudgedLongAgo(t *testing.T) {
	w := newWorld(t)
	pr := w.another("one")
	w.quiet()
	w.gh.LoseWebhooks(true)
	w.repo.OpenIssue("lee", "down", "", "SEV1")
	w.gh.LoseWebhooks(false)
	w.clock.advance(6 * time.Minute)
	m := w.enqueues(pr, "merge")
	w.onGroup(m, "NOT READY · queue · #1 is NOT READY")
}

func TestPullRequestLeavesTheQueue(t *testing.T) {
	w := newWorld(t)
	one, two, three := w.another("one"), w.another("two"), w.another("three")
	first, second, third := w.enqueues(one, "squash"), w.enqueues(two, "squash"), w.enqueues(three, "squash")
	w.onGroup(third, "READY · queue")
	second.Leave()
	if v := w.onGroup(third, "READY · queue"); strings.Contains(v.Title, "#2") {
		t.Errorf("title %q", v.Title)
	}
	w.quiet()
	for _, m := range []*sandbox.MergeGroup{first, third} {
		if err := m.Land(); err != nil {
			t.Fatal(err)
		}
	}
	w.quiet()
	if n := len(w.entered(ledger.KindBypass)); n > 0 {
		t.Errorf("%d bypasses", n)
	}
}

// GitHub's fault of April 2026: the queue built on a wrong merge base.
func TestGroupOnAWrongMergeBase(t *testing.T) {
	for _, method := range []string{"squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			pr := w.another("one")
			w.repo.Commit("sam", "main", map[string]string{"other.go": "package other\n"})
			w.quiet()
			w.repo.UseWrongMergeBase(true)
			m := w.enqueues(pr, method)
			v := w.onGroup(m, "NOT READY · queue · what was joined for #1 is not what was judged")
			if v.Conclusion != "failure" || !strings.Contains(v.Summary, "other.go") {
				t.Errorf("%s\n%s", v.Conclusion, v.Summary)
			}
		})
	}
}

// Whatever cannot be told in five minutes is a failure, and no silence.
func TestGroupThatCannotBeTold(t *testing.T) {
	for name, route := range map[string]string{
		"the queue's refs": "/repos/{owner}/{repo}/git/matching-refs/{ref}", "the pull request": "/repos/{owner}/{repo}/pulls/{pull_number}", "the trees": treeRoute,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.another("one")
			w.quiet()
			w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: route, Status: http.StatusBadGateway})
			m := w.enqueues(pr, "merge")
			w.quiet()
			if v := w.groupCheck(m); v.Conclusion != "" || v.Title == "" {
				t.Fatalf("%q %q", v.Conclusion, v.Title)
			}
			w.later(5*time.Minute + time.Second)
			v := w.onGroup(m, "NOT READY · ")
			if v.Conclusion != "failure" || !strings.Contains(v.Title+v.Summary, "5 minutes are over") {
				t.Errorf("%s %s\n%s", v.Conclusion, v.Title, v.Summary)
			}
		})
	}
}

func TestGroupWhoseEventWasLost(t *testing.T) {
	w := newWorld(t)
	pr := w.another("one")
	w.down()
	m := w.enqueues(pr, "merge")
	w.up()
	w.onGroup(m, "READY · queue")
}

func TestGroupsOfNoQueue(t *testing.T) {
	w := newWorld(t)
	pr := w.another("one")
	w.quiet()
	for _, ref := range []string{"refs/heads/evil", "refs/heads/gh-readonly-queue/main/pr-x-1", "refs/heads/gh-readonly-queue/other/pr-1-" + pr.Head()} {
		sha := w.repo.Commit("sam", "side-"+fmt.Sprint(len(ref)), map[string]string{ref: "x"})
		w.repo.AskForChecks(ref, sha, "main")
		v := w.await(func() sandbox.CheckView {
			if run := w.repo.Run(sha, checkName); run != nil {
				return run.View()
			}
			return sandbox.CheckView{}
		}, "NOT READY · queue")
		if v.Conclusion != "failure" || !strings.Contains(v.Summary, "is no branch of the merge queue into") {
			t.Errorf("%s\n%s", v.Conclusion, v.Summary)
		}
	}
}

func TestGroupInShadowAndTrial(t *testing.T) {
	for mode, want := range map[string]string{"shadow": "", "trial": "TRIAL · would be NOT READY · queue"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t)
			w.restart(func(c *Config) { c.Mode = gate.Mode(mode) })
			pr := w.opens("medium")
			w.quiet()
			m := w.enqueues(pr, "merge")
			w.quiet()
			got := ""
			for _, name := range []string{checkName, checkName + "-trial"} {
				if run := w.repo.Run(m.HeadSHA(), name); run != nil {
					got += run.View().Title
				}
			}
			if !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("title %q", got)
			}
			if n := len(w.entered(ledger.KindGroup)); n == 0 {
				t.Error("nothing was entered")
			}
		})
	}
}

// A policy that lists checks asks for them on the group's own commit.
func TestChecksOfTheGroup(t *testing.T) {
	w := newWorld(t)
	w.repo.Commit("sam", "main", map[string]string{".github/gonogo.yml": "checks:\n  required: [build]\n"})
	w.quiet()
	pr := w.another("one")
	m := w.enqueues(pr, "merge")
	if v := w.onGroup(m, "WAITING · ci-awaited"); v.Conclusion != "" {
		t.Errorf("%s", v.Conclusion)
	}
	w.repo.Check(m.HeadSHA(), sandbox.Check{Name: "build", Conclusion: "failure"})
	w.onGroup(m, "NOT READY · ci-failed")
	w.repo.Check(m.HeadSHA(), sandbox.Check{Name: "build", Conclusion: "success"})
	w.onGroup(m, "READY · queue")
}

func TestGroupOfAHundred(t *testing.T) {
	w := newWorld(t)
	w.repo.Commit("sam", "main", map[string]string{".github/gonogo.yml": "exempt: [{name: copy, authors: [kim], paths: [\"copy/**\"], up_to: high}]\n"})
	w.quiet()
	const n = 100
	var last *sandbox.MergeGroup
	var pulls []*sandbox.PullRequest
	var numbers []string
	for i := range n {
		pr := w.repo.Open("kim", sandbox.Change{
			Title: fmt.Sprint("Copy ", i), Branch: fmt.Sprint("copy-", i), Files: map[string]string{fmt.Sprintf("copy/%d.md", i): "x\n"},
		})
		pr.Check("build", "success")
		pulls = append(pulls, pr)
		numbers = append(numbers, fmt.Sprint("#", pr.Number()))
	}
	w.quiet()
	for _, pr := range pulls {
		last = w.enqueues(pr, "squash")
	}
	v := w.onGroup(last, "READY · queue")
	for _, number := range numbers {
		if !strings.Contains(v.Text, "| "+number+" |") {
			t.Errorf("%s is not named", number)
		}
	}
	if i := slices.Index(numbers, "#100"); i < 0 {
		t.Errorf("numbers %v", numbers)
	}
}
