package sandbox

import (
	"net/http"
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

// periods are the values of time_period.
var periods = map[string]time.Duration{
	"day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": 30 * 24 * time.Hour, "quarter": 91 * 24 * time.Hour,
	"year": 365 * 24 * time.Hour,
}

// listActivity answers the newest first, paged by a cursor.
func listActivity(c *call) answer {
	list := newestFirst(c.repo.activity)
	if c.query("direction") == "asc" {
		slices.Reverse(list)
	}
	ref := strings.TrimPrefix(c.query("ref"), "refs/")
	period, limited := periods[c.query("time_period")]
	list = slices.DeleteFunc(list, func(a activity) bool {
		return ref != "" && ref != a.ref && "heads/"+ref != a.ref ||
			c.query("actor") != "" && !strings.EqualFold(c.query("actor"), a.actor.login) ||
			c.query("activity_type") != "" && c.query("activity_type") != a.kind ||
			limited && c.g.now().Sub(a.at) > period
	})
	page, header := cursorPage(c, "after", list, func(a activity) int64 { return a.id })
	return answer{status: http.StatusOK, body: each(page, activity.json), header: header}
}

func (a activity) json() object {
	return object{
		"id": a.id, "node_id": nodeID("Activity", a.id), "before": a.before, "after": a.after, "ref": "refs/" + a.ref,
		"timestamp": stamp(a.at), "activity_type": a.kind, "actor": a.actor.orNull(),
	}
}
