package sandbox_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"sync"
	"testing"

	"gonogo/internal/sandbox"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// client1 follows no redirects: tests look at them.
var client1 = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

const shop = "/repos/acme/shop"

func TestStoryOfAPullRequest(t *testing.T) {
	w := newWorld(t)
	hooks, url := newReceiver(t)
	w.SendWebhooks(url, secret)

	w.repo.Require("main", sandbox.Required{Name: "release-readiness", App: w.AppID()})
	pr := w.repo.Open("kim", sandbox.Change{
		Title: "Faster checkout", Body: "No record yet", Files: map[string]string{"checkout.go": "package checkout\n"},
	})
	head := pr.Head()
	if err := pr.Merge("dana", "merge"); err == nil || !strings.Contains(err.Error(), "expected") {
		t.Fatalf("merge without the check: %v", err)
	}
	run := w.app().post(shop+"/check-runs", map[string]any{
		"name": "release-readiness", "head_sha": head, "conclusion": "failure",
		"output":  map[string]any{"title": "NOT READY", "summary": "no record"},
		"actions": []any{map[string]any{"label": "GO", "description": "Say GO", "identifier": "go"}},
	}, http.StatusCreated)
	if err := pr.Merge("dana", "merge"); err == nil || !strings.Contains(err.Error(), "failure") {
		t.Fatalf("merge with a failed check: %v", err)
	}
	if got := pr.Verdict("release-readiness"); got.Title != "NOT READY" || got.Conclusion != "failure" {
		t.Errorf("verdict %+v", got)
	}
	w.app().do(http.MethodPatch, shop+"/check-runs/"+run.text("id"), map[string]any{"conclusion": "success"}, http.StatusOK)
	if err := pr.Merge("dana", "merge"); err != nil {
		t.Fatal(err)
	}
	w.settle()
	var names []string
	for _, d := range hooks.take() {
		names = append(names, d.event)
		if d.header.Get("X-Hub-Signature-256") != sandbox.Sign(secret, d.body) {
			t.Errorf("%s is signed wrongly", d.event)
		}
	}
	want := "create push push check_suite pull_request check_run check_run check_run push pull_request"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("webhooks\n got %s\nwant %s", got, want)
	}
}
