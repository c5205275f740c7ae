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
