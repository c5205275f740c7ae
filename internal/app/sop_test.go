package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gonogo/config"
	"gonogo/internal/sandbox"
)

// sopWorld is a world under the shipped policy of the whole procedure, with the
// people of its roles.
func sopWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	yaml, err := config.Examples.ReadFile("examples/sop.yml")
	if err != nil {
		t.Fatal(err)
	}
	for slug, member := range map[string]string{
		"cdo": "cleo", "cdo-delegates": "devi", "ceo": "carl", "cmo": "mona", "cro": "rosa", "chief-staff": "chet",
		"code-platform": "cody", "qa": "quinn", "documentation": "wren",
	} {
		w.acme.Team(slug, member)
	}
	w.rules(string(yaml))
	return w
}

// sopRecord is a complete record under the procedure; more replaces lines or,
// with nothing behind the label, drops them.
func sopRecord(class, kind string, item int, more ...string) string {
	lines := []string{
		"### Release Decision",
		"- Release scope: cart",
		"- Release type: " + kind,
		"- Risk class: " + class,
		"- Gate results:",
		"  - code gates: pass",
		"  - review gates: pass",
		"  - operational gates: pass",
		"  - communication gates: pass",
		"  - decision gate: pass",
		"- Residual risks: none",
		"- Rollback trigger: checkout error rate > 2 % for 5 min",
		"- Rollback owner: @lee",
		"- Rollback plan: revert the merge commit, 10 min, @lee executes",
		"- Rollback rehearsal: staging, recovered in 6 min, no friction",
		"- Monitoring: @lee watches the checkout dashboard for 48 h",
		fmt.Sprintf("- Tracker items: #%d", item),
		"- What changed: totals are added up once",
		"- Known limitations: none",
		"- Monitoring focus: checkout errors in the first 30 minutes",
		"- Stakeholders: support and sales told on the day before",
		"- Escalation: #incidents, @lee",
		"- Release note: Totals are faster.",
		"- Documentation: README and SOPs are up to date",
		"- Go/no-go panel: @cleo, @devi",
		"- Final decision owner: @cleo",
		"- Decision: GO",
		"- Decision timestamp: 2026-01-02T03:04:05Z",
	}
	for _, m := range more {
		label, value, _ := strings.Cut(m, ":")
		for i, l := range lines {
			if !strings.HasPrefix(l, "- "+label+":") {
				continue
			}
			if value == "" {
				lines = append(lines[:i], lines[i+1:]...)
			} else {
				lines[i] = "- " + m
			}
			break
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func (w *world) sopItem() *sandbox.Issue {
	item := w.repo.OpenIssue("bob", "Totals are slow", "")
	item.Comment("bob", "Done: measured at 40 ms.")
	item.Close("bob")
	return item
}

// The routine release of the procedure, from nothing to READY, and then every
// line of its three gates taken away and given back.
func TestTheProcedureForARoutineRelease(t *testing.T) {
	w := sopWorld(t)
	item := w.sopItem()
	record := func(more ...string) string { return sopRecord("low", "routine", item.Number(), more...) }
	pr := w.repo.Open("kim", sandbox.Change{Title: "Faster totals", Branch: "faster", Body: record(), Files: map[string]string{"cart/total.go": "package cart\n"}})
	build := pr.Check("build", "success")
	v := w.shows(pr, "WAITING · ")
	says(t, v.Summary, "approvals-missing", "signoff-missing", "authorization-missing", "/signoff qa", "/signoff documentation")
	pr.Approve("lee")
	pr.Comment("quinn", "/signoff qa")
	pr.Comment("wren", "/signoff documentation")
	w.shows(pr, "WAITING · authorization-missing")
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head()) // a maintainer is nobody here: the CDO authorizes
	w.stays(pr, "WAITING · authorization-missing")
	pr.Comment("cleo", "/go "+pr.Head())
	v = w.shows(pr, "READY · low")
	says(t, v.Text, "`code.platform, chief.staff` in `#agent-handoffs`")

	var bug *sandbox.Issue
	edits := func(more ...string) func() { return func() { pr.Edit("kim", record(more...)) } }
	restored := edits()
	for _, line := range []struct {
		line, title, says string
		away, back        func()
	}{
		{"2 QA found a failure", "NOT READY · ci-failed", "build", func() { build.Complete("failure") }, func() { pr.Check("build", "success") }},
		{"2 an open SEV1", "NOT READY · severe-issue", "SEV1",
			func() { bug = w.repo.OpenIssue("lee", "Checkout is down", "", "SEV1") }, func() { bug.Close("lee") }},
		{"2 an open SEV2", "NOT READY · severe-issue", "SEV2",
			func() { bug = w.repo.OpenIssue("lee", "Checkout is slow", "", "SEV2") }, func() { bug.Close("lee") }},
		{"2 a tracker item that is open again", "WAITING · tracker-open", "Totals are slow", func() { item.Reopen("bob") }, func() { item.Close("bob") }},
		{"2 no tracker item", "WAITING · tracker-missing", "Tracker items", edits("Tracker items:"), restored},
		{"2 no rollback plan", "WAITING · plan-missing", "Rollback plan", edits("Rollback plan:"), restored},
		{"2 no monitoring window", "WAITING · monitoring-missing", "Monitoring", edits("Monitoring:"), restored},
		{"5 a monitoring window that is too short", "WAITING · monitoring-short", "24 h", edits("Monitoring: @lee watches checkout for 2 h"), restored},
		{"3 the CDO takes the authorization back", "NOT READY · nogo-stands", "@cleo",
			func() { pr.Comment("cleo", "/no-go numbers are off") }, func() { w.clock.advance(2 * time.Second); pr.Comment("cleo", "/go "+pr.Head()) }},
	} {
		t.Log(line.line) // shown when what follows fails
		line.away()
		says(t, w.shows(pr, line.title).Summary, line.says)
		w.quiet()
		line.back()
		w.shows(pr, "READY · low")
		w.quiet()
	}
}

// Who authorizes, by the table of the procedure.
func TestTheProceduresAuthorizationTable(t *testing.T) {
	for _, row := range []struct {
		name, class, kind, file string
		owner                   string
		needs                   []string // who must say /go, in this order
		told                    []string
	}{
		{"routine: the CDO", "low", "routine", "cart/total.go", "@cleo", []string{"cleo"}, []string{"`code.platform, chief.staff` in `#agent-handoffs`"}},
		{"a delegate stands in for the CDO", "low", "routine", "cart/total.go", "@devi", []string{"devi"}, nil},
		{"several features: the CDO, and the CEO is told", "medium", "multi-feature", "cart/total.go", "@cleo", []string{"cleo"}, []string{"`CEO` in `#exec-checkins`"}},
		{"architectural and high: the CDO and a delegate", "high", "architectural", "cart/total.go", "@cleo", []string{"devi", "cleo"}, []string{"`CEO` in `#exec-checkins`"}},
		{"a hotfix: the CDO, and the CEO is told", "medium", "hotfix", "cart/total.go", "@cleo", []string{"cleo"}, []string{"`CEO` in `#exec-checkins`"}},
		{"what customers see: the CMO and the CEO, and the CRO is told", "medium", "customer-facing", "cart/total.go", "@mona", []string{"carl", "mona"}, []string{"`CRO` in `#exec-checkins`"}},
		{"a pricing page: the CMO and the CEO, whatever its type", "medium", "customer-facing", "pricing/page.go", "@mona", []string{"mona", "carl"}, []string{"`CRO` in `#exec-checkins`"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := sopWorld(t)
			pr := w.repo.Open("kim", sandbox.Change{Title: "Faster totals", Branch: "faster", Files: map[string]string{row.file: "package x\n"},
				Body: sopRecord(row.class, row.kind, w.sopItem().Number(), "Final decision owner: "+row.owner)})
			pr.Check("build", "success")
			pr.Approve("lee")
			if row.class == "high" {
				pr.Approve("sam")
			}
			w.quiet() // a sign-off is for a head that was shown
			pr.Comment("quinn", "/signoff qa")
			pr.Comment("wren", "/signoff documentation")
			w.quiet()
			for _, who := range row.needs {
				if v := w.stays(pr, "WAITING · "); !strings.Contains(v.Summary, "/go") {
					t.Errorf("nobody is asked for a /go:\n%s", v.Summary)
				}
				pr.Comment(who, "/go "+pr.Head())
				w.quiet()
			}
			v := w.stays(pr, "READY · "+row.class)
			says(t, v.Text, row.told...)
		})
	}
}
