package sandbox_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"gonogo/internal/sandbox"
)

func TestContents(t *testing.T) {
	w := newWorld(t)
	w.repo.Commit("dana", "main", map[string]string{
		".github/gonogo.yml": "mode: enforce\n", "docs/a/b.md": "deep\n", "big.txt": strings.Repeat("x", 1<<20+1),
	})
	got := w.app().get(shop+"/contents/.github/gonogo.yml", 200)
	text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(got.text("content"), "\n", ""))
	if err != nil || string(text) != "mode: enforce\n" || got.text("encoding") != "base64" {
		t.Errorf("%v: %s", err, got.body)
	}
	raw := w.app().with("Accept", "application/vnd.github.raw+json").get(shop+"/contents/.github/gonogo.yml", 200)
	if string(raw.body) != "mode: enforce\n" {
		t.Errorf("raw: %s", raw.body)
	}
	big := w.app().get(shop+"/contents/big.txt", 200)
	if big.text("encoding") != "none" || big.text("content") != "" || big.text("size") != "1048577" {
		t.Errorf("a big file comes with %s", big.text("encoding"))
	}
	blob := w.app().with("Accept", "application/vnd.github.raw").get(shop+"/git/blobs/"+big.text("sha"), 200)
	if len(blob.body) != 1<<20+1 {
		t.Errorf("%d bytes of the blob", len(blob.body))
	}
	dir := w.app().get(shop+"/contents/docs", 200)
	if dir.len() != 1 || dir.text(0, "type") != "dir" || dir.text(0, "name") != "a" {
		t.Errorf("directory: %s", dir.body)
	}
	if got := w.app().get(shop+"/git/trees/main?recursive=1", 200); got.len("tree") != 7 {
		t.Errorf("tree: %s", got.body)
	}
	for _, path := range []string{"/contents/missing", "/contents/README.md?ref=nowhere", "/git/blobs/1", "/git/trees/1", "/git/commits/1"} {
		w.app().get(shop+path, http.StatusNotFound)
	}
}

func TestRefs(t *testing.T) {
	w := newWorld(t)
	tip := w.repo.Tip("main")
	w.repo.Branch("kim", "release/1.4", tip)
	w.repo.Tag("kim", "shop/v1.0.0", tip)
	w.repo.AnnotatedTag("kim", "v2.0.0", tip, "Second")
	if got := w.app().get(shop+"/git/ref/heads/release/1.4", 200); got.text("object", "sha") != tip {
		t.Errorf("ref: %s", got.body)
	}
	w.app().get(shop+"/git/ref/heads/release", http.StatusNotFound)
	if got := w.app().get(shop+"/git/matching-refs/tags/shop/v", 200); got.len() != 1 || got.text(0, "object", "type") != "commit" {
		t.Errorf("matching: %s", got.body)
	}
	tag := w.app().get(shop+"/git/ref/tags/v2.0.0", 200)
	if tag.text("object", "type") != "tag" {
		t.Errorf("tag: %s", tag.body)
	}
	object := w.app().get(shop+"/git/tags/"+tag.text("object", "sha"), 200)
	if object.text("object", "sha") != tip || object.text("message") != "Second" {
		t.Errorf("tag object: %s", object.body)
	}
	w.app().get(shop+"/git/tags/1", http.StatusNotFound)
	for _, ref := range []string{"v2.0.0", "tags/v2.0.0", "refs/heads/release/1.4", "release/1.4", tip[:7], "HEAD"} {
		if got := w.app().get(shop+"/commits/"+ref, 200); got.text("sha") != tip {
			t.Errorf("%s is %s", ref, got.text("sha"))
		}
	}
	if got := w.app().get(shop+"/commits/"+tip[:6], http.StatusUnprocessableEntity); !strings.Contains(got.text("message"), "No commit found") {
		t.Errorf("short: %s", got.body)
	}
	w.app().get(shop+"/compare/main...nowhere", http.StatusNotFound)
	if got := w.app().get(shop+"/compare/release/1.4...main", 200); got.text("status") != "identical" {
		t.Errorf("compare: %s", got.body)
	}
	w.repo.Commit("kim", "release/1.4", map[string]string{"a": "1\n"})
	w.repo.Commit("kim", "main", map[string]string{"b": "1\n"})
	for basehead, want := range map[string]string{"release/1.4...main": "diverged", "v2.0.0...main": "ahead", "main...v2.0.0": "behind"} {
		if got := w.app().get(shop+"/compare/"+basehead, 200); got.text("status") != want {
			t.Errorf("%s: %s, want %s", basehead, got.text("status"), want)
		}
	}
	if got := w.app().get(shop+"/tags", 200); got.len() != 2 || got.text(0, "commit", "sha") != tip {
		t.Errorf("tags: %s", got.body)
	}
	w.acme.Permit("contents", "write")
	w.token = w.newToken()
	w.app().do(http.MethodDelete, shop+"/git/refs/tags/v2.0.0", nil, http.StatusNoContent)
	w.app().do(http.MethodDelete, shop+"/git/refs/heads/release/1.4", nil, http.StatusNoContent)
	w.app().do(http.MethodDelete, shop+"/git/refs/heads/release/1.4", nil, http.StatusUnprocessableEntity)
	w.app().get(shop+"/branches/release/1.4", http.StatusNotFound)
}

func TestBranchRules(t *testing.T) {
	w := newWorld(t)
	w.repo.Branch("kim", "dev", w.repo.Tip("main"))
	w.repo.Protect("main", sandbox.Protection{Checks: []sandbox.Required{{Name: "build", App: sandbox.ActionsID}, {Name: "lint"}}})
	w.repo.Require("~ALL", sandbox.Required{Name: "release-readiness", App: w.AppID()})
	main := w.app().get(shop+"/branches/main", 200)
	if main.text("protected") != "true" || main.text("protection", "required_status_checks", "checks", 0, "app_id") != "15368" {
		t.Errorf("main: %s", main.body)
	}
	dev := w.app().get(shop+"/branches/dev", 200)
	if dev.text("protected") != "true" || dev.text("protection", "enabled") != "false" {
		t.Errorf("dev: %s", dev.body)
	}
	rules := w.app().get(shop+"/rules/branches/dev", 200)
	if rules.text(0, "parameters", "required_status_checks", 0, "integration_id") != "4711" {
		t.Errorf("rules: %s", rules.body)
	}
	w.repo.Unprotect("~ALL")
	if got := w.app().get(shop+"/branches?protected=false", 200); got.len() != 1 || got.text(0, "name") != "dev" {
		t.Errorf("unprotected: %s", got.body)
	}
	if got := w.app().get(shop+"/branches?protected=true", 200); got.len() != 1 || got.text(0, "name") != "main" {
		t.Errorf("protected: %s", got.body)
	}
	if got := w.app().get(shop+"/rules/branches/dev", 200); got.len() != 0 {
		t.Errorf("rules: %s", got.body)
	}
	// Rules younger than a client: GitHub adds types as it likes.
	w.repo.Rule("main", "of_tomorrow", nil)
	if got := w.app().get(shop+"/rules/branches/main", 200); got.text(0, "type") != "of_tomorrow" {
		t.Errorf("rules: %s", got.body)
	}
	w.check.Forget()
}

func TestStatuses(t *testing.T) {
	w := newWorld(t)
	tip := w.repo.Tip("main")
	if got := w.app().get(shop+"/commits/main/status", 200); got.text("state") != "pending" || got.text("total_count") != "0" {
		t.Errorf("none: %s", got.body)
	}
	w.repo.Status("ci", tip, "lint", "failure")
	w.repo.Status("ci", tip, "lint", "success")
	w.repo.Status("ci", tip, "build", "pending")
	combined := w.app().get(shop+"/commits/main/status", 200)
	if combined.text("state") != "pending" || combined.text("total_count") != "2" || combined.text("statuses", 0, "context") != "build" {
		t.Errorf("combined: %s", combined.body)
	}
	w.repo.Status("ci", tip, "build", "error")
	if got := w.app().get(shop+"/commits/main/status", 200); got.text("state") != "failure" {
		t.Errorf("combined: %s", got.body)
	}
	if got := w.app().get(shop+"/commits/main/statuses?per_page=2", 200); got.len() != 2 || got.text(0, "state") != "error" {
		t.Errorf("statuses: %s", got.body)
	}
	w.app().post(shop+"/statuses/"+tip, map[string]any{"state": "success"}, http.StatusForbidden)
	w.acme.Permit("statuses", "write")
	w.token = w.newToken()
	w.app().post(shop+"/statuses/1", map[string]any{"state": "success"}, http.StatusUnprocessableEntity)
	w.app().post(shop+"/statuses/"+tip, map[string]any{"state": "success", "description": strings.Repeat("x", 141)}, http.StatusUnprocessableEntity)
	w.app().post(shop+"/statuses/"+tip, map[string]any{"state": "ready"}, http.StatusUnprocessableEntity)
	if found := w.check.Forget(); len(found) != 1 {
		t.Errorf("the validator found %v", found)
	}
}

func TestReleases(t *testing.T) {
	w := newWorld(t)
	w.app().get(shop+"/releases/latest", http.StatusNotFound)
	first := w.repo.Release("dana", sandbox.ReleaseSpec{Tag: "v1.0.0"})
	w.repo.Release("dana", sandbox.ReleaseSpec{Tag: "v1.1.0-rc1", Prerelease: true})
	draft := w.repo.Release("dana", sandbox.ReleaseSpec{Tag: "v1.1.0", Target: "main", Draft: true})
	if got := w.app().get(shop+"/releases/latest", 200); got.text("tag_name") != "v1.0.0" {
		t.Errorf("latest: %s", got.body)
	}
	// A draft has no tag and is shown to those who may push.
	w.app().get(shop+"/git/ref/tags/v1.1.0", http.StatusNotFound)
	if got := w.app().get(shop+"/releases", 200); got.len() != 2 || got.text(0, "tag_name") != "v1.1.0-rc1" {
		t.Errorf("releases: %s", got.body)
	}
	w.acme.Permit("contents", "write")
	if got := w.app().get(shop+"/releases", 200); got.len() != 3 || got.text(0, "published_at") != "<nil>" {
		t.Errorf("releases: %s", got.body)
	}
	draft.Publish("dana")
	if got := w.app().get(shop+"/releases/tags/v1.1.0", 200); got.text("draft") != "false" {
		t.Errorf("published: %s", got.body)
	}
	w.app().get(shop+"/git/ref/tags/v1.1.0", 200)
	draft.Delete("dana")
	w.app().get(shop+"/releases/tags/v1.1.0", http.StatusNotFound)
	w.app().get(shop+"/releases/"+fmt.Sprint(first.ID()), 200)
	w.app().get(shop+"/releases/1", http.StatusNotFound)
}

func TestSecretScanning(t *testing.T) {
	w := newWorld(t)
	list := shop + "/secret-scanning/alerts"
	n := w.repo.Alert(sandbox.Secret{Type: "aws_access_key_id", Path: "README.md", Line: 1, Commit: w.repo.Tip("main")})
	w.repo.Alert(sandbox.Secret{Type: "slack_token", Path: "README.md", Line: 1, Commit: w.repo.Tip("main")})
	w.repo.ResolveAlert("dana", n, "revoked")
	if got := w.app().get(list+"?state=open", 200); got.len() != 1 || got.text(0, "secret") != "" {
		t.Errorf("open: %s", got.body)
	}
	if got := w.app().get(list+"?state=resolved", 200); got.text(0, "resolution") != "revoked" {
		t.Errorf("resolved: %s", got.body)
	}
	if got := w.app().get(list+"/2/locations", 200); got.text(0, "details", "commit_sha") != w.repo.Tip("main") {
		t.Errorf("locations: %s", got.body)
	}
	w.app().get(list+"/9/locations", http.StatusNotFound)
	w.repo.SecretScanning(false)
	w.app().get(list, http.StatusNotFound)
	w.acme.Permit("secret_scanning_alerts", "")
	w.app().get(list, http.StatusForbidden)
}
