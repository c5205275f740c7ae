package policy

import (
	"slices"
	"testing"
	"time"

	"gonogo/internal/decision"
	"gonogo/internal/gate"
)

func TestRiskFloors(t *testing.T) {
	tests := []struct {
		path string
		want gate.Class
	}{
		{"cart/total.go", gate.Low},
		{"authors.md", gate.Low}, {"author.go", gate.Low}, {"src/authority.go", gate.Low}, {"authoring/tool.go", gate.Low}, {"coauthor.rb", gate.Low},
		{"docs/auth.md", gate.Low}, {"docs/migrations/0199.sql", gate.Low}, {"internal/auth/README.md", gate.Low}, {"auth/diagram.svg", gate.Low}, {"billing/logo.PNG", gate.Low},
		{"internal/auth/session.go", gate.High}, {"internal/Auth/session.go", gate.High}, {"AUTH.go", gate.High}, {"src/auth.ts", gate.High},
		{"web/OAuthClient.ts", gate.High}, {"HTTPAuth.java", gate.High}, {"authService.js", gate.High}, {"user-auth.go", gate.High}, {"user_auth2.go", gate.High},
		{"oauth2/token.go", gate.High}, {"authn.go", gate.High}, {"authz/rules.rego", gate.High}, {"Authentication.cs", gate.High}, {"authorizations.py", gate.High},
		{"migrations/0199.sql", gate.High}, {"db/Migrations/Init.cs", gate.High}, {"src/permission.go", gate.High}, {"api/permissions/list.go", gate.High}, {"lib/billing.rb", gate.High},
		{"permission_test.go", gate.Medium}, {"testdata/auth/key.pem", gate.Medium}, {"auth/testdata/a.json", gate.Medium}, {"tests/test_auth.py", gate.Medium}, {"test_migration.py", gate.Medium},
		{"auth.spec.ts", gate.Medium}, {"auth.test.tsx", gate.Medium}, {"spec/auth_spec.rb", gate.Medium}, {"src/AuthTest.java", gate.Medium}, {"AuthTests.cs", gate.Medium}, {"__tests__/billing.js", gate.Medium},
		{"latest/auth.go", gate.High}, {"contest.auth.go", gate.High}, {"auth/Contest.java", gate.High},
		{".github/workflows/ci.yml", gate.Medium}, {".github/actions/x/action.yml", gate.Medium}, {".github/workflows/auth.yml", gate.High},
		{".github/gonogo.yml", gate.High}, {"sub/.github/gonogo.yml", gate.Low}, {"gonogo.yml", gate.Low},
		{"übersicht/größe.go", gate.Low}, {"данные/файл.go", gate.Low}, {"日本/auth.go", gate.High}, {"", gate.Low}, {"/", gate.Low}, {"\xff\xfeauth", gate.High},
	}
	for _, tt := range tests {
		got := floorOf(BuiltIn(), nil, read([]gate.File{{Path: tt.path}}))
		if got.class != tt.want {
			t.Errorf("%q: floor %s, want %s", tt.path, got.class, tt.want)
		}
		if tt.want > gate.Low && got.because == "" {
			t.Errorf("%q: nothing says why", tt.path)
		}
	}
}

func TestRiskFloorNamesPathAndPattern(t *testing.T) {
	floor := floorOf(BuiltIn(), nil, read([]gate.File{{Path: "a.go"}, {Path: "db/migrations/0199.sql"}}))
	if got := gate.PlainText(floor.because); got != "'db/migrations/0199.sql' (floor 'migration')" {
		t.Error(got)
	}
	renamed := floorOf(BuiltIn(), nil, read([]gate.File{{Path: "x.go", Previous: "auth/x.go", Status: "renamed"}}))
	if renamed.class != gate.High {
		t.Error("a rename hides the old path")
	}
	p := BuiltIn()
	p.Floors = []Floor{{Class: "high", Labels: []string{"Dangerous"}}}
	if floorOf(p, []string{"dangerous"}, read([]gate.File(nil))).class != gate.High {
		t.Error("GitHub's labels ignore case, floors do not")
	}
}

func TestRehearsals(t *testing.T) {
	const passes = ""
	tests := []struct{ text, want string }{
		{"staging, 2026-03-01, recovered in 6 min, no friction", passes},
		{"2026-03-01 staging: recovery 4min30s, friction: none", passes},
		{"Done on staging 2026-02-20; recovery time: 12 minutes; friction – none", passes},
		{"staging\n2026-03-01\n6 minutes", passes},
		{"2026-03-01T10:30:00Z, pre-prod, 90 s, no issues", passes},
		{"restored in under ten minutes on staging, 2026/03/01", passes},
		{"1 March 2026, canary, half an hour", passes},
		{"Mar 2nd, 2026: took 4m, clean", passes},
		{"2026-03-01, 5-minute recovery on staging", passes},
		{"2026-03-01 стейджинг, відновлення 6 хв", passes},
		{"2026-03-01, Staging, 6 Minuten, keine Probleme", passes},
		{"2026-03-01, failed over in 40 s, zero errors", passes},
		{"first on 2025-01-10 (20 min), again on 2026-03-01 (6 min)", passes},
		{"2026-03-01 took 6 min; next due 2026-06-01", passes},
		{"2026-03-01 recovery took 05:30", passes},
		{"2026-03-04, an hour ago on staging, took 3 min", passes},
		{"dry-run on staging took 4m, clean", "rehearsal-no-date advisory"},
		{"recovered in 6 min in staging last week", "rehearsal-no-date advisory"},

		{"", "rehearsal-missing"}, {" \n", "rehearsal-missing"},
		{"planned for Friday, about 10 min", "rehearsal-not-done"}, {"not yet", "rehearsal-not-done"}, {"none", "rehearsal-not-done"}, {"N/A", "rehearsal-not-done"},
		{"will be done tomorrow, 5 min expected", "rehearsal-not-done"}, {"No rehearsal, rollback takes 2 min", "rehearsal-not-done"}, {"to be scheduled", "rehearsal-not-done"},
		{"we didn’t rehearse it, but it takes 5 min", "rehearsal-not-done"}, {"2026-03-01: failed after 4 min", "rehearsal-not-done"}, {"not needed (2 min revert)", "rehearsal-not-done"},
		{"TBD, 6 min", "rehearsal-not-done"}, {"2026-05-01, 6 min", "rehearsal-not-done"}, {"skipped, revert takes 1 min", "rehearsal-not-done"},
		{"done on staging on 2026-03-01", "rehearsal-no-time"}, {"rehearsed 2026-03-03 at 14:30", "rehearsal-no-time"}, {"yes", "rehearsal-no-time"},
		{"rehearsed 2 hours ago on staging", "rehearsal-no-time"}, {"2026-03-01", "rehearsal-no-time"}, {"https://wiki/rehearsal", "rehearsal-no-time"},
		{"2025-11-02, staging, 6 min", "rehearsal-stale"}, {"2 November 2025, staging, 6 min", "rehearsal-stale"}, {"2025-11-02T09:00Z, staging, 6 min", "rehearsal-stale"},
	}
	for _, tt := range tests {
		w := fine()
		w.Record.More[gate.FieldRehearsal] = tt.text
		got := ""
		for _, f := range rehearsal(question{Input: w.Input, class: gate.High}, w) {
			got = f.Code
			if f.Status == gate.Advisory {
				got += " advisory"
			}
		}
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestRehearsalAgeIsThePolicys(t *testing.T) {
	w := fine()
	w.Record.More[gate.FieldRehearsal] = "2025-11-02, staging, 6 min"
	w.Policy.Rehearsal.MaxAgeDays = 0
	if f := rehearsal(question{Input: w.Input}, w); len(f) > 0 {
		t.Errorf("no limit, but %s", f[0].Code)
	}
}

func TestWhoWroteIt(t *testing.T) {
	webFlow := &gate.User{ID: 99, Login: "web-flow"}
	tests := []struct {
		name   string
		commit gate.Commit
		wrote  bool // lee
	}{
		{"somebody else's commit", gate.Commit{Author: &kim, Committer: &kim}, false},
		{"the author", gate.Commit{Author: &lee}, true},
		{"the committer", gate.Commit{Author: &kim, Committer: &lee}, true},
		{"a co-author by id", gate.Commit{Author: &kim, CoAuthors: []gate.CoAuthor{{Email: "2+lee@users.noreply.github.com"}}}, true},
		{"a co-author by id who was renamed since", gate.Commit{CoAuthors: []gate.CoAuthor{{Email: "2+old-name@users.noreply.github.com"}}}, true},
		{"a co-author by an old address", gate.Commit{CoAuthors: []gate.CoAuthor{{Email: "LEE@users.noreply.github.com"}}}, true},
		{"a co-author on a server of one's own", gate.Commit{CoAuthors: []gate.CoAuthor{{Email: "2+lee@users.noreply.git.acme.example"}}}, true},
		{"another co-author", gate.Commit{CoAuthors: []gate.CoAuthor{{Email: "22+leeroy@users.noreply.github.com"}}}, false},
		{"an address that only looks like it", gate.Commit{CoAuthors: []gate.CoAuthor{{Email: "lee@users.noreply.github.com.evil"}, {Email: "x lee@users.noreply.github.com"}, {Email: "lee@example.com"}}}, true},
		{"an author whom GitHub did not resolve", gate.Commit{AuthorEmail: "2+lee@users.noreply.github.com"}, true},
		{"the base merged with GitHub's button", gate.Commit{Parents: 2, Author: &lee, Committer: webFlow, Verified: true, Mechanical: true}, false},
		{"conflicts resolved in GitHub's editor", gate.Commit{Parents: 2, Author: &lee, Committer: webFlow, Verified: true}, true},
		{"a clean merge in which somebody wrote GitHub's name", gate.Commit{Parents: 2, Author: &lee, Committer: webFlow, Mechanical: true}, true},
		{"a merge in which somebody wrote GitHub's name", gate.Commit{Parents: 2, Author: &lee, Committer: webFlow}, true},
		{"a file edited in GitHub's editor", gate.Commit{Parents: 1, Author: &lee, Committer: webFlow}, true},
		{"the base merged by hand", gate.Commit{Parents: 2, Author: &lee, Committer: &lee}, true},
		{"a ghost", gate.Commit{Author: &gate.User{}, Committer: nil}, false},
	}
	for _, tt := range tests {
		if got := Contributed(gate.PullRequest{Author: kim}, []gate.Commit{tt.commit}, lee); got != tt.wrote {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	managed := gate.User{ID: 8, Login: "lee_acme"}
	if !Contributed(gate.PullRequest{}, []gate.Commit{{CoAuthors: []gate.CoAuthor{{Email: "lee_acme@users.noreply.github.com"}}}}, managed) {
		t.Error("a managed user's login is not recognised")
	}
	if !Contributed(gate.PullRequest{Author: kim}, nil, kim) || Contributed(gate.PullRequest{}, nil, gate.User{}) {
		t.Error("the pull request's author")
	}
}

func TestClosingKeywords(t *testing.T) {
	tests := []struct {
		body string
		want bool // closes #8
	}{
		{"Fixes #8", true}, {"fixed: #8", true}, {"This closes #8.", true}, {"Resolves #8 and #9", true}, {"RESOLVE #8", true}, {"- fixes #8", true}, {"**Fixes #8**", true},
		{"fixes acme/shop#8", true}, {"Fixes ACME/Shop#8", true}, {"fixes https://github.com/acme/shop/issues/8", true},
		{"#8", false}, {"see #8", false}, {"prefixes #8", false}, {"fixes #80", false}, {"fixes other/shop#8", false}, {"fixes https://github.com/other/shop/issues/8", false},
		{"`fixes #8`", true}, {"```\nfixes #8\n```", false}, {"<!-- fixes #8 -->", false}, {"> fixes #8", false}, {"    fixes #8", false}, {"fixes\n\n#8", false}, {"", false},
	}
	for _, tt := range tests {
		pr := gate.PullRequest{Repo: gate.Repository{Owner: "acme", Name: "shop"}, Body: tt.body}
		if got := fixed(pr)[8]; got != tt.want {
			t.Errorf("%q: %v", tt.body, got)
		}
	}
}

func TestOwners(t *testing.T) {
	tests := []struct {
		name  string
		owner gate.Owner
		want  string // at medium, as rollback owner
	}{
		{"an account", gate.Owner{User: "lee"}, ""},
		{"an account that does not exist", gate.Owner{User: "nobody"}, "owner-unknown"},
		{"a bot", gate.Owner{User: "helper[bot]"}, "owner-unknown"},
		{"a team", gate.Owner{Team: "acme/ops"}, ""},
		{"a team without members", gate.Owner{Team: "acme/empty"}, "owner-unknown"},
		{"a team that cannot be read", gate.Owner{Team: "acme/secret"}, "cannot-read-team"},
		{"a team that cannot be read for the moment", gate.Owner{Team: "acme/flaky"}, "github-down"},
		{"the role", gate.Owner{Name: "release manager"}, ""},
		{"the role in the plural, with an article", gate.Owner{Name: "The Release-Managers"}, ""},
		{"the author", gate.Owner{Name: "the author"}, ""},
		{"a plain name", gate.Owner{Name: "Lee Smith"}, "owner-unknown"},
	}
	for _, tt := range tests {
		w := fine()
		w.teams = map[string]gate.Reading[[]gate.User]{
			"acme/ops": read([]gate.User{lee}), "acme/empty": read([]gate.User{}),
			"acme/secret": unreadable[[]gate.User](gate.CauseMissing), "acme/flaky": unreadable[[]gate.User](gate.CauseFault),
		}
		w.Record.RollbackOwner = tt.owner
		got := ""
		for _, f := range rollbackOwner(question{Input: w.Input, class: gate.Medium}, w) {
			got = f.Code
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	w := fine()
	w.Record.DecisionOwner = gate.Owner{Name: "author"}
	if f := decisionOwner(question{Input: w.Input, class: gate.Medium}, w); len(f) != 1 {
		t.Error("the author is no final decision owner")
	}
}

// Records as people leave them, through the real parser: what the parser
// complains of blocks, and what it only hints at hides nothing.
func TestRecordsAsWritten(t *testing.T) {
	const block = `### Release Decision
- Release scope: cart
- Risk class: CLASS
- Gate results:
  - code gates: pass
  - review gates: pass
  - operational gates: pass
  - communication gates: pass
  - decision gate: pass
- Residual risks: none
- Rollback trigger: 5xx > 1 % for 5 min
- Rollback owner: @lee
- Final decision owner: @dana
- Decision: GO
- Decision timestamp: 2026-03-04T11:00:00Z
`
	tests := []struct {
		name, class, old, new string
		want                  []string
	}{
		{"complete", "low", "", "", nil},
		{"complete", "medium", "", "", nil},
		{"no trigger at low", "low", "- Rollback trigger: 5xx > 1 % for 5 min\n", "", []string{"decision/record missing-field"}},
		{"an empty trigger at low", "low", "5xx > 1 % for 5 min", "", []string{"decision/record empty-field"}},
		{"a vague trigger at low", "low", "5xx > 1 % for 5 min", "if something goes wrong", nil},
		{"a vague trigger at medium", "medium", "5xx > 1 % for 5 min", "if something goes wrong", []string{"operational/rollback-trigger trigger-vague"}},
		{"no rollback owner at low", "low", "- Rollback owner: @lee\n", "", nil},
		{"no rollback owner at medium", "medium", "- Rollback owner: @lee\n", "", []string{"operational/rollback-owner missing-field"}},
		{"a misspelt line beside an owner who does not exist", "medium", "- Rollback owner: @lee\n", "- Rollback owner: @leee\n- Rolback owner: @lee\n", []string{"operational/rollback-owner owner-unknown"}},
		{"a misspelt line beside a decision owner who does not exist", "medium", "- Final decision owner: @dana\n", "- Final decision owner: @danaa\n- Final decison owner: @dana\n", []string{"decision/authorized wrong-owner", "decision/owner owner-unknown"}},
		{"a misspelt line beside a time to come", "medium", "2026-03-04T11:00:00Z", "2026-03-05T11:00:00Z\n- Decision timestmp: x", []string{"decision/timestamp timestamp"}},
		{"no timestamp at low", "low", "- Decision timestamp: 2026-03-04T11:00:00Z\n", "", []string{"decision/timestamp missing-field"}},
		{"no decision", "low", "- Decision: GO\n", "", []string{"decision/record missing-field"}},
		{"NO-GO", "low", "Decision: GO", "Decision: NO-GO", []string{"decision/record no-go"}},
		{"a failed layer that low does not ask for", "low", "operational gates: pass", "operational gates: fail", nil},
		{"a failed layer", "medium", "operational gates: pass", "operational gates: fail", []string{"decision/record contradiction", "decision/record gate-failed"}},
	}
	for _, tt := range tests {
		w := fine()
		body := replace(replace(block, "CLASS", tt.class), tt.old, tt.new)
		w.Record = decision.Parse(body)
		w.decisions = nil
		w.says(gate.ChoiceGo, dana)
		var got []string
		for _, f := range w.judge().Blockers() {
			got = append(got, string(f.Requirement)+" "+f.Code)
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s at %s: %q, want %q", tt.name, tt.class, got, tt.want)
		}
	}
}

func replace(s, old, with string) string {
	if old == "" {
		return s
	}
	out := ""
	for i := 0; i < len(s); {
		if len(s)-i >= len(old) && s[i:i+len(old)] == old {
			return out + with + s[i+len(old):]
		}
		out += s[i : i+1]
		i++
	}
	return out
}

func TestWhenToLookAgain(t *testing.T) {
	w := fine()
	w.dangling.Value = []gate.Branch{{Name: "a", PR: 1, Stacked: true, MergedAt: now.Add(-4 * time.Minute)}}
	if got := w.judge().Again; !got.Equal(now.Add(6 * time.Minute)) {
		t.Errorf("a branch that may stay 6 minutes more: again at %s", got)
	}
}

// The line of the policy that lists what was skipped is one, for all of it.
func TestSkippedChecksShareOneLine(t *testing.T) {
	w := fine()
	w.Policy.Checks.Optional = []string{"docs"}
	w.checks.Value = []gate.Check{{ID: 1, Name: "lint", State: "skipped"}, {ID: 2, Name: "e2e \"x\"", State: "neutral"}, {ID: 3, Name: "docs", State: "skipped"}}
	found := checks(question{Input: w.Input}, w)
	if len(found) != 2 || found[0].Type != found[1].Type || found[0].Type != `checks: {optional: ["docs", "e2e \"x\"", "lint"]}` {
		t.Errorf("%+v", found)
	}
	if _, err := Parse("x", []byte(found[0].Type+"\n")); err != nil {
		t.Error(err)
	}
}

func TestChecksThatWereRunAgain(t *testing.T) {
	tests := []struct {
		name   string
		states []string // of one check, the oldest first
		want   string
	}{
		{"green after red", []string{"failure", "success"}, ""},
		{"red after green", []string{"success", "failure"}, "ci-failed"},
		{"skipped after red", []string{"failure", "skipped"}, "ci-failed"},
		{"neutral after red", []string{"failure", "neutral"}, "ci-failed"},
		{"red, skipped, green", []string{"failure", "skipped", "success"}, ""},
		{"running after red", []string{"failure", "in_progress"}, "ci-running"},
		{"cancelled", []string{"cancelled"}, "ci-failed"},
		{"timed out", []string{"timed_out"}, "ci-failed"},
		{"stale", []string{"stale"}, "ci-stale"},
		{"a state that GitHub may add", []string{"dreaming"}, "ci-running"},
		{"no state", []string{""}, "ci-running"},
	}
	for _, tt := range tests {
		w := fine()
		w.checks.Value = nil
		for i, s := range tt.states {
			w.checks.Value = append(w.checks.Value, gate.Check{ID: int64(i), Name: "build", State: s})
		}
		w.required.Value = []gate.RequiredCheck{{Name: "build"}}
		got := ""
		for _, f := range checks(question{Input: w.Input}, w) {
			got = f.Code
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDecisionsThatComeAndGo(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   gate.Verdict
		codes  string
	}{
		{"a second go that was deleted leaves the first", func(w *world) { w.says(gate.ChoiceGo, dana).Voided = "deleted by x" }, gate.Ready, ""},
		{"forced back to the head that had its go", func(w *world) { w.says(gate.ChoiceGo, dana).For.HeadSHA = oldHead }, gate.Ready, ""},
		{"a change of mind, lifted by another, needs a new go", func(w *world) {
			w.says(gate.ChoiceNoGo, dana).SaidAt = now.Add(-50 * time.Second)
			w.says(gate.ChoiceGo, sam).SaidAt = now.Add(-40 * time.Second)
		}, gate.Waiting, "action decision/authorized wrong-owner"},
		{"the same go twice is one", func(w *world) { w.high(); w.decisions = w.decisions[:1]; w.says(gate.ChoiceGo, dana) }, gate.Waiting, "action decision/authorized panel-short"},
		{"the panel's team cannot be read", func(w *world) {
			w.high()
			w.Record.Panel = []gate.Owner{{User: "dana"}, {Team: "acme/flaky"}}
			w.teams["acme/flaky"] = unreadable[[]gate.User](gate.CauseFault)
		}, gate.NotVerified, "unknown decision/authorized github-down"},
		{"one is enough whatever the other's team says", func(w *world) {
			w.Record.DecisionOwner = gate.Owner{Team: "acme/ops"}
			w.teams["acme/ops"] = read([]gate.User{sam})
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
			w.says(gate.ChoiceGo, sam)
		}, gate.Ready, ""},
		{"an unread role does not hide that one is missing", func(w *world) {
			w.high()
			w.decisions = w.decisions[:1]
			w.perms["dana"] = unreadable[gate.Permission](gate.CauseFault)
		}, gate.Waiting, ""},
	}
	for _, tt := range tests {
		w := fine()
		tt.change(w)
		ev := w.judge()
		if ev.Verdict != tt.want || tt.codes != "" && codes(ev) != tt.codes {
			t.Errorf("%s: %s\n%s", tt.name, ev.Verdict, codes(ev))
		}
	}
}
