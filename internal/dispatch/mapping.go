package dispatch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sirupsen/logrus"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/inbox"
	"gonogo/internal/index"
	"gonogo/internal/ledger"
	"gonogo/internal/queue"
)

// hint leads one hint to its subjects.
func (r *round) hint(h inbox.Hint) error {
	r.tenant, r.again, r.calm = h.InstallationID, h.Again, isCalm(h)
	if !r.serves(h.Account.Login) {
		r.counts = append(r.counts, Unallowed)
		return nil
	}
	if ours := r.AppID != 0 && h.AppID == r.AppID; ours && h.Action != "rerequested" && h.Action != "requested_action" {
		r.counts = append(r.counts, OwnCheck)
		return nil
	}
	result := Dispatched
	if h.Repo.ID != 0 {
		foreign, err := r.learn(h)
		if err != nil {
			return err
		}
		if foreign {
			result = Foreign
		}
	}
	r.counts = append(r.counts, result)
	return r.lead(h)
}

// isCalm reports whether a hint can make no verdict worse: a remark in the
// conversation, a review that does not ask for changes.
func isCalm(h inbox.Hint) bool {
	switch h.Event {
	case "issue_comment":
		return h.Action == "created" && (h.Comment == nil || h.Comment.Body == "")
	case "pull_request_review":
		return h.Action == "submitted" && h.Review != nil && h.Review.Body == "" && !strings.EqualFold(h.Review.State, string(gate.ChangesRequested))
	default:
		return false
	}
}

// learn enters the hint's repository. When the hint comes from another
// installation than the one we know, it is worked in the turn of the latter
// and with its access, and the repository is looked at: it may have been
// transferred.
func (r *round) learn(h inbox.Hint) (foreign bool, err error) {
	foreign, err = r.Index.Learn(r.ctx, r.tx, repository(h.Repo, h.Account, h.InstallationID))
	if err != nil || !foreign {
		return false, err
	}
	known, err := r.Index.Repository(r.ctx, r.tx, h.Repo.ID)
	if err != nil {
		return false, err
	}
	r.Log.WithFields(logrus.Fields{"delivery": h.GUID, "repository": h.Repo.FullName, "installation": h.InstallationID,
		"known_installation": known.InstallationID}).Warn("a delivery is of another installation than its repository")
	r.tenant = known.InstallationID
	return true, r.touch(queue.RepositoryOf(h.Repo.ID))
}

func repository(repo inbox.Repo, owner inbox.Account, installation int64) index.Repository {
	_, name, _ := strings.Cut(repo.FullName, "/")
	return index.Repository{
		Repository: gate.Repository{ID: repo.ID, Owner: owner.Login, Name: name, OwnerIsUser: owner.IsUser,
			DefaultBranch: repo.DefaultBranch, Private: repo.Private},
		InstallationID: installation,
	}
}

func (r *round) lead(h inbox.Hint) error {
	switch h.Event {
	case "pull_request":
		return r.pullRequest(h)
	case "pull_request_review":
		return r.review(h)
	case "issue_comment":
		return r.comment(h)
	case "check_run", "check_suite":
		return r.check(h)
	case "status":
		return r.commit(h)
	case "push":
		return r.push(h)
	case "issues":
		return errors.Join(r.watched(h), r.allOpen(h.Repo.ID))
	case "secret_scanning_alert", "member":
		return r.allOpen(h.Repo.ID)
	case "deployment_status":
		return r.smoked(h)
	case "create":
		return r.tag(h)
	case "delete":
		if h.IsTag {
			return r.tag(h)
		}
		return r.allOpen(h.Repo.ID)
	case "deployment_protection_rule":
		return r.deployment(h)
	case "merge_group":
		return r.group(h)
	case "release":
		return r.release(h)
	case "repository":
		return r.repository(h)
	case "installation", "installation_repositories":
		return r.installation(h)
	case "membership", "team", "organization":
		return r.people(h)
	default:
		return fmt.Errorf("event %q is stored but not known", h.Event)
	}
}

// pullRequest looks at the pull request, and when it was closed at those whose
// evidence it was: the same commit, branches that build on it.
func (r *round) pullRequest(h inbox.Hint) error {
	before, err := r.Index.Pull(r.ctx, r.tx, h.Repo.ID, h.PR)
	if err != nil && !errors.Is(err, index.ErrUnknown) {
		return err
	}
	if err := r.savePull(h); err != nil {
		return err
	}
	if err := r.pushed(h); err != nil {
		return err
	}
	if err := r.touch(queue.PR(h.Repo.ID, h.PR)); err != nil {
		return err
	}
	if h.Pull != nil && before.HeadSHA != "" && (before.HeadSHA != h.SHA || before.BaseRef != h.Pull.BaseRef) {
		left, err := r.Index.ByHead(r.ctx, r.tx, h.Repo.ID, before.HeadSHA)
		if err != nil {
			return err
		}
		if err := r.touchOpen(left); err != nil { // their check shows this one too
			return err
		}
	}
	if h.Action != "closed" {
		return nil
	}
	twins, err := r.Index.ByHead(r.ctx, r.tx, h.Repo.ID, h.SHA)
	if err != nil {
		return err
	}
	if err := r.touchOpen(twins); err != nil {
		return err
	}
	if h.Pull == nil {
		return nil
	}
	for _, ref := range []string{h.Pull.HeadRef, h.Pull.BaseRef} {
		if err := r.branch(h.Repo.ID, ref); err != nil {
			return err
		}
	}
	return nil
}

// pushed enters who brought a head: no commit need name them.
func (r *round) pushed(h inbox.Hint) error {
	if h.Action != "opened" && h.Action != "synchronize" {
		return nil
	}
	err := r.Index.SawBrought(r.ctx, r.tx, h.Repo.ID, h.PR, h.SHA, index.Brought{Told: true})
	if err != nil || h.Sender.Bot || h.Sender.ID == 0 {
		return err
	}
	return r.Index.SawPush(r.ctx, r.tx, h.Repo.ID, h.PR, index.Push{SHA: h.SHA, By: h.Sender})
}

func (r *round) savePull(h inbox.Hint) error {
	if h.Pull == nil {
		return nil
	}
	_, err := r.Index.SavePull(r.ctx, r.tx, index.Pull{
		RepoID: h.Repo.ID, Number: h.PR, HeadSHA: h.SHA, HeadRef: h.Pull.HeadRef, HeadRepoID: h.Pull.HeadRepoID,
		BaseRef: h.Pull.BaseRef, AuthorID: h.Pull.AuthorID, Open: h.Pull.Open, Draft: h.Pull.Draft, AsOf: h.Pull.UpdatedAt,
	}, h.ReceivedAt)
	return err
}

// review looks at the pull request. A review that may hold a command, and every
// change of a review, is also told: REST does not show that one was edited.
func (r *round) review(h inbox.Hint) error {
	if err := r.savePull(h); err != nil {
		return err
	}
	v := h.Review
	if v != nil && h.Action == "submitted" && v.CommitSHA != "" {
		if err := r.Index.SawReview(r.ctx, r.tx, h.Repo.ID, h.PR, v.ID, v.CommitSHA); err != nil {
			return err
		}
	}
	if v == nil || h.Action == "submitted" && v.Body == "" {
		return r.touch(queue.PR(h.Repo.ID, h.PR))
	}
	return r.post(h, h.PR, inbox.Command{Source: inbox.FromReview, Action: h.Action, ReviewID: v.ID, ReviewSHA: v.CommitSHA,
		Body: v.Body, User: v.User, CreatedAt: v.At, UpdatedAt: v.At, URL: v.URL, Terms: v.Terms})
}

func (r *round) comment(h inbox.Hint) error {
	c := h.Comment
	if c == nil {
		return r.touch(queue.PR(h.Repo.ID, h.PR))
	}
	return r.post(h, h.PR, inbox.Command{Source: inbox.FromComment, Action: h.Action, CommentID: c.ID, Body: c.Body,
		User: c.User, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, URL: c.URL, Terms: c.Terms})
}

// check looks at what has the check's commit as its head. A button is one of
// ours only on a check run of our App; so is what is to be run again.
func (r *round) check(h inbox.Hint) error {
	ours := r.AppID != 0 && h.AppID == r.AppID
	switch {
	case ours && h.Action == "rerequested":
		if queued, err := ledger.IsGroup(r.ctx, r.tx, h.Repo.ID, h.SHA); err != nil || queued {
			return errors.Join(err, r.touch(queue.GroupOf(h.Repo.ID, h.SHA)))
		}
		return r.press(h, nil)
	case !ours || h.Button == nil:
		return r.commit(h)
	}
	c := inbox.Command{Source: inbox.FromButton, Action: "pressed", Button: h.Button.Identifier,
		CheckRunID: h.Button.CheckRunID, ExternalID: h.Button.ExternalID, ButtonSHA: h.SHA, User: h.Sender,
		CreatedAt: h.ReceivedAt, UpdatedAt: h.ReceivedAt}
	if command.Kind(h.Button.Identifier) == command.Recheck {
		return r.press(h, &c)
	}
	// A button pressed on a closed pull request waits until it is reopened.
	return r.headedBy(h, true, func(number int) error { return r.post(h, number, c) })
}

// commit looks at the open pull requests that have, or had, the hint's commit
// as their head, and at those that the payload names.
func (r *round) commit(h inbox.Hint) error {
	if queued, err := ledger.IsGroup(r.ctx, r.tx, h.Repo.ID, h.SHA); err != nil || queued {
		return errors.Join(err, r.touch(queue.GroupOf(h.Repo.ID, h.SHA)))
	}
	if err := r.smoked(h); err != nil {
		return err
	}
	return r.headedBy(h, false, func(number int) error { return r.touch(queue.PR(h.Repo.ID, number)) })
}

// press looks at a commit's pull requests because somebody pressed a button that
// asks for nothing else, and no more often than [ledger.PressEvery]: what is
// pressed before leaves its word in the mailbox, and is looked at then. It makes
// no verdict worse.
func (r *round) press(h inbox.Hint, c *inbox.Command) error {
	r.calm = true
	return r.headedBy(h, false, func(number int) error {
		s := queue.PR(h.Repo.ID, number).For(r.tenant)
		if h.Again {
			return r.touch(s)
		}
		if err := r.leave(h, number, c); err != nil {
			return err
		}
		now := r.Now()
		at, recorded, err := ledger.Press(r.ctx, r.tx, h.Repo.ID, number, now)
		switch {
		case err != nil || !recorded:
			return err
		case at.After(now):
			return r.Queue.WakeBy(r.ctx, r.tx, s, at)
		default:
			return r.touch(s)
		}
	})
}

// leave leaves in the mailbox that our check is to be run again, or the command
// of a button, once for each person: the next look hears all of them at once. A
// press may be the very same text as the one before it; whoever replays one gains
// a look, and is not heard.
func (r *round) leave(h inbox.Hint, number int, c *inbox.Command) error {
	m := queue.Message{Key: inbox.Rerun, At: h.ReceivedAt}
	switch {
	case c != nil && h.Replayed:
		return nil
	case c != nil:
		told, err := r.told(h, number, *c)
		if err != nil {
			return err
		}
		m.Key, m.Body = fmt.Sprintf("press/%d", h.Sender.ID), told.Encode()
	}
	return r.Queue.Leave(r.ctx, r.tx, queue.PR(h.Repo.ID, number).For(r.tenant), m)
}

// headedBy does something for each open pull request that has, or had, the
// hint's commit as its head, and for those that the payload names; closed too
// for those that are closed.
func (r *round) headedBy(h inbox.Hint, closed bool, each func(number int) error) error {
	known, err := r.Index.ByHead(r.ctx, r.tx, h.Repo.ID, h.SHA)
	if err != nil {
		return err
	}
	numbers := h.PRs
	for _, p := range known {
		if p.Open || closed {
			numbers = append(numbers, p.Number)
		}
	}
	if len(numbers) == 0 {
		return r.unknownCommit(h)
	}
	seen := make(map[int]bool)
	for _, n := range numbers {
		if seen[n] {
			continue
		}
		seen[n] = true
		if err := each(n); err != nil {
			return err
		}
	}
	return nil
}

// unknownCommit asks what a commit heads that heads nothing that we know. In a
// repository at which we never looked, that is looked at as a whole; else the
// commit is on a branch, or the event of the push that brought it was lost: the
// mailbox of the repository's commits takes it, and GitHub is asked.
func (r *round) unknownCommit(h inbox.Hint) error {
	repo, err := r.Index.Repository(r.ctx, r.tx, h.Repo.ID)
	if err != nil && !errors.Is(err, index.ErrUnknown) {
		return err
	}
	s := queue.CommitsOf(h.Repo.ID)
	if repo.VerifiedAt.IsZero() {
		return r.touch(queue.RepositoryOf(h.Repo.ID))
	}
	if h.Replayed || h.Again {
		return r.touch(s)
	}
	return r.Queue.Post(r.ctx, r.tx, s.For(r.tenant), queue.Message{Key: h.SHA, At: h.ReceivedAt})
}

// organizationRepo is where an organization keeps the policy of all of its
// repositories.
const organizationRepo = "/.github"

// push looks at the open pull requests from and into the branch: their commits
// or their policy may have changed; and, where the organization's own policy
// may have, at those of the whole organization.
func (r *round) push(h inbox.Hint) error {
	if h.IsTag {
		return r.tag(h)
	}
	if strings.HasSuffix(strings.ToLower(h.Repo.FullName), organizationRepo) { // GitHub's names ignore case
		return r.people(h)
	}
	if err := r.moved(h); err != nil {
		return err
	}
	return r.branch(h.Repo.ID, h.Ref)
}

// moved has it looked at how a branch came to where it is, which the worker does
// for gated ones. The heads of open pull requests and the branches of merge queues
// are none.
func (r *round) moved(h inbox.Hint) error {
	if strings.HasPrefix(h.Ref, "gh-readonly-queue/") {
		return nil
	}
	pulls, err := r.Index.ByBranch(r.ctx, r.tx, h.Repo.ID, h.Ref)
	if err != nil {
		return err
	}
	head, base := false, h.Ref == h.Repo.DefaultBranch
	for _, p := range pulls {
		base = base || p.BaseRef == h.Ref
		head = head || p.Open && p.HeadRef == h.Ref && p.HeadRepoID == h.Repo.ID
	}
	if head && !base {
		return nil
	}
	return r.touch(queue.BranchOf(h.Repo.ID, h.Ref))
}

// group keeps what a merge queue asks, until the group is gone.
func (r *round) group(h inbox.Hint) error {
	if h.Action == "destroyed" {
		return ledger.EndGroup(r.ctx, r.tx, h.Repo.ID, h.SHA)
	}
	err := ledger.SaveGroup(r.ctx, r.tx, ledger.Group{
		RepoID: h.Repo.ID, HeadSHA: h.SHA, HeadRef: h.Ref, BaseRef: h.Base, AskedAt: h.ReceivedAt,
	})
	if err != nil {
		return err
	}
	return r.touch(queue.GroupOf(h.Repo.ID, h.SHA))
}

func (r *round) branch(repoID int64, ref string) error {
	pulls, err := r.Index.ByBranch(r.ctx, r.tx, repoID, ref)
	if err != nil {
		return err
	}
	return r.touchOpen(pulls)
}

func (r *round) allOpen(repoID int64) error {
	pulls, err := r.Index.OpenPulls(r.ctx, r.tx, repoID)
	if err != nil {
		return err
	}
	return r.touchOpen(pulls)
}

func (r *round) touchOpen(pulls []index.Pull) error {
	for _, p := range pulls {
		if !p.Open {
			continue
		}
		if err := r.touch(queue.PR(p.RepoID, p.Number)); err != nil {
			return err
		}
	}
	return nil
}

// release looks at the release. One that is published or gone moves the
// "since the previous release" of open pull requests.
func (r *round) release(h inbox.Hint) error {
	draft := h.Target
	if h.Action == "deleted" {
		draft = ""
	}
	if h.Target != "" { // the App is not shown drafts
		if err := ledger.SawDraft(r.ctx, r.tx, h.Repo.ID, h.Tag, draft); err != nil {
			return err
		}
	}
	if err := r.touch(queue.ReleaseOf(h.Repo.ID, h.Tag)); err != nil {
		return err
	}
	switch h.Action {
	case "published", "deleted", "unpublished":
		return r.allOpen(h.Repo.ID)
	default:
		return nil
	}
}

// tag looks at the release of a tag that was made, moved or deleted.
func (r *round) tag(h inbox.Hint) error { return r.touch(queue.ReleaseOf(h.Repo.ID, h.Ref)) }

// deployment keeps what a run waits for, and has it looked at.
func (r *round) deployment(h inbox.Hint) error {
	d := h.Deployment
	err := ledger.AskDeployment(r.ctx, r.tx, ledger.Deployment{
		RepoID: h.Repo.ID, Run: d.Run, Environment: d.Environment, SHA: h.SHA, AskedAt: h.ReceivedAt,
	})
	if err != nil {
		return err
	}
	return r.touch(queue.DeploymentOf(h.Repo.ID, d.Run, d.Environment))
}

func (r *round) repository(h inbox.Hint) error {
	if h.Action == "deleted" {
		return r.removeRepository(h, h.Repo.ID)
	}
	return r.touch(queue.RepositoryOf(h.Repo.ID))
}

// removeRepository takes a repository out, if it belongs to the hint's
// installation.
func (r *round) removeRepository(h inbox.Hint, id int64) error {
	known, err := r.Index.Repository(r.ctx, r.tx, id)
	if errors.Is(err, index.ErrUnknown) || err == nil && known.InstallationID != h.InstallationID {
		return nil
	}
	if err != nil {
		return err
	}
	return r.Index.RemoveRepository(r.ctx, r.tx, id, h.ReceivedAt)
}

func (r *round) installation(h inbox.Hint) error {
	i := index.Installation{ID: h.InstallationID, AccountID: h.Account.ID, AccountLogin: h.Account.Login, AccountIsUser: h.Account.IsUser}
	switch h.Action {
	case "deleted":
		i.RemovedAt = h.ReceivedAt
		if err := r.Index.RemoveRepositories(r.ctx, r.tx, i.ID, h.ReceivedAt); err != nil {
			return err
		}
	case "suspend":
		i.SuspendedAt = h.ReceivedAt
	}
	if err := r.Index.SaveInstallation(r.ctx, r.tx, i); err != nil || !i.Active() {
		return err
	}
	for _, repo := range h.ReposRemoved {
		if err := r.removeRepository(h, repo.ID); err != nil {
			return err
		}
	}
	for _, repo := range h.ReposAdded {
		foreign, err := r.Index.Learn(r.ctx, r.tx, repository(repo, h.Account, h.InstallationID))
		if err != nil {
			return err
		}
		if foreign {
			continue
		}
		if err := r.Index.SaveJoined(r.ctx, r.tx, repo.ID, h.InstallationID, h.ReceivedAt); err != nil {
			return err
		}
	}
	if h.Action == "removed" {
		return nil
	}
	return r.touch(queue.InstallationOf(h.InstallationID))
}

// people looks at all open pull requests of the organization: somebody's
// authority may have changed.
func (r *round) people(h inbox.Hint) error {
	repos, err := r.Index.ByInstallation(r.ctx, r.tx, h.InstallationID)
	if err != nil {
		return err
	}
	for _, repo := range repos {
		if err := r.allOpen(repo.ID); err != nil {
			return err
		}
	}
	return nil
}

// watched looks at the releases that are watched: a severe issue may have come up.
func (r *round) watched(h inbox.Hint) error {
	tags, err := ledger.WatchedTags(r.ctx, r.tx, h.Repo.ID)
	if err != nil {
		return err
	}
	return r.touchReleases(h.Repo.ID, tags)
}

// smoked looks at the releases on a commit that are not live: their smoke test may
// have ended.
func (r *round) smoked(h inbox.Hint) error {
	tags, err := ledger.TagsNotLive(r.ctx, r.tx, h.Repo.ID, h.SHA)
	if err != nil {
		return err
	}
	return r.touchReleases(h.Repo.ID, tags)
}

func (r *round) touchReleases(repoID int64, tags []string) error {
	for _, tag := range tags {
		if err := r.touch(queue.ReleaseOf(repoID, tag)); err != nil {
			return err
		}
	}
	return nil
}
