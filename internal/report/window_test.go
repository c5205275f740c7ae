package report_test

import (
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/report"
)

func TestAuthorizedBy(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	said := func(choice gate.Choice, login string, counts bool) gate.Standing {
		return gate.Standing{Counts: counts, PersonDecision: gate.PersonDecision{
			Choice: choice, User: gate.User{ID: 1, Login: login}, At: at, For: gate.Binding{HeadSHA: "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"},
		}}
	}
	ev := gate.Evaluation{Verdict: gate.Ready, Decisions: []gate.Standing{
		said(gate.ChoiceGo, "dana", true), said(gate.ChoiceGo, "lee", false), said(gate.ChoiceNoGo, "sam", false),
	}}
	const trailer = "Release-Authorized-By: @dana (GO on 9f8e7d6, 2026-03-02T09:30:00Z)"
	text := report.Check([]gate.Evaluation{ev}, report.Options{Name: "release-readiness"}).Text
	if !strings.Contains(text, "\n"+trailer+"\n") || strings.Count(text, "Release-Authorized-By") != 1 {
		t.Errorf("the check does not give the trailer:\n%s", text)
	}
	ev.Verdict, ev.Status = gate.NotReady, gate.Fail
	if text := report.Check([]gate.Evaluation{ev}, report.Options{Name: "release-readiness"}).Text; strings.Contains(text, "Release-Authorized-By") {
		t.Errorf("what is not READY is authorized:\n%s", text)
	}
}

func TestWindow(t *testing.T) {
	opened := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	m := gate.Monitoring{Opened: opened, Ends: opened.Add(24 * time.Hour), Smoke: gate.SmokePassed, Watchers: []string{"@lee watches **errors** for 24 h"}}
	says := func(want ...string) {
		t.Helper()
		text := report.Window(&m)
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("it does not say %q:\n%s", part, text)
			}
		}
	}
	says("Smoke test: PASS", "open until 2026-03-03T09:30:00Z", "`@lee watches **errors** for 24 h`", "Not watched so far", "Findings: none")
	m.Closed = m.Ends.Add(6 * time.Hour)
	m.Findings = []gate.WindowFinding{{Issue: 8, Label: "SEV1", Title: "checkout fails @everyone", At: opened.Add(time.Hour)}}
	says("closed at 2026-03-03T15:30:00Z", "Not watched: nobody confirmed", "`SEV1` #8 `checkout fails @everyone`")
	m.Watched = []gate.WindowWatch{{User: gate.User{Login: "lee"}, Note: "all quiet", At: opened.Add(time.Hour)}}
	says("Watched by `@lee` at 2026-03-02T10:30:00Z: `all quiet`")
	if report.Window(nil) != "" {
		t.Error("what is not live has a window")
	}
}
