package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/index"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
)

// rereads is how often a READY starts over because head, base or record moved
// while it was made.
const rereads = 3

// view is one pull request as a job sees it.
type view struct {
	job          queue.Job
	repo         *hub.Repo
	pr           gate.PullRequest
	snap         *snapshot
	policy       *policy.Policy
	number       int64 // of the evaluation
	faults       []gate.Finding
	landed       []index.Landing   // how its commits came before: see readLanded
	sameTree     []string          // former heads of the same content: see readSameTree
	waiting      []policy.Waiting  // GOs and sign-offs that could not be heard yet
	deaf         bool              // the rules or the record are not known: commands wait
	recordIn     gate.Comment      // that holds the record of a bot's pull request
	lags         bool              // an event told of a later state than was read
	files        []gate.PolicyFile // that the policy was made from
	installation int64
	mode         gate.Mode // in which the repository is judged
	voice        voice
	talk         *talk
	invalid      bool               // a policy file in force is not valid
	last         *index.ValidPolicy // that was valid before; nil when it is not valid now and none was seen, or nothing of it matters
	change       policy.Change      // what the pull request does to the policy
	began        time.Time          // when the evaluation began to read
	turn         int64              // of its verdict in the outbox
	revert       policy.Revert      // what it takes back, if it says so
}

// outcome is what an evaluation leaves to do.
type outcome struct {
	answers []answer
	talk    *talk
	moved   bool  // start over: nothing was published
	asking  error // why the question for a decision could not be written
	voice   voice // in which the answers are given; nil: there are none
	unheard bool  // some commands could not be heard and stay in the mailbox
}

// pull evaluates one pull request, publishes its verdict, and answers the
// commands that were given on it.
func (w *Worker) pull(ctx context.Context, job queue.Job) error {
	repo, err := w.repository(ctx, job.Subject.ID)
	if err != nil {
		return err
	}
	if repo == nil {
		return queue.ErrUnheard
	}
	var answers []answer
	for range rereads {
		out, err := w.evaluate(ctx, repo, job)
		answers = append(answers, out.answers...)
		if err != nil {
			return err
		}
		if out.moved {
			continue
		}
		if out.voice != nil {
			err = w.courtesy(ctx, errors.Join(out.voice.answer(ctx, repo, job, answers, out.talk), out.asking))
		}
		if err == nil && out.unheard {
			return queue.ErrUnheard
		}
		return err
	}
	return errors.New("head, base or record moved at every reading")
}

// evaluate makes and publishes one evaluation.
func (w *Worker) evaluate(ctx context.Context, repo *hub.Repo, job queue.Job) (outcome, error) {
	started := w.now()
	number, err := w.Ledger.Begin(ctx, job.Subject.ID, job.Subject.Number, started)
	if err != nil {
		return outcome{}, err
	}
	g, err := w.guess(ctx, job)
	if err != nil {
		return outcome{}, err
	}
	stopNotice := w.noticeWhenSlow(ctx, repo, job, number)
	defer stopNotice()

	found, err := w.gather(ctx, repo, job.Subject.Number, g)
	switch {
	case err != nil:
		return outcome{}, err
	case !found.pr.Known:
		stopNotice()
		return outcome{}, w.unreadable(ctx, repo, job, number, found)
	}
	v := &view{job: job, repo: repo, pr: found.pr.Value, snap: found.snap, number: number, installation: g.installation, began: started}
	if v.talk, err = newTalk(v.snap.history.Entries, v.snap.comments.Value); err != nil {
		return outcome{}, err
	}
	if err := w.remember(ctx, v); err != nil {
		return outcome{}, err
	}
	if !v.pr.Open {
		if err := w.closed(ctx, v); err != nil || !v.pr.Merged {
			return outcome{unheard: !v.pr.Merged}, err
		}
		stopNotice()
		return w.afterMerge(ctx, v)
	}
	if err := w.usePolicy(ctx, v); err != nil {
		return outcome{}, err
	}
	v.deaf = v.blocked()
	if in, err := w.inScope(ctx, v); err != nil || !in {
		return outcome{unheard: true}, err
	}
	if locked := v.policy.Locked(v.pr.BaseRef, v.snap.required.Value); locked != nil {
		stopNotice()
		return outcome{unheard: true}, w.settle(ctx, v, w.outOfScope(v, *locked), outcome{}, started)
	}
	out, ev, err := w.judge(ctx, v)
	if err != nil || out.moved {
		return out, err
	}
	stopNotice()
	if err := w.settle(ctx, v, ev, out, started); err != nil {
		return out, err
	}
	out.asking = v.voice.ask(ctx, v, ev)
	return out, nil
}

// judge hears the commands and evaluates what was read.
func (w *Worker) judge(ctx context.Context, v *view) (outcome, gate.Evaluation, error) {
	out := outcome{talk: v.talk, voice: v.voice}
	commands, err := parseMessages(v.job.Messages)
	if err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := w.readMerges(ctx, v); err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := w.readLanded(ctx, v); err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := w.trustReviews(ctx, v); err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := w.readPushers(ctx, v); err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := w.readAround(ctx, v); err != nil {
		return out, gate.Evaluation{}, err
	}
	record := w.recordOf(v)
	if err := w.readKinds(ctx, v, record); err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := w.propose(ctx, v, record); err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := w.completeFor(ctx, v, record); err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := w.complete(ctx, v, record, commandPeople(commands)); err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := w.readLabellers(ctx, v, record); err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := w.readSuggestions(ctx, v, record, commands); err != nil {
		return out, gate.Evaluation{}, err
	}
	if out.unheard = v.deaf; !out.unheard {
		out.answers, out.unheard, err = w.decide(ctx, v, record, commands)
		if err != nil {
			return out, gate.Evaluation{}, err
		}
	}
	if err := w.readSameTree(ctx, v); err != nil {
		return out, gate.Evaluation{}, err
	}
	if err := errors.Join(w.readRevert(ctx, v), w.readReland(ctx, v)); err != nil {
		return out, gate.Evaluation{}, err
	}
	ev, err := w.result(ctx, v, record)
	if err == nil && ev.Passes() && !v.pr.Draft {
		out.moved, err = w.lastLook(ctx, v, &ev)
	}
	return out, ev, err
}

// settle records and publishes.
func (w *Worker) settle(ctx context.Context, v *view, ev gate.Evaluation, out outcome, started time.Time) error {
	if err := w.store(ctx, v, ev, out.answers); err != nil {
		return err
	}
	w.Observe(ev.Verdict, w.now().Sub(started))
	return w.publish(ctx, v, ev, notesOf(out.answers))
}

// unreadable publishes that the pull request itself cannot be read, on the head
// that was last judged, and asks for another try.
func (w *Worker) unreadable(ctx context.Context, repo *hub.Repo, job queue.Job, number int64, read gathered) error {
	again := fmt.Errorf("read #%d: %w", job.Subject.Number, read.err)
	why := read.pr.Why
	switch {
	case hub.KindOf(read.err) == hub.KindSuspended:
		return again
	case why.Cause == gate.CauseMissing:
		return w.gone(ctx, job)
	}
	last, found, err := w.Ledger.Latest(ctx, job.Subject.ID, job.Subject.Number)
	if err != nil {
		return errors.Join(again, err)
	}
	if !found {
		known, judged, err := w.lastKnown(ctx, repo, job.Subject)
		if err != nil || !judged {
			return errors.Join(again, err)
		}
		last = gate.Evaluation{PR: known}
	}
	known, err := w.Index.Repository(ctx, nil, job.Subject.ID)
	if err != nil {
		return errors.Join(again, err)
	}
	speaks, p, is, err := w.guessVoice(ctx, known.Repository, known.InstallationID)
	if err != nil {
		return errors.Join(again, err)
	}
	v := &view{job: job, repo: repo, pr: last.PR, policy: p, number: number, mode: is.Mode, voice: speaks}
	ev := policy.Unjudged(last, "the pull request", why, w.now())
	ev.Number, ev.UnverifiedSince = number, earliest(last.UnverifiedSince, w.now())
	if err := w.store(ctx, v, ev, nil); err != nil {
		return err
	}
	if err := w.publish(ctx, v, ev, nil); err != nil {
		return errors.Join(again, err)
	}
	return queue.Later(patience(w.now().Sub(ev.UnverifiedSince)))
}

// gone ends the work on a pull request that GitHub does not show. An event may
// overtake GitHub's own copies, so that one of which we heard just now is looked
// for again.
func (w *Worker) gone(ctx context.Context, job queue.Job) error {
	heads, err := w.Index.Heads(ctx, nil, job.Subject.ID, job.Subject.Number)
	if err != nil {
		return err
	}
	if n := len(heads); n > 0 && w.now().Sub(heads[n-1].Seen) < lag {
		return queue.Later(lagging)
	}
	w.log(ctx).Info("the pull request is gone or not visible: nothing to judge")
	return queue.ErrUnheard
}

// patience is how soon evidence that could not be read is read again: at once
// after the first fault, later the longer it lasts.
func patience(lasting time.Duration) time.Duration {
	return min(max(lasting, lagging), policy.RetryEvidence)
}

// guess is what is known of the pull request from before.
func (w *Worker) guess(ctx context.Context, job queue.Job) (guess, error) {
	g := guess{severity: w.policyGuess(job.Subject.ID).Severity}
	known, err := w.Index.Pull(ctx, nil, job.Subject.ID, job.Subject.Number)
	if err != nil && !errors.Is(err, index.ErrUnknown) {
		return g, err
	}
	in, err := w.Index.Repository(ctx, nil, job.Subject.ID)
	if err != nil {
		return g, err
	}
	g.installation = in.InstallationID
	g.pr = gate.PullRequest{
		Repo: in.Repository, Number: job.Subject.Number, HeadSHA: known.HeadSHA,
		URL: w.webURL(in.Repository, job.Subject.Number), HeadRef: known.HeadRef, HeadRepoID: known.HeadRepoID, BaseRef: known.BaseRef,
	}
	if known.HeadSHA != "" && known.HeadRepoID == in.ID {
		brought, err := w.Index.Brought(ctx, nil, in.ID, job.Subject.Number)
		if err != nil {
			return g, err
		}
		g.pr.HeadRepo, g.pushed = in.Owner+"/"+in.Name, !brought[known.HeadSHA].Logged
	}
	g.history, err = w.Ledger.History(ctx, job.Subject.ID, job.Subject.Number)
	for _, d := range g.history.Decisions {
		g.people = append(g.people, d.User.Login)
	}
	last, _, lastErr := w.Ledger.Latest(ctx, job.Subject.ID, job.Subject.Number)
	g.people = append(g.people, last.People...)
	g.alone = w.policyGuess(job.Subject.ID).Solo || slices.ContainsFunc(last.Findings, func(f gate.Finding) bool {
		return f.Requirement == "review/approvals" && f.Status.Blocks()
	})
	g.behind = w.policyGuess(job.Subject.ID).AsksForBase(last.Class)
	g.owners, g.record = w.policyGuess(job.Subject.ID).Owners(last.Record), last.Record
	return g, errors.Join(err, lastErr)
}

// lag is how long GitHub's API may show an older state of a pull request than
// an event told, before the API is believed.
const lag = time.Minute

// lagging is how soon a state that lags is read again.
const lagging = 2 * time.Second

// remember keeps what was read in the index, before anything is decided. When
// an event told of a later head than the API shows, the API lags behind.
func (w *Worker) remember(ctx context.Context, v *view) error {
	current := true
	err := w.Store.Write(ctx, func(tx *sql.Tx) (err error) {
		before, err := w.Index.Pull(ctx, tx, v.pr.Repo.ID, v.pr.Number)
		if err != nil && !errors.Is(err, index.ErrUnknown) {
			return err
		}
		if current, err = w.Index.SavePull(ctx, tx, indexed(v.pr, gate.Undeclared), w.now()); err != nil {
			return err
		}
		if err := w.Index.SetDormant(ctx, tx, v.pr.Repo.ID, v.pr.Number, false); err != nil || !current {
			return err
		}
		return w.leftBehind(ctx, tx, v, before)
	})
	if err != nil || current {
		return err
	}
	known, err := w.Index.Pull(ctx, nil, v.pr.Repo.ID, v.pr.Number)
	if err != nil || w.now().Sub(known.AsOf) > lag {
		return err
	}
	if known.HeadSHA != v.pr.HeadSHA || known.BaseRef != v.pr.BaseRef {
		w.log(ctx).WithField("sha", known.HeadSHA).Info("GitHub's API still shows an earlier head or base")
		return queue.Later(lagging)
	}
	v.lags = true // in something else, the record perhaps: judged now, and again soon
	return nil
}

// leftBehind has those looked at that shared a head which the pull request was
// seen to have left: their check shows it too. Its event may find nothing new.
func (w *Worker) leftBehind(ctx context.Context, tx *sql.Tx, v *view, before index.Pull) error {
	if before.HeadSHA == "" || before.HeadSHA == v.pr.HeadSHA && before.BaseRef == v.pr.BaseRef && before.Open == v.pr.Open {
		return nil
	}
	twins, err := w.Index.ByHead(ctx, tx, v.pr.Repo.ID, before.HeadSHA)
	for _, p := range twins {
		if err == nil && p.Open && p.Number != v.pr.Number && p.HeadSHA == before.HeadSHA {
			err = w.Queue.Touch(ctx, tx, queue.PR(p.RepoID, p.Number).For(v.job.Subject.Tenant))
		}
	}
	return err
}

// readAround reads who else there is, whom the policy means, and who may have
// written the record of a bot's pull request.
func (w *Worker) readAround(ctx context.Context, v *view) error {
	r := &round{w: w}
	w.readWriters(ctx, r, v)
	w.readPeople(ctx, r, v.repo, v.snap, recordWriters(v))
	if err := errors.Join(w.readMeant(ctx, r, v), r.wait()); err != nil {
		return err
	}
	return w.pin(ctx, v)
}

// result evaluates what was gathered.
func (w *Worker) result(ctx context.Context, v *view, record gate.Record) (gate.Evaluation, error) {
	repoID := v.pr.Repo.ID
	heads, err := w.Index.Heads(ctx, nil, repoID, v.pr.Number)
	if err != nil {
		return gate.Evaluation{}, err
	}
	last, _, err := w.Ledger.Latest(ctx, repoID, v.pr.Number)
	if err != nil {
		return gate.Evaluation{}, err
	}
	now := w.now()
	seen := now
	for _, h := range heads {
		if h.SHA == v.pr.HeadSHA {
			seen = h.Seen
		}
	}
	ev := policy.Evaluate(policy.Input{
		PR: v.pr, Record: record, Policy: v.policy, Evidence: v.snap, Now: now, HeadSeen: seen, Change: v.change, Faults: v.faults, Waiting: v.waiting, SameTree: v.sameTree,
		Revert: v.revert,
	})
	ev.Number, ev.PolicyFiles = v.number, v.files
	ev.Readings, ev.People = v.snap.times(), v.snap.people()
	for _, f := range ev.Findings {
		if f.Status == gate.Unknown && ev.UnverifiedSince.IsZero() {
			ev.UnverifiedSince = earliest(last.UnverifiedSince, now)
			ev.Again = now.Add(patience(now.Sub(ev.UnverifiedSince)))
		}
	}
	if v.mode.Enforces() {
		ev = policy.Advised(ev, v.policy.Guard(v.pr.BaseRef, v.snap.required, w.AppID)...)
	}
	return ev, nil
}

func earliest(since, now time.Time) time.Time {
	if since.IsZero() {
		return now
	}
	return since
}

// lastLook reads once more, before a pass is stored, whether anything has moved,
// and beside that whether something reports our check where we never do: rules
// that pin it to us do not count that.
func (w *Worker) lastLook(ctx context.Context, v *view, ev *gate.Evaluation) (moved bool, err error) {
	r := &round{w: w}
	moved = true // until it is known better
	into(ctx, r, func(ctx context.Context) (bool, error) {
		moved, err = w.moved(ctx, v)
		return moved, err
	}, func(gate.Reading[bool]) {})
	namesakes := gate.Reading[[]gate.Check]{}
	pinned := gate.RequiredCheck{Name: v.policy.Check, App: w.AppID}
	if sha := v.pr.MergeSHA; sha != "" && v.mode.Enforces() && !slices.Contains(v.snap.required.Value, pinned) {
		into(ctx, r, func(ctx context.Context) ([]gate.Check, error) { return v.repo.Checks(ctx, sha) },
			func(found gate.Reading[[]gate.Check]) { namesakes = found })
	}
	if limit := r.wait(); limit != nil {
		return false, limit
	}
	if i := slices.IndexFunc(namesakes.Value, func(c gate.Check) bool { return c.Name == v.policy.Check }); i >= 0 {
		*ev = policy.Advised(*ev, policy.OnTestMerge(namesakes.Value[i], v.pr.MergeSHA))
	}
	return moved, err
}

// moved reads the pull request once more, and reports whether anything in it is
// no longer what the evaluation was made from.
func (w *Worker) moved(ctx context.Context, v *view) (bool, error) {
	again, err := v.repo.PullRequest(ctx, v.pr.Number)
	if err != nil {
		return false, err
	}
	same := again.Open && again.HeadSHA == v.pr.HeadSHA && again.BaseRef == v.pr.BaseRef && (again.Body == v.pr.Body || v.pr.Author.Bot) &&
		again.Draft == v.pr.Draft && slices.Equal(again.Labels, v.pr.Labels)
	if same && v.recordIn.ID != 0 {
		c, err := v.repo.Comment(ctx, v.recordIn.ID)
		if err != nil && !hub.IsMissing(err) {
			return false, err
		}
		same = err == nil && c.Body == v.recordIn.Body && !edited(c)
	}
	if same {
		moved, err := revertMoved(ctx, v)
		if err != nil {
			return false, err
		}
		same = !moved
	}
	if !same {
		w.log(ctx).Info("the pull request moved before a pass was published: starting over")
	}
	return !same, nil
}
