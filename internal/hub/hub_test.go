package hub

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"gonogo/internal/gate"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func testPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(testKey())})
}

// github is a server that answers what a test says, and grants tokens.
type fakeGitHub struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []*http.Request
	tokens int
	at     map[string]http.HandlerFunc // "GET /path"
}

func newFake(t *testing.T, routes map[string]http.HandlerFunc) *fakeGitHub {
	f := &fakeGitHub{at: routes}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeGitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.seen = append(f.seen, r)
	handler := f.at[r.Method+" "+r.URL.EscapedPath()]
	if handler == nil && strings.HasSuffix(r.URL.Path, "/access_tokens") {
		f.tokens++
		n := f.tokens
		handler = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"token":"ghs_%d","expires_at":%q}`, n, time.Now().Add(time.Hour).Format(time.RFC3339))
		}
	}
	f.mu.Unlock()
	if handler == nil {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"message":"Not Found"}`)
		return
	}
	handler(w, r)
}

// answer changes what a route says. Readers that gave up may still be asking.
func (f *fakeGitHub) answer(route string, handler http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at[route] = handler
}

// count tells how many requests came, tokens not counted.
func (f *fakeGitHub) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, r := range f.seen {
		if !strings.HasSuffix(r.URL.Path, "/access_tokens") {
			n++
		}
	}
	return n
}

func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Now().Truncate(time.Second)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var testRepo = gate.Repository{ID: 42, Owner: "acme", Name: "shop"}

func newRepo(t *testing.T, f *fakeGitHub, c *clock) *Repo {
	t.Helper()
	return newHub(t, f, c).Repo(7, testRepo)
}

func newHub(t *testing.T, f *fakeGitHub, c *clock) *Hub {
	t.Helper()
	cfg := Config{AppID: 1, PrivateKey: testPEM(), BaseURL: f.URL}
	if c != nil {
		cfg.Now = c.now
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestKeys(t *testing.T) {
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("canary")})
	tests := []struct {
		name string
		key  []byte
		want string // "" is success
	}{
		{"PKCS 1", testPEM(), ""},
		{"PKCS 8", pkcs8(testKey()), ""},
		{"on one line", []byte(strings.ReplaceAll(string(testPEM()), "\n", `\n`)), ""},
		{"none", nil, "is not set"},
		{"a path", []byte("/etc/gonogo/canary.pem"), "GONOGO_PRIVATE_KEY_FILE"},
		{"a public key", public, "no private key"},
		{"an elliptic key", pkcs8(elliptical), "no RSA key"},
		{"damaged", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("canary")}), "damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(Config{AppID: 1, PrivateKey: tt.key})
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	for _, base := range []string{"api.github.com", "ftp://x/", "https://u:p@x/", "https://x/?q"} {
		if _, err := New(Config{AppID: 1, PrivateKey: testPEM(), BaseURL: base}); err == nil {
			t.Errorf("%s is no base", base)
		}
	}
}

// Case 71: the App's token lies a minute back and ends within ten.
func TestAppTokenTimes(t *testing.T) {
	c := newClock()
	var sent string
	f := newFake(t, map[string]http.HandlerFunc{"GET /app": func(w http.ResponseWriter, r *http.Request) {
		sent = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if got := r.Header.Get("X-GitHub-Api-Version"); got != "2022-11-28" {
			t.Errorf("version %q", got)
		}
		if got := r.Header.Values("Accept"); len(got) != 1 || got[0] != acceptJSON {
			t.Errorf("accept %q", got)
		}
		io.WriteString(w, `{"id":1,"slug":"gonogo","name":"Gonogo"}`)
	}})
	h := newHub(t, f, c)
	for range 2 {
		if self, err := h.Self(t.Context()); err != nil || self.Slug != "gonogo" {
			t.Fatal(self, err)
		}
	}
	if f.count() != 1 {
		t.Errorf("%d requests, want 1", f.count())
	}
	claims := &jwt.RegisteredClaims{}
	if _, err := jwt.ParseWithClaims(sent, claims, func(*jwt.Token) (any, error) { return testKey().Public(), nil }); err != nil {
		t.Fatal(err)
	}
	if !claims.IssuedAt.Equal(c.now().Add(-time.Minute)) || claims.ExpiresAt.Sub(claims.IssuedAt.Time) > 10*time.Minute ||
		claims.Issuer != "1" {
		t.Errorf("claims %+v", claims)
	}
}

// Case 71: a 401 is tried once with a fresh token and GitHub's time, never in
// a loop.
func TestUnauthorizedOnceAndForEver(t *testing.T) {
	refuse := 1
	var bodies []string
	f := newFake(t, map[string]http.HandlerFunc{
		"POST /repos/acme/shop/issues/7/comments": func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			bodies = append(bodies, r.Header.Get("Authorization")+" "+string(body))
			if len(bodies) <= refuse {
				says(401, `{"message":"Bad credentials"}`)(w, r)
				return
			}
			says(201, commentJSON(5, "x"))(w, r)
		},
	})
	r := newRepo(t, f, nil)
	if _, err := r.CreateComment(t.Context(), 7, "hello"); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 2 || !strings.HasPrefix(bodies[0], "token ghs_1 ") || !strings.HasPrefix(bodies[1], "token ghs_2 ") ||
		!strings.HasSuffix(bodies[1], "{\"body\":\"hello\"}\n") {
		t.Errorf("sent %q", bodies)
	}
	bodies, refuse = nil, 1000
	_, err := r.CreateComment(t.Context(), 7, "hello")
	if KindOf(err) != KindUnauthorized || len(bodies) != 2 {
		t.Errorf("got %v after %d requests", err, len(bodies))
	}
}

func TestClockIsSetByGitHub(t *testing.T) {
	c := newClock()
	c.pass(-time.Hour)
	f := newFake(t, map[string]http.HandlerFunc{"GET /app": func(w http.ResponseWriter, r *http.Request) {
		var claims jwt.RegisteredClaims
		_, _, _ = jwt.NewParser().ParseUnverified(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), &claims)
		if time.Until(claims.ExpiresAt.Time) < 0 {
			says(401, `{"message":"'Expiration time' claim ('exp') is too far in the past"}`)(w, r)
			return
		}
		says(200, `{"id":1,"slug":"gonogo","name":"Gonogo"}`)(w, r)
	}})
	if _, err := newHub(t, f, c).Self(t.Context()); err != nil {
		t.Error(err)
	}
}

// Cases 68, 69: what GitHub says instead of a token counts, and "null" is no
// token.
func TestTokenRefused(t *testing.T) {
	tests := []struct {
		status int
		body   string
		want   Kind
	}{
		{403, `{"message":"This installation has been suspended"}`, KindSuspended},
		{404, `{"message":"Not Found"}`, KindMissing},
		{401, `{"message":"A JSON web token could not be decoded"}`, KindUnauthorized},
		{500, `oops`, KindFault},
		{201, `null`, KindFault},
		{201, `{"token":"","expires_at":"2030-01-01T00:00:00Z"}`, KindFault},
		{201, `{"token":"ghs_canary`, KindFault},
	}
	for _, tt := range tests {
		f := newFake(t, map[string]http.HandlerFunc{
			"POST /app/installations/7/access_tokens": says(tt.status, tt.body),
		})
		_, err := newRepo(t, f, nil).Repository(t.Context())
		if KindOf(err) != tt.want || strings.Contains(err.Error(), "canary") {
			t.Errorf("%d %s: %v, want %s", tt.status, tt.body, err, tt.want)
		}
		if f.count() != 0 {
			t.Errorf("%d %s: asked without a token", tt.status, tt.body)
		}
	}
}

// Case 70: redirects stay on the host and with the repository, and the token
// does not leave.
func TestRedirects(t *testing.T) {
	stolen := 0
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			stolen++
		}
	}))
	t.Cleanup(thief.Close)
	to := func(url string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusMovedPermanently) }
	}
	tests := []struct {
		name, to string
		want     Kind
	}{
		{"renamed", "/repositories/42", ""},
		{"another id", "/repositories/43", KindMissing},
		{"another host", thief.URL + "/repositories/42", KindFault},
		{"itself", "/repos/acme/shop", KindFault},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, map[string]http.HandlerFunc{
				"GET /repos/acme/shop":  to(tt.to),
				"GET /repositories/42":  says(200, repoJSON(42)),
				"GET /repositories/43":  says(200, repoJSON(43)),
				"POST /repos/acme/shop": to("/repositories/42"),
			})
			if _, err := newRepo(t, f, nil).Repository(t.Context()); KindOf(err) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if stolen != 0 {
		t.Errorf("the token was sent to another host %d times", stolen)
	}
	f := newFake(t, map[string]http.HandlerFunc{
		"POST /repos/acme/shop/issues/7/comments": to("/repositories/42/issues/7/comments"),
		"GET /repositories/42/issues/7/comments":  says(200, "[]"),
	})
	if _, err := newRepo(t, f, nil).CreateComment(t.Context(), 7, "x"); KindOf(err) != KindFault || f.count() != 1 {
		t.Errorf("a write became a read: %v", err)
	}
}

func repoJSON(id int) string {
	return fmt.Sprintf(`{"id":%d,"name":"shop","private":false,"default_branch":"main",
		"owner":{"id":1,"login":"acme","type":"Organization"}}`, id)
}

func commentJSON(id int, body string) string {
	return fmt.Sprintf(`{"id":%d,"body":%q,"user":{"id":3,"login":"kim","type":"User"},
		"created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z"}`, id, body)
}

func pullJSON(n int) map[string]any {
	var repo any
	if err := json.Unmarshal([]byte(repoJSON(42)), &repo); err != nil {
		panic(err)
	}
	return map[string]any{
		"number": n, "state": "open", "title": "t", "body": "b", "html_url": "https://x/7", "draft": false,
		"merged": false, "user": map[string]any{"id": 3, "login": "kim", "type": "User"}, "labels": []any{map[string]any{"name": "l"}},
		"head":          map[string]any{"sha": "aaa", "ref": "topic", "repo": repo},
		"base":          map[string]any{"sha": "bbb", "ref": "main", "repo": repo},
		"changed_files": 1, "commits": 2, "additions": 3, "deletions": 4, "updated_at": "2026-01-02T03:04:05Z",
	}
}

// Case 75: a field that is gone is a fault, never a zero value.
func TestMissingFields(t *testing.T) {
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	ask := func(body string) error {
		f := newFake(t, map[string]http.HandlerFunc{"GET /repos/acme/shop/pulls/7": says(200, body)})
		_, err := newRepo(t, f, nil).PullRequest(t.Context(), 7)
		return err
	}
	if err := ask(text(pullJSON(7))); err != nil {
		t.Fatal(err)
	}
	// The body may be null, the author gone, draft left out by older servers: none
	// lets anything pass.
	lenient := map[string]bool{"body": true, "user": true, "updated_at": true, "draft": true}
	for name := range pullJSON(7) {
		for _, null := range []bool{false, true} {
			pull := pullJSON(7)
			if delete(pull, name); null {
				pull[name] = nil
			}
			if err := ask(text(pull)); (err == nil) != lenient[name] {
				t.Errorf("without %s: %v", name, err)
			}
		}
	}
	for _, branch := range []string{"head", "base"} {
		for _, name := range []string{"sha", "ref"} {
			pull := pullJSON(7)
			pull[branch].(map[string]any)[name] = ""
			if err := ask(text(pull)); KindOf(err) != KindFault {
				t.Errorf("with an empty %s.%s: %v", branch, name, err)
			}
		}
	}
	for _, body := range []string{"", "null", "[]", "{", "{}", `"x"`, text(pullJSON(8)), text(pullJSON(7))[:100]} {
		if err := ask(body); KindOf(err) != KindFault {
			t.Errorf("%.20q: %v", body, err)
		}
	}
	other := pullJSON(7)
	other["base"].(map[string]any)["repo"].(map[string]any)["id"] = 43
	if err := ask(text(other)); KindOf(err) != KindMissing {
		t.Errorf("of another repository: %v", err)
	}
	withoutFork := pullJSON(7)
	withoutFork["head"].(map[string]any)["repo"] = nil
	if err := ask(text(withoutFork)); err != nil {
		t.Errorf("case 40, the fork is gone: %v", err)
	}
}

// Case 66: a connection that breaks in the middle is a fault.
func TestHalfAnswers(t *testing.T) {
	body := repoJSON(42)
	cut := func(chunked bool) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"x"`)
			if !chunked {
				w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			}
			io.WriteString(w, body[:len(body)/2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	for _, chunked := range []bool{true, false} {
		f := newFake(t, map[string]http.HandlerFunc{"GET /repos/acme/shop": cut(chunked)})
		r := newRepo(t, f, nil)
		_, err := r.Repository(t.Context())
		if KindOf(err) != KindFault {
			t.Errorf("chunked %v: %v", chunked, err)
		}
		if got := Unreadable(err); got.Cause != gate.CauseFault || !strings.HasPrefix(got.Fact, "The repository could not be read: ") {
			t.Errorf("%+v", got)
		}
		f.answer("GET /repos/acme/shop", says(200, body))
		if _, err := r.Repository(t.Context()); err != nil {
			t.Errorf("a half answer was kept: %v", err)
		}
	}
}

// A name that an address would swallow is asked of nobody.
func TestOddNames(t *testing.T) {
	var asked []string
	f := newFake(t, map[string]http.HandlerFunc{})
	r := newRepo(t, f, nil)
	for _, login := range []string{"..", ".", ""} {
		if p, err := r.Permission(t.Context(), login); err != nil || p != (gate.Collaborator{}) {
			t.Errorf("%q: %v %v", login, p, err)
		}
	}
	if f.count() != 0 {
		t.Errorf("%d requests", f.count())
	}
	_, _, _ = r.Branch(t.Context(), "feature/ü #1?x%2f")
	_, _ = r.TagCommit(t.Context(), "app/v1+2")
	_, _ = r.File(t.Context(), ".github/a b.yml", "heads/x&y")
	_, _ = r.Compare(t.Context(), "a/b", "c...d")
	for _, req := range f.seen {
		asked = append(asked, req.URL.RequestURI())
	}
	want := []string{
		"/app/installations/7/access_tokens",
		"/repos/acme/shop/branches/feature%2F%C3%BC%20%231%3Fx%252f",
		"/repos/acme/shop/git/ref/tags/app/v1+2",
		"/repos/acme/shop/contents/.github/a%20b.yml?ref=heads%2Fx%26y",
		"/repos/acme/shop/compare/a%2Fb...c...d?per_page=100",
	}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked\n%s", strings.Join(asked, "\n"))
	}
}
