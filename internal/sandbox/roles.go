package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// grant is a role in a repository; custom is the name of a custom role that
// includes it.
type grant struct {
	role   gate.Permission
	custom string
}

// Grant gives somebody a role: read, triage, write, maintain or admin; "none"
// takes it away.
func (r *Repo) Grant(login, role string) {
	defer r.gh.act()()
	u := r.gh.person(login)
	p, known := gate.ParsePermission(role)
	if !known {
		panic("sandbox: there is no role " + role)
	}
	_, had := r.grants[u.id]
	if p == gate.PermissionNone {
		delete(r.grants, u.id)
		r.gh.emit(r, "member", "removed", r.anyone(), object{"member": u.json()})
		return
	}
	r.grants[u.id] = grant{role: p}
	action := "added"
	if had {
		action = "edited"
	}
	r.gh.emit(r, "member", action, r.anyone(), object{
		"member": u.json(), "changes": object{"permission": object{"to": legacy(p)}},
	})
}

// GrantCustom gives somebody a custom role that includes the role base.
func (r *Repo) GrantCustom(login, name, base string) {
	defer r.gh.act()()
	p, known := gate.ParsePermission(base)
	if !known {
		panic("sandbox: there is no role " + base)
	}
	r.grants[r.gh.person(login).id] = grant{role: p, custom: name}
}

// access returns somebody's role: the highest of all that give one.
func (r *Repo) access(u *user) grant {
	best := grant{}
	raise := func(g grant) {
		if g.role > best.role {
			best = g
		}
	}
	raise(r.grants[u.id])
	if r.owner.person == u {
		raise(grant{role: gate.PermissionAdmin})
	}
	switch r.owner.members[u.id] {
	case "admin":
		raise(grant{role: gate.PermissionAdmin})
	case "member":
		p, _ := gate.ParsePermission(r.owner.base)
		raise(grant{role: p})
	}
	for _, t := range r.owner.teams {
		if role := t.grants[r.id]; role != "" && t.everyone()[u.id] == "active" {
			p, _ := gate.ParsePermission(role)
			raise(grant{role: p})
		}
	}
	if !r.private {
		raise(grant{role: gate.PermissionRead})
	}
	return best
}

// isCollaborator reports whether u has a role of its own, and not only as a
// member of the public.
func (r *Repo) isCollaborator(u *user) bool {
	private := *r
	private.private = true
	return private.access(u).role > gate.PermissionNone
}

// collaborators returns everybody with a role, by id.
func (r *Repo) collaborators() []*user {
	seen := map[int64]*user{}
	for _, u := range r.gh.users {
		if u.kind == "User" && r.isCollaborator(u) {
			seen[u.id] = u
		}
	}
	return slices.SortedFunc(maps.Values(seen), func(a, b *user) int { return cmp.Compare(a.id, b.id) })
}

// legacy is the old word for a role, which knows no maintain and no triage.
func legacy(p gate.Permission) string {
	switch p {
	case gate.PermissionMaintain:
		return "write"
	case gate.PermissionTriage:
		return "read"
	default:
		return p.String()
	}
}

func (g grant) name() string {
	if g.custom != "" {
		return g.custom
	}
	return g.role.String()
}

func (g grant) flags() object {
	return object{
		"pull": g.role >= gate.PermissionRead, "triage": g.role >= gate.PermissionTriage,
		"push": g.role >= gate.PermissionWrite, "maintain": g.role >= gate.PermissionMaintain,
		"admin": g.role >= gate.PermissionAdmin,
	}
}

func (r *Repo) collaboratorJSON(u *user) object {
	g := r.access(u)
	o := u.json()
	o["permissions"] = g.flags()
	o["role_name"] = g.name()
	return o
}

// association is how GitHub says somebody relates to the repository.
func (r *Repo) association(u *user) string {
	_, granted := r.grants[idOf(u)]
	switch {
	case u == nil || u.gone:
		return "NONE"
	case r.owner.person == u:
		return "OWNER"
	case r.owner.members[u.id] != "":
		return "MEMBER"
	case granted:
		return "COLLABORATOR"
	case slices.ContainsFunc(r.pulls, func(p *PullRequest) bool { return p.author == u && p.merged }):
		return "CONTRIBUTOR"
	default:
		return "NONE"
	}
}

func idOf(u *user) int64 {
	if u == nil {
		return 0
	}
	return u.id
}

func (g *GitHub) roleRoutes() []route {
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/collaborators", "metadata:read", listCollaborators),
		newRoute("GET", "/repos/{owner}/{repo}/collaborators/{username}", "metadata:read", func(c *call) answer {
			u := c.g.users[strings.ToLower(c.vars["username"])]
			if u == nil || !c.repo.isCollaborator(u) {
				return notFound()
			}
			return done()
		}),
		newRoute("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", "metadata:read", permissionOf),
	}
}

func listCollaborators(c *call) answer {
	least, known := gate.ParsePermission(c.query("permission"))
	list := c.repo.collaborators()
	if known {
		list = slices.DeleteFunc(list, func(u *user) bool { return c.repo.access(u).role < least })
	}
	switch c.query("affiliation") {
	case "direct":
		list = slices.DeleteFunc(list, func(u *user) bool { _, direct := c.repo.grants[u.id]; return !direct })
	case "outside":
		list = slices.DeleteFunc(list, func(u *user) bool { return c.repo.owner.members[u.id] != "" || c.repo.owner.person == u })
	}
	return listOf(c, list, c.repo.collaboratorJSON)
}

func permissionOf(c *call) answer {
	u := c.g.users[strings.ToLower(c.vars["username"])]
	if u == nil {
		return notFound()
	}
	g := c.repo.access(u)
	return ok(object{"permission": legacy(g.role), "role_name": g.name(), "user": c.repo.collaboratorJSON(u)})
}
