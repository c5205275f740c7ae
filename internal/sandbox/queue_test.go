package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"gonogo/internal/sandbox"
)

func (w *world) succeed(sha string) {
	w.Helper()
	w.app().post(shop+"/check-runs", map[string]any{"name": "release-readiness", "head_sha": sha, "conclusion": "success"}, 201)
}

func TestMergeQueue(t *testing.T) {
	w := newWorld(t)
	hooks, url := newReceiver(t)
	w.repo.Require("main", sandbox.Required{Name: "release-readiness", App: w.AppID()})
	enqueue := func(title string) (*sandbox.PullRequest, *sandbox.MergeGroup) {
		t.Helper()
		pr := w.repo.Open("kim", sandbox.Change{Title: title, Files: map[string]string{title: "1\n"}})
		m, err := pr.Enqueue("dana", "squash")
		if err != nil {
			t.Fatal(err)
		}
		return pr, m
	}
	w.SendWebhooks(url, secret)
	one, first := enqueue("one")
	_, second := enqueue("two")
	three, third := enqueue("three")

	compared := w.app().get(shop+"/compare/main..."+third.HeadSHA(), 200)
	if compared.text("ahead_by") != "3" || !strings.HasSuffix(compared.text("commits", 2, "commit", "message"), fmt.Sprintf("(#%d)", three.Number())) {
		t.Errorf("the third group: %s", compared.body)
	}
	if err := second.Land(); err == nil {
		t.Error("the second landed before the first")
	}
	if err := first.Land(); err == nil {
		t.Error("it landed without its check")
	}
	w.succeed(first.HeadSHA())
	if err := first.Land(); err != nil {
		t.Fatal(err)
	}
	if sha, merged := one.Merged(); !merged || sha != w.repo.Tip("main") {
		t.Errorf("merged %v as %s", merged, sha)
	}
	old := third.HeadSHA()
	second.Leave()
	if third.HeadSHA() == old {
		t.Error("the third was not built anew")
	}
	w.succeed(third.HeadSHA())
	if err := third.Land(); err != nil {
		t.Fatal(err)
	}
	if refs := w.app().get(shop+"/git/matching-refs/heads/gh-readonly-queue/", 200); refs.len() != 0 {
		t.Errorf("refs are left: %s", refs.body)
	}
	w.settle()
	var got []string
	for _, d := range hooks.take() {
		if d.event == "merge_group" {
			var p payload
			if err := json.Unmarshal(d.body, &p); err != nil {
				t.Fatal(err)
			}
			shape(t, "merge_group", p)
			reason, _ := p["reason"].(string)
			got = append(got, strings.TrimSpace(fmt.Sprint(p["action"], " ", reason)))
		}
	}
	want := []string{
		"checks_requested", "checks_requested", "checks_requested", "destroyed merged", "destroyed dequeued",
		"destroyed invalidated", "checks_requested", "destroyed merged",
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("events\n%v\nwant\n%v", got, want)
	}
	if _, err := one.Enqueue("dana", "merge"); err == nil {
		t.Error("a merged pull request was queued")
	}
}

func TestDeploymentProtection(t *testing.T) {
	w := newWorld(t)
	hooks, url := newReceiver(t)
	w.SendWebhooks(url, secret)
	pr := w.repo.Open("kim", sandbox.Change{Title: "One", Files: map[string]string{"a": "1\n"}})
	d := w.repo.Deploy("dana", "production", "one")
	w.settle()
	var callback string
	for _, h := range hooks.take() {
		if h.event == "deployment_protection_rule" {
			got := reply{t: t, body: h.body}
			callback = got.text("deployment_callback_url")
			if got.text("sha") != pr.Head() || got.text("environment") != "production" || got.len("pull_requests") != 1 {
				t.Errorf("event: %s", h.body)
			}
		}
	}
	for _, body := range []map[string]any{
		{"environment_name": "production", "comment": strings.Repeat("x", 1025)},
		{"environment_name": "production", "comment": ""},
		{"environment_name": "production", "state": "maybe"},
	} {
		w.app().post(callback, body, http.StatusUnprocessableEntity)
	}
	w.check.Forget()
	for range 10 {
		w.app().post(callback, map[string]any{"environment_name": "production", "comment": "waiting"}, 204)
	}
	w.app().post(callback, map[string]any{"environment_name": "production", "comment": "waiting"}, http.StatusUnprocessableEntity)
	w.app().post(callback, map[string]any{"environment_name": "staging", "state": "approved"}, http.StatusNotFound)
	w.app().post(callback, map[string]any{"environment_name": "production", "state": "rejected", "comment": "no GO"}, 204)
	w.app().post(callback, map[string]any{"environment_name": "production", "state": "approved"}, http.StatusUnprocessableEntity)
	if state, reports := d.Answer(); state != "rejected" || len(reports) != 11 || reports[10].Comment != "no GO" {
		t.Errorf("%s after %d reports", state, len(reports))
	}
	late := w.repo.Deploy("dana", "production", "main")
	late.Cancel()
	if state, _ := late.Answer(); state != "cancelled" {
		t.Errorf("state %s", state)
	}
}
