package webhook

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/decision"
	"gonogo/internal/inbox"
)

var (
	errShape   = errors.New("the payload is not that of its event")
	errIgnored = errors.New("nothing is done for this event or action")
)

// event is one that is listened to.
type event struct {
	// needs and without are keys of the outermost object: the event's name is
	// not signed, so the payload must look like it.
	needs, without []string
	// actions are those that lead to work; nil: all of them.
	actions []string
	// fill completes the hint, or returns errShape or errIgnored.
	fill func(*payload, *inbox.Hint) error
}

// subjects are the keys that name what an event is about. A payload that has
// one of them is not that of an event that is about the repository itself.
var subjects = []string{"pull_request", "issue", "comment", "review", "check_run", "check_suite", "release", "ref", "sha",
	"alert", "member", "team", "thread", "forkee", "starred_at", "pages", "workflow_run", "workflow_job", "deployment",
	"merge_group", "discussion", "package", "rule", "milestone", "label", "key", "build", "project", "hook", "zen",
	"repositories_added", "repositories_removed", "advisory", "vulnerability_alert", "scope", "blocked_user",
	"project_card", "project_column"}

func but(keys ...string) []string {
	return slices.DeleteFunc(slices.Clone(subjects), func(k string) bool { return slices.Contains(keys, k) })
}

// events are all that are listened to; ping is answered by the door itself.
var events = map[string]event{
	"pull_request": {
		needs: []string{"pull_request", "number", "action"}, without: but("pull_request", "label", "milestone"),
		actions: []string{"opened", "edited", "synchronize", "reopened", "ready_for_review", "converted_to_draft",
			"labeled", "unlabeled", "closed"},
		fill: fillPull,
	},
	"pull_request_review": {
		needs: []string{"pull_request", "review", "action"}, without: but("pull_request", "review"),
		actions: []string{"submitted", "edited", "dismissed"},
		fill:    fillReview,
	},
	"issue_comment": {
		needs: []string{"issue", "comment", "action"}, without: but("issue", "comment"),
		actions: []string{"created", "edited", "deleted"},
		fill:    fillComment,
	},
	"issues": {
		needs: []string{"issue", "action"}, without: but("issue", "label", "milestone"),
		actions: []string{"opened", "labeled", "unlabeled", "closed", "reopened", "deleted", "transferred"},
		fill:    fillIssue,
	},
	"check_run": {
		needs: []string{"check_run", "action"}, without: but("check_run"),
		actions: []string{"created", "completed", "rerequested", "requested_action"},
		fill:    fillCheck,
	},
	"check_suite": {
		needs: []string{"check_suite", "action"}, without: but("check_suite"),
		actions: []string{"completed", "rerequested"},
		fill:    fillCheck,
	},
	"status": {
		needs: []string{"sha", "state", "context"}, without: but("sha"),
		fill: func(p *payload, h *inbox.Hint) error { return fillSHA(p.SHA, h) },
	},
	"push": {
		needs: []string{"ref", "before", "after"}, without: append(but("ref"), "ref_type"),
		fill: func(p *payload, h *inbox.Hint) error {
			if tag, is := strings.CutPrefix(p.Ref, "refs/tags/"); is {
				h.Ref, h.IsTag = tag, true
				return nil
			}
			branch, is := branchOf(p.Ref)
			if !is {
				return errIgnored
			}
			h.Ref = branch
			return nil
		},
	},
	"create": {
		needs: []string{"ref", "ref_type", "master_branch", "pusher_type"}, without: but("ref"),
		fill: func(p *payload, h *inbox.Hint) error {
			if p.RefType != "tag" || p.Ref == "" {
				return errIgnored
			}
			h.Ref, h.IsTag = p.Ref, true
			return nil
		},
	},
	"deployment_status": {
		needs: []string{"deployment_status", "deployment", "action"}, without: but("deployment", "check_run", "workflow_run"),
		actions: []string{"created"},
		fill: func(p *payload, h *inbox.Hint) error {
			switch p.DeployState {
			case "success", "failure", "error":
				return fillSHA(p.Deployed, h)
			case "":
				return errShape
			default: // it goes on
				return errIgnored
			}
		},
	},
	"deployment_protection_rule": {
		needs: []string{"environment", "deployment_callback_url", "action"}, without: but("deployment", "ref", "sha"),
		actions: []string{"requested"},
		fill:    fillDeployment,
	},
	"delete": {
		needs: []string{"ref", "ref_type", "pusher_type"}, without: append(but("ref"), "master_branch", "before"),
		fill: func(p *payload, h *inbox.Hint) error {
			h.Ref, h.IsTag = p.Ref, p.RefType == "tag"
			if !h.IsTag && p.RefType != "branch" {
				return errIgnored
			}
			return nil
		},
	},
	"merge_group": {
		needs: []string{"merge_group", "action"}, without: but("merge_group"),
		actions: []string{"checks_requested", "destroyed"},
		fill:    fillGroup,
	},
	"release": {
		needs: []string{"release", "action"}, without: but("release"),
		actions: []string{"created", "published", "released", "prereleased", "edited", "deleted", "unpublished"},
		fill: func(p *payload, h *inbox.Hint) error {
			if p.Release == "" {
				return errShape
			}
			h.Tag = p.Release
			if p.Draft {
				h.Target = p.Target
			}
			return nil
		},
	},
	"secret_scanning_alert": {
		needs: []string{"alert", "action"}, without: append(but("alert"), "location"),
		fill: func(p *payload, _ *inbox.Hint) error {
			if p.SecretType == "" {
				return errShape // Dependabot's and code scanning's alerts look alike
			}
			return nil
		},
	},
	"repository": {
		needs: []string{"action"}, without: subjects,
		actions: []string{"renamed", "transferred", "edited", "deleted", "privatized", "publicized", "archived", "unarchived"},
	},
	"member": {
		needs: []string{"member", "action"}, without: but("member"),
		actions: []string{"added", "edited", "removed"},
	},
	"installation": {
		needs: []string{"installation", "action"}, without: append(but(), "repository"),
		actions: []string{"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"},
		fill:    fillInstallation,
	},
	"installation_repositories": {
		needs: []string{"installation", "repositories_added", "repositories_removed", "action"}, without: []string{"repository"},
		actions: []string{"added", "removed"},
		fill:    fillInstallation,
	},
	"membership": {
		needs: []string{"team", "member", "organization", "action"}, without: but("team", "member", "scope"),
		actions: []string{"added", "removed"},
	},
	"team": {
		needs: []string{"team", "organization", "action"}, without: but("team"),
		actions: []string{"added_to_repository", "created", "deleted", "edited", "removed_from_repository"},
	},
	"organization": {
		needs: []string{"organization", "action"}, without: append(but(), "repository"),
		actions: []string{"member_added", "member_removed", "renamed"},
	},
}

// ofAccount are the events that belong to an account, not to a repository.
var ofAccount = []string{"installation", "installation_repositories", "membership", "team", "organization"}

// hintOf turns a payload into what is kept of it. It returns errShape when the
// payload is not that of the event, errIgnored when nothing follows from it.
func hintOf(name string, p *payload) (inbox.Hint, error) {
	e, known := events[name]
	if !known {
		return inbox.Hint{}, errIgnored
	}
	account := slices.Contains(ofAccount, name)
	if !e.fits(p) || !account && !p.top["repository"] {
		return inbox.Hint{}, errShape
	}
	if e.actions != nil && !slices.Contains(e.actions, p.Action) {
		return inbox.Hint{}, errIgnored
	}
	h := inbox.Hint{
		Event: name, Action: p.Action, InstallationID: p.Installation.ID, Sender: p.Sender.user(),
		Account: accountOf(p.Repository.Owner),
		Repo: inbox.Repo{ID: p.Repository.ID, FullName: p.Repository.FullName,
			DefaultBranch: p.Repository.DefaultBranch, Private: p.Repository.Private},
	}
	if account {
		h.Account = accountOf(p.Organization)
	} else if h.Repo.ID <= 0 || h.Repo.FullName == "" || h.Account.Login == "" {
		return inbox.Hint{}, errShape
	}
	if e.fill == nil {
		return h, nil
	}
	return h, e.fill(p, &h)
}

func (e event) fits(p *payload) bool {
	return has(p, e.needs...) && !slices.ContainsFunc(e.without, func(k string) bool {
		_, there := p.top[k]
		return there
	})
}

func has(p *payload, keys ...string) bool {
	return !slices.ContainsFunc(keys, func(k string) bool { return !p.top[k] })
}

func accountOf(a account) inbox.Account {
	return inbox.Account{ID: a.ID, Login: a.Login, IsUser: a.Type == "User"}
}

func fillPull(p *payload, h *inbox.Hint) error {
	if p.Pull.Number != p.Number {
		return errShape
	}
	return fillPullRequest(p, h)
}

func fillPullRequest(p *payload, h *inbox.Hint) error {
	if p.Pull.Number <= 0 || p.Pull.HeadSHA == "" || p.Pull.BaseRef == "" {
		return errShape
	}
	h.PR = int(p.Pull.Number)
	h.Pull = &inbox.Pull{
		HeadRef: p.Pull.HeadRef, HeadRepoID: p.Pull.HeadRepo, BaseRef: p.Pull.BaseRef, AuthorID: p.Pull.Author,
		Open: p.Pull.State == "open", Draft: p.Pull.Draft, Merged: p.Pull.Merged, UpdatedAt: timeOf(p.Pull.UpdatedAt),
	}
	return fillSHA(p.Pull.HeadSHA, h)
}

func fillSHA(sha string, h *inbox.Hint) error {
	if !isSHA(sha) {
		return errShape
	}
	h.SHA = sha
	return nil
}

// isSHA reports whether s is a full commit id, of SHA-1 or SHA-256.
func isSHA(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// callbackRun is the run in the address at which a deployment's answer is asked
// for. Nothing else of it is used: the address is the payload's word.
var callbackRun = regexp.MustCompile(`/actions/runs/([1-9][0-9]{0,17})/deployment_protection_rule$`)

func fillDeployment(p *payload, h *inbox.Hint) error {
	m := callbackRun.FindStringSubmatch(p.Callback)
	if m == nil || p.Environment == "" {
		return errShape
	}
	run, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return errShape
	}
	h.Deployment = &inbox.Deployment{Run: run, Environment: p.Environment}
	return fillSHA(cmp.Or(p.SHA, p.Deployed), h)
}

// fillGroup takes any ref: a group whose ref is none of a merge queue's is to be
// answered too.
func fillGroup(p *payload, h *inbox.Hint) error {
	base, is := branchOf(p.Group.BaseRef)
	if !is || p.Group.HeadRef == "" {
		return errShape
	}
	h.Ref, h.Base = strings.TrimPrefix(p.Group.HeadRef, "refs/heads/"), base
	return fillSHA(p.Group.HeadSHA, h)
}

func fillReview(p *payload, h *inbox.Hint) error {
	if p.Review.ID <= 0 {
		return errShape
	}
	r := p.Review
	h.Review = &inbox.Review{ID: r.ID, User: r.User.user(), State: r.State, CommitSHA: r.Commit,
		Body: kept(r.Body), URL: r.URL, At: timeOf(r.Date)}
	h.Review.Terms = termsFor(h.Review.Body, p.Pull.Body)
	return fillPullRequest(p, h)
}

// termsFor is the record hash of the description under which a text with a
// command was written; "" for texts without one.
func termsFor(command, description string) string {
	if command == "" {
		return ""
	}
	return decision.Parse(description).Terms().Hash()
}

// kept returns a text that may hold a command, and "" for all others.
func kept(body string) string {
	if inbox.MayCommand(body) {
		return body
	}
	return ""
}

func fillComment(p *payload, h *inbox.Hint) error {
	c := p.Comment
	if p.Issue.Number <= 0 || c.ID <= 0 {
		return errShape
	}
	body := kept(c.Body)
	if !p.Issue.IsPull || p.Action == "created" && body == "" {
		return errIgnored
	}
	h.PR = int(p.Issue.Number)
	h.Comment = &inbox.Comment{ID: c.ID, User: c.User.user(), Body: body, URL: c.URL,
		CreatedAt: timeOf(c.CreatedAt), UpdatedAt: timeOf(c.Update), Terms: termsFor(body, p.Issue.Body)}
	return nil
}

func fillIssue(p *payload, h *inbox.Hint) error {
	if p.Issue.Number <= 0 {
		return errShape
	}
	if p.Issue.IsPull || p.Action == "opened" && len(p.Issue.Labels) == 0 {
		return errIgnored
	}
	h.Labels = p.Issue.Labels
	return nil
}

func fillCheck(p *payload, h *inbox.Hint) error {
	h.AppID = p.Check.AppID
	for _, pull := range p.Check.Pulls {
		if pull.BaseRepo == p.Repository.ID && pull.Number > 0 {
			h.PRs = append(h.PRs, int(pull.Number))
		}
	}
	if p.Action == "requested_action" {
		if p.Button == "" || p.Check.ID <= 0 {
			return errShape
		}
		h.Button = &inbox.Button{Identifier: p.Button, CheckRunID: p.Check.ID, ExternalID: p.Check.ExternalID}
	}
	return fillSHA(p.Check.HeadSHA, h)
}

func fillInstallation(p *payload, h *inbox.Hint) error {
	if p.Installation.ID <= 0 || p.Installation.Account.Login == "" {
		return errShape
	}
	h.Account = accountOf(p.Installation.Account)
	for _, r := range p.Added {
		h.ReposAdded = append(h.ReposAdded, inbox.Repo{ID: r.ID, FullName: r.FullName, Private: r.Private})
	}
	for _, r := range p.Removed {
		h.ReposRemoved = append(h.ReposRemoved, inbox.Repo{ID: r.ID, FullName: r.FullName, Private: r.Private})
	}
	return nil
}
