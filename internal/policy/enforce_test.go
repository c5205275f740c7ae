package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
)

// keyRow says what a repository's value of a key could do to what its
// organization enforces. A key that can weaken nothing has no repo.
type keyRow struct {
	key     string // as keysBelow writes it
	why     string // how it weakens something, or why it cannot
	enforce string
	repo    string
	holds   func(*Policy) bool
	silent  bool // nothing is overruled: what is enforced comes beside
}

// harmless rows hold keys by which nothing that is enforced is judged.
func harmless(key, why string) keyRow { return keyRow{key: key, why: why} }

const (
	dora  = "roles: {CDO: {users: [sam]}}, authorization: [{approve: [CDO]}]"
	winds = "windows: [{days: [mon], from: '09:00', to: '10:00'}]"
)

func blocksAt(id gate.Requirement, c gate.Class) func(*Policy) bool {
	return func(p *Policy) bool { return p.blocks(id, c) }
}

func managersAre(want Role) func(*Policy) bool {
	return func(p *Policy) bool { return reflect.DeepEqual(p.Roles[ReleaseManager], want) }
}

var maintainers = BuiltIn().Roles[ReleaseManager]

var keyTable = []keyRow{
	harmless("check", "refused in a repository's file"),
	harmless("mode", "refused in a repository's file"),
	harmless("modes.shadow", "refused in a repository's file"),
	harmless("modes.trial", "refused in a repository's file"),
	harmless("modes.enforce", "refused in a repository's file"),
	harmless("ask", "whether people are asked changes nothing that they must do"),
	harmless("branches", "the default branch and those whose rules require the check are judged anyway, and those that the organization enforces are added"),
	{key: "exclude[]", why: "nothing is judged there", enforce: "go: {high: 3}", repo: "exclude: [main]", holds: func(p *Policy) bool { return p.InScope("main", "main", nil) }},
	{key: "exempt[].name", why: "nothing is asked of its authors", enforce: "go: {high: 3}", repo: "exempt: [{name: mine, authors: [kim], up_to: high}]", holds: func(p *Policy) bool { return len(p.Exempt) == 0 }},
	{key: "exempt[].authors", why: "an exemption that the organization allows, for others", enforce: "exempt: [{name: e, authors: [a], up_to: low}]", repo: "exempt: [{name: e, authors: [kim], up_to: low}]", holds: func(p *Policy) bool { return len(p.Exempt) == 0 }},
	{key: "exempt[].paths", why: "the same, for other paths", enforce: "exempt: [{name: e, authors: [a], paths: [x], up_to: low}]", repo: "exempt: [{name: e, authors: [a], up_to: low}]", holds: func(p *Policy) bool { return len(p.Exempt) == 0 }},
	{key: "exempt[].up_to", why: "the same, up to a higher class", enforce: "exempt: [{name: e, authors: [a], up_to: low}]", repo: "exempt: [{name: e, authors: [a], up_to: high}]", holds: func(p *Policy) bool { return len(p.Exempt) == 0 }},
	{key: "dependencies.bots[]", why: "its pull requests need no record and no decision", enforce: "go: {low: 1}", repo: "dependencies: {bots: ['evil[bot]']}", holds: func(p *Policy) bool { return len(p.Dependencies.Bots) == 0 }},
	{key: "dependencies.paths[]", why: "a known bot's change of these needs no record and no decision", enforce: "go: {low: 1}", repo: "dependencies: {paths: ['**']}", holds: func(p *Policy) bool { return len(p.Dependencies.Paths) == 0 }},
	{key: "zone", why: "what is enforced would begin at another hour", enforce: winds, repo: "zone: Pacific/Auckland", silent: true, holds: func(p *Policy) bool {
		c, err := p.calendar()
		return err == nil && !c.inWindow(monday.Add(9*time.Hour)).IsZero() && c.inWindow(monday.Add(11*time.Hour)).IsZero()
	}},
	{key: "roles.*.permission", why: "anybody would decide", enforce: "go: {high: 3}", repo: "roles: {release manager: {permission: write}}", holds: managersAre(maintainers)},
	{key: "roles.*.users[]", why: "people of the repository's choice would decide", enforce: "go: {high: 3}", repo: "roles: {release manager: {permission: maintain, users: [kim]}}", holds: managersAre(maintainers)},
	{key: "roles.*.teams[]", why: "the same by a team", enforce: dora, repo: "roles: {CDO: {teams: [acme/all]}}", holds: func(p *Policy) bool { return reflect.DeepEqual(p.Roles["CDO"], Role{Users: []string{"sam"}}) }},
	{key: "roles.*.delegates[]", why: "the same by a delegate", enforce: dora, repo: "roles: {friends: {users: [kim]}, CDO: {users: [sam], delegates: [friends]}}", holds: func(p *Policy) bool { return p.Roles["CDO"].Delegates == nil }},
	{key: "requirements.*.blocks", why: "a key is enforced of a requirement that blocks nothing", enforce: "approvals: {high: 3}", repo: "requirements: {review/approvals: {blocks: 'off'}}", holds: blocksAt("review/approvals", gate.Low)},
	{key: "requirements.*.advises", why: "what is only said would not be", enforce: "monitoring: {hotfix: 8h}", repo: "requirements: {operational/monitoring: {blocks: 'off', advises: 'off'}}", silent: true, holds: func(p *Policy) bool { return p.mentions("operational/monitoring", gate.Medium) }},
	{key: "approvals.low", why: "fewer approvals", enforce: "approvals: {low: 1}", repo: "approvals: {low: 0}", holds: func(p *Policy) bool { return p.Approvals.Low == 1 }},
	{key: "approvals.medium", why: "the requirement is enforced, whatever its number", enforce: "requirements: {review/approvals: {blocks: low}}", repo: "approvals: {low: 0, medium: 0}", holds: func(p *Policy) bool { return p.Approvals.Medium == 1 }},
	{key: "approvals.high", why: "fewer approvals", enforce: "approvals: {high: 3}", repo: "approvals: {high: 1}", holds: func(p *Policy) bool { return p.Approvals.High == 3 }},
	{key: "go.low", why: "fewer decisions", enforce: "go: {low: 1}", repo: "go: {low: 0}", holds: func(p *Policy) bool { return p.Go.Low == 1 }},
	{key: "go.medium", why: "no decision where no authorization applies", enforce: dora, repo: "go: {medium: 0}", holds: func(p *Policy) bool { return p.Go.Medium == 1 }},
	{key: "go.high", why: "a smaller panel", enforce: "roles: {release manager: {users: [dana]}}", repo: "go: {high: 1}", holds: func(p *Policy) bool { return p.Go.High == 2 }},
	{key: "author_may_decide", why: "authors approve themselves", enforce: "approvals: {high: 3}", repo: "author_may_decide: true", holds: func(p *Policy) bool { return !p.AuthorMayDecide }},
	{key: "carry_same_tree", why: "approvals of another commit would count", enforce: "approvals: {high: 3}", repo: "carry_same_tree: true", holds: func(p *Policy) bool { return !p.CarrySameTree }},
	{key: "solo", why: "the same", enforce: "approvals: {high: 3}", repo: "solo: true", holds: func(p *Policy) bool { return !p.Solo }},
	{key: "checks.required[]", why: "a list takes the place of everything that reports", enforce: "requirements: {code/checks: {blocks: low}}", repo: "checks: {required: [lint]}", silent: true, holds: func(p *Policy) bool { return p.Checks.Besides }},
	{key: "checks.optional[]", why: "an enforced check that is skipped would pass", enforce: "checks: {required: [build]}", repo: "checks: {optional: [build]}", holds: func(p *Policy) bool { return len(p.Checks.Optional) == 0 }},
	{key: "checks.apps.*", why: "another App would report an enforced check", enforce: "checks: {apps: {build: 7}}", repo: "checks: {apps: {build: 8}}", holds: func(p *Policy) bool { return p.Checks.Apps["build"] == 7 }},
	{key: "checks.runs.*.workflow", why: "a no-op in another file would report an enforced check", enforce: "checks: {runs: {build: {workflow: .github/workflows/ci.yml}}}", repo: "checks: {runs: {build: {workflow: .github/workflows/noop.yml}}}", holds: func(p *Policy) bool { return p.Checks.Runs["build"].Workflow == ".github/workflows/ci.yml" }},
	{key: "checks.runs.*.event", why: "a run for another event would", enforce: "checks: {runs: {build: {event: pull_request}}}", repo: "checks: {runs: {build: {event: schedule}}}", holds: func(p *Policy) bool { return p.Checks.Runs["build"].Event == "pull_request" }},
	harmless("checks.files[]", "they add up: the usual files always count"),
	{key: "checks.none", why: "nothing would have to report", enforce: "checks: {apps: {build: 7}}", repo: "checks: {none: true}", holds: func(p *Policy) bool { return !p.Checks.None }},
	{key: "secrets.alerts_required", why: "alerts that cannot be read would pass", enforce: "secrets: {alerts_required: true}", repo: "secrets: {alerts_required: false}", holds: func(p *Policy) bool { return p.Secrets.AlertsRequired }},
	{key: "severity.sev1", why: "a label that no issue has", enforce: "severity: {sev2_from: low}", repo: "severity: {sev1: nothing}", holds: func(p *Policy) bool { return p.Severity.SEV1 == "SEV1" }},
	{key: "severity.sev2", why: "the same", enforce: "requirements: {code/severity: {blocks: low}}", repo: "severity: {sev2: nothing}", holds: func(p *Policy) bool { return p.Severity.SEV2 == "SEV2" }},
	{key: "severity.sev2_from", why: "the second label would block later", enforce: "severity: {sev1: SEV1}", repo: "severity: {sev2_from: high}", holds: func(p *Policy) bool { return p.Severity.SEV2From == "medium" }},
	{key: "keep_branches[]", why: "every branch may stay", enforce: "requirements: {code/branches: {blocks: low}}", repo: "keep_branches: ['**']", holds: func(p *Policy) bool { return len(p.KeepBranches) == 0 }},
	{key: "rehearsal.max_age_days", why: "0 is any age", enforce: "rehearsal: {max_age_days: 14}", repo: "rehearsal: {max_age_days: 0}", holds: func(p *Policy) bool { return p.Rehearsal.MaxAgeDays == 14 }},
	{key: "floors[].class", why: "a lower class asks for less of everything; the built-in floors stay whatever is enforced", enforce: "go: {high: 3}", repo: "floors: []", silent: true, holds: func(p *Policy) bool { return reflect.DeepEqual(p.Floors, BuiltIn().Floors) }},
	harmless("floors[].words[]", "floors add up: the highest counts"),
	harmless("floors[].paths[]", "the same"),
	harmless("floors[].labels[]", "the same"),
	{key: "signoffs.*.role", why: "somebody else would sign off", enforce: "signoffs: {qa: {role: release manager}}", repo: "roles: {friends: {users: [kim]}}\nsignoffs: {qa: {role: friends}}", holds: func(p *Policy) bool { return p.Signoffs["qa"].Role == ReleaseManager }},
	{key: "signoffs.*.paths[]", why: "it would be asked for nowhere", enforce: "signoffs: {qa: {role: release manager}}", repo: "signoffs: {qa: {role: release manager, paths: [x]}}", holds: func(p *Policy) bool { return p.Signoffs["qa"].Paths == nil }},
	{key: "signoffs.*.from", why: "it would be asked for later", enforce: "signoffs: {qa: {role: release manager}}", repo: "signoffs: {qa: {role: release manager, from: high}}", holds: func(p *Policy) bool { return p.Signoffs["qa"].From == "" }},
	{key: "components.*", why: "one component could hold everything", enforce: "components: {cart: ['cart/**']}", repo: "components: {all: ['**']}", holds: func(p *Policy) bool { return len(p.Components) == 1 && p.Components["cart"] != nil }},
	harmless("companions[].name", "companions add up: each asks for its own"),
	harmless("companions[].when[]", "the same"),
	harmless("companions[].then[]", "the same"),
	harmless("companions[].or", "the same; the sign-off that an enforced one names is the organization's"),
	{key: "windows[].days[]", why: "windows of its own would open on other days", enforce: winds, repo: "windows: [{days: [Mon, tue], from: '09:00', to: '10:00'}]", silent: true, holds: func(p *Policy) bool { return p.openAt(monday.Add(9*time.Hour)) && !p.openAt(monday.Add(33*time.Hour)) }},
	{key: "windows[].from", why: "at other hours", enforce: winds, repo: "windows: [{days: [mon], from: '8:00', to: '12:00'}]", silent: true, holds: func(p *Policy) bool { return p.openAt(monday.Add(9*time.Hour)) && !p.openAt(monday.Add(8*time.Hour)) }},
	{key: "windows[].to", why: "the same", enforce: winds, repo: "windows: [{days: [mon], from: '9:30', to: '24:00'}]", silent: true, holds: func(p *Policy) bool {
		return !p.openAt(monday.Add(9*time.Hour)) && p.openAt(monday.Add(9*time.Hour+30*time.Minute)) && !p.openAt(monday.Add(10*time.Hour))
	}},
	{key: "windows[].zone", why: "in another zone", enforce: winds, repo: "windows: [{days: [mon], from: '09:00', to: '12:00', zone: Europe/Berlin}]", silent: true, holds: func(p *Policy) bool { return p.openAt(monday.Add(9*time.Hour)) && !p.openAt(monday.Add(8*time.Hour)) }},
	{key: "override.roles[]", why: "people of the repository's choice would let pass what is enforced", enforce: "go: {high: 3}", repo: "roles: {friends: {users: [kim]}}\noverride: {roles: [friends]}", holds: func(p *Policy) bool { return len(p.Override.Roles) == 0 }},
	{key: "override.for", why: "an override would stand for longer", enforce: "approvals: {high: 3}", repo: "override: {for: 24h}", holds: func(p *Policy) bool { return p.OverrideLasts() == time.Hour }},
	harmless("freezes[].name", "freezes add up"),
	harmless("freezes[].from", "the same; a GO by exception lets out of those that were on when it was said"),
	harmless("freezes[].to", "the same"),
	{key: "exceptions", why: "people of the repository's choice would let out of an enforced freeze", enforce: "freezes: [{from: 2026-03-02, to: 2026-03-02}]", repo: "exceptions: release manager", holds: func(p *Policy) bool { return p.Exceptions == "" }},
	harmless("authorization[].types[]", "entries add up"),
	harmless("authorization[].paths[]", "the same"),
	{key: "authorization[].approve[]", why: "those who approve by it would count as the number of release managers", enforce: "go: {medium: 1}", repo: "roles: {friends: {users: [bob]}}\nauthorization: [{approve: [friends]}]", silent: true, holds: func(p *Policy) bool { return p.Authorization[0].Besides }},
	harmless("authorization[].notify[]", "entries add up: whom the organization tells is told"),
	harmless("authorization[].channel", "the same"),
	{key: "monitoring.standard", why: "a shorter watch", enforce: "monitoring: {standard: 30h}", repo: "monitoring: {standard: 1h}", holds: func(p *Policy) bool { return p.Monitoring.Standard == "30h" }},
	{key: "monitoring.hotfix", why: "the same", enforce: "monitoring: {standard: 30h}", repo: "monitoring: {hotfix: 1m}", holds: func(p *Policy) bool { return p.Monitoring.Hotfix == "4h" }},
	{key: "monitoring.architectural", why: "the same", enforce: "requirements: {operational/monitoring: {blocks: low}}", repo: "monitoring: {architectural: 1h}", holds: func(p *Policy) bool { return p.Monitoring.Architectural == "48h" }},
	{key: "smoke.environment", why: "a deployment that says nothing of production would tell", enforce: "smoke: {environment: production}", repo: "smoke: {environment: dev}", holds: func(p *Policy) bool { return p.Smoke.Environment == "production" }},
	{key: "smoke.check", why: "another check would tell", enforce: "smoke: {check: smoke}", repo: "smoke: {check: lint}", holds: func(p *Policy) bool { return p.Smoke.Check == "smoke" }},
	{key: "announce", why: "nobody would hear of it where the organization says", enforce: "announce: '#all'", repo: "announce: ''", holds: func(p *Policy) bool { return p.Announce == "#all" }},
	{key: "capabilities.paths[]", why: "agents would not be told", enforce: "capabilities: {paths: ['agents/**'], notify: [release manager]}", repo: "capabilities: {paths: [x], notify: [release manager]}", silent: true, holds: func(p *Policy) bool { return p.Capabilities.Touched([]string{"agents/a"}) }},
	harmless("capabilities.notify[]", "they add up"),
	{key: "tracker.kind", why: "no tracker, nothing to be done there", enforce: "tracker: {kind: github}", repo: "tracker: {kind: none}", holds: func(p *Policy) bool { return p.Tracker.Kind == "github" }},
	{key: "tracker.repositories[]", why: "items that anybody closes", enforce: "tracker: {repositories: [acme/plan]}", repo: "tracker: {repositories: [kim/mine]}", holds: func(p *Policy) bool { return reflect.DeepEqual(p.Tracker.Repositories, []string{"acme/plan"}) }},
	{key: "tracker.boards", why: "items that anybody sets to done", enforce: mondayTracker, repo: "tracker: {kind: monday, boards: [8], status: {column: state, done: [Done]}, note: {column: notes}}", holds: holdsMonday},
	{key: "tracker.status.column", why: "a column that everybody fills in", enforce: mondayTracker, repo: "tracker: {kind: monday, boards: [7], status: {column: mine, done: [Done]}, note: {column: notes}}", holds: holdsMonday},
	{key: "tracker.status.done", why: "what is under way counts as done", enforce: mondayTracker, repo: "tracker: {kind: monday, boards: [7], status: {column: state, done: [Working on it]}, note: {column: notes}}", holds: holdsMonday},
	{key: "tracker.note.column", why: "any text is a note", enforce: mondayTracker, repo: "tracker: {kind: monday, boards: [7], status: {column: state, done: [Done]}, note: {column: name}}", holds: holdsMonday},
}

// monday is the first hour of one, two days before now.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func (p *Policy) openAt(t time.Time) bool {
	c, err := p.calendar()
	_, shut := c.shut(t)
	return err == nil && !shut
}

// keysBelow lists the keys of a policy file that hold values, those of entries
// of maps and lists below "*" and "[]".
func keysBelow(path string, t reflect.Type) []string {
	switch t.Kind() {
	case reflect.Struct:
		var keys []string
		for i := range t.NumField() {
			if tag := t.Field(i).Tag.Get("yaml"); tag != "-" {
				keys = append(keys, keysBelow(join(path, tag), t.Field(i).Type)...)
			}
		}
		return keys
	case reflect.Map:
		if t.Elem().Kind() == reflect.Slice {
			return []string{path + ".*"}
		}
		return keysBelow(path+".*", t.Elem())
	case reflect.Slice:
		return keysBelow(path+"[]", t.Elem())
	default:
		return []string{path}
	}
}

func TestEveryKeyIsThoughtThrough(t *testing.T) {
	rows := map[string]bool{}
	for _, r := range keyTable {
		if rows[r.key] || r.why == "" {
			t.Errorf("%s: one row each, with its reason", r.key)
		}
		rows[strings.TrimSuffix(r.key, "[]")] = true
	}
	for _, key := range keysBelow("", reflect.TypeFor[Policy]()) {
		if key = strings.TrimSuffix(key, "[]"); !rows[key] {
			t.Errorf("can a repository's %q weaken what is enforced? Say so in keyTable", key)
		}
		delete(rows, key)
	}
	for key := range rows {
		t.Errorf("%s is no key", key)
	}
}

func TestNoKeyOfARepositoryWeakensWhatIsEnforced(t *testing.T) {
	for _, r := range keyTable {
		if r.repo == "" {
			continue
		}
		t.Run(r.key, func(t *testing.T) {
			got, err := Combine(orgFile("enforce: {"+r.enforce+"}"), repoFile(r.repo))
			if err != nil {
				t.Fatal(err)
			}
			if !r.holds(got.Policy) {
				t.Errorf("%s: %s under %s", r.why, r.repo, r.enforce)
			}
			if own, err := Parse(Path, []byte(r.repo)); err != nil || r.holds(own) && r.key != "requirements.*.advises" {
				t.Errorf("the repository's own value weakens nothing: %v", err)
			}
			if told := len(got.Overruled) > 0; told == r.silent {
				t.Errorf("told: %v", got.Overruled)
			}
		})
	}
}

func TestRolesOfWhatIsEnforced(t *testing.T) {
	combine := func(org, repo string) *Policy {
		got, err := Combine(orgFile(org), repoFile(repo))
		if err != nil {
			t.Fatal(err)
		}
		return got.Policy
	}
	_, err := Combine(orgFile("enforce:\n  authorization: [{approve: [CDO]}]"), repoFile("roles: {CDO: {users: [kim]}}"))
	if e, ok := err.(*Error); !ok || e.File != orgFile("").Name || e.Line != 2 || !strings.Contains(e.Message, `"CDO" is no role`) { //nolint:errorlint // as documented
		t.Errorf("a role that only repositories define: %v", err)
	}
	const cdo = "roles: {CDO: {users: [sam], delegates: [deputy]}, deputy: {users: [dana]}}\nenforce: {authorization: [{approve: [CDO]}]}"
	p := combine(cdo, "roles: {CDO: {users: [kim]}, deputy: {users: [bob]}, QA: {users: [lee]}}")
	if got := p.Roles["CDO"]; !same(got, Role{Users: []string{"sam"}, Delegates: []string{"deputy"}}) || !same(p.Roles["deputy"].Users, []string{"dana"}) {
		t.Errorf("the organization's roles, defined outside of the enforce part: %+v, %+v", got, p.Roles["deputy"])
	}
	if !same(p.Roles["QA"].Users, []string{"lee"}) {
		t.Error("a role of the repository's own is gone")
	}
	if p := combine(cdo, "roles: {CDO: {users: [sam]}}"); p.Roles["CDO"].Delegates != nil {
		t.Error("a repository cannot do without a delegate")
	}
	if p := combine("enforce: {go: {high: 3}}", "roles: {release manager: {permission: admin}}"); p.Roles[ReleaseManager].Permission != "admin" {
		t.Error("a repository cannot ask for more of its release managers")
	}
	if p := combine("enforce: {requirements: {decision/veto: {blocks: low}}}", "roles: {release manager: {}}"); p.Roles[ReleaseManager].Permission != "maintain" {
		t.Error("nobody is left who could say /no-go")
	}
	const delegate = "roles: {CDO: {users: [sam], delegates: [release manager]}}\nenforce: {roles: {CDO: {users: [sam], delegates: [release manager]}}}"
	if p := combine(delegate, "roles: {release manager: {permission: write}}"); p.Roles[ReleaseManager].Permission != "maintain" {
		t.Error("a delegate of an enforced role is widened")
	}
	if p := combine("enforce: {go: {high: 3}}", "requirements: {decision/veto: {blocks: 'off'}}"); !p.blocks("decision/veto", gate.Low) {
		t.Error("a /no-go stops nothing where decisions are enforced")
	}
	if p := combine("enforce: {keep_branches: []}", "roles: {release manager: {permission: write}}"); p.Roles[ReleaseManager].Permission != "write" {
		t.Error("release managers are nothing that is enforced here")
	}
}

// What stands outside of the enforce part is for repositories without a file.
func TestWhatIsNotEnforcedIsTheRepositorysToSay(t *testing.T) {
	got, err := Combine(orgFile("approvals: {high: 5}\nwindows: [{days: [mon], from: '09:00', to: '10:00'}]\nexempt: [{name: e, authors: [a], up_to: low}]\nkeep_branches: [gh-pages]\nenforce: {freezes: [{from: 2026-12-20, to: 2027-01-03}]}"),
		repoFile("approvals: {low: 0, medium: 0, high: 1}\nexempt: [{name: e, authors: [a], up_to: low}]\nfreezes: [{from: 2026-07-01, to: 2026-07-02}]"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Approvals.High != 1 || len(got.Windows)+len(got.EnforcedWindows) != 0 || len(got.Exempt) != 1 || len(got.Freezes) != 2 || len(got.Overruled) != 0 {
		t.Errorf("%+v\n%v", got.Policy, got.Overruled)
	}
	alone, err := Combine(orgFile("exempt: [{name: e, authors: [a], up_to: low}]\nkeep_branches: [gh-pages]\nsolo: true\nenforce: {approvals: {high: 3}}"), nil)
	if err != nil || len(alone.Exempt) != 1 || len(alone.KeepBranches) != 1 || !alone.Solo {
		t.Errorf("the organization's own exceptions are taken from it: %+v %v", alone.Policy, err)
	}
}

func TestWorldsUnderWhatIsEnforced(t *testing.T) {
	const friends = "roles: {friends: {users: [bob]}}\nauthorization: [{approve: [friends]}]\n"
	tests := []struct {
		name, enforce, repo string
		change              func(*world)
		want                gate.Verdict
		codes               string
	}{
		{"all is in order", "go: {medium: 1}", "ask: none", func(*world) {}, gate.Ready, ""},
		{"a role of the repository's own approves instead of release managers", "go: {medium: 1}", friends, func(w *world) { w.decisions = nil; w.says(gate.ChoiceGo, bob) }, gate.Waiting, "action decision/authorized go-missing"},
		{"it approves beside them", "go: {medium: 1}", friends, func(w *world) { w.says(gate.ChoiceGo, bob) }, gate.Ready, ""},
		{"it has not approved", "go: {medium: 1}", friends, func(*world) {}, gate.Waiting, "action decision/authorized authorization-missing"},
		{"the final decision owner is of that role", "go: {medium: 1}", friends, func(w *world) {
			w.Record.DecisionOwner = gate.Owner{User: "bob"}
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
			w.says(gate.ChoiceGo, bob)
		}, gate.Waiting, "action decision/authorized wrong-owner"},
		{"no record, of which the repository says that none is needed", "monitoring: {standard: 24h}, requirements: {operational/monitoring: {blocks: low}}", "requirements: {decision/record: {blocks: 'off'}}",
			func(w *world) { w.low(); w.Record = gate.Record{} }, gate.Waiting, "action decision/record no-block"},
		{"an unnamed check is red", "requirements: {code/checks: {blocks: low}}", "checks: {required: [build]}",
			func(w *world) {
				w.checks.Value = append(w.checks.Value, gate.Check{ID: 2, Name: "lint", State: "failure"})
			}, gate.NotReady, "fail code/checks ci-failed"},
		{"a check that is named and red is told once", "requirements: {code/checks: {blocks: low}}", "checks: {required: [build]}",
			func(w *world) { w.checks.Value[0].State = "failure" }, gate.NotReady, "fail code/checks ci-failed"},
		{"an exception said in the repository's own freeze, before the enforced one", "exceptions: release manager, freezes: [{name: f, from: '2026-03-04T11:59:30Z', to: 2026-03-04}]", "freezes: [{name: g, from: 2026-03-04, to: 2026-03-04}]",
			func(*world) {}, gate.Waiting, "pending operational/window freeze"},
		{"an exception said in both", "exceptions: release manager, freezes: [{name: f, from: '2026-03-04T11:50:30Z', to: 2026-03-04}]", "freezes: [{name: g, from: 2026-03-04, to: 2026-03-04}]",
			func(*world) {}, gate.Ready, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Combine(orgFile("enforce: {"+tt.enforce+"}"), repoFile(tt.repo))
			if err != nil {
				t.Fatal(err)
			}
			w := fine()
			tt.change(w)
			ev := w.judgeUnder(got.Policy)
			if ev.Verdict != tt.want || codes(ev) != tt.codes {
				t.Errorf("%s, want %s:\n%s", ev.Verdict, tt.want, codes(ev))
			}
		})
	}
}

func TestWhoIsAskedBesideReleaseManagers(t *testing.T) {
	got, err := Combine(orgFile("enforce: {go: {medium: 1}}"), repoFile("roles: {friends: {users: [bob]}}\nauthorization: [{approve: [friends]}]"))
	if err != nil {
		t.Fatal(err)
	}
	w := fine()
	if asked := got.Asked(w.Record, w.files); !same(asked, []string{"friends", ReleaseManager}) {
		t.Errorf("asked: %v", asked)
	}
	if page := Explain(got.Policy, Case{Class: gate.Medium}); !strings.Contains(page, "a /go from friends and a /go from a release manager") {
		t.Errorf("explained as\n%s", page)
	}
}

func TestTheVerdictNamesTheRequirementThatIsEnforced(t *testing.T) {
	got, err := Combine(orgFile("enforce: {approvals: {high: 3}}"), repoFile("requirements: {review/approvals: {blocks: 'off'}}"))
	if err != nil || len(got.Overruled) != 1 {
		t.Fatal(got.Overruled, err)
	}
	if fact := gate.PlainText(got.Overruled[0].Fact); !strings.Contains(fact, "'requirements.review/approvals': 'blocks from low'") || !strings.Contains(fact, "blocks at no class") {
		t.Errorf("told: %s", fact)
	}
}

const mondayTracker = "tracker: {kind: monday, boards: [7], status: {column: state, done: [Done]}, note: {column: notes}}"

func holdsMonday(p *Policy) bool {
	return reflect.DeepEqual(p.Tracker, Tracker{
		Kind: "monday", Repositories: p.Tracker.Repositories, Boards: []int{7}, Status: StatusColumn{"state", []string{"Done"}}, Note: NoteColumn{"notes"},
	})
}
