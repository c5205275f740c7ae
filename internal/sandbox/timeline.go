package sandbox

import (
	"maps"
	"slices"
	"time"
)

// event is one entry of an issue's timeline.
type event struct {
	id    int64
	kind  string
	actor *user
	at    time.Time
	extra object
}

func (i *Issue) note(kind string, who *user, extra object) {
	i.events = append(i.events, event{i.repo.gh.newID(), kind, who, i.repo.gh.now(), extra})
}

func (e event) json(i *Issue) object {
	o := object{
		"id": e.id, "node_id": nodeID(e.kind, e.id), "url": i.repo.api("/issues/events/%d", e.id),
		"actor": e.actor.orNull(), "event": e.kind, "commit_id": nil, "commit_url": nil, "created_at": stamp(e.at),
		"performed_via_github_app": nil,
	}
	maps.Copy(o, e.extra)
	return o
}

func listEvents(c *call, i *Issue) answer {
	return listOf(c, i.events, func(e event) object { return e.json(i) })
}

// listTimeline joins events, comments, reviews and commits by time.
func listTimeline(c *call, i *Issue) answer {
	type item struct {
		at   time.Time
		id   int64
		json func() object
	}
	var list []item
	if i.pull != nil {
		for n, commit := range i.pull.commits() {
			at := commit.committer.at
			if at.Before(i.created) {
				at = i.created
			}
			list = append(list, item{at, int64(n), func() object { return i.repo.committedJSON(commit) }})
		}
		for _, v := range i.pull.reviews {
			list = append(list, item{v.at, v.id, func() object {
				o := v.json()
				o["event"], o["state"] = "reviewed", lower(v.state)
				return o
			}})
		}
	}
	for _, e := range i.events {
		list = append(list, item{e.at, e.id, func() object { return e.json(i) }})
	}
	for _, m := range i.repo.commentsOf(i.number) {
		list = append(list, item{m.created, m.id, func() object {
			o := m.json()
			maps.Copy(o, object{"event": "commented", "actor": m.author.orNull()})
			return o
		}})
	}
	slices.SortStableFunc(list, func(a, b item) int {
		if n := a.at.Compare(b.at); n != 0 {
			return n
		}
		return int(a.id - b.id)
	})
	return listOf(c, list, func(x item) object { return x.json() })
}
