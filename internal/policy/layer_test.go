package policy

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gonogo/internal/gate"
)

func orgFile(text string) *File {
	return &File{Name: "acme/.github: gonogo.yml", SHA: "0123456789", Data: []byte(text)}
}

func repoFile(text string) *File {
	return &File{Name: Path, SHA: "abcdef0123", Data: []byte(text)}
}

func TestWhichFileCounts(t *testing.T) {
	tests := []struct {
		name      string
		org, repo *File
		source    string
		high      int // approvals at high
	}{
		{"neither exists", nil, nil, "built-in", 2},
		{"only the organization's", orgFile("approvals: {high: 5}"), nil, "acme/.github: gonogo.yml", 5},
		{"only the repository's", nil, repoFile("approvals: {high: 4}"), Path, 4},
		{"the repository's stands in for the organization's", orgFile("approvals: {high: 5}"), repoFile("ask: none"), Path, 2},
		{"but for what that enforces", orgFile("enforce: {approvals: {high: 5}}"), repoFile("ask: none"), Path, 5},
		{"a repository may ask for more", orgFile("enforce: {approvals: {high: 5}}"), repoFile("approvals: {high: 6}"), Path, 6},
		{"an empty file is one", orgFile("approvals: {high: 5}"), repoFile(""), Path, 2},
		{"what is enforced counts without any other file", orgFile("enforce: {approvals: {high: 5}}"), nil, "acme/.github: gonogo.yml", 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Combine(tt.org, tt.repo)
			if err != nil {
				t.Fatal(err)
			}
			if got.Source != tt.source || got.Approvals.High != tt.high {
				t.Errorf("from %s, %d approvals", got.Source, got.Approvals.High)
			}
		})
	}
}

func TestARepositoryNeverAsksForLess(t *testing.T) {
	tests := []struct {
		name          string
		enforce, repo string
		holds         func(*Policy) bool
		told          string // the key of the advice; "" for none
	}{
		{"fewer approvals", "approvals: {high: 3}", "approvals: {high: 2}", func(p *Policy) bool { return p.Approvals.High == 3 }, "approvals.high"},
		{"approvals at low raise the higher classes", "approvals: {low: 3, medium: 3, high: 3}", "ask: none", func(p *Policy) bool { return p.Approvals == PerClass{3, 3, 3} }, ""},
		{"fewer people on the panel", "go: {high: 3}", "go: {low: 0, medium: 0, high: 0}", func(p *Policy) bool { return p.Go.High == 3 }, "go.high"},
		{"a requirement switched off", "requirements: {code/checks: {blocks: low}}", "requirements: {code/checks: {blocks: 'off'}}", func(p *Policy) bool { return p.blocks("code/checks", gate.Low) }, "requirements.code/checks"},
		{"a requirement that blocks later", "requirements: {code/branches: {blocks: low}}", "ask: none", func(p *Policy) bool { return p.blocks("code/branches", gate.Low) }, ""},
		{"a requirement that blocks earlier", "requirements: {code/branches: {blocks: high}}", "requirements: {code/branches: {blocks: low}}", func(p *Policy) bool { return p.blocks("code/branches", gate.Low) }, ""},
		{"a check left out", "checks: {required: [build]}", "checks: {required: [lint]}", func(p *Policy) bool { return len(p.Checks.Required) == 2 }, ""},
		{"a check that need not be green", "checks: {optional: []}", "checks: {optional: [lint]}", func(p *Policy) bool { return len(p.Checks.Optional) == 0 }, "checks.optional"},
		{"no CI", "checks: {none: false}", "checks: {none: true}", func(p *Policy) bool { return !p.Checks.None }, "checks.none"},
		{"an author who decides", "author_may_decide: false", "author_may_decide: true", func(p *Policy) bool { return !p.AuthorMayDecide }, "author_may_decide"},
		{"one who works alone", "solo: false", "solo: true", func(p *Policy) bool { return !p.Solo }, "solo"},
		{"alerts that need not be readable", "secrets: {alerts_required: true}", "secrets: {alerts_required: false}", func(p *Policy) bool { return p.Secrets.AlertsRequired }, "secrets.alerts_required"},
		{"other release managers", "roles: {release manager: {teams: [acme/leads]}}", "roles: {release manager: {users: [kim]}}", func(p *Policy) bool { return p.Roles[ReleaseManager].Users == nil }, "roles.release manager"},
		{"floors taken out", "floors: [{class: high, words: [pricing]}]", "floors: []", func(p *Policy) bool { return len(p.Floors) == 1 }, ""},
		{"another label for SEV1", "severity: {sev1: SEV1}", "severity: {sev1: nothing}", func(p *Policy) bool { return p.Severity.SEV1 == "SEV1" }, "severity.sev1"},
		{"an old rehearsal", "rehearsal: {max_age_days: 14}", "rehearsal: {max_age_days: 0}", func(p *Policy) bool { return p.Rehearsal.MaxAgeDays == 14 }, "rehearsal.max_age_days"},
		{"an exemption of its own", "exempt: []", "exempt: [{name: mine, authors: [kim], up_to: high}]", func(p *Policy) bool { return len(p.Exempt) == 0 }, "exempt"},
		{"an excluded branch", "exclude: []", "exclude: [main]", func(p *Policy) bool { return len(p.Exclude) == 0 }, "exclude"},
		{"an exemption round another rule", "approvals: {high: 3}", "exempt: [{name: mine, authors: [kim], up_to: high}]", func(p *Policy) bool { return len(p.Exempt) == 0 }, "exempt"},
		{"an exclusion round another rule", "approvals: {high: 3}", "exclude: [main]", func(p *Policy) bool { return len(p.Exclude) == 0 }, "exclude"},
		{"an author who decides, round another rule", "approvals: {high: 3}", "solo: true", func(p *Policy) bool { return !p.Solo }, "solo"},
		{"an author who decides, which the organization allows", "solo: true", "solo: true", func(p *Policy) bool { return p.Solo }, ""},
		{"a component that holds everything", "components: {cart: ['cart/**']}", "components: {all: ['**']}", func(p *Policy) bool { return len(p.Components) == 1 && p.Components["cart"] != nil }, "components"},
		{"a bot of its own", "dependencies: {bots: ['renovate[bot]']}", "dependencies: {bots: ['evil[bot]']}", func(p *Policy) bool { return len(p.Dependencies.Bots) == 0 }, "dependencies.bots"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Combine(orgFile("enforce:\n  "+tt.enforce), repoFile(tt.repo))
			if err != nil {
				t.Fatal(err)
			}
			if !tt.holds(got.Policy) {
				t.Errorf("the repository weakens it: %+v", got.Policy)
			}
			var told []string
			for _, f := range got.Overruled {
				told = append(told, gate.PlainText(f.Fact))
			}
			if text := strings.Join(told, "\n"); (tt.told == "") != (text == "") || !strings.Contains(text, tt.told) {
				t.Errorf("told: %s", text)
			}
		})
	}
}

func TestWindowsOfBothMustBeOpen(t *testing.T) {
	const enforced = "enforce:\n  windows: [{days: [MON, tue], from: '9:00', to: '16:00'}]\n  freezes: [{name: f, from: 2026-03-10, to: 2026-03-10}]"
	at := func(day, hour int) time.Time { return monday.Add(time.Duration(24*day+hour) * time.Hour) }
	tests := []struct {
		name, repo string
		open, shut []time.Time
	}{
		{"the repository says nothing", "ask: none", []time.Time{at(0, 9), at(1, 15)}, []time.Time{at(0, 8), at(0, 16), at(2, 10), at(8, 10)}},
		{"narrower", "windows: [{days: [Mon], from: '10:00', to: '18:00'}]", []time.Time{at(0, 10), at(0, 15)}, []time.Time{at(0, 9), at(0, 17), at(1, 10)}},
		{"single digits are hours, not letters", "windows: [{days: [mon], from: '08:00', to: '10:00'}]", []time.Time{at(0, 9)}, []time.Time{at(0, 8), at(0, 10)}},
		{"in another zone", "windows: [{days: [mon], from: '10:00', to: '18:00', zone: Asia/Tokyo}]", nil, []time.Time{at(0, 2), at(0, 9), at(0, 11)}},
		{"in another zone, in part", "windows: [{days: [mon], from: '18:00', to: '24:00', zone: Asia/Tokyo}]", []time.Time{at(0, 9), at(0, 14)}, []time.Time{at(0, 15), at(1, 10)}},
		{"in the zone of its file", "zone: Asia/Tokyo\nwindows: [{days: [mon], from: '00:00', to: '24:00'}]", []time.Time{at(0, 9), at(0, 14)}, []time.Time{at(0, 0), at(0, 15), at(1, 10)}},
		{"a zone without windows", "zone: Asia/Tokyo", []time.Time{at(0, 9), at(0, 15)}, []time.Time{at(0, 0), at(0, 8), at(0, 16), at(8, 9), at(8, 15)}},
		{"an evening that is night elsewhere", "zone: Pacific/Auckland\nwindows: [{days: [mon], from: '21:00', to: '24:00'}]", []time.Time{at(0, 9), at(0, 10)}, []time.Time{at(0, 8), at(0, 11)}},
		{"never both", "windows: [{days: [sat], from: '10:00', to: '18:00'}]", nil, []time.Time{at(0, 10), at(5, 12)}},
	}
	for _, tt := range tests {
		got, err := Combine(orgFile(enforced), repoFile(tt.repo))
		if err != nil {
			t.Fatal(err)
		}
		for _, open := range tt.open {
			if !got.openAt(open) {
				t.Errorf("%s: shut on %s", tt.name, open.Format("Mon 15:04"))
			}
		}
		for _, shut := range tt.shut {
			if got.openAt(shut) {
				t.Errorf("%s: open on %s", tt.name, shut.Format("Mon 15:04"))
			}
		}
	}
}

// The edges of windows of two lists and zones are found, and a calendar that
// never opens says so.
func TestTheEdgesOfBothWindows(t *testing.T) {
	combine := func(repo string) calendar {
		got, err := Combine(orgFile("enforce: {windows: [{days: [mon, tue], from: '09:00', to: '16:00'}]}"), repoFile(repo))
		if err != nil {
			t.Fatal(err)
		}
		c, err := got.calendar()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := combine("windows: [{days: [mon], from: '18:00', to: '21:00', zone: Asia/Tokyo}, {days: [mon], from: '21:00', to: '22:00', zone: Asia/Tokyo}]")
	if opens, ok := c.opens(monday); !ok || !opens.Equal(monday.Add(9*time.Hour)) {
		t.Errorf("opens %s", opens)
	}
	if shuts := c.shuts(monday.Add(10 * time.Hour)); !shuts.Equal(monday.Add(13 * time.Hour)) {
		t.Errorf("shuts %s", shuts)
	}
	if opens, ok := c.opens(monday.Add(14 * time.Hour)); !ok || !opens.Equal(monday.Add(7*day+9*time.Hour)) {
		t.Errorf("opens again %s", opens)
	}
	if opens, ok := combine("windows: [{days: [sat], from: '10:00', to: '18:00'}]").opens(monday); ok {
		t.Errorf("two windows that never meet open at %s", opens)
	}
}

// Whatever a repository writes, its policy under an organization asks for at
// least what is enforced.
func TestEnforcedNumbersHold(t *testing.T) {
	number := func(t *rapid.T, label string) int { return rapid.IntRange(0, 5).Draw(t, label) }
	rapid.Check(t, func(t *rapid.T) {
		file := func(who string) string {
			low := number(t, who+" low")
			return "approvals: {low: " + string(rune('0'+low)) + ", medium: " + string(rune('0'+max(low, number(t, who+" medium")))) + ", high: 5}"
		}
		enforced, own := file("organization"), file("repository")
		got, err := Combine(orgFile("enforce:\n  "+enforced), repoFile(own))
		if err != nil {
			t.Fatal(err)
		}
		least, err := Parse(Path, []byte(enforced))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range gate.Classes {
			if got.Approvals.For(c) < least.Approvals.For(c) {
				t.Fatalf("%s under %s: %+v", own, enforced, got.Approvals)
			}
		}
	})
}

func TestFilesThatAreNotValidSayWhere(t *testing.T) {
	tests := []struct {
		name      string
		org, repo *File
		file      string
		says      string
	}{
		{"the organization's", orgFile("approval: {high: 5}"), nil, "acme/.github: gonogo.yml", `line 1, column 1: "approval" is no key of a policy; did you mean "approvals"?`},
		{"in its enforce part", orgFile("ask: none\nenforce:\n  aproval: {high: 5}"), repoFile("ask: none"), "acme/.github: gonogo.yml", `line 3, column 3: "aproval" is no key`},
		{"the repository's", orgFile("ask: none"), repoFile("go: {low: 1, medium: 0}"), Path, "line 1"},
		{"a repository that enforces", nil, repoFile("enforce: {go: {high: 3}}"), Path, `"enforce" is no key of a policy`},
		{"a repository that renames the check", nil, repoFile("ask: none\ncheck: mine"), Path, "line 2, column 1: check: the check's name is not for a repository to set, since required checks go by it; set it in gonogo.yml of the organization's .github repository, or by GONOGO_CHECK on the server"},
	}
	for _, tt := range tests {
		_, err := Combine(tt.org, tt.repo)
		e, ok := err.(*Error) //nolint:errorlint // that it is one is part of the contract
		if !ok || e.File != tt.file || !strings.Contains(e.Error(), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	named, err := Combine(orgFile("check: ready"), repoFile("ask: none"))
	if err != nil || named.Check != "ready" {
		t.Errorf("the organization's name of the check: %q, %v", named.Check, err)
	}
	if _, err := Combine(nil, repoFile("check: "+BuiltIn().Check)); err != nil {
		t.Errorf("a copy of the built-in policy is refused: %v", err)
	}
}

func TestVerdictsNameTheFilesOfTheirRules(t *testing.T) {
	got, err := Combine(orgFile("enforce: {approvals: {high: 5}}"), repoFile("ask: none\ngo: {high: 3}"))
	if err != nil || len(got.Files) != 2 {
		t.Fatal(got.Files, err)
	}
	own, org := got.Files[0], got.Files[1]
	if strings.Join(own.Keys, " ") != "ask go" || own.SHA != "abcdef0123" || own.Enforces {
		t.Errorf("%+v", own)
	}
	if strings.Join(org.Keys, " ") != "approvals" || !org.Enforces {
		t.Errorf("%+v", org)
	}
}

// A GO is bound to the rules, not to the bytes of the files.
func TestWhatAGoIsBoundTo(t *testing.T) {
	digest := func(org, repo string) string {
		got, err := Combine(orgFile(org), repoFile(repo))
		if err != nil {
			t.Fatal(err)
		}
		return got.Digest()
	}
	base := digest("", "approvals: {high: 3}")
	for _, same := range [][2]string{
		{"# a comment", "approvals: {high: 3}"}, {"", "# why\napprovals:\n  high: 3\n"}, {"approvals: {high: 9}", "approvals: {high: 3}"},
		{"enforce: {approvals: {high: 3}}", "approvals: {high: 2}"}, {"check: ready", "approvals: {high: 3}"}, {"", "approvals: {high: 3}\nask: none"},
	} {
		if digest(same[0], same[1]) != base {
			t.Errorf("%q voids a GO", same)
		}
	}
	for _, other := range [][2]string{
		{"", "approvals: {high: 4}"}, {"enforce: {go: {high: 3}}", "approvals: {high: 3}"}, {"", "approvals: {high: 3}\nsolo: true"},
		{"", "approvals: {high: 3}\nfloors: []"}, {"", "approvals: {high: 3}\nsignoffs: {qa: {role: release manager}}"},
	} {
		if digest(other[0], other[1]) == base {
			t.Errorf("%q changes the rules and voids no GO", other)
		}
	}
}

func TestParsingLeavesTheBuiltInPolicyAlone(t *testing.T) {
	before := BuiltIn().Digest()
	if _, err := Parse(Path, []byte("signoffs: {qa: {role: release manager}}\ncomponents: {cart: ['cart/**']}\nchecks: {apps: {build: 7}}")); err != nil {
		t.Fatal(err)
	}
	if BuiltIn().Digest() != before {
		t.Error("a file changed the built-in policy")
	}
}

func TestProposedPolicies(t *testing.T) {
	c := Case{Class: gate.High, Type: gate.Hotfix, Paths: []string{"billing/a.go"}}
	propose := func(file string) gate.Finding {
		after, err := Combine(nil, repoFile(file))
		return Proposed(BuiltIn(), after, err, c)
	}
	f := propose("approvals: {high: 3}")
	text := gate.PlainText(f.Fact)
	if f.Status != gate.Advisory || !strings.Contains(text, "comes: '3 approvals of the head commit") || !strings.Contains(text, "goes: '2 approvals") {
		t.Errorf("%s: %s", f.Status, text)
	}
	if f := propose("ask: none"); f.Status != gate.Advisory || !strings.Contains(f.Fact, "nothing comes or goes") {
		t.Errorf("%+v", f)
	}
	if f := propose("approvals: {high: lots}"); f.Status != gate.Fail || f.Code != "policy-invalid" || !strings.Contains(f.Fact, "line 1, column 19") {
		t.Errorf("%+v", f)
	}
}
