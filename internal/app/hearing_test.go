package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// What is said of a merge into a branch that nobody judges does not count for the
// one into which the pull request is led afterwards.
func TestGoForABranchThatIsNotJudged(t *testing.T) {
	for _, say := range []string{"/go HEAD", "/go", "/override payments are down", "/signoff qa"} {
		t.Run(say, func(t *testing.T) {
			w := newWorld(t)
			w.rules("roles: {QA: {users: [sam]}}\nsignoffs: {qa: {role: QA, from: high}}\n")
			w.repo.Branch("sam", "dev", w.repo.Tip("main"))
			pr := w.repo.Open("kim", sandbox.Change{
				Title: "Faster totals", Branch: "faster", Base: "dev", Body: body("medium", "- Final decision owner: @sam"), Files: map[string]string{"cart/total.go": "package cart\n"},
			})
			pr.Check("build", "success")
			pr.Approve("lee")
			w.quiet()
			pr.Comment("sam", strings.Replace(say, "HEAD", pr.Head(), 1))
			w.quiet()
			w.clock.advance(2 * time.Second)
			pr.Retarget("kim", "main")
			w.stays(pr, "WAITING · go-missing")
			w.never(pr)
		})
	}
}

// The same when it had been judged before it was led there.
func TestGoDuringADetour(t *testing.T) {
	w := newWorld(t)
	w.repo.Branch("sam", "dev", w.repo.Tip("main"))
	pr := w.undecided()
	pr.Retarget("kim", "dev")
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.Comment("dana", "/go "+pr.Head())
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.Retarget("kim", "main")
	w.stays(pr, "WAITING · go-missing")
	w.never(pr)
}

// An override or sign-off is for the base that its author saw.
func TestOverrideOvertakenByARetarget(t *testing.T) {
	w := newWorld(t)
	w.repo.Branch("sam", "stable", w.repo.Tip("main"))
	w.repo.Require("stable", sandbox.Required{Name: checkName, App: w.gh.AppID()})
	pr := w.repo.Open("kim", sandbox.Change{
		Title: "Faster totals", Branch: "faster", Base: "stable", Body: body("medium"), Files: map[string]string{"cart/total.go": "package cart\n"},
	})
	pr.Check("build", "failure")
	w.shows(pr, "NOT READY · ci-failed")
	w.quiet()
	w.gh.HoldWebhooks()
	pr.Comment("sam", "/override payments are down")
	w.clock.advance(2 * time.Second)
	pr.Retarget("kim", "main")
	w.gh.ReleaseWebhooks(nil)
	w.stays(pr, "NOT READY · ci-failed")
	w.never(pr)
}

func TestSignoffOvertakenByARetarget(t *testing.T) {
	w := newWorld(t)
	const rules = "roles: {QA: {users: [sam]}}\nsignoffs: {qa: {role: QA}}\n"
	w.rules(rules)
	w.repo.Branch("sam", "stable", w.repo.Tip("main"))
	w.repo.Require("stable", sandbox.Required{Name: checkName, App: w.gh.AppID()})
	pr := w.repo.Open("kim", sandbox.Change{
		Title: "Faster totals", Branch: "faster", Base: "stable", Body: body("medium"), Files: map[string]string{"cart/total.go": "package cart\n"},
	})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · ")
	w.quiet()
	w.gh.HoldWebhooks()
	pr.Comment("sam", "/signoff qa")
	w.clock.advance(2 * time.Second)
	pr.Retarget("kim", "main")
	w.gh.ReleaseWebhooks(nil)
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	w.quiet()
	w.never(pr)
}

// The /go of a review that was dismissed before it was heard does not count.
func TestGoOfAReviewDismissedBeforeItIsHeard(t *testing.T) {
	w := newWorld(t)
	pr := w.undecided()
	w.gh.HoldWebhooks()
	v := pr.Review("dana", gate.Approved, "/go "+pr.Head())
	w.clock.advance(2 * time.Second)
	v.Dismiss("sam", "no")
	w.gh.ReleaseWebhooks(nil)
	w.stays(pr, "WAITING · ")
	w.never(pr)
}

// The same when the events come late and in two goes.
func TestGoOfAReviewDismissedBeforeItsEventComes(t *testing.T) {
	w := newWorld(t)
	pr := w.undecided()
	w.gh.HoldWebhooks()
	v := pr.Review("dana", gate.Approved, "/go "+pr.Head())
	w.clock.advance(2 * time.Second)
	v.Dismiss("sam", "no")
	w.gh.ReleaseWebhooks(func(d []sandbox.Delivery) []sandbox.Delivery { return d[:1] })
	w.quiet()
	w.never(pr)
}

// A NO-GO is heard whoever has which login by now.
func TestNoGoOfARenamedAccount(t *testing.T) {
	for _, tt := range []struct {
		name, rules string
		late        bool
	}{
		{"named by the policy, renamed before", namesDana, false},
		{"named by the policy, renamed before it is heard", namesDana, true},
		{"by permission, renamed before it is heard", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.rules != "" {
				w.rules(tt.rules)
			}
			pr := w.undecided()
			if !tt.late {
				w.gh.RenameUser("dana", "dana-d")
				w.gh.UserID("dana")
				pr.Comment("dana-d", "/no-go leaks money")
			} else {
				w.gh.HoldWebhooks()
				pr.Comment("dana", "/no-go leaks money")
				w.gh.RenameUser("dana", "dana-d")
				w.gh.UserID("dana")
				w.gh.ReleaseWebhooks(nil)
			}
			w.stays(pr, "NOT READY · nogo-stands")
		})
	}
}

// What somebody pastes in place of a fingerprint does not get into the ledger.
func TestSecretPastedAsItsFingerprint(t *testing.T) {
	for _, say := range []string{"/accept-secret " + token + " a fixture", "/accept-secret " + strings.Repeat("ab", 3000) + " x", "/signoff " + token, "/" + token, "/go " + token} {
		w := newWorld(t)
		pr, _ := w.leaky()
		pr.Comment("dana", say)
		w.quiet()
		entries, err := w.app.ledger.Entries(w.ctx, w.repo.ID(), pr.Number())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all := fmt.Sprintf("%s %s %v", e.Once, e.Data.(json.RawMessage), e.Texts)
			if strings.Contains(strings.ToLower(all), strings.ToLower(token[6:])) || len(e.Once) > 500 {
				t.Errorf("%.20s: the ledger holds it: %.300s", say, all)
			}
		}
	}
}

// What stands before an override in its comment does not let it be forgotten.
func TestOverrideBesideAnotherCommand(t *testing.T) {
	for _, text := range []string{"/recheck\n/override payments are down", "/override payments are down\n/recheck"} {
		w := newWorld(t)
		pr := w.broken()
		pr.Comment("sam", text)
		w.stays(pr, "OVERRIDDEN by @sam")
	}
}

// What was given by a review ends with it.
func TestSignoffOfADismissedReview(t *testing.T) {
	w := newWorld(t)
	w.rules("roles: {QA: {users: [sam]}}\nsignoffs: {qa: {role: QA}}\n")
	pr := w.reviewed()
	w.quiet()
	v := pr.Review("sam", gate.Approved, "/signoff qa")
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.quiet()
	v.Dismiss("lee", "not tested at all")
	w.quiet()
	w.never(pr)
}
