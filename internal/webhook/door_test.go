package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/sirupsen/logrus"

	"gonogo/internal/inbox"
	"gonogo/internal/store"
	"gonogo/internal/webhook"
)

const secret = "It's a Secret to Everybody, and 32 bytes long"

func sign(body []byte) string { return signWith(secret, body) }

func signWith(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func quiet() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}

// fixture is a door on a database of its own.
type fixture struct {
	*webhook.Door
	t      *testing.T
	inbox  *inbox.Inbox
	stored atomic.Int64

	mu     sync.Mutex
	counts map[webhook.Result]int
}

func newFixture(t *testing.T, change ...func(*webhook.Config)) *fixture {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "door.db"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, inbox: inbox.New(s), counts: make(map[webhook.Result]int)}
	c := webhook.Config{Secrets: []string{secret}, AppID: 99, Inbox: f.inbox, Log: quiet(),
		Stored: func() { f.stored.Add(1) }, Count: f.count}
	for _, do := range change {
		do(&c)
	}
	if f.Door, err = webhook.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		_ = s.Close()
	})
	return f
}

func (f *fixture) count(r webhook.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[r]++
}

func (f *fixture) counted(r webhook.Result) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[r]
}

// request is a signed delivery, before a test spoils it.
func request(event, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/github/webhooks", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", uuid.NewString())
	r.Header.Set("X-GitHub-Hook-Installation-Target-Type", "integration")
	r.Header.Set("X-GitHub-Hook-Installation-Target-ID", "99")
	r.Header.Set("X-Hub-Signature-256", sign([]byte(body)))
	return r
}

// send returns the code and the text of the answer.
func (f *fixture) send(r *http.Request) (int, string) {
	f.t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		f.t.Error("503 without Retry-After")
	}
	return w.Code, strings.TrimSpace(w.Body.String())
}

func (f *fixture) want(r *http.Request, code int, text string) {
	f.t.Helper()
	if got, said := f.send(r); got != code || said != text {
		f.t.Errorf("got %d %q, want %d %q", got, said, code, text)
	}
}

func (f *fixture) hints() []inbox.Hint {
	f.t.Helper()
	entries, err := f.inbox.Next(context.Background(), 10_000)
	if err != nil {
		f.t.Fatal(err)
	}
	hints := make([]inbox.Hint, len(entries))
	for n, e := range entries {
		if hints[n] = e.Hint; e.Err != nil {
			f.t.Fatal(e.Err)
		}
	}
	return hints
}

const (
	sha1 = "1111111111111111111111111111111111111111"
	repo = `"repository":{"id":1,"full_name":"acme/shop","default_branch":"main","private":true,
		"owner":{"id":5,"login":"acme","type":"Organization"}},"installation":{"id":3},"sender":{"id":8,"login":"kim","type":"User"}`
	pull = `{"number":7,"state":"open","draft":true,"updated_at":"2026-01-02T03:04:05Z","user":{"id":8},
		"head":{"sha":"` + sha1 + `","ref":"feature","repo":{"id":2}},"base":{"ref":"main","repo":{"id":1}}}`
	opened = `{"action":"opened","number":7,"pull_request":` + pull + `,` + repo + `}`
)

func commented(id int, body string) string {
	return fmt.Sprintf(`{"action":"created","issue":{"number":7,"labels":[],"pull_request":{"url":"x"}},
		"comment":{"id":%d,"body":%q,"html_url":"https://github.com/acme/shop/pull/7#c","created_at":"2026-01-02T03:04:05Z",
		"updated_at":"2026-01-02T03:04:05Z","user":{"id":8,"login":"kim","type":"User"}},%s}`, id, body, repo)
}

const (
	saysUnsigned  = "the signature is missing or wrong"
	saysMalformed = "the delivery is malformed"
)

// Case 3: GitHub's own example of a signature.
func TestGitHubsSignatureVector(t *testing.T) {
	f := newFixture(t, func(c *webhook.Config) { c.Secrets = []string{"It's a Secret to Everybody"} })
	const vector = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	r := request("push", "Hello, World!")
	r.Header.Set("X-Hub-Signature-256", vector)
	f.want(r, 400, saysMalformed) // signed, but no payload
	r = request("push", "Hello, World?")
	r.Header.Set("X-Hub-Signature-256", vector)
	f.want(r, 401, saysUnsigned)
}

// Case 3.
func TestSignatureHeaderShapes(t *testing.T) {
	f := newFixture(t)
	good := sign([]byte(opened))
	for name, headers := range map[string][]string{
		"none":                       nil,
		"empty":                      {""},
		"without its prefix":         {good[7:]},
		"prefix in capitals":         {"SHA256=" + good[7:]},
		"SHA-1's prefix":             {"sha1=" + good[7:]},
		"digits in capitals":         {"sha256=" + strings.ToUpper(good[7:])},
		"too short":                  {good[:len(good)-2]},
		"too long":                   {good + "00"},
		"a space before":             {" " + good},
		"a space inside":             {"sha256= " + good[7:]},
		"not hexadecimal":            {"sha256=" + strings.Repeat("zz", 32)},
		"two, both good":             {good, good},
		"two, the second is good":    {"sha256=" + strings.Repeat("00", 32), good},
		"joined by a comma":          {good + "," + good},
		"signed with an empty key":   {signWith("", []byte(opened))},
		"signed with another secret": {signWith("another", []byte(opened))},
		"of another body":            {sign([]byte(opened + " "))},
	} {
		r := request("pull_request", opened)
		r.Header["X-Hub-Signature-256"] = headers
		if code, text := f.send(r); code != 401 || text != saysUnsigned {
			t.Errorf("%s: got %d %q", name, code, text)
		}
	}
	r := request("pull_request", opened)
	r.Header.Del("X-Hub-Signature-256")
	r.Header.Set("X-Hub-Signature", "sha1=0000000000000000000000000000000000000000")
	f.want(r, 401, saysUnsigned)
	if n := len(f.hints()); n != 0 || f.counted(webhook.Unsigned) != 18 {
		t.Errorf("%d stored, %d counted", n, f.counted(webhook.Unsigned))
	}
}

func TestSecretsThatAreRefused(t *testing.T) {
	for name, secrets := range map[string][]string{
		"none": nil, "one empty": {""}, "one of spaces": {"  "}, "a stray comma": {secret, ""},
	} {
		if _, err := webhook.New(webhook.Config{Secrets: secrets, Inbox: appender{}, Log: quiet()}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Case 4.
func TestBothSecretsCountDuringARotation(t *testing.T) {
	f := newFixture(t, func(c *webhook.Config) { c.Secrets = []string{"old secret", "new secret"} })
	for n, s := range []string{"old secret", "new secret", "old secret"} {
		body := fmt.Sprintf(`{"n":%d,%s`, n, opened[1:])
		r := request("pull_request", body)
		r.Header.Set("X-Hub-Signature-256", signWith(s, []byte(body)))
		f.want(r, 202, "accepted")
	}
}

// Cases 9 and 10: how a delivery is sent.
func TestEnvelope(t *testing.T) {
	f := newFixture(t)
	for name, test := range map[string]struct {
		spoil func(r *http.Request)
		code  int
		text  string
	}{
		"not a POST":         {func(r *http.Request) { r.Method = http.MethodGet }, 405, "deliveries are sent with POST"},
		"a form":             {func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415, "deliveries are sent as application/json"},
		"no type":            {func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "deliveries are sent as application/json"},
		"a gzip bomb":        {func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 415, "deliveries are sent as application/json"},
		"announced too long": {func(r *http.Request) { r.ContentLength = webhook.MaxBody + 1 }, 413, "the delivery is larger than 25 MB"},
		"with a charset":     {func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") }, 202, "accepted"},
		"no identifier":      {func(r *http.Request) { r.Header.Del("X-GitHub-Delivery") }, 400, saysMalformed},
		"no UUID":            {func(r *http.Request) { r.Header.Set("X-GitHub-Delivery", strings.Repeat("x", 36)) }, 400, saysMalformed},
		"two identifiers":    {func(r *http.Request) { r.Header.Add("X-GitHub-Delivery", uuid.NewString()) }, 400, saysMalformed},
		"no event":           {func(r *http.Request) { r.Header.Del("X-GitHub-Event") }, 400, saysMalformed},
		"no event's name":    {func(r *http.Request) { r.Header.Set("X-GitHub-Event", "Pull Request") }, 400, saysMalformed},
		"another App's hook": {func(r *http.Request) { r.Header.Set("X-GitHub-Hook-Installation-Target-ID", "98") }, 202, "ignored"},
		"an unknown event":   {func(r *http.Request) { r.Header.Set("X-GitHub-Event", "levitation") }, 202, "ignored"},
	} {
		r := request("pull_request", strings.Replace(opened, "{", `{"case":"`+name+`",`, 1))
		r.Header.Set("X-Hub-Signature-256", sign([]byte(strings.Replace(opened, "{", `{"case":"`+name+`",`, 1))))
		test.spoil(r)
		if code, text := f.send(r); code != test.code || text != test.text {
			t.Errorf("%s: got %d %q, want %d %q", name, code, text, test.code, test.text)
		}
	}
	f.want(request("ping", `{"zen":"Keep it logically awesome.","hook_id":1}`), 200, "pong")
	if n := len(f.hints()); n != 1 {
		t.Errorf("%d were stored, want the one with a charset", n)
	}
}

// Case 10: a body that does not say how long it is.
func TestTooLargeWithoutSayingSo(t *testing.T) {
	f := newFixture(t)
	r := request("push", "")
	r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeros{}, webhook.MaxBody+1)), -1
	f.want(r, 413, "the delivery is larger than 25 MB")
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Case 10.
func TestPayloadsThatAreRefused(t *testing.T) {
	f := newFixture(t)
	for name, test := range map[string]struct{ event, body string }{
		"nothing":                      {"push", ""},
		"not JSON":                     {"push", "payload=%7B%7D"},
		"cut":                          {"pull_request", opened[:len(opened)-1]},
		"more behind":                  {"pull_request", opened + "{}"},
		"a list":                       {"pull_request", "[" + opened + "]"},
		"a key twice":                  {"pull_request", strings.Replace(opened, `"number":7,`, `"number":7,"number":8,`, 1)},
		"a key twice, deep":            {"pull_request", strings.Replace(opened, `"base":{`, `"x":[{"y":{"z":1,"z":2}}],"base":{`, 1)},
		"a key twice, once escaped":    {"pull_request", strings.Replace(opened, `"number":7,`, `"n\u0075mber":8,"number":7,`, 1)},
		"a key twice, among many":      {"push", manyKeys(1000)},
		"nested too deep":              {"pull_request", strings.Replace(opened, "{", `{"x":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+",", 1)},
		"a control character":          {"pull_request", strings.Replace(opened, "feature", "fea\nture", 1)},
		"a bad escape":                 {"pull_request", strings.Replace(opened, "feature", `fea\xture`, 1)},
		"half an escape":               {"pull_request", strings.Replace(opened, "feature", `\u12`, 1)},
		"a bad number":                 {"pull_request", strings.Replace(opened, `"number":7`, `"number":07`, 1)},
		"a number that is none":        {"pull_request", strings.Replace(opened, `"number":7`, `"number":7.5`, 1)},
		"a number in quotes":           {"pull_request", strings.Replace(opened, `"number":7`, `"number":"7"`, 1)},
		"a number beyond all":          {"pull_request", strings.Replace(opened, `"number":7`, `"number":99999999999999999999`, 1)},
		"a list for an object":         {"pull_request", strings.Replace(opened, `"repo":{"id":2}`, `"repo":2`, 1)},
		"no repository":                {"pull_request", `{"action":"opened","number":7,"pull_request":` + pull + `}`},
		"a repository without an id":   {"pull_request", strings.Replace(opened, `{"id":1,`, `{`, 1)},
		"no commit":                    {"pull_request", strings.Replace(opened, sha1, "main", 1)},
		"two numbers":                  {"pull_request", strings.Replace(opened, `"number":7,"pull`, `"number":8,"pull`, 1)},
		"a comment without its issue":  {"issue_comment", strings.Replace(commented(1, "/go"), `"issue"`, `"tissue"`, 1)},
		"a release without a tag":      {"release", `{"action":"published","release":{},` + repo + `}`},
		"a button that is none":        {"check_run", `{"action":"requested_action","check_run":{"id":1,"head_sha":"` + sha1 + `"},` + repo + `}`},
		"an installation of nobody":    {"installation", `{"action":"created","installation":{"id":3}}`},
		"another event's payload":      {"issues", opened},
		"a review sent as its pull":    {"pull_request", strings.Replace(opened, "{", `{"review":{"id":1},`, 1)},
		"a comment sent as its issue":  {"issues", commented(1, "/go")},
		"a check sent as a repository": {"repository", `{"action":"edited","check_run":{"id":1},` + repo + `}`},
	} {
		if code, text := f.send(request(test.event, test.body)); code != 400 || text != saysMalformed {
			t.Errorf("%s: got %d %q", name, code, text)
		}
	}
	if n := len(f.hints()); n != 0 {
		t.Errorf("%d were stored", n)
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	b.WriteString(`{"k0":1`)
	for k := range n {
		fmt.Fprintf(&b, `,"k%d":1`, (k+1)%n)
	}
	return b.String() + "}"
}

func TestWhatIsKept(t *testing.T) {
	f := newFixture(t)
	f.want(request("pull_request", opened), 202, "accepted")
	f.want(request("issue_comment", commented(41, "/go 1111111 \U0001F680\nthanks")), 202, "accepted")
	f.want(request("issue_comment", commented(42, "looks good, don't /go yet")), 202, "ignored")
	f.want(request("pull_request", strings.Replace(opened, "opened", "assigned", 1)), 202, "ignored")
	hints := f.hints()
	if len(hints) != 2 || f.stored.Load() == 0 {
		t.Fatalf("%d stored", len(hints))
	}
	h := hints[0]
	if h.Event != "pull_request" || h.Action != "opened" || h.InstallationID != 3 || h.Repo.ID != 1 || h.Repo.FullName != "acme/shop" ||
		h.Account.Login != "acme" || h.Account.IsUser || h.Sender.ID != 8 || h.PR != 7 || h.SHA != sha1 || h.Pull == nil ||
		h.Pull.HeadRef != "feature" || h.Pull.HeadRepoID != 2 || h.Pull.BaseRef != "main" || !h.Pull.Open || !h.Pull.Draft ||
		h.Pull.UpdatedAt.Year() != 2026 || h.ReceivedAt.IsZero() {
		t.Errorf("kept of a pull request: %+v %+v", h, h.Pull)
	}
	if c := hints[1].Comment; c == nil || c.ID != 41 || c.Body != "/go 1111111 \U0001F680\nthanks" || c.User.Login != "kim" {
		t.Errorf("kept of a comment: %+v", c)
	}
}

// Case 11.
func TestTextsThatDatabasesRefuse(t *testing.T) {
	f := newFixture(t)
	for name, title := range map[string]string{
		"U+0000": `\u0000`, "a lone surrogate": `\ud800x`, "a swapped pair": `\udc00\ud800`, "invalid UTF-8": "\xff\xc0\x80",
	} {
		body := strings.Replace(opened, "feature", title, 1)
		if code, text := f.send(request("pull_request", body)); code != 202 {
			t.Errorf("%s: got %d %q", name, code, text)
		}
	}
	if n := len(f.hints()); n != 4 {
		t.Errorf("%d stored and read back", n)
	}
}

// Cases 5 and 6.
func TestRepeatedAndReplayed(t *testing.T) {
	f := newFixture(t)
	first := request("issue_comment", commented(41, "/go"))
	guid := first.Header.Get("X-GitHub-Delivery")
	f.want(first, 202, "accepted")
	for range 5 {
		r := request("issue_comment", commented(41, "/go"))
		r.Header.Set("X-GitHub-Delivery", strings.ToUpper(guid))
		f.want(r, 200, "duplicate")
	}
	if n := len(f.hints()); n != 1 {
		t.Fatalf("%d stored after five repetitions", n)
	}
	f.want(request("issue_comment", commented(41, "/go")), 202, "accepted")
	hints := f.hints()
	if len(hints) != 2 || hints[0].Replayed || !hints[1].Replayed || f.counted(webhook.Replayed) != 1 {
		t.Fatalf("a replay is not marked: %d stored", len(hints))
	}
	for _, event := range []string{"pull_request", "pull_request_review", "issues", "check_run", "check_suite", "status", "push",
		"delete", "release", "secret_scanning_alert", "repository", "member", "installation", "installation_repositories",
		"membership", "team", "organization"} {
		if code, _ := f.send(request(event, commented(41, "/go"))); code != 400 {
			t.Errorf("replayed as %s: got %d", event, code)
		}
	}
}

// appender is a store whose answers a test chooses.
type appender struct {
	do func([]inbox.Hint) error
}

func (a appender) Append(_ context.Context, hints []inbox.Hint) ([]inbox.Outcome, error) {
	return make([]inbox.Outcome, len(hints)), a.do(hints)
}

// Case 1: no promise without the commit.
func TestAStoreThatRefusesIs503AndHeals(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	f := newFixture(t, func(c *webhook.Config) {
		c.Inbox = appender{func([]inbox.Hint) error {
			if broken.Load() {
				return errors.New("disk full")
			}
			return nil
		}}
	})
	for range 3 {
		f.want(request("pull_request", opened), 503, "the delivery could not be stored")
	}
	if f.stored.Load() != 0 {
		t.Error("the dispatcher was woken for nothing")
	}
	broken.Store(false)
	f.want(request("pull_request", opened), 202, "accepted")
}

// Case 1: the answer waits for the commit.
func TestTheAnswerWaitsForTheCommit(t *testing.T) {
	committing, commit := make(chan bool), make(chan bool)
	f := newFixture(t, func(c *webhook.Config) {
		c.Inbox = appender{func([]inbox.Hint) error { committing <- true; <-commit; return nil }}
	})
	answered := make(chan int, 1)
	go func() {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, request("pull_request", opened))
		answered <- w.Code
	}()
	<-committing
	select {
	case code := <-answered:
		t.Fatalf("answered %d before the commit", code)
	default:
	}
	commit <- true
	if code := <-answered; code != 202 {
		t.Fatalf("answered %d", code)
	}
}

func TestDeliveriesThatWaitShareACommit(t *testing.T) {
	const n = 40
	first, goOn := make(chan bool), make(chan bool)
	var mu sync.Mutex
	var sizes []int
	f := newFixture(t, func(c *webhook.Config) {
		c.Inbox = appender{func(h []inbox.Hint) error {
			mu.Lock()
			sizes = append(sizes, len(h))
			alone := len(sizes) == 1
			mu.Unlock()
			if alone {
				close(first)
				<-goOn
			}
			return nil
		}}
	})
	var wg sync.WaitGroup
	send := func() { wg.Go(func() { f.want(request("pull_request", opened), 202, "accepted") }) }
	send()
	<-first
	for range n {
		send()
	}
	for webhook.Waiting(f.Door) < n {
		runtime.Gosched()
	}
	close(goOn)
	wg.Wait()
	if len(sizes) != 2 || sizes[1] != n {
		t.Errorf("batches of %v", sizes)
	}
}

func TestAClosedDoorPromisesNothing(t *testing.T) {
	f := newFixture(t)
	f.Close()
	f.want(request("pull_request", opened), 503, "the delivery could not be stored")
}

// Case 3, run F5: a million forgeries.
func TestAMillionForgeries(t *testing.T) {
	f := newFixture(t)
	body := []byte(`{"action":"opened"}`)
	good, err := hex.DecodeString(sign(body)[7:])
	if err != nil {
		t.Fatal(err)
	}
	forged := make([]byte, len(good))
	for n := range 1_000_000 {
		copy(forged, good)
		for v, k := n+1, 0; v > 0; v, k = v/251, k+1 {
			forged[(n+k)%len(forged)] ^= byte(v%251 + 1)
		}
		if bytes.Equal(forged, good) {
			continue
		}
		if webhook.Signer(f.Door, body, forged) >= 0 {
			t.Fatalf("forgery %d was taken: %x", n, forged)
		}
	}
	if webhook.Signer(f.Door, body, good) != 0 {
		t.Fatal("the right signature was not taken")
	}
}

// Case 10: bodies that trickle hold no turn for ever, and none are promised.
func TestASlowBodyOverTheWire(t *testing.T) {
	f := newFixture(t)
	webhook.SetTimeouts(f.Door, time.Second, 50*time.Millisecond)
	server := httptest.NewServer(f)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"+
		"X-Hub-Signature-256: sha256=%s\r\n\r\n{", strings.Repeat("00", 32))
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 408 ")) {
		t.Errorf("got %q, %v", answer, err)
	}
}

// Case 10: no more than 64 at once, however many come.
func TestCrowdsAreTurnedAway(t *testing.T) {
	inside, leave := make(chan bool), make(chan bool)
	f := newFixture(t)
	webhook.SetTimeouts(f.Door, time.Millisecond, time.Minute)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			r := request("push", "")
			r.Body, r.ContentLength = io.NopCloser(blocker{inside, leave}), 10
			f.send(r)
		})
	}
	for range 64 {
		<-inside
	}
	f.want(request("pull_request", opened), 503, "too many deliveries at once")
	close(leave)
	wg.Wait()
	f.want(request("pull_request", opened), 202, "accepted")
	if webhook.Room(f.Door) != webhook.Memory {
		t.Errorf("room for %d bytes is left of %d", webhook.Room(f.Door), webhook.Memory)
	}
}

// Case 10: bodies share a bounded memory.
func TestMemoryIsBounded(t *testing.T) {
	inside, leave := make(chan bool), make(chan bool)
	f := newFixture(t)
	var wg sync.WaitGroup
	codes := make(chan int, 10)
	for range 10 {
		wg.Go(func() {
			r := request("push", "")
			r.Body, r.ContentLength = io.NopCloser(io.MultiReader(io.LimitReader(zeros{}, 20<<20), blocker{inside, leave})), -1
			code, _ := f.send(r)
			codes <- code
		})
	}
	refused, reading := 0, 0
	for refused+reading < 10 {
		select {
		case code := <-codes:
			if code != 503 {
				t.Errorf("got %d", code)
			}
			refused++
		case <-inside:
			reading++
		}
	}
	if reading*20<<20 > webhook.Memory || refused == 0 {
		t.Errorf("%d bodies of 20 MB are in memory", reading)
	}
	close(leave)
	wg.Wait()
	if webhook.Room(f.Door) != webhook.Memory {
		t.Errorf("room for %d bytes is left of %d", webhook.Room(f.Door), webhook.Memory)
	}
}

// blocker is a body that says when it is read, and ends when it may.
type blocker struct{ inside, leave chan bool }

func (b blocker) Read([]byte) (int, error) {
	b.inside <- true
	<-b.leave
	return 0, io.EOF
}
