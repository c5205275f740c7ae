package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func (g *GitHub) issueRoutes() []route {
	const read, write = "issues:read|pull_requests:read", "issues:write|pull_requests:write"
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/issues", read, listIssues),
		newRoute("POST", "/repos/{owner}/{repo}/issues", "issues:write", postIssue),
		newRoute("GET", "/repos/{owner}/{repo}/issues/{number}", read, withIssue(func(_ *call, i *Issue) answer { return ok(i.json()) })),
		newRoute("PATCH", "/repos/{owner}/{repo}/issues/{number}", write, withIssue(patchIssue)),
		newRoute("GET", "/repos/{owner}/{repo}/issues/{number}/timeline", read, withIssue(listTimeline)),
		newRoute("GET", "/repos/{owner}/{repo}/issues/{number}/events", read, withIssue(listEvents)),
	}
}

func withIssue(then func(*call, *Issue) answer) func(*call) answer {
	return func(c *call) answer {
		if i := c.repo.issue(c.number("number")); i != nil {
			return then(c, i)
		}
		return notFound()
	}
}

func listIssues(c *call) answer {
	list := slices.DeleteFunc(slices.Clone(c.repo.issues), func(i *Issue) bool { return !c.asksFor(i) })
	by := func(i *Issue) time.Time { return i.created }
	if c.query("sort") == "updated" {
		by = func(i *Issue) time.Time { return i.updated }
	}
	slices.SortStableFunc(list, func(a, b *Issue) int {
		if n := by(b).Compare(by(a)); n != 0 {
			return n
		}
		return b.number - a.number
	})
	if c.query("direction") == "asc" {
		slices.Reverse(list)
	}
	return listOf(c, list, (*Issue).json)
}

// asksFor reports whether the query of a list of issues wants i.
func (c *call) asksFor(i *Issue) bool {
	state := c.query("state")
	if state == "" {
		state = "open"
	}
	if state != "all" && state != i.state() {
		return false
	}
	for name := range strings.SplitSeq(c.query("labels"), ",") {
		has := slices.ContainsFunc(i.labels, func(l string) bool { return strings.EqualFold(l, name) })
		if name != "" && !has {
			return false
		}
	}
	since, err := time.Parse(time.RFC3339, c.query("since"))
	if err == nil && i.updated.Before(since) {
		return false
	}
	creator := c.query("creator")
	return creator == "" || strings.EqualFold(creator, i.author.login)
}

// issueBody is what POST and PATCH of issues take.
type issueBody struct {
	Title       *string `json:"title"`
	Body        *string `json:"body"`
	State       string  `json:"state"`
	StateReason string  `json:"state_reason"`
	Labels      *[]any  `json:"labels"`
}

func (b issueBody) labelNames() []string {
	var names []string
	if b.Labels == nil {
		return nil
	}
	for _, l := range *b.Labels {
		switch l := l.(type) {
		case string:
			names = append(names, l)
		case object:
			name, _ := l["name"].(string)
			names = append(names, name)
		}
	}
	return names
}

func postIssue(c *call) answer {
	var b issueBody
	if c.decode(&b) != nil {
		return problemsParsing()
	}
	if b.Title == nil || *b.Title == "" {
		return invalid("Issue", "title", "title can't be blank")
	}
	body := ""
	if b.Body != nil {
		body = *b.Body
	}
	i := c.repo.openIssue(c.g.app.bot, *b.Title, body, b.labelNames())
	a := created(i.json())
	a.header = map[string][]string{"Location": {c.repo.api("/issues/%s", strconv.Itoa(i.number))}}
	return a
}

func patchIssue(c *call, i *Issue) answer {
	var b issueBody
	if c.decode(&b) != nil {
		return problemsParsing()
	}
	bot := c.g.app.bot
	if b.Title != nil && *b.Title != i.title {
		i.retitle(bot, *b.Title)
	}
	if b.Body != nil && *b.Body != i.body {
		i.edit(bot, *b.Body)
	}
	if b.Labels != nil {
		want := b.labelNames()
		for _, l := range slices.Clone(i.labels) {
			if !slices.Contains(want, l) {
				i.dropLabel(bot, l)
			}
		}
		for _, l := range want {
			i.addLabel(bot, l)
		}
	}
	switch b.State {
	case "closed":
		i.close(bot, b.StateReason)
	case "open":
		i.reopen(bot)
	}
	return ok(i.json())
}
