package webhook

import (
	"strings"
	"time"

	"gonogo/internal/gate"
)

// payload is what is taken out of a delivery, whatever its event.
type payload struct {
	top map[string]bool // the keys of the outermost object; true: not null

	Action       string
	Number       int64
	Installation struct {
		ID      int64
		Account account
	}
	Repository struct {
		ID            int64
		FullName      string
		DefaultBranch string
		Private       bool
		Owner         account
	}
	Organization account
	Sender       account

	Pull struct {
		Number        int64
		State, Body   string
		Draft, Merged bool
		HeadSHA       string
		HeadRef       string
		HeadRepo      int64
		BaseRef       string
		Author        int64
		UpdatedAt     string
	}
	Review struct {
		ID                             int64
		State, Commit, Body, URL, Date string
		User                           account
	}
	Comment struct {
		ID                           int64
		Body, URL, CreatedAt, Update string
		User                         account
	}
	Issue struct {
		Number int64
		Body   string
		IsPull bool
		Labels []string
	}
	Check struct { // a check run or a check suite
		ID         int64
		HeadSHA    string
		ExternalID string
		AppID      int64
		Pulls      []checkPull
	}
	Group struct { // of a merge queue
		HeadSHA, HeadRef, BaseRef string
	}
	Button  string
	SHA     string
	Ref     string
	RefType string
	Release string
	Draft   bool   // of the release
	Target  string // that its tag will be made from

	Environment, Callback string // of a deployment that waits
	Deployed              string // its commit
	DeployState           string // of a deployment's status

	SecretType string // of an alert
	Added      []repo
	Removed    []repo
}

type account struct {
	ID    int64
	Login string
	Type  string
}

func (a account) user() gate.User {
	return gate.User{ID: a.ID, Login: a.Login, Bot: a.Type == "Bot"}
}

type checkPull struct{ Number, BaseRepo int64 }

type repo struct {
	ID       int64
	FullName string
	Private  bool
}

// timeOf reads GitHub's time stamps; what is not one is the zero time.
func timeOf(s string) time.Time {
	t, _ := time.Parse(time.RFC3339, s)
	return t
}

// branchOf returns the branch of a full ref, and whether it is one.
func branchOf(ref string) (string, bool) { return strings.CutPrefix(ref, "refs/heads/") }

func text(name string, at func(*payload) *string) *node {
	return &node{name: name, text: func(p *payload, v string) { *at(p) = v }}
}

func whole(name string, at func(*payload) *int64) *node {
	return &node{name: name, whole: func(p *payload, v int64) { *at(p) = v }}
}

func truth(name string, at func(*payload) *bool) *node {
	return &node{name: name, truth: func(p *payload, v bool) { *at(p) = v }}
}

func object(name string, kids ...*node) *node { return &node{name: name, kids: kids} }

func accountAt(name string, at func(*payload) *account) *node {
	return object(name,
		whole("id", func(p *payload) *int64 { return &at(p).ID }),
		text("login", func(p *payload) *string { return &at(p).Login }),
		text("type", func(p *payload) *string { return &at(p).Type }))
}

// present is a key of the outermost object of which only the presence matters.
func present(names ...string) []*node {
	nodes := make([]*node, len(names))
	for n, name := range names {
		nodes[n] = &node{name: name}
	}
	return nodes
}

func reposAt(name string, at func(*payload) *[]repo) *node {
	last := func(p *payload) *repo { return &(*at(p))[len(*at(p))-1] }
	each := object("[]",
		whole("id", func(p *payload) *int64 { return &last(p).ID }),
		text("full_name", func(p *payload) *string { return &last(p).FullName }),
		truth("private", func(p *payload) *bool { return &last(p).Private }))
	each.enter = func(p *payload) { *at(p) = append(*at(p), repo{}) }
	return object(name, each)
}

func checkAt(name string) *node {
	last := func(p *payload) *checkPull { return &p.Check.Pulls[len(p.Check.Pulls)-1] }
	each := object("[]",
		whole("number", func(p *payload) *int64 { return &last(p).Number }),
		object("base", object("repo", whole("id", func(p *payload) *int64 { return &last(p).BaseRepo }))))
	each.enter = func(p *payload) { p.Check.Pulls = append(p.Check.Pulls, checkPull{}) }
	return object(name,
		whole("id", func(p *payload) *int64 { return &p.Check.ID }),
		text("head_sha", func(p *payload) *string { return &p.Check.HeadSHA }),
		text("external_id", func(p *payload) *string { return &p.Check.ExternalID }),
		object("app", whole("id", func(p *payload) *int64 { return &p.Check.AppID })),
		object("pull_requests", each))
}

func issueAt() *node {
	label := object("[]", &node{name: "name", text: func(p *payload, v string) { p.Issue.Labels = append(p.Issue.Labels, v) }})
	return object("issue",
		whole("number", func(p *payload) *int64 { return &p.Issue.Number }),
		text("body", func(p *payload) *string { return &p.Issue.Body }),
		object("labels", label),
		&node{name: "pull_request", saw: func(p *payload, c byte, _ bool) { p.Issue.IsPull = c == '{' }})
}

func pullAt() *node {
	return object("pull_request",
		whole("number", func(p *payload) *int64 { return &p.Pull.Number }),
		text("state", func(p *payload) *string { return &p.Pull.State }),
		text("body", func(p *payload) *string { return &p.Pull.Body }),
		truth("draft", func(p *payload) *bool { return &p.Pull.Draft }),
		truth("merged", func(p *payload) *bool { return &p.Pull.Merged }),
		text("updated_at", func(p *payload) *string { return &p.Pull.UpdatedAt }),
		object("user", whole("id", func(p *payload) *int64 { return &p.Pull.Author })),
		object("head",
			text("sha", func(p *payload) *string { return &p.Pull.HeadSHA }),
			text("ref", func(p *payload) *string { return &p.Pull.HeadRef }),
			object("repo", whole("id", func(p *payload) *int64 { return &p.Pull.HeadRepo }))),
		object("base", text("ref", func(p *payload) *string { return &p.Pull.BaseRef })))
}

func reviewAt() *node {
	return object("review",
		whole("id", func(p *payload) *int64 { return &p.Review.ID }),
		text("state", func(p *payload) *string { return &p.Review.State }),
		text("commit_id", func(p *payload) *string { return &p.Review.Commit }),
		text("body", func(p *payload) *string { return &p.Review.Body }),
		text("html_url", func(p *payload) *string { return &p.Review.URL }),
		text("submitted_at", func(p *payload) *string { return &p.Review.Date }),
		accountAt("user", func(p *payload) *account { return &p.Review.User }))
}

func commentAt() *node {
	return object("comment",
		whole("id", func(p *payload) *int64 { return &p.Comment.ID }),
		text("body", func(p *payload) *string { return &p.Comment.Body }),
		text("html_url", func(p *payload) *string { return &p.Comment.URL }),
		text("created_at", func(p *payload) *string { return &p.Comment.CreatedAt }),
		text("updated_at", func(p *payload) *string { return &p.Comment.Update }),
		accountAt("user", func(p *payload) *account { return &p.Comment.User }))
}

// shape is everything that is wanted of any payload. It does not change.
var shape = wanted()

func wanted() *node {
	top := object("",
		text("action", func(p *payload) *string { return &p.Action }),
		whole("number", func(p *payload) *int64 { return &p.Number }),
		object("installation",
			whole("id", func(p *payload) *int64 { return &p.Installation.ID }),
			accountAt("account", func(p *payload) *account { return &p.Installation.Account })),
		object("repository",
			whole("id", func(p *payload) *int64 { return &p.Repository.ID }),
			text("full_name", func(p *payload) *string { return &p.Repository.FullName }),
			text("default_branch", func(p *payload) *string { return &p.Repository.DefaultBranch }),
			truth("private", func(p *payload) *bool { return &p.Repository.Private }),
			accountAt("owner", func(p *payload) *account { return &p.Repository.Owner })),
		accountAt("organization", func(p *payload) *account { return &p.Organization }),
		accountAt("sender", func(p *payload) *account { return &p.Sender }),
		pullAt(), reviewAt(), commentAt(), issueAt(), checkAt("check_run"), checkAt("check_suite"),
		object("merge_group",
			text("head_sha", func(p *payload) *string { return &p.Group.HeadSHA }),
			text("head_ref", func(p *payload) *string { return &p.Group.HeadRef }),
			text("base_ref", func(p *payload) *string { return &p.Group.BaseRef })),
		object("requested_action", text("identifier", func(p *payload) *string { return &p.Button })),
		text("sha", func(p *payload) *string { return &p.SHA }),
		text("ref", func(p *payload) *string { return &p.Ref }),
		text("ref_type", func(p *payload) *string { return &p.RefType }),
		object("alert", text("secret_type", func(p *payload) *string { return &p.SecretType })),
		object("release",
			text("tag_name", func(p *payload) *string { return &p.Release }),
			text("target_commitish", func(p *payload) *string { return &p.Target }),
			truth("draft", func(p *payload) *bool { return &p.Draft })),
		object("deployment", text("sha", func(p *payload) *string { return &p.Deployed })),
		object("deployment_status", text("state", func(p *payload) *string { return &p.DeployState })),
		text("environment", func(p *payload) *string { return &p.Environment }),
		text("deployment_callback_url", func(p *payload) *string { return &p.Callback }),
		reposAt("repositories", func(p *payload) *[]repo { return &p.Added }),
		reposAt("repositories_added", func(p *payload) *[]repo { return &p.Added }),
		reposAt("repositories_removed", func(p *payload) *[]repo { return &p.Removed }),
	)
	top.kids = append(top.kids, present("before", "after", "state", "context", "member", "team", "scope",
		"membership", "master_branch", "pusher_type", "thread", "hook", "zen", "starred_at", "forkee", "pages", "workflow_run",
		"workflow_job", "discussion", "package", "rule", "milestone", "label", "key", "build",
		"project", "branches", "location", "advisory", "vulnerability_alert", "blocked_user",
		"project_card", "project_column")...)
	for _, kid := range top.kids {
		name := kid.name
		kid.saw = func(p *payload, c byte, _ bool) {
			p.top[name] = c != 'n'
		}
	}
	return top
}
