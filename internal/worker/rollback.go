package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/inbox"
	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
	"gonogo/internal/report"
)

// rollbackCall is why a merged pull request is to be taken back.
type rollbackCall struct {
	repo   gate.Repository
	pull   int
	base   string
	cause  int       // the severe issue, 0 for none
	by     gate.User // zero for Gonogo itself
	reason string
}

// callRollback calls the rollback of a merged pull request in the caller's
// transaction: it is entered, the roles of the policy are told, and the pull
// request is looked at, which writes what people need to take it back. It
// reports false when that was called before; then nothing changes.
func (w *Worker) callRollback(ctx context.Context, tx *sql.Tx, p *policy.Policy, c rollbackCall) (bool, error) {
	now := w.now()
	first, err := ledger.Append(ctx, tx, ledger.Entry{
		At: now, Kind: ledger.KindRollback, RepoID: c.repo.ID, Number: c.pull, Actor: c.by, Once: ledger.RollbackOnce(c.pull),
		Data: map[string]any{"base": c.base, "cause": c.cause}, Texts: map[string]string{"reason": w.Scanner.Redact(ctx, c.reason)},
	})
	if err != nil || !first {
		return false, err
	}
	err = ledger.SaveRollback(ctx, tx, ledger.Rollback{RepoID: c.repo.ID, Pull: c.pull, Base: c.base, Cause: c.cause, Caller: c.by.Login, At: now})
	if err != nil {
		return false, err
	}
	known, err := w.Index.Repository(ctx, tx, c.repo.ID)
	if err != nil {
		return false, err
	}
	if err := w.Notices.Post(ctx, tx, w.rollbackNotice(p, c)); err != nil {
		return false, err
	}
	return true, w.Queue.Touch(ctx, tx, queue.PR(c.repo.ID, c.pull).For(known.InstallationID))
}

func (w *Worker) rollbackNotice(p *policy.Policy, c rollbackCall) notify.Notice {
	who := notify.Ours("Gonogo")
	if c.by.Login != "" {
		who = notify.Theirs("@" + c.by.Login)
	}
	to := p.RollbackTo()
	n := notify.Notice{
		Key: ledger.RollbackOnce(c.pull), Kind: notify.KindRollback, RepoID: c.repo.ID, Repo: c.repo.FullName(),
		Roles: to.Roles, Link: w.webURL(c.repo, c.pull), At: w.now(),
		Lines: []notify.Line{{notify.Ours(fmt.Sprintf("ROLLBACK of %s#%d called by ", c.repo.FullName(), c.pull)), who}},
		Data:  map[string]any{"pull": c.pull, "base": c.base, "issue": c.cause, "by": c.by.Login, "reason": c.reason},
	}
	if to.Channel != "" {
		n.To = []string{to.Channel}
	}
	if c.cause != 0 {
		n.Lines = append(n.Lines, notify.Say("for issue #%d", c.cause))
	}
	if c.reason != "" {
		n.Lines = append(n.Lines, notify.Line{notify.Ours("reason: "), notify.Theirs(c.reason)})
	}
	return n
}

// rollbackOf reads which pull request a /rollback means, and why.
var rollbackOf = regexp.MustCompile(`^#(\d{1,9})\b[\s:,-]*(.*)$`)

// rollback hears that a merged pull request is to be taken back: the one on
// which that is said, or the one that is named.
func (r *room) rollback(ctx context.Context, c inbox.Command, cmd command.Command) ([]answer, error) {
	call := rollbackCall{repo: r.pr.Repo, pull: r.pr.Number, base: r.pr.BaseRef, by: c.User, reason: cmd.Rest}
	if m := rollbackOf.FindStringSubmatch(cmd.Rest); m != nil {
		call.pull, _ = strconv.Atoi(m[1])
		call.reason = m[2]
	}
	return r.give(ctx, c, c.Key()+rollbackKey, func() (string, *answer, error) { return r.mayRollBack(ctx, c, cmd, &call) },
		func(tx *sql.Tx, once string) error {
			first, err := r.w.callRollback(ctx, tx, r.policy, call)
			if err != nil {
				return err
			}
			_, err = ledger.Append(ctx, tx, ledger.Entry{
				At: r.w.now(), Kind: ledger.KindAnswered, RepoID: r.pr.Repo.ID, Number: r.pr.Number, SHA: r.pr.HeadSHA, Actor: c.User,
				Once: heardPrefix + once, Data: map[string]any{"what": cmd.Kind, "channel": c.Source, "pull": call.pull, "first": first},
			})
			return err
		})
}

// mayRollBack settles whether somebody may call the rollback, and of what.
func (r *room) mayRollBack(ctx context.Context, c inbox.Command, cmd command.Command, call *rollbackCall) (code string, refusal *answer, err error) {
	holds := r.policy.Authority(r.snap, policy.ReleaseManager, c.User)
	switch {
	case !holds.Known:
		return r.unreadRole(c, cmd, "whether you are a release manager", holds.Why)
	case !holds.Value:
		return r.notAllowed(c, "only a release manager ("+r.whoIs(policy.ReleaseManager)+") calls the rollback; nothing was changed")
	}
	of := r.pr
	if call.pull != r.pr.Number {
		of, err = r.repo.PullRequest(ctx, call.pull)
		switch {
		case hub.IsMissing(err):
			return no(c, "no-such-pull", fmt.Sprintf("there is no pull request #%d here; nothing was changed", call.pull), "")
		case err != nil:
			return "", nil, err
		}
	}
	call.base = of.BaseRef
	switch {
	case !of.Merged:
		return no(c, "not-merged", fmt.Sprintf("#%d is not merged, so that there is nothing to roll back; name the merged one", call.pull), "/rollback #123 reason")
	case strings.TrimSpace(call.reason) == "":
		return no(c, codeReason, "say why; the reason is kept", fmt.Sprintf("/rollback #%d reason", call.pull))
	}
	return r.fresh(ctx, c, cmd, fmt.Sprintf("/rollback #%d reason", call.pull))
}

// afterMerge hears what is said on a merged pull request, and does what a call
// for its rollback asks for.
func (w *Worker) afterMerge(ctx context.Context, v *view) (outcome, error) {
	out := outcome{talk: v.talk}
	calls, err := saidAfterMerge(v.job.Messages)
	if err != nil {
		return out, err
	}
	called, found, err := w.Ledger.RollbackOf(ctx, v.pr.Repo.ID, v.pr.Number)
	if err != nil || len(calls) == 0 && (!found || !called.Done.IsZero()) {
		return out, err
	}
	if err := w.usePolicy(ctx, v); err != nil {
		return out, err
	}
	out.voice = v.voice
	if len(calls) > 0 {
		if out.answers, err = w.hearAfterMerge(ctx, v, calls); err != nil {
			return out, err
		}
		if called, found, err = w.Ledger.RollbackOf(ctx, v.pr.Repo.ID, v.pr.Number); err != nil {
			return out, err
		}
	}
	if !found || !called.Done.IsZero() {
		return out, nil
	}
	return out, w.followRollback(ctx, v, called)
}

// saidAfterMerge are those messages of a mailbox that say something which is heard
// on a merged pull request.
func saidAfterMerge(messages []queue.Message) ([]inbox.Command, error) {
	commands, err := parseMessages(messages)
	return slices.DeleteFunc(commands, func(c inbox.Command) bool {
		return !isText(c) || c.Source == inbox.FromButton || c.User.Bot || c.User.ID == 0 ||
			!slices.ContainsFunc(command.Parse(c.Body), isAfterMerge)
	}), err
}

func isAfterMerge(c command.Command) bool { return (&room{}).afterward(c.Kind) != nil }

func (w *Worker) hearAfterMerge(ctx context.Context, v *view, calls []inbox.Command) ([]answer, error) {
	if v.blocked() && slices.ContainsFunc(v.faults, func(f gate.Finding) bool { return f.Status == gate.Unknown }) {
		return nil, queue.Later(policy.RetryEvidence) // who may call is not known just now
	}
	r := &round{w: w}
	w.readPeople(ctx, r, v.repo, v.snap, commandPeople(calls))
	for _, role := range v.policy.Roles {
		for _, team := range role.Teams {
			w.readTeam(ctx, r, v.repo, v.snap, team)
		}
	}
	if err := r.wait(); err != nil {
		return nil, err
	}
	room, err := w.newRoom(ctx, v, gate.Record{})
	if err != nil {
		return nil, err
	}
	var answers []answer
	for _, c := range calls {
		for _, cmd := range command.Parse(c.Body) {
			if !isAfterMerge(cmd) {
				continue
			}
			told, err := room.afterward(cmd.Kind)(ctx, c, cmd)
			if err != nil {
				return nil, err
			}
			answers = append(answers, told...)
			break // one call is enough for one text
		}
	}
	if room.unheard {
		return nil, queue.Later(policy.RetryEvidence)
	}
	return answers, nil
}

// followRollback does what a call for a rollback asks for, each step once: it
// reads what the pull request brought, opens the incident, and writes on the
// pull request how to take it back. A shadow writes nothing.
func (w *Worker) followRollback(ctx context.Context, v *view, r ledger.Rollback) error {
	if r.Content == nil {
		content, err := broughtBy(ctx, v.repo, v.pr)
		if err != nil {
			return err
		}
		r.Content = content
		if err := w.saveRollback(ctx, r); err != nil {
			return err
		}
	}
	if v.mode == gate.Shadow {
		r.Done = w.now()
		return w.saveRollback(ctx, r)
	}
	says, err := w.rollbackSays(ctx, v, r)
	if err != nil {
		return err
	}
	if r.Incident == 0 {
		if r.Incident, err = w.openIncident(ctx, v, r, says); err != nil {
			return err
		}
		says.Incident = r.Incident
		if err := w.saveRollback(ctx, r); err != nil {
			return err
		}
	}
	marker := report.Marker("rollback", strconv.Itoa(r.Pull))
	if !v.snap.comments.Known {
		return fmt.Errorf("comments of #%d: %s", r.Pull, gate.PlainText(v.snap.comments.Why.Fact))
	}
	if !slices.ContainsFunc(v.snap.comments.Value, func(c gate.Comment) bool { return c.User.Bot && strings.Contains(c.Body, marker) }) {
		_, err := v.repo.CreateComment(ctx, r.Pull, report.Rollback(says))
		if err = w.courtesy(ctx, err); err != nil {
			return err
		}
	}
	r.Done = w.now()
	return w.saveRollback(ctx, r)
}

func (w *Worker) saveRollback(ctx context.Context, r ledger.Rollback) error {
	return w.Store.Write(ctx, func(tx *sql.Tx) error { return ledger.SaveRollback(ctx, tx, r) })
}

// rollbackSays gathers what people are told of a rollback.
func (w *Worker) rollbackSays(ctx context.Context, v *view, r ledger.Rollback) (report.RollbackOf, error) {
	says := report.RollbackOf{
		Repo: v.pr.Repo.FullName(), Pull: r.Pull, Title: v.pr.Title, Base: r.Base, Caller: r.Caller, Cause: r.Cause, Incident: r.Incident,
	}
	for _, e := range v.snap.history.Entries {
		if e.Once == ledger.RollbackOnce(r.Pull) {
			says.Reason = e.Texts["reason"]
		}
	}
	if says.Reason == "" { // it was entered after the history was read
		entries, err := w.Ledger.Entries(ctx, v.pr.Repo.ID, r.Pull)
		if err != nil {
			return says, err
		}
		for _, e := range entries {
			if e.Once == ledger.RollbackOnce(r.Pull) {
				says.Reason = e.Texts["reason"]
			}
		}
	}
	lay, err := layOf(ctx, v.repo, v.pr)
	if err == nil {
		says.Commits, says.Merge, err = commitsOf(ctx, v.repo, lay)
	}
	var odd unclear
	switch {
	case errors.As(err, &odd):
		says.Why = odd.why
	case err != nil && hub.Unreadable(err).Cause == gate.CauseFault:
		return says, err
	case err != nil:
		says.Why = hub.Unreadable(err).Fact
	}
	return says, nil
}

// commitsOf lists the commits of a stretch, the newest first, and whether it is
// one merge.
func commitsOf(ctx context.Context, repo *hub.Repo, lay stretch) (shas []string, merge bool, err error) {
	for sha := lay.last; sha != lay.before; {
		c, err := repo.Commit(ctx, sha)
		if err != nil {
			return nil, false, err
		}
		if len(c.ParentSHAs) == 0 || len(shas) > rebasedLooked {
			return nil, false, unclear{why: "the commits that it was merged as cannot be told"}
		}
		shas = append(shas, sha)
		merge, sha = len(c.ParentSHAs) > 1, c.ParentSHAs[0]
	}
	return shas, merge, nil
}

// broughtBy is what a merged pull request made of its paths: at its head, and
// where it landed, which may differ when the base had moved.
func broughtBy(ctx context.Context, repo *hub.Repo, pr gate.PullRequest) (map[string][]string, error) {
	files, err := repo.Files(ctx, pr.Number)
	if err != nil {
		return nil, err
	}
	landed, err := repo.Tree(ctx, pr.MergeSHA)
	if err != nil && hub.Unreadable(err).Cause == gate.CauseFault {
		return nil, err
	}
	content := map[string][]string{}
	for _, f := range files {
		if f.Status == "removed" {
			content[f.Path] = []string{""}
			continue
		}
		content[f.Path] = []string{f.ContentSHA}
		if at, there := landed[f.Path]; there && at.SHA != f.ContentSHA {
			content[f.Path] = append(content[f.Path], at.SHA)
		}
	}
	return content, nil
}
