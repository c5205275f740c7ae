package app

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/sandbox"
)

// landings is how many merges of each kind are held against what was judged: 4
// clean and 4 wrong ones, or 1,000 of each with GONOGO_LANDINGS=1000.
func landings(t *testing.T) int {
	n := 4
	if v := os.Getenv("GONOGO_LANDINGS"); v != "" {
		if _, err := fmt.Sscan(v, &n); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// Case 37: of clean merges and of such on a wrong merge base, by each way of
// merging, every wrong one is found and no clean one is taken for wrong.
func TestLandedTreesAreCounted(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase", "queue"} {
		t.Run(method, func(t *testing.T) {
			w := makeWorld(t, nil)
			w.repo = w.acme.Repo("landing") // whose rules ask for nothing
			w.quiet()
			n := landings(t)
			wrong := map[int]bool{}
			for i := range 2 * n {
				pr := w.repo.Open("kim", sandbox.Change{
					Title: fmt.Sprint("Change ", i), Branch: fmt.Sprint("change-", i), Files: map[string]string{fmt.Sprintf("a/%d.go", i): "package a\n"},
				})
				pr.Push("kim", map[string]string{fmt.Sprintf("b/%d.go", i): "package b\n"})
				w.repo.Commit("sam", "main", map[string]string{fmt.Sprintf("main/%d.go", i%7): fmt.Sprintf("package main // %d\n", i)})
				bad := i%2 == 1
				wrong[pr.Number()] = bad
				w.landsOn(pr, method, bad)
			}
			w.quiet()
			for range 2*n/movesAtOnceInTests + 2 {
				w.later(time.Minute)
			}
			misses, alarms, seen := 0, 0, 0
			for _, e := range w.entered(ledger.KindLanded) {
				var l ledger.Landing
				if err := json.Unmarshal(e.Data.(json.RawMessage), &l); err != nil {
					t.Fatal(err)
				}
				seen++
				switch {
				case wrong[e.Number] && l.State != gate.LandedDiffers:
					misses++
				case !wrong[e.Number] && l.State != gate.LandedSame:
					alarms++
				}
			}
			t.Logf("%s: %d merges, %d misses, %d false alarms", method, seen, misses, alarms)
			if seen != 2*n || misses > 0 || alarms > 0 {
				t.Errorf("%d of %d merges, %d misses, %d false alarms", seen, 2*n, misses, alarms)
			}
		})
	}
}

const movesAtOnceInTests = 10

// landsOn merges a pull request, on a wrong merge base or as it should be.
func (w *world) landsOn(pr *sandbox.PullRequest, method string, wrong bool) {
	w.t.Helper()
	w.repo.UseWrongMergeBase(wrong)
	defer w.repo.UseWrongMergeBase(false)
	if method != "queue" {
		if err := pr.Bypass("sam", method); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	if err := w.enqueues(pr, "squash").Land(); err != nil {
		w.t.Fatal(err)
	}
}
