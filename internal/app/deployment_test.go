package app

import (
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// answers waits until a deployment is answered.
func (w *world) answers(d *sandbox.Deployment, want string) []sandbox.Report {
	w.t.Helper()
	w.quiet()
	for range 6 { // GitHub may be catching up
		if state, _ := d.Answer(); state != "" {
			break
		}
		w.later(time.Minute)
	}
	state, reports := d.Answer()
	if state != want {
		w.t.Fatalf("the deployment is %q, want %q: %+v", state, want, reports)
	}
	for _, r := range reports {
		if len(r.Comment) > 1024 || r.Comment == "" {
			w.t.Errorf("a report of %d bytes", len(r.Comment))
		}
	}
	return reports
}

// Case 94: exactly a commit with READY is deployed.
func TestDeploymentsOfCommits(t *testing.T) {
	for name, tt := range map[string]struct {
		ref  func(w *world) string
		want string
		says string
	}{
		"what a READY pull request landed as": {func(w *world) string { return w.merged() }, "approved", "landed as it was judged"},
		"a release that is READY": {func(w *world) string {
			sha := w.merged()
			w.repo.Tag("sam", "v1.1.0", sha)
			w.quiet()
			return sha
		}, "approved", "`v1.1.0` is READY"},
		"a pull request merged without READY": {func(w *world) string {
			pr := w.opens("medium")
			w.shows(pr, "WAITING · approvals-missing")
			w.quiet()
			if err := pr.Bypass("sam", "squash"); err != nil {
				w.t.Fatal(err)
			}
			w.quiet()
			return w.repo.Tip("main")
		}, "rejected", "without READY"},
		"a commit without a pull request": {func(w *world) string {
			sha := w.repo.Commit("sam", "main", map[string]string{"hot.go": "package hot\n"})
			w.quiet()
			return sha
		}, "rejected", "RELEASE WITHOUT READINESS"},
		"a commit on another branch": {func(w *world) string {
			return w.repo.Commit("kim", "side", map[string]string{"side.go": "package side\n"})
		}, "rejected", "RELEASE WITHOUT READINESS"},
		"a release that is not READY": {func(w *world) string {
			sha := w.repo.Commit("sam", "main", map[string]string{"hot.go": "package hot\n"})
			w.repo.Tag("sam", "v1.1.0", sha)
			w.quiet()
			return sha
		}, "rejected", "RELEASE WITHOUT READINESS"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.repo.DeleteHeadOnMerge(true)
			w.repo.Tag("sam", "v1.0.0", w.repo.Tip("main"))
			w.quiet()
			d := w.repo.Deploy("dana", "production", tt.ref(w))
			reports := w.answers(d, tt.want)
			if last := reports[len(reports)-1].Comment; !strings.Contains(last, tt.says) {
				t.Errorf("it is told %q", last)
			}
		})
	}
}

// A deployment waits for what may become READY, is told why, and goes on when it
// is.
func TestDeploymentWaitsForReady(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	w.shows(pr, "WAITING · approvals-missing")
	d := w.repo.Deploy("dana", "preview", pr.Head())
	w.quiet()
	state, reports := d.Answer()
	if state != "" || len(reports) != 1 || !strings.Contains(reports[0].Comment, "WAITING") {
		t.Fatalf("state %q, reports %+v", state, reports)
	}
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.answers(d, "approved")
}

// Ruling 19: what was live in an environment goes there again at once, and
// nowhere else.
func TestDeploymentOfWhatWasLive(t *testing.T) {
	for name, goesLive := range map[string]func(w *world) string{
		"by our word": func(w *world) string {
			pr := w.ready()
			first := w.repo.Deploy("dana", "production", pr.Head())
			w.answers(first, "approved")
			first.Status("dana", "success")
			pr.Comment("dana", "/no-go wrong rates")
			w.shows(pr, "NOT READY")
			return pr.Head()
		},
		"before the check was required": func(w *world) string {
			w.repo = w.acme.Repo("landing") // whose rules ask for nothing
			w.quiet()
			sha := w.repo.Commit("sam", "main", map[string]string{"hot.go": "package hot\n"})
			first := w.repo.Deploy("dana", "production", sha)
			w.answers(first, "rejected")
			first.Status("dana", "success")
			return sha
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			sha := goesLive(w)
			again := w.repo.Deploy("dana", "production", sha)
			if reports := w.answers(again, "approved"); !strings.Contains(reports[0].Comment, "was live in") {
				t.Errorf("told %+v", reports)
			}
			w.answers(w.repo.Deploy("dana", "staging", sha), "rejected")
		})
	}
}

// Case 94: whoever may write can say of any commit that it is live, and none goes
// there for that.
func TestSayingThatItIsLiveDeploysNothing(t *testing.T) {
	w := newWorld(t)
	w.ready() // the rules have been read
	sha := w.repo.Commit("kim", "side", map[string]string{"side.go": "package side\n"})
	w.quiet()
	first := w.repo.Deploy("kim", "production", sha)
	w.answers(first, "rejected")
	first.Status("kim", "success")
	w.answers(w.repo.Deploy("kim", "production", sha), "rejected")
}

// Case 94: what was cancelled is not waited for.
func TestDeploymentThatWasCancelled(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	w.shows(pr, "WAITING · approvals-missing")
	d := w.repo.Deploy("dana", "preview", pr.Head())
	w.quiet()
	d.Cancel()
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	w.later(time.Hour)
	if state, _ := d.Answer(); state != "cancelled" {
		t.Errorf("state %q", state)
	}
	entry, found, err := w.app.ledger.DeploymentOf(w.ctx, w.repo.ID(), d.Run(), "preview")
	if err != nil || !found || entry.State != "gone" {
		t.Errorf("%+v %t %v", entry, found, err)
	}
}
