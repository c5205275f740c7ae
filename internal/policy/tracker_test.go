package policy

import (
	"strings"
	"testing"

	"gonogo/internal/gate"
)

func TestWhatIsATrackerItem(t *testing.T) {
	pr := gate.PullRequest{Repo: gate.Repository{Owner: "acme", Name: "shop"}, URL: "https://github.com/acme/shop/pull/7"}
	tests := []struct{ name, text, refs, odd string }{
		{"a number of this repository", "#12", "acme/shop#12", ""},
		{"another repository's", "acme/plans#12", "acme/plans#12", ""},
		{"its address", "https://github.com/acme/plans/issues/12", "acme/plans#12", ""},
		{"an address with a mark of a comment", "https://GitHub.com/acme/plans/issues/12#issuecomment-99", "acme/plans#12", ""},
		{"a pull request's address", "https://github.com/acme/plans/pull/12", "acme/plans#12", ""},
		{"several, as people write", "- #12 (done)\n- see [acme/plans#3], and #12; #4.", "acme/shop#12 acme/plans#3 acme/shop#4", ""},
		{"a title beside it", "#12 totals are slow", "acme/shop#12", ""},
		{"an issue of another GitHub", "https://ghe.acme.example/acme/shop/issues/12", "", "https://ghe.acme.example/acme/shop/issues/12"},
		{"this GitHub's name as a password", "https://github.com@evil.example/acme/shop/issues/12", "", "https://github.com@evil.example/acme/shop/issues/12"},
		{"an item of Jira", "PROJ-17", "", "PROJ-17"},
		{"an item of Jira, written with a number sign", "PROJ#12", "", "PROJ#12"},
		{"a repository without an owner", "plans#12", "", "plans#12"},
		{"too many names", "a/b/c#12", "", "a/b/c#12"},
		{"a bare number", "issue 12", "", "12"},
		{"a number glued to more", "#12a, #12/3, x#1", "", "#12a #12/3 x#1"},
		{"a board", "https://github.com/orgs/acme/projects/3", "", "https://github.com/orgs/acme/projects/3"},
		{"a number too long to be one", "#1234567890", "", "#1234567890"},
		{"only talk", "see the board", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refs, odd := BuiltIn().trackerItems(pr, gate.Record{More: map[gate.Field]string{gate.FieldTracker: tt.text}})
			var names []string
			for _, r := range refs {
				names = append(names, r.String())
			}
			if got := strings.Join(names, " "); got != tt.refs || strings.Join(odd, " ") != tt.odd {
				t.Errorf("items %q, odd %q", got, odd)
			}
		})
	}
}

func TestOddTrackerItemsAreToldHow(t *testing.T) {
	for text, fact := range map[string]string{
		"#3, PROJ#12": "'PROJ#12'", "PROJ-17": "'PROJ-17'", "#3, https://ghe.acme.example/acme/shop/issues/3": "'https://ghe.acme.example/acme/shop/issues/3'",
	} {
		w := fine()
		w.tracks(gate.TrackerRef{Repo: w.PR.Repo.FullName(), Number: 3}, gate.TrackerItem{Completed: true, Noted: true})
		w.fills(gate.FieldTracker, text)
		ev := w.judge()
		if got := codes(ev); got != "action operational/tracker tracker-unclear" {
			t.Errorf("%s: %s", text, got)
		}
		f := ev.Blockers()[0]
		if !strings.Contains(gate.PlainText(f.Fact), fact) || f.Type != "- Tracker items: #12, "+w.PR.Repo.FullName()+"#34" {
			t.Errorf("%s: %s; type %s", text, gate.PlainText(f.Fact), f.Type)
		}
	}
}
