package policy

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gonogo/config"
	"gonogo/internal/gate"
)

func TestBuiltInPolicyAnswersEveryRequirement(t *testing.T) {
	p := BuiltIn()
	for _, id := range Requirements() {
		if p.Requirements[id].Blocks == "" {
			t.Errorf("config/policy.yml says nothing of %s", id)
		}
	}
	if len(p.Requirements) != len(Requirements()) {
		t.Errorf("%d requirements in config/policy.yml, %d in the code", len(p.Requirements), len(Requirements()))
	}
	copied, err := Parse(Path, config.Policy)
	if err != nil || copied.Digest() != p.Digest() {
		t.Errorf("a copy of the built-in file is another policy (%v)", err)
	}
}

// The rules that stand in policy.yml for whoever copies it: what is left out
// keeps its built-in value.
func TestPolicyFilesChangeOnlyWhatTheySay(t *testing.T) {
	tests := []struct {
		name, file string
		change     func(*Policy)
	}{
		{"an empty file", "", func(*Policy) {}},
		{"only comments", "# approvals: {low: 9}\n\n# nothing\n", func(*Policy) {}},
		{"an empty document", "---\n", func(*Policy) {}},
		{"one number of a block", "approvals: {low: 1, high: 3}\n", func(p *Policy) { p.Approvals.High = 3 }},
		{"one requirement", "requirements:\n  operational/rehearsal: {blocks: medium}\n", func(p *Policy) { p.Requirements["operational/rehearsal"] = Depth{Blocks: "medium"} }},
		{"off without quotes", "requirements: {code/branches: {blocks: off}}\n", func(p *Policy) { p.Requirements["code/branches"] = Depth{Blocks: "off"} }},
		{"another role beside the built-in one", "roles:\n  qa:\n    teams: [acme/qa]\n", func(p *Policy) { p.Roles["qa"] = Role{Teams: []string{"acme/qa"}} }},
		{"a role is set as a whole: nobody holds it by permission any more", "roles:\n  release manager:\n    users: [dana]\n", func(p *Policy) { p.Roles[ReleaseManager] = Role{Users: []string{"dana"}} }},
		{"a role that nobody holds", "roles:\n  qa: {}\n", func(p *Policy) { p.Roles["qa"] = Role{} }},
		{"floors are replaced", "floors:\n- class: high\n  words: [ledger]\n", func(p *Policy) { p.Floors = []Floor{{Class: "high", Words: []string{"ledger"}}} }},
		{"no floors", "floors: []\n", func(p *Policy) { p.Floors = nil }},
		{"one check", "checks:\n  required: [build]\n", func(p *Policy) { p.Checks.Required = []string{"build"} }},
		{"booleans", "checks: {none: true}\nauthor_may_decide: true\nsecrets: {alerts_required: true}\n", func(p *Policy) {
			p.Checks.None, p.AuthorMayDecide, p.Secrets.AlertsRequired = true, true, true
		}},
		{"a byte order mark, as Windows editors write it", "\ufeffcheck: gate\n", func(p *Policy) { p.Check = "gate" }},
		{"Windows line ends", "check: gate\r\nbranches:\r\n  - release/*\r\n", func(p *Policy) { p.Check, p.Branches = "gate", []string{"release/*"} }},
		{"a document start and end", "---\ncheck: gate\n...\n", func(p *Policy) { p.Check = "gate" }},
		{"a directive", "%YAML 1.2\n---\ncheck: gate\n", func(p *Policy) { p.Check = "gate" }},
		{"quoted keys and a folded text", "\"check\": >\n  gate\n", func(p *Policy) { p.Check = "gate" }},
		{"Unicode", "severity: {sev1: \"Störung 1\"}\n", func(p *Policy) { p.Severity.SEV1 = "Störung 1" }},
		{"brackets in a comment", "# " + strings.Repeat("[", 50) + "\ncheck: gate\n", func(p *Policy) { p.Check = "gate" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(Path, []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			want := BuiltIn()
			tt.change(want)
			want.Source = Path
			if diff := cmp.Diff(want, got, cmp.Transformer("nil", func(l []string) []string { return append([]string{}, l...) }),
				cmp.Transformer("floors", func(l []Floor) []Floor { return append([]Floor{}, l...) })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPolicyErrorsSayWhereAndWhat(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"a slip in a key", "check: a\naprovals: {low: 1}\n", `line 2, column 1: "aprovals" is no key of a policy; did you mean "approvals"?`},
		{"a slip in an inner key", "approvals:\n  lo: 1\n", `line 2, column 3: "lo" is no key of approvals; did you mean "low"?`},
		{"a slip in a floor", "floors:\n  - class: high\n    path: [a]\n", `line 3, column 5: "path" is no key of floors[0]; did you mean "paths"?`},
		{"a key of another tool", "disapproval: yes\n", `line 1, column 1: "disapproval" is no key of a policy; there are announce, approvals, ask, author_may_decide,`},
		{"a key twice", "check: a\ncheck: b\n", `line 2, column 1: the key "check" stands twice; keep one`},
		{"an inner key twice", "approvals:\n  low: 1\n  low: 0\n", `line 3, column 3: the key "low" stands twice; keep one`},
		{"a requirement twice", "requirements:\n  code/checks: {blocks: low}\n  code/checks: {blocks: high}\n", `line 3, column 3: the key "code/checks" stands twice`},
		{"an anchor", "branches: &b [main]\n", "line 1, column 11: anchors and aliases"},
		{"an alias", "check: a\nbranches: *b\n", "line 2, column 11: anchors and aliases"},
		{"a merge key", "approvals:\n  <<: {low: 0}\n", "line 2, column 3: anchors and aliases"},
		{"a glob that YAML takes for an alias", "branches: [*-stable]\n", "line 1, column 12: anchors and aliases (& and *) are not read; write the value out, in quotes if it is text"},
		{"a tag", "check: !!binary aGk=\n", "line 1, column 8: tags (!) are not read"},
		{"a glob that YAML takes for a tag", "branches: [!main]\n", "line 1, column 12: tags (!) are not read"},
		{"a second document", "check: a\n---\ncheck: b\n", "line 2, column 1: a second document (after ---) is not read; keep one"},
		{"a second document after an empty one", "---\n---\ncheck: b\n", "line 2, column 1: a second document"},
		{"a document after the end", "check: a\n...\ncheck: b\n", "line 3, column 1: a second document"},
		{"a document after the end and a start", "check: a\n...\n---\ncheck: b\n", "line 3, column 1: a second document"},
		{"an end, then a key", "...\ncheck: b\n", "line 2, column 1: a second document"},
		{"too long", "# " + strings.Repeat("x", MaxSize), "the policy is 65538 bytes long; keep it under 64 KiB"},
		{"not UTF-8", "check: \xff\n", "the policy is not UTF-8 text"},
		{"a number for a block", "approvals: 3\n", "line 1, column 12: approvals wants keys and values, not 3"},
		{"a text for a number", "approvals: {low: two}\n", `line 1, column 18: approvals.low wants a whole number, not the text "two"`},
		{"a fraction", "go: {low: 1.5}\n", "line 1, column 11: go.low wants a whole number, not 1.5"},
		{"a giant number", "go: {low: 99999999999999999999}\n", "line 1, column 11: go.low wants a whole number, not 99999999999999999999"},
		{"a text for a list", "branches: main\n", `line 1, column 11: branches wants a list, not the text "main"; write [main]`},
		{"a block in a list of texts", "checks:\n  required:\n    - build\n    - {a: b}\n", "line 4, column 7: checks.required[1] wants a text, not keys and values"},
		{"a number in a list of texts", "checks:\n  optional: [1.18]\n", "line 2, column 14: checks.optional[0] wants a text, not 1.18; put it in quotes"},
		{"yes for true", "checks: {none: yes}\n", `line 1, column 16: checks.none wants true or false, not the text "yes"`},
		{"a key without a value", "requirements:\n", "line 1, column 1: requirements has no value; leave the key out to keep the built-in value"},
		{"null", "floors: ~\n", "line 1, column 1: floors has no value"},
		{"a list at the top", "- check: a\n", "line 1, column 1: a policy wants keys and values, not a list"},
		{"a text at the top", "hello\n", `line 1, column 1: a policy wants keys and values, not the text "hello"`},
		{"a number as a key", "1: a\n", `line 1, column 1: "1" is no key of a policy`},
		{"a tab", "checks:\n\tnone: true\n", "line 2, column 1: a tab indents this line; YAML wants spaces"},
		{"a bracket left open", "branches: [a\ncheck: x\n", "line 2, column 1: ',' or ']' must be specified"},
		{"nested brackets", "branches: " + strings.Repeat("[", 40) + "\n", "nested more than 20 levels deep"},
		{"closing brackets first", "# " + strings.Repeat("]", 9000) + "\nbranches: " + strings.Repeat("[", 9000), "far more keys and values"},
		{"nested lists", strings.Repeat("- ", 40) + "a\n", "line 1, column 41: nested more than 20 levels deep"},
		{"too many lines", strings.Repeat("#\n", 5000), "the policy has 5000 lines; keep it under 4000"},
		{"too many values", "branches: [" + strings.Repeat("a,", 9000) + "]\n", "far more keys and values than any policy needs"},

		{"an empty name", "check: \"\"\n", "line 1, column 1: check: give the check run a name"},
		{"a name of two lines", "check: \"a\\nb\"\n", "line 1, column 1: check: give the check run a name of 1 to 100 characters on one line"},
		{"ask whom", "check: a\nask: everybody\n", `line 2, column 1: ask: "everybody" is not one of comment, none`},
		{"a requirement that does not exist", "requirements:\n  code/check: {blocks: low}\n", `line 2, column 3: requirements.code/check: there is no such requirement; did you mean "code/checks"?`},
		{"a class that does not exist", "requirements:\n  code/checks:\n    blocks: severe\n", `line 3, column 5: requirements.code/checks.blocks: "severe" is not one of low, medium, high, off`},
		{"a depth that says nothing", "requirements:\n  code/checks: {advises: low}\n", "line 2, column 3: requirements.code/checks: say from which class it blocks"},
		{"inputs cannot be switched off", "requirements:\n  decision/inputs: {blocks: off}\n", "line 2, column 21: requirements.decision/inputs.blocks: nothing can be judged without its inputs"},
		{"a permission that does not exist", "roles:\n  release manager: {permission: owner}\n", `line 2, column 21: roles.release manager.permission: "owner" is not one of write, maintain, admin`},
		{"a team without its organization", "roles:\n  qa: {teams: [qa]}\n", "line 2, column 16: roles.qa.teams[0]: write the team as org/team"},
		{"a team with an at sign", "roles:\n  qa: {teams: [\"@acme/qa\"]}\n", "roles.qa.teams[0]: write the team as org/team, without @"},
		{"a user with an at sign", "roles:\n  qa:\n    users:\n      - \"@dana\"\n", "line 4, column 9: roles.qa.users[0]: write the login alone, without @"},
		{"a negative number", "go: {low: -1}\n", "line 1, column 6: go.low: -1 is not between 0 and 20"},
		{"a crowd", "approvals: {high: 21}\n", "line 1, column 13: approvals.high: 21 is not between 0 and 20"},
		{"a higher class that asks for less", "approvals: {low: 2}\n", "line 1, column 1: approvals.medium: 1 is less than a lower class asks for; write medium: 2 or more"},
		{"no label", "severity: {sev1: \"\"}\n", "line 1, column 12: severity.sev1: give a label"},
		{"waiting for itself", "checks: {required: [build, release-readiness]}\n", `line 1, column 10: checks.required: "release-readiness" is Gonogo's own check`},
		{"a floor without a class", "floors:\n  - words: [pay]\n", `line 2, column 5: floors[0].class: "" is not one of low, medium, high`},
		{"a floor without a condition", "floors:\n  - class: high\n", "line 2, column 5: floors[0]: a floor needs words, paths or labels"},
		{"a floor's word that is a path", "floors:\n  - class: high\n    words: [src/pay]\n", `line 3, column 13: floors[0].words[0]: "src/pay" is not one word of letters`},
		{"a broken glob", "check: a\nkeep_branches: [\"[\"]\n", `line 2, column 17: keep_branches[0]: "[" is not a valid glob`},
		{"a broken glob in a floor", "floors:\n  - class: high\n    paths: [a, \"{b\"]\n", `line 3, column 16: floors[0].paths[1]: "{b" is not a valid glob`},
		{"a negative age", "rehearsal: {max_age_days: -1}\n", "line 1, column 13: rehearsal.max_age_days: -1 is not a number of days"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(Path, []byte(tt.file))
			if err == nil {
				t.Fatalf("no error; the policy is %+v", p)
			}
			var of *Error
			if !errors.As(err, &of) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestDigestIsOfTheRulesOnly(t *testing.T) {
	of := func(file string) string {
		p, err := Parse("x", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		return p.Digest()
	}
	if of("check: a # b\n\n") != of("# c\ncheck: \"a\"\n") {
		t.Error("a comment changes the rules")
	}
	if of("approvals: {low: 1}\n") != BuiltIn().Digest() || of("go: {high: 3}\n") == BuiltIn().Digest() {
		t.Error("the digest does not follow the rules")
	}
}

func TestParsingDoesNotChangeTheBuiltInPolicy(t *testing.T) {
	before := BuiltIn().Digest()
	p, err := Parse("x", []byte("requirements: {code/checks: {blocks: off}}\nroles: {qa: {users: [a]}}\n"))
	if err != nil || p.Digest() == before {
		t.Fatal("nothing was changed", err)
	}
	if BuiltIn().Digest() != before {
		t.Error("the built-in policy has changed")
	}
}

// bombs are files of 64 KiB that a YAML parser may take long for.
func bombs() map[string]string {
	fill := func(s string) string { return strings.Repeat(s, MaxSize/len(s)) }
	var keys, nested strings.Builder
	for i := 0; keys.Len() < MaxSize-20; i++ {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	for i := 0; nested.Len() < MaxSize-400; i++ {
		nested.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return map[string]string{
		"open brackets": fill("["), "open braces": fill("{a: "), "closed first": "# " + fill("]")[:30000] + "\na: " + fill("[")[:30000],
		"keys": keys.String(), "nested keys": nested.String(), "list": "branches: [" + fill("a,")[:65000] + "]", "dashes": fill("-\n"),
		"dashes in a row": fill("- "), "question marks": fill("? "), "colons": fill("a: "), "tags": fill("!!a "), "anchors": fill("&a "),
		"aliases": fill("*a "), "quotes": fill("\""), "single quotes": fill("'a'\n"), "pipes": fill("|\n"), "percents": fill("%\n"),
		"documents": fill("---\n"), "comments": fill("#\n"), "blank": fill("\n"), "tabs": fill("\t"), "folded": "check: >\n" + fill(" a\n")[:65000],
		"braces of words": "a: {" + fill("b,")[:65000] + "}", "one word": fill("a"), "words": fill("ab "), "repeated": "requirements: {" + fill("code/checks: {blocks: low},")[:65000] + "}",
		"3,900 lines": strings.Repeat("a: b\n", 3900), "3,900 entries": "branches:\n" + strings.Repeat("- a\n", 3900), "7,900 tokens": "branches: [" + strings.Repeat("a,", 3940) + "]",
		"alias bomb": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n",
	}
}

func BenchmarkParseBombs(b *testing.B) {
	for name, file := range bombs() {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				_, _ = Parse("x", []byte(file))
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	builtin, err := os.ReadFile("../../config/policy.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(builtin))
	for _, file := range bombs() {
		f.Add(file[:min(len(file), 300)])
	}
	f.Add("floors:\n- class: high\n  words: [a]\n  paths: ['**']\n")
	f.Fuzz(func(t *testing.T, file string) {
		p, err := Parse("x", []byte(file))
		var of *Error
		switch {
		case err != nil && (!errors.As(err, &of) || of == nil || of.Message == ""):
			t.Fatalf("an error of another kind: %v", err)
		case err != nil:
			return
		}
		for _, id := range Requirements() {
			if _, ok := p.Requirements[id]; !ok {
				t.Errorf("%s is gone", id)
			}
		}
		if !p.blocks(inputs, gate.Low) {
			t.Error("what the evaluation is made from need not be read")
		}
		w := fine()
		w.Policy = p
		w.decisions = nil
		w.Record.Found, w.Faults = false, []gate.Finding{Unread("the policy", gate.Unreadable{Cause: gate.CauseFault})}
		if w.judge().Verdict == gate.Ready {
			t.Error("READY with unread inputs")
		}
	})
}
