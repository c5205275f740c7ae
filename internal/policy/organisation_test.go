package policy

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"gonogo/internal/gate"
)

// under sets a policy and has dana say /go under it, as it was before.
func (w *world) under(change func(*Policy)) {
	change(w.Policy)
	w.decisions = nil
	w.says(gate.ChoiceGo, dana)
}

// blocking lets requirements block from low.
func blocking(ids ...gate.Requirement) func(*Policy) {
	return func(p *Policy) {
		for _, id := range ids {
			p.Requirements[id] = Depth{Blocks: "low"}
		}
	}
}

// fills fills in a further field and has dana decide on the record so.
func (w *world) fills(f gate.Field, value string) {
	w.Record.More[f] = value
	w.decisions = nil
	w.says(gate.ChoiceGo, dana)
}

func (w *world) signs(name string, u gate.User) *gate.Signoff {
	d := *w.says("", u)
	w.decisions = w.decisions[:len(w.decisions)-1]
	d.ID = int64(len(w.signoffs) + 1)
	w.signoffs = append(w.signoffs, gate.Signoff{Name: name, PersonDecision: d})
	return &w.signoffs[len(w.signoffs)-1]
}

func withQA(p *Policy) {
	p.Roles["QA"] = Role{Users: []string{"lee", "kim"}}
	p.Signoffs = map[string]Signoff{"qa": {Role: "QA"}}
}

func withCDO(p *Policy) {
	p.Roles["CDO"] = Role{Users: []string{"lee"}, Delegates: []string{"deputy"}}
	p.Roles["deputy"] = Role{Users: []string{"bob"}}
	p.Authorization = []Authorization{{Types: []string{"hotfix"}, Approve: []string{"CDO"}, Notify: []string{"deputy"}, Channel: "#x"}}
}

func berlin(hours ...string) func(*Policy) {
	return func(p *Policy) {
		p.Zone = "Europe/Berlin"
		p.Windows = []Window{{Days: []string{"mon", "tue", "wed", "thu"}, From: hours[0], To: hours[1]}}
	}
}

func TestOrganisation(t *testing.T) {
	item := gate.TrackerRef{Repo: "acme/shop", Number: 3}
	tests := []struct {
		name   string
		change func(*world)
		want   gate.Verdict
		codes  string
	}{
		{"no QA sign-off yet", func(w *world) { w.under(withQA) }, gate.Waiting, "action code/qa signoff-missing"},
		{"QA has signed off", func(w *world) { w.under(withQA); w.signs("qa", lee) }, gate.Ready, ""},
		{"QA signed off an earlier head", func(w *world) { w.under(withQA); w.signs("qa", lee).For.HeadSHA = oldHead }, gate.Waiting, "action code/qa signoff-lapsed"},
		{"QA signed off under other rules", func(w *world) { w.under(withQA); w.signs("qa", lee).For.Policy = "x" }, gate.Waiting, "action code/qa signoff-lapsed"},
		{"QA signed off another base", func(w *world) { w.under(withQA); w.signs("qa", lee).For.BaseRef = "x" }, gate.Waiting, "action code/qa signoff-lapsed"},
		{"QA took it back by deleting the comment", func(w *world) { w.under(withQA); w.signs("qa", lee).Voided = "deleted" }, gate.Waiting, "action code/qa signoff-lapsed"},
		{"the trigger was edited after the sign-off", func(w *world) {
			w.under(withQA)
			w.signs("qa", lee)
			w.Record.Trigger = "any failed login"
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, gate.Waiting, "action code/qa signoff-lapsed"},
		{"another decision owner voids no sign-off", func(w *world) {
			w.under(withQA)
			w.signs("qa", lee)
			w.Record.DecisionOwner = gate.Owner{User: "sam"}
			w.decisions = nil
			w.says(gate.ChoiceGo, sam)
		}, gate.Ready, ""},
		{"the author signs off as QA", func(w *world) { w.under(withQA); w.signs("qa", kim) }, gate.Waiting, "action code/qa signoff-lapsed"},
		{"somebody else signs off as QA", func(w *world) { w.under(withQA); w.signs("qa", dana) }, gate.Waiting, "action code/qa signoff-lapsed"},
		{"another sign-off is not QA's", func(w *world) { w.under(withQA); w.signs("documentation", lee) }, gate.Waiting, "action code/qa signoff-missing"},
		{"QA's role has nobody", func(w *world) {
			w.under(func(p *Policy) { withQA(p); p.Roles["QA"] = Role{} })
		}, gate.Waiting, "action code/qa role-empty"},
		{"QA's team cannot be read", func(w *world) {
			w.under(func(p *Policy) { withQA(p); p.Roles["QA"] = Role{Teams: []string{"acme/qa"}} })
			w.teams["acme/qa"] = unreadable[[]gate.User](gate.CauseFault)
		}, gate.NotVerified, "unknown code/qa github-down"},
		{"QA is asked from high only", func(w *world) {
			w.under(func(p *Policy) { withQA(p); p.Signoffs["qa"] = Signoff{Role: "QA", From: "high"} })
		}, gate.Ready, ""},
		{"QA is asked for other paths only", func(w *world) {
			w.under(func(p *Policy) { withQA(p); p.Signoffs["qa"] = Signoff{Role: "QA", Paths: []string{"web/**"}} })
		}, gate.Ready, ""},

		{"no CODEOWNERS", func(w *world) { w.under(blocking("review/owners")) }, gate.Ready, ""},
		{"CODEOWNERS cannot be read", func(w *world) {
			w.under(blocking("review/owners"))
			w.owners = unreadable[string](gate.CauseFault)
		}, gate.NotVerified, "unknown review/owners github-down"},
		{"the approver owns the path", func(w *world) {
			w.under(blocking("review/owners"))
			w.owners = read("cart/ @lee @sam\n")
		}, gate.Ready, ""},
		{"somebody else owns the path", func(w *world) { w.under(blocking("review/owners")); w.owners = read("* @lee\ncart/ @sam\n") }, gate.Waiting, "action review/owners owners-missing"},
		{"a line that GitHub skips", func(w *world) { w.under(blocking("review/owners")); w.owners = read("* @lee\ncart/ sam!\n") }, gate.Ready, ""},
		{"the last rule takes the owners away", func(w *world) { w.under(blocking("review/owners")); w.owners = read("* @sam\ncart/\n") }, gate.Ready, ""},
		{"the old name of a renamed file has an owner", func(w *world) {
			w.under(blocking("review/owners"))
			w.files.Value[0].Previous = "search/total.go"
			w.owners = read("search/ @sam\n")
		}, gate.Waiting, "action review/owners owners-missing"},
		{"the owner's approval was for an earlier head", func(w *world) {
			w.under(blocking("review/owners"))
			w.reviews.Value = append(w.reviews.Value, gate.ReviewOf{ID: 2, User: sam, State: gate.Approved, CommitSHA: oldHead})
			w.owners = read("* @sam\n")
		}, gate.Waiting, "action review/owners owners-missing"},
		{"the owning team cannot be seen", func(w *world) { w.under(blocking("review/owners")); w.owners = read("* @acme/pay\n") }, gate.Waiting, "action review/owners owners-missing\naction review/owners not-visible"},
		{"one of the owning team has approved", func(w *world) {
			w.under(blocking("review/owners"))
			w.owners, w.teams["acme/pay"] = read("* @acme/pay\n"), read([]gate.User{lee})
		}, gate.Ready, ""},

		{"the change lies in its scope", func(w *world) { w.under(func(p *Policy) { p.Components = map[string][]string{"cart": {"cart/**"}} }) }, gate.Ready, ""},
		{"the change lies in another component", func(w *world) {
			w.under(func(p *Policy) { p.Components = map[string][]string{"cart": {"x/**"}, "search": {"cart/**"}} })
		}, gate.NotReady, "fail review/scope scope-exceeded"},
		{"the scope names no component", func(w *world) {
			w.under(func(p *Policy) { p.Components = map[string][]string{"search": {"cart/**"}} })
		}, gate.NotReady, "fail review/scope scope-exceeded\naction review/scope scope-unknown"},

		{"no rollback plan", func(w *world) { w.under(blocking("operational/rollback-plan")) }, gate.Waiting, "action operational/rollback-plan plan-missing"},
		{"a plan to be defined", func(w *world) {
			w.under(blocking("operational/rollback-plan"))
			w.fills(gate.FieldRollbackPlan, "TBD")
		}, gate.Waiting, "action operational/rollback-plan plan-missing"},
		{"a plan without a time", func(w *world) {
			w.under(blocking("operational/rollback-plan"))
			w.fills(gate.FieldRollbackPlan, "git revert 9f8e7d6 by @lee")
		}, gate.Waiting, "action operational/rollback-plan plan-incomplete"},
		{"a whole plan", func(w *world) {
			w.under(blocking("operational/rollback-plan"))
			w.fills(gate.FieldRollbackPlan, "git revert 9f8e7d6, 10 min, @lee")
		}, gate.Ready, ""},
		{"a plan executed by an account that is not there", func(w *world) {
			w.under(blocking("operational/rollback-plan"))
			w.fills(gate.FieldRollbackPlan, "git revert 9f8e7d6, 10 min, @leee")
		}, gate.Waiting, "action operational/rollback-plan owner-unknown"},

		{"no drill", func(w *world) { w.under(blocking("operational/drill")) }, gate.Waiting, "action operational/drill drill-missing"},
		{"the drill is done", func(w *world) { w.drilled(-1) }, gate.Ready, ""},
		{"one item of the drill is open", func(w *world) { w.drilled(2) }, gate.Waiting, "action operational/drill drill-open"},

		{"nobody is on call", func(w *world) { w.under(blocking("operational/on-call")) }, gate.Waiting, "action operational/on-call on-call-missing\naction operational/on-call on-call-missing"},
		{"on-call and backup are one", func(w *world) {
			w.under(blocking("operational/on-call"))
			w.fills(gate.FieldOnCall, "@lee")
			w.fills(gate.FieldBackup, "@lee after six")
		}, gate.Waiting, "action operational/on-call on-call-same"},
		{"on-call and backup are two", func(w *world) {
			w.under(blocking("operational/on-call"))
			w.fills(gate.FieldOnCall, "@lee")
			w.fills(gate.FieldBackup, "@sam")
		}, gate.Ready, ""},

		{"nobody watches", func(w *world) { w.under(blocking("operational/monitoring")) }, gate.Waiting, "action operational/monitoring monitoring-missing"},
		{"it is watched for too short", func(w *world) {
			w.under(blocking("operational/monitoring"))
			w.fills(gate.FieldMonitoring, "@lee watches errors for 4 h")
		}, gate.Waiting, "action operational/monitoring monitoring-short"},
		{"four hours are enough for a hotfix", func(w *world) {
			w.under(blocking("operational/monitoring"))
			w.Record.Type = gate.Hotfix
			w.fills(gate.FieldMonitoring, "@lee watches errors for 4 h")
		}, gate.Ready, ""},
		{"a day is too short for an architectural change", func(w *world) {
			w.under(blocking("operational/monitoring"))
			w.Record.Type = gate.Architectural
			w.fills(gate.FieldMonitoring, "@lee watches errors for one day, the first hour closely")
		}, gate.Waiting, "action operational/monitoring monitoring-short"},
		{"nobody knows what is watched", func(w *world) {
			w.under(blocking("operational/monitoring"))
			w.fills(gate.FieldMonitoring, "@lee for 24 h")
		}, gate.Waiting, "action operational/monitoring monitoring-incomplete"},

		{"inside of the window", func(w *world) { w.under(berlin("09:00", "16:00")) }, gate.Ready, ""},
		{"after the window", func(w *world) { w.under(berlin("09:00", "13:00")) }, gate.Waiting, "pending operational/window window-closed"},
		{"on a day without one", func(w *world) {
			w.under(func(p *Policy) { p.Windows = []Window{{Days: []string{"fri"}, From: "00:00", To: "24:00"}} })
		}, gate.Waiting, "pending operational/window window-closed"},
		{"in a freeze", func(w *world) {
			w.under(func(p *Policy) { p.Freezes = []Freeze{{From: "2026-03-04", To: "2026-03-04"}} })
		}, gate.Waiting, "pending operational/window freeze"},
		{"a freeze that ended yesterday", func(w *world) {
			w.under(func(p *Policy) { p.Freezes = []Freeze{{From: "2026-03-01", To: "2026-03-03"}} })
		}, gate.Ready, ""},
		{"a freeze that its exception lets out", func(w *world) {
			w.under(func(p *Policy) {
				p.Freezes, p.Exceptions = []Freeze{{From: "2026-03-04", To: "2026-03-04"}}, "CDO"
				p.Roles["CDO"] = Role{Users: []string{"lee"}}
			})
			w.says(gate.ChoiceGo, lee)
		}, gate.Ready, ""},
		{"the exception was for another time", func(w *world) {
			w.under(func(p *Policy) {
				p.Freezes, p.Exceptions = []Freeze{{From: "2026-03-04", To: "2026-03-04"}}, "CDO"
				p.Roles["CDO"] = Role{Users: []string{"lee"}}
			})
			w.says(gate.ChoiceGo, lee).At = now.Add(-24 * time.Hour)
		}, gate.Waiting, "pending operational/window freeze"},
		{"who may let out of a freeze decides nothing else", func(w *world) {
			w.under(func(p *Policy) {
				p.Freezes, p.Exceptions = []Freeze{{From: "2026-03-04", To: "2026-03-04"}}, "CDO"
				p.Roles["CDO"] = Role{Users: []string{"lee"}}
			})
			w.decisions = nil
			w.says(gate.ChoiceGo, lee)
		}, gate.Waiting, "action decision/authorized go-missing"},

		{"no tracker items", func(w *world) { w.under(blocking("operational/tracker")) }, gate.Waiting, "action operational/tracker tracker-missing"},
		{"the item is done", func(w *world) { w.tracks(item, gate.TrackerItem{Completed: true, Noted: true}) }, gate.Ready, ""},
		{"the item is open", func(w *world) { w.tracks(item, gate.TrackerItem{Open: true}) }, gate.Waiting, "action operational/tracker tracker-open"},
		{"the item was closed as not planned", func(w *world) { w.tracks(item, gate.TrackerItem{Noted: true}) }, gate.Waiting, "action operational/tracker tracker-open"},
		{"the item was closed without a note", func(w *world) { w.tracks(item, gate.TrackerItem{Completed: true}) }, gate.Waiting, "action operational/tracker tracker-note"},
		{"the item is a pull request", func(w *world) { w.tracks(item, gate.TrackerItem{Other: true, Completed: true, Noted: true}) }, gate.Waiting, "action operational/tracker tracker-unclear"},
		{"the item does not exist", func(w *world) { w.tracks(item, gate.TrackerItem{}); w.items = nil }, gate.Waiting, "action operational/tracker not-visible"},
		{"an item of a foreign repository", func(w *world) {
			w.tracks(item, gate.TrackerItem{Completed: true, Noted: true})
			w.fills(gate.FieldTracker, "#3, evil/repo#3")
		}, gate.Waiting, "action operational/tracker tracker-unclear"},
		{"an item that is no issue", func(w *world) {
			w.tracks(item, gate.TrackerItem{Completed: true, Noted: true})
			w.fills(gate.FieldTracker, "#3 and PROJ-17")
		}, gate.Waiting, "action operational/tracker tracker-unclear"},

		{"an escalation without a channel", func(w *world) {
			w.under(blocking("communication/escalation"))
			w.fills(gate.FieldEscalation, "@lee")
		}, gate.Waiting, "action communication/escalation escalation-incomplete"},
		{"an escalation with both", func(w *world) {
			w.under(blocking("communication/escalation"))
			w.fills(gate.FieldEscalation, "#incidents, @lee")
		}, gate.Ready, ""},
		{"the communication package is empty", func(w *world) {
			w.under(blocking("communication/release-note", "communication/stakeholders", "communication/known-limitations", "communication/monitoring-focus"))
		}, gate.Waiting, "action communication/release-note communication-missing\naction communication/stakeholders communication-missing\naction communication/known-limitations communication-missing\naction communication/monitoring-focus communication-missing"},

		{"the companion did not change", func(w *world) {
			w.under(func(p *Policy) { p.Companions = []Companion{{When: []string{"cart/**"}, Then: []string{"docs/**"}}} })
		}, gate.Waiting, "action communication/docs companion-missing"},
		{"the companion changed too", func(w *world) {
			w.under(func(p *Policy) { p.Companions = []Companion{{When: []string{"cart/**"}, Then: []string{"docs/**"}}} })
			w.files.Value = append(w.files.Value, gate.File{Path: "docs/cart.md"})
		}, gate.Ready, ""},
		{"a sign-off stands for the companion", func(w *world) {
			w.under(func(p *Policy) {
				withQA(p)
				p.Companions = []Companion{{When: []string{"cart/**"}, Then: []string{"docs/**"}, Or: "qa"}}
			})
			w.signs("qa", lee)
		}, gate.Ready, ""},
		{"the documentation is not signed off", func(w *world) {
			w.under(func(p *Policy) { withQA(p); p.Signoffs = map[string]Signoff{"documentation": {Role: "QA"}} })
		}, gate.Waiting, "action communication/docs signoff-missing"},

		{"a hotfix without its CDO", func(w *world) { w.Record.Type = gate.Hotfix; w.under(withCDO) }, gate.Waiting, "action decision/authorized authorization-missing"},
		{"the CDO approves a hotfix", func(w *world) {
			w.Record.Type = gate.Hotfix
			w.under(withCDO)
			w.says(gate.ChoiceGo, lee)
		}, gate.Ready, ""},
		{"a delegate approves a hotfix", func(w *world) {
			w.Record.Type = gate.Hotfix
			w.under(withCDO)
			w.says(gate.ChoiceGo, bob)
		}, gate.Ready, ""},
		{"the CDO's approval was for an earlier head", func(w *world) {
			w.Record.Type = gate.Hotfix
			w.under(withCDO)
			w.says(gate.ChoiceGo, lee).For.HeadSHA = oldHead
		}, gate.Waiting, "action decision/authorized stale-go"},
		{"a routine change asks no CDO", func(w *world) { w.Record.Type = gate.Routine; w.under(withCDO) }, gate.Ready, ""},
		{"no type where approval goes by type", func(w *world) { w.under(withCDO) }, gate.Waiting, "action decision/authorized type-missing"},
		{"the approving role has nobody", func(w *world) {
			w.Record.Type = gate.Hotfix
			w.under(func(p *Policy) { withCDO(p); p.Roles["CDO"] = Role{} })
		}, gate.Waiting, "action decision/authorized role-empty"},
		{"the CDO approves at low, where nobody else is asked", func(w *world) {
			w.low()
			w.Record.Type = gate.Hotfix
			w.under(withCDO)
			w.decisions = nil
		}, gate.Waiting, "action decision/authorized authorization-missing"},
		{"a high hotfix still needs a panel of two", func(w *world) {
			w.high()
			w.Record.Type, w.Record.DecisionOwner = gate.Hotfix, gate.Owner{User: "bob"}
			w.under(withCDO)
			w.decisions = nil
			w.says(gate.ChoiceGo, bob)
		}, gate.Waiting, "action decision/authorized panel-short"},

		{"the pinned App has reported", func(w *world) { w.under(func(p *Policy) { p.Checks.Apps = map[string]int{"build": 15368} }) }, gate.Ready, ""},
		{"another App has reported", func(w *world) { w.under(func(p *Policy) { p.Checks.Apps = map[string]int{"build": 7} }) }, gate.Waiting, "action code/checks ci-missing"},
		{"a commit status took the pinned name", func(w *world) {
			w.under(func(p *Policy) { p.Checks.Required, p.Checks.Apps = []string{"build"}, map[string]int{"build": 15368} })
			w.checks.Value = []gate.Check{{ID: 1, Name: "build", Status: true, State: "success"}}
		}, gate.Waiting, "action code/checks ci-missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			tt.change(w)
			ev := w.judge()
			got := codes(ev)
			begin, more := strings.CutSuffix(tt.codes, "…")
			if ev.Verdict != tt.want || !strings.HasPrefix(got+"\n", begin) || !more && got != begin {
				t.Errorf("verdict %s, want %s\nblockers:\n%s\nwant:\n%s", ev.Verdict, tt.want, got, tt.codes)
			}
			checkEvaluation(t, ev)
		})
	}
}

// drilled adds the drill with all items but one ticked, and lets it block.
func (w *world) drilled(open int) {
	for i, item := range drillItems {
		w.Record.Drill = append(w.Record.Drill, gate.DrillItem{Text: item.text, Done: i != open})
	}
	w.under(blocking("operational/drill"))
}

// tracks names an item in the record and lets the tracker block.
func (w *world) tracks(ref gate.TrackerRef, item gate.TrackerItem) {
	w.items = map[gate.TrackerRef]gate.Reading[gate.TrackerItem]{ref: read(item)}
	w.under(blocking("operational/tracker"))
	w.fills(gate.FieldTracker, "#3")
}

func TestWindowsFollowTheClockOnTheWall(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v.UTC()
	}
	p := BuiltIn()
	p.Zone = "Europe/Berlin"
	p.Windows = []Window{{Days: []string{"sun", "mon"}, From: "01:30", To: "03:30"}, {Days: []string{"mon"}, From: "03:30", To: "05:00"}}
	p.Freezes = []Freeze{{Name: "f", From: "2026-11-01", To: "2026-11-01"}}
	c, err := p.calendar()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, now string
		shut      bool
		edge      string
	}{
		{"the night in which an hour is missing", "2026-03-29T00:31:00Z", false, "2026-03-29T01:30:00Z"},
		{"before it", "2026-03-28T12:00:00Z", true, "2026-03-29T00:30:00Z"},
		{"the night in which an hour is twice", "2026-10-25T01:45:00Z", false, "2026-10-25T02:30:00Z"},
		{"windows that touch are one", "2026-03-30T00:00:00Z", false, "2026-03-30T03:00:00Z"},
		{"a freeze covers a window", "2026-10-31T23:30:00Z", true, "2026-11-02T00:30:00Z"},
	}
	for _, tt := range tests {
		_, shut := c.shut(at(tt.now))
		edge := c.shuts(at(tt.now))
		if shut {
			edge, _ = c.opens(at(tt.now))
		}
		if shut != tt.shut || !edge.Equal(at(tt.edge)) {
			t.Errorf("%s: shut %t until %s, want %t until %s", tt.name, shut, edge.UTC().Format(time.RFC3339), tt.shut, tt.edge)
		}
		if _, after := c.shut(edge); after == shut {
			t.Errorf("%s: nothing changes at the edge", tt.name)
		}
	}
	if got := moment(at("2026-03-05T08:00:00Z"), at("2026-03-05T01:00:00Z"), c.zone); got != "2026-03-05 08:00 UTC (Thu 09:00 Europe/Berlin), in 7 h" {
		t.Errorf("a moment is told as %q", got)
	}
}

func TestEvaluationWakesAtTheEdge(t *testing.T) {
	w := fine()
	w.under(berlin("09:00", "16:00"))
	if ev := w.judge(); !ev.Again.Equal(time.Date(2026, 3, 4, 15, 0, 0, 0, time.UTC)) {
		t.Errorf("open: again at %s", ev.Again)
	}
	w.under(berlin("09:00", "13:00"))
	if ev := w.judge(); !ev.Again.Equal(time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("shut: again at %s", ev.Again)
	}
}

func TestWhatAnOrganisationMayNotWrite(t *testing.T) {
	tests := []struct{ name, file, says string }{
		{"a sign-off of nobody", "signoffs: {qa: {role: QA}}", `line 1, column 17: signoffs.qa.role: "QA" is no role of the policy`},
		{"a sign-off in capitals", "signoffs: {QA: {role: release manager}}", "small letters"},
		{"a sign-off from nowhere", "signoffs: {qa: {role: release manager, from: big}}", "low, medium, high"},
		{"a component without paths", "components: {cart: []}", "list the paths"},
		{"two components that read the same", "components: {a-b: [x], a b: [y]}", "read the same"},
		{"a companion without a when", "companions: [{then: [x]}]", "say which paths ask"},
		{"a companion without a then", "companions: [{when: [x]}]", "say which paths change too"},
		{"a companion with an unknown sign-off", "companions: [{when: [x], then: [y], or: qa}]", "declare it under signoffs"},
		{"a zone that is none", "zone: Europe/Berlyn", "is no time zone"},
		{"the machine's own zone", "zone: Local", "is no time zone"},
		{"a window without days", "windows: [{from: \"09:00\", to: \"10:00\"}]", "on which days"},
		{"a window on a day that is none", "windows: [{days: [mo], from: \"09:00\", to: \"10:00\"}]", "windows[0].days[0]"},
		{"a window that passes midnight", "windows: [{days: [mon], from: \"22:00\", to: \"02:00\"}]", "passes midnight is two"},
		{"a window at half past", "windows: [{days: [mon], from: \"9\", to: \"10:00\"}]", "is no time of day"},
		{"a freeze that ends before it begins", "freezes: [{from: 2026-02-02, to: 2026-02-01}]", "before it begins"},
		{"a freeze without an end", "freezes: [{from: 2026-02-02}]", "freezes[0].to"},
		{"an exception by nobody", "exceptions: CDO", "is no role"},
		{"an authorization of a type that is none", "authorization: [{types: [hot-fix], approve: [release manager]}]", `did you mean "hotfix"`},
		{"an authorization by nobody", "authorization: [{types: [hotfix]}]", "say who approves"},
		{"an authorization by a role that is none", "authorization: [{approve: [CDO]}]", "authorization[0].approve[0]"},
		{"a delegate that is none", "roles: {CDO: {users: [a], delegates: [x]}}", "roles.CDO.delegates[0]"},
		{"a role that is its own delegate", "roles: {CDO: {users: [a], delegates: [CDO]}}", "its own delegate"},
		{"a monitoring window in words", "monitoring: {hotfix: long}", "24h or 90m"},
		{"a tracker that is none", "tracker: {kind: jira}", "github, monday, none"},
		{"a tracker without an owner", "tracker: {repositories: [shop]}", "owner/name"},
		{"an App that is none", "checks: {apps: {build: 0}}", "no App's id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(Path, []byte(tt.file))
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "line 1, column ") {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}

func TestDelegatesMayGoInCircles(t *testing.T) {
	p := BuiltIn()
	p.Roles["a"], p.Roles["b"] = Role{Delegates: []string{"b"}}, Role{Delegates: []string{"a"}}
	if some := p.anybody(fine(), "a"); !some.Known || some.Value {
		t.Errorf("roles that only name each other have somebody: %+v", some)
	}
	if holds := p.Authority(fine(), "a", dana); !holds.Known || holds.Value {
		t.Errorf("somebody holds an empty role: %+v", holds)
	}
}

func TestWhoIsTold(t *testing.T) {
	w := fine()
	w.Record.Type = gate.Hotfix
	w.under(withCDO)
	if ev := w.judge(); len(ev.Notify) != 1 || ev.Notify[0].Channel != "#x" || ev.Notify[0].Roles[0] != "deputy" {
		t.Errorf("told: %+v", ev.Notify)
	}
}
