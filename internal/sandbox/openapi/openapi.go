// Package openapi holds HTTP traffic against GitHub's own OpenAPI description.
// Tests import it; no program does.
//
// A [Validator] wraps a handler, such as the sandbox's, or a transport. It
// checks every request (path, query, body) and every answer, collects what does
// not fit, and changes nothing. It is stricter than GitHub on one thing: a
// property or a query parameter that the description does not name is a
// violation in a request, since misspelt names are the likeliest mistake, and
// GitHub ignores them without a word.
//
// The description is testdata/openapi/github.json, cut by the command in cut/.
// Answers that every route may give (401, 403, 404, 422, 429, redirects) are
// checked as errors where the description does not list them; those of 5xx are
// not checked.
package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Validator checks traffic. It is safe for concurrent use.
type Validator struct {
	doc    *openapi3.T
	routes []route

	mu         sync.Mutex
	violations []Violation
	seen       map[string]int // "GET /path/{template}" → answers checked
}

// Violation is one thing that does not fit the description.
type Violation struct {
	Method, Path string
	Side         string // request or response
	Pointer      string // JSON pointer, or the parameter's name
	Reason       string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s %s: %s at %s: %s", v.Method, v.Path, v.Side, v.Pointer, v.Reason)
}

type route struct {
	template string
	match    *regexp.Regexp
	names    []string
	item     *openapi3.PathItem
}

// New loads the description from testdata at the module's root.
func New() (*Validator, error) {
	doc, err := description()
	if err != nil {
		return nil, err
	}
	v := &Validator{doc: doc, seen: map[string]int{}}
	for template, item := range doc.Paths.Map() {
		v.routes = append(v.routes, newRoute(template, item))
	}
	// Of several templates that fit, the one with more fixed text is meant.
	slices.SortFunc(v.routes, func(a, b route) int {
		if n := fixed(b.template) - fixed(a.template); n != 0 {
			return n
		}
		return strings.Compare(a.template, b.template)
	})
	return v, nil
}

// description is read once; nobody changes it.
var description = sync.OnceValues(func() (*openapi3.T, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(root, "testdata", "openapi", "github.json"))
	if err != nil {
		return nil, fmt.Errorf("load GitHub's description: %w", err)
	}
	return doc, nil
})

// Must is New for tests: it ends the test when the description cannot be
// loaded, and reports all violations at the test's end.
func Must(t testing.TB) *Validator {
	t.Helper()
	v, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, violation := range v.Violations() {
			t.Error(violation)
		}
	})
	return v
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module's root: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the module's root: no go.mod above the working directory")
		}
		dir = parent
	}
}

var variable = regexp.MustCompile(`\{(\w+)\}`)

// slashes are the parameters whose values may hold slashes.
var slashes = []string{"ref", "branch", "basehead", "path", "tag", "tree_sha"}

func newRoute(template string, item *openapi3.PathItem) route {
	rt := route{template: template, item: item}
	expr := regexp.QuoteMeta(template)
	for _, m := range variable.FindAllStringSubmatch(template, -1) {
		class := `([^/]+)`
		if slices.Contains(slashes, m[1]) {
			class = `(.+)`
		}
		rt.names = append(rt.names, m[1])
		expr = strings.Replace(expr, regexp.QuoteMeta(m[0]), class, 1)
	}
	rt.match = regexp.MustCompile("^" + expr + "$")
	return rt
}

func fixed(template string) int { return len(variable.ReplaceAllString(template, "")) }

// byID is the undocumented way to name a repository by its id.
var byID = regexp.MustCompile(`^/repositories/\d+`)

// Violations returns what was found so far.
func (v *Validator) Violations() []Violation {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.violations)
}

// Forget drops what was found so far and returns it, for tests that break rules
// on purpose.
func (v *Validator) Forget() []Violation {
	v.mu.Lock()
	defer v.mu.Unlock()
	old := v.violations
	v.violations = nil
	return old
}

// Unseen returns the routes of the description that no request asked.
func (v *Validator) Unseen() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var list []string
	for _, rt := range v.routes {
		for method := range rt.item.Operations() {
			if name := method + " " + rt.template; v.seen[name] == 0 {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return list
}

// Handler returns next with all traffic checked.
func (v *Validator) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "the body could not be read", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if !rec.broken() {
				v.check(r, body, rec.status, rec.Header(), rec.body.Bytes())
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// recorder keeps what is written.
type recorder struct {
	http.ResponseWriter
	status  int
	written bool
	body    bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status, r.written = status, true
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.written = true
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// broken reports whether the connection was broken on purpose.
func (r *recorder) broken() bool {
	want, err := strconv.Atoi(r.Header().Get("Content-Length"))
	return !r.written || err == nil && r.body.Len() < want
}

// RoundTripper returns next with all traffic checked.
func (v *Validator) RoundTripper(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, fmt.Errorf("read the request: %w", err)
			}
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		resp, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
		resp.Body = io.NopCloser(bytes.NewReader(text))
		v.check(r, body, resp.StatusCode, resp.Header, text)
		return resp, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// exchange is one request and its answer while it is checked.
type exchange struct {
	v      *Validator
	method string
	path   string
	side   string
}

func (e exchange) report(pointer, reason string) {
	e.v.mu.Lock()
	defer e.v.mu.Unlock()
	e.v.violations = append(e.v.violations, Violation{e.method, e.path, e.side, pointer, reason})
}

func (v *Validator) check(r *http.Request, body []byte, status int, header http.Header, text []byte) {
	e := exchange{v: v, method: r.Method, path: r.URL.Path, side: "request"}
	path := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/v3"), "/")
	path = byID.ReplaceAllString(path, "/repos/owner/repo")
	rt, values := v.find(path)
	if rt == nil || rt.item.GetOperation(r.Method) == nil {
		e.report("/", "GitHub's description has no such route (add it to cut/routes.go if GitHub has it)")
		return
	}
	op := rt.item.GetOperation(r.Method)
	v.mu.Lock()
	v.seen[r.Method+" "+rt.template]++
	v.mu.Unlock()
	e.checkParameters(rt.item, op, values, r)
	e.checkBody(op, body)
	e.side = "response"
	e.checkResponse(op, status, header, text)
}

func (v *Validator) find(path string) (*route, map[string]string) {
	for i := range v.routes {
		rt := &v.routes[i]
		if m := rt.match.FindStringSubmatch(path); m != nil {
			values := map[string]string{}
			for k, name := range rt.names {
				values[name] = m[k+1]
			}
			return rt, values
		}
	}
	return nil, nil
}

func decode(text []byte) (any, error) {
	var value any
	err := json.Unmarshal(text, &value)
	return value, err
}
