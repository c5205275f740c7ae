package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/sandbox"
)

const announces = "announce: '#agent-handoffs'\nask: none\n"

// The window of 24 hours ends while the server is down; the clock of the machine
// is six hours further when it comes back, and a day back after that.
func TestWindowThatEndsWhileTheServerIsDown(t *testing.T) {
	w := newWorld(t)
	w.under(announces)
	w.ships()
	w.publishes("v1.0.0")
	ends := w.windowOf("v1.0.0").Ends
	w.down()
	w.clock.advance(30 * time.Hour)
	w.up()
	w.later(0)
	win := w.windowOf("v1.0.0")
	if win.Closed.Before(ends) || !win.Ends.Equal(ends) || w.howMany(ledger.KindWindow) != 1 {
		t.Fatalf("it ends %s, closed at %s, %d entries", win.Ends, win.Closed, w.howMany(ledger.KindWindow))
	}
	report := textOfNotice(w.once(notify.KindReport))
	for _, part := range []string{
		"STATUS REPORT — acme/shop v1.0.0 — monitored " + win.Opened.Format("2006-01-02 15:04 UTC") + " to " + ends.Format("2006-01-02 15:04 UTC"),
		"Closed late, at " + win.Closed.Format("2006-01-02 15:04 UTC"), "Smoke test: NOT RUN", "NOT WATCHED", "Findings: none",
	} {
		if !strings.Contains(report, part) {
			t.Errorf("the report does not say %q:\n%s", part, report)
		}
	}
	w.down()
	w.clock.advance(-24 * time.Hour)
	w.up()
	w.later(48 * time.Hour)
	if got := w.windowOf("v1.0.0"); !got.Closed.Equal(win.Closed) || w.howMany(ledger.KindWindow) != 1 || len(w.told(notify.KindReport)) != 1 {
		t.Errorf("it was closed again: %s", got.Closed)
	}
}

func TestWindowOutlivesRestartsAndItsRelease(t *testing.T) {
	w := newWorld(t)
	w.under(announces)
	w.ships()
	rel := w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.0.0"})
	w.quiet()
	w.down()
	w.clock.advance(10 * time.Hour)
	w.up()
	w.later(0)
	if !w.windowOf("v1.0.0").Closed.IsZero() {
		t.Fatal("it was closed before its end")
	}
	rel.Delete("sam")
	w.quiet()
	w.later(14 * time.Hour)
	if w.windowOf("v1.0.0").Closed.IsZero() || w.howMany(ledger.KindWindow) != 1 {
		t.Error("it was not closed once its release was deleted")
	}
}

func TestSevereIssueInsideAWindowCallsTheRollbackOnce(t *testing.T) {
	w := newWorld(t)
	w.under(announces)
	w.repo.OpenIssue("lee", "an old one", "", "SEV2")
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr := w.bypasses()
	w.publishes("v1.0.0")
	w.clock.advance(time.Minute)
	other := w.acme.Repo("other")
	other.Grant("lee", "write")
	other.OpenIssue("lee", "elsewhere", "", "SEV1")
	issue := w.repo.OpenIssue("lee", "checkout <!channel> fails", "It began with the release.")
	for range 20 {
		issue.Label("lee", "SEV1")
		w.quiet()
		issue.Unlabel("lee", "SEV1")
		w.quiet()
	}
	issue.Label("lee", "SEV1")
	w.quiet()
	n := w.once(notify.KindFinding)
	text := textOfNotice(n)
	for _, part := range []string{"ROLLBACK CALLED — acme/shop v1.0.0 — SEV1 #", "checkout <!channel> fails", fmt.Sprintf("/rollback #%d reason", pr.Number())} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not told:\n%s", part, text)
		}
	}
	for _, l := range n.Lines {
		for _, p := range l {
			if strings.Contains(p.Text, "<!channel>") && !p.User {
				t.Errorf("the issue's title passes for our words: %v", l)
			}
		}
	}
	if w.howMany(ledger.KindFinding) != 1 || len(w.windowOf("v1.0.0").Findings) != 1 {
		t.Errorf("%d entries, %v", w.howMany(ledger.KindFinding), w.windowOf("v1.0.0").Findings)
	}
	w.later(25 * time.Hour)
	w.repo.OpenIssue("lee", "too late", "", "SEV1")
	w.quiet()
	if w.howMany(ledger.KindFinding) != 1 {
		t.Error("an issue after the window's end is a finding")
	}
	if report := textOfNotice(w.once(notify.KindReport)); !strings.Contains(report, "Finding: SEV1 #") {
		t.Errorf("the report hides the finding:\n%s", report)
	}
}

// bypasses merges a pull request while a severe issue is open: an administrator goes
// round the gate.
func (w *world) bypasses() *sandbox.PullRequest {
	w.t.Helper()
	pr := w.opens("medium")
	w.quiet()
	if err := pr.Bypass("sam", "squash"); err != nil {
		w.t.Fatal(err)
	}
	w.quiet()
	return pr
}

func TestAnIssueThatNamesTheChangeCallsItsRollback(t *testing.T) {
	w := newWorld(t)
	w.under(announces)
	pr := w.ships()
	w.publishes("v1.0.0")
	w.clock.advance(time.Minute)
	w.repo.OpenIssue("lee", "totals are wrong", fmt.Sprintf("Since #%d.", pr.Number()), "SEV2")
	w.quiet()
	if w.howMany(ledger.KindRollback) != 1 {
		t.Errorf("%d rollbacks were called", w.howMany(ledger.KindRollback))
	}
	if text := textOfNotice(w.once(notify.KindFinding)); !strings.Contains(text, fmt.Sprintf("The issue names #%d", pr.Number())) {
		t.Error(text)
	}
}

func TestAnOutsidersLabelIsNoFinding(t *testing.T) {
	w := newWorld(t)
	w.under(announces)
	w.ships()
	w.publishes("v1.0.0")
	w.clock.advance(time.Minute)
	w.repo.OpenIssue("bob", "I want my money back", "", "SEV1") // by a form that labels
	w.quiet()
	if n := w.howMany(ledger.KindFinding); n != 0 {
		t.Errorf("%d findings", n)
	}
}

func TestTheWatcherIsRemindedAndConfirms(t *testing.T) {
	w := newWorld(t)
	w.under(announces)
	pr := w.ships("- Rollback owner: @lee\n- Monitoring: @lee watches error rate and latency for 24 h")
	w.publishes("v1.0.0")
	reminded := func(want ...string) {
		t.Helper()
		var got []string
		for _, n := range w.told(notify.KindWatch) {
			got = append(got, strings.SplitN(n.Lines[0].String(), " —", 2)[0])
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("reminded of %v, want %v", got, want)
		}
	}
	reminded("WATCH (start)")
	w.later(12 * time.Hour)
	w.later(time.Hour)
	reminded("WATCH (start)", "WATCH (middle)")
	pr.Comment("bob", "/watched nothing to see")
	pr.Comment("lee", "/watched")
	w.quiet()
	if n := len(w.windowOf("v1.0.0").Watched); n != 0 {
		t.Fatalf("%d confirmed without a right or a word", n)
	}
	pr.Comment("lee", "/watched error rate stayed at 0.1 %")
	w.quiet()
	if n := len(w.windowOf("v1.0.0").Watched); n != 1 {
		t.Fatalf("%d confirmed: %q", n, w.replies(pr))
	}
	w.later(10*time.Hour + 45*time.Minute)
	reminded("WATCH (start)", "WATCH (middle)", "WATCH (end)")
	w.later(time.Hour)
	if report := textOfNotice(w.once(notify.KindReport)); !strings.Contains(report, "Watched by @lee") || !strings.Contains(report, "error rate stayed at 0.1 %") || strings.Contains(report, "NOT WATCHED") {
		t.Errorf("report:\n%s", report)
	}
	if w.howMany(ledger.KindWatched) != 1 {
		t.Errorf("%d entries", w.howMany(ledger.KindWatched))
	}
}
