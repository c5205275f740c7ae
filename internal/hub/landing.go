package hub

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

var actRefs = act{"list refs", "the refs of the merge queue", "Contents: read"}

// queuePrefix is where GitHub keeps the branches of merge queues.
// https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue
const queuePrefix = "gh-readonly-queue/"

// QueueRef is a branch that a merge queue made: the pull request joined to what
// stands before it in the queue.
type QueueRef struct {
	Name   string // without refs/heads/
	Base   string // the branch into which the queue merges
	Number int    // of the pull request
	Parent string // the commit to which it was joined
	SHA    string // the commit that is tested; "" of a name alone
}

var queueRef = regexp.MustCompile(`^` + queuePrefix + `(.+)/pr-([1-9][0-9]{0,9})-([0-9a-f]{40}|[0-9a-f]{64})$`)

// ParseQueueRef reads the name of a merge queue's branch, with or without
// refs/heads/. It reports false for any other.
func ParseQueueRef(name string) (QueueRef, bool) {
	name = strings.TrimPrefix(name, "refs/heads/")
	m := queueRef.FindStringSubmatch(name)
	if m == nil {
		return QueueRef{}, false
	}
	n, err := strconv.Atoi(m[2])
	return QueueRef{Name: name, Base: m[1], Number: n, Parent: m[3]}, err == nil
}

// QueueRefs lists the branches of the merge queues into base, or of all merge
// queues for "". Names that GitHub's queues do not make are left out.
func (r *Repo) QueueRefs(ctx context.Context, base string) ([]QueueRef, error) {
	prefix := strings.TrimSuffix("heads/"+queuePrefix+base, "/")
	k := r.call(actRefs, " "+prefix, "git/matching-refs/"+escapePath(prefix))
	got, err := r.c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	wire, err := bare[github.Reference](got.body) // this list has no pages
	if err != nil {
		return nil, k.fault(err)
	}
	all, err := each(k, wire.items, func(w *wants, ref *github.Reference) QueueRef {
		name, sha := wantSome(w, "ref", ref.Ref), wantSome(w, "object.sha", ref.GetObject().SHA)
		q, _ := ParseQueueRef(name)
		q.SHA = sha
		return q
	})
	if err != nil {
		return nil, err
	}
	var refs []QueueRef
	for _, q := range all {
		if q.Number != 0 && (base == "" || q.Base == base) {
			refs = append(refs, q)
		}
	}
	return refs, nil
}

// BranchMove is one entry of the log of pushes of a branch. GitHub keeps the time
// to the second.
type BranchMove struct {
	Before, After string // of zeros where the branch was made or deleted
	At            time.Time
	By            gate.User // zero when the account is gone
	Kind          string    // "push", "force_push", "pr_merge", "merge_queue_merge", "branch_creation", "branch_deletion"
}

// movePages bounds how far back the log of a branch is read at once.
const movePages = 100

// BranchMoves reads the log of a branch, the newest first, back to the move that
// ends with since, which is left out, or that lies before the given time. It
// reports whether it got there; the log of a server may end before.
func (r *Repo) BranchMoves(ctx context.Context, branch, since string, from time.Time) (moves []BranchMove, reached bool, err error) {
	k := r.call(actActivity, " "+branch, "activity").with("ref", "refs/heads/"+branch, "per_page", strconv.Itoa(pageSize))
	more := url.Values{}
	for range movePages {
		p, links, err := readPage(ctx, r.c, k, bare[wireMove], more)
		if err != nil {
			return nil, false, err
		}
		read, err := each(k, p.items, convertBranchMove)
		if err != nil {
			return nil, false, err
		}
		for _, m := range read {
			if since != "" && m.After == since || since == "" && m.At.Before(from) {
				return moves, true, nil
			}
			moves = append(moves, m)
		}
		if more = links.query("next"); more == nil {
			return moves, since == "", nil
		}
	}
	return moves, false, nil
}

func convertBranchMove(w *wants, m *wireMove) BranchMove {
	return BranchMove{
		Before: wantSome(w, "before", m.Before), After: wantSome(w, "after", m.After), At: wantTime(w, "timestamp", m.At),
		By: mayUser(w, "actor", m.Actor), Kind: wantSome(w, "activity_type", m.Kind),
	}
}
