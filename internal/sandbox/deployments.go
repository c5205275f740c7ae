package sandbox

import (
	"slices"
	"time"
)

// deployStatus is how far a deployment has come.
type deployStatus struct {
	id    int64
	state string
	by    *user
	at    time.Time
}

// ID returns the deployment's id.
func (d *Deployment) ID() int64 { return d.id }

// Run returns the number of the run of GitHub Actions that waits.
func (d *Deployment) Run() int64 { return d.run }

// Status says how far the deployment has come: "success", "failure",
// "in_progress", "inactive" ….
func (d *Deployment) Status(who, state string) {
	defer d.repo.gh.act()()
	s := deployStatus{id: d.repo.gh.newID(), state: state, by: d.repo.gh.person(who), at: d.repo.gh.now()}
	d.statuses = append(d.statuses, s)
	d.repo.gh.emit(d.repo, "deployment_status", "created", s.by, object{
		"deployment_status": d.statusJSON(s), "deployment": d.json(), "check_run": nil, "workflow": nil, "workflow_run": nil,
	})
}

func (d *Deployment) statusJSON(s deployStatus) object {
	url := d.repo.api("/deployments/%d", d.id)
	return object{
		"url": url + "/statuses", "id": s.id, "node_id": nodeID("DeploymentStatus", s.id), "state": s.state, "creator": s.by.orNull(),
		"description": "", "environment": d.environment, "target_url": "", "created_at": stamp(s.at), "updated_at": stamp(s.at),
		"deployment_url": url, "repository_url": d.repo.api(""), "environment_url": "", "log_url": "",
		"performed_via_github_app": nil,
	}
}

func (g *GitHub) deploymentRoutes() []route {
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/deployments", "deployments:read", func(c *call) answer {
			list := slices.DeleteFunc(newestFirst(c.repo.deployments), func(d *Deployment) bool {
				return c.query("sha") != "" && c.query("sha") != d.sha || c.query("environment") != "" && c.query("environment") != d.environment
			})
			return listOf(c, list, (*Deployment).json)
		}),
		newRoute("GET", "/repos/{owner}/{repo}/deployments/{id}/statuses", "deployments:read", func(c *call) answer {
			for _, d := range c.repo.deployments {
				if d.id == c.id("id") {
					return listOf(c, newestFirst(d.statuses), d.statusJSON)
				}
			}
			return notFound()
		}),
	}
}

// runsOfDeployments are the runs of GitHub Actions that wait to deploy a commit,
// as the suites that they are.
func (r *Repo) runsOfDeployments(sha string) []*suite {
	var list []*suite
	for _, d := range newestFirst(r.deployments) {
		if sha == "" || d.sha == sha {
			list = append(list, &suite{
				repo: r, id: d.id, app: r.gh.apps[ActionsID], run: d.run, sha: d.sha, branch: d.ref, created: d.created, updated: d.created,
				workflow: Workflow{Path: ".github/workflows/deploy.yml", Event: "push"},
			})
		}
	}
	return list
}
