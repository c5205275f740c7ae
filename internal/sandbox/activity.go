package sandbox

import (
	"slices"
	"strings"
	"time"
)

// activity is one entry of a repository's log of pushes.
type activity struct {
	id                       int64
	kind, ref, before, after string
	actor                    *user
	at                       time.Time
}

func (r *Repo) record(kind string, who *user, ref, before, after string) {
	r.activity = append(r.activity, activity{r.gh.newID(), kind, ref, before, after, who, r.gh.now()})
}

func (g *GitHub) activityRoutes() []route {
	return []route{newRoute("GET", "/repos/{owner}/{repo}/activity", "contents:read", listActivity)}
}

// listActivity answers the newest first. GitHub pages it by cursors; the
// answers of this package fit on one page of 100.
func listActivity(c *call) answer {
	list := newestFirst(c.repo.activity)
	if c.query("direction") == "asc" {
		slices.Reverse(list)
	}
	ref := strings.TrimPrefix(c.query("ref"), "refs/")
	list = slices.DeleteFunc(list, func(a activity) bool {
		return ref != "" && ref != a.ref && "heads/"+ref != a.ref ||
			c.query("actor") != "" && !strings.EqualFold(c.query("actor"), a.actor.login) ||
			c.query("activity_type") != "" && c.query("activity_type") != a.kind
	})
	return listOf(c, list, func(a activity) object {
		return object{
			"id": a.id, "node_id": nodeID("Activity", a.id), "before": a.before, "after": a.after, "ref": "refs/" + a.ref,
			"timestamp": stamp(a.at), "activity_type": a.kind, "actor": a.actor.orNull(),
		}
	})
}
