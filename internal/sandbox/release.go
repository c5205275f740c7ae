package sandbox

import (
	"slices"
	"time"
)

// Release is a release.
type Release struct {
	repo      *Repo
	id        int64
	tag       string
	target    string
	name      string
	body      string
	draft     bool
	pre       bool
	author    *user
	created   time.Time
	published time.Time
}

// ReleaseSpec is what a release is made from.
type ReleaseSpec struct {
	Tag        string
	Target     string // branch or commit; default: the default branch
	Name, Body string
	Draft      bool
	Prerelease bool
}

// Release makes a release; without Draft it is published at once, and its tag
// is made where it does not exist.
func (r *Repo) Release(who string, spec ReleaseSpec) *Release {
	defer r.gh.act()()
	u := r.gh.person(who)
	if spec.Target == "" {
		spec.Target = r.defaultBranch
	}
	r.objects.at(r.resolve(spec.Target))
	if spec.Name == "" {
		spec.Name = spec.Tag
	}
	rel := &Release{
		repo: r, id: r.gh.newID(), tag: spec.Tag, target: spec.Target, name: spec.Name, body: spec.Body, draft: true,
		pre: spec.Prerelease, author: u, created: r.gh.now(),
	}
	r.releases = append(r.releases, rel)
	rel.emit("created", u, object{})
	if !spec.Draft {
		rel.publish(u)
	}
	return rel
}

// ID returns the release's id.
func (rel *Release) ID() int64 { return rel.id }

// Publish publishes a draft.
func (rel *Release) Publish(who string) {
	defer rel.repo.gh.act()()
	rel.publish(rel.repo.gh.person(who))
}

func (rel *Release) publish(who *user) {
	r := rel.repo
	rel.draft, rel.published = false, r.gh.now()
	if r.refs["tags/"+rel.tag] == "" {
		r.tag(who, rel.tag, r.resolve(rel.target))
	}
	rel.emit("published", who, object{})
	if rel.pre {
		rel.emit("prereleased", who, object{})
	} else {
		rel.emit("released", who, object{})
	}
}

// Promote turns a pre-release into a release.
func (rel *Release) Promote(who string) {
	defer rel.repo.gh.act()()
	rel.pre = false
	rel.emit("released", rel.repo.gh.person(who), object{})
}

// Edit changes the text.
func (rel *Release) Edit(who, body string) {
	defer rel.repo.gh.act()()
	old := rel.body
	rel.body = body
	rel.emit("edited", rel.repo.gh.person(who), object{"changes": object{"body": object{"from": old}}})
}

// Delete deletes the release; its tag stays.
func (rel *Release) Delete(who string) {
	r := rel.repo
	defer r.gh.act()()
	r.releases = slices.DeleteFunc(r.releases, func(x *Release) bool { return x == rel })
	rel.emit("deleted", r.gh.person(who), object{})
}

func (rel *Release) emit(action string, who *user, extra object) {
	extra["release"] = rel.json()
	rel.repo.gh.emit(rel.repo, "release", action, who, extra)
}

func (rel *Release) json() object {
	r := rel.repo
	url := r.api("/releases/%d", rel.id)
	page := rel.tag
	if rel.draft {
		page = "untagged-" + digestOf(rel.tag)[:20]
	}
	html := web("%s/releases/tag/%s", r.fullName(), page)
	o := object{
		"url": url, "html_url": html, "assets_url": url + "/assets", "upload_url": url + "/assets{?name,label}",
		"tarball_url": nil, "zipball_url": nil, "id": rel.id, "node_id": nodeID("Release", rel.id), "tag_name": rel.tag,
		"target_commitish": rel.target, "name": rel.name, "body": rel.body, "draft": rel.draft, "prerelease": rel.pre,
		"created_at": stamp(rel.created), "published_at": stamp(rel.published), "updated_at": stamp(rel.created),
		"author": rel.author.json(), "assets": []object{}, "immutable": false,
	}
	if !rel.draft {
		o["tarball_url"], o["zipball_url"] = r.api("/tarball/%s", rel.tag), r.api("/zipball/%s", rel.tag)
	}
	return o
}

func (g *GitHub) releaseRoutes() []route {
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/releases", "contents:read", func(c *call) answer {
			// Drafts are shown to those who may push only.
			may := allows(c.inst.permissions["contents"], "write")
			list := slices.DeleteFunc(newestFirst(c.repo.releases), func(rel *Release) bool { return rel.draft && !may })
			return listOf(c, list, (*Release).json)
		}),
		newRoute("GET", "/repos/{owner}/{repo}/releases/latest", "contents:read", func(c *call) answer {
			return releaseWhere(newestFirst(c.repo.releases), func(rel *Release) bool { return !rel.pre })
		}),
		newRoute("GET", "/repos/{owner}/{repo}/releases/tags/{tag...}", "contents:read", func(c *call) answer {
			return releaseWhere(c.repo.releases, func(rel *Release) bool { return rel.tag == c.vars["tag"] })
		}),
		newRoute("GET", "/repos/{owner}/{repo}/releases/{id}", "contents:read", func(c *call) answer {
			return releaseWhere(c.repo.releases, func(rel *Release) bool { return rel.id == c.id("id") })
		}),
	}
}

// releaseWhere answers the first published release that fits.
func releaseWhere(list []*Release, fits func(*Release) bool) answer {
	for _, rel := range list {
		if !rel.draft && fits(rel) {
			return ok(rel.json())
		}
	}
	return notFound()
}
