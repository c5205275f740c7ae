package app

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/sandbox"
)

// rounds lists what went round the gate, whatever it is called.
func (w *world) rounds() []ledger.Entry {
	return w.entered(ledger.KindBypass, ledger.KindUngated, ledger.KindBeforeGate)
}

func roundOf(t *testing.T, e ledger.Entry) ledger.Round {
	t.Helper()
	var r ledger.Round
	if err := json.Unmarshal(e.Data.(json.RawMessage), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Case 38: whatever gets onto a gated branch without READY is entered, with who
// did it, also when no event told of it.
func TestWhatGoesRoundTheGate(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for name, tt := range map[string]struct {
			does   func(w *world, pr *sandbox.PullRequest)
			number int
		}{
			"merged past the rules": {func(w *world, pr *sandbox.PullRequest) { w.goesPast(pr, "merge") }, 1},
			"squashed past them":    {func(w *world, pr *sandbox.PullRequest) { w.goesPast(pr, "squash") }, 1},
			"rebased past them":     {func(w *world, pr *sandbox.PullRequest) { w.goesPast(pr, "rebase") }, 1},
			"pushed": {func(w *world, _ *sandbox.PullRequest) {
				w.repo.Commit("sam", "main", map[string]string{"hot.go": "package hot\n"})
			}, 0},
		} {
			if lost {
				name += ", and the webhooks were lost"
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t)
				pr := w.opens("medium")
				w.shows(pr, "WAITING · approvals-missing")
				w.quiet()
				if lost {
					w.down()
				}
				tt.does(w, pr)
				if lost {
					w.up()
					if err := w.app.reconcileOnce(w.ctx); err != nil {
						t.Fatal(err)
					}
					w.quiet()
				}
				w.later(time.Minute)
				w.quiet()
				got := w.rounds()
				if len(got) != 1 || got[0].Kind != ledger.KindBypass || got[0].Number != tt.number || got[0].Actor.Login != "sam" || got[0].Actor.ID == 0 {
					t.Fatalf("entries %+v", got)
				}
				if r := roundOf(t, got[0]); tt.number == 0 && (r.Count != 1 || r.Move != "push") || tt.number != 0 && r.Verdict != gate.Waiting {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

func (w *world) goesPast(pr *sandbox.PullRequest, method string) {
	w.t.Helper()
	if err := pr.Bypass("sam", method); err != nil {
		w.t.Fatal(err)
	}
}

// What was READY, or got onto a branch before the check was required there, is no
// bypass.
func TestWhatIsNoBypass(t *testing.T) {
	t.Run("READY", func(t *testing.T) {
		w := newWorld(t)
		w.merges(w.ready(), "squash")
		w.later(time.Minute)
		if got := w.rounds(); len(got) > 0 {
			t.Errorf("entries %+v", got)
		}
		if l, found, err := w.app.ledger.LandingOf(w.ctx, w.repo.ID(), 1); err != nil || !found || l.State != gate.LandedSame {
			t.Errorf("%+v, %t, %v", l, found, err)
		}
	})
	t.Run("the check was never required", func(t *testing.T) {
		w := newWorld(t)
		w.repo.Require("main")
		w.quiet()
		w.clock.advance(time.Minute)
		other := w.acme.Repo("tools")
		w.quiet()
		w.later(time.Hour)
		other.Commit("sam", "main", map[string]string{"hot.go": "package hot\n"})
		w.later(time.Minute)
		all, err := w.app.ledger.OfKind(w.ctx, other.ID(), ledger.KindBypass, ledger.KindUngated, ledger.KindBeforeGate)
		if err != nil || len(all) != 1 || all[0].Kind == ledger.KindBypass {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// A wrong merge base undoes what landed meanwhile, while everything is green.
func TestLandedCodeDiffers(t *testing.T) {
	for _, method := range []string{"squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			pr := w.ready()
			w.repo.Commit("sam", "main", map[string]string{"other.go": "package other\n"})
			w.quiet()
			w.repo.UseWrongMergeBase(true)
			w.merges(pr, method)
			w.later(time.Minute)
			w.quiet()
			l, found, err := w.app.ledger.LandingOf(w.ctx, w.repo.ID(), pr.Number())
			if err != nil || !found || l.State != gate.LandedDiffers || len(l.Paths) != 1 || l.Paths[0] != "other.go" {
				t.Errorf("%+v, %t, %v", l, found, err)
			}
			if v := w.releases("v1", "NOT READY · "); !strings.Contains(v.Summary, "`landed-differs`") {
				t.Errorf("the release says nothing of it:\n%s", v.Summary)
			}
		})
	}
}
