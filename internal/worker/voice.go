package worker

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
	"gonogo/internal/report"
)

// voice is how the worker speaks on GitHub; there is one for each mode. What is
// evaluated and entered in the ledger is the same for all of them.
type voice interface {
	// write brings a head's check to what run says.
	write(ctx context.Context, s showing, run report.CheckRun) error
	// ask asks for a decision when nothing else is missing.
	ask(ctx context.Context, v *view, ev gate.Evaluation) error
	// answer tells the authors of commands what came of them.
	answer(ctx context.Context, repo *hub.Repo, job queue.Job, answers []answer, t *talk) error
}

// silent is the voice of a shadow: it writes nothing.
type silent struct{}

func (silent) write(context.Context, showing, report.CheckRun) error { return nil }

func (silent) ask(context.Context, *view, gate.Evaluation) error { return nil }

func (silent) answer(context.Context, *hub.Repo, queue.Job, []answer, *talk) error { return nil }

// trial publishes a check that holds nothing back. Nobody is asked for a
// decision, since none is needed; who decides all the same is answered.
type trial struct {
	*Worker
	warning string // of rules that do not go with a trial
}

func (t trial) write(ctx context.Context, s showing, run report.CheckRun) error {
	_, err := t.writeRun(ctx, s, report.Trial(run, policy.TrialSuffix, t.warning))
	return err
}

func (t trial) ask(context.Context, *view, gate.Evaluation) error { return nil }

// enforcing publishes the check itself: after a rename under the earlier names
// too, and on a head where one of these stands for as long as that is judged,
// so that no run of ours says what is so no more. A pass is read back.
type enforcing struct {
	*Worker
	former []string
}

func (e enforcing) write(ctx context.Context, s showing, run report.CheckRun) error {
	standing, err := e.Ledger.NamesOn(ctx, s.repoID, run.HeadSHA)
	if err != nil {
		return err
	}
	names := []string{run.Name}
	for _, name := range append(slices.Clone(e.former), standing...) {
		if !slices.Contains(names, name) && !strings.HasSuffix(name, policy.TrialSuffix) {
			names = append(names, name)
		}
	}
	var failed error
	for _, name := range names {
		run.Name = name
		id, err := e.writeRun(ctx, s, run)
		if err == nil && id != 0 && run.Conclusion == report.Success {
			err = e.readBack(ctx, s, run, id)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// voiceFor is the voice of a mode. required is what the base branch's rules
// require, as far as that is known.
func (w *Worker) voiceFor(ctx context.Context, p *policy.Policy, mode gate.Mode, required []gate.RequiredCheck) voice {
	warning := unfitting(p, mode, required)
	if warning != "" {
		w.log(ctx).WithField("mode", string(mode)).Warn(gate.PlainText(warning))
	}
	switch mode {
	case gate.Shadow:
		return silent{}
	case gate.Trial:
		return trial{w, warning}
	default:
		return enforcing{w, p.Former}
	}
}

// unfitting says which rules do not go with a mode: a check of a trial that is
// required protects nothing, and one that is not published can never be met.
func unfitting(p *policy.Policy, mode gate.Mode, required []gate.RequiredCheck) string {
	real := slices.ContainsFunc(required, func(c gate.RequiredCheck) bool { return c.Name == p.Check })
	trial := gate.Quote(p.Check + policy.TrialSuffix)
	switch {
	case p.RequiresTrial(required) && mode == gate.Trial:
		return "the branch's rules require " + trial + ", which always succeeds: it protects nothing. Take it out of the rules, and require " + gate.Quote(p.Check) + " when the trial is over"
	case p.RequiresTrial(required):
		return "the branch's rules require " + trial + ", which is published in trials only: nothing can merge. Take it out of the rules"
	case real && !mode.Enforces():
		return "the branch's rules require " + gate.Quote(p.Check) + ", which mode " + string(mode) + " does not publish: nothing can merge. Take it out of the rules until the mode is enforce"
	}
	return ""
}

// shownAs is the name of the check that is published.
func shownAs(p ledger.Publishing) string {
	if p.Mode == gate.Trial {
		return p.Check + policy.TrialSuffix
	}
	return p.Check
}

// publishing settles how a repository's verdicts are published: as its
// organization says, else as the server does. While the organization's file
// cannot be read or is not valid, it stays as it was last. It reports false when
// that is not known.
func (w *Worker) publishing(ctx context.Context, repo gate.Repository, found policy.Effective, heard bool) (ledger.Publishing, bool, error) {
	known, ok, err := w.Ledger.PublishingOf(ctx, repo.ID, w.now())
	if err != nil || ok && !heard {
		return known, ok, err
	}
	is := ledger.Publishing{Mode: w.Mode, Check: w.Check}
	if !heard {
		return is, false, nil
	}
	if mode := found.ModeOf(repo.Name); mode != "" {
		is.Mode = mode
	}
	if found.Names {
		is.Check = found.Check
	}
	if ok && known.Mode == is.Mode && known.Check == is.Check {
		return known, true, nil
	}
	err = w.Store.Write(ctx, func(tx *sql.Tx) error {
		return ledger.SavePublishing(ctx, tx, repo.ID, is.Mode, is.Check, w.now())
	})
	if err != nil {
		return is, false, err
	}
	w.log(ctx).WithField("mode", string(is.Mode)).WithField("check", is.Check).Info("how verdicts are published has changed")
	return w.Ledger.PublishingOf(ctx, repo.ID, w.now())
}

// speak settles the voice in which a job speaks. heard means that the
// organization's word is known. Where it never was, the server's mode holds: that
// the evidence cannot be read must be said somewhere.
func (w *Worker) speak(ctx context.Context, v *view, found policy.Effective, heard bool) error {
	is, _, err := w.publishing(ctx, v.pr.Repo, found, heard)
	if err != nil {
		return err
	}
	v.mode = is.Mode
	v.policy.Check, v.policy.Former = is.Check, is.Former
	v.voice = w.voiceFor(ctx, v.policy, is.Mode, v.snap.required.Value)
	return nil
}

// guessVoice is the voice for a repository whose policy was not read just now,
// and the policy that was last in force there, with the check's name. It is
// silent where how to speak was never settled and cannot be read.
func (w *Worker) guessVoice(ctx context.Context, repo gate.Repository, installation int64) (voice, *policy.Policy, ledger.Publishing, error) {
	p := *w.policyGuess(repo.ID)
	is, sure, err := w.Ledger.PublishingOf(ctx, repo.ID, w.now())
	if err != nil {
		return silent{}, &p, is, err
	}
	if !sure {
		if is, sure, err = w.askPublishing(ctx, repo, installation); err != nil {
			return silent{}, &p, is, err
		}
	}
	p.Check, p.Former = is.Check, is.Former
	if !sure {
		return silent{}, &p, is, nil
	}
	return w.voiceFor(ctx, &p, is.Mode, nil), &p, is, nil
}

// askPublishing reads from the organization's file how a repository is
// published of which nothing is known.
func (w *Worker) askPublishing(ctx context.Context, repo gate.Repository, installation int64) (ledger.Publishing, bool, error) {
	org, err := w.organizationOf(ctx, repo, installation)
	if err != nil {
		return ledger.Publishing{}, false, err
	}
	if !org.Known && org.Why.Cause != gate.CauseMissing {
		return w.publishing(ctx, repo, policy.Effective{}, false)
	}
	found, err := policy.Combine(fileOf(org, organizationFile(repo)), nil)
	return w.publishing(ctx, repo, found, err == nil)
}

// organizationOf reads the policy file of a repository's organization. The
// error is a limit that GitHub set.
func (w *Worker) organizationOf(ctx context.Context, repo gate.Repository, installation int64) (gate.Reading[hub.File], error) {
	if repo.OwnerIsUser {
		return gate.Unread[hub.File](gate.Unreadable{Cause: gate.CauseMissing}, w.now()), nil
	}
	from := w.Hub.Repo(installation, gate.Repository{Owner: repo.Owner, Name: organizationRepo})
	file, err := from.File(ctx, policy.OrganizationPath, "")
	if _, limited := hub.RetryAfter(err); limited {
		return gate.Reading[hub.File]{}, err
	}
	return reading(file, err, w.now()), nil
}

// fileOf is a file that was read, for package policy.
func fileOf(r gate.Reading[hub.File], name string) *policy.File {
	if !r.Known {
		return nil
	}
	return &policy.File{Name: name, SHA: r.Value.SHA, Data: r.Value.Content}
}
