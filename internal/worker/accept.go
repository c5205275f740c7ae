package worker

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/inbox"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
	"gonogo/internal/report"
)

// decision hears a GO or NO-GO.
func (r *room) decision(ctx context.Context, c inbox.Command, cmd command.Command) ([]answer, error) {
	if told, refused := r.told[c.Key()]; refused {
		told.from = c
		return []answer{told}, nil // what was refused is not judged anew
	}
	if r.made[c.Key()] { // a replay, or a job that is tried again
		return []answer{{from: c, accepted: true}}, nil
	}
	holds := r.mayDecide(c.User)
	// A refusal is for ever, and a veto must not be lost for want of a permission
	// that an administrator is asked for meanwhile.
	if !holds.Known && (holds.Why.Cause == gate.CauseFault || cmd.Kind == command.NoGo) {
		r.wait(c, cmd, "the role of "+gate.Quote("@"+c.User.Login), holds.Why)
		return nil, nil
	}
	if !holds.Known {
		return r.refused(ctx, c, "unreadable-role", refuse(c, "whether you may decide here cannot be read: "+holds.Why.Fact+" Say it again when that is mended", r.goLine()))
	}
	// Nor must a veto be lost over who is called what: it stands, and another
	// release manager lifts it.
	if cmd.Kind == command.NoGo && !holds.Value && r.policy.Unsettled(r.snap, r.deciding(), c.User) {
		holds.Value = true
	}
	if fact, fix := r.policy.Mistaken(r.snap, r.deciding(), c.User); !holds.Value && fact != "" {
		return r.refused(ctx, c, "identity-changed", refuse(c, fact+"; "+fix+"; nothing was changed", ""))
	}
	if !holds.Value {
		a := refuse(c, r.notDecider(cmd.Kind), "")
		a.quiet = r.turned[c.User.ID]
		r.turned[c.User.ID] = true
		return r.refused(ctx, c, notAuthorized, a)
	}
	d := gate.PersonDecision{
		Choice: gate.ChoiceNoGo, User: c.User, At: c.ReceivedAt, SaidAt: c.CreatedAt, Reason: cmd.Reason,
		Channel: string(c.Source), CommentID: c.CommentID, ReviewID: c.ReviewID, URL: c.URL,
		Digest: gate.TextDigest(c.Body), For: r.binding(),
	}
	if cmd.Kind == command.Go {
		d.Choice = gate.ChoiceGo
		seen, err := r.seenTo(ctx, c)
		if err != nil {
			return nil, err
		}
		d.SeenTo = seen
		code, no, err := r.mayGo(ctx, c, cmd, &d)
		if err != nil || no == nil && (code == codeGone || code == codeWait) {
			return nil, err
		}
		if no != nil {
			return r.refused(ctx, c, code, *no)
		}
	}
	return []answer{{from: c, accepted: true, decided: true}}, r.accept(ctx, c, d)
}

// wait leaves a command in the mailbox until what it needs can be read.
func (r *room) wait(c inbox.Command, cmd command.Command, what string, why gate.Unreadable) {
	r.unheard = true
	f := policy.Unread(what, why)
	said := "/" + string(cmd.Kind)
	if cmd.Kind == command.Signoff {
		said += " " + gate.Quote(r.policy.SignoffNamed(cmd.Rest))
	}
	f.Fact = fmt.Sprintf("%s of %s waits: %s", said, gate.Quote("@"+c.User.Login), f.Fact)
	r.faults = append(r.faults, f)
	switch cmd.Kind {
	case command.Go:
		r.waiting = append(r.waiting, policy.Waiting{User: c.User, Why: f})
	case command.Signoff:
		r.waiting = append(r.waiting, policy.Waiting{User: c.User, Why: f, Signoff: r.policy.SignoffNamed(cmd.Rest)})
	}
}

// codeWait marks a command that is left for later.
const codeWait = "wait"

// binding is what a decision or a sign-off is given for.
func (r *room) binding() gate.Binding {
	return gate.Binding{HeadSHA: r.pr.HeadSHA, BaseRef: r.pr.BaseRef, Policy: r.policy.Digest(), Terms: r.record.Terms()}
}

// codeGone marks a command whose comment was deleted before it was heard: there
// is nobody to answer.
const codeGone = "gone"

// mayGo settles whether a release manager's GO counts. It adjusts d to the
// reason given, and marks a GO of somebody who wrote some of the change: it lifts
// nobody's NO-GO but their own.
func (r *room) mayGo(ctx context.Context, c inbox.Command, cmd command.Command, d *gate.PersonDecision) (code string, refusal *answer, err error) {
	no := func(code, sentence, line string) (string, *answer, error) {
		a := refuse(c, sentence, line)
		return code, &a, nil
	}
	code, err = r.stillThere(ctx, c)
	switch {
	case err != nil:
		r.wait(c, cmd, "the comment", hub.Unreadable(err))
		return codeWait, nil, nil
	case code == codeGone:
		return code, nil, nil
	case code != "":
		return no(code, unsaid(code), r.goLine())
	}
	switch known, stale := r.named(c, cmd, d); {
	case stale != "":
		return no("stale-go", stale, r.goLine())
	case !known:
		return no("sha-needed", "the head may have moved since you wrote; say which commit you mean", r.goLine())
	}
	if code, why, err := r.otherCommit(ctx, c, cmd); err != nil || code != "" {
		if err != nil {
			r.wait(c, cmd, "the commit "+gate.Short(cmd.SHA), hub.Unreadable(err))
			return codeWait, nil, nil
		}
		return no(code, why, r.goLine())
	}
	if code, moved, err := r.moved(ctx, c); err != nil || code != "" {
		if err != nil {
			return "", nil, err
		}
		return no(code, moved+" since you wrote; if it still holds, say it again", r.goLine())
	}
	if r.class == gate.High && cmd.SHA == "" && c.Source == inbox.FromComment {
		return no("sha-needed", "at high risk a GO names its commit", r.goLine())
	}
	commits := r.snap.commits
	if !commits.Known {
		if commits.Why.Cause == gate.CauseFault {
			r.wait(c, cmd, "the list of commits", commits.Why)
			return codeWait, nil, nil
		}
		return no("too-large", "who wrote this pull request cannot be read: "+commits.Why.Fact, "")
	}
	if why := r.pr.PushersUnread; why.Fact != "" && why.Cause == gate.CauseFault && r.othersVeto(c.User) {
		// Whom it turns out to be must not have lifted it.
		r.wait(c, cmd, "who pushed "+gate.Short(r.pr.HeadSHA), why)
		return codeWait, nil, nil
	}
	d.LiftsOwn = policy.ContributedAt(r.class, r.pr, commits.Value, c.User)
	may := r.mayDecideOnOwn(c.User)
	switch {
	case !d.LiftsOwn || may.Value || r.vetoed(c.User):
		return "", nil, nil
	case may.Known:
		return no("self-go", "you wrote some of this pull request, and nobody decides on their own; somebody else who decides here ("+r.whoDecides()+") comments "+gate.Quote(r.goLine()), "")
	case may.Why.Cause == gate.CauseFault:
		r.wait(c, cmd, "the list of people with write access", may.Why)
		return codeWait, nil, nil
	default:
		return no("unreadable-writers", "whether you work alone here cannot be read: "+may.Why.Fact+" Say it again when that is mended", r.goLine())
	}
}

// stillThere reports why a comment or review no longer says what it said when it
// was received: "" when it does.
func (r *room) stillThere(ctx context.Context, c inbox.Command) (string, error) {
	switch c.Source {
	case inbox.FromReview:
		return r.reviewStands(c)
	case inbox.FromButton:
		return "", nil
	}
	i := slices.IndexFunc(r.snap.comments.Value, func(have gate.Comment) bool { return have.ID == c.CommentID })
	var live gate.Comment
	if i >= 0 {
		live = r.snap.comments.Value[i]
	} else {
		var err error
		live, err = r.repo.Comment(ctx, c.CommentID)
		if hub.IsMissing(err) {
			return codeGone, nil
		}
		if err != nil {
			return "", err
		}
	}
	if edited(live) || live.Body != c.Body {
		return codeEdited, nil
	}
	return "", nil
}

// What became of a text that cannot be a command.
const (
	codeEdited = "edited-command"
	codeUntold = "untold-review"
)

// unsaid says why a text is no command.
func unsaid(code string) string {
	if code == codeUntold {
		return "no event told of this review, and GitHub does not show whether a review was edited since: nothing proves that you wrote this; say it in a comment"
	}
	return "this comment was edited, and edited text is never a command"
}

// reviewStands is stillThere for a review. One that the list lacks yet stands: its
// event may be ahead of the list, and who dismisses it ends what it gave. Of one
// that no event told nobody can say what was in it at first: GitHub's API gives a
// review no time of its last edit, and others may edit it.
func (r *room) reviewStands(c inbox.Command) (string, error) {
	if !r.snap.reviews.Known {
		return "", fmt.Errorf("the reviews are not read: %s", r.snap.reviews.Why.Fact)
	}
	for _, v := range r.snap.reviews.Value {
		switch {
		case v.ID != c.ReviewID:
		case v.State == gate.Dismissed:
			return codeGone, nil
		case v.Body != c.Body || r.rewritten[v.ID]:
			return codeEdited, nil
		}
	}
	if c.GUID == "" {
		return codeUntold, nil
	}
	return "", nil
}

// edited reports whether a comment was changed since it was created.
func edited(c gate.Comment) bool { return c.UpdatedAt.After(c.CreatedAt) }

// named settles which commit a GO is for. A first word that is the beginning of
// a head that we know is a SHA, anything else a reason; without one the comment
// must be about the head that its author saw. It reports false when that cannot
// be told, and a sentence when it was another commit.
func (r *room) named(c inbox.Command, cmd command.Command, d *gate.PersonDecision) (known bool, stale string) {
	head := r.pr.HeadSHA
	meant := cmd.SHA
	switch c.Source {
	case inbox.FromReview:
		if c.ReviewSHA != head {
			return true, fmt.Sprintf("the review was for %s, the head is %s", gate.Short(c.ReviewSHA), gate.Short(head))
		}
		return true, ""
	case inbox.FromButton:
		switch {
		case !ownRun(c, r.pr.Repo.ID):
			return true, "the check run whose button was pressed is not one that the gate posted for this commit"
		case evaluationOf(c) == 0:
			return true, "the check run whose button was pressed was still being evaluated and showed nothing to decide on"
		case c.ButtonSHA != head:
			return true, fmt.Sprintf("the button was on %s, the head is %s", gate.Short(c.ButtonSHA), gate.Short(head))
		}
		return true, ""
	}
	if meant != "" {
		if strings.HasPrefix(head, meant) {
			return true, ""
		}
		for _, h := range r.heads {
			if strings.HasPrefix(h, meant) {
				return true, fmt.Sprintf("%s is no longer the head, which is %s", gate.Short(meant), gate.Short(head))
			}
		}
		d.Reason = cmd.Rest // not a commit of ours: the first word of the reason
	}
	return c.KnownHead == head && r.wasShown(c), ""
}

// otherCommit reports whether the first word of a GO's reason is a commit that is
// not the head: one of which no event told us yet, so that it is no head that we
// know. Who names it means it. The error is one that heals.
func (r *room) otherCommit(ctx context.Context, c inbox.Command, cmd command.Command) (code, why string, err error) {
	if cmd.SHA == "" || c.Source == inbox.FromButton || strings.HasPrefix(r.pr.HeadSHA, cmd.SHA) {
		return "", "", nil
	}
	_, err = r.repo.Commit(ctx, cmd.SHA)
	kind := hub.KindOf(err)
	switch {
	case err == nil:
		return "stale-go", fmt.Sprintf("%s is not the head, which is %s", gate.Short(cmd.SHA), gate.Short(r.pr.HeadSHA)), nil
	case kind == hub.KindMissing || kind == hub.KindInvalid || kind == hub.KindConflict:
		return "", "", nil // a word like any other
	}
	if _, limited := hub.RetryAfter(err); limited || hub.Unreadable(err).Cause == gate.CauseFault {
		return "", "", err
	}
	return "sha-needed", "whether " + gate.Quote(cmd.SHA) + " is a commit cannot be read", nil
}

// wasShown reports whether the head had been judged when a text was written: a
// push may have overtaken it, and events come in any order. GitHub's clock has
// seconds.
func (r *room) wasShown(c inbox.Command) bool {
	since := r.asked
	if r.seen.After(since) {
		since = r.seen // forced back to a head that was judged before
	}
	return !r.asked.IsZero() && !c.ReceivedAt.Before(r.asked) && !c.CreatedAt.Before(since.Truncate(time.Second))
}

// moved says what of that to which a GO is bound changed between when it was
// written and now, when it is heard: a GO is for what its author saw. The event
// of a text tells the record of that moment; what else its author saw is what
// was judged last by then.
func (r *room) moved(ctx context.Context, c inbox.Command) (code, what string, err error) {
	const edited = "the record changed"
	now := r.record.Terms()
	if r.pr.Author.Bot {
		if r.recordIn.CreatedAt.After(c.CreatedAt) {
			return "record-changed", edited, nil
		}
	} else if c.Terms != "" && c.Terms != now.Hash() {
		if r.lags { // the text is of a later record than GitHub's API shows yet
			return "", "", queue.Later(lagging)
		}
		return "record-changed", edited, nil
	}
	saw, found, err := r.saw(ctx, c)
	switch {
	case err != nil:
		return "", "", err
	case !found && c.Terms == "":
		return "record-changed", "the record may have changed", nil
	case r.retargeted(c, saw, found):
		return codeRetargeted, retargeted, nil
	case !found:
		return "", "", nil
	case saw.PolicySHA != r.policy.Digest():
		return "policy-changed", "the policy changed", nil
	}
	if changed := saw.Terms.Changed(now); c.Terms == "" && len(changed) > 0 {
		return "record-changed", "'" + string(changed[0]) + "' of the record changed", nil
	}
	return "", "", nil
}

// What is told where somebody wrote of a merge into another base.
const (
	codeRetargeted = "base-changed"
	retargeted     = "the pull request got another base"
)

// saw is what was judged last when a text was written. Of a button that is what
// its check run showed: its event does not tell when it was pressed.
func (r *room) saw(ctx context.Context, c inbox.Command) (gate.Evaluation, bool, error) {
	if c.Source == inbox.FromButton {
		return r.w.Ledger.LatestUpTo(ctx, r.pr.Repo.ID, r.pr.Number, evaluationOf(c))
	}
	written := c.CreatedAt.Truncate(time.Second).Add(time.Second) // GitHub's clock has seconds
	if c.ReceivedAt.Before(written) {
		written = c.ReceivedAt
	}
	return r.w.Ledger.LatestAt(ctx, r.pr.Repo.ID, r.pr.Number, written)
}

// retargeted reports whether a text was, or may have been, written of a merge
// into another base. Nothing need have been judged there: a base may be out of
// scope, and what is said on such a pull request waits.
func (r *room) retargeted(c inbox.Command, saw gate.Evaluation, judged bool) bool {
	if c.KnownBase != "" && c.KnownBase != r.pr.BaseRef {
		return true
	}
	if judged {
		return saw.PR.BaseRef != r.pr.BaseRef
	}
	return c.KnownBase == ""
}

// seenTo is the last decision that stood in the check run whose button was
// pressed, 0 for none and for all other texts.
func (r *room) seenTo(ctx context.Context, c inbox.Command) (int64, error) {
	if c.Source != inbox.FromButton {
		return 0, nil
	}
	shown, _, err := r.saw(ctx, c)
	var last int64
	for _, d := range shown.Decisions {
		last = max(last, d.ID)
	}
	return last, err
}

// evaluationOf is the number of the evaluation that the check run of a pressed
// button shows.
func evaluationOf(c inbox.Command) int64 {
	number, err := strconv.ParseInt(c.ExternalID[strings.LastIndexByte(c.ExternalID, '/')+1:], 10, 64)
	if err != nil {
		return -1
	}
	return number
}

// ownRun reports whether the check run of a pressed button says of itself what
// we wrote into it: that it is for this repository and commit. The commit that an
// event names beside it is not enough to decide on.
func ownRun(c inbox.Command, repoID int64) bool {
	number := evaluationOf(c)
	return number >= 0 && c.ButtonSHA != "" && c.ExternalID == report.ExternalID(repoID, c.ButtonSHA, number)
}

// vetoed reports whether u has a NO-GO standing.
func (r *room) vetoed(u gate.User) bool {
	said := gate.ChoiceNone
	for _, d := range r.snap.history.Decisions {
		if d.User.Is(u) {
			said = d.Choice
		}
	}
	return said == gate.ChoiceNoGo
}

// othersVeto reports whether the last word of anybody but u is a NO-GO.
func (r *room) othersVeto(u gate.User) bool {
	return slices.ContainsFunc(r.snap.history.Decisions, func(d gate.PersonDecision) bool {
		return d.Choice == gate.ChoiceNoGo && !d.User.Is(u) && r.vetoed(d.User)
	})
}

// goLine is the line that gives a GO now.
func (r *room) goLine() string { return "/go " + gate.Short(r.pr.HeadSHA) }

// accept enters a decision.
func (r *room) accept(ctx context.Context, c inbox.Command, d gate.PersonDecision) error {
	r.made[c.Key()] = true
	d.Reason = r.w.Scanner.Redact(ctx, d.Reason)
	err := r.w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.AppendDecision(ctx, tx, r.pr, d, c.Key())
		return err
	})
	if err != nil {
		return err
	}
	return r.reload(ctx) // the next text may take it back
}
