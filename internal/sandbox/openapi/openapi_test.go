package openapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gonogo/internal/sandbox/openapi"
)

const goodRun = `{"id":1,"node_id":"n","head_sha":"s","name":"x","url":"u","html_url":"h","details_url":"d",
	"status":"queued","conclusion":null,"started_at":null,"completed_at":null,"external_id":null,"check_suite":null,
	"output":{"title":null,"summary":null,"text":null,"annotations_count":0,"annotations_url":"u"},"app":null,"pull_requests":[]}`

func TestViolationsAreFound(t *testing.T) {
	const runs = "/repos/acme/shop/check-runs"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		answer                   string
		want                     []string // parts of the violations, in order
	}{
		{"a good exchange", "POST", runs, `{"name":"x","head_sha":"s"}`, 201, goodRun, nil},
		{"a misspelt property", "POST", runs, `{"name":"x","head_sha":"s","detail_url":"u"}`, 201, goodRun, []string{"request at /detail_url"}},
		{"a misspelt property further down", "POST", runs, `{"name":"x","head_sha":"s","actions":[{"label":"l","description":"d","identifier":"i","id":1}]}`, 201, goodRun, []string{"request at /actions/0/id"}},
		{"a missing property", "POST", runs, `{"name":"x"}`, 201, goodRun, []string{"request at /head_sha"}},
		{"too long", "POST", runs, `{"name":"x","head_sha":"s","actions":[{"label":"` + strings.Repeat("l", 21) + `","description":"d","identifier":"i"}]}`, 201, goodRun, []string{"request at /actions/0/label"}},
		{"no JSON", "POST", runs, `{`, 201, goodRun, []string{"the body is no JSON"}},
		{"no body", "POST", runs, ``, 201, goodRun, []string{"the body is missing"}},
		{"a body where none belongs", "GET", "/meta", `{}`, 200, `{"verifiable_password_authentication":false}`, []string{"takes no body"}},
		{"a missing key in the answer", "GET", runs + "/1", ``, 200, strings.Replace(goodRun, `"id":1,`, "", 1), []string{"response at /id"}},
		{"a wrong type in the answer", "GET", runs + "/1", ``, 200, strings.Replace(goodRun, `"id":1`, `"id":"1"`, 1), []string{"response at /id"}},
		{"an answer that is no JSON", "GET", runs + "/1", ``, 200, `<html>`, []string{"the answer is no JSON"}},
		{"two mistakes at once", "GET", runs + "/1?x=1", ``, 200, strings.Replace(goodRun, `"id":1`, `"id":"1"`, 1), []string{"request at ?x", "response at /id"}},
		{"a path parameter of another type", "GET", runs + "/one", ``, 200, goodRun, []string{"check_run_id"}},
		{"a query parameter of another type", "GET", "/repos/acme/shop/pulls?page=x", ``, 200, `[]`, []string{"page: \"x\" is no number"}},
		{"a query parameter outside its list", "GET", "/repos/acme/shop/pulls?state=green", ``, 200, `[]`, []string{"request at state"}},
		{"an unknown query parameter", "GET", "/repos/acme/shop/pulls?perpage=5", ``, 200, `[]`, []string{"no such query parameter"}},
		{"an unknown route", "GET", "/repos/acme/shop/pull/1", ``, 404, `{}`, []string{"no such route"}},
		{"a status that GitHub does not answer", "GET", runs + "/1", ``, 202, goodRun, []string{"does not answer 202"}},
		{"an error", "GET", runs + "/1", ``, 404, `{"message":"Not Found"}`, nil},
		{"an error of another shape", "GET", runs + "/1", ``, 404, `{"message":7}`, []string{"response at /message"}},
		{"a broken server", "GET", runs + "/1", ``, 502, `oops`, nil},
		{"a ref with slashes", "GET", "/repos/acme/shop/commits/release/1.4/check-runs", ``, 200, `{"total_count":0,"check_runs":[]}`, nil},
		{"a repository by its id", "GET", "/repositories/7/pulls", ``, 200, `[]`, nil},
		{"a server of GitHub Enterprise", "GET", "/api/v3/repos/acme/shop/pulls", ``, 200, `[]`, nil},
		{"a body with no body in the description", "DELETE", "/repos/acme/shop/git/refs/heads/a/b", ``, 204, ``, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := openapi.New()
			if err != nil {
				t.Fatal(err)
			}
			handler := v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got, err := io.ReadAll(r.Body); err != nil || string(got) != c.body {
					t.Errorf("the body arrived as %q: %v", got, err)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			}))
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
			if rec.Code != c.status || rec.Body.String() != c.answer {
				t.Errorf("the answer was changed to %d %s", rec.Code, rec.Body)
			}
			found := v.Forget()
			if len(found) < len(c.want) || len(c.want) == 0 && len(found) > 0 {
				t.Fatalf("found %v", found)
			}
			for i, want := range c.want {
				if !strings.Contains(found[i].String(), want) && !strings.Contains(found[i].Pointer+": "+found[i].Reason, want) {
					t.Errorf("found %v, want %q", found[i], want)
				}
			}
			if len(v.Violations()) != 0 {
				t.Error("violations were not forgotten")
			}
		})
	}
}

func TestRoundTripper(t *testing.T) {
	v, err := openapi.New()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `[{}]`)
	}))
	defer server.Close()
	client := &http.Client{Transport: v.RoundTripper(server.Client().Transport)}
	resp, err := client.Get(server.URL + "/repos/acme/shop/pulls?stat=open")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != `[{}]` {
		t.Errorf("%s %v", text, err)
	}
	found := v.Violations()
	if len(found) < 2 || found[0].Side != "request" || found[1].Side != "response" {
		t.Errorf("found %v", found)
	}
	for _, route := range v.Unseen() {
		if route == "GET /repos/{owner}/{repo}/pulls" {
			t.Error("a route that was asked is unseen")
		}
	}
	server.Close()
	if _, err := client.Post(server.URL+"/repos/acme/shop/issues", "application/json", strings.NewReader("{}")); err == nil {
		t.Error("nobody answered, and no error")
	}
}

func TestMustReportsAtTheEnd(t *testing.T) {
	v := openapi.Must(t)
	handler := v.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `[]`)
	}))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/repos/acme/shop/pulls", nil))
}
