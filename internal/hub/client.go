package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"
	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"
)

const (
	// callTimeout bounds one request with its answer.
	callTimeout  = 10 * time.Second
	maxRedirects = 5
	acceptJSON   = "application/vnd.github+json"
	pageSize     = 100
	// maxPages is above every list that GitHub gives whole.
	maxPages = 100
)

// client asks GitHub as one installation, or as the App.
type client struct {
	http    *http.Client
	build   *github.Client
	limiter *limiter
	forms   *decoded
	now     func() time.Time
	log     *logrus.Entry
}

func (h *Hub) newClient(installation int64, transport func() http.RoundTripper) *client {
	c := &client{limiter: newLimiter(h.cfg.Now), forms: h.forms, now: h.cfg.Now, log: h.cfg.Log}
	if installation != 0 {
		c.log = c.log.WithField("installation", installation)
	}
	c.http = &http.Client{
		Transport: &revalidator{
			next:   newAuthenticator(h.key, transport),
			memory: h.cache, installation: installation,
		},
		CheckRedirect: h.checkRedirect,
	}
	c.build = github.NewClient(c.http)
	c.build.BaseURL = h.api
	return c
}

type repoKey struct{}

var numericRepo = regexp.MustCompile(`/repositories/(\d+)(?:/|$)`)

// checkRedirect follows GitHub to the new place of what was renamed, on the
// same host, as the same request and for the same repository.
func (h *Hub) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return errors.New("too many redirects")
	}
	if !sameHost(req.URL, h.api) {
		return errForeignHost
	}
	if req.Method != via[0].Method {
		return errors.New("a redirect would have changed the request")
	}
	want, _ := req.Context().Value(repoKey{}).(int64)
	if m := numericRepo.FindStringSubmatch(req.URL.Path); m != nil && want != 0 && m[1] != strconv.FormatInt(want, 10) {
		return errOtherRepository
	}
	return nil
}

var errOtherRepository = errors.New("another repository has this name now")

// act names something that is done: for logs, for people, and which permission
// it needs.
type act struct {
	name  string // "list reviews"
	noun  string // "the reviews"
	needs string // "Pull requests: read"
}

// call is one request to be made. Only the fields that are set are sent.
type call struct {
	act    act
	of     string // what it is done to: "o/r#7"
	method string // "" is GET
	path   string // relative to the API's root, escaped
	query  url.Values
	body   any
	repo   int64 // the repository that redirects must stay with
	urgent bool  // a verdict's write
}

func (k call) op() string {
	if k.of == "" {
		return k.act.name
	}
	return k.act.name + " of " + k.of
}

// answer is a successful answer, whole.
type answer struct {
	header http.Header
	body   []byte
	kept   *kept // the one that it is, where GitHub said that nothing has changed
}

// fail returns the call's error around err, keeping what a limiter's or a
// classifier's error already says.
func (k call) fail(err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Kind: KindFault, Err: err}
	}
	e.Op, e.noun = k.op(), k.act.noun
	if e.Kind == KindPermission && e.Needs == "" {
		e.Needs = k.act.needs
	}
	return e
}

// fault is an answer that came and cannot be used.
func (k call) fault(err error) *Error {
	return k.fail(&Error{Kind: KindFault, Status: http.StatusOK, Err: err})
}

// do makes the call.
func (c *client) do(ctx context.Context, k call) (*answer, error) {
	window, err := c.limiter.enter(ctx, k.urgent)
	if err != nil {
		return nil, k.fail(err)
	}
	defer c.limiter.leave()
	got, v, err := c.send(ctx, k)
	c.limiter.settle(window, v)
	if err != nil {
		e := k.fail(err)
		if e.Kind.limit() {
			e.Until, e.Wait = c.limiter.closed()
		}
		c.log.WithError(e).WithField("kind", e.Kind).Debug("GitHub did not answer as hoped")
		return nil, e
	}
	return got, nil
}

// send makes the request and reads its answer whole.
func (c *client) send(ctx context.Context, k call) (*answer, verdict, error) {
	ctx, cancel := context.WithTimeout(withAct(ctx, k.act.name), callTimeout)
	defer cancel()
	var same slot
	ctx = context.WithValue(context.WithValue(ctx, repoKey{}, k.repo), slotKey{}, &same)
	req, err := c.request(ctx, k)
	if err != nil {
		return nil, verdict{kind: KindFault}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		v, err := c.broken(err)
		return nil, v, err
	}
	body, err := same.body(resp)
	if err != nil {
		return nil, verdict{kind: KindFault}, &Error{Kind: KindFault, Status: resp.StatusCode, Err: err}
	}
	v := classify(resp.StatusCode, resp.Header, body, c.now())
	if v.kind != "" {
		return nil, v, &Error{Kind: v.kind, Status: resp.StatusCode, Needs: v.needs, Message: v.message}
	}
	return &answer{resp.Header, body, same.kept}, v, nil
}

func (c *client) request(ctx context.Context, k call) (*http.Request, error) {
	method := k.method
	if method == "" {
		method = http.MethodGet
	}
	target := k.path
	if len(k.query) > 0 {
		target += "?" + k.query.Encode()
	}
	if err := plainSegments(k.path); err != nil {
		return nil, err
	}
	req, err := c.build.NewRequest(method, target, k.body, github.WithVersion(apiVersion))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", acceptJSON)
	return req.WithContext(ctx), nil
}

// broken judges a request that ended without an answer. When it was the token
// that could not be had, GitHub's answer to that request counts.
func (c *client) broken(err error) (verdict, error) {
	var refused *ghinstallation.HTTPError
	if errors.As(err, &refused) && refused.Response != nil {
		body, _ := readBody(refused.Response)
		v := classify(refused.Response.StatusCode, refused.Response.Header, body, c.now())
		if v.kind == "" {
			v.kind = KindFault
		}
		return v, &Error{Kind: v.kind, Status: refused.Response.StatusCode, Needs: v.needs, Message: v.message,
			Err: errors.New("no token for this installation")}
	}
	if errors.Is(err, errOtherRepository) {
		return verdict{kind: KindMissing}, &Error{Kind: KindMissing, Err: errOtherRepository}
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // its address is in Op already
	}
	return verdict{kind: KindFault}, err
}

// read makes the call and decodes its answer into what v points to, which has its
// zero value. What that points to in turn may be shared: see [decodeOnce].
func (c *client) read(ctx context.Context, k call, v any) error {
	got, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	into := reflect.ValueOf(v).Elem()
	form, err := decodeOnce(c.forms, got, into.Type(), func(body []byte) (any, error) {
		err := decodeObject(body, v)
		return into.Interface(), err
	})
	if err != nil {
		return k.fault(err)
	}
	into.Set(reflect.ValueOf(form))
	return nil
}

// page is one page of a list. Total is what GitHub says of the whole list, -1
// when it says nothing.
type page[T any] struct {
	items []T
	total int
}

type decoder[T any] func(body []byte) (page[T], error)

// bare decodes a list that is the whole answer.
func bare[T any](body []byte) (page[T], error) {
	var items []T
	if err := json.Unmarshal(body, &items); err != nil {
		return page[T]{}, err
	}
	if items == nil {
		return page[T]{}, errors.New("the answer is null where a list was expected")
	}
	return page[T]{slices.Clip(items), -1}, nil
}

// field decodes a list that is a field of the answer, beside total_count.
func field[T any](name string) decoder[T] {
	return func(body []byte) (page[T], error) {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(body, &fields); err != nil {
			return page[T]{}, err
		}
		p, err := bare[T](fields[name])
		if err != nil {
			return page[T]{}, fmt.Errorf("field %s: %w", name, err)
		}
		if err := json.Unmarshal(fields["total_count"], &p.total); err != nil {
			return page[T]{}, fmt.Errorf("field total_count: %w", err)
		}
		return p, nil
	}
}

// readAll reads all pages. After the first they are read in parallel where GitHub
// names the last one; any page that fails fails the list.
func readAll[T any](ctx context.Context, c *client, k call, decode decoder[T]) ([]T, error) {
	first, links, err := readPage(ctx, c, k, decode, url.Values{})
	if err != nil {
		return nil, err
	}
	all, total := first.items, first.total
	if last := links.number("last"); last > 1 {
		if last > maxPages {
			return nil, k.fail(&Error{Kind: KindTruncated, Message: fmt.Sprintf("%d pages", last)})
		}
		pages := make([]page[T], last+1)
		var tail linkHeader
		group, gctx := errgroup.WithContext(ctx)
		for n := 2; n <= last; n++ {
			group.Go(func() error {
				p, l, err := readPage(gctx, c, k, decode, url.Values{"page": {strconv.Itoa(n)}})
				if n == last {
					tail = l
				}
				pages[n] = p
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		for _, p := range pages {
			all = append(all, p.items...)
			total = max(total, p.total)
		}
		links = tail // the list may have grown meanwhile
	}
	for n := 0; links.query("next") != nil; n++ {
		if n >= maxPages {
			return nil, k.fail(&Error{Kind: KindTruncated, Message: "too many pages"})
		}
		var p page[T]
		if p, links, err = readPage(ctx, c, k, decode, links.query("next")); err != nil {
			return nil, err
		}
		all, total = append(all, p.items...), max(total, p.total)
	}
	if all, err = withoutLinks(ctx, c, k, decode, links, all); err != nil {
		return nil, err
	}
	if len(all) < total {
		return nil, k.fail(&Error{Kind: KindTruncated, Message: fmt.Sprintf("%d of %d listed", len(all), total)})
	}
	return all, nil
}

// withoutLinks reads on where a full page came without any Link header: what
// stands between us and GitHub may have dropped it, and a list that stops at a
// page's border must not be taken for whole.
func withoutLinks[T any](ctx context.Context, c *client, k call, decode decoder[T], links linkHeader, all []T) ([]T, error) {
	for n := 2; len(links) == 0 && len(all) == (n-1)*pageSize; n++ {
		if n > maxPages {
			return nil, k.fail(&Error{Kind: KindTruncated, Message: "too many pages"})
		}
		p, more, err := readPage(ctx, c, k, decode, url.Values{"page": {strconv.Itoa(n)}})
		if err != nil {
			return nil, err
		}
		all, links = append(all, p.items...), more
	}
	return all, nil
}

// readPage reads one page; more adds to the call's query.
func readPage[T any](ctx context.Context, c *client, k call, decode decoder[T], more url.Values) (page[T], linkHeader, error) {
	query := url.Values{"per_page": {strconv.Itoa(pageSize)}}
	for name, values := range k.query {
		query[name] = values
	}
	for name, values := range more {
		query[name] = values
	}
	k.query = query
	got, err := c.do(ctx, k)
	if err != nil {
		return page[T]{}, nil, err
	}
	p, err := decodeOnce(c.forms, got, reflect.TypeFor[page[T]](), func(body []byte) (any, error) { return decode(body) })
	if err != nil {
		return page[T]{}, nil, k.fault(fmt.Errorf("decode page: %w", err))
	}
	return p.(page[T]), parseLinks(got.header.Values("Link")), nil
}

// linkHeader maps relations to addresses.
type linkHeader map[string]*url.URL

func parseLinks(headers []string) linkHeader {
	links := linkHeader{}
	for _, header := range headers {
		for _, part := range strings.Split(header, ",") {
			address, params, ok := strings.Cut(part, ";")
			address = strings.TrimSpace(address)
			if !ok || !strings.HasPrefix(address, "<") || !strings.HasSuffix(address, ">") {
				continue
			}
			u, err := url.Parse(address[1 : len(address)-1])
			if err != nil {
				continue
			}
			for _, param := range strings.Split(params, ";") {
				if rel, ok := strings.CutPrefix(strings.TrimSpace(param), "rel="); ok {
					links[strings.Trim(rel, `"`)] = u
				}
			}
		}
	}
	return links
}

// number returns the page to which a relation leads, 0 when it is not told.
func (l linkHeader) number(rel string) int {
	u, ok := l[rel]
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(u.Query().Get("page"))
	if err != nil {
		return 0
	}
	return n
}

// query returns the part of a relation's address that leads to the page; host
// and path are never taken from an answer.
func (l linkHeader) query(rel string) url.Values {
	u, ok := l[rel]
	if !ok {
		return nil
	}
	query := url.Values{}
	for _, name := range []string{"page", "after", "before", "cursor", "since"} {
		if value := u.Query().Get(name); value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return nil
	}
	return query
}

// wants collects the fields that an answer lacks.
type wants struct{ missing []string }

// want returns what p points to; a missing value is noted under its name.
func want[T any](w *wants, name string, p *T) T {
	if p == nil {
		w.missing = append(w.missing, name)
		var zero T
		return zero
	}
	return *p
}

// wantSome is want for values that are never zero: ids, names, SHAs.
func wantSome[T comparable](w *wants, name string, p *T) T {
	var zero T
	value := want(w, name, p)
	if p != nil && value == zero {
		w.missing = append(w.missing, name)
	}
	return value
}

// wantList notes a list that is not there; an empty one is.
func wantList[T any](w *wants, name string, list []T) []T {
	if list == nil {
		w.missing = append(w.missing, name)
	}
	return list
}

func wantTime(w *wants, name string, t *github.Timestamp) time.Time {
	return wantSome(w, name, t).Time
}

func (w *wants) err() error {
	if len(w.missing) == 0 {
		return nil
	}
	return fmt.Errorf("the answer lacks %s", strings.Join(w.missing, ", "))
}

// each turns the items of an answer into the gate's types.
func each[From, To any](k call, from []From, convert func(*wants, *From) To) ([]To, error) {
	to := make([]To, 0, len(from))
	for _, item := range from {
		var w wants
		converted := convert(&w, &item)
		if err := w.err(); err != nil {
			return nil, k.fault(err)
		}
		to = append(to, converted)
	}
	return to, nil
}

// one is each for a single item.
func one[From, To any](k call, from From, convert func(*wants, *From) To) (To, error) {
	var w wants
	to := convert(&w, &from)
	if err := w.err(); err != nil {
		var zero To
		return zero, k.fault(err)
	}
	return to, nil
}

// escapePath escapes each segment of a ref or path, keeping its slashes.
func escapePath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}

// decodeObject decodes an answer that must be an object.
func decodeObject(body []byte, v any) error {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return errors.New("the answer is no object")
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

// plainSegments refuses names that an address would swallow: a login "..", say,
// would ask for something else. GitHub has nothing of such a name.
func plainSegments(path string) error {
	for _, segment := range strings.Split(path, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return &Error{Kind: KindMissing, Message: "there can be nothing of this name"}
		}
	}
	return nil
}
