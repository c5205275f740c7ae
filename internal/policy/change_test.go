package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonogo/config"
	"gonogo/internal/gate"
)

// first is a pull request by kim that adds the first policy file and nothing
// else: without a record, an approval or a /go.
func first() *world {
	w := fine()
	w.Record, w.decisions, w.reviews = gate.Record{}, nil, read([]gate.ReviewOf(nil))
	w.files = read([]gate.File{{Path: Path, Status: "added"}})
	w.Change = ChangeFirst
	return w
}

func TestFirstPolicy(t *testing.T) {
	admin := func(w *world, u gate.User) {
		w.perms[u.Login] = read(gate.PermissionAdmin)
		w.says(gate.ChoiceGo, u)
	}
	tests := []struct {
		name   string
		change func(*world)
		want   gate.Verdict
		codes  string
	}{
		{"nobody has decided", func(*world) {}, gate.Waiting, "action decision/authorized go-missing"},
		{"an administrator has", func(w *world) { w.says(gate.ChoiceGo, sam) }, gate.Ready, ""},
		{"the author has, an administrator", func(w *world) { admin(w, kim) }, gate.Ready, ""},
		{"a maintainer has", func(w *world) { w.says(gate.ChoiceGo, dana) }, gate.Waiting, "action decision/authorized authority-lost"},
		{"whether they administer cannot be read", func(w *world) {
			w.says(gate.ChoiceGo, sam)
			w.perms["sam"] = unreadable[gate.Permission](gate.CauseFault)
		}, gate.NotVerified, "unknown decision/authorized github-down"},
		{"an administrator decided on an earlier head", func(w *world) { w.says(gate.ChoiceGo, sam).For.HeadSHA = oldHead }, gate.Waiting, "action decision/authorized stale-go"},
		{"somebody vetoes it", func(w *world) { w.says(gate.ChoiceGo, sam); w.says(gate.ChoiceNoGo, dana) }, gate.NotReady, "fail decision/veto nogo-stands"},
		{"CI is red", func(w *world) { w.says(gate.ChoiceGo, sam); w.checks.Value[0].State = "failure" }, gate.NotReady, "fail code/checks ci-failed"},
		{"a required check is missing", func(w *world) {
			w.says(gate.ChoiceGo, sam)
			w.required = read([]gate.RequiredCheck{{Name: "lint"}})
		}, gate.Waiting, "action code/checks ci-missing"},
		{"there is no CI", func(w *world) { w.says(gate.ChoiceGo, sam); w.checks = read([]gate.Check(nil)) }, gate.Ready, ""},
		{"it holds a credential", func(w *world) {
			w.says(gate.ChoiceGo, sam)
			w.leaks = read(gate.LeakScan{Leaks: []gate.Leak{{Rule: "x", Path: Path}}})
		}, gate.NotReady, "fail code/secrets secret-found"},
		{"its record says NO-GO", func(w *world) {
			w.Record = fine().Record
			w.Record.Problems = []gate.Problem{{Severity: gate.Error, Code: "no-go", Field: gate.FieldDecision, Message: "the record says NO-GO", Fix: "write GO"}}
			w.says(gate.ChoiceGo, sam)
		}, gate.NotReady, "fail decision/record no-go"},
		{"it touches something else", func(w *world) {
			w.says(gate.ChoiceGo, sam)
			w.files.Value = append(w.files.Value, gate.File{Path: "cart/total.go"})
		}, gate.Waiting, "action decision/record no-block\naction review/approvals approvals-missing"},
		{"its files cannot be read", func(w *world) {
			w.says(gate.ChoiceGo, sam)
			w.files = unreadable[[]gate.File](gate.CauseFault)
		}, gate.Waiting, "action decision/record no-block\naction review/approvals approvals-missing\nunknown risk/floor github-down"},
		{"the organization enforces approvals", func(w *world) { w.Policy.Enforced = []string{"approvals"}; w.says(gate.ChoiceGo, sam) }, gate.Waiting, "action decision/record no-block\naction review/approvals approvals-missing"},
		{"the organization enforces what severe issues stop", func(w *world) {
			w.Policy.Enforced = []string{"severity"}
			w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "payments are down"}})
			w.says(gate.ChoiceGo, sam)
		}, gate.NotReady, "fail code/severity severe-issue"},
		{"the organization enforces a freeze that is over", func(w *world) { w.Policy.Enforced = []string{"freezes"}; w.says(gate.ChoiceGo, sam) }, gate.Ready, ""},
		{"in a freeze", func(w *world) {
			w.Policy.Freezes = []Freeze{{From: "2026-03-04", To: "2026-03-04"}}
			w.says(gate.ChoiceGo, sam)
		}, gate.Waiting, "pending operational/window freeze"},
		{"a bot with admin says /go", func(w *world) { admin(w, bot) }, gate.Waiting, "action decision/authorized authority-lost"},
		{"the policy that was valid last comes back", func(w *world) { w.Change = ChangeBack; w.says(gate.ChoiceGo, sam) }, gate.Ready, ""},
		{"another change of the policy", func(w *world) { w.Change = ChangeRules; w.says(gate.ChoiceGo, sam) }, gate.Waiting, "action decision/record no-block\naction review/approvals approvals-missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := first()
			tt.change(w)
			ev := w.judge()
			got := codes(ev)
			if ev.Verdict != tt.want || got != tt.codes {
				t.Errorf("verdict %s, want %s\nblockers:\n%s\nwant:\n%s", ev.Verdict, tt.want, got, tt.codes)
			}
			checkEvaluation(t, ev)
		})
	}
}

func TestPolicyAloneLeavesOutWhatIsOfReleases(t *testing.T) {
	w := fine()
	w.high()
	delete(w.Record.More, gate.FieldRehearsal)
	w.under(blocking("operational/drill", "communication/escalation", "communication/stakeholders"))
	w.says(gate.ChoiceGo, sam)
	w.files = read([]gate.File{{Path: Path}})
	asked := codes(w.judge())
	for _, code := range []string{"rehearsal-missing", "drill-missing", "communication-missing"} {
		if !strings.Contains(asked, code) {
			t.Errorf("without knowing what it changes, %s is asked: %s", code, asked)
		}
	}
	w.Change = ChangeRules
	ev := w.judge()
	if ev.Verdict != gate.Ready {
		t.Errorf("%s: %s", ev.Verdict, codes(ev))
	}
	for _, r := range ev.Rows {
		if r.Gate == gate.Communication && (r.Comparison != gate.NotRequired || r.Reason != "nothing but the policy changes") {
			t.Errorf("%+v", r)
		}
	}
	w.Record.RollbackOwner = gate.Owner{}
	if got := codes(w.judge()); got == "" {
		t.Error("who rolls it back is not asked any more")
	}
	w = fine()
	w.high()
	w.under(blocking("operational/on-call", "operational/rollback-plan"))
	w.says(gate.ChoiceGo, sam)
	w.files, w.Change = read([]gate.File{{Path: Path}}), ChangeRules
	if got := codes(w.judge()); !strings.Contains(got, "on-call-missing") || !strings.Contains(got, "plan-missing") {
		t.Errorf("who is on call and how it is rolled back is not asked, which ruling 16 does not leave out: %s", got)
	}
	w.under(blocking("operational/drill"))
	w.Change, w.files.Value[0].Previous = ChangeRules, "cart/total.go"
	if got := codes(w.judge()); !strings.Contains(got, "drill-missing") {
		t.Error("a file that was renamed to the policy is more than the policy")
	}
}

func TestWhatIsAPolicyFile(t *testing.T) {
	shop, org := gate.Repository{Owner: "acme", Name: "shop"}, gate.Repository{Owner: "acme", Name: OrganizationRepo}
	own := gate.Repository{Owner: "kim", Name: OrganizationRepo, OwnerIsUser: true}
	shouted := gate.Repository{Owner: "acme", Name: ".GitHub"} // names ignore case: acme/.github is this one
	for _, tt := range []struct {
		repo gate.Repository
		path string
		want bool
	}{{shop, Path, true}, {shop, OrganizationPath, false}, {org, OrganizationPath, true}, {org, Path, true}, {own, OrganizationPath, false}, {shouted, OrganizationPath, true}, {shop, ".github/gonogo.yaml", false}} {
		if got := PolicyAlone(tt.repo, read([]gate.File{{Path: tt.path}})); got != tt.want {
			t.Errorf("%s in %s: %t", tt.path, tt.repo.FullName(), got)
		}
	}
	if PolicyAlone(shop, read([]gate.File(nil))) {
		t.Error("no file at all is a policy file")
	}
}

// What a lone person is given to commit is what config/examples/solo.yml says.
func TestSoloPolicyIsTheShippedExample(t *testing.T) {
	shipped, err := config.Examples.ReadFile("examples/solo.yml")
	if err != nil {
		t.Fatal(err)
	}
	want, wantErr := Parse(Path, shipped)
	got, gotErr := Parse(Path, []byte(soloPolicy))
	if wantErr != nil || gotErr != nil || want.Digest() != got.Digest() || want.Ask != got.Ask {
		t.Errorf("%v, %v", wantErr, gotErr)
	}
}

func TestWhoIsToldToWorkAlone(t *testing.T) {
	stuck := func(change func(*Policy)) gate.Finding {
		w := fine()
		w.reviews = read([]gate.ReviewOf(nil))
		w.perms = map[string]gate.Reading[gate.Permission]{"kim": read(gate.PermissionAdmin)}
		change(w.Policy)
		for _, f := range w.judge().Findings {
			if f.Code == "nobody-can-approve" {
				return f
			}
		}
		t.Fatal("it is not said that nobody can approve")
		return gate.Finding{}
	}
	if f := stuck(func(*Policy) {}); f.File != soloPolicy || !strings.Contains(f.Fix, "alone in a pull request that needs nobody but an administrator") {
		t.Errorf("%q %q", f.Fix, f.File)
	}
	if f := stuck(func(p *Policy) { p.Source = Path }); f.File != soloPolicy || strings.Contains(f.Fix, "nobody but an administrator") {
		t.Errorf("where there is a policy, changing it is promised to be easy: %q", f.Fix)
	}
	if f := stuck(func(p *Policy) { p.Enforced = []string{"approvals"} }); f.File != "" || strings.Contains(f.Fix, "works alone") {
		t.Errorf("solo is offered where it would not count: %q", f.Fix)
	}
	if f := stuck(func(p *Policy) { p.Enforced = []string{"floors"} }); f.File != "" || strings.Contains(f.Fix, "works alone") {
		t.Errorf("solo is offered where something else is enforced, and it would not count: %q", f.Fix)
	}
}

// What a first policy would change is told as these golden files say.
func TestPreviews(t *testing.T) {
	for _, name := range []string{"solo", "sop"} {
		after, err := Combine(nil, &File{Name: Path, Data: shipped(t)[name+".yml"]})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, c := range []Case{{Class: gate.High, Paths: []string{Path}}, {Class: gate.High, Type: gate.CustomerFacing, Paths: []string{"pricing/page.html"}}, {Class: gate.Low, Type: gate.Routine}} {
			comes, goes := Compare(BuiltIn(), after.Policy, c)
			b.WriteString("## " + c.opening(BuiltIn()) + "\n")
			for _, l := range comes {
				b.WriteString("comes: " + l + "\n")
			}
			for _, l := range goes {
				b.WriteString("goes: " + l + "\n")
			}
			b.WriteString(gate.PlainText(Proposed(BuiltIn(), after, nil, c).Fact) + "\n\n")
		}
		golden := filepath.Join("..", "..", "testdata", "preview", name+".txt")
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || b.String() != string(want) {
			t.Errorf("%s differs, or cannot be read (%v); make golden rewrites it:\n%s", golden, err, b.String())
		}
	}
}
