package app

import (
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// namesDana is a policy in which dana, and nobody else, is a release manager.
const namesDana = "roles:\n  release manager: {permission: \"\", users: [dana]}\n"

// Case 20: dana renames herself, and a stranger takes the login that the policy
// names.
func TestLoginThatChangedHands(t *testing.T) {
	w := newWorld(t)
	w.repo.Commit("sam", "main", map[string]string{".github/gonogo.yml": namesDana})
	pr := w.opens("medium")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	w.gh.RenameUser("dana", "dana-d")
	w.repo.Grant("dana", "write") // a stranger by now
	w.clock.advance(time.Second)
	pr.Comment("dana", "/go "+pr.Head())
	v := w.shows(pr, "WAITING · identity-changed")
	if !strings.Contains(v.Summary, "is now user") || !strings.Contains(v.Summary, "dana#") {
		t.Errorf("what to do is not told:\n%s", v.Summary)
	}
	w.quiet()
	if replies := w.replies(pr); len(replies) != 1 || !strings.Contains(replies[0], "was ") || !strings.Contains(replies[0], "dana#") {
		t.Errorf("replies %q", replies)
	}
	w.clock.advance(time.Second)
	pr.Comment("dana-d", "/go "+pr.Head())
	w.stays(pr, "WAITING · identity-changed")
	if replies := w.replies(pr); len(replies) != 2 || !strings.Contains(replies[1], "is now called `@dana-d`") {
		t.Errorf("replies %q", replies)
	}
	w.never(pr)
}

// An administrator settles it in the policy: by the account's number, or by its
// present login.
func TestLoginThatChangedHandsIsSettledInThePolicy(t *testing.T) {
	w := newWorld(t)
	w.repo.Commit("sam", "main", map[string]string{".github/gonogo.yml": namesDana})
	pr := w.opens("medium", "- Final decision owner: release manager")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	w.gh.RenameUser("dana", "dana-d")
	w.gh.UserID("dana")
	w.repo.Commit("sam", "main", map[string]string{".github/gonogo.yml": strings.Replace(namesDana, "[dana]", "[dana-d]", 1)})
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.Comment("dana-d", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}

// A GO given by login and permission ends with the login.
func TestGoOfARenamedAccount(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.gh.RenameUser("dana", "dana-d")
	w.repo.Grant("dana", "maintain") // a stranger by now
	pr.Label("kim", "x")
	w.shows(pr, "WAITING · identity-changed")
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.Edit("kim", body("medium", "- Final decision owner: @dana-d"))
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.Comment("dana-d", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}

// danaWroteSome has dana say /go on what she wrote some of: it is refused, and
// nothing ever passed.
func (w *world) danaWroteSome(pr *sandbox.PullRequest) {
	w.t.Helper()
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.Comment("dana", "/go "+pr.Head())
	w.stays(pr, "WAITING · go-missing")
	if replies := w.replies(pr); len(replies) != 1 || !strings.Contains(replies[0], "nobody decides on their own") {
		w.t.Errorf("replies %q", replies)
	}
	w.never(pr)
}

// Case 17: dana pushes a commit that names kim only, and neither approves nor
// decides.
func TestWhoPushedDoesNotDecide(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	w.quiet()
	pr.PushCommits("dana", sandbox.Commit{Files: map[string]string{"cart/total.go": "package cart // by dana\n"}, Message: "by kim", Author: "kim", Committer: "kim"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.danaWroteSome(pr)
}

// The same when her head is gone from the branch by now.
func TestWhoPushedWhatIsGoneDoesNotDecide(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	w.quiet()
	pr.PushCommits("dana", sandbox.Commit{Files: map[string]string{"cart/total.go": "package cart // by dana\n"}, Author: "kim", Committer: "kim"})
	w.quiet()
	pr.ForcePush("kim", map[string]string{"cart/total.go": "package cart // by dana\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.Comment("dana", "/go "+pr.Head())
	w.stays(pr, "WAITING · go-missing")
	w.never(pr)
}

// Who lets GitHub merge the base in wrote none of it, also when that merge is
// gone from the branch.
func TestWhoUpdatesTheBranchDecides(t *testing.T) {
	for name, after := range map[string]func(*world, *sandbox.PullRequest){
		"is the head": func(*world, *sandbox.PullRequest) {},
		"is gone": func(w *world, pr *sandbox.PullRequest) {
			pr.ForcePush("kim", map[string]string{"cart/total.go": "package cart\n"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("medium")
			w.repo.Commit("sam", "main", map[string]string{"other.txt": "x"})
			pr.UpdateBranch("dana")
			after(w, pr)
			pr.Check("build", "success")
			pr.Approve("lee")
			w.shows(pr, "WAITING · go-missing")
			w.quiet()
			w.clock.advance(2 * time.Second)
			pr.Comment("dana", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
		})
	}
}

// Case 17: who wrote a commit must be known at high.
func TestUnattributedCommitBlocksAtHigh(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("high")
	pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": "package cart // x\n"}, Email: "somebody@example.com"})
	pr.Check("build", "success")
	pr.Approve("lee")
	pr.Approve("sam")
	v := w.shows(pr, "WAITING · unattributed-commits")
	if strings.Contains(v.Summary, "somebody@example.com") {
		t.Error("the address is shown")
	}
}
