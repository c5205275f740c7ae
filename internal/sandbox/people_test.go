package sandbox_test

import (
	"fmt"
	"net/http"
	"testing"
)

func TestRoles(t *testing.T) {
	w := newWorld(t)
	w.acme.Admin("ceo")
	w.acme.Member("mel")
	w.acme.Team("qa", "quinn").Grant(w.repo, "triage")
	w.repo.GrantCustom("rick", "release-captain", "write")
	for _, c := range []struct{ login, permission, role string }{
		{"dana", "write", "maintain"}, {"kim", "write", "write"}, {"ceo", "admin", "admin"}, {"mel", "read", "read"},
		{"quinn", "read", "triage"}, {"rick", "write", "release-captain"},
	} {
		got := w.app().get(shop+"/collaborators/"+c.login+"/permission", 200)
		if got.text("permission") != c.permission || got.text("role_name") != c.role {
			t.Errorf("%s has %s (%s), want %s (%s)", c.login, got.text("permission"), got.text("role_name"), c.permission, c.role)
		}
		w.app().get(shop+"/collaborators/"+c.login, http.StatusNoContent)
	}
	w.UserID("stranger")
	if got := w.app().get(shop+"/collaborators/stranger/permission", 200); got.text("permission") != "none" || got.text("user", "permissions", "pull") != "false" {
		t.Errorf("a stranger: %s", got.body)
	}
	w.app().get(shop+"/collaborators/stranger", http.StatusNotFound)
	w.app().get(shop+"/collaborators/nobody/permission", http.StatusNotFound)
	for query, want := range map[string]int{"": 6, "?permission=maintain": 2, "?permission=push": 4, "?affiliation=direct": 3, "?affiliation=outside": 3} {
		if got := w.app().get(shop+"/collaborators"+query, 200); got.len() != want {
			t.Errorf("collaborators%s: %d, want %d", query, got.len(), want)
		}
	}
	w.acme.BasePermission("none")
	w.app().get(shop+"/collaborators/mel", http.StatusNotFound)
	w.repo.Grant("kim", "none")
	w.app().get(shop+"/collaborators/kim", http.StatusNotFound)
	w.repo.Publish()
	if got := w.app().get(shop+"/collaborators/stranger/permission", 200); got.text("permission") != "read" {
		t.Errorf("a stranger in public: %s", got.body)
	}
}

func TestTeams(t *testing.T) {
	w := newWorld(t)
	managers := w.acme.Team("release-managers", "dana")
	managers.Invite("pat")
	child := w.acme.Team("night-shift", "noor")
	child.Under(managers)
	const team = "/orgs/acme/teams/release-managers"
	for login, want := range map[string]string{"dana": "active", "pat": "pending", "noor": "active"} {
		if got := w.app().get(team+"/memberships/"+login, 200); got.text("state") != want {
			t.Errorf("%s is %s, want %s", login, got.text("state"), want)
		}
	}
	if got := w.app().get(team+"/members", 200); got.len() != 2 {
		t.Errorf("members: %s", got.body)
	}
	w.UserID("kim")
	w.app().get(team+"/memberships/kim", http.StatusNotFound)
	w.app().get("/orgs/acme/teams/night-shift", 200)
	managers.Add("pat")
	managers.Remove("dana")
	w.app().get(team+"/memberships/dana", http.StatusNotFound)
	managers.Hide()
	w.app().get(team, http.StatusNotFound)
	w.app().get(team+"/members", http.StatusNotFound)
	child.Delete()
	w.app().get("/orgs/acme/teams/night-shift", http.StatusNotFound)
	w.Org("beta").Team("secret", "eve")
	w.app().get("/orgs/beta/teams/secret", http.StatusNotFound)
	w.app().get("/orgs/acme/memberships/eve", http.StatusNotFound)
	w.app().get("/orgs/acme/members/eve", http.StatusNotFound)
}

func TestAccounts(t *testing.T) {
	w := newWorld(t)
	old := w.UserID("alice")
	w.RenameUser("alice", "alicia")
	w.app().get("/users/alice", http.StatusNotFound)
	if w.UserID("alice") == old || w.UserID("alicia") != old {
		t.Error("ids do not follow the account")
	}
	if got := w.app().get("/users/dependabot%5Bbot%5D", http.StatusNotFound); got.text("message") != "Not Found" {
		t.Errorf("%s", got.body)
	}
	w.repo.OpenIssue("dependabot[bot]", "Bump", "")
	if got := w.app().get("/users/dependabot%5Bbot%5D", 200); got.text("type") != "Bot" {
		t.Errorf("type %s", got.text("type"))
	}
	if got := w.app().get("/users/acme", 200); got.text("type") != "Organization" {
		t.Errorf("type %s", got.text("type"))
	}
	w.app().get("/orgs/alicia", http.StatusNotFound)
	solo := w.Person("kim").Repo("toy")
	path := fmt.Sprintf("/app/installations/%d/access_tokens", w.Person("kim").InstallationID())
	token := w.as(w.jwt(nil)).post(path, nil, 201).text("token")
	got := w.as(token).get("/repos/"+solo.FullName(), 200)
	if got.text("owner", "type") != "User" || got.value("organization") != nil {
		t.Errorf("repository of a person: %s", got.body)
	}
	if got := w.as(token).get("/repos/kim/toy/collaborators/kim/permission", 200); got.text("permission") != "admin" {
		t.Errorf("the owner: %s", got.body)
	}
	w.as(w.jwt(nil)).get("/users/kim/installation", 200)
}
