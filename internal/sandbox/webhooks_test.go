package sandbox_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

type payload = map[string]any

// examples returns GitHub's own example payloads of an event.
func examples(t *testing.T, event string) []payload {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "webhooks", event+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []payload
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// common returns the keys that all payloads have.
func common(list []payload) []string {
	keys := slices.Sorted(maps.Keys(list[0]))
	return slices.DeleteFunc(keys, func(key string) bool {
		return slices.ContainsFunc(list, func(p payload) bool { _, has := p[key]; return !has })
	})
}

// left are keys of the examples that GitHub has stopped to send, or that need a
// feature that the sandbox has not.
var left = []string{
	"draft",
}

// shape holds a payload against GitHub's examples: each key that all examples
// of the same event and action have must be there, also one level down.
func shape(t *testing.T, event string, got payload) {
	t.Helper()
	all := examples(t, event)
	same := slices.DeleteFunc(slices.Clone(all), func(p payload) bool { return p["action"] != got["action"] })
	if len(same) == 0 {
		same = all
	}
	for _, key := range common(same) {
		if _, has := got[key]; !has && key != "organization" {
			t.Errorf("%s %v has no %q", event, got["action"], key)
		}
	}
	for key, value := range got {
		inner, isObject := value.(payload)
		var theirs []payload
		for _, p := range same {
			if o, isObject := p[key].(payload); isObject {
				theirs = append(theirs, o)
			}
		}
		if !isObject || len(theirs) == 0 || key == "changes" {
			continue
		}
		for _, name := range common(theirs) {
			if _, has := inner[name]; !has && !slices.Contains(left, name) {
				t.Errorf("%s %v has no %s.%s", event, got["action"], key, name)
			}
		}
	}
}

func TestWebhooksAreShapedLikeGitHubs(t *testing.T) {
	w := newWorld(t)
	hooks, url := newReceiver(t)
	w.SendWebhooks(url, secret)
	everything(w)
	w.settle()
	seen := map[string]bool{}
	for _, d := range hooks.take() {
		var p payload
		if err := json.Unmarshal(d.body, &p); err != nil {
			t.Fatal(err)
		}
		action, _ := p["action"].(string)
		seen[strings.TrimSuffix(d.event+"."+action, ".")] = true
		// There are no examples of this event.
		if d.event != "secret_scanning_alert" {
			shape(t, d.event, p)
		}
		for name, want := range map[string]string{
			"X-Github-Hook-Installation-Target-Id":   "4711",
			"X-Github-Hook-Installation-Target-Type": "integration",
			"Content-Type":                           "application/json",
			"X-Hub-Signature-256":                    sandbox.Sign(secret, d.body),
		} {
			if got := d.header.Get(name); got != want {
				t.Errorf("%s: header %s is %q, want %q", d.event, name, got, want)
			}
		}
	}
	want := strings.Fields(`
		check_run.created check_run.completed check_run.requested_action check_run.rerequested
		check_suite.requested check_suite.completed check_suite.rerequested create delete
		installation.created installation.deleted installation.suspend installation.unsuspend
		installation.new_permissions_accepted installation_repositories.added installation_repositories.removed
		issue_comment.created issue_comment.edited issue_comment.deleted
		issues.opened issues.edited issues.labeled issues.unlabeled issues.closed issues.reopened
		member.added member.edited member.removed membership.added membership.removed
		pull_request.opened pull_request.edited pull_request.synchronize pull_request.labeled pull_request.unlabeled
		pull_request.closed pull_request.reopened pull_request.ready_for_review pull_request.converted_to_draft
		pull_request_review.submitted pull_request_review.dismissed push
		release.created release.published release.released release.prereleased release.edited release.deleted
		repository.renamed repository.publicized repository.transferred repository.deleted
		secret_scanning_alert.created secret_scanning_alert.resolved status`)
	for _, name := range want {
		if !seen[name] {
			t.Errorf("no %s was sent", name)
		}
		delete(seen, name)
	}
	for name := range seen {
		t.Errorf("%s was sent and is not in this test's list", name)
	}
}

// everything does each thing that sends a webhook.
func everything(w *world) {
	w.repo.Hide()
	w.repo.Show()
	w.repo.Grant("lee", "write")
	w.repo.Grant("lee", "admin")
	w.repo.Grant("lee", "none")
	team := w.acme.Team("qa", "quinn")
	team.Remove("quinn")

	pr := w.repo.Open("kim", sandbox.Change{Title: "One", Files: map[string]string{"a.go": "package a\n"}, Draft: true})
	pr.Ready("kim")
	pr.Draft("kim")
	pr.Ready("kim")
	pr.Edit("kim", "body")
	pr.Retitle("kim", "Two")
	pr.Label("kim", "x")
	pr.Unlabel("kim", "x")
	pr.Push("kim", map[string]string{"b.go": "package a\n"})
	pr.Close("kim")
	pr.Reopen("kim")
	pr.Review("dana", gate.Approved, "").Dismiss("dana", "no")
	c := pr.Comment("dana", "/go")
	c.Edit("eve", "never mind")
	c.Delete("eve")
	w.repo.Branch("kim", "dev", w.repo.Tip("main"))
	pr.Retarget("kim", "dev")
	pr.Retarget("kim", "main")
	pr.Status("ci", "lint", "pending")
	pr.Check("build", "success")
	w.app().post(shop+"/check-runs", map[string]any{
		"name": "release-readiness", "head_sha": pr.Head(), "conclusion": "action_required",
		"output":  map[string]any{"title": "WAITING", "summary": "say go"},
		"actions": []any{map[string]any{"label": "GO", "description": "Say GO", "identifier": "go"}},
	}, http.StatusCreated)
	run := w.repo.Run(pr.Head(), "release-readiness")
	if err := run.Press("dana", "go"); err != nil {
		w.Fatal(err)
	}
	if err := run.Press("dana", "stop"); err == nil {
		w.Error("a button that is not there was pressed")
	}
	run.Rerequest("dana")
	w.repo.RerequestSuite("dana", pr.Head())
	if err := pr.Merge("dana", "merge"); err != nil {
		w.Fatal(err)
	}
	w.repo.DeleteBranch("kim", "one")

	issue := w.repo.OpenIssue("sam", "Down", "", "SEV1")
	issue.Edit("sam", "Since noon")
	issue.Unlabel("sam", "SEV1")
	issue.Close("sam")
	issue.Reopen("sam")

	w.repo.Tag("dana", "v0.9", w.repo.Tip("main"))
	release := w.repo.Release("dana", sandbox.ReleaseSpec{Tag: "v1.0.0-rc1", Prerelease: true, Draft: true})
	release.Publish("dana")
	release.Promote("dana")
	release.Edit("dana", "notes")
	release.Delete("dana")
	w.repo.DeleteTag("dana", "v0.9")
	n := w.repo.Alert(sandbox.Secret{Type: "aws", Path: "a.go", Line: 1, Commit: pr.Head()})
	w.repo.ResolveAlert("dana", n, "revoked")

	w.acme.Permit("workflows", "write")
	w.acme.Suspend()
	w.acme.Unsuspend()
	w.acme.Uninstall()
	w.acme.Install()
	w.repo.Publish()
	w.repo.Rename("dana", "store")
	w.repo.Transfer("dana", w.Org("beta"))
	w.repo.Delete("dana")
}

func TestDeliveriesAreInOrderAndCanBeAskedAgain(t *testing.T) {
	w := newWorld(t)
	hooks, url := newReceiver(t)
	w.repo.OpenIssue("sam", "Before a URL is set", "")
	w.SendWebhooks(url, secret)
	hooks.answer(http.StatusServiceUnavailable)
	w.repo.OpenIssue("sam", "One", "")
	w.settle()
	hooks.answer(http.StatusOK)
	w.repo.OpenIssue("sam", "Two", "")
	w.settle()
	first := hooks.take()
	if len(first) != 2 {
		t.Fatalf("%d deliveries, want 2", len(first))
	}
	app := w.as(w.jwt(nil))
	failed := app.get("/app/hook/deliveries?status=failure", http.StatusOK)
	if failed.len() != 1 || failed.text(0, "status_code") != "503" {
		t.Fatalf("failed deliveries: %s", failed.body)
	}
	app.post("/app/hook/deliveries/"+failed.text(0, "id")+"/attempts", nil, http.StatusAccepted)
	w.settle()
	again := hooks.take()
	if len(again) != 1 || again[0].guid != first[0].guid {
		t.Fatalf("redelivered %+v, want %s again", again, first[0].guid)
	}
	if got := app.get("/app/hook/deliveries", http.StatusOK); got.text(0, "redelivery") != "true" || got.len() != 3 {
		t.Errorf("deliveries: %s", got.body)
	}
	page := app.get("/app/hook/deliveries?per_page=2", http.StatusOK)
	next := linkOf(t, page, "next")
	if rest := app.get(next, http.StatusOK); page.len() != 2 || rest.len() != 1 {
		t.Errorf("pages of %d and %d, want 2 and 1", page.len(), rest.len())
	}
	w.clock.move(73 * time.Hour)
	app = w.as(w.jwt(nil))
	if got := app.get("/app/hook/deliveries", http.StatusOK); got.len() != 0 {
		t.Errorf("after three days: %s", got.body)
	}
	app.post("/app/hook/deliveries/"+failed.text(0, "id")+"/attempts", nil, http.StatusNotFound)
}

func linkOf(t *testing.T, r reply, rel string) string {
	t.Helper()
	for part := range strings.SplitSeq(r.header.Get("Link"), ",") {
		address, name, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) == `rel="`+rel+`"` {
			return strings.Trim(strings.TrimSpace(address), "<>")
		}
	}
	t.Fatalf("no %s link in %q", rel, r.header.Get("Link"))
	return ""
}

func TestWebhooksCanBeLostHeldAndShuffled(t *testing.T) {
	w := newWorld(t)
	hooks, url := newReceiver(t)
	w.SendWebhooks(url, secret)
	w.LoseWebhooks(true)
	w.repo.OpenIssue("sam", "Lost", "")
	w.LoseWebhooks(false)
	w.settle()
	if got := hooks.take(); len(got) != 0 || len(w.Deliveries()) != 0 {
		t.Errorf("%d lost deliveries came, %d are listed", len(got), len(w.Deliveries()))
	}
	w.HoldWebhooks()
	w.repo.OpenIssue("sam", "One", "")
	w.repo.OpenIssue("sam", "Two", "")
	w.ReleaseWebhooks(func(list []sandbox.Delivery) []sandbox.Delivery {
		slices.Reverse(list)
		return append(list, list[0])
	})
	w.settle()
	got := hooks.take()
	if len(got) != 3 || got[0].guid != got[2].guid || !strings.Contains(string(got[0].body), "Two") {
		t.Errorf("%d deliveries, the first %s", len(got), got[0].body)
	}
}

func TestNobodyListens(t *testing.T) {
	w := newWorld(t)
	w.SendWebhooks("http://127.0.0.1:1/nobody", secret)
	w.repo.OpenIssue("sam", "One", "")
	w.settle()
	if d := w.Deliveries(); len(d) != 1 || d[0].StatusCode != http.StatusBadGateway || d[0].OK() {
		t.Fatalf("deliveries %+v", d)
	}
	if err := w.Redeliver(w.Deliveries()[0].ID); err != nil {
		t.Error(err)
	}
	if err := w.Redeliver(1); err == nil {
		t.Error("an unknown delivery was redelivered")
	}
	w.settle()
}
