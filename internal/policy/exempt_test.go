package policy

import (
	"testing"

	"gonogo/internal/gate"
)

var (
	renovate = gate.User{ID: 20, Login: "renovate[bot]", Bot: true}
	robot    = gate.User{ID: 21, Login: "release-robot[bot]", Bot: true}
	webFlow  = gate.User{ID: 22, Login: githubCommitter}
)

// Writers are the people of the tables whose permission is write or more.
func (w *world) Writers() gate.Reading[[]gate.Collaborator] {
	if w.writers != nil {
		return *w.writers
	}
	if w.writersUnread {
		return unreadable[[]gate.Collaborator](gate.CauseFault)
	}
	var writers []gate.Collaborator
	for _, u := range []gate.User{kim, lee, dana, sam, bob} {
		if p := w.perms[u.Login]; p.Known && p.Value >= gate.PermissionWrite {
			writers = append(writers, gate.Collaborator{User: u, Permission: p.Value})
		}
	}
	return read(writers)
}

// byBot is a pull request of a bot without a record, that touches paths.
func byBot(w *world, who gate.User, paths ...string) {
	w.PR.Author, w.PR.HeadRepoID = who, w.PR.Repo.ID
	w.Record, w.decisions = gate.Record{}, nil
	w.commits = read([]gate.Commit{{SHA: head, Parents: 1, Author: &who, Committer: &webFlow, Verified: true}})
	w.files.Value = nil
	for _, p := range paths {
		w.files.Value = append(w.files.Value, gate.File{Path: p, Status: "modified", HasPatch: true})
	}
}

func TestUpdatesOfDependencies(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   gate.Verdict
		codes  string
	}{
		{"a known bot updates a lock file: one approval, checks and secrets", func(*world) {}, gate.Ready, ""},
		{"in a directory", func(w *world) { byBot(w, renovate, "web/package.json", "web/package-lock.json") }, gate.Ready, ""},
		{"nobody approved it", func(w *world) { w.reviews.Value = nil }, gate.Waiting, "action review/approvals approvals-missing"},
		{"the policy asks for no approval at low: one is asked all the same", func(w *world) {
			w.Policy.Approvals.Low = 0
			w.reviews.Value = nil
		}, gate.Waiting, "action review/approvals approvals-missing"},
		{"CI is red", func(w *world) { w.checks.Value[0].State = "failure" }, gate.NotReady, "fail code/checks ci-failed"},
		{"a credential was added", func(w *world) {
			w.leaks.Value.Leaks = []gate.Leak{{Rule: "aws", Path: "go.sum", Line: 3, Start: "AKIA"}}
		}, gate.NotReady, "fail code/secrets secret-found"},
		{"a release manager says no", func(w *world) { w.says(gate.ChoiceNoGo, dana) }, gate.NotReady, "fail decision/veto nogo-stands"},
		{"a person pushed to it", func(w *world) {
			w.commits.Value = append(w.commits.Value, gate.Commit{SHA: oldHead, Author: &kim, Committer: &kim})
		}, gate.Waiting, "…"},
		{"a person pushed in the bot's name", func(w *world) {
			w.commits.Value = append(w.commits.Value, gate.Commit{SHA: oldHead, Author: &renovate, Committer: &renovate})
		}, gate.Waiting, "…"},
		{"a person pushed commits that the bot had made", func(w *world) { w.PR.Pushers = []gate.User{kim} }, gate.Waiting, "…"},
		{"a source file is among the changes", func(w *world) { byBot(w, renovate, "go.mod", "main.go") }, gate.Waiting, "…"},
		{"not all files are known", func(w *world) { w.files = unreadable[[]gate.File](gate.CauseFault) }, gate.Waiting, "…"},
		{"an unknown bot", func(w *world) { byBot(w, robot, "go.mod") }, gate.Waiting, "…"},
		{"from a fork", func(w *world) { w.PR.HeadRepoID = 99 }, gate.Waiting, "…"},
		{"a label raises the floor", func(w *world) {
			w.Policy.Floors = []Floor{{Class: "medium", Labels: []string{"major"}}}
			w.PR.Labels = []string{"major"}
		}, gate.Waiting, "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			byBot(w, renovate, "go.mod", "go.sum")
			tt.change(w)
			ev := w.judge()
			if ev.Verdict != tt.want || tt.codes != "…" && codes(ev) != tt.codes {
				t.Errorf("%s\n%s", ev.Verdict, codes(ev))
			}
		})
	}
}

func TestExemptions(t *testing.T) {
	rule := Exemption{Name: "nightly build", Authors: []string{"release-robot[bot]"}, Paths: []string{"dist/**", "CHANGELOG.md"}, UpTo: "medium"}
	tests := []struct {
		name   string
		change func(*world)
		exempt bool
	}{
		{"the bot changes what it may", func(*world) {}, true},
		{"a path outside", func(w *world) { byBot(w, robot, "dist/a.js", "src/a.js") }, false},
		{"renamed out of the paths", func(w *world) { w.files.Value[0].Previous = "src/a.js" }, false},
		{"somebody else's pull request", func(w *world) { w.PR.Author = kim }, false},
		{"a person's commit on top", func(w *world) {
			w.commits.Value = append(w.commits.Value, gate.Commit{SHA: oldHead, Author: &kim, Committer: &kim})
		}, false},
		{"the bot's name on an unsigned commit", func(w *world) { w.commits.Value[0].Verified = false }, false},
		{"somebody else pushed to it", func(w *world) { w.PR.Pushers = []gate.User{kim} }, false},
		{"a co-author", func(w *world) { w.commits.Value[0].CoAuthors = []gate.CoAuthor{{Email: "a@b.example"}} }, false},
		{"the floor is higher than the rule's", func(w *world) { byBot(w, robot, "dist/auth.js") }, false},
		{"a credential", func(w *world) { w.leaks.Value.Leaks = []gate.Leak{{Rule: "aws"}} }, false},
		{"a file that could not be searched", func(w *world) { w.leaks.Value.Skipped = []string{"dist/a.bin"} }, false},
		{"the diff was not read", func(w *world) { w.leaks = unreadable[gate.LeakScan](gate.CauseFault) }, false},
		{"the files were not read", func(w *world) { w.files = unreadable[[]gate.File](gate.CauseFault) }, false},
		{"the commits were not read", func(w *world) { w.commits = unreadable[[]gate.Commit](gate.CauseFault) }, false},
		{"the policy is not valid", func(w *world) { w.Faults = []gate.Finding{Invalid(&Error{Message: "x"})} }, false},
		{"a /no-go stands", func(w *world) { w.says(gate.ChoiceNoGo, dana) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			w.Policy.Exempt = []Exemption{rule}
			byBot(w, robot, "dist/a.js", "CHANGELOG.md")
			tt.change(w)
			ev := w.judge()
			if got := ev.Exempt == rule.Name; got != tt.exempt || tt.exempt != (ev.Verdict == gate.Ready) {
				t.Errorf("exempt %q, %s\n%s", ev.Exempt, ev.Verdict, codes(ev))
			}
		})
	}
}

func TestOnePersonAlone(t *testing.T) {
	onlyKim := func(w *world) {
		w.Policy.Solo = true
		w.Policy.Approvals, w.Policy.Go = PerClass{}, PerClass{0, 1, 1}
		w.Policy.Roles[ReleaseManager] = Role{Permission: "write"}
		for _, login := range []string{"lee", "dana", "sam"} {
			w.perms[login] = read(gate.PermissionRead)
		}
		w.reviews.Value, w.decisions = nil, nil
		w.Record.DecisionOwner = gate.Owner{User: "kim"}
		w.says(gate.ChoiceGo, kim)
	}
	tests := []struct {
		name   string
		change func(*world)
		want   gate.Verdict
		codes  string
		self   bool
	}{
		{"decides alone", func(*world) {}, gate.Ready, "", true},
		{"has not decided yet", func(w *world) { w.decisions = nil }, gate.Waiting, "action decision/authorized go-missing", false},
		{"a second person came", func(w *world) { w.perms["lee"] = read(gate.PermissionWrite) }, gate.Waiting, "action decision/authorized self-go", false},
		{"whether there is a second one is unknown", func(w *world) { w.writersUnread = true }, gate.NotVerified, "unknown decision/authorized github-down", false},
		{"the policy does not say solo", func(w *world) {
			w.Policy.Solo = false
			w.decisions = nil
			w.says(gate.ChoiceGo, kim)
		}, gate.Waiting, "action decision/authorized self-go", false},
		{"and the policy asks for an approval", func(w *world) {
			w.Policy.Approvals = PerClass{1, 1, 1}
			w.decisions = nil
			w.says(gate.ChoiceGo, kim)
		}, gate.Waiting, "action review/approvals nobody-can-approve", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			onlyKim(w)
			tt.change(w)
			ev := w.judge()
			if ev.Verdict != tt.want || codes(ev) != tt.codes || ev.SelfDecided != tt.self {
				t.Errorf("%s, self-decided %v\n%s", ev.Verdict, ev.SelfDecided, codes(ev))
			}
		})
	}
}

// The lines that somebody alone is given to paste are a valid policy, under
// which they are not stuck.
func TestWhatIsPastedForOnePersonIsValid(t *testing.T) {
	p, err := Parse(Path, []byte(soloPolicy))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Solo || p.Approvals.High != 0 || p.Go.High != 1 {
		t.Errorf("%+v", p)
	}
}

func TestExcludedBranches(t *testing.T) {
	p := BuiltIn()
	p.Exclude = []string{"sandbox/**"}
	required := []gate.RequiredCheck{{Name: p.Check}}
	if p.InScope("sandbox/x", "main", nil) || p.InScope("sandbox/x", "sandbox/x", required) || !p.InScope("main", "main", nil) {
		t.Error("an excluded branch is judged, or another is not")
	}
	if p.Locked("sandbox/x", nil) != nil || p.Locked("main", required) != nil {
		t.Error("a branch is said to be locked that is not")
	}
	if f := p.Locked("sandbox/x", required); f == nil || f.Status != gate.Fail || f.Code != "required-but-out-of-scope" {
		t.Errorf("%+v", f)
	}
}

func TestScopeIsValidated(t *testing.T) {
	for file, want := range map[string]string{
		"exclude: [\"a[\"]":                                     `line 1, column 11: exclude[0]: "a[" is not a valid glob`,
		"exempt:\n  - {name: x, up_to: low}":                    `line 2, column 5: exempt[0].authors: say whose pull requests are exempt: ["renovate[bot]"]`,
		"exempt:\n  - {name: x, authors: [a], up_to: lots}":     `line 2, column 29: exempt[0].up_to: "lots" is not one of low, medium, high; write the highest class that may pass`,
		"exempt:\n  - {name: x, authors: [\"@a\"], up_to: low}": `line 2, column 25: exempt[0].authors[0]: write the login alone, without @: "@a"`,
		"dependencies: {bots: [kim]}":                           `line 1, column 23: dependencies.bots[0]: "kim" is no bot; a bot's login ends in [bot]`,
	} {
		_, err := Parse(Path, []byte(file))
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", file, err, want)
		}
	}
}
