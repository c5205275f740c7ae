package worker

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
)

// A published release goes live by its smoke test: by how the deployment of its
// commit ended, or a named check on it. Without either it is live when it is
// published, and its smoke test was not run. That is entered once for each tag and
// commit, together with its announcement and its monitoring window.

const (
	// liveFor is how long after its smoke test a release is still announced as
	// live: whoever edits last year's release announces nothing.
	liveFor = 7 * 24 * time.Hour
	// smokeEvery is how often the smoke test is looked for without an event.
	smokeEvery = 15 * time.Minute
	// featuresNamed is how many features an announcement names.
	featuresNamed = 5
	// pullsTouched is how many pull requests of a release are asked for the paths
	// that they touch.
	pullsTouched = 100
)

// afterRelease lets a release go live that was judged, whatever the judgement:
// what is out there is watched.
func (w *Worker) afterRelease(ctx context.Context, repo *hub.Repo, in policy.ReleaseInput, ev gate.ReleaseEvaluation) error {
	r, now := ev.Release, w.now()
	if r.ID == 0 || r.Draft || r.PublishedAt.IsZero() || r.Prerelease && in.Policy.Smoke.None() {
		return nil
	}
	if was, err := w.Ledger.Has(ctx, ev.Repo.ID, liveOnce(r.Tag, ev.Commit)); err != nil || was {
		return err
	}
	smoke, at, err := w.smokeOf(ctx, repo, in.Policy.Smoke, ev)
	if err != nil {
		return err
	}
	if smoke == "" {
		return w.awaitSmoke(ctx, ev)
	}
	if now.Sub(at) > liveFor {
		w.log(ctx).WithField("tag", r.Tag).WithField("live", at.Format(time.RFC3339)).Info("the release went live long ago: not announced")
		return nil
	}
	if at.After(now) {
		at = now // GitHub's clock is a little ahead
	}
	parts, err := w.partsOf(ctx, ev)
	if err != nil {
		return err
	}
	is, _, err := w.Ledger.PublishingOf(ctx, ev.Repo.ID, now)
	if err != nil {
		return err
	}
	l := live{repo: ev.Repo, release: r, sha: ev.Commit, policy: in.Policy, smoke: smoke, at: at, parts: parts,
		told: is.Mode.Enforces() && in.Policy.FromFile()}
	if l.agents, err = w.touchesAgents(ctx, repo, l); err != nil {
		return err
	}
	return w.goLive(ctx, l, openBefore(in.Issues, at))
}

// live is a release that goes live.
type live struct {
	repo    gate.Repository
	release gate.Release
	sha     string
	policy  *policy.Policy
	smoke   gate.Smoke
	at      time.Time
	parts   []gate.Evaluation // what was judged last of its pull requests
	told    bool              // people are told: there is a policy, and it is enforced
	agents  bool              // it changes what agents can do
}

func liveOnce(tag, sha string) string { return "live/" + tag + "/" + sha }

// smokeOf reads how the smoke test of a release ended, and when; "" while it has
// not.
func (w *Worker) smokeOf(ctx context.Context, repo *hub.Repo, s policy.Smoke, ev gate.ReleaseEvaluation) (gate.Smoke, time.Time, error) {
	switch {
	case s.Environment != "":
		status, ended, err := repo.Deployed(ctx, s.Environment, ev.Commit)
		if err != nil || !ended {
			return "", time.Time{}, w.unseen(ctx, err)
		}
		smoke, _ := policy.SmokeOf(status.State)
		return smoke, later(status.At, ev.Release.PublishedAt), nil
	case s.Check != "":
		checks, err := repo.Checks(ctx, ev.Commit)
		if err != nil {
			return "", time.Time{}, w.unseen(ctx, err)
		}
		return smokeOfCheck(checks, s.Check, ev.Release.PublishedAt, w.AppID)
	default:
		return gate.SmokeNotRun, ev.Release.PublishedAt, nil
	}
}

// unseen lets a fault be tried again. What an administrator must mend is logged,
// and waited for.
func (w *Worker) unseen(ctx context.Context, err error) error {
	if err == nil || hub.Unreadable(err).Cause == gate.CauseFault {
		return err
	}
	w.log(ctx).WithError(err).Warn("the release's smoke test cannot be read: it is not announced as live")
	return nil
}

// smokeOfCheck is the outcome of the newest run of a check; our own is none.
func smokeOfCheck(checks []gate.Check, name string, published time.Time, ours int64) (gate.Smoke, time.Time, error) {
	var last gate.Check
	for _, c := range checks {
		if c.Name == name && c.App != ours && (last.ID == 0 || c.StartedAt.After(last.StartedAt)) {
			last = c
		}
	}
	smoke, ended := policy.SmokeOf(last.State)
	if !ended {
		return "", time.Time{}, nil
	}
	return smoke, later(last.StartedAt, published), nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// awaitSmoke looks again for the smoke test of a release, for as long as that
// would still be announced.
func (w *Worker) awaitSmoke(ctx context.Context, ev gate.ReleaseEvaluation) error {
	now := w.now()
	if now.Sub(ev.Release.PublishedAt) > liveFor {
		return nil
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		return w.Queue.WakeBy(ctx, tx, queue.ReleaseOf(ev.Repo.ID, ev.Release.Tag), now.Add(smokeEvery))
	})
}

// partsOf reads what was judged last of each pull request of a release.
func (w *Worker) partsOf(ctx context.Context, ev gate.ReleaseEvaluation) ([]gate.Evaluation, error) {
	var parts []gate.Evaluation
	for _, p := range ev.Pulls {
		part, found, err := w.Ledger.Latest(ctx, ev.Repo.ID, p.Number)
		if err != nil {
			return nil, err
		}
		if !found { // it was merged before it was ever judged
			part = gate.Evaluation{PR: gate.PullRequest{Repo: ev.Repo, Number: p.Number, Title: p.Title}}
		}
		part.PR.Title = cmp.Or(p.Title, part.PR.Title)
		parts = append(parts, part)
	}
	return parts, nil
}

// touchesAgents reports whether a release changes paths that are what agents can
// do.
func (w *Worker) touchesAgents(ctx context.Context, repo *hub.Repo, l live) (bool, error) {
	if len(l.policy.Capabilities.Paths) == 0 {
		return false, nil
	}
	for _, part := range l.parts[:min(len(l.parts), pullsTouched)] {
		files, err := repo.Files(ctx, part.PR.Number)
		if err != nil {
			return false, w.unseen(ctx, err)
		}
		for _, f := range files {
			if l.policy.Capabilities.Touched([]string{f.Path, cmp.Or(f.Previous, f.Path)}) {
				return true, nil
			}
		}
	}
	return len(l.parts) > pullsTouched, nil // who is not asked may
}

// openBefore lists the severe issues that were there before a release went live.
func openBefore(issues map[string]gate.Reading[[]gate.Issue], at time.Time) []int {
	var before []int
	for _, list := range issues {
		for _, i := range list.Value {
			if i.OpenedAt.Before(at) && !slices.Contains(before, i.Number) {
				before = append(before, i.Number)
			}
		}
	}
	slices.Sort(before)
	return before
}

// goLive enters that a release is live, opens its window, and posts all notices,
// in one transaction.
func (w *Worker) goLive(ctx context.Context, l live, before []int) error {
	known, err := w.Index.Repository(ctx, nil, l.repo.ID)
	if err != nil {
		return err
	}
	m := l.window()
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		first, err := ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindLive, RepoID: l.repo.ID, SHA: l.sha, Once: liveOnce(l.release.Tag, l.sha),
			Data: map[string]any{"tag": l.release.Tag, "at": l.at, "smoke": m.Smoke, "pulls": m.Pulls, "ends": m.Ends},
		})
		if err != nil || !first {
			return err
		}
		if _, err := ledger.OpenWindow(ctx, tx, m, before); err != nil {
			return err
		}
		for _, n := range l.notices(m) {
			if err := w.Notices.Post(ctx, tx, n); err != nil {
				return err
			}
		}
		if err := w.Notices.Post(ctx, tx, reminder(ledger.Window{Monitoring: m}, l.repo, remindStart, w.now())); err != nil {
			return err
		}
		// The check is to show the window.
		return w.Queue.Touch(ctx, tx, queue.ReleaseOf(l.repo.ID, l.release.Tag).For(known.InstallationID))
	})
}

// window is the release's monitoring window.
func (l live) window() gate.Monitoring {
	m := gate.Monitoring{RepoID: l.repo.ID, Tag: l.release.Tag, SHA: l.sha, Opened: l.at, Smoke: l.smoke, Features: l.features()}
	var types []gate.ReleaseType
	for _, part := range l.parts {
		m.Pulls = append(m.Pulls, part.PR.Number)
		types = append(types, part.Record.Type)
		text := part.Record.More[gate.FieldMonitoring]
		if text == "" || slices.Contains(m.Watchers, text) {
			continue
		}
		m.Watchers = append(m.Watchers, text)
		if l.told {
			for _, o := range l.policy.Watchers(text) {
				m.Roles = append(m.Roles, o.String())
			}
		}
	}
	m.Ends = l.at.Add(l.policy.WatchedFor(types))
	if l.told {
		m.Channel, m.Items = l.policy.AnnouncesIn(), l.items()
	}
	return m
}

// features are what the release brings: the scope of each record, or the title of
// a pull request without one; the tag where there is neither.
func (l live) features() []string {
	var names []string
	for _, part := range l.parts {
		name := strings.TrimSpace(cmp.Or(part.Record.Scope, part.PR.Title))
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return []string{l.release.Tag}
	}
	return names
}

// items are the tracker items of the release's records.
func (l live) items() []gate.TrackerRef {
	var refs []gate.TrackerRef
	for _, part := range l.parts {
		for _, ref := range l.policy.TrackerItems(part.PR, part.Record) {
			if !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// clock writes a moment as people read it.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// headline is the announcement, in the form that source B gives it:
// ✅ RELEASE LIVE — {feature name/s} — {date/time} — smoke test: PASS/FAIL.
func headline(features []string, at time.Time, smoke gate.Smoke) notify.Line {
	line := notify.Line{notify.Ours("✅ RELEASE LIVE — ")}
	for i, name := range features[:min(len(features), featuresNamed)] {
		if i > 0 {
			line = append(line, notify.Ours(", "))
		}
		line = append(line, notify.Theirs(name))
	}
	if more := len(features) - featuresNamed; more > 0 {
		line = append(line, notify.Ours(fmt.Sprintf(" and %d more", more)))
	}
	return append(line, notify.Ours(fmt.Sprintf(" — %s — smoke test: %s", clock(at), smoke)))
}

// notices are all that is told of a release that goes live.
func (l live) notices(m gate.Monitoring) []notify.Notice {
	what := notify.Line{notify.Ours(l.repo.FullName() + " "), notify.Theirs(l.release.Tag), notify.Ours(" at " + gate.Short(l.sha) + numbers(m.Pulls))}
	announcement := l.notice(notify.KindLive, "", headline(m.Features, l.at, l.smoke), what)
	announcement.To = channels(m.Channel)
	list := append([]notify.Notice{announcement}, l.authorizations(what)...)
	if len(m.Items) > 0 {
		logged := l.notice(notify.KindAuthorized, "items", notify.Say("Release authorized and live"), append([]notify.Line{what}, l.authorizedBy()...)...)
		logged.Items = m.Items
		list = append(list, logged)
	}
	if l.agents && l.told {
		n := l.notice(notify.KindCapabilities, "", notify.Say("This release changes what agents can do"), what, headline(m.Features, l.at, l.smoke))
		n.Roles = l.policy.Capabilities.Notify
		list = append(list, n)
	}
	return list
}

// notice is a notice about the release; part tells those of one kind apart.
func (l live) notice(kind notify.Kind, part string, head notify.Line, lines ...notify.Line) notify.Notice {
	features := make([]any, 0, len(l.parts))
	for _, name := range l.features() {
		features = append(features, name)
	}
	return notify.Notice{
		Key: fmt.Sprintf("%s/%s/%s/%s", kind, l.release.Tag, l.sha, part), Kind: kind, RepoID: l.repo.ID, Repo: l.repo.FullName(),
		Lines: append([]notify.Line{head}, lines...), Link: l.release.URL, At: l.at,
		Data: map[string]any{"tag": l.release.Tag, "sha": l.sha, "smoke": string(l.smoke), "features": features},
	}
}

// authorizations tell the roles of the authorization table, once in each channel.
func (l live) authorizations(what notify.Line) []notify.Notice {
	if !l.told {
		return nil
	}
	roles := map[string][]string{}
	for _, part := range l.parts {
		for _, n := range part.Notify {
			roles[n.Channel] = append(roles[n.Channel], n.Roles...)
		}
	}
	var list []notify.Notice
	for _, channel := range slices.Sorted(maps.Keys(roles)) {
		slices.Sort(roles[channel])
		to := slices.Compact(roles[channel])
		n := l.notice(notify.KindAuthorized, channel, notify.Line{notify.Ours("Released: "), notify.Theirs(l.release.Tag), notify.Ours(", for "), notify.Theirs(strings.Join(to, ", "))},
			append([]notify.Line{what, headline(l.features(), l.at, l.smoke)}, l.authorizedBy()...)...)
		n.Roles, n.To = to, channels(channel)
		list = append(list, n)
	}
	return list
}

// authorizedBy are the lines that say who authorized which pull request.
func (l live) authorizedBy() []notify.Line {
	var lines []notify.Line
	for _, part := range l.parts {
		for _, trailer := range part.AuthorizedBy() {
			lines = append(lines, notify.Line{notify.Ours(fmt.Sprintf("#%d ", part.PR.Number)), notify.Theirs(trailer)})
		}
	}
	return lines
}

func channels(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// numbers writes the pull requests of a release: ": #1, #2".
func numbers(pulls []int) string {
	if len(pulls) == 0 {
		return ""
	}
	words := make([]string, 0, len(pulls))
	for _, n := range pulls[:min(len(pulls), 20)] {
		words = append(words, fmt.Sprintf("#%d", n))
	}
	if more := len(pulls) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return ": " + strings.Join(words, ", ")
}

// tellOfHotfix tells the roles of the authorization table in the moment in which a
// hotfix is let go, and not only once it is live.
func (w *Worker) tellOfHotfix(ctx context.Context, tx *sql.Tx, ev gate.Evaluation) error {
	if ev.Verdict != gate.Ready || ev.Record.Type != gate.Hotfix || !ev.Mode.Enforces() {
		return nil
	}
	for i, to := range ev.Notify {
		n := notify.Notice{
			Key: fmt.Sprintf("hotfix/%d/%s/%d", ev.PR.Number, ev.PR.HeadSHA, i), Kind: notify.KindAuthorized, RepoID: ev.PR.Repo.ID, Repo: ev.PR.Repo.FullName(),
			To: channels(to.Channel), Roles: to.Roles, Link: ev.PR.URL, At: ev.At,
			Lines: []notify.Line{{notify.Ours(fmt.Sprintf("HOTFIX AUTHORIZED — %s#%d ", ev.PR.Repo.FullName(), ev.PR.Number)), notify.Theirs(ev.PR.Title)}},
			Data:  map[string]any{"pull": ev.PR.Number, "sha": ev.PR.HeadSHA},
		}
		for _, trailer := range ev.AuthorizedBy() {
			n.Lines = append(n.Lines, notify.Line{notify.Theirs(trailer)})
		}
		if err := w.Notices.Post(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}
