package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gonogo/config"
	"gonogo/internal/gate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// shipped lists all policy files that ship with Gonogo.
func shipped(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{"policy.yml": config.Policy}
	names, err := fs.Glob(config.Examples, "examples/*.yml")
	if err != nil || len(names) != 6 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if files[filepath.Base(name)], err = config.Examples.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func example(t *testing.T, name string) *Policy {
	t.Helper()
	p, err := Parse(name, shipped(t)[name])
	if err != nil {
		t.Fatal(name, err)
	}
	return p
}

func TestShippedPoliciesFitTheSchema(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("policy.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	holds := func(file []byte) error {
		var value any
		if err := yaml.Unmarshal(file, &value); err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		value, err = jsonschema.UnmarshalJSON(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	for name, file := range shipped(t) {
		if err := holds(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := holds([]byte("enforce: {approvals: {high: 3}}")); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"aproval: {high: 3}", "approvals: {high: lots}", "ask: often", "enforce: {enforce: {}}", "requirements: {code/nothing: {blocks: low}}", "windows: [{days: [monday]}]"} {
		if holds([]byte(wrong)) == nil {
			t.Errorf("the schema lets %q pass", wrong)
		}
	}
	for key, said := range map[string]string{"approvals": "How many approvals", "solo": "One person alone", "floors": "The lowest risk class"} {
		if !strings.Contains(commentOf(key), said) {
			t.Errorf("%s: %q", key, commentOf(key))
		}
	}
}

// The pages that explain prints are golden files: they are read by people.
func TestExplanations(t *testing.T) {
	tests := []struct {
		golden, file string
		c            Case
	}{
		{"builtin-high-hotfix", "policy.yml", Case{Class: gate.High, Type: gate.Hotfix, Paths: []string{"billing/**"}}},
		{"builtin-low-raised", "policy.yml", Case{Class: gate.Low, Paths: []string{"internal/auth/session.go"}}},
		{"minimal", "minimal.yml", Case{Class: gate.Medium, Type: gate.Routine}},
		{"solo", "solo.yml", Case{Class: gate.High, Type: gate.Routine}},
		{"trunk-every-class", "trunk.yml", Case{}},
		{"sop-high-hotfix", "sop.yml", Case{Class: gate.High, Type: gate.Hotfix, Paths: []string{"billing/**"}}},
		{"sop-pricing", "sop.yml", Case{Class: gate.Medium, Type: gate.CustomerFacing, Paths: []string{"pricing/page.html"}}},
		{"sop-routine-agents", "sop.yml", Case{Class: gate.Low, Type: gate.Routine, Paths: []string{"agents/seller/prompt.md"}}},
		{"sop-architectural", "sop.yml", Case{Class: gate.High, Type: gate.Architectural}},
		{"monday", "monday.yml", Case{Class: gate.Medium, Type: gate.Routine}},
		{"regulated-payments", "regulated.yml", Case{Class: gate.Medium, Type: gate.Routine, Paths: []string{"payments/**"}}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			got := Explain(example(t, tt.file), tt.c)
			name := filepath.Join("..", "..", "testdata", "explain", tt.golden+".txt")
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs; run: make golden\n%s", name, got)
			}
		})
	}
}

// What each example promises, in the words of those who use it.
func TestExamplesSayWhatTheyPromise(t *testing.T) {
	hotfix, routine := gate.Hotfix, gate.Routine
	tests := []struct {
		file, promise string
		c             Case
		says          string // in the page
		not           string
	}{
		{"minimal.yml", "build and test are green", Case{Class: gate.Low}, "green on the head commit: build and test", ""},
		{"minimal.yml", "a low change needs nobody's go", Case{Class: gate.Low}, "needs an approval.", "a /go from a release manager"},
		{"solo.yml", "nobody is asked to approve", Case{Class: gate.High}, "needs no approval", "go/no-go panel"},
		{"solo.yml", "the author decides while alone", Case{Class: gate.Medium}, "the author's own /go counts while nobody else has write access", ""},
		{"trunk.yml", "small changes flow", Case{Class: gate.Medium}, "needs an approval.", "a /go from a release manager"},
		{"trunk.yml", "infrastructure is high", Case{Class: gate.Low, Paths: []string{"infra/net.tf"}}, "It is high even if it is declared low", ""},
		{"trunk.yml", "nothing goes out on a Friday night", Case{Class: gate.Low}, "only on fri from 08:00 to 12:00 (Europe/Berlin)", ""},
		{"sop.yml", "the CDO authorizes a routine release", Case{Class: gate.Low, Type: routine}, "a /go from CDO", "CEO"},
		{"sop.yml", "the CEO hears of a multi-feature release", Case{Class: gate.Medium, Type: gate.MultiFeature}, "CEO in #exec-checkins", "a /go from CEO"},
		{"sop.yml", "the CDO approves a hotfix and the CEO hears of it at once", Case{Class: gate.High, Type: hotfix}, "a /go from CDO and 1 more /go from a release manager, and tells CEO in #exec-checkins", ""},
		{"sop.yml", "the CMO and the CEO confirm a pricing page", Case{Class: gate.Low, Type: routine, Paths: []string{"pricing/index.html"}}, "a /go from CMO and a /go from CEO", ""},
		{"sop.yml", "the CRO hears of what customers see", Case{Class: gate.Low, Type: gate.CustomerFacing}, "CRO in #exec-checkins", ""},
		{"sop.yml", "every release is told in #agent-handoffs", Case{Class: gate.Low, Type: routine}, "#agent-handoffs", ""},
		{"sop.yml", "SEV1 and SEV2 both block", Case{Class: gate.Low}, "no open issue with the label SEV1 or SEV2 (code/severity)", ""},
		{"sop.yml", "QA signs off", Case{Class: gate.Low}, "/signoff qa from QA (code/qa)", ""},
		{"sop.yml", "documentation is signed off", Case{Class: gate.Low}, "/signoff documentation from documentation", ""},
		{"sop.yml", "agent contracts change with the agents", Case{Class: gate.Low, Paths: []string{"agents/a.md"}}, "comes with a change of the agent contracts", ""},
		{"sop.yml", "SOPs change with the workflows", Case{Class: gate.Low, Paths: []string{"workflows/a.yml"}}, "comes with a change of the SOPs", ""},
		{"sop.yml", "the README changes with the external surface", Case{Class: gate.Low, Paths: []string{"api/v1.go"}}, "the README or the integration guide", ""},
		{"sop.yml", "a standard release is watched for a day", Case{Class: gate.Low, Type: routine}, "for 24h at least (operational/monitoring)", ""},
		{"sop.yml", "a hotfix for four hours", Case{Class: gate.Low, Type: hotfix}, "for 4h at least", ""},
		{"sop.yml", "an architectural release for two days", Case{Class: gate.High, Type: gate.Architectural}, "for 48h at least", ""},
		{"sop.yml", "tracker items are done with a note", Case{Class: gate.Low}, "(operational/tracker)", ""},
		{"sop.yml", "the rollback plan is written down", Case{Class: gate.Low}, "(operational/rollback-plan)", ""},
		{"monday.yml", "items of Monday.com are done with a note", Case{Class: gate.Low}, "every item of Monday.com that the record lists is Done or Released, with a completion note (operational/tracker)", ""},
		{"regulated.yml", "nothing is advice", Case{Class: gate.Low}, "2 approvals", "without blocking"},
		{"regulated.yml", "compliance decides about payments", Case{Class: gate.Medium, Paths: []string{"payments/a.go"}}, "a /go from compliance", ""},
		{"regulated.yml", "bots are nobody", Case{Class: gate.Low}, "(code/qa)", "updates of dependencies"},
		{"regulated.yml", "the year's end is frozen", Case{Class: gate.Low}, "not in the freeze year's end", ""},
	}
	for _, tt := range tests {
		t.Run(tt.file+": "+tt.promise, func(t *testing.T) {
			page := Explain(example(t, tt.file), tt.c)
			if !strings.Contains(page, tt.says) || tt.not != "" && strings.Contains(page, tt.not) {
				t.Error(page)
			}
		})
	}
}

// Every requirement is switched on at low by the policy that has everything on.
func TestRegulatedHasEverythingOn(t *testing.T) {
	p := example(t, "regulated.yml")
	for _, id := range Requirements() {
		if !p.blocks(id, gate.Low) {
			t.Errorf("%s does not block at low", id)
		}
	}
}

func TestAllErrorsOfAFileAreTold(t *testing.T) {
	_, faults := Check(File{Name: Path, Data: []byte("aproval: {high: 3}\ngo: {high: lots}\nexempt:\n  - {name: x}\nzone: UTC\nenforce:\n  ask: often\n  solo: maybe\n")})
	var lines []int
	for _, e := range faults {
		lines = append(lines, e.Line)
	}
	if len(lines) != 5 || lines[0] != 1 || lines[1] != 2 || lines[2] != 4 || lines[3] != 7 || lines[4] != 8 {
		t.Errorf("%v: %v", lines, faults)
	}
	if _, faults := Check(File{Name: Path, Data: config.Policy}); len(faults) > 0 {
		t.Error(faults[0])
	}
	if _, faults := Check(File{Name: Path, Data: []byte("go: [")}); len(faults) != 1 {
		t.Error(faults)
	}
}
