package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

const pullRoute = "/repos/{owner}/{repo}/pulls/{pull_number}"

func TestInjectedFailures(t *testing.T) {
	w := newWorld(t)
	w.repo.Open("kim", sandbox.Change{Title: "One", Files: map[string]string{"a": "1\n"}})
	one := shop + "/pulls/1"

	w.Fail(sandbox.Fault{Method: "GET", Route: pullRoute, Times: 2, Status: http.StatusBadGateway})
	w.app().get(shop+"/pulls", 200)
	w.app().get(one, http.StatusBadGateway)
	w.app().get(one, http.StatusBadGateway)
	w.app().get(one, 200)

	w.Fail(sandbox.Fault{Route: one, Status: 500, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}})
	if got := w.app().get(one, 500); string(got.body) != "<html>" || got.header.Get("Content-Type") != "text/html" {
		t.Errorf("%v %s", got.header, got.body)
	}
	w.app().get(one, 500)
	w.Mend()
	w.app().get(one, 200)

	acted := false
	w.Fail(sandbox.Fault{Route: pullRoute, Times: 1, Before: func(*http.Request) {
		acted = true
		w.repo.Pull(1).Edit("eve", "changed in between")
	}})
	if got := w.app().get(one, 200); !acted || got.text("body") != "changed in between" {
		t.Errorf("acted %v: %s", acted, got.body)
	}

	w.Fail(sandbox.Fault{Route: pullRoute, Times: 1, Stale: true})
	w.repo.Pull(1).Edit("kim", "newer")
	if got := w.app().get(one, 200); got.text("body") == "newer" {
		t.Error("the API does not lag")
	}
	if got := w.app().get(one, 200); got.text("body") != "newer" {
		t.Error("the API lags for ever")
	}
}

func TestBrokenConnections(t *testing.T) {
	w := newWorld(t)
	ask := func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL()+shop, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+w.token)
		resp, err := client1.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		return err
	}
	// The client tries idempotent requests again when a kept connection breaks.
	w.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}", Reset: true})
	if err := ask(); err == nil {
		t.Error("a reset was answered")
	}
	w.Mend()
	w.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}", Times: 1, Cut: true})
	if err := ask(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut body: %v", err)
	}
	if err := ask(); err != nil {
		t.Error(err)
	}
}

// The half pages and the dropped keys are violations, which is their purpose.
func TestHollowAnswers(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		w.repo.OpenIssue("kim", name, "")
		w.repo.Check(w.repo.Tip("main"), sandbox.Check{Name: name})
	}
	w.Fail(sandbox.Fault{Method: "GET", Half: true, Times: 2})
	if got := w.app().get(shop+"/issues", 200); got.len() != 2 {
		t.Errorf("half a list has %d items", got.len())
	}
	if got := w.app().get(shop+"/commits/main/check-runs", 200); got.len("check_runs") != 2 || got.text("total_count") != "4" {
		t.Errorf("half a list: %s", got.body)
	}
	w.Fail(sandbox.Fault{Method: "GET", Drop: "number", Times: 2})
	if got := w.app().get(shop+"/issues/1", 200); got.value("number") != nil {
		t.Error("the key is there")
	}
	if got := w.app().get(shop+"/issues", 200); got.value(0, "number") != nil || got.value(0, "title") == nil {
		t.Error("the key is there")
	}
	w.Fail(sandbox.Fault{Method: "GET", Drop: "check_runs.name", Times: 1})
	got := w.app().get(shop+"/commits/main/check-runs", 200)
	if got.value("check_runs", 0, "name") != nil || got.value("check_runs", 0, "id") == nil {
		t.Errorf("runs: %s", got.body)
	}
	if len(w.check.Forget()) == 0 {
		t.Error("the validator saw nothing")
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		limit  sandbox.Limit
		status int
		header map[string]string
	}{
		{"primary", sandbox.Limit{For: time.Minute}, 403, map[string]string{"X-RateLimit-Remaining": "0"}},
		{"secondary", sandbox.Limit{For: time.Minute, Secondary: true}, 403, map[string]string{"Retry-After": "61"}},
		{"secondary by 429", sandbox.Limit{For: time.Minute, Secondary: true, Status: 429}, 429, map[string]string{"Retry-After": "61"}},
		{"secondary without a word", sandbox.Limit{For: time.Minute, Secondary: true, Mute: true}, 403, map[string]string{"Retry-After": ""}},
	} {
		w.ForgetRequests()
		w.Limit(c.limit)
		got := w.app().get(shop, c.status)
		for name, want := range c.header {
			if got.header.Get(name) != want {
				t.Errorf("%s: header %s is %q, want %q", c.name, name, got.header.Get(name), want)
			}
		}
		w.as(w.jwt(nil)).get("/app", 200)
		if n := w.Count(func(r sandbox.Request) bool { return r.Closed }); n != 1 {
			t.Errorf("%s: %d requests in the closed window, want 1", c.name, n)
		}
		w.clock.move(time.Minute)
		w.app().get(shop, 200)
		w.clock.move(-time.Minute)
		w.Mend()
	}
}

func TestPrimaryLimitRunsOut(t *testing.T) {
	c := &clock{t: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)}
	gh, err := sandbox.New(sandbox.Config{Now: c.now, AuthNow: c.now, Key: testKey(), Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := gh.Start(); err != nil {
		t.Fatal(err)
	}
	defer gh.Close()
	w := &world{T: t, GitHub: gh, clock: c, acme: gh.Org("acme")}
	w.repo = w.acme.Repo("shop")
	w.token = w.newToken()
	first := w.app().get(shop, 200)
	tag := first.header.Get("ETag")
	if got := first.header.Get("X-RateLimit-Remaining"); got != "2" || tag == "" {
		t.Errorf("remaining %s, tag %s", got, tag)
	}
	// What has not changed costs nothing.
	for range 5 {
		got := w.app().with("If-None-Match", tag).get(shop, http.StatusNotModified)
		if len(got.body) > 0 || got.header.Get("X-RateLimit-Remaining") != "2" {
			t.Errorf("not modified: %v %s", got.header, got.body)
		}
	}
	w.app().get(shop, 200)
	w.app().get(shop+"/pulls/99", 404)
	got := w.app().get(shop, http.StatusForbidden)
	if got.header.Get("X-RateLimit-Remaining") != "0" || !strings.Contains(got.text("message"), "rate limit") {
		t.Errorf("%v %s", got.header, got.body)
	}
	if got := w.app().get("/rate_limit", 200); got.text("resources", "core", "remaining") != "0" {
		t.Errorf("rate limit: %s", got.body)
	}
	if n := gh.Count(sandbox.Request.NotModified); n != 5 {
		t.Errorf("%d not modified", n)
	}
	c.move(time.Hour)
	w.token = w.newToken()
	w.app().get(shop, 200)
}

func TestRequestLog(t *testing.T) {
	w := newWorld(t)
	w.ForgetRequests()
	w.app().post(shop+"/issues", map[string]any{"title": "One"}, 201)
	w.app().get(shop+"/pulls?state=all", 200)
	log := w.Requests()
	if len(log) != 2 || w.Count(nil) != 2 {
		t.Fatalf("log %+v", log)
	}
	if r := log[0]; r.Method != "POST" || r.Route != "/repos/{owner}/{repo}/issues" || r.Status != 201 || !strings.Contains(r.Body, "One") {
		t.Errorf("first %+v", r)
	}
	if r := log[1]; r.Path != shop+"/pulls" || r.Query != "state=all" || r.At != w.clock.now() {
		t.Errorf("second %+v", r)
	}
	w.as("").get("/nowhere", http.StatusNotFound)
	if found := w.check.Forget(); len(found) != 1 || !strings.Contains(found[0].String(), "no such route") {
		t.Errorf("the validator found %v", found)
	}
}

func TestLatencyAndRequestsInFlight(t *testing.T) {
	w := newWorld(t)
	w.ForgetRequests()
	// All requests wait for each other, and so are in flight together.
	var all sync.WaitGroup
	all.Add(5)
	w.Fail(sandbox.Fault{Before: func(*http.Request) { all.Done(); all.Wait() }})
	var clients sync.WaitGroup
	for range 5 {
		clients.Go(func() { w.app().get(shop, 200) })
	}
	clients.Wait()
	if n := w.PeakInFlight(); n != 5 {
		t.Errorf("%d in flight, want 5", n)
	}
	w.Mend()
	w.Latency(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL()+shop, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := client1.Do(req); err == nil {
		resp.Body.Close()
		t.Error("an hour passed")
	}
	w.Latency(time.Millisecond)
	w.app().get(shop, 200)
}

func TestAwait(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "One", Files: map[string]string{"a": "1\n"}})
	var done sync.WaitGroup
	done.Go(func() {
		err := w.Await(t.Context(), func() bool { return pr.Verdict("release-readiness").Conclusion == "success" })
		if err != nil {
			t.Error(err)
		}
	})
	w.app().post(shop+"/check-runs", map[string]any{"name": "release-readiness", "head_sha": pr.Head(), "conclusion": "success"}, 201)
	done.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Await(ctx, func() bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("await: %v", err)
	}
	if runs := w.repo.Runs(pr.Head()); len(runs) != 1 || runs[0].App != w.AppID() {
		t.Errorf("runs %+v", runs)
	}
}
