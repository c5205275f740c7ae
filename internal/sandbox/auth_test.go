package sandbox_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

func TestAppTokenIsChecked(t *testing.T) {
	w := newWorld(t)
	now := w.clock.now()
	for _, c := range []struct {
		name   string
		change func(*jwt.RegisteredClaims)
		want   int
	}{
		{"a good one", nil, http.StatusOK},
		{"expired", func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(now) }, http.StatusUnauthorized},
		{"valid for too long", func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(now.Add(11 * time.Minute)) }, http.StatusUnauthorized},
		{"of the future", func(c *jwt.RegisteredClaims) { c.IssuedAt = jwt.NewNumericDate(now.Add(2 * time.Minute)) }, http.StatusUnauthorized},
		{"of another App", func(c *jwt.RegisteredClaims) { c.Issuer = "1" }, http.StatusUnauthorized},
	} {
		got := w.as(w.jwt(c.change)).get("/app", c.want)
		if c.want == http.StatusUnauthorized && got.text("documentation_url") == "" {
			t.Errorf("%s: %s", c.name, got.body)
		}
	}
	w.as("").get("/meta", http.StatusOK)
	w.as(w.jwt(nil)).get("/meta", http.StatusOK)
	w.as("").get("/app", http.StatusUnauthorized)
	w.as("nonsense").get("/app", http.StatusUnauthorized)
	w.app().get("/app", http.StatusUnauthorized)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer: fmt.Sprint(w.AppID()), IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute)),
	}).SignedString(other)
	if err != nil {
		t.Fatal(err)
	}
	w.as(forged).get("/app", http.StatusUnauthorized)
}

func TestInstallationTokens(t *testing.T) {
	w := newWorld(t)
	w.as("").get(shop, http.StatusUnauthorized)
	w.as(w.jwt(nil)).get(shop, http.StatusUnauthorized)
	path := fmt.Sprintf("/app/installations/%d/access_tokens", w.acme.InstallationID())
	other := w.acme.Repo("blog")
	narrow := w.as(w.jwt(nil)).post(path, map[string]any{
		"permissions": map[string]string{"contents": "read"}, "repository_ids": []int64{other.ID()},
	}, http.StatusCreated).text("token")
	w.as(narrow).get("/repos/acme/blog/contents/README.md", http.StatusOK)
	w.as(narrow).get("/repos/acme/blog/pulls", http.StatusForbidden)
	w.as(narrow).get(shop, http.StatusNotFound)
	if got := w.as(narrow).get("/installation/repositories", http.StatusOK); got.text("total_count") != "1" {
		t.Errorf("repositories: %s", got.body)
	}
	w.as(w.jwt(nil)).post(path, map[string]any{"permissions": map[string]string{"workflows": "write"}}, http.StatusUnprocessableEntity)
	w.as(w.jwt(nil)).post("/app/installations/1/access_tokens", nil, http.StatusNotFound)
	w.clock.move(time.Hour)
	w.app().get(shop, http.StatusUnauthorized)
	w.token = w.newToken()
	w.app().get(shop, http.StatusOK)
}

func TestPermissionsAreEnforced(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.OpenIssue("kim", "One", "")
	for _, c := range []struct{ permission, path string }{
		{"contents", shop + "/contents/README.md"}, {"checks", shop + "/commits/main/check-runs"},
		{"statuses", shop + "/commits/main/status"}, {"pull_requests", shop + "/pulls"},
		{"secret_scanning_alerts", shop + "/secret-scanning/alerts"}, {"members", "/orgs/acme/teams/qa"},
	} {
		w.acme.Permit(c.permission, "")
		got := w.app().get(c.path, http.StatusForbidden)
		if got.text("message") != "Resource not accessible by integration" {
			t.Errorf("%s: %s", c.path, got.body)
		}
		if accepted := got.header.Get("X-Accepted-GitHub-Permissions"); !strings.Contains(accepted, c.permission+"=read") {
			t.Errorf("%s: accepted permissions %q", c.path, accepted)
		}
		w.acme.Permit(c.permission, "write")
	}
	w.acme.Permit("checks", "read")
	w.app().post(shop+"/check-runs", map[string]any{"name": "x", "head_sha": w.repo.Tip("main")}, http.StatusForbidden)
	w.acme.Permit("issues", "")
	// Comments need one of two permissions.
	w.app().post(fmt.Sprintf("%s/issues/%d/comments", shop, pr.Number()), map[string]any{"body": "hi"}, http.StatusCreated)
	w.acme.Permit("pull_requests", "")
	w.app().post(fmt.Sprintf("%s/issues/%d/comments", shop, pr.Number()), map[string]any{"body": "hi"}, http.StatusForbidden)
	w.app().do(http.MethodDelete, shop+"/git/refs/heads/main", nil, http.StatusForbidden)
}

func TestSuspendedAndRemovedInstallations(t *testing.T) {
	w := newWorld(t)
	w.acme.Suspend()
	w.app().get(shop, http.StatusForbidden)
	path := fmt.Sprintf("/app/installations/%d", w.acme.InstallationID())
	if got := w.as(w.jwt(nil)).get(path, http.StatusOK); got.text("suspended_at") == "<nil>" {
		t.Errorf("installation: %s", got.body)
	}
	w.as(w.jwt(nil)).post(path+"/access_tokens", nil, http.StatusForbidden)
	w.acme.Unsuspend()
	w.app().get(shop, http.StatusOK)
	w.acme.Uninstall()
	w.app().get(shop, http.StatusUnauthorized)
	w.as(w.jwt(nil)).get(shop+"/installation", http.StatusNotFound)
	w.as(w.jwt(nil)).get(path, http.StatusNotFound)
	w.acme.Install()
	w.token = w.newToken()
	w.app().get(shop, http.StatusOK)
}

func TestRepositoriesMove(t *testing.T) {
	w := newWorld(t)
	id := w.repo.ID()
	w.repo.Rename("dana", "store")
	moved := w.app().get(shop+"/pulls?state=all", http.StatusMovedPermanently)
	if want := fmt.Sprintf("%s/repositories/%d/pulls?state=all", w.URL(), id); moved.header.Get("Location") != want {
		t.Errorf("moved to %q, want %q", moved.header.Get("Location"), want)
	}
	w.app().get(moved.header.Get("Location"), http.StatusOK)
	w.app().get(fmt.Sprintf("/repositories/%d/pulls", id+1_000), http.StatusNotFound)
	w.app().post(shop+"/issues", map[string]any{"title": "x"}, http.StatusTemporaryRedirect)
	w.repo.Delete("dana")
	w.app().get("/repos/acme/store", http.StatusNotFound)
	again := w.acme.Repo("store")
	if again.ID() == id {
		t.Error("a new repository has the old one's id")
	}
	w.Org("beta").Repo("secret")
	w.app().get("/repos/beta/secret", http.StatusNotFound)
	w.Org("beta").Repo("secret").Publish()
	w.app().get("/repos/beta/secret", http.StatusOK)
	again.Hide()
	w.app().get("/repos/acme/store", http.StatusNotFound)
	w.as(w.jwt(nil)).get("/repos/acme/store/installation", http.StatusNotFound)
	again.Show()
	again.Transfer("dana", w.Org("beta"))
	if again.FullName() != "beta/store" {
		t.Errorf("the repository is %s", again.FullName())
	}
}

func TestKeyIsADownload(t *testing.T) {
	w := newWorld(t)
	key, err := jwt.ParseRSAPrivateKeyFromPEM(w.PrivateKeyPEM())
	if err != nil || !key.Equal(testKey()) {
		t.Errorf("key: %v", err)
	}
	if w.BotLogin() != "gonogo[bot]" {
		t.Errorf("bot %s", w.BotLogin())
	}
}
