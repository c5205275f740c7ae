package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// user is an account of a person or a bot.
type user struct {
	gh    *GitHub
	id    int64
	login string
	kind  string // User, Bot or Organization
	gone  bool
}

// person returns the account with that login, made on first mention. Logins
// that end in [bot] are bots.
func (g *GitHub) person(login string) *user {
	key := strings.ToLower(login)
	if u, ok := g.users[key]; ok {
		return u
	}
	u := &user{gh: g, id: g.newID(), login: login, kind: "User"}
	if strings.HasSuffix(login, "[bot]") {
		u.kind = "Bot"
	}
	g.users[key] = u
	return u
}

// UserID returns the numeric id behind a login, which is made on first mention.
func (g *GitHub) UserID(login string) int64 {
	defer g.act()()
	return g.person(login).id
}

// RenameUser gives an account another login. The old login is free: whoever is
// mentioned by it next is somebody else.
func (g *GitHub) RenameUser(login, to string) {
	defer g.act()()
	u := g.person(login)
	delete(g.users, strings.ToLower(login))
	u.login = to
	g.users[strings.ToLower(to)] = u
	if o := g.owners[strings.ToLower(login)]; o != nil && o.person == u {
		delete(g.owners, strings.ToLower(login))
		o.login = to
		g.owners[strings.ToLower(to)] = o
	}
}

// DeleteUser deletes an account: what it wrote stays, by nobody.
func (g *GitHub) DeleteUser(login string) {
	defer g.act()()
	u := g.person(login)
	u.gone = true
	delete(g.users, strings.ToLower(login))
	for _, r := range g.repos {
		delete(r.grants, u.id)
	}
	for _, o := range g.owners {
		delete(o.members, u.id)
		for _, t := range o.teams {
			delete(t.members, u.id)
		}
	}
}

func avatar(id int64) string {
	return fmt.Sprintf("https://avatars.githubusercontent.com/u/%d?v=4", id)
}

func (u *user) json() object {
	url := u.gh.api("/users/%s", u.login)
	html := web("%s", u.login)
	if slug, isBot := strings.CutSuffix(u.login, "[bot]"); isBot {
		html = web("apps/%s", slug)
	}
	return object{
		"login": u.login, "id": u.id, "node_id": nodeID("User", u.id), "avatar_url": avatar(u.id), "gravatar_id": "",
		"url": url, "html_url": html, "followers_url": url + "/followers",
		"following_url": url + "/following{/other_user}", "gists_url": url + "/gists{/gist_id}",
		"starred_url": url + "/starred{/owner}{/repo}", "subscriptions_url": url + "/subscriptions",
		"organizations_url": url + "/orgs", "repos_url": url + "/repos", "events_url": url + "/events{/privacy}",
		"received_events_url": url + "/received_events", "type": u.kind, "site_admin": false,
		"user_view_type": "public",
	}
}

// orNull is the account's JSON, or null for an account that is gone.
func (u *user) orNull() any {
	if u == nil || u.gone {
		return nil
	}
	return u.json()
}

func (u *user) signature() signature {
	return signature{
		name: u.login, email: fmt.Sprintf("%d+%s@users.noreply.github.com", u.id, u.login), user: u, at: u.gh.now(),
	}
}

// Team is a team of an organization.
type Team struct {
	owner      *Owner
	id         int64
	name, slug string
	members    map[int64]string // user id → "active" or "pending"
	secret     bool
	parent     *Team
	grants     map[int64]string // repository id → role
}

// Team returns the organization's team with that slug, made on first mention
// with the members given.
func (o *Owner) Team(slug string, members ...string) *Team {
	defer o.gh.act()()
	t := o.team(slug)
	if t == nil {
		t = &Team{owner: o, id: o.gh.newID(), name: slug, slug: slug, members: map[int64]string{}, grants: map[int64]string{}}
		o.teams = append(o.teams, t)
	}
	for _, login := range members {
		t.add(login, "active")
	}
	return t
}

func (o *Owner) team(slug string) *Team {
	for _, t := range o.teams {
		if strings.EqualFold(t.slug, slug) {
			return t
		}
	}
	return nil
}

func (t *Team) add(login, state string) {
	g := t.owner.gh
	u := g.person(login)
	t.members[u.id] = state
	if t.owner.members[u.id] == "" {
		t.owner.members[u.id] = "member"
	}
	g.emitMembership(t, u, "added")
}

// Add makes somebody a member.
func (t *Team) Add(login string) {
	defer t.owner.gh.act()()
	t.add(login, "active")
}

// Invite makes somebody a pending member.
func (t *Team) Invite(login string) {
	defer t.owner.gh.act()()
	t.add(login, "pending")
}

// Remove ends somebody's membership.
func (t *Team) Remove(login string) {
	g := t.owner.gh
	defer g.act()()
	u := g.person(login)
	delete(t.members, u.id)
	g.emitMembership(t, u, "removed")
}

// Grant gives the team a role in a repository.
func (t *Team) Grant(r *Repo, role string) {
	defer t.owner.gh.act()()
	t.grants[r.id] = role
}

// Hide makes the team secret: the App's token cannot see it any more.
func (t *Team) Hide() {
	defer t.owner.gh.act()()
	t.secret = true
}

// Under makes the team a child of parent; its members count as the parent's.
func (t *Team) Under(parent *Team) {
	defer t.owner.gh.act()()
	t.parent = parent
}

// Delete deletes the team.
func (t *Team) Delete() {
	defer t.owner.gh.act()()
	t.owner.teams = slices.DeleteFunc(t.owner.teams, func(x *Team) bool { return x == t })
}

// everyone returns the members of t and of its child teams, with their states.
func (t *Team) everyone() map[int64]string {
	all := maps.Clone(t.members)
	for _, child := range t.owner.teams {
		if child.parent == t {
			for id, state := range child.everyone() {
				if all[id] != "active" {
					all[id] = state
				}
			}
		}
	}
	return all
}

// Member makes somebody a member of the organization.
func (o *Owner) Member(login string) {
	defer o.gh.act()()
	o.members[o.gh.person(login).id] = "member"
}

// Admin makes somebody an owner of the organization, which is an admin of all
// its repositories.
func (o *Owner) Admin(login string) {
	defer o.gh.act()()
	o.members[o.gh.person(login).id] = "admin"
}

// BasePermission says what members may do in every repository: "none", "read",
// "write" or "admin".
func (o *Owner) BasePermission(role string) {
	defer o.gh.act()()
	o.base = role
}

func (g *GitHub) userByID(id int64) *user {
	for _, u := range g.users {
		if u.id == id {
			return u
		}
	}
	return nil
}

func (t *Team) json() object {
	privacy := "closed"
	if t.secret {
		privacy = "secret"
	}
	url := t.owner.gh.api("/organizations/%d/team/%d", t.owner.id, t.id)
	return object{
		"id": t.id, "node_id": nodeID("Team", t.id), "url": url, "members_url": url + "/members{/member}",
		"html_url": web("orgs/%s/teams/%s", t.owner.login, t.slug), "name": t.name, "description": "",
		"permission": "pull", "repositories_url": url + "/repos", "slug": t.slug, "privacy": privacy,
		"notification_setting": "notifications_enabled", "parent": nil, "type": "organization",
		"organization_id": t.owner.id,
	}
}

func (t *Team) full() object {
	o := t.json()
	org := t.owner.fullJSON()
	maps.Copy(o, object{
		"created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
		"members_count": len(t.everyone()), "repos_count": len(t.grants), "organization": org,
	})
	if t.parent != nil {
		o["parent"] = t.parent.json()
	}
	return o
}

func (g *GitHub) peopleRoutes() []route {
	return []route{
		newRoute("GET", "/users/{username}", "", func(c *call) answer {
			if u := c.g.users[strings.ToLower(c.vars["username"])]; u != nil {
				return ok(u.public())
			}
			if o := c.g.owners[strings.ToLower(c.vars["username"])]; o != nil {
				u := user{gh: c.g, id: o.id, login: o.login, kind: "Organization"}
				return ok(u.public())
			}
			return notFound()
		}),
		newRoute("GET", "/orgs/{org}", "", func(c *call) answer {
			o := c.g.owners[strings.ToLower(c.vars["org"])]
			if o == nil || o.person != nil {
				return notFound()
			}
			return ok(o.fullJSON())
		}),
		newRoute("GET", "/orgs/{org}/members/{username}", "members:read", orgMember),
		newRoute("GET", "/orgs/{org}/memberships/{username}", "members:read", orgMembership),
		newRoute("GET", "/orgs/{org}/teams/{slug}", "members:read", withTeam(func(_ *call, t *Team) answer { return ok(t.full()) })),
		newRoute("GET", "/orgs/{org}/teams/{slug}/members", "members:read", withTeam(teamMembers)),
		newRoute("GET", "/orgs/{org}/teams/{slug}/memberships/{username}", "members:read", withTeam(teamMembership)),
	}
}

func (u *user) public() object {
	o := u.json()
	maps.Copy(o, object{
		"name": u.login, "company": nil, "blog": "", "location": nil, "email": nil, "hireable": nil, "bio": nil,
		"twitter_username": nil, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
		"created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
	})
	return o
}

func orgMember(c *call) answer {
	if o, u := c.member(); u == nil || o.members[u.id] == "" {
		return notFound()
	}
	return done()
}

// member finds the organization and the user that the path names; the user is
// nil when one of them does not exist.
func (c *call) member() (*Owner, *user) {
	o := c.g.owners[strings.ToLower(c.vars["org"])]
	if o == nil || o != c.inst {
		return nil, nil
	}
	return o, c.g.users[strings.ToLower(c.vars["username"])]
}

func orgMembership(c *call) answer {
	o, u := c.member()
	if u == nil || o.members[u.id] == "" {
		return notFound()
	}
	url := c.g.api("/orgs/%s", o.login)
	return ok(object{
		"url": url + "/memberships/" + u.login, "state": "active", "role": o.members[u.id], "organization_url": url,
		"organization": o.brief(), "user": u.json(),
	})
}

func withTeam(then func(*call, *Team) answer) func(*call) answer {
	return func(c *call) answer {
		o := c.g.owners[strings.ToLower(c.vars["org"])]
		if o == nil || o != c.inst {
			return notFound()
		}
		t := o.team(c.vars["slug"])
		if t == nil || t.secret {
			return notFound()
		}
		return then(c, t)
	}
}

func teamMembers(c *call, t *Team) answer {
	all := t.everyone()
	var list []*user
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if all[id] == "active" {
			if u := c.g.userByID(id); u != nil {
				list = append(list, u)
			}
		}
	}
	return listOf(c, list, (*user).json)
}

func teamMembership(c *call, t *Team) answer {
	u := c.g.users[strings.ToLower(c.vars["username"])]
	if u == nil {
		return notFound()
	}
	state, isMember := t.everyone()[u.id]
	if !isMember {
		return notFound()
	}
	return answer{status: http.StatusOK, body: object{
		"url":  c.g.api("/organizations/%d/team/%d/memberships/%s", t.owner.id, t.id, u.login),
		"role": "member", "state": state,
	}}
}
