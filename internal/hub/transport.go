package hub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
)

// maxAnswer bounds an answer. The largest that is asked for is a blob of 5 MB
// in base64.
const maxAnswer = 48 << 20

var (
	errForeignHost = errors.New("refused to go to another host than the API's")
	errTooLarge    = errors.New("the answer is too large")
)

// guard is the last step before the network: it sees each request as it goes
// out, tokens and repeated ones among them.
type guard struct {
	next  http.RoundTripper
	api   *url.URL
	agent string
	tally *tally
}

// RoundTrip implements [http.RoundTripper].
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if !sameHost(req.URL, g.api) || !strings.HasPrefix(req.URL.Path, g.api.Path) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, errForeignHost
	}
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", g.agent)
	req.Header.Set("X-GitHub-Api-Version", apiVersion)
	// The App's transport adds an Accept header to the one that is there.
	if accept := req.Header.Get("Accept"); accept == "" || strings.Contains(accept, ".v3+json") {
		req.Header.Set("Accept", acceptJSON)
	} else {
		req.Header.Set("Accept", accept)
	}
	start := time.Now()
	resp, err := g.next.RoundTrip(req)
	g.tally.record(req, resp, time.Since(start))
	if err != nil || !isTokenRequest(req) {
		return resp, err
	}
	return checkToken(resp)
}

func sameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}

func isTokenRequest(req *http.Request) bool {
	return req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/access_tokens")
}

// checkToken reads the answer to a request for a token whole: ghinstallation
// leaves the body of a refusal open, and an answer of "null" makes it panic.
func checkToken(resp *http.Response) (*http.Response, error) {
	body, err := readBody(resp)
	if err != nil {
		return nil, fmt.Errorf("read installation token: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if resp.StatusCode/100 != 2 {
		return resp, nil
	}
	var token struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	// The error of a decoder may quote the answer, which is a secret here.
	if json.Unmarshal(body, &token) != nil || token.Token == "" || token.ExpiresAt.IsZero() {
		return nil, errors.New("read installation token: the answer holds none")
	}
	return resp, nil
}

// readBody reads and closes an answer's body.
func readBody(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close() //nolint:errcheck // read to its end or given up
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errTooLarge
	}
	return body, err
}

// authenticator sends requests with a token and, on a 401, once more with a
// fresh one: a token may have been revoked, or the clocks disagree.
type authenticator struct {
	fresh func() http.RoundTripper
	key   *signer

	mu  sync.Mutex
	now http.RoundTripper
}

func newAuthenticator(key *signer, fresh func() http.RoundTripper) *authenticator {
	return &authenticator{fresh: fresh, key: key, now: fresh()}
}

// RoundTrip implements [http.RoundTripper].
func (a *authenticator) RoundTrip(req *http.Request) (*http.Response, error) {
	used := a.current()
	resp, err := used.RoundTrip(req.Clone(req.Context()))
	header, refused := unauthorized(resp, err)
	if !refused {
		return resp, err
	}
	again := req.Clone(req.Context())
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			return resp, err
		}
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	if resp != nil {
		_, _ = readBody(resp)
	}
	a.key.adjust(header)
	return a.renew(used).RoundTrip(again)
}

func unauthorized(resp *http.Response, err error) (http.Header, bool) {
	if err == nil {
		return resp.Header, resp.StatusCode == http.StatusUnauthorized
	}
	var refused *ghinstallation.HTTPError
	if errors.As(err, &refused) && refused.Response != nil {
		return refused.Response.Header, refused.Response.StatusCode == http.StatusUnauthorized
	}
	return nil, false
}

func (a *authenticator) current() http.RoundTripper {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

// renew replaces the transport that was refused, unless another request did so
// already.
func (a *authenticator) renew(used http.RoundTripper) http.RoundTripper {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now == used {
		a.now = a.fresh()
	}
	return a.now
}
