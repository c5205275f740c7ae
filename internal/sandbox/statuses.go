package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// status is a commit status, which anyone with push access can write.
type status struct {
	id                          int64
	sha, context, state, target string
	description                 string
	creator                     *user
	at                          time.Time
}

// Status sets a commit status: error, failure, pending or success.
func (r *Repo) Status(who, sha, context, state string) {
	defer r.gh.act()()
	r.objects.at(sha)
	r.setStatus(r.gh.person(who), status{sha: sha, context: context, state: state})
}

// Status sets a commit status on the head.
func (p *PullRequest) Status(who, context, state string) {
	p.repo.Status(who, p.Head(), context, state)
}

func (r *Repo) setStatus(who *user, s status) *status {
	s.id, s.creator, s.at = r.gh.newID(), who, r.gh.now()
	r.statuses = append(r.statuses, &s)
	branches := []object{}
	for _, name := range r.refNames("heads/") {
		if tip := r.refs["heads/"+name]; tip == s.sha {
			branches = append(branches, object{
				"name": name, "commit": object{"sha": tip, "url": r.api("/commits/%s", tip)}, "protected": r.isProtected(name),
			})
		}
	}
	r.gh.emit(r, "status", "", who, object{
		"id": s.id, "sha": s.sha, "name": r.fullName(), "context": s.context, "state": s.state,
		"description": orNil(s.description), "target_url": orNil(s.target), "branches": branches,
		"commit": r.commitJSON(r.objects.at(s.sha)), "created_at": stamp(s.at), "updated_at": stamp(s.at),
		"avatar_url": avatar(who.id),
	})
	r.autoMerge(s.sha)
	return &s
}

func (r *Repo) latestStatus(sha, context string) *status {
	for _, s := range slices.Backward(r.statuses) {
		if s.sha == sha && s.context == context {
			return s
		}
	}
	return nil
}

func (s *status) json(r *Repo) object {
	o := s.simple(r)
	o["creator"] = s.creator.orNull()
	return o
}

func (s *status) simple(r *Repo) object {
	return object{
		"url": r.api("/statuses/%s", s.sha), "avatar_url": avatar(s.creator.id), "id": s.id,
		"node_id": nodeID("StatusContext", s.id), "state": s.state, "description": orNil(s.description),
		"target_url": orNil(s.target), "context": s.context, "created_at": stamp(s.at), "updated_at": stamp(s.at),
	}
}

func (g *GitHub) statusRoutes() []route {
	return []route{
		newRoute("POST", "/repos/{owner}/{repo}/statuses/{sha}", "statuses:write", postStatus),
	}
}

func listStatuses(c *call, sha string) answer {
	list := newestFirst(slices.DeleteFunc(slices.Clone(c.repo.statuses), func(s *status) bool { return s.sha != sha }))
	return listOf(c, list, func(s *status) object { return s.json(c.repo) })
}

// combinedStatus answers the newest status of each context, and the worst of
// them.
func combinedStatus(c *call, sha string) answer {
	var list []*status
	for _, s := range newestFirst(c.repo.statuses) {
		same := func(x *status) bool { return x.context == s.context }
		if s.sha == sha && !slices.ContainsFunc(list, same) {
			list = append(list, s)
		}
	}
	state := "success"
	if len(list) == 0 {
		state = "pending"
	}
	for _, s := range list {
		if s.state == "error" || s.state == "failure" {
			state = "failure"
			break
		}
		if s.state == "pending" {
			state = "pending"
		}
	}
	a := countedOf(c, "statuses", list, func(s *status) object { return s.simple(c.repo) })
	o := a.body.(object)
	o["state"], o["sha"], o["repository"] = state, sha, c.repo.brief()
	o["commit_url"], o["url"] = c.repo.api("/commits/%s", sha), c.repo.api("/commits/%s/status", sha)
	return a
}

func postStatus(c *call) answer {
	var b struct {
		State       string  `json:"state"`
		TargetURL   *string `json:"target_url"`
		Description *string `json:"description"`
		Context     string  `json:"context"`
	}
	if c.decode(&b) != nil {
		return problemsParsing()
	}
	sha := c.vars["sha"]
	switch {
	case c.repo.objects.commits[sha] == nil:
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+sha)
	case !slices.Contains([]string{"error", "failure", "pending", "success"}, b.State):
		return invalid("Status", "state", "state is not included in the list")
	}
	s := status{sha: sha, context: b.Context, state: b.State}
	if s.context == "" {
		s.context = "default"
	}
	set(&s.target, b.TargetURL)
	set(&s.description, b.Description)
	if len([]rune(s.description)) > 140 {
		return invalid("Status", "description", "description is too long (maximum is 140 characters)")
	}
	a := created(c.repo.setStatus(c.g.app.bot, s).json(c.repo))
	a.header = http.Header{"Location": {c.repo.api("/statuses/%s", strconv.FormatInt(c.g.lastID, 10))}}
	return a
}
