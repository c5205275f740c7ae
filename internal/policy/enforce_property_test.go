package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gonogo/internal/gate"
)

// enforcedPart is a key of an enforce part, and the requirements that it
// enforces. None asks for less than the built-in policy, to which the property
// compares.
type enforcedPart struct {
	text   string
	guards []gate.Requirement
}

var decides = []gate.Requirement{"decision/authorized", "decision/veto"}

var enforcedParts = []enforcedPart{
	{"approvals: {low: 1, medium: 2, high: 3}", []gate.Requirement{"review/approvals"}},
	{"go: {low: 1, medium: 1, high: 2}", decides},
	{"go: {low: 0, medium: 2, high: 2}", decides},
	{"authorization: [{approve: [CDO]}]", decides},
	{"authorization: [{paths: ['cart/**'], approve: [release manager]}]", decides},
	{"windows: [{days: [WED], from: '13:00', to: '24:00'}]", []gate.Requirement{"operational/window"}},
	{"windows: [{days: [wed], from: '9:00', to: '12:30'}, {days: [thu], from: '09:00', to: '10:00', zone: Asia/Tokyo}]", []gate.Requirement{"operational/window"}},
	{"freezes: [{name: f, from: 2026-03-04, to: 2026-03-04}]", []gate.Requirement{"operational/window"}},
	{"freezes: [{name: f, from: '2026-03-04T11:59:30Z', to: 2026-03-05}]", []gate.Requirement{"operational/window"}},
	{"exceptions: release manager", []gate.Requirement{"operational/window"}},
	{"checks: {required: [build]}", []gate.Requirement{"code/checks"}},
	{"checks: {apps: {build: 15368}}", []gate.Requirement{"code/checks"}},
	{"checks: {optional: []}", []gate.Requirement{"code/checks"}},
	{"secrets: {alerts_required: true}", []gate.Requirement{"code/secrets"}},
	{"severity: {sev2_from: low}", []gate.Requirement{"code/severity"}},
	{"keep_branches: []", []gate.Requirement{"code/branches"}},
	{"rehearsal: {max_age_days: 2}", []gate.Requirement{"operational/rehearsal"}},
	{"monitoring: {standard: 30h}", []gate.Requirement{"operational/monitoring"}},
	{"tracker: {kind: github}", []gate.Requirement{"operational/tracker"}},
	{"components: {cart: ['x/**'], search: ['cart/**']}", []gate.Requirement{"review/scope"}},
	{"signoffs: {qa: {role: release manager}, documentation: {role: CDO}}", []gate.Requirement{"code/qa", "communication/docs"}},
	{"companions: [{when: ['cart/**'], then: ['docs/**']}]", []gate.Requirement{"communication/docs"}},
	{"floors: [{class: high, paths: ['cart/**']}]", []gate.Requirement{"risk/floor"}},
	{"solo: false", nil},
	{"exempt: []", nil},
}

// hostile are a repository's values that ask for as little as they can.
var hostile = []string{
	"approvals: {low: 0, medium: 0, high: 0}",
	"go: {low: 0, medium: 0, high: 0}",
	"author_may_decide: true", "carry_same_tree: true", "solo: true", "ask: none", "zone: Pacific/Auckland", "zone: America/Los_Angeles",
	"authorization: [{approve: [friends]}]", "authorization: [{types: [hotfix], approve: [CDO]}]", "authorization: []",
	"signoffs: {qa: {role: friends}, documentation: {role: friends, from: high}}", "signoffs: {qa: {role: friends, paths: [nothing]}}",
	"windows: [{days: [mon, tue, wed, thu, fri, sat, sun], from: '00:00', to: '24:00'}]", "windows: [{days: [wed], from: '00:00', to: '24:00', zone: Pacific/Auckland}]",
	"freezes: []", "freezes: [{from: '2026-03-04T00:00:00Z', to: '2026-03-04T13:00:00Z'}]", "exceptions: friends", "exceptions: release manager",
	"checks: {required: [lint], optional: [build, lint]}", "checks: {none: true}", "checks: {required: [build], apps: {build: 7}}", "checks: {optional: [build]}",
	"secrets: {alerts_required: false}", "severity: {sev1: none, sev2: none, sev2_from: high}", "keep_branches: ['**']", "rehearsal: {max_age_days: 0}",
	"monitoring: {standard: 1m, hotfix: 1m, architectural: 1m}", "tracker: {kind: none}", "components: {cart: ['**']}", "components: {}", "companions: []", "floors: []",
	"exempt: [{name: mine, authors: [kim, 'helper[bot]'], up_to: high}]", "exclude: [main]", "branches: []",
	"dependencies: {bots: ['helper[bot]'], paths: ['**']}",
}

// drawKeys draws some of the lines, one of each key.
func drawKeys[T any](t *rapid.T, label string, from []T, text func(T) string, percent int) []T {
	var drawn []T
	seen := map[string]bool{}
	for _, one := range from {
		key, _, _ := strings.Cut(text(one), ":")
		if !seen[key] && rapid.IntRange(1, 100).Draw(t, label+" "+key) <= percent {
			drawn, seen[key] = append(drawn, one), true
		}
	}
	return drawn
}

// drawEnforced draws an enforce part and the requirements of which it enforces
// something.
func drawEnforced(t *rapid.T) (string, map[gate.Requirement]bool) {
	guards := map[gate.Requirement]bool{"decision/record": true}
	roles := "roles: {CDO: {users: [sam]}"
	if rapid.IntRange(1, 5).Draw(t, "enforced managers") == 1 {
		roles += ", release manager: {users: [dana]}"
		guards["decision/authorized"], guards["decision/veto"] = true, true
	}
	lines := []string{roles + "}"}
	for _, part := range drawKeys(t, "enforced", enforcedParts, func(p enforcedPart) string { return p.text }, 15) {
		lines = append(lines, part.text)
		for _, id := range part.guards {
			guards[id] = true
		}
	}
	var depths []string
	for _, id := range Requirements() {
		if id != inputs && rapid.IntRange(1, 12).Draw(t, "enforced "+string(id)) == 1 {
			depths = append(depths, string(id)+": {blocks: low}")
			guards[id] = true
		}
	}
	if len(depths) > 0 {
		lines = append(lines, "requirements: {"+strings.Join(depths, ", ")+"}")
	}
	return "enforce:\n  " + strings.Join(lines, "\n  "), guards
}

func drawHostile(t *rapid.T) string {
	lines := []string{rapid.SampledFrom([]string{
		"roles: {friends: {users: [bob, kim, lee]}, release manager: {permission: write, users: [bob, kim, lee]}, CDO: {users: [bob, kim, lee]}}",
		"roles: {friends: {users: [bob, kim, lee]}, release manager: {permission: maintain, delegates: [friends]}, CDO: {users: [sam], delegates: [friends]}}",
		"roles: {friends: {permission: write}, CDO: {permission: write}}",
		"roles: {friends: {users: [bob]}, release manager: {permission: admin}, CDO: {}}",
	}).Draw(t, "roles")}
	lines = append(lines, drawKeys(t, "repository", hostile, func(s string) string { return s }, 40)...)
	var depths []string
	for _, id := range Requirements() {
		if id != inputs && rapid.Bool().Draw(t, "off "+string(id)) {
			depths = append(depths, string(id)+": {blocks: 'off', advises: "+rapid.SampledFrom([]string{"'off'", "high"}).Draw(t, "advises")+"}")
		}
	}
	if len(depths) > 0 {
		lines = append(lines, "requirements: {"+strings.Join(depths, ", ")+"}")
	}
	return strings.Join(lines, "\n")
}

// drawContested draws a world in which people without authority have their say
// too, and bots open pull requests.
func drawContested(t *rapid.T) *world {
	w := drawWorld(t)
	for range rapid.IntRange(0, 3).Draw(t, "more decisions") {
		d := w.says(gate.ChoiceGo, rapid.SampledFrom(people).Draw(t, "who else"))
		d.At = now.Add(-rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 3 * time.Hour, 20 * time.Hour}).Draw(t, "when"))
	}
	for range rapid.IntRange(0, 2).Draw(t, "more sign-offs") {
		w.signs(rapid.SampledFrom([]string{"qa", "documentation"}).Draw(t, "sign-off"), rapid.SampledFrom(people).Draw(t, "signer"))
	}
	if rapid.IntRange(1, 8).Draw(t, "a bot") == 1 {
		w.PR.Author, w.PR.HeadRepoID, w.Record = bot, w.PR.Repo.ID, gate.Record{}
		w.commits = read([]gate.Commit{{SHA: head, Parents: 1, Author: &bot, Committer: &bot, Verified: true}})
	}
	if rapid.IntRange(1, 8).Draw(t, "no alerts") == 1 {
		w.alerts = unreadable[[]gate.Alert](gate.CauseDisabled)
	}
	if rapid.IntRange(1, 8).Draw(t, "no checks") == 1 {
		w.checks = read([]gate.Check(nil))
	}
	if w.Record.Found && rapid.Bool().Draw(t, "watched") {
		w.Record.More[gate.FieldMonitoring] = "@lee watches errors for 2 h"
	}
	return w
}

// judgeUnder judges a world as if all had been said under the policy p.
func (w *world) judgeUnder(p *Policy) gate.Evaluation {
	before := w.Policy.Digest()
	for i := range w.decisions {
		if w.decisions[i].For.Policy == before {
			w.decisions[i].For.Policy = p.Digest()
		}
		w.decisions[i].For.Terms = w.Record.Terms()
	}
	for i := range w.signoffs {
		w.signoffs[i].For.Policy, w.signoffs[i].For.Terms = p.Digest(), w.Record.Terms()
	}
	w.Policy = p
	return w.judge()
}

// Whatever a repository writes: what blocks a pull request by a requirement of
// which the organization enforces something, does so under the repository's
// policy as well.
func TestARepositoryNeverWeakensWhatIsEnforced(t *testing.T) {
	blocked := map[gate.Requirement]int{}
	property := func(t *rapid.T) {
		enforce, guards := drawEnforced(t)
		repo := drawHostile(t)
		least, err := Combine(orgFile(enforce), nil)
		if err != nil {
			t.Fatal(err)
		}
		merged, err := Combine(orgFile(enforce), repoFile(repo))
		if err != nil {
			t.Fatal(err)
		}
		if merged.Excludes("main") {
			t.Fatal("the default branch is excluded")
		}
		w := drawContested(t)
		before, after := w.judgeUnder(least.Policy), w.judgeUnder(merged.Policy)
		if after.Exempt != "" || after.Class < before.Class {
			t.Fatalf("exempt by %q, %s instead of %s\n%s\nunder\n%s", after.Exempt, after.Class, before.Class, repo, enforce)
		}
		for _, f := range before.Blockers() {
			// The record's own "fail" counts for a gate of which anything is asked.
			if !guards[f.Requirement] || f.Code == "gate-failed" {
				continue
			}
			blocked[f.Requirement]++
			if !slices.ContainsFunc(after.Blockers(), func(g gate.Finding) bool { return g.Requirement == f.Requirement }) {
				t.Fatalf("%s no longer blocks (%s: %s)\n%s\nunder\n%s", f.Requirement, f.Code, f.Fact, repo, enforce)
			}
		}
	}
	for range 3 {
		rapid.Check(t, property)
	}
	for _, id := range []gate.Requirement{"review/approvals", "decision/authorized", "operational/window", "code/checks", "code/qa", "review/scope", "communication/docs"} {
		if blocked[id] == 0 {
			t.Errorf("%s never blocked: the property says nothing about it", id)
		}
	}
}
