package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/policy"
)

func TestWhetherTheRulesHoldMergesBack(t *testing.T) {
	const app, other = 7, 8
	ours := func(app int64) gate.RequiredCheck { return gate.RequiredCheck{Name: "release-readiness", App: app} }
	for _, tt := range []struct {
		name   string
		rules  []gate.RequiredCheck
		former []string
		code   string
		says   string
	}{
		{"pinned", []gate.RequiredCheck{ours(app), {Name: "build"}}, nil, "", ""},
		{"pinned in one rule, from anybody in another", []gate.RequiredCheck{ours(0), ours(app)}, nil, "", ""},
		{"required by its earlier name", []gate.RequiredCheck{{Name: "gate", App: app}}, []string{"gate"}, "", ""},
		{"nothing is required", nil, nil, "not-required", "GitHub merges without it"},
		{"only others are required", []gate.RequiredCheck{{Name: "build"}}, nil, "not-required", "GitHub merges without it"},
		{"from anybody", []gate.RequiredCheck{ours(0)}, nil, "not-pinned", "anyone with write access can forge this check"},
		{"from another App", []gate.RequiredCheck{ours(other)}, nil, "not-pinned", "another App (id 8)"},
		{"the trial's is required", []gate.RequiredCheck{{Name: "release-readiness" + policy.TrialSuffix}}, nil, "", ""},
	} {
		p := policy.BuiltIn()
		p.Former = tt.former
		found := p.Guard("main", gate.Read(tt.rules, time.Time{}), app)
		switch {
		case tt.code == "" && len(found) > 0:
			t.Errorf("%s: %+v", tt.name, found)
		case tt.code != "" && (len(found) != 1 || found[0].Code != tt.code || found[0].Status != gate.Advisory || !strings.Contains(found[0].Fact, tt.says)):
			t.Errorf("%s: %+v, want %s", tt.name, found, tt.code)
		}
	}
	if found := policy.BuiltIn().Guard("main", gate.Unread[[]gate.RequiredCheck](gate.Unreadable{}, time.Time{}), app); found != nil {
		t.Errorf("rules that could not be read: %+v", found)
	}
}

func TestAdviceChangesNoVerdict(t *testing.T) {
	ev := gate.Evaluation{Verdict: gate.Ready, Findings: []gate.Finding{{Status: gate.Pass, Fact: "a"}}}
	advised := policy.Advised(ev, policy.OnTestMerge(gate.Check{Name: "release-readiness"}, "7777777777"))
	if advised.Verdict != gate.Ready || !advised.Passes() || len(advised.Findings) != 2 || advised.Findings[0].Code != "check-on-test-merge" {
		t.Errorf("%+v", advised)
	}
	blocked := gate.Evaluation{Findings: []gate.Finding{{Status: gate.Fail}, {Status: gate.Pass}}}
	at := slices.IndexFunc(policy.Advised(blocked, gate.Finding{Status: gate.Advisory}).Findings, func(f gate.Finding) bool { return f.Status == gate.Advisory })
	if at != 1 {
		t.Errorf("the advice stands at %d", at)
	}
}
