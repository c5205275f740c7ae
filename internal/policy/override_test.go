package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
)

// lets adds an override of what stands now, said a minute ago.
func (w *world) lets(u gate.User) *gate.PersonDecision {
	at := now.Add(-time.Minute)
	w.overrides = append(w.overrides, gate.PersonDecision{
		ID: int64(50 + len(w.overrides)), User: u, At: at, SaidAt: at, Until: at.Add(w.Policy.OverrideLasts()), Reason: "payments are down",
		CommentID: int64(500 + len(w.overrides)), For: gate.Binding{HeadSHA: w.PR.HeadSHA, BaseRef: w.PR.BaseRef},
	})
	return &w.overrides[len(w.overrides)-1]
}

func (w *world) leaks1() {
	w.leaks.Value.Leaks = []gate.Leak{{Rule: "github-pat", Path: "a.go", Line: 3, Start: "ghp_", Fingerprint: "f1"}}
}

// Case 99: people whom the policy names let one head pass, for a while, in
// everybody's sight.
func TestOverrides(t *testing.T) {
	red := func(w *world) { w.checks.Value[0].State = "failure" }
	for _, tt := range []struct {
		name   string
		change func(*world)
		by     string // who lets it pass; "" when it does not
		says   string // a code that is said, or part of a lapse
	}{
		{"an administrator", func(w *world) { red(w); w.lets(sam) }, "sam", ""},
		{"a release manager is none", func(w *world) { red(w); w.lets(dana) }, "", "may not override here any more"},
		{"people whom the policy names", func(w *world) {
			red(w)
			w.Policy.Override.Roles = []string{ReleaseManager}
			w.lets(dana)
		}, "dana", ""},
		{"an administrator whom the policy does not name", func(w *world) {
			red(w)
			w.Policy.Roles["CDO"] = Role{Users: []string{"lee"}}
			w.Policy.Override.Roles = []string{"CDO"}
			w.lets(sam)
		}, "", "may not override here any more"},
		{"where the policy lets nobody", func(w *world) { red(w); w.lets(sam); w.Policy.Override.For = "off" }, "", "ended at"},
		{"a bot", func(w *world) { red(w); w.perms["helper[bot]"] = read(gate.PermissionAdmin); w.lets(bot) }, "", "may not override"},
		{"the record is missing", func(w *world) { w.Record = gate.Record{}; w.lets(sam) }, "sam", ""},
		{"evidence cannot be read", func(w *world) { w.reviews = unreadable[[]gate.ReviewOf](gate.CauseFault); w.lets(sam) }, "sam", ""},
		{"its time is over", func(w *world) { red(w); w.lets(sam); w.Now = now.Add(59 * time.Minute) }, "", "ended at 12:59Z"},
		{"its time is not over", func(w *world) { red(w); w.lets(sam); w.Now = now.Add(58 * time.Minute) }, "sam", ""},
		{"the policy has shortened the time", func(w *world) { red(w); w.lets(sam); w.Policy.Override.For = "1m" }, "", "ended at"},
		{"the policy has lengthened the time", func(w *world) {
			red(w)
			w.lets(sam)
			w.Policy.Override.For, w.Now = "24h", now.Add(time.Hour)
		}, "", "ended at"},
		{"a push", func(w *world) { red(w); w.lets(sam).For.HeadSHA = oldHead }, "", "was for 1a2b3c4"},
		{"a push and back again", func(w *world) { red(w); w.lets(sam); w.HeadSeen = now }, "", "ended by a push"},
		{"another base", func(w *world) { red(w); w.lets(sam).For.BaseRef = "stable" }, "", "was for a merge into"},
		{"its comment was edited", func(w *world) { red(w); w.lets(sam).Voided = "edited" }, "", "was edited"},
		{"his role is lost", func(w *world) { red(w); w.lets(sam); w.perms["sam"] = read(gate.PermissionWrite) }, "", "may not override here any more"},
		{"his role cannot be read", func(w *world) { red(w); w.lets(sam); flaky(w, w.perms, "sam") }, "", "github-down"},

		// A veto stands until it is lifted.
		{"a /no-go stands", func(w *world) { w.says(gate.ChoiceNoGo, dana); w.lets(sam) }, "", "override-stopped"},
		{"a /no-go beside a red build", func(w *world) { red(w); w.lets(sam); w.says(gate.ChoiceNoGo, dana) }, "", "override-stopped"},
		{"his own /no-go", func(w *world) { w.says(gate.ChoiceNoGo, sam); w.lets(sam) }, "", "override-stopped"},
		{"whether a /no-go was lifted cannot be read", func(w *world) {
			w.says(gate.ChoiceNoGo, lee)
			w.says(gate.ChoiceGo, dana).SaidAt = now
			w.perms["dana"] = unreadable[gate.Permission](gate.CauseFault)
			w.lets(sam)
		}, "", "override-stopped"},

		// Nor does it go round what it rests on.
		{"the policy is not valid", func(w *world) { w.Faults = one(Invalid(&Error{Message: "bad"})); w.lets(sam) }, "", "override-stopped"},
		{"the comments cannot be read", func(w *world) {
			w.Faults = one(Unread("the comments", gate.Unreadable{Cause: gate.CauseFault}))
			w.lets(sam)
		}, "", "override-stopped"},

		// Never for found secrets by one person alone.
		{"one person and a secret", func(w *world) { w.leaks1(); w.lets(sam) }, "", "override-short"},
		{"one person twice and a secret", func(w *world) { w.leaks1(); w.lets(sam); w.lets(sam) }, "", "override-short"},
		{"one person and a diff that was not read", func(w *world) { w.leaks = unreadable[gate.LeakScan](gate.CauseFault); w.lets(sam) }, "", "override-short"},
		{"one person and a file that was not searched", func(w *world) { w.leaks.Value.Skipped = []string{"a.bin"}; w.lets(sam) }, "", "override-short"},
		{"one person and an alert", func(w *world) { w.alerts.Value = []gate.Alert{{Number: 1, Commits: []string{head}}}; w.lets(sam) }, "", "override-short"},
		{"two people and a secret", func(w *world) {
			w.leaks1()
			w.perms["dana"] = read(gate.PermissionAdmin)
			w.lets(sam)
			w.lets(dana)
		}, "sam dana", ""},
		{"two people, of whom one may not", func(w *world) { w.leaks1(); w.lets(sam); w.lets(dana) }, "", "override-short"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			tt.change(w)
			ev := w.judge()
			var by []string
			for _, u := range ev.Override.By {
				by = append(by, u.Login)
			}
			if got := strings.Join(by, " "); got != tt.by || ev.Passes() != (tt.by != "") {
				t.Errorf("passes by %q, want %q", got, tt.by)
			}
			if ev.Verdict == gate.Ready {
				t.Error("the verdict changed")
			}
			if len(ev.Blockers()) == 0 {
				t.Error("what is open is not said")
			}
			said := ""
			for _, f := range ev.Findings {
				said += f.Code + "\n"
			}
			for _, s := range ev.Overrides {
				said += s.Lapsed + "\n"
			}
			if !strings.Contains(said, tt.says) {
				t.Errorf("%q is not said:\n%s", tt.says, said)
			}
			if !slices.IsSortedFunc(ev.Findings, func(a, b gate.Finding) int { return int(b.Status) - int(a.Status) }) {
				t.Error("the gravest finding is not the first")
			}
			checkEvaluation(t, ev)
		})
	}
}

func TestOverrideWakesWhenItEnds(t *testing.T) {
	w := fine()
	w.checks.Value[0].State = "failure"
	w.lets(sam)
	ev := w.judge()
	if want := now.Add(59 * time.Minute); !ev.Again.Equal(want) || !ev.Override.Until.Equal(want) {
		t.Errorf("until %v, looked at again at %v", ev.Override.Until, ev.Again)
	}
	flaky(w, w.perms, "sam")
	if ev := w.judge(); !ev.Again.Equal(now.Add(RetryEvidence)) {
		t.Errorf("an unread role is looked at again at %v", ev.Again)
	}
}

func TestOverrideOfWhatIsReadyIsNone(t *testing.T) {
	w := fine()
	w.lets(sam)
	if ev := w.judge(); ev.Verdict != gate.Ready || ev.Overridden() {
		t.Errorf("%s, %+v", ev.Verdict, ev.Override)
	}
}

func TestOwnOverrideIsLoud(t *testing.T) {
	w := fine()
	w.checks.Value[0].State = "failure"
	w.perms["kim"] = read(gate.PermissionAdmin)
	w.lets(kim)
	if o := w.judge().Override; len(o.Own) != 1 || !o.Own[0].Is(kim) || o.OwnUnread {
		t.Errorf("%+v", o)
	}
	w.overrides = nil
	w.lets(sam)
	if o := w.judge().Override; len(o.Own) != 0 {
		t.Errorf("%+v", o)
	}
	w.commits = unreadable[[]gate.Commit](gate.CauseTruncated)
	if o := w.judge().Override; !o.OwnUnread {
		t.Errorf("%+v", o)
	}
}

// What an evaluation is replaced by passes by nobody's word.
func TestWhatCouldNotBeJudgedIsNotOverridden(t *testing.T) {
	w := fine()
	w.checks.Value[0].State = "failure"
	w.lets(sam)
	ev := w.judge()
	for name, ev := range map[string]gate.Evaluation{
		"unjudged": Unjudged(ev, "the pull request", gate.Unreadable{Cause: gate.CauseFault}, now), "failed": Failed(ev, 5, now),
	} {
		if ev.Passes() {
			t.Errorf("%s passes", name)
		}
	}
}

func TestOverrideKeys(t *testing.T) {
	for _, tt := range []struct{ file, wrong string }{
		{"override: {for: 30m}", ""}, {"override: {for: \"off\"}", ""}, {"override: {roles: [release manager], for: 24h}", ""},
		{"override: {for: 25h}", "between 1m and 24h"}, {"override: {for: 0s}", "between 1m and 24h"}, {"override: {for: an hour}", "between 1m and 24h"},
		{"override: {roles: [nobody]}", "no role of the policy"},
	} {
		_, err := Parse(Path, []byte(tt.file))
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s: %v", tt.file, err)
		}
	}
}

func TestWhatAnOrganizationSaysOfOverrides(t *testing.T) {
	const org = "roles: {CDO: {users: [sam]}}\noverride: {roles: [CDO, release manager], for: 30m}\nenforce: {approvals: {high: 3}}"
	for _, tt := range []struct {
		name, repo, roles string
		lasts             time.Duration
	}{
		{"silence", "", "CDO, release manager", 30 * time.Minute},
		{"fewer, for less", "roles: {CDO: {users: [sam]}}\noverride: {roles: [CDO], for: 5m}", "CDO", 5 * time.Minute},
		{"nobody", "override: {for: \"off\"}", "CDO, release manager", 0},
		{"others, for longer", "roles: {friends: {users: [kim]}}\noverride: {roles: [friends], for: 60m}", "CDO, release manager", 30 * time.Minute},
		{"administrators instead", "override: {roles: []}", "CDO, release manager", 30 * time.Minute},
		{"a role filled anew", "roles: {CDO: {users: [kim]}}\noverride: {roles: [CDO]}", "CDO", 30 * time.Minute},
	} {
		got, err := Combine(orgFile(org), repoFile(tt.repo))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if roles := strings.Join(got.Policy.Override.Roles, ", "); roles != tt.roles || got.Policy.OverrideLasts() != tt.lasts {
			t.Errorf("%s: %s for %v", tt.name, roles, got.Policy.OverrideLasts())
		}
		if !same(got.Policy.Roles["CDO"], Role{Users: []string{"sam"}}) {
			t.Errorf("%s: who is CDO: %+v", tt.name, got.Policy.Roles["CDO"])
		}
	}
}

// Ruling 6: a false alarm is cleared by a release manager who wrote none of it,
// for as long as the line is the same.
func TestAcceptedSecrets(t *testing.T) {
	accept := func(w *world, u gate.User, fingerprint string) *gate.Acceptance {
		w.accepted = append(w.accepted, gate.Acceptance{Fingerprint: fingerprint, PersonDecision: gate.PersonDecision{ID: 90, User: u, Reason: "test data"}})
		return &w.accepted[len(w.accepted)-1]
	}
	for _, tt := range []struct {
		name   string
		change func(*world)
		want   gate.Verdict
		codes  string
	}{
		{"nobody", func(*world) {}, gate.NotReady, "fail code/secrets secret-found"},
		{"a release manager", func(w *world) { accept(w, dana, "f1") }, gate.Ready, ""},
		{"for an earlier head", func(w *world) { accept(w, dana, "f1").For.HeadSHA = oldHead }, gate.Ready, ""},
		{"somebody else", func(w *world) { accept(w, lee, "f1") }, gate.NotReady, "fail code/secrets secret-found"},
		{"a co-author", func(w *world) {
			accept(w, sam, "f1")
			w.commits.Value[0].CoAuthors = []gate.CoAuthor{{Email: "4+sam@users.noreply.github.com"}}
		}, gate.NotReady, "fail code/secrets secret-found"},
		{"another line", func(w *world) { accept(w, dana, "f2") }, gate.NotReady, "fail code/secrets secret-found"},
		{"one of two", func(w *world) {
			accept(w, dana, "f1")
			w.leaks.Value.Leaks = append(w.leaks.Value.Leaks, gate.Leak{Rule: "aws", Path: "a.go", Line: 4, Fingerprint: "f2"})
		}, gate.NotReady, "fail code/secrets secret-found"},
		{"a finding without a fingerprint", func(w *world) { w.leaks.Value.Leaks[0].Fingerprint = ""; accept(w, dana, "") }, gate.NotReady, "fail code/secrets secret-found"},
		{"in a comment that was edited", func(w *world) { accept(w, dana, "f1").Voided = "edited" }, gate.NotReady, "fail code/secrets secret-found"},
		{"his role cannot be read", func(w *world) { accept(w, sam, "f1"); flaky(w, w.perms, "sam") }, gate.NotVerified, "unknown code/secrets github-down"},
		{"a file beside it was not searched", func(w *world) { accept(w, dana, "f1"); w.leaks.Value.Skipped = []string{"b"} }, gate.NotReady, "fail code/secrets not-scanned"},
		{"an alert of GitHub's beside it", func(w *world) {
			accept(w, dana, "f1")
			w.alerts.Value = []gate.Alert{{Number: 1, Commits: []string{head}}}
		}, gate.NotReady, "fail code/secrets secret-alert"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			w.leaks1()
			tt.change(w)
			ev := w.judge()
			if ev.Verdict != tt.want || codes(ev) != tt.codes {
				t.Errorf("%s\n%s", ev.Verdict, codes(ev))
			}
			checkEvaluation(t, ev)
		})
	}
}

func TestReleaseOfWhatWasOverridden(t *testing.T) {
	in := ReleaseInput{Policy: BuiltIn(), Now: now, Pulls: read([]gate.ReleasedPull{{Number: 3, Title: "t", Verdict: gate.NotReady, Override: "@sam"}})}
	found := releasedPulls(in)
	if len(found) != 1 || found[0].Code != "override-merged" || found[0].Status != gate.Advisory || !strings.Contains(found[0].Fact, "@sam") {
		t.Errorf("%+v", found)
	}
}
