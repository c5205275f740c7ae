package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

func TestIssueLists(t *testing.T) {
	w := newWorld(t)
	w.repo.OpenIssue("sam", "One", "", "SEV1", "payments")
	w.clock.move(50 * time.Minute)
	w.repo.OpenIssue("kim", "Two", "", "sev1")
	w.repo.OpenIssue("kim", "Three", "", "SEV2").Close("kim")
	w.repo.Open("kim", sandbox.Change{Title: "Four", Files: map[string]string{"a": "1\n"}, Labels: []string{"SEV1"}})
	for _, c := range []struct{ query, want string }{
		{"", "4 2 1"}, {"?labels=SEV1", "4 2 1"}, {"?labels=SEV1,payments", "1"}, {"?labels=SEV2", ""},
		{"?state=all&labels=SEV2", "3"}, {"?state=closed", "3"}, {"?since=2026-05-04T09:30:00Z", "4 2"},
		{"?creator=sam", "1"}, {"?direction=asc", "1 2 4"}, {"?sort=updated&per_page=1", "4"},
	} {
		got := w.app().get(shop+"/issues"+c.query, 200)
		var numbers []string
		for i := range got.len() {
			numbers = append(numbers, got.text(i, "number"))
		}
		if strings.Join(numbers, " ") != c.want {
			t.Errorf("issues%s: %v, want %s", c.query, numbers, c.want)
		}
	}
	if got := w.app().get(shop+"/issues/4", 200); got.value("pull_request") == nil {
		t.Error("a pull request is no issue")
	}
	w.app().get(shop+"/issues/99", http.StatusNotFound)
}

func TestAppWritesIssues(t *testing.T) {
	w := newWorld(t)
	w.app().post(shop+"/issues", map[string]any{"title": ""}, http.StatusUnprocessableEntity)
	n := w.app().post(shop+"/issues", map[string]any{"title": "Incident", "labels": []any{"SEV2", map[string]any{"name": "ops"}}}, 201).text("number")
	path := shop + "/issues/" + n
	got := w.app().do(http.MethodPatch, path, map[string]any{"title": "Incident 1", "body": "b", "labels": []string{"ops"}, "state": "closed", "state_reason": "completed"}, 200)
	if got.text("title") != "Incident 1" || got.len("labels") != 1 || got.text("state") != "closed" || got.text("user", "login") != "gonogo[bot]" {
		t.Errorf("issue: %s", got.body)
	}
	w.app().do(http.MethodPatch, path, map[string]any{"state": "open"}, 200)
	if w.repo.Issue(1) == nil || !w.repo.Issue(1).IsOpen() || w.repo.Pull(1) != nil {
		t.Error("the issue is not there, or is a pull request")
	}
	events := w.app().get(path+"/events", 200)
	var kinds []string
	for i := range events.len() {
		kinds = append(kinds, events.text(i, "event"))
	}
	if got := strings.Join(kinds, " "); got != "labeled labeled renamed unlabeled closed reopened" {
		t.Errorf("events: %s", got)
	}
}

func TestComments(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "One", Files: map[string]string{"a": "1\n"}})
	said := pr.Comment("dana", "/go")
	path := fmt.Sprintf("%s/issues/comments/%d", shop, said.ID())
	if got := w.app().get(path, 200); got.text("created_at") != got.text("updated_at") {
		t.Errorf("a new comment was edited: %s", got.body)
	}
	said.Edit("eve", "/go now")
	if got := w.app().get(path, 200); got.text("created_at") == got.text("updated_at") || got.text("body") != "/go now" {
		t.Errorf("an edit in the same second does not show: %s", got.body)
	}
	w.clock.move(50 * time.Minute)
	list := fmt.Sprintf("%s/issues/%d/comments", shop, pr.Number())
	ours := w.app().post(list, map[string]any{"body": "Please decide"}, 201)
	if ours.text("user", "type") != "Bot" || ours.text("performed_via_github_app", "slug") != "gonogo" {
		t.Errorf("our comment: %s", ours.body)
	}
	if got := w.app().get(list+"?since=2026-05-04T09:30:00Z", 200); got.len() != 1 {
		t.Errorf("since: %s", got.body)
	}
	w.app().post(list, map[string]any{"body": ""}, http.StatusUnprocessableEntity)
	w.app().post(list, map[string]any{"body": strings.Repeat("x", 65537)}, http.StatusUnprocessableEntity)
	w.app().post(path+"/reactions", map[string]any{"content": "eyes"}, 201)
	if got := w.app().get(path, 200); got.text("reactions", "eyes") != "1" {
		t.Errorf("reactions: %s", got.body)
	}
	said.Delete("eve")
	w.app().get(path, http.StatusNotFound)
	views := pr.Comments()
	if len(views) != 1 || views[0].Author != "gonogo[bot]" || views[0].Body != "Please decide" {
		t.Errorf("comments: %+v", views)
	}
	w.app().do(http.MethodPost, path+"/reactions", map[string]any{"content": "tomato"}, http.StatusNotFound)
	if found := w.check.Forget(); len(found) != 1 {
		t.Errorf("the validator found %v", found)
	}
}
