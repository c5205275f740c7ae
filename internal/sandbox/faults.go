package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is an injected failure. It is applied to requests whose method and
// route fit, in the order in which faults were added, one fault per request.
type Fault struct {
	// Method and Route choose requests; empty ones fit all. Route is a pattern as
	// in GitHub's documentation, such as /repos/{owner}/{repo}/pulls/{pull_number}
	// (the names do not matter), or a plain path.
	Method, Route string
	Times         int // how often; 0 is until [GitHub.Mend]

	Status int         // answer this instead of working
	Body   string      // with Status: the body; default GitHub's words
	Header http.Header // with Status
	Delay  time.Duration
	Reset  bool   // the connection breaks before an answer; the request had no effect
	Cut    bool   // the connection breaks in the middle of the answer's body
	Half   bool   // a list is answered by half of its items, without a word
	Stale  bool   // answer what this address answered last: the API lags behind
	Drop   string // leave this key out of the answer's objects, such as head.sha
	// Before is called before the request has any effect, and may act.
	Before func(*http.Request)

	in *Repo // see Repo.Fail
}

// Limit is a closed window of GitHub's rate limits.
type Limit struct {
	For       time.Duration
	Status    int  // 403 (the default) or 429
	Secondary bool // else the primary limit, with Remaining 0 and Reset
	Mute      bool // a secondary limit without Retry-After
}

// Request is one line of the request log.
type Request struct {
	Method, Path, Query string
	Route               string // the pattern, "" for unknown routes
	At                  time.Time
	Status              int // 0 when the connection was broken
	// Closed tells that it came while a limit's window was closed.
	Closed bool
	Body   string
}

// logKept is how many requests are kept at least.
const logKept = 50_000

// NotModified tells that the request was answered by 304 and cost nothing.
func (r Request) NotModified() bool { return r.Status == http.StatusNotModified }

// traffic is what the API has seen and does to requests.
type traffic struct {
	log     []*Request
	faults  []*Fault
	limit   Limit
	opens   time.Time
	latency time.Duration
	flying  int
	peak    int
	last    map[string]remembered
	used    map[int64]int // requests paid, by installation
	resets  time.Time
}

type remembered struct {
	text   []byte
	header http.Header
}

// Fail injects a fault.
func (g *GitHub) Fail(f Fault) {
	defer g.act()()
	if f.Times == 0 {
		f.Times = -1
	}
	g.traffic.faults = append(g.traffic.faults, &f)
}

// Mend ends all faults and opens the limits.
func (g *GitHub) Mend() {
	defer g.act()()
	g.traffic.faults = nil
	g.traffic.opens = time.Time{}
}

// Limit closes the rate limit's window for a while, for all installations.
func (g *GitHub) Limit(l Limit) {
	defer g.act()()
	g.traffic.limit = l
	g.traffic.opens = g.cfg.Now().Add(l.For)
}

// Latency makes every answer take d longer: it is the simulated network.
func (g *GitHub) Latency(d time.Duration) {
	defer g.act()()
	g.traffic.latency = d
}

// Requests returns the request log, the oldest first.
func (g *GitHub) Requests() []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]Request, len(g.traffic.log))
	for i, r := range g.traffic.log {
		list[i] = *r
	}
	return list
}

// Count returns how many requests the log holds for which fits is true; nil
// counts all.
func (g *GitHub) Count(fits func(Request) bool) int {
	n := 0
	for _, r := range g.Requests() {
		if fits == nil || fits(r) {
			n++
		}
	}
	return n
}

// ForgetRequests empties the log.
func (g *GitHub) ForgetRequests() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.traffic.log, g.traffic.peak = nil, g.traffic.flying
}

// PeakInFlight returns the largest number of requests that were answered at
// the same time.
func (g *GitHub) PeakInFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.traffic.peak
}

// enter logs the request and takes the fault that fits it.
func (g *GitHub) enter(r *http.Request, rt *route) (*Request, *Fault) {
	g.mu.Lock()
	t := &g.traffic
	entry := &Request{Method: r.Method, Path: apiPath(r.URL), Query: r.URL.RawQuery, At: g.cfg.Now()}
	if rt != nil {
		entry.Route = rt.pattern
	}
	t.log = append(t.log, entry)
	if len(t.log) > 2*logKept {
		t.log = slices.Clone(t.log[len(t.log)-logKept:])
	}
	t.flying++
	t.peak = max(t.peak, t.flying)
	fault := g.takeFault(entry)
	latency := t.latency
	g.mu.Unlock()
	if fault != nil {
		latency += fault.Delay
	}
	if latency > 0 {
		wait(r, latency)
	}
	return entry, fault
}

// wait waits for d, or until the caller has gone.
func wait(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

func (g *GitHub) takeFault(r *Request) *Fault {
	for _, f := range g.traffic.faults {
		if f.Times == 0 || f.Method != "" && f.Method != r.Method || f.in != nil && !f.in.within(r.Path) {
			continue
		}
		if f.Route != "" && unnamed(f.Route) != unnamed(r.Route) && f.Route != r.Path {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return f
	}
	return nil
}

// unnamed is a pattern without the names of its variables.
func unnamed(pattern string) string { return variable.ReplaceAllString(pattern, "{}") }

func (g *GitHub) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.traffic.flying--
}

func (g *GitHub) note(entry *Request, c *call, status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	entry.Status, entry.Closed, entry.Body = status, c.limited, string(c.body)
}

// before runs the fault's hook and reports whether the request fails without
// being worked on.
func (f *Fault) before(r *http.Request) bool {
	if f == nil {
		return false
	}
	if f.Before != nil {
		f.Before(r)
	}
	return f.Status != 0 || f.Reset
}

func (g *GitHub) fail(w http.ResponseWriter, r *http.Request, entry *Request, f *Fault) {
	if f.Reset {
		panic(http.ErrAbortHandler)
	}
	g.note(entry, &call{}, f.Status)
	a := refuse(f.Status, http.StatusText(f.Status))
	if f.Body != "" {
		a.raw = []byte(f.Body)
	}
	header := http.Header{}
	maps.Copy(header, f.Header)
	g.write(w, r, f, f.Status, header, a.encode())
}

// mangle changes a good answer as the fault asks, and remembers answers for
// those that lag.
func (f *Fault) mangle(g *GitHub, r *http.Request, text []byte, header http.Header) []byte {
	switch {
	case f.Stale:
		return g.lastAnswer(r, text, header)
	case f.Half:
		return halve(text)
	case f.Drop != "":
		var value any
		if json.Unmarshal(text, &value) != nil {
			return text
		}
		dropKey(value, strings.Split(f.Drop, "."))
		return encode(value)
	}
	return text
}

// lastKept is for how many addresses the last answer is kept.
const lastKept = 5_000

func (g *GitHub) remember(r *http.Request, text []byte, header http.Header) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.traffic.last == nil || len(g.traffic.last) > lastKept {
		g.traffic.last = map[string]remembered{}
	}
	g.traffic.last[r.URL.RequestURI()] = remembered{text, header.Clone()}
}

func (g *GitHub) lastAnswer(r *http.Request, text []byte, header http.Header) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	old, ok := g.traffic.last[r.URL.RequestURI()]
	if !ok {
		return text
	}
	header.Del("Link")
	if link := old.header.Get("Link"); link != "" {
		header.Set("Link", link)
	}
	return old.text
}

// halve drops the second half of a list, or of the first list in an object.
func halve(text []byte) []byte {
	var list []json.RawMessage
	if json.Unmarshal(text, &list) == nil {
		return encode(list[:len(list)/2])
	}
	var o map[string]json.RawMessage
	if json.Unmarshal(text, &o) != nil {
		return text
	}
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if json.Unmarshal(o[key], &list) == nil {
			o[key] = encode(list[:len(list)/2])
			break
		}
	}
	return encode(o)
}

// dropKey removes a key, in all objects of the lists on the way to it.
func dropKey(value any, path []string) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			dropKey(item, path)
		}
	case object:
		if len(path) == 1 {
			delete(value, path[0])
			return
		}
		dropKey(value[path[0]], path[1:])
	}
}

func encode(v any) []byte { return answer{body: v}.encode() }

// closed answers requests inside a limit's closed window; zero when open.
func (c *call) closed() answer {
	t := &c.g.traffic
	left := t.opens.Sub(c.g.cfg.Now())
	if left <= 0 {
		return c.exhausted()
	}
	c.limited = true
	status := t.limit.Status
	if status == 0 {
		status = http.StatusForbidden
	}
	if !t.limit.Secondary {
		a := refuse(status, "API rate limit exceeded for installation.")
		a.header = http.Header{}
		a.header.Set("X-RateLimit-Remaining", "0")
		a.header.Set("X-RateLimit-Reset", strconv.FormatInt(c.g.cfg.AuthNow().Add(left).Unix()+1, 10)) // by the clock of the Date header
		return a
	}
	a := refuse(status, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	a.header = http.Header{}
	if !t.limit.Mute {
		a.header.Set("Retry-After", strconv.Itoa(int(left/time.Second)+1))
	}
	return a
}

// exhausted answers a request for which nothing of the hour's limit is left.
func (c *call) exhausted() answer {
	t := &c.g.traffic
	free := c.route.pattern == "/rate_limit" || !c.g.now().Before(t.resets)
	if free || t.used[c.inst.installation] < c.g.cfg.Limit {
		return answer{}
	}
	c.limited = true
	return refuse(http.StatusForbidden, "API rate limit exceeded for installation.")
}

// charge counts a paid request and writes the rate-limit headers.
func (c *call) charge(status int, header http.Header) {
	if c.inst == nil {
		return
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	t := &c.g.traffic
	if t.used == nil || !c.g.now().Before(t.resets) {
		t.used, t.resets = map[int64]int{}, c.g.now().Add(time.Hour)
	}
	if status != http.StatusNotModified && c.route.pattern != "/rate_limit" {
		t.used[c.inst.installation]++
	}
	for name, value := range c.rate() {
		if header.Get(name) == "" {
			header.Set(name, value)
		}
	}
}

func (c *call) rate() map[string]string {
	t := &c.g.traffic
	used := min(t.used[c.inst.installation], c.g.cfg.Limit)
	return map[string]string{
		"X-RateLimit-Limit":     strconv.Itoa(c.g.cfg.Limit),
		"X-RateLimit-Remaining": strconv.Itoa(c.g.cfg.Limit - used),
		"X-RateLimit-Used":      strconv.Itoa(used),
		"X-RateLimit-Reset":     strconv.FormatInt(t.resets.Unix(), 10),
		"X-RateLimit-Resource":  "core",
	}
}
