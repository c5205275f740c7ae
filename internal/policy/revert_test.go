package policy

import (
	"slices"
	"testing"
	"time"

	"gonogo/internal/gate"
)

// What is found of a revert decides between the lane and the normal gate.
func TestReverts(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	pr := gate.PullRequest{Repo: gate.Repository{Owner: "acme", Name: "shop"}, Number: 9, HeadSHA: "9f8e7d6a", BaseRef: "main", Open: true}
	clean := Revert{State: RevertClean, Of: 7, Paths: []string{"cart/total.go"}, Tip: "1a2b3c4d"}
	evaluate := func(r Revert, faults ...gate.Finding) gate.Evaluation {
		return Evaluate(Input{PR: pr, Policy: BuiltIn(), Now: now, Revert: r, Faults: faults})
	}
	codes := func(ev gate.Evaluation) []string {
		var all []string
		for _, f := range ev.Findings {
			all = append(all, f.Code)
		}
		return all
	}
	for _, tt := range []struct {
		name    string
		ev      gate.Evaluation
		verdict gate.Verdict
		reverts int
		code    string
	}{
		{"a clean one, of which no other evidence could be read", evaluate(clean), gate.Ready, 7, "pure-revert"},
		{"comments that could not be read may hold a /no-go", evaluate(clean, Unread("the comments", gate.Unreadable{Cause: gate.CauseFault})), gate.NotVerified, 7, "github-down"},
		{"a policy that is not valid", evaluate(clean, Invalid(&Error{Message: "no"})), gate.NotReady, 7, "policy-invalid"},
		{"one that changes the policy", evaluate(Revert{State: RevertClean, Of: 7, Paths: []string{Path}}), gate.NotReady, 0, "not-a-clean-revert"},
		{"one with something more", evaluate(Revert{State: RevertOther, Of: 7, Why: "it changes more"}), gate.NotReady, 0, "not-a-clean-revert"},
		{"one of which it cannot be told", evaluate(Revert{State: RevertDark, Of: 7, Why: "GitHub is down", Again: true}), gate.NotReady, 0, "cannot-tell"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			passes, wants := tt.ev.Verdict == gate.Ready, tt.verdict == gate.Ready
			if passes != wants || tt.reverts != 0 && tt.ev.Verdict != tt.verdict || tt.ev.Reverts != tt.reverts || !slices.Contains(codes(tt.ev), tt.code) {
				t.Errorf("%s, reverts %d, %q", tt.ev.Verdict, tt.ev.Reverts, codes(tt.ev))
			}
			if again := tt.code == "cannot-tell" || tt.code == "github-down"; again && !tt.ev.Again.Equal(now.Add(RetryEvidence)) {
				t.Errorf("looked at again at %v", tt.ev.Again)
			}
		})
	}
}
