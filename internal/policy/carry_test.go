package policy

import (
	"slices"
	"testing"

	"gonogo/internal/gate"
)

// What was said of a former head holds for the present one only over merges of
// the base in which nobody wrote a line.
func TestFormerHeads(t *testing.T) {
	webFlow := &gate.User{ID: 99, Login: "web-flow"}
	plain := func(sha string, parents ...string) gate.Commit {
		return gate.Commit{SHA: sha, Author: &kim, Committer: &kim, Parents: len(parents), ParentSHAs: parents}
	}
	merge := func(sha string, clean bool, parents ...string) gate.Commit {
		return gate.Commit{SHA: sha, Author: &lee, Committer: webFlow, Verified: true, Mechanical: clean, Parents: len(parents), ParentSHAs: parents}
	}
	for _, tt := range []struct {
		name    string
		commits []gate.Commit
		want    []string
	}{
		{"a commit upon another", []gate.Commit{plain("a", "main0"), plain("head", "a")}, nil},
		{"the base was merged in", []gate.Commit{plain("a", "main0"), merge("head", true, "a", "main1")}, []string{"a"}},
		{"twice", []gate.Commit{plain("a", "main0"), merge("b", true, "a", "main1"), merge("head", true, "b", "main2")}, []string{"b", "a"}},
		{"somebody settled conflicts", []gate.Commit{plain("a", "main0"), merge("head", false, "a", "main1")}, nil},
		{"somebody settled conflicts, and then it was merged in cleanly", []gate.Commit{plain("a", "main0"), merge("b", false, "a", "main1"), merge("head", true, "b", "main2")}, []string{"b"}},
		{"another branch was merged in", []gate.Commit{plain("a", "main0"), plain("other", "main0"), merge("head", true, "a", "other")}, nil},
		{"the head was merged into the base's side", []gate.Commit{plain("a", "main0"), merge("head", true, "main1", "a")}, nil},
		{"three parents", []gate.Commit{plain("a", "main0"), merge("head", true, "a", "main1", "main2")}, nil},
		{"a commit on top of the merge", []gate.Commit{plain("a", "main0"), merge("b", true, "a", "main1"), plain("head", "b")}, nil},
		{"a merge that is its own parent", []gate.Commit{merge("head", true, "head", "main1")}, []string{"head"}},
		{"no commits", nil, nil},
	} {
		got := FormerHeads(gate.PullRequest{HeadSHA: "head"}, read(tt.commits))
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := FormerHeads(gate.PullRequest{HeadSHA: "head"}, unreadable[[]gate.Commit](gate.CauseFault)); got != nil {
		t.Errorf("commits that could not be read: %q", got)
	}
}

// Nobody is left out of those who wrote it by a push that changes no file.
func TestSameWork(t *testing.T) {
	by := func(u gate.User, more ...string) gate.Commit {
		c := gate.Commit{Author: &u, Committer: &u}
		for _, m := range more {
			c.CoAuthors = append(c.CoAuthors, gate.CoAuthor{Email: m})
		}
		return c
	}
	unknown := gate.Commit{AuthorEmail: "who@x.test", Committer: &kim}
	pr := gate.PullRequest{Author: kim}
	pushed := gate.PullRequest{Author: kim, Pushers: []gate.User{lee}}
	for _, tt := range []struct {
		name      string
		pr        gate.PullRequest
		now, then []gate.Commit
		want      bool
	}{
		{"the same people", pr, []gate.Commit{by(kim)}, []gate.Commit{by(kim), by(kim)}, true},
		{"somebody more", pr, []gate.Commit{by(lee)}, []gate.Commit{by(kim)}, true},
		{"the author is one anyway", pr, []gate.Commit{by(lee)}, []gate.Commit{by(kim), by(lee)}, true},
		{"somebody left out", pr, []gate.Commit{by(kim)}, []gate.Commit{by(kim), by(lee)}, false},
		{"who pushed is one anyway", pushed, []gate.Commit{by(kim)}, []gate.Commit{by(lee)}, true},
		{"a co-author left out", pr, []gate.Commit{by(kim)}, []gate.Commit{by(kim, "lee@users.noreply.github.com")}, false},
		{"a co-author kept", pr, []gate.Commit{by(kim, "lee@users.noreply.github.com")}, []gate.Commit{by(kim, "lee@users.noreply.github.com")}, true},
		{"an unknown author left out", pr, []gate.Commit{by(kim)}, []gate.Commit{unknown}, false},
		{"an unknown author kept", pr, []gate.Commit{unknown}, []gate.Commit{unknown}, true},
	} {
		if got := SameWork(tt.pr, tt.now, tt.then); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
