package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

func output(parts map[string]any) map[string]any {
	o := map[string]any{"title": "t", "summary": "s"}
	for key, value := range parts {
		o[key] = value
	}
	return o
}

func TestCheckRunLimits(t *testing.T) {
	w := newWorld(t)
	head := w.repo.Tip("main")
	action := func(label, description, identifier string) map[string]any {
		return map[string]any{"label": label, "description": description, "identifier": identifier}
	}
	good := action("GO", "Say GO", "go")
	annotation := map[string]any{"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
	many := make([]any, 51)
	for i := range many {
		many[i] = annotation
	}
	emoji := strings.Repeat("✅", 21846) // 65,538 bytes in 21,846 characters
	for _, c := range []struct {
		name  string
		extra map[string]any
		want  int
	}{
		{"nothing more", nil, 201},
		{"65,535 bytes of summary", map[string]any{"output": output(map[string]any{"summary": strings.Repeat("x", 65535)})}, 201},
		{"a byte more", map[string]any{"output": output(map[string]any{"summary": strings.Repeat("x", 65536)})}, 422},
		{"few characters of many bytes", map[string]any{"output": output(map[string]any{"summary": emoji})}, 422},
		{"a long text", map[string]any{"output": output(map[string]any{"text": emoji})}, 422},
		{"no title", map[string]any{"output": map[string]any{"summary": "s"}}, 422},
		{"no summary", map[string]any{"output": map[string]any{"title": "t"}}, 422},
		{"50 annotations", map[string]any{"output": output(map[string]any{"annotations": many[:50]})}, 201},
		{"51 annotations", map[string]any{"output": output(map[string]any{"annotations": many})}, 422},
		{"an annotation without a path", map[string]any{"output": output(map[string]any{"annotations": []any{map[string]any{"message": "m"}}})}, 422},
		{"three buttons", map[string]any{"actions": []any{good, good, good}}, 201},
		{"four buttons", map[string]any{"actions": []any{good, good, good, good}}, 422},
		{"a long label", map[string]any{"actions": []any{action(strings.Repeat("x", 21), "d", "i")}}, 422},
		{"a long description", map[string]any{"actions": []any{action("l", strings.Repeat("x", 41), "i")}}, 422},
		{"a long identifier", map[string]any{"actions": []any{action("l", "d", strings.Repeat("x", 21))}}, 422},
		{"a strange address", map[string]any{"details_url": "ftp://example.com"}, 422},
		{"a good address", map[string]any{"details_url": "https://example.com"}, 201},
		{"a strange conclusion", map[string]any{"conclusion": "ready"}, 422},
		{"stale, which GitHub alone says", map[string]any{"conclusion": "stale"}, 422},
		{"a strange status", map[string]any{"status": "done"}, 422},
		{"completed without a conclusion", map[string]any{"status": "completed"}, 422},
		{"an unknown commit", map[string]any{"head_sha": strings.Repeat("0", 40)}, 422},
		{"no name", map[string]any{"name": ""}, 422},
	} {
		body := map[string]any{"name": "release-readiness", "head_sha": head}
		for key, value := range c.extra {
			body[key] = value
		}
		got := w.app().do(http.MethodPost, shop+"/check-runs", body, c.want)
		if c.want == 422 && got.text("message") == "" {
			t.Errorf("%s: no message", c.name)
		}
	}
	// The validator found the same mistakes.
	if found := w.check.Forget(); len(found) < 10 {
		t.Errorf("the validator found %d violations", len(found))
	}
	w.app().post(shop+"/check-runs", "{", http.StatusBadRequest)
	w.check.Forget()
}

func TestCompletedRunsDoNotGoBack(t *testing.T) {
	w := newWorld(t)
	head := w.repo.Tip("main")
	post := func(extra map[string]any) reply {
		body := map[string]any{"name": "release-readiness", "head_sha": head, "output": output(nil)}
		for key, value := range extra {
			body[key] = value
		}
		return w.app().post(shop+"/check-runs", body, http.StatusCreated)
	}
	run := post(map[string]any{"status": "in_progress", "external_id": "7"})
	path := shop + "/check-runs/" + run.text("id")
	patch := func(body map[string]any, want int) reply { return w.app().do(http.MethodPatch, path, body, want) }

	patch(map[string]any{"conclusion": "failure"}, http.StatusOK)
	if got := w.app().get(path, 200); got.text("status") != "completed" || got.text("external_id") != "7" || got.text("completed_at") == "<nil>" {
		t.Errorf("a conclusion did not complete the run: %s", got.body)
	}
	patch(map[string]any{"status": "in_progress"}, http.StatusUnprocessableEntity)
	patch(map[string]any{"conclusion": "success", "output": output(map[string]any{"text": "why"})}, http.StatusOK)
	if got := w.app().get(path, 200); got.text("conclusion") != "success" || got.text("output", "text") != "why" {
		t.Errorf("run: %s", got.body)
	}
	foreign := w.repo.Check(head, sandbox.Check{Name: "build"})
	w.app().do(http.MethodPatch, shop+"/check-runs/"+fmt.Sprint(foreign.ID()), map[string]any{"conclusion": "success"}, http.StatusForbidden)
	w.app().get(shop+"/check-runs/1", http.StatusNotFound)

	post(map[string]any{"status": "in_progress"})
	list := shop + "/commits/main/check-runs?check_name=release-readiness"
	if got := w.app().get(list, 200); got.text("total_count") != "1" || got.text("check_runs", 0, "status") != "in_progress" {
		t.Errorf("latest: %s", got.body)
	}
	if got := w.app().get(list+"&filter=all", 200); got.text("total_count") != "2" {
		t.Errorf("all: %s", got.body)
	}
	if got := w.app().get(shop+"/commits/main/check-runs?app_id=15368", 200); got.text("check_runs", 0, "name") != "build" {
		t.Errorf("by App: %s", got.body)
	}
	if got := w.app().get(shop+"/commits/main/check-runs?status=completed", 200); got.text("total_count") != "0" {
		t.Errorf("by status: %s", got.body)
	}
	foreign.Complete("failure")
	if got := w.app().get(shop+"/commits/main/check-suites?app_id=15368", 200); got.text("check_suites", 0, "conclusion") != "failure" {
		t.Errorf("suites: %s", got.body)
	}
	w.app().get(shop+"/commits/nowhere/check-runs", http.StatusUnprocessableEntity)
}

func TestUnfinishedRunsBecomeStale(t *testing.T) {
	w := newWorld(t)
	w.repo.Check(w.repo.Tip("main"), sandbox.Check{Name: "build"})
	w.clock.move(15 * 24 * time.Hour)
	w.token = w.newToken()
	got := w.app().get(shop+"/commits/main/check-runs?status=completed", 200)
	if got.text("check_runs", 0, "conclusion") != "stale" {
		t.Errorf("runs: %s", got.body)
	}
}

func TestOldRunsAreDropped(t *testing.T) {
	w := newWorld(t)
	for range 1001 {
		w.repo.Check(w.repo.Tip("main"), sandbox.Check{Name: "build"})
	}
	if got := w.app().get(shop+"/commits/main/check-runs?filter=all", 200); got.text("total_count") != "1000" {
		t.Errorf("%s runs", got.text("total_count"))
	}
}

func TestManyRunsPage(t *testing.T) {
	w := newWorld(t)
	for range 150 {
		w.repo.Check(w.repo.Tip("main"), sandbox.Check{Name: "build", Conclusion: "success"})
	}
	page := w.app().get(shop+"/commits/main/check-runs?filter=all&per_page=100", 200)
	next := w.app().get(linkOf(t, page, "next"), 200)
	if page.len("check_runs") != 100 || next.len("check_runs") != 50 || page.text("total_count") != "150" {
		t.Errorf("pages of %d and %d", page.len("check_runs"), next.len("check_runs"))
	}
	linkOf(t, next, "prev")
}

func TestRequiredChecks(t *testing.T) {
	w := newWorld(t)
	ours := sandbox.Required{Name: "release-readiness", App: w.AppID()}
	for _, c := range []struct {
		name string
		need sandbox.Required
		act  func(pr *sandbox.PullRequest)
		want string // of the refusal; "" when it merges
	}{
		{"missing", ours, func(*sandbox.PullRequest) {}, "expected"},
		{"by another App", ours, func(pr *sandbox.PullRequest) { pr.Check("release-readiness", "success") }, "expected"},
		{"a status where an App is pinned", ours, func(pr *sandbox.PullRequest) { pr.Status("eve", "release-readiness", "success") }, "expected"},
		{"not pinned, by another App", sandbox.Required{Name: "release-readiness"}, func(pr *sandbox.PullRequest) { pr.Check("release-readiness", "success") }, ""},
		{"not pinned, a status", sandbox.Required{Name: "x"}, func(pr *sandbox.PullRequest) { pr.Status("eve", "x", "success") }, ""},
		{"a failed status", sandbox.Required{Name: "x"}, func(pr *sandbox.PullRequest) { pr.Status("eve", "x", "failure") }, "failure"},
		{"neutral", sandbox.Required{Name: "b"}, func(pr *sandbox.PullRequest) { pr.Check("b", "neutral") }, ""},
		{"skipped", sandbox.Required{Name: "b"}, func(pr *sandbox.PullRequest) { pr.Check("b", "skipped") }, ""},
		{"running", sandbox.Required{Name: "b"}, func(pr *sandbox.PullRequest) { pr.Check("b", "") }, "in_progress"},
		{"the newest counts", sandbox.Required{Name: "b"}, func(pr *sandbox.PullRequest) { pr.Check("b", "success"); pr.Check("b", "failure") }, "failure"},
		{"mended", sandbox.Required{Name: "b"}, func(pr *sandbox.PullRequest) { pr.Check("b", "failure"); pr.Check("b", "success") }, ""},
		{"success on another head", sandbox.Required{Name: "b"}, func(pr *sandbox.PullRequest) {
			pr.Check("b", "success")
			pr.Push("kim", map[string]string{"more": "more\n"})
		}, "expected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.repo.Unprotect("main")
			w.repo.Require("main", c.need)
			pr := w.repo.Open("kim", sandbox.Change{Title: c.name, Files: map[string]string{c.name: "x\n"}})
			c.act(pr)
			err := pr.Merge("dana", "squash")
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("merge: %v, want %q", err, c.want)
			}
		})
	}
}
