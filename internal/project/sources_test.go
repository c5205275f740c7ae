package project_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"gonogo/internal/gate"
	"gonogo/internal/policy"
)

// Every requirement and every test that docs/sources.md names exists; a line
// without a test is one that only a release can show.
func TestSourcesAreMet(t *testing.T) {
	tests := testNames(t)
	named := regexp.MustCompile("`(\\w+)`:|\\b(Test\\w+)")
	requirement := regexp.MustCompile("`((?:" + gates() + "|risk)/[a-z-]+)`")
	met := map[gate.Requirement]bool{}
	rows := 0
	for line := range strings.Lines(read(t, "docs/sources.md")) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], "---") || cells[2] == " met by " {
			continue
		}
		rows++
		for _, m := range requirement.FindAllStringSubmatch(cells[2], -1) {
			id := gate.Requirement(m[1])
			met[id] = true
			if !slices.Contains(policy.Requirements(), id) {
				t.Errorf("%s: there is no requirement %s", cells[1], id)
			}
		}
		pkg, found := "", 0
		for _, m := range named.FindAllStringSubmatch(cells[3], -1) {
			if m[1] != "" {
				pkg = "internal/" + m[1]
				continue
			}
			found++
			if !slices.Contains(tests[pkg], m[2]) {
				t.Errorf("%s: there is no test %s in %s", cells[1], m[2], pkg)
			}
		}
		if found == 0 && !strings.Contains(cells[2], "release lifecycle") {
			t.Errorf("%s: no test shows it", cells[1])
		}
	}
	if rows < 65 {
		t.Errorf("only %d lines of the sources are met", rows)
	}
	for _, id := range policy.Requirements() {
		if !met[id] && id != "decision/inputs" {
			t.Errorf("no line of the sources is met by %s", id)
		}
	}
}

// gates is a pattern of the gates' names.
func gates() string {
	names := make([]string, 0, len(gate.Gates))
	for _, g := range gate.Gates {
		names = append(names, string(g))
	}
	return strings.Join(names, "|")
}
