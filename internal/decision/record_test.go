package decision_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gonogo/internal/decision"
	"gonogo/internal/gate"
)

var update = flag.Bool("update", false, "rewrite the .want files")

const records = "../../testdata/record/"

func bodies(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(records + dir + "/*.md")
	if err != nil || len(names) == 0 {
		t.Fatalf("no bodies in %s: %v", dir, err)
	}
	return names
}

func read(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// golden compares got with the file beside a body.
func golden(t *testing.T, body, got string) {
	t.Helper()
	name := strings.TrimSuffix(body, ".md") + ".want"
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, name), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func recordText(t *testing.T, r gate.Record) string {
	t.Helper()
	text, err := json.MarshalIndent(decision.NewReport(r).Record, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "line %d %s\n", r.Line, text)
	for _, f := range gate.Fields {
		if v, ok := r.More[f]; ok {
			fmt.Fprintf(&b, "%s: %q\n", f, v)
		}
	}
	for _, o := range r.Panel {
		fmt.Fprintf(&b, "panel: %s\n", o)
	}
	for _, d := range r.Drill {
		fmt.Fprintf(&b, "drill: %t %s\n", d.Done, d.Text)
	}
	return b.String()
}

func TestCompleteRecordsAreSilent(t *testing.T) {
	for _, name := range bodies(t, "ok") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			r := decision.Parse(read(t, name))
			for _, p := range r.Problems {
				t.Errorf("%d:%d: %s %s: %s", p.Line, p.Column, p.Severity, p.Code, gate.PlainText(p.Message))
			}
			if !decision.Ready(r) {
				t.Error("not ready")
			}
			golden(t, name, recordText(t, r))
		})
	}
}

func TestProblems(t *testing.T) {
	for _, name := range bodies(t, "err") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			r := decision.Parse(read(t, name))
			var b strings.Builder
			fmt.Fprintf(&b, "found %t, ready %t\n", r.Found, decision.Ready(r))
			for _, p := range r.Problems {
				fmt.Fprintf(&b, "%d:%d: %s: %s: %s\n    %s\n", p.Line, p.Column, p.Severity, p.Code,
					gate.PlainText(p.Message), gate.PlainText(p.Fix))
			}
			if len(r.Problems) == 0 {
				t.Error("no problem was found")
			}
			golden(t, name, b.String())
		})
	}
}

func TestThereAreEnoughBodies(t *testing.T) {
	if n := len(bodies(t, "ok")) + len(bodies(t, "err")); n < 70 {
		t.Errorf("%d bodies, want 70", n)
	}
}

// hasCode returns the problems of a record with one of the codes.
func hasCode(r gate.Record, codes ...string) bool {
	for _, p := range r.Problems {
		for _, code := range codes {
			if p.Code == code {
				return true
			}
		}
	}
	return false
}
