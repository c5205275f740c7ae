package sandbox

import (
	"maps"
	"strings"
	"time"
)

// Owner is an organization or a person who owns repositories, with the
// installation of the App on that account.
type Owner struct {
	gh     *GitHub
	login  string
	id     int64
	person *user // nil for an organization

	installation int64
	installed    bool
	suspended    time.Time
	permissions  map[string]string
	since        time.Time // when it was installed

	members map[int64]string // user id → "member" or "admin"
	base    string           // what members may do in every repository
	teams   []*Team
}

// Org returns the organization with that login; on first mention it is made,
// with the App installed on it.
func (g *GitHub) Org(login string) *Owner {
	defer g.act()()
	return g.installed(login, nil)
}

// Person returns the account of a person as an owner of repositories; on first
// mention the App is installed on it.
func (g *GitHub) Person(login string) *Owner {
	defer g.act()()
	return g.installed(login, g.person(login))
}

// installed returns an account on which the App is, or was once, installed.
func (g *GitHub) installed(login string, person *user) *Owner {
	o := g.owner(login, person)
	if o.installation == 0 {
		o.installed, o.installation, o.since = true, g.newID(), g.now()
		g.emitInstallation(o, "created")
	}
	return o
}

// owner returns an account, which is made on first mention without the App.
func (g *GitHub) owner(login string, person *user) *Owner {
	key := strings.ToLower(login)
	if o, ok := g.owners[key]; ok {
		return o
	}
	o := &Owner{
		gh: g, login: login, id: g.newID(), person: person, members: map[int64]string{}, base: "read",
		permissions: maps.Clone(g.cfg.Permissions),
	}
	if person != nil {
		o.id = person.id
	}
	g.owners[key] = o
	return o
}

func (g *GitHub) installation(id int64) *Owner {
	for _, o := range g.owners {
		if o.installation == id && o.installed {
			return o
		}
	}
	return nil
}

// InstallationID returns the id of the App's installation on this account.
func (o *Owner) InstallationID() int64 {
	o.gh.mu.Lock()
	defer o.gh.mu.Unlock()
	return o.installation
}

// Uninstall removes the App.
func (o *Owner) Uninstall() {
	defer o.gh.act()()
	o.gh.emitInstallation(o, "deleted")
	o.installed = false
}

// Install puts the App back, as a new installation.
func (o *Owner) Install() {
	defer o.gh.act()()
	o.installed, o.installation, o.suspended, o.since = true, o.gh.newID(), time.Time{}, o.gh.now()
	o.gh.emitInstallation(o, "created")
}

// Suspend suspends the installation.
func (o *Owner) Suspend() {
	defer o.gh.act()()
	o.gh.emitInstallation(o, "suspend")
	o.suspended = o.gh.now()
}

// Unsuspend ends a suspension.
func (o *Owner) Unsuspend() {
	defer o.gh.act()()
	o.suspended = time.Time{}
	o.gh.emitInstallation(o, "unsuspend")
}

// Permit grants the installation a permission at a level; "" takes it away.
// Tokens that were made before keep what they had, minus what is taken away.
func (o *Owner) Permit(permission, level string) {
	defer o.gh.act()()
	if level == "" {
		delete(o.permissions, permission)
	} else {
		o.permissions[permission] = level
	}
	o.gh.emitInstallation(o, "new_permissions_accepted")
}

func (o *Owner) json() object {
	if o.person != nil {
		return o.person.json()
	}
	u := user{id: o.id, login: o.login, kind: "Organization", gh: o.gh}
	return u.json()
}

func (o *Owner) kind() string {
	if o.person != nil {
		return "User"
	}
	return "Organization"
}

// brief is the organization as webhooks show it.
func (o *Owner) brief() object {
	url := o.gh.api("/orgs/%s", o.login)
	return object{
		"login": o.login, "id": o.id, "node_id": nodeID("Organization", o.id), "url": url,
		"repos_url": url + "/repos", "events_url": url + "/events", "hooks_url": url + "/hooks",
		"issues_url": url + "/issues", "members_url": url + "/members{/member}",
		"public_members_url": url + "/public_members{/member}",
		"avatar_url":         avatar(o.id), "description": "",
	}
}

func (o *Owner) fullJSON() object {
	b := o.brief()
	maps.Copy(b, object{
		"name": o.login, "html_url": web("%s", o.login), "has_organization_projects": true, "has_repository_projects": true,
		"public_repos": 0, "public_gists": 0, "followers": 0, "following": 0, "type": "Organization",
		"created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z", "archived_at": nil,
		"default_repository_permission": o.base,
	})
	return b
}

func (o *Owner) installationJSON() object {
	var by any
	if !o.suspended.IsZero() {
		by = o.json()
	}
	return object{
		"id": o.installation, "account": o.json(), "repository_selection": "all",
		"access_tokens_url": o.gh.api("/app/installations/%d/access_tokens", o.installation),
		"repositories_url":  o.gh.api("/installation/repositories"),
		"html_url":          web("organizations/%s/settings/installations/%d", o.login, o.installation),
		"app_id":            o.gh.app.ID, "app_slug": o.gh.app.Slug, "target_id": o.id, "target_type": o.kind(),
		"permissions": maps.Clone(o.permissions), "events": subscribed, "created_at": stamp(o.since),
		"updated_at": stamp(o.since), "single_file_name": nil, "has_multiple_single_files": false,
		"single_file_paths": []string{}, "suspended_by": by, "suspended_at": stamp(o.suspended),
	}
}
