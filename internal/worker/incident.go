package worker

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/policy"
	"gonogo/internal/report"
)

// openIncident opens the issue of an incident, once, and returns its number: 0
// where the App may not open issues. What was begun and of which no answer was
// seen is looked up before another one is opened.
func (w *Worker) openIncident(ctx context.Context, v *view, r ledger.Rollback, says report.RollbackOf) (int, error) {
	granted, err := w.Hub.Installation(ctx, v.installation)
	if err != nil {
		return 0, err
	}
	if granted.Permissions["issues"] != "write" {
		return 0, nil
	}
	once := fmt.Sprintf("incident/%d", r.Pull)
	begun, err := w.Ledger.Has(ctx, r.RepoID, once)
	if err != nil {
		return 0, err
	}
	opened := 0
	if begun {
		if opened, err = lookForIncident(ctx, v.repo, r); err != nil {
			return 0, err
		}
	}
	entry := ledger.Entry{At: w.now(), Kind: ledger.KindIncident, RepoID: r.RepoID, Number: r.Pull, Once: once, Data: map[string]any{"pull": r.Pull, "cause": r.Cause}}
	if err := w.append(ctx, entry); err != nil {
		return 0, err
	}
	if opened == 0 {
		opened, err = v.repo.OpenIssue(ctx, report.IncidentTitle(says), report.Incident(says))
		switch hub.KindOf(err) {
		case hub.KindPermission, hub.KindMissing, hub.KindDisabled, hub.KindInvalid: // issues may be switched off
			w.log(ctx).WithError(err).Warn("the incident's issue cannot be opened: its text is written on the pull request")
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return opened, w.Store.Write(ctx, func(tx *sql.Tx) error {
		entry.Once, entry.Data = once+"/opened", map[string]any{"issue": opened}
		if first, err := ledger.Append(ctx, tx, entry); err != nil || !first {
			return err
		}
		to := v.policy.RollbackTo()
		n := notify.Notice{
			Key: once, Kind: notify.KindIncident, RepoID: r.RepoID, Repo: v.pr.Repo.FullName(), Roles: to.Roles, At: w.now(),
			Link:  fmt.Sprintf("%s/%s/issues/%d", strings.TrimRight(w.WebURL, "/"), v.pr.Repo.FullName(), opened),
			Lines: []notify.Line{notify.Say("SEV2 INCIDENT %s#%d opened: rollback of #%d", v.pr.Repo.FullName(), opened, r.Pull)},
			Data:  map[string]any{"issue": opened, "pull": r.Pull},
		}
		if to.Channel != "" {
			n.To = []string{to.Channel}
		}
		return w.Notices.Post(ctx, tx, n)
	})
}

func (w *Worker) append(ctx context.Context, e ledger.Entry) error {
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, e)
		return err
	})
}

// lookForIncident finds the issue of an incident that we opened without seeing
// the answer.
func lookForIncident(ctx context.Context, repo *hub.Repo, r ledger.Rollback) (int, error) {
	issues, err := repo.IssuesSince(ctx, r.At.Add(-lag))
	marker := report.Marker("incident", strconv.Itoa(r.Pull))
	for _, i := range issues {
		if i.Author.Bot && !i.Pull && strings.Contains(i.Body, marker) {
			return i.Number, err
		}
	}
	return 0, err
}

// readReland finds out whether the pull request lands again what was rolled
// back, and whether that may be by now. The error is a limit that GitHub set.
func (w *Worker) readReland(ctx context.Context, v *view) error {
	called, err := w.Ledger.Rollbacks(ctx, v.pr.Repo.ID)
	if err != nil {
		return err
	}
	for _, r := range called {
		again, err := w.landsAgain(ctx, v, r)
		if err != nil {
			return err
		}
		if !again {
			continue
		}
		if err := w.incidentOf(ctx, v, r); err != nil {
			return err
		}
	}
	return nil
}

// landsAgain reports whether the pull request brings back, at its path, any
// content that a rolled back one brought; where that one took files away only,
// whether any is taken away again; or whether it reverts the revert.
func (w *Worker) landsAgain(ctx context.Context, v *view, r ledger.Rollback) (bool, error) {
	if r.Content == nil || !v.snap.files.Known {
		why := v.snap.files.Why
		if r.Content == nil {
			why = gate.Unreadable{Cause: gate.CauseFault}
		}
		v.faults = append(v.faults, policy.Unread(fmt.Sprintf("whether this lands again what #%d brought, which was rolled back,", r.Pull), why))
		return false, nil
	}
	for _, n := range pullsReverted(v.pr.Repo, v.pr.Body) {
		m, _, err := w.Ledger.MergeOf(ctx, r.RepoID, n)
		if err != nil || m.Reverts == r.Pull {
			return err == nil, err
		}
	}
	adds := false
	for _, shas := range r.Content {
		adds = adds || slices.ContainsFunc(shas, func(sha string) bool { return sha != "" })
	}
	return slices.ContainsFunc(v.snap.files.Value, func(f gate.File) bool {
		sha := f.ContentSHA
		if f.Status == "removed" {
			if adds {
				return false
			}
			sha = ""
		}
		return slices.Contains(r.Content[f.Path], sha)
	}), nil
}

// incidentOf says what is missing of the incident before what was rolled back
// may land again.
func (w *Worker) incidentOf(ctx context.Context, v *view, r ledger.Rollback) error {
	number := r.Incident
	if number == 0 {
		number, _ = strconv.Atoi(policy.IncidentNamed(v.pr.Body))
	}
	blocked := func(why string) error {
		v.faults = append(v.faults, policy.Relands(r.Pull, number, why))
		return nil
	}
	if number == 0 {
		return blocked("no incident is known")
	}
	issue, err := v.repo.Conversation(ctx, number)
	if _, limited := hub.RetryAfter(err); limited {
		return err
	}
	switch {
	case err != nil:
		v.faults = append(v.faults, policy.Unread(fmt.Sprintf("the incident #%d", number), hub.Unreadable(err)))
		return nil
	case issue.Pull || r.Incident == 0 && !namesPull(issue, r.Pull):
		return blocked(fmt.Sprintf("#%d is no incident of #%d", number, r.Pull))
	}
	given := policy.RootCause(issue.Body) || slices.ContainsFunc(issue.Comments, func(c gate.Comment) bool {
		return !c.User.Bot && c.User.ID != 0 && policy.RootCause(c.Body)
	})
	switch {
	case !given:
		return blocked(fmt.Sprintf("#%d names no root cause", number))
	case issue.Open:
		return blocked(fmt.Sprintf("the incident #%d is open", number))
	}
	return nil
}

// namesPull reports whether an issue speaks of a pull request.
func namesPull(issue hub.Conversation, number int) bool {
	text := " " + issue.Title + "\n" + issue.Body + " "
	word := "#" + strconv.Itoa(number)
	for at := strings.Index(text, word); at >= 0; {
		next := text[at+len(word)]
		if next < '0' || next > '9' {
			return true
		}
		more := strings.Index(text[at+1:], word)
		if more < 0 {
			return false
		}
		at += 1 + more
	}
	return false
}
