package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// alert is a secret-scanning alert.
type alert struct {
	repo       *Repo
	number     int
	kind       string
	path       string
	line       int
	commit     string
	created    time.Time
	resolved   time.Time
	resolvedBy *user
	resolution string
}

// Secret is a credential that GitHub's own scanning found.
type Secret struct {
	Type   string // such as "aws_access_key_id"
	Path   string
	Line   int
	Commit string
}

// SecretScanning switches the feature; without it the API answers 404.
func (r *Repo) SecretScanning(on bool) {
	defer r.gh.act()()
	r.scanning = on
}

// Alert raises a secret-scanning alert and returns its number.
func (r *Repo) Alert(s Secret) int {
	defer r.gh.act()()
	r.objects.at(s.Commit)
	a := &alert{
		repo: r, number: len(r.alerts) + 1, kind: s.Type, path: s.Path, line: s.Line, commit: s.Commit, created: r.gh.now(),
	}
	r.alerts = append(r.alerts, a)
	r.gh.emit(r, "secret_scanning_alert", "created", r.gh.person("github"), object{"alert": a.json()})
	return a.number
}

// ResolveAlert closes an alert: "revoked", "false_positive", "used_in_tests" or
// "wont_fix".
func (r *Repo) ResolveAlert(who string, number int, resolution string) {
	defer r.gh.act()()
	a := r.alerts[number-1]
	a.resolution, a.resolved, a.resolvedBy = resolution, r.gh.now(), r.gh.person(who)
	r.gh.emit(r, "secret_scanning_alert", "resolved", a.resolvedBy, object{"alert": a.json()})
}

func (a *alert) json() object {
	url := a.repo.api("/secret-scanning/alerts/%d", a.number)
	state := "open"
	if a.resolution != "" {
		state = "resolved"
	}
	return object{
		"number": a.number, "created_at": stamp(a.created), "updated_at": stamp(a.created), "url": url,
		"html_url":      web("%s/security/secret-scanning/%d", a.repo.fullName(), a.number),
		"locations_url": url + "/locations", "state": state, "resolution": orNil(a.resolution),
		"resolved_at": stamp(a.resolved), "resolved_by": a.resolvedBy.orNull(), "resolution_comment": nil,
		"secret_type": a.kind, "secret_type_display_name": a.kind, "secret": "", "push_protection_bypassed": false,
		"push_protection_bypassed_by": nil, "push_protection_bypassed_at": nil, "validity": "unknown",
		"publicly_leaked": false, "multi_repo": false,
	}
}

func (g *GitHub) alertRoutes() []route {
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/secret-scanning/alerts", "secret_scanning_alerts:read", whenScanning(listAlerts)),
		newRoute("GET", "/repos/{owner}/{repo}/secret-scanning/alerts/{number}/locations", "secret_scanning_alerts:read", whenScanning(alertLocations)),
	}
}

func whenScanning(then func(*call) answer) func(*call) answer {
	return func(c *call) answer {
		if !c.repo.scanning {
			return refuse(http.StatusNotFound, "Secret scanning is disabled on this repository.")
		}
		return then(c)
	}
}

func listAlerts(c *call) answer {
	list := slices.DeleteFunc(newestFirst(c.repo.alerts), func(a *alert) bool {
		state := c.query("state")
		return state == "open" && a.resolution != "" || state == "resolved" && a.resolution == ""
	})
	return listOf(c, list, (*alert).json)
}

func alertLocations(c *call) answer {
	for _, a := range c.repo.alerts {
		if strconv.Itoa(a.number) == c.vars["number"] {
			return listOf(c, []*alert{a}, (*alert).location)
		}
	}
	return notFound()
}

func (a *alert) location() object {
	blob := a.repo.objects.at(a.commit).files[a.path].sha
	return object{"type": "commit", "details": object{
		"path": a.path, "start_line": a.line, "end_line": a.line, "start_column": 1, "end_column": 1,
		"blob_sha": blob, "blob_url": a.repo.api("/git/blobs/%s", blob), "commit_sha": a.commit,
		"commit_url": a.repo.api("/git/commits/%s", a.commit),
	}}
}
