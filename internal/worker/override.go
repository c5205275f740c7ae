package worker

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/inbox"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
)

// Between the key of a text and what in it was given. A text may hold a decision
// too, which must be heard whatever becomes of the rest.
const (
	overrideKey = "/override"
	acceptKey   = "/accept-secret/"
	rollbackKey = "/rollback"
)

// furtherKeys are those of everything that a text may give besides decisions.
var furtherKeys = [...]string{signoffKey, overrideKey, acceptKey, rollbackKey, watchedKey}

// further is how a command is heard that gives something and decides nothing;
// nil for all others.
func (r *room) further(kind command.Kind) func(context.Context, inbox.Command, command.Command) ([]answer, error) {
	switch kind {
	case command.Signoff:
		return r.signoff
	case command.Override:
		return r.override
	case command.AcceptSecret:
		return r.acceptSecret
	case command.Rollback:
		return r.rollback
	default:
		return nil
	}
}

// codeReason is the code of a refusal for want of a reason.
const codeReason = "reason-missing"

// override hears that somebody lets the head pass against the verdict.
func (r *room) override(ctx context.Context, c inbox.Command, cmd command.Command) ([]answer, error) {
	return r.give(ctx, c, c.Key()+overrideKey, func() (string, *answer, error) { return r.mayOverride(ctx, c, cmd) },
		func(tx *sql.Tx, once string) error {
			d := r.given(ctx, c, cmd.Rest)
			d.Until = saidAt(c).Add(r.policy.OverrideLasts())
			_, err := ledger.AppendOverride(ctx, tx, r.pr, d, once)
			return err
		})
}

// give hears what is given once: may settles whether it is, enter does it.
func (r *room) give(ctx context.Context, c inbox.Command, once string, may func() (string, *answer, error), enter func(*sql.Tx, string) error) ([]answer, error) {
	refusedKey := once + "/refused"
	if told, refused := r.told[refusedKey]; refused {
		told.from = c
		return []answer{told}, nil
	}
	if r.made[once] { // a replay, or a job that is tried again
		return []answer{{from: c, accepted: true}}, nil
	}
	switch code, refusal, err := may(); {
	case err != nil || code == codeGone || code == codeWait:
		return nil, err
	case refusal != nil:
		return r.refusedAs(ctx, c, refusedKey, code, *refusal)
	}
	r.made[once] = true
	if err := r.w.Store.Write(ctx, func(tx *sql.Tx) error { return enter(tx, once) }); err != nil {
		return nil, err
	}
	return []answer{{from: c, accepted: true, decided: true}}, r.reload(ctx)
}

// given is what c gives now, for a reason.
func (r *room) given(ctx context.Context, c inbox.Command, reason string) gate.PersonDecision {
	return gate.PersonDecision{
		User: c.User, At: c.ReceivedAt, SaidAt: c.CreatedAt, Reason: r.w.Scanner.Redact(ctx, reason), Channel: string(c.Source),
		CommentID: c.CommentID, ReviewID: c.ReviewID, URL: c.URL, Digest: gate.TextDigest(c.Body), For: r.binding(),
	}
}

func no(c inbox.Command, code, sentence, line string) (string, *answer, error) {
	a := refuse(c, sentence, line)
	return code, &a, nil
}

// mayOverride settles whether somebody may let the head pass now.
func (r *room) mayOverride(ctx context.Context, c inbox.Command, cmd command.Command) (code string, refusal *answer, err error) {
	const line = "/override reason"
	may := r.policy.MayOverride(r.snap, c.User)
	switch {
	case r.policy.OverrideLasts() == 0:
		return no(c, "override-off", "the policy of this repository lets nobody override; nothing was changed", "")
	case !may.Known:
		return r.unreadRole(c, cmd, "whether you may override here", may.Why)
	case !may.Value:
		return r.notAllowed(c, fmt.Sprintf("only %s may override here; one of them comments %s; nothing was changed", r.whoOverrides(), gate.Quote(line)))
	case cmd.Rest == "":
		return no(c, codeReason, "an override needs a reason, which is kept; nothing was changed", line)
	case !r.w.now().Before(saidAt(c).Add(r.policy.OverrideLasts())):
		return no(c, "override-ended", "this override had ended before it could be heard; if it is still needed, say it again", line)
	}
	if code, refusal, err = r.fresh(ctx, c, cmd, line); code != "" || err != nil {
		return code, refusal, err
	}
	switch known, stale := r.named(c, command.Command{Kind: cmd.Kind}, &gate.PersonDecision{}); {
	case stale != "":
		return no(c, "stale-override", stale, line)
	case !known:
		return no(c, "stale-override", "the head may have moved since you wrote; look at it, and say it again", line)
	}
	saw, found, err := r.saw(ctx, c)
	switch {
	case err != nil:
		return "", nil, err
	case r.retargeted(c, saw, found):
		return no(c, codeRetargeted, retargeted+" since you wrote; if it still holds, say it again", line)
	}
	return "", nil, nil
}

// unreadRole is the answer where it cannot be read what somebody may do: none
// yet when that may heal.
func (r *room) unreadRole(c inbox.Command, cmd command.Command, what string, why gate.Unreadable) (string, *answer, error) {
	if why.Cause == gate.CauseFault {
		r.wait(c, cmd, "the role of "+gate.Quote("@"+c.User.Login), why)
		return codeWait, nil, nil
	}
	return no(c, "unreadable-role", what+" cannot be read: "+why.Fact+" Say it again when that is mended", "")
}

// notAllowed refuses somebody for want of authority; in words only once.
func (r *room) notAllowed(c inbox.Command, sentence string) (string, *answer, error) {
	a := refuse(c, sentence, "")
	a.quiet = r.turned[c.User.ID]
	r.turned[c.User.ID] = true
	return notAuthorized, &a, nil
}

// fresh reports that a text no longer says what it said.
func (r *room) fresh(ctx context.Context, c inbox.Command, cmd command.Command, line string) (string, *answer, error) {
	switch code, err := r.stillThere(ctx, c); {
	case err != nil:
		r.wait(c, cmd, "the comment", hub.Unreadable(err))
		return codeWait, nil, nil
	case code == "" || code == codeGone:
		return code, nil, nil
	default:
		return no(c, code, unsaid(code), line)
	}
}

// whoOverrides says in words who may override here.
func (r *room) whoOverrides() string {
	roles := r.policy.Override.Roles
	if len(roles) == 0 {
		return "administrators of this repository"
	}
	parts := make([]string, 0, len(roles))
	for _, role := range roles {
		parts = append(parts, "people with the role "+gate.Quote(role)+" ("+r.whoIs(role)+")")
	}
	return strings.Join(parts, " or ")
}

// acceptSecret hears that what looks like a credential is none.
func (r *room) acceptSecret(ctx context.Context, c inbox.Command, cmd command.Command) ([]answer, error) {
	word, reason, _ := strings.Cut(cmd.Rest, " ")
	word = strings.ToLower(strings.Trim(word, ",;:.()[]`"))
	return r.give(ctx, c, c.Key()+acceptKey+keyWord(word), func() (string, *answer, error) { return r.mayAccept(ctx, c, cmd, word, reason) },
		func(tx *sql.Tx, once string) error {
			_, err := ledger.AppendAcceptance(ctx, tx, r.pr, gate.Acceptance{Fingerprint: word, PersonDecision: r.given(ctx, c, strings.TrimSpace(reason))}, once)
			return err
		})
}

// longestKeyWord is how much of what people wrote may stand in a key.
const longestKeyWord = 64

// keyWord is a fingerprint in the key of an entry. Anything else may be the
// credential itself, or as long as a comment, and the ledger forgets nothing.
func keyWord(word string) string {
	if _, err := hex.DecodeString(word); err == nil && len(word) <= longestKeyWord {
		return word
	}
	return "no-fingerprint"
}

// mayAccept settles whether somebody may accept what has this fingerprint.
func (r *room) mayAccept(ctx context.Context, c inbox.Command, cmd command.Command, fingerprint, reason string) (code string, refusal *answer, err error) {
	line := "/accept-secret " + fingerprint + " reason"
	leaks, holds := r.snap.leaks, r.policy.Authority(r.snap, policy.ReleaseManager, c.User)
	switch {
	case !holds.Known:
		return r.unreadRole(c, cmd, "whether you are a release manager", holds.Why)
	case !holds.Value:
		return r.notAllowed(c, "only a release manager who wrote none of it ("+r.whoIs(policy.ReleaseManager)+") says that a finding is no credential; nothing was changed")
	case !leaks.Known && leaks.Why.Cause == gate.CauseFault:
		r.wait(c, cmd, "the diff", leaks.Why)
		return codeWait, nil, nil
	case !leaks.Known:
		return no(c, "unreadable-diff", "the diff cannot be read: "+leaks.Why.Fact, "")
	}
	found := policy.LeakOf(leaks.Value, fingerprint)
	switch {
	case !found && len(leaks.Value.Leaks) == 0:
		return no(c, "no-such-secret", "nothing that looks like a credential stands in this pull request; nothing was changed", "")
	case !found:
		return no(c, "no-such-secret", "this is the fingerprint of no finding here; the check run shows them", "/accept-secret "+leaks.Value.Leaks[0].Fingerprint+" reason")
	case strings.TrimSpace(reason) == "":
		return no(c, codeReason, "say why it is no credential; the reason is kept", line)
	}
	if code, refusal, err = r.fresh(ctx, c, cmd, line); code != "" || err != nil {
		return code, refusal, err
	}
	commits := r.snap.commits
	switch {
	case !commits.Known && commits.Why.Cause == gate.CauseFault:
		r.wait(c, cmd, "the list of commits", commits.Why)
		return codeWait, nil, nil
	case !commits.Known:
		return no(c, "too-large", "who wrote this pull request cannot be read: "+commits.Why.Fact, "")
	case policy.Contributed(r.pr, commits.Value, c.User):
		return no(c, "self-accepted", "you wrote some of this pull request, and nobody clears what they wrote; another release manager may", line)
	}
	return "", nil, nil
}

// saidAt is when c was said, by GitHub's clock.
func saidAt(c inbox.Command) time.Time {
	if c.CreatedAt.IsZero() || c.CreatedAt.After(c.ReceivedAt) {
		return c.ReceivedAt
	}
	return c.CreatedAt
}

// overriders names who lets the head of an evaluation pass, "" for nobody.
func overriders(ev gate.Evaluation) string {
	var names []string
	for _, u := range ev.Override.By {
		names = append(names, "@"+u.Login)
	}
	return strings.Join(names, ", ")
}
