package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// refNames returns the names under a prefix such as "heads/", in order.
func (r *Repo) refNames(prefix string) []string {
	var names []string
	for _, ref := range slices.Sorted(maps.Keys(r.refs)) {
		if name, ok := strings.CutPrefix(ref, prefix); ok {
			names = append(names, name)
		}
	}
	return names
}

// Tag makes a tag on a commit.
func (r *Repo) Tag(who, name, sha string) {
	defer r.gh.act()()
	r.objects.at(sha)
	r.tag(r.gh.person(who), name, sha)
}

// AnnotatedTag makes a tag with a message, which is an object of its own.
func (r *Repo) AnnotatedTag(who, name, sha, message string) {
	defer r.gh.act()()
	u := r.gh.person(who)
	r.objects.at(sha)
	t := &tagObject{name: name, message: message, target: sha, tagger: u.signature()}
	t.sha = gitHash("tag", []byte("object "+sha+"\ntype commit\ntag "+name+"\ntagger "+t.tagger.line()+"\n\n"+message+"\n"))
	r.objects.tags[t.sha] = t
	r.tag(u, name, t.sha)
}

// PushTags pushes several tags at once, each on a commit. Of more than three
// GitHub sends no event.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
func (r *Repo) PushTags(who string, tags map[string]string) {
	defer r.gh.act()()
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		r.objects.at(tags[name])
		if len(tags) > 3 {
			r.refs["tags/"+name] = tags[name]
			continue
		}
		r.tag(r.gh.person(who), name, tags[name])
	}
}

func (r *Repo) tag(who *user, name, sha string) {
	before, moved := r.refs["tags/"+name]
	r.refs["tags/"+name] = sha
	if !moved {
		before = noSHA
		r.gh.emit(r, "create", "", who, object{
			"ref": name, "ref_type": "tag", "master_branch": r.defaultBranch, "description": nil, "pusher_type": "user",
		})
	}
	r.emitTagPush(who, name, before, sha)
}

// DeleteTag deletes a tag.
func (r *Repo) DeleteTag(who, name string) {
	defer r.gh.act()()
	r.deleteTag(r.gh.person(who), name)
}

func (r *Repo) deleteTag(who *user, name string) {
	before := r.refs["tags/"+name]
	delete(r.refs, "tags/"+name)
	r.gh.emit(r, "delete", "", who, object{"ref": name, "ref_type": "tag", "pusher_type": "user"})
	r.emitTagPush(who, name, before, noSHA)
}

func (r *Repo) emitTagPush(who *user, name, before, after string) {
	var head any
	if c := r.objects.commits[r.peel(after)]; c != nil {
		head = r.pushedJSON(c)
	}
	r.gh.emit(r, "push", "", who, object{
		"ref": "refs/tags/" + name, "before": before, "after": after, "created": before == noSHA,
		"deleted": after == noSHA, "forced": before != noSHA && after != noSHA, "base_ref": nil,
		"compare": web("%s/compare/%s", r.fullName(), name), "commits": []object{}, "head_commit": head,
		"pusher": object{"name": who.login, "email": who.signature().email}, "repository": r.pushed(),
	})
}

func (g *GitHub) refRoutes() []route {
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/git/ref/{ref...}", "contents:read", func(c *call) answer {
			if sha, exists := c.repo.refs[c.vars["ref"]]; exists {
				return ok(c.repo.refJSON(c.vars["ref"], sha))
			}
			return notFound()
		}),
		newRoute("GET", "/repos/{owner}/{repo}/git/matching-refs/{ref...}", "contents:read", func(c *call) answer {
			var list []string
			for _, name := range c.repo.refNames("") {
				if strings.HasPrefix(name, c.vars["ref"]) {
					list = append(list, name)
				}
			}
			return ok(each(list, func(name string) object { return c.repo.refJSON(name, c.repo.refs[name]) }))
		}),
		newRoute("DELETE", "/repos/{owner}/{repo}/git/refs/{ref...}", "contents:write", deleteRef),
		newRoute("GET", "/repos/{owner}/{repo}/git/tags/{sha}", "contents:read", oneTagObject),
		newRoute("GET", "/repos/{owner}/{repo}/tags", "contents:read", listTags),
	}
}

func (r *Repo) refJSON(name, sha string) object {
	kind, url := "commit", r.api("/git/commits/%s", sha)
	if r.objects.tags[sha] != nil {
		kind, url = "tag", r.api("/git/tags/%s", sha)
	}
	return object{
		"ref": "refs/" + name, "node_id": nodeID("Ref", r.id) + digestOf(name)[:8], "url": r.api("/git/refs/%s", name),
		"object": object{"sha": sha, "type": kind, "url": url},
	}
}

func deleteRef(c *call) answer {
	ref := c.vars["ref"]
	if c.repo.refs[ref] == "" {
		return refuse(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	kind, name, _ := strings.Cut(ref, "/")
	switch kind {
	case "heads":
		c.repo.deleteBranch(c.g.app.bot, name)
	case "tags":
		c.repo.deleteTag(c.g.app.bot, name)
	default:
		return refuse(http.StatusUnprocessableEntity, "Reference cannot be deleted")
	}
	return done()
}

func oneTagObject(c *call) answer {
	t := c.repo.objects.tags[c.vars["sha"]]
	if t == nil {
		return notFound()
	}
	return ok(object{
		"node_id": nodeID("Tag", c.repo.id) + t.sha[:8], "tag": t.name, "sha": t.sha, "message": t.message,
		"url": c.repo.api("/git/tags/%s", t.sha), "tagger": t.tagger.git(), "verification": unsigned(),
		"object": object{"type": "commit", "sha": t.target, "url": c.repo.api("/git/commits/%s", t.target)},
	})
}

func listTags(c *call) answer {
	return listOf(c, newestFirst(c.repo.refNames("tags/")), func(name string) object {
		sha := c.repo.peel(c.repo.refs["tags/"+name])
		return object{
			"name": name, "node_id": nodeID("Ref", c.repo.id) + digestOf(name)[:8],
			"commit":      object{"sha": sha, "url": c.repo.api("/commits/%s", sha)},
			"zipball_url": c.repo.api("/zipball/refs/tags/%s", name), "tarball_url": c.repo.api("/tarball/refs/tags/%s", name),
		}
	})
}
