package sandbox

import "slices"

func (g *GitHub) workflowRoutes() []route {
	return []route{newRoute("GET", "/repos/{owner}/{repo}/actions/runs", "actions:read", listWorkflowRuns)}
}

// listWorkflowRuns lists the runs of GitHub Actions, the newest first.
func listWorkflowRuns(c *call) answer {
	list := slices.DeleteFunc(newestFirst(c.repo.suites), func(s *suite) bool {
		return s.run == 0 || c.query("head_sha") != "" && c.query("head_sha") != s.sha || c.query("event") != "" && c.query("event") != s.workflow.Event
	})
	if c.query("event") == "" || c.query("event") == "push" {
		list = append(list, c.repo.runsOfDeployments(c.query("head_sha"))...)
	}
	return countedOf(c, "workflow_runs", list, (*suite).workflowRun)
}

func (s *suite) workflowRun() object {
	r := s.repo
	url := r.api("/actions/runs/%d", s.run)
	status, conclusion := s.state()
	return object{
		"id": s.run, "node_id": nodeID("WorkflowRun", s.run), "name": "CI", "head_branch": orNil(s.branch), "head_sha": s.sha,
		"path": s.workflow.Path, "display_title": "CI", "run_number": 1, "run_attempt": 1, "event": s.workflow.Event, "status": status,
		"conclusion": orNil(conclusion), "workflow_id": 1, "check_suite_id": s.id, "check_suite_node_id": nodeID("CheckSuite", s.id),
		"url": url, "html_url": web("%s/actions/runs/%d", r.fullName(), s.run), "pull_requests": r.pullsOn(s.sha),
		"created_at": stamp(s.created), "updated_at": stamp(s.updated), "run_started_at": stamp(s.created),
		"jobs_url": url + "/jobs", "logs_url": url + "/logs", "check_suite_url": r.api("/check-suites/%d", s.id),
		"artifacts_url": url + "/artifacts", "cancel_url": url + "/cancel", "rerun_url": url + "/rerun",
		"workflow_url": r.api("/actions/workflows/%d", 1), "head_commit": r.objects.at(s.sha).simple(),
		"repository": r.brief(), "head_repository": r.brief(), "actor": s.app.bot.orNull(), "triggering_actor": s.app.bot.orNull(),
	}
}
