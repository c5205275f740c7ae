package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// route is one route of the API. In a pattern {name} is one path segment and
// {name...} is one or more of them.
type route struct {
	method, pattern string
	// permission is "app" for the App's JWT, "" for any installation token,
	// else "contents:read"; alternatives are separated by "|".
	permission string
	answer     func(*call) answer
	match      *regexp.Regexp
	names      []string
	parts      []string // the segments, "" for one that is a variable; nil where a variable spans several
}

// call is one request while it is answered, with the lock held.
type call struct {
	g     *GitHub
	r     *http.Request
	route *route
	vars  map[string]string
	body  []byte
	inst  *Owner // whose installation asks; nil for the App itself
	token *token
	repo  *Repo
	// limited tells that a rate limit's window is closed.
	limited bool
}

// answer is what a route answers: a value to encode, or raw bytes.
type answer struct {
	status int
	body   any
	raw    []byte
	header http.Header
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func created(body any) answer { return answer{status: http.StatusCreated, body: body} }

func done() answer { return answer{status: http.StatusNoContent} }

const documentation = "https://docs.github.com/rest"

func refuse(status int, message string) answer {
	return answer{status: status, body: object{
		"message": message, "documentation_url": documentation, "status": strconv.Itoa(status),
	}}
}

func notFound() answer { return refuse(http.StatusNotFound, "Not Found") }

// invalid is a 422 about one field.
func invalid(resource, field, message string) answer {
	return answer{status: http.StatusUnprocessableEntity, body: object{
		"message": "Validation Failed", "documentation_url": documentation, "status": "422",
		"errors": []any{object{"resource": resource, "field": field, "code": "custom", "message": message}},
	}}
}

var variable = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

func newRoute(method, pattern, permission string, fn func(*call) answer) route {
	rt := route{method: method, pattern: pattern, permission: permission, answer: fn}
	var expr strings.Builder
	rest := pattern
	for _, m := range variable.FindAllStringSubmatch(pattern, -1) {
		before, after, _ := strings.Cut(rest, m[0])
		expr.WriteString(regexp.QuoteMeta(before))
		if m[2] != "" {
			expr.WriteString(`(.+)`)
		} else {
			expr.WriteString(`([^/]+)`)
		}
		rt.names = append(rt.names, m[1])
		rest = after
	}
	expr.WriteString(regexp.QuoteMeta(rest))
	rt.match = regexp.MustCompile("^" + expr.String() + "$")
	if !strings.Contains(pattern, "...}") {
		for _, part := range strings.Split(pattern, "/") {
			if strings.HasPrefix(part, "{") {
				part = ""
			}
			rt.parts = append(rt.parts, part)
		}
	}
	return rt
}

// may rules out most routes that do not fit a path, at little cost.
func (rt *route) may(path []string) bool {
	if rt.parts == nil {
		return true
	}
	if len(rt.parts) != len(path) {
		return false
	}
	for i, part := range rt.parts {
		if part != "" && part != path[i] {
			return false
		}
	}
	return true
}

// find returns the first route that fits.
func (g *GitHub) find(method, path string) (*route, map[string]string) {
	parts := strings.Split(path, "/")
	for i := range g.routes {
		rt := &g.routes[i]
		if rt.method != method || !rt.may(parts) {
			continue
		}
		if m := rt.match.FindStringSubmatch(path); m != nil {
			vars := map[string]string{}
			for k, name := range rt.names {
				vars[name] = m[k+1]
			}
			return rt, vars
		}
	}
	return nil, nil
}

// apiPath returns the path without the prefix of GitHub Enterprise Server.
func apiPath(u *url.URL) string {
	return strings.TrimSuffix(strings.TrimPrefix(u.Path, "/api/v3"), "/")
}

// ServeHTTP answers one request.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10<<20))
	if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	rt, vars := g.find(r.Method, apiPath(r.URL))
	entry, fault := g.enter(r, rt)
	defer g.leave()
	if fault.before(r) {
		g.fail(w, r, entry, fault)
		return
	}
	c := &call{g: g, r: r, route: rt, vars: vars, body: body}
	a, header := c.run()
	text := a.encode()
	status := a.status
	if fault != nil {
		text = fault.mangle(g, r, text, header)
	} else if r.Method == http.MethodGet && status == http.StatusOK {
		g.remember(r, text, header)
	}
	if r.Method == http.MethodGet && status == http.StatusOK {
		sum := sha256.Sum256(text)
		tag := `W/"` + hex.EncodeToString(sum[:]) + `"`
		header.Set("ETag", tag)
		header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
		if match := r.Header.Get("If-None-Match"); match != "" && strings.Contains(match, strings.TrimPrefix(tag, "W/")) {
			status, text = http.StatusNotModified, nil
		}
	}
	c.charge(status, header)
	g.note(entry, c, status)
	g.write(w, r, fault, status, header, text)
}

func (g *GitHub) write(w http.ResponseWriter, r *http.Request, f *Fault, status int, header http.Header, text []byte) {
	for name, values := range header {
		w.Header()[name] = values
	}
	w.Header().Set("X-GitHub-Request-Id", fmt.Sprintf("%X", sha256.Sum256(fmt.Append(text, r.URL)))[:24])
	w.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
	if len(text) > 0 && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	if f != nil && f.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(status)
		_, _ = w.Write(text[:len(text)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // a caller who has gone is no fault of ours
}

func (a answer) encode() []byte {
	if a.raw != nil || a.body == nil {
		return a.raw
	}
	text, err := json.Marshal(a.body)
	if err != nil {
		panic(fmt.Sprintf("sandbox: encode an answer: %v", err))
	}
	return text
}

// run authenticates the call and answers it under the lock.
func (c *call) run() (answer, http.Header) {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	a := c.admit()
	if a.status == 0 {
		a = c.route.answer(c)
		if c.r.Method == http.MethodGet {
			c.repo.read(apiPath(c.r.URL))
		} else if a.status < 300 {
			c.g.touched()
		}
	}
	header := http.Header{}
	for name, values := range a.header {
		header[name] = values
	}
	header.Set("Date", c.g.cfg.AuthNow().UTC().Format(http.TimeFormat))
	return a, header
}

// decode reads the JSON body into v. GitHub ignores unknown keys, and so does
// this.
func (c *call) decode(v any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	return json.Unmarshal(c.body, v)
}

func problemsParsing() answer { return refuse(http.StatusBadRequest, "Problems parsing JSON") }

func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

func (c *call) number(name string) int {
	n, err := strconv.Atoi(c.vars[name])
	if err != nil {
		return -1
	}
	return n
}

func (c *call) id(name string) int64 {
	n, err := strconv.ParseInt(c.vars[name], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// page cuts a list of n items by per_page and page, and returns the bounds and
// the Link header.
func (c *call) page(n int) (lo, hi int, header http.Header) { return c.pageBy(n, 30) }

// pageBy is page with another number of items on a page where none is asked.
func (c *call) pageBy(n, usual int) (lo, hi int, header http.Header) {
	per, err := strconv.Atoi(c.query("per_page"))
	if err != nil || per < 1 {
		per = usual
	}
	per = min(per, max(100, usual))
	page, err := strconv.Atoi(c.query("page"))
	if err != nil || page < 1 {
		page = 1
	}
	last := max(1, (n+per-1)/per)
	header = http.Header{}
	var links []string
	link := func(rel string, page int) {
		q := c.r.URL.Query()
		q.Set("page", strconv.Itoa(page))
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel="%s"`, c.g.url, c.r.URL.EscapedPath(), q.Encode(), rel))
	}
	if page > 1 {
		link("prev", min(page-1, last))
	}
	if page < last {
		link("next", page+1)
		link("last", last)
	}
	if page > 1 {
		link("first", 1)
	}
	if len(links) > 0 {
		header.Set("Link", strings.Join(links, ", "))
	}
	lo = min((page-1)*per, n)
	return lo, min(lo+per, n), header
}

// listOf answers one page of items.
func listOf[T any](c *call, items []T, json func(T) object) answer {
	lo, hi, header := c.page(len(items))
	return answer{status: http.StatusOK, body: each(items[lo:hi], json), header: header}
}

// countedOf answers one page of items inside an object with total_count.
func countedOf[T any](c *call, key string, items []T, json func(T) object) answer {
	a := listOf(c, items, json)
	a.body = object{"total_count": len(items), key: a.body}
	return a
}

// cursorPage cuts one page out of a list that is paged by the ids of its items,
// and links to the item after it by the query parameter key.
func cursorPage[T any](c *call, key string, items []T, id func(T) int64) (page []T, header http.Header) {
	per, err := strconv.Atoi(c.query("per_page"))
	if err != nil || per < 1 {
		per = 30
	}
	if from := c.query(key); from != "" {
		at := slices.IndexFunc(items, func(item T) bool { return strconv.FormatInt(id(item), 10) == from })
		if at < 0 {
			at = len(items)
		}
		items = items[at:]
	}
	header = http.Header{}
	if per = min(per, 100); len(items) > per {
		q := c.r.URL.Query()
		q.Set(key, strconv.FormatInt(id(items[per]), 10))
		header.Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, c.g.url, c.r.URL.EscapedPath(), q.Encode()))
		items = items[:per]
	}
	return items, header
}

// each encodes each item.
func each[T any](items []T, json func(T) object) []object {
	list := make([]object, 0, len(items))
	for _, item := range items {
		list = append(list, json(item))
	}
	return list
}

// newestFirst returns the items in the other order.
func newestFirst[T any](items []T) []T {
	list := slices.Clone(items)
	slices.Reverse(list)
	return list
}
