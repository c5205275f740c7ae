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
	"strconv"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"
	"github.com/sirupsen/logrus"
)

const (
	// callTimeout bounds one request with its answer.
	callTimeout  = 10 * time.Second
	maxRedirects = 5
	acceptJSON   = "application/vnd.github+json"
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
