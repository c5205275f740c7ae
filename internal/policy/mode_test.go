package policy

import (
	"strings"
	"testing"

	"gonogo/internal/gate"
)

func TestModeOfARepository(t *testing.T) {
	tests := []struct {
		name, org, repository string
		want                  gate.Mode
	}{
		{"an organization that says nothing leaves it to the server", "ask: none", "shop", ""},
		{"one mode for all", "mode: trial", "shop", gate.Trial},
		{"a listed repository goes first", "mode: shadow\nmodes: {enforce: [shop]}", "shop", gate.Enforce},
		{"a listed repository may be let off", "mode: enforce\nmodes: {shadow: [shop]}", "shop", gate.Shadow},
		{"the others keep the mode of all", "mode: shadow\nmodes: {enforce: [shop]}", "cart", gate.Shadow},
		{"what is enforced stands beside it", "mode: shadow\nenforce: {go: {high: 3}}", "shop", gate.Shadow},
		{"by a glob", "modes: {trial: ['shop-*']}", "shop-web", gate.Trial},
		{"a glob that does not hold it", "modes: {trial: ['shop-*']}", "workshop-web", ""},
		{"names ignore case, as GitHub's do", "modes: {trial: [Shop]}", "shop", gate.Trial},
		{"in two lists the stricter counts", "modes: {shadow: ['*'], trial: ['s*'], enforce: [shop]}", "shop", gate.Enforce},
		{"in two lists the stricter counts, trial over shadow", "modes: {shadow: ['*'], trial: ['s*'], enforce: [shop]}", "search", gate.Trial},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, own := range []*File{nil, repoFile("ask: none"), repoFile("mode: ''\nmodes: {shadow: []}\ncheck: release-readiness")} {
				got, err := Combine(orgFile(tt.org), own)
				if err != nil || got.ModeOf(tt.repository) != tt.want || !got.Heard {
					t.Errorf("%q, %v", got.ModeOf(tt.repository), err)
				}
			}
		})
	}
}

func TestWhatIsNotARepositorysToSet(t *testing.T) {
	tests := []struct {
		name      string
		org, repo *File
		says      string
	}{
		{"its mode", nil, repoFile("ask: none\nmode: shadow"), "line 2, column 1: mode: whether verdicts block is not for a repository to set; set it in gonogo.yml of the organization's .github repository, or by GONOGO_MODE on the server"},
		{"a stricter mode than the organization's", orgFile("mode: trial"), repoFile("mode: enforce"), "line 1, column 1: mode: whether"},
		{"the mode that it is in", orgFile("mode: trial"), repoFile("mode: trial"), "line 1, column 1: mode: whether"},
		{"the lists", nil, repoFile("modes:\n  shadow: ['*']"), "line 1, column 1: modes: which repositories"},
		{"a mode that is enforced", orgFile("enforce:\n  mode: trial"), nil, "line 2, column 3: mode: no repository can set it anyway"},
		{"lists that are enforced", orgFile("enforce:\n  modes: {trial: [a]}"), nil, "line 2, column 3: modes: no repository can set it anyway"},
		{"a mode that there is none", orgFile("mode: dry"), nil, `line 1, column 1: mode: "dry" is not one of shadow, trial, enforce`},
		{"a list of a mode that there is none", orgFile("modes: {dry: []}"), nil, `"dry" is no key of modes`},
		{"an owner before the name", orgFile("modes: {trial: [acme/shop]}"), nil, `modes.trial[0]: write the repository's name without its owner: "shop"`},
		{"a glob that is none", orgFile("modes: {trial: ['[']}"), nil, `"[" is not a valid glob`},
		{"a check that is named like a trial's", orgFile("check: ready-trial"), nil, "ends like the check of a trial"},
	}
	for _, tt := range tests {
		got, err := Combine(tt.org, tt.repo)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got.Heard != (tt.repo != nil) {
			t.Errorf("%s: whose fault it is is not told", tt.name)
		}
		if f := tt.org; f != nil && tt.repo == nil {
			if _, faults := Check(*f); len(faults) != 1 || !strings.Contains(faults[0].Error(), tt.says) {
				t.Errorf("%s: validated as %v", tt.name, faults)
			}
		}
	}
}

// A repository's file that is not valid must not change how its organization
// publishes.
func TestAnInvalidFileKeepsTheOrganizationsWord(t *testing.T) {
	got, err := Combine(orgFile("mode: shadow\ncheck: ready"), repoFile("aks: none"))
	if err == nil || got.ModeOf("shop") != gate.Shadow || got.Check != "ready" || !got.Names {
		t.Errorf("%q, %q, %v", got.ModeOf("shop"), got.Check, err)
	}
}

func TestValidateKnowsARepositorysFile(t *testing.T) {
	for name, want := range map[string]int{Path: 1, "x/" + Path: 1, `C:\x\.github\gonogo.yml`: 1, OrganizationPath: 0, "-": 0, "config/policy.yml": 0} {
		if _, faults := Check(File{Name: name, Data: []byte("mode: trial")}); len(faults) != want {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

func TestTheModeVoidsNoGo(t *testing.T) {
	trial, err := Combine(orgFile("mode: trial\nmodes: {shadow: [a]}"), nil)
	if err != nil || trial.Digest() != BuiltIn().Digest() {
		t.Errorf("the mode changes the rules: %v", err)
	}
}

func TestOurNames(t *testing.T) {
	p := BuiltIn()
	p.Former = []string{"old"}
	for name, own := range map[string]bool{"release-readiness": true, "release-readiness-trial": true, "old": true, "old-trial": true, "older": false, "build": false, "build-trial": false} {
		if p.Own(name) != own {
			t.Errorf("%s: %v", name, !own)
		}
	}
	for name, trial := range map[string]bool{"release-readiness-trial": true, "release-readiness": false, "build-trial": false} {
		if p.RequiresTrial([]gate.RequiredCheck{{Name: name}}) != trial {
			t.Errorf("%s: %v", name, !trial)
		}
	}
}

// The name is for the organization or the operator to set, after the repository
// has listed its checks: the list is held against it when checks are judged.
func TestNobodyWaitsForGonogosOwnCheck(t *testing.T) {
	for _, tt := range []struct {
		name     string
		required []string
		codes    string
	}{
		{"our check beside another", []string{"build", "gate"}, ""},
		{"what a trial publishes", []string{"build", "gate-trial"}, ""},
		{"what it was called until lately", []string{"build", "release-readiness"}, ""},
		{"nothing else is listed: all that report count", []string{"gate"}, ""},
		{"another check", []string{"gate", "lint"}, "action code/checks ci-missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			w.Policy.Check, w.Policy.Former = "gate", []string{"release-readiness"}
			w.Policy.Checks.Required = tt.required
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
			if got := codes(w.judge()); got != tt.codes {
				t.Error(got)
			}
		})
	}
	w := fine()
	w.Policy.Check, w.Policy.Checks.Required = "gate", []string{"gate"}
	w.checks.Value[0].State = "failure"
	if got := codes(w.judge()); !strings.Contains(got, "ci-failed") {
		t.Errorf("a list of nothing but our own check lets a red build pass: %s", got)
	}
}
