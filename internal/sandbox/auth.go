package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// token is an installation access token.
type token struct {
	text        string
	owner       *Owner
	expires     time.Time
	permissions map[string]string
	repos       []int64 // nil: all that the installation sees
}

// tokenLife is how long installation tokens live.
// https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
const tokenLife = time.Hour

// DefaultPermissions returns enough for every route of this package: what
// Gonogo's manifest asks for, and what later versions may need.
func DefaultPermissions() map[string]string {
	return map[string]string{
		"metadata": "read", "checks": "write", "contents": "read", "pull_requests": "write", "issues": "write",
		"statuses": "read", "members": "read", "secret_scanning_alerts": "read", "merge_queues": "read",
		"administration": "read", "actions": "read", "deployments": "write",
	}
}

// admit checks who asks and whether they may; its status is zero when they may.
func (c *call) admit() answer {
	scheme, credential, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token") {
		credential = ""
	}
	if c.route == nil {
		return notFound()
	}
	if c.route.permission == "app" {
		return c.admitApp(credential)
	}
	t := c.g.tokens[credential]
	if t == nil && c.route.permission == "public" {
		return answer{}
	}
	if t == nil || !c.g.cfg.AuthNow().Before(t.expires) {
		return refuse(http.StatusUnauthorized, "Bad credentials")
	}
	c.token, c.inst = t, t.owner
	if id := c.id("repository_id"); id > 0 {
		c.nameRepo(id)
	}
	if a := c.closed(); a.status != 0 {
		return a
	}
	if a := c.admitInstallation(); a.status != 0 {
		return a
	}
	return c.findRepo()
}

// nameRepo lets a request by the repository's id be as one by its name.
func (c *call) nameRepo(id int64) {
	c.vars["owner"], c.vars["repo"] = "-", "-"
	for _, r := range c.g.repos {
		if r.id == id && !r.deleted {
			c.vars["owner"], c.vars["repo"] = r.owner.login, r.name
		}
	}
}

func (c *call) admitApp(credential string) answer {
	if credential == "" {
		return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
	}
	if message := c.g.checkJWT(credential); message != "" {
		return refuse(http.StatusUnauthorized, message)
	}
	return answer{}
}

// checkJWT returns what is wrong with the App's token, "" when nothing is.
func (g *GitHub) checkJWT(text string) string {
	claims := jwt.RegisteredClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(text, &claims, func(*jwt.Token) (any, error) { return &g.key.PublicKey, nil })
	now := g.cfg.AuthNow()
	switch {
	case err != nil:
		return "A JSON web token could not be decoded"
	case claims.Issuer != fmt.Sprint(g.cfg.AppID):
		return "'Issuer' claim ('iss') must be an Integer"
	case claims.IssuedAt == nil || claims.IssuedAt.After(now.Add(time.Minute)):
		return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	case claims.ExpiresAt == nil || !claims.ExpiresAt.After(now):
		return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
	case claims.ExpiresAt.After(now.Add(10 * time.Minute)):
		return "'Expiration time' claim ('exp') is too far in the future"
	}
	return ""
}

func (c *call) admitInstallation() answer {
	switch {
	case !c.inst.installed:
		return refuse(http.StatusUnauthorized, "Bad credentials")
	case !c.inst.suspended.IsZero():
		return refuse(http.StatusForbidden, "This installation has been suspended")
	case c.vars["owner"] != "" && !c.seesRepo():
		return notFound()
	case !c.permitted(c.route.permission):
		a := refuse(http.StatusForbidden, "Resource not accessible by integration")
		a.header = http.Header{}
		a.header.Set("X-Accepted-GitHub-Permissions", strings.NewReplacer(":", "=", "|", "; ").Replace(c.route.permission))
		return a
	}
	return answer{}
}

// permitted reports whether one of the alternatives "contents:read|checks:read"
// is granted to the installation and to the token.
func (c *call) permitted(alternatives string) bool {
	if alternatives == "" || alternatives == "public" {
		return true
	}
	for _, one := range strings.Split(alternatives, "|") {
		name, level, _ := strings.Cut(one, ":")
		if allows(c.inst.permissions[name], level) && allows(c.token.permissions[name], level) {
			return true
		}
	}
	return false
}

func allows(granted, needed string) bool {
	switch granted {
	case "admin", "write":
		return true
	case "read":
		return needed == "read"
	}
	return false
}

func (c *call) seesRepo() bool {
	r := c.g.findRepo(c.vars["owner"], c.vars["repo"])
	if r == nil {
		return false
	}
	if r.owner != c.inst {
		return !r.private && c.r.Method == http.MethodGet
	}
	if r.hidden {
		return !r.private && c.r.Method == http.MethodGet
	}
	return c.token.repos == nil || slices.Contains(c.token.repos, r.id)
}

// findRepo sets the call's repository; a renamed one is answered by 301.
func (c *call) findRepo() answer {
	if c.vars["owner"] == "" {
		return answer{}
	}
	owner, name := c.vars["owner"], c.vars["repo"]
	c.repo = c.g.findRepo(owner, name)
	if strings.EqualFold(c.repo.owner.login, owner) && strings.EqualFold(c.repo.name, name) {
		return answer{}
	}
	to := c.g.api("/repositories/%d%s", c.repo.id, strings.TrimPrefix(apiPath(c.r.URL), "/repos/"+owner+"/"+name))
	a := refuse(http.StatusMovedPermanently, "Moved Permanently")
	if c.r.Method != http.MethodGet {
		a = refuse(http.StatusTemporaryRedirect, "Moved Temporarily")
	}
	if c.r.URL.RawQuery != "" {
		to += "?" + c.r.URL.RawQuery
	}
	a.body.(object)["url"] = to
	a.header = http.Header{"Location": {to}}
	return a
}

func (g *GitHub) appRoutes() []route {
	return []route{
		newRoute("GET", "/app", "app", func(c *call) answer { return ok(c.g.appJSON()) }),
		newRoute("GET", "/app/installations", "app", listInstallations),
		newRoute("GET", "/app/installations/{id}", "app", func(c *call) answer {
			return installationOr404(c.g.installation(c.id("id")))
		}),
		newRoute("POST", "/app/installations/{id}/access_tokens", "app", createToken),
		newRoute("GET", "/orgs/{org}/installation", "app", func(c *call) answer {
			return installationOr404(c.g.owners[strings.ToLower(c.vars["org"])])
		}),
		newRoute("GET", "/users/{org}/installation", "app", func(c *call) answer {
			return installationOr404(c.g.owners[strings.ToLower(c.vars["org"])])
		}),
		newRoute("GET", "/repos/{owner}/{repo}/installation", "app", repoInstallation),
		newRoute("GET", "/installation/repositories", "", listInstallationRepos),
		newRoute("GET", "/meta", "public", func(c *call) answer {
			return ok(object{"verifiable_password_authentication": false, "hooks": []string{"127.0.0.0/8", "::1/128"}})
		}),
		newRoute("GET", "/rate_limit", "", rateLimit),
	}
}

func listInstallations(c *call) answer {
	var list []*Owner
	for _, login := range slices.Sorted(maps.Keys(c.g.owners)) {
		if o := c.g.owners[login]; o.installed {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b *Owner) int { return int(a.installation - b.installation) })
	return listOf(c, list, (*Owner).installationJSON)
}

func installationOr404(o *Owner) answer {
	if o == nil || !o.installed {
		return notFound()
	}
	return ok(o.installationJSON())
}

func createToken(c *call) answer {
	o := c.g.installation(c.id("id"))
	if o == nil {
		return notFound()
	}
	if !o.suspended.IsZero() {
		return refuse(http.StatusForbidden, "This installation has been suspended")
	}
	var want struct {
		Permissions   map[string]string `json:"permissions"`
		RepositoryIDs []int64           `json:"repository_ids"`
		Repositories  []string          `json:"repositories"`
	}
	if c.decode(&want) != nil {
		return problemsParsing()
	}
	t := &token{owner: o, expires: c.g.cfg.AuthNow().Add(tokenLife).Truncate(time.Second), permissions: maps.Clone(o.permissions), repos: want.RepositoryIDs}
	if want.Permissions != nil {
		for name, level := range want.Permissions {
			if !allows(o.permissions[name], level) {
				return refuse(http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
			}
		}
		t.permissions = want.Permissions
		t.permissions["metadata"] = "read"
	}
	for _, name := range want.Repositories {
		if r := c.g.findRepo(o.login, name); r != nil {
			t.repos = append(t.repos, r.id)
		}
	}
	t.text = "ghs_" + digestOf("token", fmt.Sprint(c.g.newID()))[:36]
	c.g.tokens[t.text] = t
	return created(object{
		"token": t.text, "expires_at": stamp(t.expires), "permissions": t.permissions, "repository_selection": "all",
	})
}

func listInstallationRepos(c *call) answer {
	var list []*Repo
	for _, r := range c.g.repos {
		if r.owner == c.inst && !r.hidden && !r.deleted && (c.token.repos == nil || slices.Contains(c.token.repos, r.id)) {
			list = append(list, r)
		}
	}
	a := countedOf(c, "repositories", list, (*Repo).json)
	a.body.(object)["repository_selection"] = "all"
	return a
}

func rateLimit(c *call) answer {
	used := min(c.g.traffic.used[c.inst.installation], c.g.cfg.Limit)
	reset := c.g.traffic.resets
	if reset.IsZero() {
		reset = c.g.now().Add(time.Hour)
	}
	core := object{"limit": c.g.cfg.Limit, "used": used, "remaining": c.g.cfg.Limit - used, "reset": reset.Unix()}
	search := object{"limit": 30, "used": 0, "remaining": 30, "reset": reset.Unix()}
	return ok(object{"resources": object{"core": core, "search": search}, "rate": core})
}

func (g *GitHub) appJSON() object {
	o := g.appBrief(g.app)
	n := 0
	for _, owner := range g.owners {
		if owner.installed {
			n++
		}
	}
	o["installations_count"] = n
	return o
}

// appBrief is an App as it is shown inside checks.
func (g *GitHub) appBrief(a *App) object {
	permissions, events := map[string]string{"metadata": "read", "checks": "write"}, []string{}
	if a == g.app {
		permissions, events = g.cfg.Permissions, subscribed
	}
	return object{
		"id": a.ID, "slug": a.Slug, "node_id": nodeID("App", a.ID), "owner": a.bot.json(), "name": a.Name,
		"client_id": fmt.Sprintf("Iv1.%016x", a.ID), "description": "", "external_url": web("apps/%s", a.Slug),
		"html_url": web("apps/%s", a.Slug), "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z",
		"permissions": permissions, "events": events,
	}
}

func repoInstallation(c *call) answer {
	r := c.g.findRepo(c.vars["owner"], c.vars["repo"])
	if r == nil || r.hidden {
		return notFound()
	}
	return installationOr404(r.owner)
}
