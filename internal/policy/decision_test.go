package policy

import (
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
)

// pricing lets the CMO and the CEO approve what touches the cart, and has them
// and nobody else say /go on a high release.
func pricing(w *world) {
	w.Policy.Roles["CMO"] = Role{Users: []string{"lee"}}
	w.Policy.Roles["CEO"] = Role{Users: []string{"bob"}}
	w.Policy.Authorization = []Authorization{{Paths: []string{"cart/**"}, Approve: []string{"CMO", "CEO"}}}
	w.Record.DecisionOwner = gate.Owner{User: "lee"}
	w.high()
	w.decisions = nil
	w.says(gate.ChoiceGo, lee)
	w.says(gate.ChoiceGo, bob)
}

func flaky[T any](w *world, m map[string]gate.Reading[T], key string) {
	m[key] = unreadable[T](gate.CauseFault)
}

func TestWhoseGoCounts(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   gate.Verdict
		codes  string
	}{
		// Case 27: a panel is made of its role.
		{"two who approve by path are no panel of release managers", pricing, gate.Waiting, "action decision/authorized panel-short"},
		{"one release manager beside them is half a panel", func(w *world) {
			pricing(w)
			w.says(gate.ChoiceGo, dana)
		}, gate.Waiting, "action decision/authorized panel-short"},
		{"two release managers beside them are", func(w *world) {
			pricing(w)
			w.says(gate.ChoiceGo, dana)
			w.says(gate.ChoiceGo, sam)
		}, gate.Ready, ""},
		{"a panel does not stand for those who approve by path", func(w *world) {
			pricing(w)
			w.decisions = w.decisions[1:]
			w.says(gate.ChoiceGo, dana)
			w.says(gate.ChoiceGo, sam)
		}, gate.Waiting, "action decision/authorized authorization-missing"},
		{"one person may be both", func(w *world) {
			pricing(w)
			w.Policy.Roles["CMO"] = Role{Users: []string{"lee", "dana"}}
			w.Policy.Roles["CEO"] = Role{Users: []string{"sam"}}
			w.Record.DecisionOwner = gate.Owner{User: "dana"}
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
			w.says(gate.ChoiceGo, sam)
		}, gate.Ready, ""},
		{"a delegate of the release managers is one of the panel", func(w *world) {
			pricing(w)
			w.Policy.Roles[ReleaseManager] = Role{Permission: "maintain", Delegates: []string{"CMO", "CEO"}}
			w.decisions = nil
			w.says(gate.ChoiceGo, lee)
			w.says(gate.ChoiceGo, bob)
		}, gate.Ready, ""},
		{"where one /go is enough, that of the approving role is", func(w *world) {
			w.Policy.Roles["CMO"] = Role{Users: []string{"lee"}}
			w.Policy.Authorization = []Authorization{{Approve: []string{"CMO"}}}
			w.Record.DecisionOwner = gate.Owner{User: "lee"}
			w.decisions = nil
			w.says(gate.ChoiceGo, lee)
		}, gate.Ready, ""},
		{"whether one of the panel is a release manager cannot be read", func(w *world) {
			pricing(w)
			w.says(gate.ChoiceGo, dana)
			w.Policy.Roles[ReleaseManager] = Role{Users: []string{"dana"}, Teams: []string{"acme/leads"}}
			for i := range w.decisions {
				w.decisions[i].For.Policy = w.Policy.Digest()
			}
			flaky(w, w.teams, "acme/leads")
		}, gate.NotVerified, "unknown decision/authorized github-down\nunknown decision/authorized github-down"},
		{"the author in the panel", func(w *world) {
			w.high()
			w.perms["kim"] = read(gate.PermissionAdmin)
			w.decisions[1].User = kim
		}, gate.Waiting, "action decision/authorized self-go"},
		{"a co-author in the panel", func(w *world) {
			w.high()
			w.commits.Value[0].CoAuthors = []gate.CoAuthor{{Email: "4+sam@users.noreply.github.com"}}
			w.reviews.Value[1].User = dana
		}, gate.Waiting, "action decision/authorized self-go"},
		{"a GO of the panel for another base", func(w *world) { w.high(); w.decisions[1].For.BaseRef = "dev" }, gate.Waiting, "action decision/authorized base-changed"},

		// A fault is no refusal: it heals by itself.
		{"who wrote it cannot be read", func(w *world) { flakyCommits(w) }, gate.NotVerified, "unknown review/approvals github-down\nunknown decision/authorized github-down"},
		{"who wrote it cannot be read, and the author said go", func(w *world) {
			w.perms["kim"] = read(gate.PermissionAdmin)
			w.decisions[0].User = kim
			flakyCommits(w)
		}, gate.Waiting, "action decision/authorized self-go\nunknown review/approvals github-down"},
		{"the role of the only one of an approving role cannot be read", func(w *world) {
			w.Policy.Roles["CMO"] = Role{Teams: []string{"acme/cmo", "acme/marketing"}}
			w.Policy.Authorization = []Authorization{{Approve: []string{"CMO"}}}
			w.Record.DecisionOwner = gate.Owner{User: "lee"}
			w.teams["acme/cmo"] = read([]gate.User{sam})
			flaky(w, w.teams, "acme/marketing")
			w.decisions = nil
			w.says(gate.ChoiceGo, lee)
		}, gate.NotVerified, "unknown decision/authorized github-down"},
		{"who wrote it cannot be read, and the approving role has said go", func(w *world) {
			w.Policy.Roles["CMO"] = Role{Users: []string{"lee"}}
			w.Policy.Authorization = []Authorization{{Approve: []string{"CMO"}}}
			w.Record.DecisionOwner = gate.Owner{User: "lee"}
			w.decisions = nil
			w.says(gate.ChoiceGo, lee)
			flakyCommits(w)
		}, gate.NotVerified, "unknown review/approvals github-down\nunknown decision/authorized github-down"},
		{"the owner's role cannot be read, and another's go counts", func(w *world) {
			w.says(gate.ChoiceGo, sam)
			flaky(w, w.perms, "dana")
		}, gate.NotVerified, "unknown decision/authorized github-down"},
		{"what cannot be read of one does not matter when another's go is enough", func(w *world) {
			w.says(gate.ChoiceGo, sam)
			flaky(w, w.perms, "sam")
		}, gate.Ready, ""},
		{"the same unread go twice is one", func(w *world) {
			w.high()
			w.decisions = w.decisions[:1]
			w.says(gate.ChoiceGo, dana)
			flaky(w, w.perms, "dana")
		}, gate.Waiting, "action decision/authorized panel-short\nunknown decision/authorized github-down"},
		{"a go for another base does not become unclear by a fault", func(w *world) {
			w.PR.BaseRef = "stable"
			flaky(w, w.perms, "dana")
		}, gate.Waiting, "action decision/authorized base-changed"},
		{"a permission that the App lacks is for an administrator", func(w *world) {
			w.Policy.Roles[ReleaseManager] = Role{Teams: []string{"acme/leads"}}
			w.teams["acme/leads"] = unreadable[[]gate.User](gate.CausePermission)
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, gate.Waiting, "action decision/authorized permission"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			tt.change(w)
			if ev := w.judge(); ev.Verdict != tt.want || codes(ev) != tt.codes {
				t.Errorf("%s\n got %s\nwant %s", ev.Verdict, codes(ev), tt.codes)
			}
		})
	}
}

func flakyCommits(w *world) { w.commits = unreadable[[]gate.Commit](gate.CauseFault) }

// Ruling 24, cases 16 and 25: who lifts a veto.
func TestWhoLiftsAVeto(t *testing.T) {
	tests := []struct {
		name  string
		lift  func(*world)
		codes string
	}{
		{"another release manager", func(w *world) { w.says(gate.ChoiceGo, dana) }, ""},
		{"the same person", func(w *world) { w.says(gate.ChoiceGo, sam) }, ""},
		{"the same person, in a review of that second", func(w *world) {
			again := w.says(gate.ChoiceGo, sam)
			again.SaidAt, again.CommentID = now.Add(-10*time.Minute), 0
		}, "fail decision/veto nogo-stands"},
		{"the same person, no longer a release manager", func(w *world) {
			w.says(gate.ChoiceGo, sam)
			w.perms["sam"] = read(gate.PermissionRead)
		}, ""},
		{"somebody with an approving role", func(w *world) { w.says(gate.ChoiceGo, lee) }, "fail decision/veto nogo-stands"},
		{"somebody who lets out of a freeze", func(w *world) { w.says(gate.ChoiceGo, bob) }, "fail decision/veto nogo-stands"},
		{"the author where authors decide", func(w *world) { w.says(gate.ChoiceGo, kim).LiftsOwn = true }, "fail decision/veto nogo-stands"},
		{"a release manager who said so before the veto", func(w *world) { w.says(gate.ChoiceGo, dana).SaidAt = now.Add(-time.Hour) }, "fail decision/veto nogo-stands"},
		{"a release manager in the second of the veto", func(w *world) { w.says(gate.ChoiceGo, dana).SaidAt = now.Add(-10 * time.Minute) }, "fail decision/veto nogo-stands"},
		{"somebody whose role cannot be read for the moment", func(w *world) {
			w.says(gate.ChoiceGo, dana)
			flaky(w, w.perms, "dana")
		}, "unknown decision/veto github-down"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			w.low()
			w.perms["kim"] = read(gate.PermissionAdmin)
			w.Policy.AuthorMayDecide = true
			w.Policy.Roles["CMO"] = Role{Users: []string{"lee"}}
			w.Policy.Roles["CDO"] = Role{Users: []string{"bob"}}
			w.Policy.Exceptions = "CDO"
			w.says(gate.ChoiceNoGo, sam).SaidAt = now.Add(-10 * time.Minute)
			tt.lift(w)
			if ev := w.judge(); codes(ev) != tt.codes {
				t.Errorf("%s\n got %s\nwant %s", ev.Verdict, codes(ev), tt.codes)
			}
		})
	}
}

// What was said of a GO that never decided anything is not held against the pull
// request; of one that did it is.
func TestWhatIsSaidOfAnAuthorsGo(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		codes  string
	}{
		{"it only took back the author's own no-go", func(w *world) {
			w.says(gate.ChoiceNoGo, kim)
			w.says(gate.ChoiceGo, kim).LiftsOwn = true
		}, "action decision/authorized go-missing"},
		{"it only did, and then the head moved", func(w *world) {
			w.says(gate.ChoiceNoGo, kim)
			d := w.says(gate.ChoiceGo, kim)
			d.LiftsOwn, d.For.HeadSHA = true, oldHead
		}, "action decision/authorized go-missing"},
		{"it decided while the author was alone", func(w *world) { w.says(gate.ChoiceGo, kim).LiftsOwn = true }, "action decision/authorized self-go"},
		{"it decided where authors may, and then the head moved", func(w *world) {
			w.Policy.AuthorMayDecide = true
			d := w.says(gate.ChoiceGo, kim)
			d.LiftsOwn, d.For.HeadSHA = true, oldHead
		}, "action decision/authorized stale-go"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			w.perms["kim"] = read(gate.PermissionAdmin)
			w.decisions = nil
			tt.change(w)
			if got := codes(w.judge()); got != tt.codes {
				t.Errorf("got %s\nwant %s", got, tt.codes)
			}
		})
	}
}

// A missing permission is for an administrator to act on, a fault is nobody's.
func TestSoloWhenTheWritersCannotBeRead(t *testing.T) {
	for cause, want := range map[gate.Cause]string{
		gate.CauseFault:      "unknown decision/authorized github-down",
		gate.CausePermission: "action decision/authorized permission",
	} {
		w := fine()
		w.Policy.Solo = true
		w.perms["kim"] = read(gate.PermissionMaintain)
		w.Record.DecisionOwner = gate.Owner{User: "kim"}
		w.decisions = nil
		w.says(gate.ChoiceGo, kim)
		w.writers = &gate.Reading[[]gate.Collaborator]{Why: gate.Unreadable{Cause: cause}}
		if got := codes(w.judge()); got != want {
			t.Errorf("%s: %s, want %s", cause, got, want)
		}
	}
}

// A GO that lets out of a freeze and of which something cannot be read leaves the
// freeze unclear.
func TestExceptionThatCannotBeJudged(t *testing.T) {
	w := fine()
	w.under(func(p *Policy) {
		p.Roles["CDO"] = Role{Users: []string{"bob"}}
		p.Exceptions = "CDO"
		p.Freezes = []Freeze{{Name: "year's end", From: "2026-03-01", To: "2026-03-09"}}
	})
	w.says(gate.ChoiceGo, bob)
	flakyCommits(w)
	if got := codes(w.judge()); !strings.Contains(got, "unknown operational/window github-down") {
		t.Error(got)
	}
}

func TestExplainTellsWhoOfThePanelCounts(t *testing.T) {
	p := BuiltIn()
	p.Roles["CMO"] = Role{Users: []string{"lee"}}
	p.Authorization = []Authorization{{Approve: []string{"CMO"}}}
	for _, tt := range []struct {
		class gate.Class
		acts  bool
		want  string
	}{
		{gate.High, false, "a /go from CMO and 2 /go from release managers"},
		{gate.High, true, "a /go from CMO and 1 more /go from a release manager"},
		{gate.Medium, false, "a /go from CMO."},
	} {
		manager := Role{Permission: "maintain"}
		if tt.acts {
			manager.Delegates = []string{"CMO"}
		}
		p.Roles[ReleaseManager] = manager
		if text := Explain(p, Case{Class: tt.class}); !strings.Contains(text, tt.want) {
			t.Errorf("it does not say %q:\n%s", tt.want, text)
		}
	}
}

// A /go that waits is neither there nor missing.
func TestGoThatWaitsIsNotMissing(t *testing.T) {
	waits := gate.Finding{Status: gate.Unknown, Code: "github-down", By: gate.ByItself, Fact: "/go of '@dana' waits"}
	for _, tt := range []struct {
		name   string
		change func(*world)
		codes  string
	}{
		{"nothing else was said", func(*world) {}, "unknown decision/authorized github-down"},
		{"half a panel", func(w *world) { w.high(); w.decisions = w.decisions[1:] }, "unknown decision/authorized github-down"},
		{"nothing of a panel", func(w *world) { w.high(); w.decisions = nil }, "action decision/authorized panel-short\nunknown decision/authorized github-down"},
		{"another's go is enough", func(w *world) {
			w.Record.DecisionOwner = gate.Owner{User: "sam"}
			w.says(gate.ChoiceGo, sam)
		}, ""},
	} {
		w := fine()
		w.decisions = nil
		tt.change(w)
		w.Waiting = []Waiting{{User: dana, Why: waits}}
		if got := codes(w.judge()); got != tt.codes {
			t.Errorf("%s: got %s\nwant %s", tt.name, got, tt.codes)
		}
	}
}
