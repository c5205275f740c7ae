package gate

import (
	"strings"
	"testing"
	"time"
)

func TestQuoteKeepsWhatAReaderSees(t *testing.T) {
	tests := []struct{ name, in, plain string }{
		{"plain words", "cart and checkout", "'cart and checkout'"},
		{"white space is folded", "  a\r\n\t b\u00a0c ", "'a b c'"},
		{"bidi overrides and zero-width characters go", "GO\u202e\u200b\u2066x\u2069", "'GOx'"},
		{"an isolate cannot end the quotation", "a\u2069 READY \u2068b", "'a READY b'"},
		{"long values are cut", strings.Repeat("é", 300), "'" + strings.Repeat("é", 200) + "…'"},
		{"nothing", "", "''"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := PlainText(Quote(tt.in)); got != tt.plain {
				t.Errorf("got %q, want %q", got, tt.plain)
			}
		})
	}
}

func TestMapTextTellsOursFromTheirs(t *testing.T) {
	got := MapText("a "+Quote("b")+" c"+Quote("d"), strings.ToUpper, func(s string) string { return "[" + s + "]" })
	if got != "A [b] C[d]" {
		t.Errorf("got %q", got)
	}
	if got := MapText("open \u2068never closed", strings.ToUpper, func(s string) string { return "[" + s + "]" }); got != "OPEN [never closed]" {
		t.Errorf("got %q", got)
	}
}

func someRecord() Record {
	return Record{
		Found: true, Scope: "cart", Class: Medium, Type: Routine,
		Gates:         map[Gate]Mark{Code: MarkPass, Review: MarkPass, Operational: MarkPass, Communication: MarkPass, Decision: MarkPass},
		ResidualRisks: []string{"slow", "odd"}, Trigger: "5xx > 1 %", RollbackOwner: Owner{User: "lee"}, DecisionOwner: Owner{User: "dana"},
		Decision: ChoiceGo, Timestamp: time.Unix(1, 0), More: map[Field]string{FieldRehearsal: "done in 4 min", FieldReleaseNote: "x"},
		Drill: []DrillItem{{Text: "rollback works", Done: true}},
	}
}

func TestTerms(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Record)
		field  Field // the first that changed; "" for none
	}{
		{"nothing", func(*Record) {}, ""},
		{"the scope", func(r *Record) { r.Scope = "checkout" }, FieldScope},
		{"the class", func(r *Record) { r.Class = Low }, FieldClass},
		{"the type", func(r *Record) { r.Type = Hotfix }, FieldType},
		{"a gate's mark", func(r *Record) { r.Gates[Code] = MarkFail }, FieldCodeGates},
		{"a gate's mark is taken out", func(r *Record) { delete(r.Gates, Review) }, FieldReviewGates},
		{"the trigger is blanked", func(r *Record) { r.Trigger = "" }, FieldTrigger},
		{"the rollback owner", func(r *Record) { r.RollbackOwner = Owner{User: "bob"} }, FieldRollbackOwner},
		{"a user becomes a team", func(r *Record) { r.RollbackOwner = Owner{Team: "acme/lee"} }, FieldRollbackOwner},
		{"the decision owner", func(r *Record) { r.DecisionOwner = Owner{Name: "release manager"} }, FieldDecisionOwner},
		{"a residual risk", func(r *Record) { r.ResidualRisks = []string{"slow"} }, FieldResidualRisks},
		{"the rehearsal", func(r *Record) { r.More[FieldRehearsal] = "done in 40 min" }, FieldRehearsal},
		{"the panel", func(r *Record) { r.More[FieldPanel] = "@dana" }, FieldPanel},
		{"a drill item's text", func(r *Record) { r.Drill[0].Text = "nothing" }, FieldDrill},

		{"the order of risks", func(r *Record) { r.ResidualRisks = []string{"odd", "slow"} }, ""},
		{"white space and case", func(r *Record) { r.Scope = "  Cart " }, ""},
		{"the decision", func(r *Record) { r.Decision = ChoiceNoGo }, ""},
		{"the timestamp", func(r *Record) { r.Timestamp = time.Unix(2, 0) }, ""},
		{"the decision gate's mark", func(r *Record) { r.Gates[Decision] = MarkFail }, ""},
		{"the release note", func(r *Record) { r.More[FieldReleaseNote] = "y" }, ""},
		{"a drill tick", func(r *Record) { r.Drill[0].Done = false }, ""},
	}
	before := someRecord().Terms()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := someRecord()
			tt.change(&r)
			changed := before.Changed(r.Terms())
			if tt.field == "" && (len(changed) > 0 || r.Terms().Hash() != before.Hash()) {
				t.Errorf("changed: %v", changed)
			}
			if tt.field != "" && (len(changed) != 1 || changed[0] != tt.field || r.Terms().Hash() == before.Hash()) {
				t.Errorf("changed: %v, want %s", changed, tt.field)
			}
		})
	}
}

// Whatever a record holds is bound, or left out on purpose.
func TestEveryFieldIsBoundOrLeftOut(t *testing.T) {
	left := map[Field]bool{FieldGates: true, FieldDecision: true, FieldTimestamp: true}
	for _, f := range unboundFields {
		left[f] = true
	}
	r := someRecord()
	for _, f := range Fields {
		if !left[f] && r.Terms()[f] == "" {
			r.More[f] = "something"
		}
	}
	for _, f := range Fields {
		if _, bound := r.Terms()[f]; bound == left[f] {
			t.Errorf("%s: bound %v", f, bound)
		}
	}
}

func TestWordsRoundTrip(t *testing.T) {
	for _, c := range Classes {
		if ParseClass(c.String()) != c {
			t.Errorf("class %v", c)
		}
	}
	for _, rt := range ReleaseTypes {
		if ParseReleaseType(string(rt)) != rt {
			t.Errorf("type %v", rt)
		}
	}
	for p := PermissionNone; p <= PermissionAdmin; p++ {
		if got, ok := ParsePermission(p.String()); !ok || got != p {
			t.Errorf("permission %v", p)
		}
	}
	if _, ok := ParsePermission("release-captain"); ok {
		t.Error("a custom role is taken for a standard one")
	}
	if ParseClass("") != Undeclared || Undeclared.OrHigh() != High || Low.OrHigh() != Low {
		t.Error("an undeclared class is not judged as high")
	}
	for _, s := range Statuses {
		if s.String() == "" || s.Blocks() != (s >= Pending) {
			t.Errorf("status %d", s)
		}
	}
}

func TestRequirementsKnowTheirGate(t *testing.T) {
	for r, want := range map[Requirement]Gate{
		"code/checks": Code, "review/approvals": Review, "operational/rehearsal": Operational,
		"communication/docs": Communication, "decision/veto": Decision, "risk/floor": Decision, "codex": Decision,
	} {
		if got := r.Gate(); got != want {
			t.Errorf("%s: %s, want %s", r, got, want)
		}
	}
}

func TestUnverifiable(t *testing.T) {
	now := time.Unix(100_000, 0)
	for name, tt := range map[string]struct {
		ev   Evaluation
		want bool
	}{
		"all was read":         {Evaluation{At: now}, false},
		"since a moment":       {Evaluation{At: now, UnverifiedSince: now.Add(-time.Minute)}, false},
		"since a quarter hour": {Evaluation{At: now, UnverifiedSince: now.Add(-EvidencePatience)}, true},
		"gave up":              {Evaluation{At: now, GaveUp: true}, true},
	} {
		if got := tt.ev.Unverifiable(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
