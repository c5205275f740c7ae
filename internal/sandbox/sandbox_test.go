package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"go.uber.org/goleak"

	"gonogo/internal/sandbox"
	"gonogo/internal/sandbox/openapi"
)

const secret = "a secret that is longer than thirty-two bytes"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// world is a simulated GitHub with one repository, as the App sees it.
type world struct {
	*testing.T
	*sandbox.GitHub
	clock *clock
	check *openapi.Validator
	acme  *sandbox.Owner
	repo  *sandbox.Repo
	token string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := &clock{t: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)}
	v := openapi.Must(t)
	gh, err := sandbox.New(sandbox.Config{Now: c.now, AuthNow: c.now, Key: testKey(), Wrap: v.Handler})
	if err != nil {
		t.Fatal(err)
	}
	if err := gh.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gh.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{T: t, GitHub: gh, clock: c, check: v, acme: gh.Org("acme")}
	w.repo = w.acme.Repo("shop")
	w.repo.Grant("dana", "maintain")
	w.repo.Grant("kim", "write")
	w.token = w.newToken()
	return w
}

// jwt returns the App's token.
func (w *world) jwt(change func(*jwt.RegisteredClaims)) string {
	w.Helper()
	claims := &jwt.RegisteredClaims{
		Issuer: fmt.Sprint(w.AppID()), IssuedAt: jwt.NewNumericDate(w.clock.now().Add(-time.Minute)),
		ExpiresAt: jwt.NewNumericDate(w.clock.now().Add(9 * time.Minute)),
	}
	if change != nil {
		change(claims)
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(testKey())
	if err != nil {
		w.Fatal(err)
	}
	return text
}

func (w *world) newToken() string {
	w.Helper()
	path := fmt.Sprintf("/app/installations/%d/access_tokens", w.acme.InstallationID())
	got := w.as(w.jwt(nil)).post(path, nil, http.StatusCreated)
	return got.text("token")
}

// client asks with one credential.
type client struct {
	w          *world
	credential string
	header     http.Header
}

func (w *world) as(credential string) *client { return &client{w, credential, http.Header{}} }

func (w *world) app() *client { return w.as(w.token) }

func (c *client) with(name, value string) *client {
	c.header.Set(name, value)
	return c
}

// reply is an answer.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (c *client) do(method, path string, body any, want int) reply {
	c.w.Helper()
	var text io.Reader
	if body != nil {
		raw, isRaw := body.(string)
		if !isRaw {
			encoded, err := json.Marshal(body)
			if err != nil {
				c.w.Fatal(err)
			}
			raw = string(encoded)
		}
		text = strings.NewReader(raw)
	}
	if !strings.HasPrefix(path, "http") {
		path = c.w.URL() + path
	}
	req, err := http.NewRequest(method, path, text)
	if err != nil {
		c.w.Fatal(err)
	}
	for name, values := range c.header {
		req.Header[name] = values
	}
	if c.credential != "" {
		req.Header.Set("Authorization", "Bearer "+c.credential)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client1.Do(req)
	if err != nil {
		c.w.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		c.w.Fatalf("%s %s: %v", method, path, err)
	}
	if resp.StatusCode != want {
		c.w.Fatalf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, want, got)
	}
	return reply{c.w.T, resp.StatusCode, resp.Header, got}
}

func (c *client) get(path string, want int) reply {
	c.w.Helper()
	return c.do(http.MethodGet, path, nil, want)
}

func (c *client) post(path string, body any, want int) reply {
	c.w.Helper()
	return c.do(http.MethodPost, path, body, want)
}

// value follows keys and indexes into the answer.
func (r reply) value(keys ...any) any {
	r.t.Helper()
	var v any
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	for _, key := range keys {
		switch key := key.(type) {
		case string:
			o, isObject := v.(map[string]any)
			if !isObject {
				r.t.Fatalf("%v: no object at %q in %s", keys, key, r.body)
			}
			v = o[key]
		case int:
			list, isList := v.([]any)
			if !isList || key >= len(list) {
				r.t.Fatalf("%v: no item %d in %s", keys, key, r.body)
			}
			v = list[key]
		}
	}
	return v
}

// text is value as words.
func (r reply) text(keys ...any) string {
	r.t.Helper()
	return fmt.Sprint(r.value(keys...))
}

func (r reply) len(keys ...any) int {
	r.t.Helper()
	list, _ := r.value(keys...).([]any)
	return len(list)
}

// receiver takes webhooks.
type receiver struct {
	mu     sync.Mutex
	status int
	got    []received
}

type received struct {
	event, guid string
	header      http.Header
	body        []byte
}

func newReceiver(t *testing.T) (*receiver, string) {
	t.Helper()
	r := &receiver{status: http.StatusOK}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return r, server.URL
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, received{req.Header.Get("X-GitHub-Event"), req.Header.Get("X-GitHub-Delivery"), req.Header, body})
	w.WriteHeader(r.status)
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) take() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

func (w *world) settle() {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	defer cancel()
	if err := w.Settle(ctx); err != nil {
		w.Fatal(err)
	}
}
