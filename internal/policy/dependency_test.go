package policy

import (
	"strings"
	"testing"

	"gonogo/internal/gate"
)

func TestManifestsLieWhereTheyLie(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   gate.Verdict
	}{
		{"in a directory that a word of the floors names", func(*world) {}, gate.Ready},
		{"in a directory that a glob of the floors names", func(w *world) {
			w.Policy.Floors = append(w.Policy.Floors, Floor{Class: "high", Paths: []string{"services/**", "services/auth/*"}})
		}, gate.Ready},
		{"a floor that is meant for the manifest itself", func(w *world) {
			w.Policy.Floors = append(w.Policy.Floors, Floor{Class: "high", Paths: []string{"services/auth/go.mod"}})
		}, gate.Waiting},
		{"a floor by label", func(w *world) {
			w.Policy.Floors = append(w.Policy.Floors, Floor{Class: "high", Labels: []string{"major"}})
			w.PR.Labels = []string{"Major"}
		}, gate.Waiting},
		{"the policy itself is no manifest, whatever is said of it", func(w *world) {
			w.Policy.Dependencies.Paths = []string{"**"}
			byBot(w, renovate, "services/auth/go.mod", Path)
		}, gate.Waiting},
		{"source of the directory", func(w *world) { byBot(w, renovate, "services/auth/go.mod", "services/auth/main.go") }, gate.Waiting},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			byBot(w, renovate, "services/auth/go.mod", "services/auth/go.sum")
			tt.change(w)
			ev := w.judge()
			if ev.Verdict != tt.want || tt.want == gate.Ready && ev.Class != gate.Low {
				t.Errorf("%s at %s\n%s", ev.Verdict, ev.Class, codes(ev))
			}
		})
	}
}

func TestWhatIsSaidOfABotsRecord(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		fact   string
	}{
		{"a bot's description", func(w *world) { byBot(w, robot, "go.mod") }, "a bot's description is never a record"},
		{"an update that is not signed", func(w *world) { w.commits.Value[0].Verified = false }, "the signature of its commit 9f8e7d6 could not be verified"},
		{"not signed, and source beside it", func(w *world) {
			byBot(w, renovate, "go.mod", "main.go")
			w.commits.Value[0].Verified = false
		}, "a bot's description is never a record"},
		{"not signed, and a person's commit beside it", func(w *world) {
			w.commits.Value[0].Verified = false
			w.commits.Value = append(w.commits.Value, gate.Commit{SHA: oldHead, Author: &kim, Committer: &kim})
		}, "a bot's description is never a record"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			byBot(w, renovate, "go.mod")
			tt.change(w)
			r := BotRecord(w.Policy, w.PR, w)
			if len(r.Problems) != 1 || r.Found || r.Problems[0].Code != "bot-record" || !strings.Contains(r.Problems[0].Message, tt.fact) {
				t.Errorf("%+v", r.Problems)
			}
		})
	}
}

func TestAnUnreadRecordAsksForNothing(t *testing.T) {
	w := fine()
	byBot(w, robot, "main.go")
	why := gate.Unreadable{Cause: gate.CauseFault}
	w.Record = UnreadRecord(why)
	w.Faults = []gate.Finding{Unread("the comments", why)}
	ev := w.judge()
	if ev.Verdict != gate.NotVerified || strings.Contains(codes(ev), "bot-record") || strings.Contains(codes(ev), "no-block") {
		t.Errorf("%s\n%s", ev.Verdict, codes(ev))
	}
}

func TestWhatMustBeReadToTellAnUpdate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		what   string
	}{
		{"all is known", func(*world) {}, ""},
		{"the files are not", func(w *world) { w.files = unreadable[[]gate.File](gate.CauseFault) }, "the list of changed files"},
		{"the commits are not", func(w *world) { w.commits = unreadable[[]gate.Commit](gate.CauseFault) }, "the list of commits"},
		{"more commits than GitHub lists: no fault", func(w *world) { w.commits = unreadable[[]gate.Commit](gate.CauseTruncated) }, "-"},
		{"the commits are not, of a change that is none anyway", func(w *world) {
			byBot(w, renovate, "main.go")
			w.commits = unreadable[[]gate.Commit](gate.CauseFault)
		}, ""},
		{"another bot's", func(w *world) {
			byBot(w, robot, "go.mod")
			w.commits = unreadable[[]gate.Commit](gate.CauseFault)
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			byBot(w, renovate, "go.mod")
			tt.change(w)
			what, _, unread := UpdateUnread(w.Policy, w.PR, w)
			if unread != (tt.what != "" && tt.what != "-") || unread && what != tt.what {
				t.Errorf("%q, %t", what, unread)
			}
		})
	}
}
