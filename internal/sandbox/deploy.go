package sandbox

import (
	"net/http"
	"time"
)

// Deployment is a deployment that waits for protection rules.
type Deployment struct {
	repo        *Repo
	id, run     int64
	environment string
	sha, ref    string
	creator     *user
	created     time.Time
	state       string // "" while it waits, approved or rejected
	reports     []Report
	statuses    []deployStatus
}

// Report is what the App said about a deployment. State is "" for a comment
// without a decision.
type Report struct {
	State, Comment string
}

// GitHub's limits on the answers to a deployment protection rule.
// https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/create-custom-protection-rules
const (
	maxReports       = 10
	maxReportComment = 1024
)

// Deploy asks for a deployment of a commit to an environment that our App
// protects.
func (r *Repo) Deploy(who, environment, ref string) *Deployment {
	defer r.gh.act()()
	sha := r.resolve(ref)
	r.objects.at(sha)
	d := &Deployment{
		repo: r, id: r.gh.newID(), run: r.gh.newID(), environment: environment, sha: sha, ref: ref,
		creator: r.gh.person(who), created: r.gh.now(),
	}
	r.deployments = append(r.deployments, d)
	pulls := []object{}
	for _, p := range r.pulls {
		if p.open && p.headSHA == sha && p.head == r {
			pulls = append(pulls, p.json())
		}
	}
	r.gh.emit(r, "deployment_protection_rule", "requested", d.creator, object{
		"environment": environment, "event": "push", "sha": sha, "ref": "refs/heads/" + ref, "deployment": d.json(),
		"deployment_callback_url": r.api("/actions/runs/%d/deployment_protection_rule", d.run), "pull_requests": pulls,
	})
	return d
}

// Answer returns the decision, "" while the deployment waits, and all reports.
func (d *Deployment) Answer() (state string, reports []Report) {
	d.repo.gh.mu.Lock()
	defer d.repo.gh.mu.Unlock()
	return d.state, append([]Report(nil), d.reports...)
}

// Cancel cancels the workflow run: the App's answer comes too late.
func (d *Deployment) Cancel() {
	defer d.repo.gh.act()()
	d.state = "cancelled"
}

func (d *Deployment) json() object {
	url := d.repo.api("/deployments/%d", d.id)
	return object{
		"url": url, "id": d.id, "node_id": nodeID("Deployment", d.id), "task": "deploy", "sha": d.sha, "ref": d.ref,
		"original_environment": d.environment, "environment": d.environment, "description": nil, "payload": object{},
		"creator": d.creator.orNull(), "created_at": stamp(d.created), "updated_at": stamp(d.created),
		"statuses_url": url + "/statuses", "repository_url": d.repo.api(""), "transient_environment": false,
		"production_environment": true, "performed_via_github_app": nil,
	}
}

func (g *GitHub) deployRoutes() []route {
	return []route{newRoute(
		"POST", "/repos/{owner}/{repo}/actions/runs/{id}/deployment_protection_rule", "deployments:write", answerDeployment,
	)}
}

func answerDeployment(c *call) answer {
	var b struct {
		Environment string `json:"environment_name"`
		State       string `json:"state"`
		Comment     string `json:"comment"`
	}
	if c.decode(&b) != nil {
		return problemsParsing()
	}
	for _, d := range c.repo.deployments {
		if d.run != c.id("id") || d.environment != b.Environment {
			continue
		}
		decides := b.State == "approved" || b.State == "rejected"
		switch {
		case d.state != "":
			return refuse(http.StatusUnprocessableEntity, "The deployment is not waiting.")
		case b.State != "" && !decides, !decides && b.Comment == "":
			return refuse(http.StatusUnprocessableEntity, "state must be approved or rejected, or there must be a comment")
		case len([]rune(b.Comment)) > maxReportComment:
			return refuse(http.StatusUnprocessableEntity, "comment is too long (maximum is 1024 characters)")
		case !decides && len(d.reports) >= maxReports:
			return refuse(http.StatusUnprocessableEntity, "No more than 10 status reports are allowed.")
		}
		d.state = b.State
		d.reports = append(d.reports, Report{b.State, b.Comment})
		return done()
	}
	return notFound()
}
