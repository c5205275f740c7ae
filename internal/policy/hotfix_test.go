package policy

import (
	"strings"
	"testing"

	"gonogo/internal/gate"
)

// hotfix is a high hotfix of the SEV1 issue 8, which dana has labelled, with one
// approval and one /go, not rehearsed and not announced.
func hotfix() *world {
	w := fine()
	w.Record.Class, w.Record.Type = gate.High, gate.Hotfix
	w.PR.Body = "Fixes #8"
	w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "payments are down"}})
	w.labeller = read(dana)
	w.decisions = nil
	w.says(gate.ChoiceGo, dana)
	return w
}

func debts(ev gate.Evaluation) string {
	var ids []string
	for _, f := range ev.Findings {
		if f.Debt {
			ids = append(ids, string(f.Requirement))
		}
	}
	return strings.Join(ids, " ")
}

// Ruling 14.
func TestHotfixes(t *testing.T) {
	const (
		few   = "action review/approvals approvals-missing"
		panel = "action decision/authorized panel-short"
		drill = "action operational/rehearsal rehearsal-missing"
		none  = drill + "\n" + few + "\n" + panel
	)
	behind := func(w *world) { w.behind = read(gate.Behind{Commits: 1, Files: []gate.File{{Path: "cart/total.go"}}}) }
	rules := func(w *world, change func(*Policy)) {
		change(w.Policy)
		w.decisions = nil
		w.says(gate.ChoiceGo, dana)
	}
	for _, tt := range []struct {
		name   string
		change func(*world)
		codes  string
	}{
		{"one approval and one /go are enough", func(*world) {}, ""},
		{"of a SEV2 as well", func(w *world) { w.issues["SEV2"], w.issues["SEV1"] = w.issues["SEV1"], read([]gate.Issue(nil)) }, ""},
		{"labelled by somebody with triage access", func(w *world) { w.labeller = read(bob); w.perms["bob"] = read(gate.PermissionTriage) }, ""},
		{"the base changed the same path since", behind, ""},
		{"how far it is behind cannot be read", func(w *world) { w.behind = unreadable[gate.Behind](gate.CauseFault) }, ""},
		{"a floor names the class", func(w *world) { w.files.Value[0].Path = "billing/a.go" }, ""},

		// What it still needs.
		{"a red build", func(w *world) { w.checks.Value[0].State = "failure" }, "fail code/checks ci-failed"},
		{"a secret", func(w *world) { w.leaks1() }, "fail code/secrets secret-found"},
		{"no approval", func(w *world) { w.reviews.Value = nil }, few},
		{"no /go", func(w *world) { w.decisions = nil }, "action decision/authorized go-missing"},
		{"the author's own /go", func(w *world) { w.perms["kim"] = read(gate.PermissionAdmin); w.decisions[0].User = kim }, "action decision/authorized self-go"},
		{"a /no-go", func(w *world) { w.says(gate.ChoiceNoGo, sam) }, "fail decision/veto nogo-stands"},
		{"an unknown rollback owner", func(w *world) {
			w.Record.RollbackOwner = gate.Owner{User: "nobody"}
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, "action operational/rollback-owner owner-unknown"},

		// A claim is not enough.
		{"another type", func(w *world) { w.Record.Type = gate.Routine; w.decisions = nil; w.says(gate.ChoiceGo, dana) }, "fail code/severity severe-issue\n" + none},
		{"an issue that it does not fix", func(w *world) { w.PR.Body = "See #8" }, "fail code/severity severe-issue\n" + none},
		{"an issue of another repository", func(w *world) { w.PR.Body = "Fixes acme/other#8" }, "fail code/severity severe-issue\n" + none},
		{"it changes the policy besides", func(w *world) { w.files.Value = append(w.files.Value, gate.File{Path: Path, Status: "modified"}) }, none},
		{"it changes nothing but the policy", func(w *world) { w.files.Value, w.Change = []gate.File{{Path: Path, Status: "modified"}}, ChangeRules }, few + "\n" + panel},
		{"what it changes cannot be listed", func(w *world) { w.files = unreadable[[]gate.File](gate.CauseTruncated) }, "fail risk/floor too-large\n" + none},
		{"an issue that is closed, or not severe", func(w *world) { w.issues["SEV1"] = read([]gate.Issue(nil)) }, none},
		{"labelled by somebody who only reads", func(w *world) { w.labeller = read(bob) }, none},
		{"labelled by a bot", func(w *world) { w.labeller = read(bot); w.perms[bot.Login] = read(gate.PermissionWrite) }, none},
		{"labelled by nobody who is known", func(w *world) { w.labeller = read(gate.User{}) }, none},
		{"who labelled it cannot be read", func(w *world) { w.labeller = unreadable[gate.User](gate.CauseFault) }, none},
		{"what the labeller may do cannot be read", func(w *world) { w.labeller = read(sam); flaky(w, w.perms, "sam") }, none},
		{"a bot's description", func(w *world) { w.PR.Author, w.PR.RecordBy = bot, kim }, none},

		// What a policy says holds.
		{"a policy that says who approves hotfixes", func(w *world) {
			rules(w, func(p *Policy) {
				p.Authorization = []Authorization{{Types: []string{"hotfix"}, Approve: []string{ReleaseManager}}}
			})
		}, none},
		{"a policy of other types", func(w *world) {
			rules(w, func(p *Policy) {
				p.Authorization = []Authorization{{Types: []string{"routine"}, Approve: []string{ReleaseManager}}}
			})
		}, ""},
		{"other approvals", func(w *world) { rules(w, func(p *Policy) { p.Approvals.High = 3 }) }, few},
		{"up to date from low", func(w *world) {
			rules(w, func(p *Policy) { p.Requirements["code/base"] = Depth{Blocks: "low"} })
			behind(w)
		}, "action code/base behind-base"},
		{"an organization enforces that it is up to date", func(w *world) {
			rules(w, func(p *Policy) { p.Held = []gate.Requirement{"code/base"} })
			behind(w)
		}, "action code/base behind-base"},
		{"a larger panel", func(w *world) { rules(w, func(p *Policy) { p.Go.High = 3 }) }, panel},
		{"a rehearsal from low", func(w *world) {
			rules(w, func(p *Policy) { p.Requirements["operational/rehearsal"] = Depth{Blocks: "low"} })
		}, drill},
		{"a rehearsal that is younger", func(w *world) { rules(w, func(p *Policy) { p.Rehearsal.MaxAgeDays = 7 }) }, drill},
		{"communication that blocks", func(w *world) {
			rules(w, func(p *Policy) { p.Requirements["communication/stakeholders"] = Depth{Blocks: "high"} })
		}, "action communication/stakeholders communication-missing"},
		{"what an organization enforces", func(w *world) {
			rules(w, func(p *Policy) {
				p.Held = []gate.Requirement{"review/approvals", "decision/authorized", "operational/rehearsal"}
			})
		}, none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := hotfix()
			tt.change(w)
			ev := w.judge()
			if got := codes(ev); got != tt.codes {
				t.Errorf("%s\n%s", ev.Verdict, got)
			}
			if ev.HotfixOf != 0 && !strings.Contains(debts(ev), "communication/escalation") {
				t.Errorf("owed: %s", debts(ev))
			}
			checkEvaluation(t, ev)
		})
	}
}

func TestWhatAHotfixOwes(t *testing.T) {
	const told = "communication/release-note communication/stakeholders communication/known-limitations communication/monitoring-focus communication/escalation"
	w := hotfix()
	w.behind = read(gate.Behind{Commits: 1, Files: []gate.File{{Path: "cart/total.go"}}})
	ev := w.judge()
	owes := map[string]bool{}
	for _, id := range strings.Fields(debts(ev)) {
		owes[id] = true
	}
	for _, id := range strings.Fields(told + " code/base operational/rehearsal review/approvals decision/authorized") {
		if !owes[id] {
			t.Errorf("%s is not owed: %s", id, debts(ev))
		}
	}
	if ev.HotfixOf != 8 || ev.Verdict != gate.Ready {
		t.Errorf("%d %s", ev.HotfixOf, ev.Verdict)
	}
	w.high()
	ev = w.judge()
	if got := debts(ev); strings.Contains(got, "review/approvals") || strings.Contains(got, "decision/authorized") || strings.Contains(got, "rehearsal") {
		t.Errorf("what was done is owed: %s", got)
	}
}

// What an organization enforces holds for hotfixes.
func TestEnforcedPartsHoldForHotfixes(t *testing.T) {
	for enforce, held := range map[string]gate.Requirement{
		"approvals: {high: 2}": "review/approvals", "go: {high: 2}": "decision/authorized", "rehearsal: {max_age_days: 30}": "operational/rehearsal",
		"requirements: {communication/stakeholders: {blocks: 'off', advises: high}}": "communication/stakeholders",
	} {
		got, err := Combine(orgFile("enforce: {"+enforce+"}"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Held) != 1 || got.Held[0] != held {
			t.Errorf("%s: %v", enforce, got.Held)
		}
	}
}
