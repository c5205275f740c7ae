package worker

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
	"gonogo/internal/report"
)

// The job of a release is the clock of its windows: it wakes at the reminders and
// at the end, which are moments that were stored when the window opened, so that
// neither a restart nor a moved clock loses or doubles one. What became due while
// nobody was there is done late, and says so.

const (
	// windowEvery is how often an open window is looked at without an event: one
	// about an issue may be lost.
	windowEvery = time.Hour
	// windowRetry is how soon issues that could not be read are read again.
	windowRetry = time.Minute
	// windowPatience is for how long after a window's end it stays open for issues
	// that cannot be read. Then it is closed, and its report says so.
	windowPatience = time.Hour
)

// The reminders of a window's watcher.
const (
	remindStart  = "start"
	remindMiddle = "middle"
	remindEnd    = "end"
)

// seenIssue is a severe issue that is open, with the label that makes it so.
type seenIssue struct {
	gate.Issue
	label string
}

// watching is what is known of a repository while its windows are looked at.
type watching struct {
	repo   gate.Repository
	policy *policy.Policy
	seen   []seenIssue
	unseen *gate.Unreadable // why the issues could not be read
}

// keepWindows looks after the windows of a release that are open: what was found,
// who is to be reminded, which are over. It does so whatever became of the release
// itself.
func (w *Worker) keepWindows(ctx context.Context, job queue.Job) error {
	all, err := w.Ledger.WindowsOf(ctx, job.Subject.ID, job.Subject.Tag)
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(all, func(win ledger.Window) bool { return !win.Closed.IsZero() })
	if len(open) == 0 {
		return nil
	}
	now, err := w.watch(ctx, job.Subject.ID)
	if err != nil {
		return err
	}
	retry := false
	for _, win := range open {
		patient := now.unseen != nil && now.unseen.Cause == gate.CauseFault && w.now().Before(win.Ends.Add(windowPatience))
		retry = retry || patient
		if err := w.keepWindow(ctx, job.Subject, win, now, patient); err != nil {
			return err
		}
	}
	if retry {
		return queue.Later(windowRetry)
	}
	return nil
}

// watch reads which severe issues are open in a repository now.
func (w *Worker) watch(ctx context.Context, repoID int64) (watching, error) {
	known, err := w.Index.Repository(ctx, nil, repoID)
	if err != nil {
		return watching{}, err
	}
	now := watching{repo: known.Repository, policy: policy.BuiltIn()}
	repo, err := w.repository(ctx, repoID)
	if err != nil {
		return w.blind(now, err)
	}
	if repo == nil {
		now.unseen = &gate.Unreadable{Cause: gate.CauseMissing, Fact: "the repository is no longer covered by the installation"}
		return now, nil
	}
	in := policy.ReleaseInput{Repo: known.Repository, Policy: now.policy}
	if _, err := w.releasePolicy(ctx, repo, &in); err != nil {
		return w.blind(now, err)
	}
	now.policy = in.Policy
	if now.seen, err = w.severeIssues(ctx, repo, in.Policy.Severity); err != nil {
		return w.blind(now, err)
	}
	return now, nil
}

// blind says that the issues could not be read. A limit of GitHub puts the whole
// job off.
func (w *Worker) blind(now watching, err error) (watching, error) {
	if _, limited := hub.RetryAfter(err); limited {
		return now, err
	}
	why := hub.Unreadable(err)
	now.unseen = &why
	return now, nil
}

// severeIssues lists the open issues that count as severe: labelled by somebody
// with triage access, and none of our own incidents.
func (w *Worker) severeIssues(ctx context.Context, repo *hub.Repo, s policy.Severity) ([]seenIssue, error) {
	var seen []seenIssue
	for _, label := range []string{s.SEV1, s.SEV2} {
		issues, err := repo.SevereIssues(ctx, label)
		if err != nil {
			return nil, err
		}
		for _, i := range issues {
			counts, err := countsAsSevere(ctx, repo, i, label)
			if err != nil {
				return nil, err
			}
			if counts {
				seen = append(seen, seenIssue{i, label})
			}
		}
	}
	return seen, nil
}

// countsAsSevere leaves out what an outsider's form labelled, and the incidents
// that we open ourselves. What cannot be told counts.
func countsAsSevere(ctx context.Context, repo *hub.Repo, i gate.Issue, label string) (bool, error) {
	if i.Author.Bot && strings.Contains(i.Body, incidentMark) {
		return false, nil
	}
	by, err := repo.Labeller(ctx, i.Number, label)
	if err != nil || !policy.ByItsForm(i, by) {
		return true, passing(err)
	}
	has, err := repo.Permission(ctx, by.By.Login)
	if err != nil {
		return true, passing(err)
	}
	return has.Permission >= gate.PermissionTriage, nil
}

// incidentMark begins the mark of the incidents that we open.
var incidentMark = strings.TrimSuffix(report.Marker("incident", ""), `""} -->`)

// passing is an error that goes away by itself, nil for any other.
func passing(err error) error {
	if err == nil || hub.Unreadable(err).Cause != gate.CauseFault {
		return nil
	}
	return err
}

// keepWindow does what is due in one window, in one transaction. patient means
// that the issues are read again before it is closed.
func (w *Worker) keepWindow(ctx context.Context, s queue.Subject, win ledger.Window, now watching, patient bool) error {
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		at := w.now()
		for _, i := range now.seen {
			if win.Before[i.Number] || i.OpenedAt.After(win.Ends) || slices.ContainsFunc(win.Findings, func(f gate.WindowFinding) bool { return f.Issue == i.Number }) {
				continue
			}
			f := gate.WindowFinding{Issue: i.Number, Label: i.label, Title: w.Scanner.Redact(ctx, i.Title), URL: i.URL, At: at}
			if err := w.enterFinding(ctx, tx, &win, f, i.Issue, now); err != nil {
				return err
			}
		}
		if !at.Before(win.Ends) && !patient {
			return w.closeWindow(ctx, tx, win, now, at)
		}
		if which := dueReminder(win, at); which != "" {
			if err := w.Notices.Post(ctx, tx, reminder(win, now.repo, which, at)); err != nil {
				return err
			}
		}
		return w.Queue.WakeBy(ctx, tx, s, wakeFor(win, at))
	})
}

// dueReminder is the reminder whose time has come, "" for none: the start's was
// given when the window opened, and one that was missed is left out.
func dueReminder(win ledger.Window, at time.Time) string {
	switch {
	case !at.Before(win.Last()):
		return remindEnd
	case !at.Before(win.Middle()):
		return remindMiddle
	}
	return ""
}

// wakeFor is when a window is to be looked at again.
func wakeFor(win ledger.Window, at time.Time) time.Time {
	next := at.Add(windowEvery)
	for _, t := range []time.Time{win.Middle(), win.Last(), win.Ends} {
		if t.After(at) && t.Before(next) {
			next = t
		}
	}
	return next
}

// enterFinding enters a severe issue that came up while a release is watched, and
// calls the rollback: of the change that the issue names, else of none by itself,
// and people are told what there is to choose from. However often the label comes
// and goes, that is done once.
func (w *Worker) enterFinding(ctx context.Context, tx *sql.Tx, win *ledger.Window, f gate.WindowFinding, i gate.Issue, now watching) error {
	first, err := ledger.FoundIn(ctx, tx, win.ID, f)
	if err != nil || !first {
		return err
	}
	win.Findings = append(win.Findings, f)
	named := policy.NamedPulls(i.Title+"\n"+i.Body, win.Pulls)
	_, err = ledger.Append(ctx, tx, ledger.Entry{
		At: f.At, Kind: ledger.KindFinding, RepoID: win.RepoID, SHA: win.SHA, Once: fmt.Sprintf("finding/%s/%s/%d", win.Tag, win.SHA, f.Issue),
		Data: map[string]any{"tag": win.Tag, "issue": f.Issue, "label": f.Label, "named": named, "pulls": win.Pulls}, Texts: map[string]string{"title": f.Title},
	})
	if err != nil {
		return err
	}
	for _, pull := range named {
		if err := w.rollBackFor(ctx, tx, win.RepoID, pull, f, now); err != nil {
			return err
		}
	}
	return w.Notices.Post(ctx, tx, findingNotice(*win, now.repo, f, named))
}

// rollBackFor calls the rollback of the pull request that a finding names.
func (w *Worker) rollBackFor(ctx context.Context, tx *sql.Tx, repoID int64, pull int, f gate.WindowFinding, now watching) error {
	m, merged, err := w.Ledger.MergeOf(ctx, repoID, pull)
	if err != nil || !merged {
		return err
	}
	_, err = w.callRollback(ctx, tx, now.policy, rollbackCall{
		repo: now.repo, pull: pull, base: m.Base, cause: f.Issue, reason: fmt.Sprintf("%s #%d while it was watched: %s", f.Label, f.Issue, f.Title),
	})
	return err
}

// findingNotice says that the rollback is called.
func findingNotice(win ledger.Window, repo gate.Repository, f gate.WindowFinding, named []int) notify.Notice {
	n := windowNotice(win, repo, notify.KindFinding, fmt.Sprint(f.Issue), f.At,
		notify.Line{notify.Ours("ROLLBACK CALLED — " + repo.FullName() + " "), notify.Theirs(win.Tag), notify.Ours(" — "), notify.Theirs(f.Label),
			notify.Ours(fmt.Sprintf(" #%d ", f.Issue)), notify.Theirs(f.Title)})
	switch {
	case len(named) > 0:
		n.Lines = append(n.Lines, notify.Say("The issue names %s of this release: each has what is needed to take it back", strings.TrimPrefix(numbers(named), ": ")))
	case len(win.Pulls) == 0:
		n.Lines = append(n.Lines, notify.Say("No pull request of this release is known: go back to the release before"))
	default:
		n.Lines = append(n.Lines, notify.Say("The issue names no change of this release. Candidates%s. A release manager comments on one of them: /rollback #%d reason", numbers(win.Pulls), win.Pulls[0]))
	}
	n.Link = f.URL
	return n
}

// windowNotice is a notice about a window; part tells those of one kind apart.
func windowNotice(win ledger.Window, repo gate.Repository, kind notify.Kind, part string, at time.Time, lines ...notify.Line) notify.Notice {
	return notify.Notice{
		Key: fmt.Sprintf("%s/%s/%s/%s", kind, win.Tag, win.SHA, part), Kind: kind, RepoID: win.RepoID, Repo: repo.FullName(),
		To: channels(win.Channel), Roles: win.Roles, Lines: lines, At: at,
		Data: map[string]any{"tag": win.Tag, "sha": win.SHA, "opened": win.Opened.Format(time.RFC3339), "ends": win.Ends.Format(time.RFC3339)},
	}
}

// reminder reminds a window's watcher.
func reminder(win ledger.Window, repo gate.Repository, which string, at time.Time) notify.Notice {
	n := windowNotice(win, repo, notify.KindWatch, which, at, notify.Line{
		notify.Ours(fmt.Sprintf("WATCH (%s) — %s ", which, repo.FullName())), notify.Theirs(win.Tag), notify.Ours(" until " + clock(win.Ends)),
	})
	for _, text := range win.Watchers {
		n.Lines = append(n.Lines, notify.Line{notify.Ours("As agreed: "), notify.Theirs(text)})
	}
	if len(win.Watchers) == 0 {
		n.Lines = append(n.Lines, notify.Say("No record says who watches"))
	}
	if len(win.Pulls) > 0 {
		n.Lines = append(n.Lines, notify.Say("Whoever watches comments on #%d: /watched and what was seen. Silence is reported as not watched", win.Pulls[0]))
	}
	return n
}

// closeWindow closes a window once, with its status report.
func (w *Worker) closeWindow(ctx context.Context, tx *sql.Tx, win ledger.Window, now watching, at time.Time) error {
	first, err := ledger.CloseWindow(ctx, tx, win.ID, at)
	if err != nil || !first {
		return err
	}
	win.Closed = at
	data := map[string]any{
		"tag": win.Tag, "opened": win.Opened, "ends": win.Ends, "closed": at, "smoke": win.Smoke, "watched": len(win.Watched) > 0,
		"findings": len(win.Findings), "issues_read": now.unseen == nil,
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{
		At: at, Kind: ledger.KindWindow, RepoID: win.RepoID, SHA: win.SHA, Once: "window/" + win.Tag + "/" + win.SHA, Data: data,
	})
	if err != nil {
		return err
	}
	return w.Notices.Post(ctx, tx, statusReport(win, now))
}

// lateBy is how late a window was closed when that is worth telling.
const lateBy = 5 * time.Minute

// statusReport says how a watched release went.
func statusReport(win ledger.Window, now watching) notify.Notice {
	n := windowNotice(win, now.repo, notify.KindReport, "", win.Closed, notify.Line{
		notify.Ours("STATUS REPORT — " + now.repo.FullName() + " "), notify.Theirs(win.Tag),
		notify.Ours(fmt.Sprintf(" — monitored %s to %s", clock(win.Opened), clock(win.Ends))),
	})
	say := func(l notify.Line) { n.Lines = append(n.Lines, l) }
	if win.Closed.Sub(win.Ends) > lateBy {
		say(notify.Say("Closed late, at %s: nobody was there to do it at its end", clock(win.Closed)))
	}
	say(notify.Say("Smoke test: %s", win.Smoke))
	for _, v := range win.Watched {
		say(notify.Line{notify.Ours("Watched by "), notify.Theirs("@" + v.User.Login), notify.Ours(", " + clock(v.At) + ": "), notify.Theirs(v.Note)})
	}
	if len(win.Watched) == 0 {
		say(notify.Say("NOT WATCHED: nobody confirmed that they watched"))
	}
	for _, f := range win.Findings {
		say(notify.Line{notify.Ours("Finding: "), notify.Theirs(f.Label), notify.Ours(fmt.Sprintf(" #%d ", f.Issue)), notify.Theirs(f.Title), notify.Ours(", " + clock(f.At))})
	}
	switch {
	case now.unseen != nil:
		say(notify.Line{notify.Ours("Whether severe issues came up could not be read at its end: "), notify.Theirs(gate.PlainText(now.unseen.Fact))})
	case len(win.Findings) == 0:
		say(notify.Say("Findings: none"))
	}
	n.Items = win.Items
	n.Data["smoke"], n.Data["watched"], n.Data["findings"], n.Data["closed"] = string(win.Smoke), len(win.Watched) > 0, len(win.Findings), win.Closed.Format(time.RFC3339)
	return n
}

// windowOf notes how a release is watched, for its check to show.
func (w *Worker) windowOf(ctx context.Context, ev *gate.ReleaseEvaluation) error {
	all, err := w.Ledger.WindowsOf(ctx, ev.Repo.ID, ev.Release.Tag)
	for _, win := range all {
		if win.SHA == ev.Commit {
			ev.Window = &win.Monitoring
		}
	}
	return err
}
