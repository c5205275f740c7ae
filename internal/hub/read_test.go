package hub

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gonogo/internal/gate"
)

// pages serves items by pages of 100, as GitHub does.
func pages(items []any, wrap string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("page"))
		n = max(n, 1)
		last := max(1, (len(items)+99)/100)
		var links []string
		link := func(page int, rel string) {
			u := *r.URL
			q := u.Query()
			q.Set("page", strconv.Itoa(page))
			u.RawQuery = q.Encode()
			links = append(links, fmt.Sprintf(`<http://elsewhere.test%s>; rel="%s"`, u.String(), rel))
		}
		if n < last {
			link(n+1, "next")
			link(last, "last")
		}
		w.Header().Set("Link", strings.Join(links, ", "))
		part := items[min(len(items), (n-1)*100):min(len(items), n*100)]
		var body any = part
		if wrap != "" {
			body = map[string]any{"total_count": len(items), wrap: part}
		}
		_ = json.NewEncoder(w).Encode(body)
	}
}

func run(id int, app, name, status, conclusion string) map[string]any {
	r := map[string]any{"id": id, "name": name, "status": status, "app": map[string]any{"id": len(app), "slug": app}}
	if conclusion != "" {
		r["conclusion"] = conclusion
	}
	return r
}

// Case 50: newest by id over all pages, and nothing hollow hides a failure.
func TestChecks(t *testing.T) {
	var runs []any
	for i := range 1001 {
		runs = append(runs, run(10_000-i, "ci", fmt.Sprintf("job %d", i%3), "completed", "failure"))
	}
	runs = append(runs,
		run(20_000, "ci", "job 0", "completed", "success"),
		run(20_001, "ci", "job 1", "in_progress", ""),
		run(20_002, "ci", "job 2", "completed", "skipped"),
		run(20_003, "other", "job 0", "queued", ""),
		run(30_000, "ci", "docs", "completed", "success"), run(30_001, "ci", "docs", "completed", "neutral"))
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /repos/acme/shop/commits/abc/check-runs": pages(runs, "check_runs"),
		"GET /repos/acme/shop/commits/abc/status": pages([]any{
			map[string]any{"id": 5, "context": "legacy", "state": "pending", "created_at": "2026-01-02T03:04:05Z"},
			map[string]any{"id": 4, "context": "legacy", "state": "success", "created_at": "2026-01-02T03:04:05Z"},
		}, "statuses"),
	})
	checks, err := newRepo(t, f, nil).Checks(t.Context(), "abc")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range checks {
		got = append(got, fmt.Sprintf("%s/%s=%s", c.AppTag, c.Name, c.State))
	}
	want := []string{"ci/docs=neutral", "ci/job 0=success", "other/job 0=queued", "ci/job 1=in_progress", "ci/job 2=failure", "/legacy=in_progress"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Case 75, for the items of the two lists of checks.
func TestChecksMissNoField(t *testing.T) {
	full := run(1, "ci", "build", "completed", "success")
	status := map[string]any{"id": 5, "context": "legacy", "state": "success", "created_at": "2026-01-02T03:04:05Z"}
	without := func(item map[string]any, field string) []any {
		item = maps.Clone(item)
		delete(item, field)
		return []any{item}
	}
	for _, field := range []string{"nothing", "id", "name", "status", "conclusion", "context", "state", "created_at"} {
		f := newFake(t, map[string]http.HandlerFunc{
			"GET /repos/acme/shop/commits/abc/check-runs": pages(without(full, field), "check_runs"),
			"GET /repos/acme/shop/commits/abc/status":     pages(without(status, field), "statuses"),
		})
		if _, err := newRepo(t, f, nil).Checks(t.Context(), "abc"); (err == nil) != (field == "nothing") {
			t.Errorf("without %s: %v", field, err)
		}
	}
}

// A proxy may drop the Link header: a full page is then not taken for the last.
func TestListsWithoutLinks(t *testing.T) {
	all := func(n int) []any {
		reviews := []any{}
		for i := range n {
			reviews = append(reviews, map[string]any{"id": i + 1, "state": "COMMENTED", "user": map[string]any{"id": 1, "login": "lee"}, "submitted_at": "2026-03-01T00:00:00Z"})
		}
		return reviews
	}
	for _, n := range []int{0, 99, 100, 101, 200, 250} {
		whole := pages(all(n), "")
		f := newFake(t, map[string]http.HandlerFunc{"GET /repos/acme/shop/pulls/7/reviews": func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			whole(rec, r)
			_, _ = w.Write(rec.Body.Bytes())
		}})
		if got, err := newRepo(t, f, nil).Reviews(t.Context(), 7); err != nil || len(got) != n {
			t.Errorf("%d of %d reviews, %v", len(got), n, err)
		}
	}
}

// Cases 47, 66: a failed page fails the list, a short one too.
func TestListsAreWholeOrErrors(t *testing.T) {
	var files []any
	for i := range 450 {
		files = append(files, map[string]any{"filename": fmt.Sprint(i), "status": "added", "additions": 0, "deletions": 0, "sha": "x"})
	}
	whole := pages(files, "")
	const path = "GET /repos/acme/shop/pulls/7/files"
	f := newFake(t, map[string]http.HandlerFunc{path: whole})
	got, err := newRepo(t, f, nil).Files(t.Context(), 7)
	if err != nil || len(got) != 450 || got[449].Path != "449" {
		t.Fatalf("%d files, %v", len(got), err)
	}
	pr := gate.PullRequest{Repo: testRepo, Number: 7, ChangedFiles: 3412, Commits: 251}
	if u := Unreadable(FilesComplete(pr, got)); u.Cause != gate.CauseTruncated ||
		u.Fact != "The list of changed files cannot be read whole: GitHub counts 3412 files and lists 450 of them." {
		t.Errorf("%+v", u)
	}
	if KindOf(CommitsComplete(pr, make([]gate.Commit, 250))) != KindTruncated || CommitsComplete(pr, make([]gate.Commit, 251)) != nil {
		t.Error("250 of 251 commits are not all")
	}
	for _, bad := range []http.HandlerFunc{
		says(502, "oops"), says(200, `{"message":"odd"}`), says(200, "null"), says(200, "[null]"), says(200, `[{"filename":"x"`),
	} {
		f.answer(path, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("page") == "3" {
				bad(w, r)
				return
			}
			whole(w, r)
		})
		if got, err := newRepo(t, f, nil).Files(t.Context(), 7); KindOf(err) != KindFault || got != nil {
			t.Errorf("%d files, %v", len(got), err)
		}
	}
	f.answer("GET /repos/acme/shop/commits/abc/check-runs", says(200, `{"total_count":2,"check_runs":[{"id":1,"name":"a","status":"queued"}]}`))
	f.answer("GET /repos/acme/shop/commits/abc/status", says(200, `{"total_count":0,"statuses":[]}`))
	if _, err := newRepo(t, f, nil).Checks(t.Context(), "abc"); KindOf(err) != KindTruncated {
		t.Errorf("one of two runs: %v", err)
	}
}

// Rules of kinds that nobody has heard of do not hide the one that counts.
func TestRequiredChecks(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /repos/acme/shop/rules/branches/release%2F1": says(200, `[
			{"type":"merge_queue","parameters":{"grouping_strategy":"ALLGREEN"}},
			{"type":"time_machine","parameters":[1,2]},
			{"type":"required_status_checks","parameters":{"required_status_checks":[
				{"context":"build","integration_id":15368},{"context":"lint"}]}}]`),
		"GET /repos/acme/shop/branches/release%2F1": says(200, `{"name":"release/1","commit":{"sha":"a"},"protected":true,
			"protection":{"enabled":true,"required_status_checks":{"contexts":["lint","old"],"checks":[
				{"context":"lint","app_id":null},{"context":"pin","app_id":9},{"context":"any","app_id":-1}]}}}`),
	})
	got, err := newRepo(t, f, nil).RequiredChecks(t.Context(), "release/1")
	want := []gate.RequiredCheck{{Name: "any"}, {Name: "build", App: 15368}, {Name: "lint"}, {Name: "old"}, {Name: "pin", App: 9}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	f.answer("GET /repos/acme/shop/rules/branches/release%2F1", says(403, `{"message":"Upgrade to GitHub Pro or make this repository public to enable this feature."}`))
	if got, err := newRepo(t, f, nil).RequiredChecks(t.Context(), "release/1"); err != nil || len(got) != 4 {
		t.Error(got, err)
	}
	f.answer("GET /repos/acme/shop/rules/branches/release%2F1", says(403, `{"message":"Resource not accessible by integration"}`))
	if _, err := newRepo(t, f, nil).RequiredChecks(t.Context(), "release/1"); KindOf(err) != KindPermission {
		t.Error(err)
	}
}

// Conditional requests ask GitHub each time and answer the same.
func TestRevalidation(t *testing.T) {
	label, etag := "SEV1", `W/"1"`
	f := newFake(t, map[string]http.HandlerFunc{})
	f.answer("GET /repos/acme/shop/issues", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", etag)
		if r.URL.Query().Get("page") == "" {
			w.Header().Set("Link", `<http://x/?page=2>; rel="next", <http://x/?page=2>; rel="last"`)
		}
		fmt.Fprintf(w, `[{"number":%d,"title":"t","html_url":"u","created_at":"2026-01-02T03:04:05Z","labels":[{"name":"sev1"}]},
			{"number":2,"title":"t","html_url":"u","created_at":"2026-01-02T03:04:05Z","labels":[{"name":"sev1"}],"pull_request":{"url":"x"}},
			{"number":3,"title":"t","html_url":"u","created_at":"2026-01-02T03:04:05Z","labels":[{"name":"SEV10"}]}]`, len(r.URL.RawQuery))
	})
	h := newHub(t, f, nil)
	r := h.Repo(7, testRepo)
	first, err := r.SevereIssues(t.Context(), label)
	if err != nil || len(first) != 2 {
		t.Fatal(first, err)
	}
	for range 3 {
		again, err := r.SevereIssues(t.Context(), label)
		if diff := cmp.Diff(first, again); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	}
	if got := h.Stats()["list issues"]; got != (Count{Calls: 8, NotModified: 6}) {
		t.Errorf("%+v", got)
	}
	if _, err := h.Repo(8, testRepo).SevereIssues(t.Context(), label); err != nil {
		t.Fatal(err)
	}
	if got := h.Stats()["list issues"]; got.NotModified != 6 {
		t.Error("an answer crossed installations")
	}
	etag = `W/"2"`
	if _, err := r.SevereIssues(t.Context(), label); err != nil {
		t.Fatal(err)
	}
	if got := h.Stats()["list issues"]; got.NotModified != 6 {
		t.Error("a changed answer was not read anew")
	}
	if _, err := r.SevereIssues(t.Context(), "a,b"); KindOf(err) != KindInvalid {
		t.Error("two labels in one")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(64 << 10)
	for i := range 100 {
		m.put(memoryKey{1, fmt.Sprint(i), ""}, &kept{body: make([]byte, 3<<10)})
		m.get(memoryKey{1, "0", ""})
	}
	if _, ok := m.get(memoryKey{1, "0", ""}); !ok || m.size > m.limit || m.order.Len() != len(m.byKey) {
		t.Errorf("%d bytes in %d entries", m.size, m.order.Len())
	}
	m.put(memoryKey{2, "x", ""}, &kept{body: make([]byte, 32<<10)})
	if _, ok := m.get(memoryKey{2, "x", ""}); ok {
		t.Error("one answer took half of the memory")
	}
	m.forget(1)
	if m.size != 0 || m.order.Len() != 0 {
		t.Errorf("%d bytes left", m.size)
	}
}

func TestPermissions(t *testing.T) {
	tests := []struct {
		body string
		want gate.Permission
	}{
		{`{"permission":"write","role_name":"maintain","user":null}`, gate.PermissionMaintain},
		{`{"permission":"read","role_name":"triage"}`, gate.PermissionTriage},
		{`{"permission":"write","role_name":"Release Boss","user":{"permissions":{"pull":true,"triage":true,"push":true,"maintain":true,"admin":false}}}`, gate.PermissionMaintain},
		{`{"permission":"write","role_name":"Release Boss"}`, gate.PermissionWrite},
		{`{"permission":"none","role_name":"none"}`, gate.PermissionNone},
		{`{"permission":"admin"}`, gate.PermissionAdmin},
	}
	for _, tt := range tests {
		f := newFake(t, map[string]http.HandlerFunc{"GET /repos/acme/shop/collaborators/kim/permission": says(200, tt.body)})
		if got, err := newRepo(t, f, nil).Permission(t.Context(), "kim"); err != nil || got.Permission != tt.want {
			t.Errorf("%s: %v %v", tt.body, got, err)
		}
	}
	f := newFake(t, map[string]http.HandlerFunc{"GET /repos/acme/shop/collaborators/kim/permission": says(200, `{}`)})
	if _, err := newRepo(t, f, nil).Permission(t.Context(), "kim"); KindOf(err) != KindFault {
		t.Error(err)
	}
}

// Case 19: a team that cannot be seen is not an empty one.
func TestTeams(t *testing.T) {
	const team, members = "GET /orgs/acme/teams/rm", "GET /orgs/acme/teams/rm/members"
	tests := []struct {
		name          string
		team, members http.HandlerFunc
		want          int
		kind          Kind
	}{
		{"two", says(200, `{"id":1,"members_count":2}`), says(200, `[{"id":1,"login":"a"},{"id":2,"login":"b"}]`), 2, ""},
		{"empty", says(200, `{"id":1,"members_count":0}`), says(200, `[]`), 0, ""},
		{"unknown or secret", says(404, `{"message":"Not Found"}`), nil, 0, KindMissing},
		{"no permission", says(403, `{"message":"Resource not accessible by integration"}`), nil, 0, KindPermission},
		{"members hidden", says(200, `{"id":1,"members_count":2}`), says(200, `[]`), 0, KindPermission},
		{"half", says(200, `{"id":1}`), nil, 0, KindFault},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, map[string]http.HandlerFunc{team: tt.team, members: tt.members})
			got, err := newRepo(t, f, nil).Team(t.Context(), "acme", "rm")
			if len(got) != tt.want || KindOf(err) != tt.kind {
				t.Fatal(got, err)
			}
			if tt.kind == KindMissing && !strings.Contains(Unreadable(err).Fact, "Members: read") {
				t.Errorf("%q", Unreadable(err).Fact)
			}
		})
	}
}

func TestAlerts(t *testing.T) {
	const path = "GET /repos/acme/shop/secret-scanning/alerts"
	f := newFake(t, map[string]http.HandlerFunc{
		path: says(200, `[
			{"number":1,"html_url":"u","created_at":"2026-01-02T03:04:05Z","secret_type":"x","secret":"canary",
			 "first_location_detected":{"commit_sha":"abc"},"has_more_locations":false},
			{"number":2,"html_url":"u","created_at":"2026-01-02T03:04:05Z","secret_type":"x"}]`),
		"GET /repos/acme/shop/secret-scanning/alerts/2/locations": says(200, `[
			{"type":"commit","details":{"commit_sha":"d1"}},{"type":"issue_title","details":{"issue_title_url":"x"}}]`),
	})
	got, err := newRepo(t, f, nil).Alerts(t.Context())
	if err != nil || len(got) != 2 || got[0].Commits[0] != "abc" || !slices.Equal(got[1].Commits, []string{"d1"}) {
		t.Errorf("%+v %v", got, err)
	}
	for body, want := range map[string]gate.Cause{
		`{"message":"Secret scanning is disabled on this repository."}`: gate.CauseDisabled,
		`{"message":"Not Found"}`: gate.CauseMissing,
	} {
		f.answer(path, says(404, body))
		if _, err := newRepo(t, f, nil).Alerts(t.Context()); Unreadable(err).Cause != want {
			t.Error(err)
		}
	}
	f.answer(path, says(403, `{"message":"Resource not accessible by integration"}`))
	if _, err := newRepo(t, f, nil).Alerts(t.Context()); Unreadable(err).Cause != gate.CausePermission {
		t.Error(err)
	}
}

func TestFiles(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /repos/acme/shop/contents/a.yml":   says(200, `{"type":"file","encoding":"base64","content":"aGVs\nbG8=\n","sha":"s"}`),
		"GET /repos/acme/shop/contents/large":   says(200, `{"type":"file","encoding":"none","content":"","sha":"b"}`),
		"GET /repos/acme/shop/git/blobs/b":      says(200, `{"encoding":"base64","content":"aGVsbG8=","size":5,"sha":"b"}`),
		"GET /repos/acme/shop/git/blobs/short":  says(200, `{"encoding":"base64","content":"aGVsbG8=","size":6,"sha":"b"}`),
		"GET /repos/acme/shop/contents/dir":     says(200, `[]`),
		"GET /repos/acme/shop/contents/sub":     says(200, `{"type":"submodule","sha":"s"}`),
		"GET /repos/acme/shop/contents/private": says(403, `{"message":"Resource not accessible by integration"}`),
	})
	r := newRepo(t, f, nil)
	for path, want := range map[string]Kind{
		"a.yml": "", "large": "", "dir": KindInvalid, "sub": KindInvalid, "none": KindMissing, "private": KindPermission,
	} {
		got, err := r.File(t.Context(), path, "")
		if KindOf(err) != want || (want == "" && string(got.Content) != "hello") {
			t.Errorf("%s: %+v %v", path, got, err)
		}
	}
	if _, err := r.Blob(t.Context(), "short"); KindOf(err) != KindFault {
		t.Error(err)
	}
}

func TestTagsArePeeled(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /repos/acme/shop/git/ref/tags/v1":  says(200, `{"object":{"type":"tag","sha":"t1"}}`),
		"GET /repos/acme/shop/git/tags/t1":      says(200, `{"object":{"type":"tag","sha":"t2"}}`),
		"GET /repos/acme/shop/git/tags/t2":      says(200, `{"object":{"type":"commit","sha":"c"}}`),
		"GET /repos/acme/shop/git/ref/tags/odd": says(200, `{"object":{"type":"tree","sha":"x"}}`),
	})
	r := newRepo(t, f, nil)
	if sha, err := r.TagCommit(t.Context(), "v1"); err != nil || sha != "c" {
		t.Error(sha, err)
	}
	if _, err := r.TagCommit(t.Context(), "odd"); KindOf(err) != KindInvalid {
		t.Error(err)
	}
}

func TestDanglingBranches(t *testing.T) {
	merged := func(n int, head, base string, at string, fork bool) map[string]any {
		p := pullJSON(n)
		p["state"], p["merged_at"], p["updated_at"] = "closed", at, at
		p["head"].(map[string]any)["ref"] = head
		p["base"].(map[string]any)["ref"] = base
		if fork {
			p["head"].(map[string]any)["repo"] = nil
		}
		return p
	}
	routes := map[string]http.HandlerFunc{
		"GET /repos/acme/shop/branches": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `<http://x/?page=2>; rel="next"`)
			_, _ = w.Write([]byte(`[{"name":"left","commit":{"sha":"a"},"protected":false}]`))
		},
		"GET /repos/acme/shop/releases": says(200, `[
			{"id":2,"tag_name":"v3","target_commitish":"main","html_url":"u","draft":true,"prerelease":false,"created_at":"2026-03-09T00:00:00Z"},
			{"id":1,"tag_name":"v2","target_commitish":"main","html_url":"u","draft":false,"prerelease":false,
			 "created_at":"2026-03-01T00:00:00Z","published_at":"2026-03-01T00:00:00Z"}]`),
		"GET /repos/acme/shop/pulls": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("base") == "topic" {
				_ = json.NewEncoder(w).Encode([]any{merged(20, "stacked", "topic", "2026-03-05T00:00:00Z", false)})
				return
			}
			w.Header().Set("Link", `<http://x/?page=2>; rel="next"`)
			_ = json.NewEncoder(w).Encode([]any{
				merged(10, "left", "main", "2026-03-05T00:00:00Z", false),
				merged(11, "deleted", "main", "2026-03-04T00:00:00Z", false),
				merged(12, "fork", "main", "2026-03-04T00:00:00Z", true),
				merged(13, "main", "main", "2026-03-04T00:00:00Z", false),
				merged(14, "kept", "main", "2026-03-04T00:00:00Z", false),
				merged(15, "topic", "main", "2026-03-04T00:00:00Z", false),
				merged(9, "older", "main", "2026-02-01T00:00:00Z", false),
			})
		},
		"GET /repos/acme/shop/branches/left":    says(200, `{"name":"left","commit":{"sha":"a"},"protected":false}`),
		"GET /repos/acme/shop/branches/stacked": says(200, `{"name":"stacked","commit":{"sha":"a"},"protected":false}`),
		"GET /repos/acme/shop/branches/kept":    says(200, `{"name":"kept","commit":{"sha":"a"},"protected":true}`),
	}
	repo := testRepo
	repo.DefaultBranch = "main"
	pr := gate.PullRequest{Repo: repo, Number: 7, HeadRef: "topic", HeadRepoID: 42, BaseRef: "main"}
	look := func(calls int) {
		t.Helper()
		f := newFake(t, routes)
		got, err := newRepo(t, f, nil).DanglingBranches(t.Context(), pr)
		if err != nil || len(got) != 2 || got[0].Name != "stacked" || !got[0].Stacked || got[1].Name != "left" || got[1].PR != 10 || got[1].Stacked {
			t.Errorf("%+v %v", got, err)
		}
		if f.count() != calls {
			t.Errorf("%d calls, want %d", f.count(), calls)
		}
	}
	look(8) // more branches than a page holds: the candidates are asked for one by one
	routes["GET /repos/acme/shop/branches"] = says(200, `[{"name":"left","commit":{"sha":"a"},"protected":false},
		{"name":"stacked","commit":{"sha":"a"},"protected":false},{"name":"kept","commit":{"sha":"a"},"protected":true}]`)
	look(4)
}

// Many candidates are looked up in one list of all branches.
func TestHeadsOfARelease(t *testing.T) {
	var merged, branches []any
	for i := range 20 {
		p := pullJSON(i + 1)
		p["state"], p["merged_at"] = "closed", "2026-01-02T03:04:05Z"
		p["head"].(map[string]any)["ref"] = fmt.Sprintf("topic/%d", i)
		merged = append(merged, p)
		if i%4 == 0 {
			branches = append(branches, map[string]any{"name": fmt.Sprintf("topic/%d", i), "protected": i == 8})
		}
	}
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /repos/acme/shop/pulls":    pages(merged, ""),
		"GET /repos/acme/shop/branches": pages(branches, ""),
	})
	heads := func() ([]gate.Branch, error) {
		repo := newRepo(t, f, nil)
		pulls, err := repo.MergedPullRequests(t.Context(), "main", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return repo.HeadsOf(t.Context(), pulls, "main")
	}
	got, err := heads()
	var names []string
	for _, b := range got {
		names = append(names, b.Name)
	}
	if diff := cmp.Diff([]string{"topic/0", "topic/4", "topic/12", "topic/16"}, names); err != nil || diff != "" || f.count() != 2 {
		t.Error(err, diff, f.count())
	}
	branches[2].(map[string]any)["protected"] = nil
	if _, err := heads(); KindOf(err) != KindFault {
		t.Error(err)
	}
}

// Case 2: deliveries are read by cursor and until a time.
func TestDeliveries(t *testing.T) {
	delivery := func(id int, at string, status int) string {
		return fmt.Sprintf(`{"id":%d,"guid":"g%d","delivered_at":%q,"redelivery":false,"status_code":%d,"event":"push","action":null,
			"installation_id":7,"repository_id":null}`, id, id, at, status)
	}
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /app/hook/deliveries": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("cursor") == "" {
				w.Header().Set("Link", `<http://x/?cursor=v1_2&per_page=100>; rel="next"`)
				fmt.Fprintf(w, "[%s]", delivery(3, "2026-03-03T00:00:00Z", 200))
				return
			}
			fmt.Fprintf(w, "[%s,%s]", delivery(2, "2026-03-02T00:00:00Z", 502), delivery(1, "2026-03-01T00:00:00Z", 200))
		},
		"POST /app/hook/deliveries/2/attempts": says(202, "{}"),
	})
	h := newHub(t, f, nil)
	got, err := h.Deliveries(t.Context(), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	if err != nil || len(got) != 2 || !got[0].OK() || got[1].OK() || got[1].Installation != 7 {
		t.Errorf("%+v %v", got, err)
	}
	if err := h.Redeliver(t.Context(), got[1].ID); err != nil {
		t.Error(err)
	}
	if err := h.Redeliver(t.Context(), 99); !IsMissing(err) {
		t.Error(err)
	}
}

// Who was forgotten starts anew: with a token and without kept answers.
func TestForget(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{"GET /repos/acme/shop": says(200, repoJSON(42), "ETag", "x")})
	h := newHub(t, f, nil)
	for range 2 {
		if _, err := h.Repo(7, testRepo).Repository(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Forget(7)
	}
	if f.tokens != 2 || h.cache.size != 0 {
		t.Errorf("%d tokens, %d bytes", f.tokens, h.cache.size)
	}
}

func TestCoAuthors(t *testing.T) {
	message := "fix\r\n\r\nCo-authored-by: Kim Lee <kim@x.org>\r\n  co-authored-by:\tBob<bob@x>\nSee Co-authored-by: no <a@b>\nCO-AUTHORED-BY: <c@d>"
	got := coAuthors(message)
	want := []gate.CoAuthor{{Name: "Kim Lee", Email: "kim@x.org"}, {Name: "Bob", Email: "bob@x"}, {Email: "c@d"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCompare(t *testing.T) {
	var commits []any
	for i := range 250 {
		commits = append(commits, map[string]any{"sha": fmt.Sprintf("c%d", i), "parents": []any{}, "commit": map[string]any{"message": "m"}})
	}
	total := 250
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /repos/acme/shop/compare/v1...v2": func(w http.ResponseWriter, r *http.Request) {
			rec := &recorder{header: http.Header{}}
			pages(commits, "commits")(rec, r)
			var body map[string]any
			_ = json.Unmarshal(rec.body, &body)
			body["status"], body["ahead_by"], body["behind_by"], body["total_commits"] = "ahead", total, 0, total
			body["merge_base_commit"] = map[string]any{"sha": "m"}
			body["base_commit"] = map[string]any{"sha": "b"}
			if r.URL.Query().Get("page") == "" {
				body["files"] = []any{map[string]any{"filename": "a", "status": "added", "additions": 1, "deletions": 0, "sha": "s"}}
			}
			w.Header().Set("Link", rec.header.Get("Link"))
			_ = json.NewEncoder(w).Encode(body)
		},
	})
	got, err := newRepo(t, f, nil).Compare(t.Context(), "v1", "v2")
	if err != nil || len(got.Commits) != 250 || got.Commits[249].SHA != "c249" || len(got.Files) != 1 || got.FilesCut || f.count() != 3 {
		t.Errorf("%d commits, %d calls, %v", len(got.Commits), f.count(), err)
	}
	total = 300
	if _, err := newRepo(t, f, nil).Compare(t.Context(), "v1", "v2"); KindOf(err) != KindTruncated {
		t.Error(err)
	}
}

type recorder struct {
	header http.Header
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int)     {}
func (r *recorder) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return len(b), nil
}

// Of our own runs the newest stands: one that GitHub lets through must be seen.
func TestNewestRunOfOurs(t *testing.T) {
	run := func(id, app int64, state string) gate.Check {
		return gate.Check{ID: id, App: app, Name: "gate", State: state}
	}
	got := newestRuns([]gate.Check{run(1, 7, "failure"), run(2, 7, "skipped"), run(3, 8, "failure"), run(4, 8, "skipped")}, 7)
	for _, c := range got {
		if want := map[int64]int64{7: 2, 8: 3}[c.App]; c.ID != want {
			t.Errorf("of App %d run %d counts, want %d", c.App, c.ID, want)
		}
	}
	if len(got) != 2 {
		t.Errorf("%d runs count", len(got))
	}
}
