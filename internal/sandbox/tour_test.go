package sandbox_test

import (
	"fmt"
	"net/http"
	"testing"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// TestTour asks every route that GitHub's cut description holds, and the
// validator that newWorld puts around the sandbox holds every answer against
// it.
func TestTour(t *testing.T) {
	w := newWorld(t)
	hooks, url := newReceiver(t)
	w.SendWebhooks(url, secret)
	w.acme.Admin("ceo")
	w.acme.Team("release-managers", "dana").Grant(w.repo, "maintain")
	w.acme.Permit("contents", "write")
	w.acme.Permit("statuses", "write")
	w.token = w.newToken()
	w.repo.Protect("main", sandbox.Protection{Checks: []sandbox.Required{{Name: "build", App: sandbox.ActionsID}}, Approvals: 1})
	w.repo.Require("main", sandbox.Required{Name: "release-readiness"})
	w.repo.Rule("main", "merge_queue", map[string]any{
		"check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 5,
		"max_entries_to_merge": 5, "merge_method": "MERGE", "min_entries_to_merge": 1, "min_entries_to_merge_wait_minutes": 5,
	})
	pr := w.repo.Open("kim", sandbox.Change{
		Title: "Faster checkout", Branch: "kim/fast", Files: map[string]string{"pay/checkout.go": "package pay\n"}, Labels: []string{"perf"},
	})
	pr.Approve("dana").Dismiss("ceo", "too quick")
	pr.Suggest("dana", "pay/checkout.go", 1, 2, "package pay")
	pr.Review("dana", gate.ChangesRequested, "please test")
	comment := pr.Comment("dana", "/go")
	issue := w.repo.OpenIssue("sam", "Checkout is down", "Since noon", "SEV1")
	issue.Label("sam", "payments")
	w.repo.Check(pr.Head(), sandbox.Check{Name: "build", Conclusion: "success", Of: sandbox.Workflow{Path: ".github/workflows/ci.yml", Event: "pull_request"}})
	pr.Status("ci", "lint", "success")
	w.repo.AnnotatedTag("dana", "v1.0.0", w.repo.Tip("main"), "First")
	release := w.repo.Release("dana", sandbox.ReleaseSpec{Tag: "v1.0.0"})
	alert := w.repo.Alert(sandbox.Secret{Type: "aws", Path: "pay/checkout.go", Line: 1, Commit: pr.Head()})
	w.settle()
	if len(hooks.take()) == 0 {
		t.Fatal("no webhooks came")
	}
	delivery := w.Deliveries()[0].ID

	app := w.as(w.jwt(nil))
	for _, path := range []string{
		"/app", "/app/hook/config", "/app/hook/deliveries", fmt.Sprintf("/app/hook/deliveries/%d", delivery),
		"/app/installations", fmt.Sprintf("/app/installations/%d", w.acme.InstallationID()), "/orgs/acme/installation",
		shop + "/installation",
	} {
		app.get(path, http.StatusOK)
	}
	app.get("/users/kim/installation", http.StatusNotFound)
	app.post(fmt.Sprintf("/app/hook/deliveries/%d/attempts", delivery), nil, http.StatusAccepted)

	head, n := pr.Head(), pr.Number()
	run := w.app().post(shop+"/check-runs", map[string]any{
		"name": "release-readiness", "head_sha": head, "status": "in_progress", "details_url": "https://gonogo.example/1",
		"output": map[string]any{"title": "WAITING", "summary": "CI runs", "annotations": []any{map[string]any{
			"path": "pay/checkout.go", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "here",
		}}},
	}, http.StatusCreated).text("id")
	w.app().do(http.MethodPatch, shop+"/check-runs/"+run, map[string]any{"conclusion": "success"}, http.StatusOK)
	ours := w.app().post(fmt.Sprintf("%s/issues/%d/comments", shop, n), map[string]any{"body": "Please decide"}, http.StatusCreated).text("id")
	w.app().do(http.MethodPatch, shop+"/issues/comments/"+ours, map[string]any{"body": "Decided"}, http.StatusOK)
	w.app().do(http.MethodDelete, shop+"/issues/comments/"+ours, nil, http.StatusNoContent)
	reactions := fmt.Sprintf("%s/issues/comments/%d/reactions", shop, comment.ID())
	w.app().post(reactions, map[string]any{"content": "+1"}, http.StatusCreated)
	w.app().post(reactions, map[string]any{"content": "+1"}, http.StatusOK)
	incident := w.app().post(shop+"/issues", map[string]any{
		"title": "Incident", "body": "Rolled back", "labels": []string{"SEV2"},
	}, http.StatusCreated).text("number")
	w.app().do(http.MethodPatch, shop+"/issues/"+incident, map[string]any{"state": "closed", "labels": []string{}}, http.StatusOK)
	w.app().post(shop+"/statuses/"+head, map[string]any{"state": "success", "context": "smoke"}, http.StatusCreated)

	blob := w.app().get(shop+"/contents/README.md", http.StatusOK).text("sha")
	tree := w.app().get(shop+"/git/commits/"+head, http.StatusOK).text("tree", "sha")
	tag := w.app().get(shop+"/git/ref/tags/v1.0.0", http.StatusOK).text("object", "sha")
	number := fmt.Sprintf("%d", n)
	for _, path := range []string{
		"/installation/repositories", "/meta", "/rate_limit", "/users/kim", "/orgs/acme", "/orgs/acme/teams/release-managers",
		"/orgs/acme/teams/release-managers/members", "/orgs/acme/teams/release-managers/memberships/dana",
		shop, fmt.Sprintf("/repositories/%d", w.repo.ID()), shop + "/activity", shop + "/branches",
		shop + "/branches/main", shop + "/branches/kim/fast", shop + "/check-runs/" + run,
		shop + "/check-runs/" + run + "/annotations", shop + "/collaborators", shop + "/collaborators?permission=maintain",
		shop + "/collaborators/kim/permission", shop + "/commits", shop + "/commits/" + head, shop + "/commits/kim/fast",
		shop + "/commits/" + head + "/pulls", shop + "/commits/" + head + "/check-runs", shop + "/commits/kim/fast/check-runs",
		shop + "/commits/" + head + "/check-suites", shop + "/commits/" + head + "/status",
		shop + "/commits/" + head + "/statuses", shop + "/compare/main...kim/fast", shop + "/contents/pay?ref=kim/fast",
		shop + "/contents/pay/checkout.go?ref=" + head, shop + "/git/blobs/" + blob, shop + "/git/matching-refs/heads/",
		shop + "/git/tags/" + tag, shop + "/git/trees/" + tree, shop + "/git/trees/kim/fast?recursive=1",
		shop + "/issues?state=all&labels=SEV1", shop + "/issues/" + number, shop + "/issues/" + number + "/comments",
		fmt.Sprintf("%s/issues/comments/%d", shop, comment.ID()), reactions, shop + "/issues/" + number + "/events",
		shop + "/issues/" + number + "/timeline", shop + "/pulls?state=open&base=main&sort=updated&direction=desc",
		shop + "/pulls/" + number, shop + "/pulls/" + number + "/files", shop + "/pulls/" + number + "/commits",
		shop + "/pulls/" + number + "/comments",
		shop + "/pulls/" + number + "/reviews", shop + "/releases", shop + "/releases/latest",
		shop + "/releases/tags/v1.0.0", fmt.Sprintf("%s/releases/%d", shop, release.ID()),
		shop + "/actions/runs", shop + "/actions/runs?head_sha=" + head, shop + "/rules/branches/main", shop + "/secret-scanning/alerts?state=open",
		fmt.Sprintf("%s/secret-scanning/alerts/%d/locations", shop, alert), shop + "/tags",
	} {
		w.app().get(path, http.StatusOK)
	}
	w.app().get(shop+"/collaborators/kim", http.StatusNoContent)
	w.app().get("/orgs/acme/members/dana", http.StatusNoContent)
	w.app().get("/orgs/acme/memberships/dana", http.StatusOK)

	deployment := w.repo.Deploy("dana", "production", "main")
	deployment.Status("dana", "in_progress")
	w.app().get(shop+"/deployments?environment=production", http.StatusOK)
	w.app().get(fmt.Sprintf("%s/deployments/%d/statuses", shop, deployment.ID()), http.StatusOK)
	w.settle()
	for _, d := range hooks.take() {
		if d.event == "deployment_protection_rule" {
			callback := reply{t: t, body: d.body}.text("deployment_callback_url")
			w.app().post(callback, map[string]any{"environment_name": "production", "state": "approved"}, http.StatusNoContent)
		}
	}

	pr.Approve("ceo")
	w.app().do(http.MethodPut, shop+"/pulls/"+number+"/merge", map[string]any{"sha": head}, http.StatusMethodNotAllowed)
	pr.Approve("dana")
	w.app().do(http.MethodPut, shop+"/pulls/"+number+"/merge", map[string]any{"sha": head, "merge_method": "squash"}, http.StatusOK)
	w.app().do(http.MethodDelete, shop+"/git/refs/heads/kim/fast", nil, http.StatusNoContent)
	w.app().get(shop+"/pulls/"+number, http.StatusOK)

	for _, route := range w.check.Unseen() {
		t.Errorf("%s was not asked", route)
	}
}
