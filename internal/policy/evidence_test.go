package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gonogo/internal/gate"
)

func tells(ev gate.Evaluation, code string) bool {
	for _, f := range ev.Findings {
		if f.Code == code {
			return true
		}
	}
	return false
}

// Case 46: whoever changes CI can make it green.
func TestChangesOfCI(t *testing.T) {
	const blocked = "action code/checks ci-changed"
	approves := func(w *world, users ...gate.User) {
		w.reviews.Value = nil
		for i, u := range users {
			w.reviews.Value = append(w.reviews.Value, gate.ReviewOf{ID: int64(i + 1), User: u, State: gate.Approved, CommitSHA: head})
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*world)
		codes  string
	}{
		{"somebody who only writes approved", func(*world) {}, blocked},
		{"a maintainer approved", func(w *world) { approves(w, dana) }, ""},
		{"an administrator approved besides", func(w *world) { approves(w, lee, sam) }, ""},
		{"a maintainer approved an earlier head", func(w *world) { approves(w, lee, dana); w.reviews.Value[1].CommitSHA = oldHead }, blocked},
		{"the maintainer wrote it", func(w *world) {
			approves(w, dana, lee)
			w.commits.Value[0].Committer = &dana
			w.decisions = nil
			w.says(gate.ChoiceGo, sam)
			w.Record.DecisionOwner = gate.Owner{User: "sam"}
			w.decisions = nil
			w.says(gate.ChoiceGo, sam)
		}, blocked},
		{"everybody who maintains it wrote it: a writer looks at it", func(w *world) {
			w.perms["dana"], w.perms["sam"] = read(gate.PermissionRead), read(gate.PermissionRead)
			w.perms["kim"] = read(gate.PermissionAdmin)
			w.Policy.Go.Medium = 0
		}, ""},
		{"who else may write cannot be read", func(w *world) { w.writersUnread = true }, blocked + "\nunknown code/checks github-down"},
		{"an owner approved", func(w *world) { w.owners = read(".github/ @lee") }, ""},
		{"a maintainer who is no owner approved", func(w *world) { w.owners = read(".github/ @lee"); approves(w, dana) }, blocked},
		{"the only owner wrote it, and a maintainer approved", func(w *world) { w.owners = read(".github/ @kim"); approves(w, dana) }, ""},
		{"the only owner wrote it, and a writer approved", func(w *world) { w.owners = read(".github/ @kim") }, blocked},
		{"of the owning team", func(w *world) {
			w.owners, w.teams["acme/ci"] = read("* @acme/ci"), read([]gate.User{lee})
		}, ""},
		{"not of the owning team", func(w *world) {
			w.owners, w.teams["acme/ci"] = read("* @acme/ci"), read([]gate.User{bob})
			approves(w, dana)
		}, blocked},
		{"CODEOWNERS cannot be read", func(w *world) { w.owners = unreadable[string](gate.CauseFault); approves(w, dana) }, "unknown code/checks github-down"},
		{"a repository of one person", func(w *world) {
			w.PR.Repo.OwnerIsUser = true
			w.Policy.Roles[ReleaseManager] = Role{Permission: "write"}
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, ""},
		{"one person alone, and the policy knows", func(w *world) {
			w.Policy.Solo, w.Policy.Approvals = true, PerClass{}
			w.writers = &gate.Reading[[]gate.Collaborator]{Known: true, Value: []gate.Collaborator{{User: kim, Permission: gate.PermissionAdmin}}}
			w.perms["kim"] = read(gate.PermissionAdmin)
			w.reviews.Value, w.Record.DecisionOwner, w.decisions = nil, gate.Owner{User: "kim"}, nil
			w.says(gate.ChoiceGo, kim)
		}, ""},
		{"its documents only", func(w *world) { w.files.Value[0].Path = ".github/workflows/README.md" }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			w.files.Value[0].Path = ".github/workflows/ci.yml"
			tt.change(w)
			for i := range w.decisions {
				w.decisions[i].For = gate.Binding{HeadSHA: head, BaseRef: "main", Policy: w.Policy.Digest(), Terms: w.Record.Terms()}
			}
			if got := codes(w.judge()); got != tt.codes {
				t.Error(got)
			}
		})
	}
}

func TestWhatSaysWhatCIDoes(t *testing.T) {
	p := BuiltIn()
	p.Checks.Files = []string{"ci/**"}
	for name, is := range map[string]bool{
		".github/workflows/ci.yml": true, ".github/actions/setup/action.yml": true, ".github/actions/setup/main.js": true,
		".gitlab-ci.yml": true, ".circleci/config.yml": true, "Jenkinsfile": true, "deploy/Jenkinsfile": true, "Jenkinsfile.prod": true,
		"azure-pipelines.yml": true, "azure-pipelines-nightly.yml": true, ".buildkite/pipeline.yml": true, ".travis.yml": true, "ci/run.sh": true,
		"cart/total.go": false, ".github/CODEOWNERS": false, ".github/workflows/README.md": false, "docs/ci/a.md": false,
		"src/circleci/a.go": false, "ci/notes.md": false,
	} {
		if got := p.ciFiles([]gate.File{{Path: name}}); (len(got) > 0) != is {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := p.ciFiles([]gate.File{{Path: "old.yml", Previous: ".github/workflows/ci.yml"}}); len(got) != 1 {
		t.Errorf("renamed away: %v", got)
	}
	w := fine()
	w.low()
	w.files.Value[0].Path = "Jenkinsfile"
	if got := codes(w.judge()); !strings.Contains(got, "risk-floor") {
		t.Error(got)
	}
}

// Case 46: a check of the right name from another workflow proves nothing.
func TestChecksOfPinnedRuns(t *testing.T) {
	ci := gate.WorkflowRun{Suite: 7, Path: ".github/workflows/ci.yml", Event: "pull_request"}
	noop := gate.WorkflowRun{Suite: 8, Path: ".github/workflows/noop.yml", Event: "pull_request"}
	push := gate.WorkflowRun{Suite: 9, Path: ".github/workflows/ci.yml", Event: "push"}
	build := func(id, suite int64, state string) gate.Check {
		return gate.Check{ID: id, Name: "build", App: 15368, Suite: suite, State: state}
	}
	pin := RunOf{Workflow: ".github/workflows/ci.yml", Event: "pull_request"}
	for _, tt := range []struct {
		name   string
		pin    RunOf
		checks []gate.Check
		codes  string
	}{
		{"of that workflow", pin, []gate.Check{build(1, 7, "success")}, ""},
		{"of another workflow", pin, []gate.Check{build(1, 8, "success")}, "action code/checks ci-elsewhere"},
		{"for another event", pin, []gate.Check{build(1, 9, "success")}, "action code/checks ci-elsewhere"},
		{"of any event", RunOf{Workflow: pin.Workflow}, []gate.Check{build(1, 9, "success")}, ""},
		{"of any workflow", RunOf{Event: "pull_request"}, []gate.Check{build(1, 8, "success")}, ""},
		{"of both, the other one newer", pin, []gate.Check{build(1, 7, "success"), build(2, 8, "success")}, ""},
		{"red there, green elsewhere and newer", pin, []gate.Check{build(1, 7, "failure"), build(2, 8, "success")}, "fail code/checks ci-failed"},
		{"skipped there", pin, []gate.Check{build(1, 7, "skipped"), build(2, 8, "success")}, "action code/checks ci-skipped"},
		{"running there", pin, []gate.Check{build(1, 7, "in_progress"), build(2, 8, "success")}, "pending code/checks ci-running"},
		{"green there, red elsewhere and newer", pin, []gate.Check{build(1, 7, "success"), build(2, 9, "failure")}, "fail code/checks ci-failed"},
		{"a commit status of that name", pin, []gate.Check{{ID: 1, Name: "build", Status: true, State: "success"}}, "action code/checks ci-elsewhere"},
		{"another App", pin, []gate.Check{{ID: 1, Name: "build", App: 99, Suite: 70, State: "success"}}, "action code/checks ci-elsewhere"},
		{"of a run that is not listed yet", pin, []gate.Check{{ID: 1, Name: "build", App: 15368, AppTag: "github-actions", Suite: 70, State: "success", StartedAt: now.Add(-time.Minute)}}, "unknown code/checks github-down"},
		{"of no run, long after", pin, []gate.Check{{ID: 1, Name: "build", App: 15368, AppTag: "github-actions", Suite: 70, State: "success", StartedAt: now.Add(-time.Hour)}}, "action code/checks ci-elsewhere"},
		{"not at all", pin, []gate.Check{{ID: 1, Name: "test", State: "success"}}, "action code/checks ci-missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			w.Policy.Checks.Runs = map[string]RunOf{"build": tt.pin}
			w.checks, w.runs = read(tt.checks), read([]gate.WorkflowRun{ci, noop, push})
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
			if got := codes(w.judge()); got != tt.codes {
				t.Error(got)
			}
			w.runs = unreadable[[]gate.WorkflowRun](gate.CausePermission)
			if got := codes(w.judge()); !strings.Contains(got, "action code/checks permission") {
				t.Errorf("runs that cannot be read: %s", got)
			}
			w.Policy.Checks.Runs = nil
			if got := codes(w.judge()); strings.Contains(got, "permission") {
				t.Errorf("nothing is pinned: %s", got)
			}
		})
	}
}

func TestPinsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"checks: {runs: {build: {}}}":                               "say by which workflow",
		"checks: {runs: {build: {workflow: ci.yml}}}":               "write the path",
		"checks: {runs: {build: {workflow: /.github/workflows/a}}}": "write the path",
		"checks: {runs: {build: {workflow: .github/../a.yml}}}":     "write the path",
		"checks: {runs: {build: {event: Pull Request}}}":            "no event",
		"checks: {runs: {release-readiness: {event: push}}}":        "own check",
		"checks: {runs: {build: {app: 3}}}":                         "no key",
		"checks: {files: [\"[\"]}":                                  "glob",
	} {
		if _, err := Parse(Path, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	p, err := Parse(Path, []byte("checks: {runs: {build: {workflow: .github/workflows/ci.yml, event: pull_request}}}"))
	if err != nil || p.Checks.Runs["build"].Event != "pull_request" {
		t.Error(p, err)
	}
	if BuiltIn().PinsRuns() {
		t.Error("the built-in policy pins runs, so that every evaluation asks for them")
	}
}

// Case 50: whatever the order in which 1,001 runs are listed, a failure that
// nothing newer made good is found.
func TestInterleavedRunsOfOneCheck(t *testing.T) {
	states := []string{"success", "failure", "skipped", "neutral", "in_progress", "cancelled"}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 2, 3, 5, 1001}).Draw(t, "runs")
		order := rapid.Permutation(rapid.SliceOfN(rapid.IntRange(0, len(states)-1), n, n).Draw(t, "states")).Draw(t, "order")
		var all []gate.Check
		want, real := "", ""
		for i, s := range order {
			all = append(all, gate.Check{ID: int64(i + 1), Name: "build", App: 15368, Suite: int64(i % 3), State: states[s]})
			want = states[s]
			if !inconclusive(want) {
				real = want
			}
		}
		if inconclusive(want) && real != "" && real != "success" {
			want = real
		}
		shuffled := rapid.Permutation(all).Draw(t, "listed")
		got := newestChecks(shuffled)
		if len(got) != 1 || got[0].State != want {
			t.Fatalf("%d runs: %+v, want %s", n, got, want)
		}
	})
}

// Ruling 4: whose label counts, and for which component.
func TestWhichSevereIssuesCount(t *testing.T) {
	const blocks = "fail code/severity severe-issue"
	for _, tt := range []struct {
		name   string
		change func(*world, *gate.Issue)
		codes  string
		says   string
	}{
		{"labelled by somebody with triage access", func(*world, *gate.Issue) {}, blocks, ""},
		{"by an outsider's form", func(w *world, i *gate.Issue) { i.Author, w.labeller = bob, read(bob) }, "", "severe-unconfirmed"},
		{"by its author, who has triage access", func(w *world, i *gate.Issue) {
			i.Author, w.labeller = bob, read(bob)
			w.perms["bob"] = read(gate.PermissionTriage)
		}, blocks, ""},
		{"by its author, an hour after it was opened, who has lost the access since", func(w *world, i *gate.Issue) {
			i.Author, w.labeller, w.labelledAt = bob, read(bob), i.OpenedAt.Add(time.Hour)
		}, blocks, ""},
		{"by its author's form, which took a moment", func(w *world, i *gate.Issue) {
			i.Author, w.labeller, w.labelledAt = bob, read(bob), i.OpenedAt.Add(20*time.Second)
		}, "", "severe-unconfirmed"},
		{"by somebody else who has lost the access since", func(w *world, i *gate.Issue) { i.Author, w.labeller = kim, read(bob) }, blocks, ""},
		{"by an App", func(w *world, i *gate.Issue) { i.Author, w.labeller = bot, read(bot) }, blocks, ""},
		{"by nobody who is known", func(w *world, i *gate.Issue) { w.labeller = read(gate.User{}) }, blocks, ""},
		{"by whom cannot be read", func(w *world, i *gate.Issue) { w.labeller = unreadable[gate.User](gate.CauseFault) }, blocks + "\nunknown code/severity github-down", ""},
		{"by whom may not be read", func(w *world, i *gate.Issue) { w.labeller = unreadable[gate.User](gate.CausePermission) }, blocks, ""},
		{"what the author may do cannot be read", func(w *world, i *gate.Issue) {
			i.Author, w.labeller = bob, read(bob)
			flaky(w, w.perms, "bob")
		}, blocks + "\nunknown code/severity github-down", ""},
		{"the author's login is another's by now", func(w *world, i *gate.Issue) {
			was := gate.User{ID: 99, Login: "bob"}
			i.Author, w.labeller = was, read(was)
		}, blocks, ""},

		{"of a touched component", func(w *world, i *gate.Issue) { i.Labels = []string{"component: cart"} }, blocks, ""},
		{"of another one, by a label", func(w *world, i *gate.Issue) { i.Labels = []string{"SEV1", "Billing"} }, "", "severe-elsewhere"},
		{"of another one, by a prefixed label", func(w *world, i *gate.Issue) { i.Labels = []string{"area/billing"} }, "", "severe-elsewhere"},
		{"of another one, by its text", func(w *world, i *gate.Issue) { i.Body = "It is down.\n\n**Component:** billing" }, "", "severe-elsewhere"},
		{"of another one, by its form", func(w *world, i *gate.Issue) { i.Body = "### Component\n\nbilling\n\n### What\n\ncart is slow" }, "", "severe-elsewhere"},
		{"of both", func(w *world, i *gate.Issue) { i.Body = "### Components\n\n- billing\n- cart\n" }, blocks, ""},
		{"its label and its text differ", func(w *world, i *gate.Issue) { i.Labels, i.Body = []string{"billing"}, "Component: cart" }, blocks, ""},
		{"of one that is none", func(w *world, i *gate.Issue) { i.Labels, i.Body = []string{"billing"}, "Component: everything" }, blocks, ""},
		{"of none that a reader sees", func(w *world, i *gate.Issue) { i.Body = "<!-- Component: billing -->\n```\nComponent: billing\n```" }, blocks, ""},
		{"a path of no component", func(w *world, i *gate.Issue) {
			i.Labels = []string{"billing"}
			w.files.Value = append(w.files.Value, gate.File{Path: "go.mod"})
			w.Policy.Requirements["review/scope"] = Depth{Blocks: off}
		}, blocks, ""},
		{"a document besides", func(w *world, i *gate.Issue) {
			i.Labels = []string{"billing"}
			w.files.Value = append(w.files.Value, gate.File{Path: "README.md"})
			w.Policy.Requirements["review/scope"] = Depth{Blocks: off}
		}, "", "severe-elsewhere"},
		{"the scope names it", func(w *world, i *gate.Issue) { i.Labels, w.Record.Scope = []string{"billing"}, "cart, billing" }, blocks, ""},
		{"the organization asks, and the components are not its own", func(w *world, i *gate.Issue) {
			i.Labels, w.Policy.Severity.Everywhere = []string{"billing"}, true
		}, blocks, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			w.Policy.Components = map[string][]string{"cart": {"cart/**"}, "billing": {"pay/**"}}
			i := gate.Issue{Number: 8, Title: "down", Author: kim}
			w.labeller = read(dana)
			tt.change(w, &i)
			w.issues["SEV1"] = read([]gate.Issue{i})
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
			ev := w.judge()
			if got := codes(ev); got != tt.codes || tt.says != "" && !tells(ev, tt.says) {
				t.Error(got)
			}
		})
	}
}

// Of many issues not all labellers are asked for: the others count.
func TestManySevereIssues(t *testing.T) {
	w := fine()
	var many []gate.Issue
	for n := range 50 {
		many = append(many, gate.Issue{Number: n + 1})
	}
	w.issues["SEV1"] = read(many)
	if n := len(w.Policy.LabelledIssues(w.PR, w.Record, w)); n != maxLabellers {
		t.Error(n)
	}
}

func TestEnforcedSeverityHoldsInAllComponents(t *testing.T) {
	org := &File{Name: OrganizationPath, Data: []byte("enforce:\n  severity: {sev1: SEV1}\n")}
	own := &File{Name: Path, Data: []byte("components: {nothing: [\"nowhere/**\"]}\n")}
	found, err := Combine(org, own)
	if err != nil || !found.Policy.Severity.Everywhere {
		t.Errorf("%+v %v", found.Policy.Severity, err)
	}
	if found, err = Combine(nil, own); err != nil || found.Policy.Severity.Everywhere {
		t.Errorf("%+v %v", found.Policy.Severity, err)
	}
}

// Ruling 6: which alerts block.
func TestWhichAlertsBlock(t *testing.T) {
	fault := &gate.Unreadable{Cause: gate.CauseFault}
	for _, tt := range []struct {
		name   string
		change func(*world, *gate.Alert)
		codes  string
	}{
		{"in a commit of the pull request", func(w *world, a *gate.Alert) { a.Commits = []string{oldHead, head} }, "fail code/secrets secret-alert"},
		{"elsewhere, older than the last release", func(*world, *gate.Alert) {}, ""},
		{"elsewhere, since the last release", func(w *world, a *gate.Alert) { a.CreatedAt = now.Add(-time.Minute) }, "fail code/secrets secret-alert"},
		{"at the moment of the last release", func(w *world, a *gate.Alert) { a.CreatedAt = w.released.Value }, "fail code/secrets secret-alert"},
		{"elsewhere, and nothing was ever released", func(w *world, a *gate.Alert) { w.released = read(time.Time{}) }, ""},
		{"elsewhere, and the last release cannot be read", func(w *world, a *gate.Alert) { w.released = unreadable[time.Time](gate.CauseFault) }, "unknown code/secrets github-down"},
		{"nobody can tell where", func(w *world, a *gate.Alert) { a.Commits, a.Unplaced = nil, &gate.Unreadable{Cause: gate.CauseMissing} }, "fail code/secrets secret-alert"},
		{"where cannot be read now", func(w *world, a *gate.Alert) { a.Commits, a.Unplaced = nil, fault }, "unknown code/secrets github-down"},
		{"where cannot be read, and it is new", func(w *world, a *gate.Alert) {
			a.Commits, a.Unplaced, a.CreatedAt = nil, fault, now
		}, "fail code/secrets secret-alert"},
		{"the commits cannot be read", func(w *world, a *gate.Alert) { w.commits = unreadable[[]gate.Commit](gate.CauseFault) }, "unknown code/secrets github-down…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			w.released = read(now.Add(-time.Hour))
			a := gate.Alert{Number: 3, Rule: "pat", Commits: []string{oldHead}, CreatedAt: now.Add(-48 * time.Hour)}
			tt.change(w, &a)
			w.alerts = read([]gate.Alert{a})
			ev := w.judge()
			got, begins := codes(ev), strings.TrimSuffix(tt.codes, "…")
			if got != tt.codes && (begins == tt.codes || !strings.Contains(got, begins)) || !tells(ev, "secret-alert") {
				t.Error(got)
			}
		})
	}
}

// Case 51: links to what proves something else.
func TestLinksAsEvidence(t *testing.T) {
	const home = "https://github.com/acme/shop"
	w := fine()
	w.checks = read([]gate.Check{{ID: 71, Name: "build", State: "success", URL: home + "/actions/runs/70/job/71"}})
	for link, of := range map[string]string{
		home + "/actions/runs/70":                          "",
		home + "/actions/runs/70/job/71":                   "",
		home + "/runs/71":                                  "",
		home + "/actions/runs/69":                          "run",
		home + "/actions/runs/7":                           "run",
		home + "/runs/72?check_suite_focus=true":           "run",
		"https://GitHub.com/ACME/shop/actions/runs/70":     "",
		"https://github.com/acme/other/actions/runs/70":    "repository",
		"https://github.com/mallory/shop/actions/runs/70":  "repository",
		home + "/commit/" + head:                           "",
		home + "/commit/" + head[:9]:                       "",
		home + "/commit/" + oldHead:                        "commit",
		"https://github.com/acme/other/commit/" + head:     "repository",
		home + "/pull/12":                                  "",
		home + "/pull/12#issuecomment-5":                   "",
		home + "/pull/12/commits/" + oldHead:               "commit",
		home + "/pull/12/checks?check_run_id=71":           "",
		home + "/pull/12/checks?check_run_id=9":            "run",
		home + "/pull/11":                                  "pull request #11",
		home + "/wiki/rehearsals":                          "",
		"https://gitlab.example/acme/other/actions/runs/1": "",
		"https://dash.example/d/1?x=" + home + "/pull/11":  "",
	} {
		for _, text := range []string{link, "(" + link + ")", "[run](" + link + ")."} {
			w.Record.More[gate.FieldRehearsal] = "staging, 2026-03-01, recovered in 6 min, no friction, see " + text
			found := rehearsal(question{Input: w.Input, class: gate.High}, w)
			got := ""
			if len(found) > 0 {
				got = found[0].Code + " " + found[0].Fact
			}
			if of == "" && got != "" || of != "" && (!strings.HasPrefix(got, "evidence-elsewhere ") || !strings.Contains(got, "is of") || !strings.Contains(got, of)) {
				t.Errorf("%s: %q, want %q", text, got, of)
			}
		}
	}
	w.checks = read([]gate.Check{{ID: 71, Name: "build", URL: home + "/runs/71"}})
	w.Record.More[gate.FieldRehearsal] = "staging, 2026-03-01, recovered in 6 min, " + home + "/actions/runs/69"
	if found := rehearsal(question{Input: w.Input}, w); len(found) > 0 {
		t.Errorf("no check tells its run: %+v", found)
	}
}

func TestLinksUnderTrackerItems(t *testing.T) {
	w := fine()
	for text, want := range map[string]string{
		"#3 https://github.com/acme/other/actions/runs/5": "evidence-elsewhere",
		"https://github.com/acme/shop/commit/" + oldHead:  "evidence-elsewhere",
		"#3 https://github.com/acme/shop/pull/4":          "",
		"#3":                                              "",
	} {
		w.Record.More[gate.FieldTracker] = text
		w.items = map[gate.TrackerRef]gate.Reading[gate.TrackerItem]{}
		for _, n := range []int{3, 4} {
			w.items[gate.TrackerRef{Repo: "acme/shop", Number: n}] = read(gate.TrackerItem{Completed: true, Noted: true})
		}
		var got []string
		for _, f := range tracker(question{Input: w.Input}, w) {
			got = append(got, f.Code)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// Ruling 14: nobody opens the lane for themselves.
func TestHotfixLabelledByWhoWroteIt(t *testing.T) {
	w := hotfix()
	w.labeller, w.perms["kim"] = read(kim), read(gate.PermissionAdmin)
	if ev := w.judge(); ev.HotfixOf != 0 || !tells(ev, "hotfix-no-lane") {
		t.Error(codes(ev))
	}
	w = hotfix()
	w.commits.Value = append(w.commits.Value, gate.Commit{SHA: oldHead, Author: &dana, Committer: &dana})
	if ev := w.judge(); ev.HotfixOf != 0 {
		t.Error("labelled by somebody who wrote a commit of it")
	}
	w = hotfix()
	w.labeller = read(gate.User{ID: 99, Login: "dana"})
	if ev := w.judge(); ev.HotfixOf != 0 {
		t.Error("labelled by somebody whose login is another's by now")
	}
}

// Case 49: what a hostile policy file looks like.
func TestPolicyBombs(t *testing.T) {
	laughs := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for n := 1; n < 10; n++ {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", n, n, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", n-1), 9), ","))
	}
	deep := func(open, shut string, n int) string {
		return "floors: " + strings.Repeat(open, n) + strings.Repeat(shut, n)
	}
	nested := ""
	for n := range 25 {
		nested += strings.Repeat(" ", n) + "a:\n"
	}
	bombs := map[string]string{
		"a billion laughs":          laughs,
		"an alias to itself":        "roles: &r {a: *r}\n",
		"a merge key":               "x: &x {check: a}\n<<: *x\n",
		"an alias of known keys":    "branches: &b [a]\nexclude: *b\n",
		"10 MB of a comment":        "# " + strings.Repeat("x", 10<<20),
		"10 MB of a list":           "branches: [" + strings.Repeat("a,", 5<<20) + "a]",
		"64 KiB of brackets":        strings.Repeat("[", MaxSize),
		"21 levels of lists":        deep("[", "]", 21),
		"21 levels of maps":         deep("{a: ", "}", 21),
		"25 levels of indentation":  nested,
		"a dash in a dash":          "floors:\n  " + strings.Repeat("- ", 40) + "a\n",
		"two documents":             "check: a\n---\ncheck: b\n",
		"a tag":                     "check: !!binary aGk=\n",
		"a key twice":               "check: a\ncheck: b\n",
		"a key twice, deeper":       "checks: {none: true, none: false}\n",
		"an unknown key":            "chekc: a\n",
		"no UTF-8":                  "check: \xff\xfe\n",
		"a NUL":                     "check: a\x00b\n",
		"20,000 lines":              strings.Repeat("#\n", 20000),
		"a list at the top":         "- check\n",
		"a number that is too long": "rehearsal: {max_age_days: " + strings.Repeat("9", 400) + "}\n",
	}
	for name, text := range bombs {
		p, err := Parse(Path, []byte(text))
		if err == nil || p != nil {
			t.Errorf("%s was read: %v", name, err)
			continue
		}
		if len(err.Error()) > 1000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
		if f := Invalid(err); f.Status != gate.Fail || f.Code != "policy-invalid" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
