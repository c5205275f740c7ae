// Package webhook is the door: it verifies a delivery, stores what is kept of
// it, and answers. Nothing else happens here.
//
// # The promise
//
// A 2xx for a delivery that leads to work is sent only after the transaction
// that stored it was committed and synced. When the store refuses, or takes
// longer than five seconds, the answer is 503 with Retry-After. GitHub does not
// deliver again by itself: the sweep of failed deliveries does.
//
// # Answers
//
//	200 pong · duplicate (this delivery is stored already)
//	202 accepted · ignored (other events and actions, other Apps)
//	400 not JSON, a key twice, nested too deep, not the shape of its event, no identifier
//	401 not signed by us       405 · 408 · 413 · 415 how it was sent
//	503 no room, or not stored
//
// The texts are fixed: a sender learns nothing of why a signature was refused.
//
// # Cost
//
// Whoever can reach the door can send bodies, so before the signature is
// checked a body costs only its memory: at most 64 requests are read or stored
// at a time, their bodies share 96 MiB, and reading one may take ten seconds.
// Waiting deliveries are stored together: one commit serves all that came while
// the last one was synced.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"gonogo/internal/inbox"
)

// The figures of the door.
const (
	// MaxBody is GitHub's own limit of a payload.
	MaxBody = 25 << 20

	inFlight     = 64
	waiting      = 1024 // requests that wait for their turn to be read
	memory       = 96 << 20
	readTimeout  = 10 * time.Second
	storeTimeout = 5 * time.Second
	turnTimeout  = 2 * time.Second
	retryAfter   = 10 // seconds
)

// Result is what became of a delivery: a bounded set, for counting.
type Result string

// The results.
const (
	Accepted    Result = "accepted"
	Replayed    Result = "replayed" // accepted, but the same body came before
	Duplicate   Result = "duplicate"
	Ignored     Result = "ignored"
	Foreign     Result = "foreign" // for another App's hook: ignored
	Ping        Result = "ping"
	Unsigned    Result = "unsigned"
	Malformed   Result = "malformed"
	Unsuitable  Result = "unsuitable" // method, type, size
	TooSlow     Result = "too_slow"
	Crowded     Result = "crowded"
	Unavailable Result = "unavailable" // the store could not take it
)

// Results lists all results.
var Results = [...]Result{Accepted, Replayed, Duplicate, Ignored, Foreign, Ping, Unsigned, Malformed, Unsuitable,
	TooSlow, Crowded, Unavailable}

// Appender stores hints: [inbox.Inbox]. Once Append has returned nil, they are
// on the disk.
type Appender interface {
	Append(ctx context.Context, hints []inbox.Hint) ([]inbox.Outcome, error)
}

// Config is what the door depends on. Secrets, Inbox and Log are required.
type Config struct {
	// Secrets are the webhook secrets that are valid now, at least one. None may
	// be empty.
	Secrets []string
	// AppID is our App; deliveries to another one's hook are ignored. 0: all are
	// taken.
	AppID int64
	Inbox Appender
	Log   *logrus.Entry
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Stored is called after deliveries were stored. It must not block. It may
	// be nil.
	Stored func()
	// Count is called once for each request. It may be nil.
	Count func(Result)
}

// Door is an http.Handler. [Door.Close] it after the server was shut down.
type Door struct {
	secrets [][]byte
	hook    string
	log     *logrus.Entry
	now     func() time.Time
	count   func(Result)

	turns   chan struct{} // one for each request in flight
	queued  atomic.Int64  // requests that wait for a turn
	room    atomic.Int64  // bytes that bodies may still take
	storing *committer

	turnTimeout, readTimeout time.Duration
}

// New returns a door.
func New(c Config) (*Door, error) {
	if c.Inbox == nil || c.Log == nil {
		return nil, errors.New("webhook: Inbox and Log are required")
	}
	if len(c.Secrets) == 0 {
		return nil, errors.New("no webhook secret is set; without one anybody could send events: set GONOGO_WEBHOOK_SECRET")
	}
	d := &Door{log: c.Log, now: c.Now, count: c.Count, turns: make(chan struct{}, inFlight),
		turnTimeout: turnTimeout, readTimeout: readTimeout}
	for _, s := range c.Secrets {
		if strings.TrimSpace(s) == "" {
			return nil, errors.New("a webhook secret is empty; remove the stray comma from GONOGO_WEBHOOK_SECRET")
		}
		d.secrets = append(d.secrets, []byte(s))
	}
	if c.AppID != 0 {
		d.hook = strconv.FormatInt(c.AppID, 10)
	}
	if d.now == nil {
		d.now = time.Now
	}
	if d.count == nil {
		d.count = func(Result) {}
	}
	if c.Stored == nil {
		c.Stored = func() {}
	}
	d.room.Store(memory)
	d.storing = newCommitter(c.Inbox, c.Stored, c.Log)
	return d, nil
}

// Close waits for deliveries that are being stored. Requests that come later
// are answered with 503.
func (d *Door) Close() { d.storing.close() }

// answer is what a request gets.
type answer struct {
	code   int
	text   string
	result Result
}

var (
	pong        = answer{http.StatusOK, "pong", Ping}
	accepted    = answer{http.StatusAccepted, "accepted", Accepted}
	replayed    = answer{http.StatusAccepted, "accepted", Replayed}
	duplicate   = answer{http.StatusOK, "duplicate", Duplicate}
	ignored     = answer{http.StatusAccepted, "ignored", Ignored}
	foreign     = answer{http.StatusAccepted, "ignored", Foreign}
	unsigned    = answer{http.StatusUnauthorized, "the signature is missing or wrong", Unsigned}
	malformed   = answer{http.StatusBadRequest, "the delivery is malformed", Malformed}
	notPost     = answer{http.StatusMethodNotAllowed, "deliveries are sent with POST", Unsuitable}
	notJSON     = answer{http.StatusUnsupportedMediaType, "deliveries are sent as application/json", Unsuitable}
	tooLarge    = answer{http.StatusRequestEntityTooLarge, "the delivery is larger than 25 MB", Unsuitable}
	tooSlow     = answer{http.StatusRequestTimeout, "the delivery came too slowly", TooSlow}
	crowded     = answer{http.StatusServiceUnavailable, "too many deliveries at once", Crowded}
	unavailable = answer{http.StatusServiceUnavailable, "the delivery could not be stored", Unavailable}
)

// ServeHTTP answers one delivery.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := d.receive(w, r)
	d.count(a.result)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	switch a.code {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodPost)
	}
	w.WriteHeader(a.code)
	_, _ = io.WriteString(w, a.text+"\n")
}

func (d *Door) receive(w http.ResponseWriter, r *http.Request) answer {
	signature, a := fromHeaders(r)
	if a != nil {
		return *a
	}
	if !d.enter(r.Context()) {
		return crowded
	}
	defer func() { <-d.turns }()
	b := body{room: &d.room}
	defer b.free()
	if a := b.read(w, r, d.readTimeout); a != nil {
		return *a
	}
	which := d.signer(b.bytes, signature)
	if which < 0 {
		return unsigned
	}
	return d.take(r, b.bytes, signature, which)
}

// fromHeaders judges what can be judged before the body is read, and returns
// the signature.
func fromHeaders(r *http.Request) ([]byte, *answer) {
	if r.Method != http.MethodPost {
		return nil, &notPost
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return nil, &notJSON
	}
	if r.ContentLength > MaxBody {
		return nil, &tooLarge
	}
	signature, ok := parseSignature(r.Header["X-Hub-Signature-256"])
	if !ok {
		return nil, &unsigned
	}
	return signature, nil
}

// parseSignature accepts exactly one header of the form "sha256=<64 lower-case
// hexadecimal digits>", which is how GitHub writes it.
func parseSignature(headers []string) ([]byte, bool) {
	if len(headers) != 1 {
		return nil, false
	}
	digits, found := strings.CutPrefix(headers[0], "sha256=")
	if !found || len(digits) != 2*sha256.Size || strings.ToLower(digits) != digits {
		return nil, false
	}
	signature, err := hex.DecodeString(digits)
	return signature, err == nil
}

// signer returns the index of the secret with which body was signed, or -1.
func (d *Door) signer(body, signature []byte) int {
	which := -1
	for n, secret := range d.secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), signature) && which < 0 {
			which = n
		}
	}
	return which
}

// enter waits for a turn.
func (d *Door) enter(ctx context.Context) bool {
	select {
	case d.turns <- struct{}{}:
		return true
	default:
	}
	if d.queued.Add(1) > waiting {
		d.queued.Add(-1)
		return false
	}
	defer d.queued.Add(-1)
	timer := time.NewTimer(d.turnTimeout)
	defer timer.Stop()
	select {
	case d.turns <- struct{}{}:
		return true
	case <-timer.C:
		return false
	case <-ctx.Done():
		return false
	}
}

// take handles a delivery whose signature is right.
func (d *Door) take(r *http.Request, body, signature []byte, which int) answer {
	guid, okGUID := parseGUID(r.Header["X-Github-Delivery"])
	name, okEvent := parseEvent(r.Header["X-Github-Event"])
	if !okGUID || !okEvent {
		return malformed
	}
	if d.isForeign(r) {
		return foreign
	}
	p := payload{top: make(map[string]bool, 16)}
	if err := scan(body, shape, &p); err != nil {
		return d.refuse(guid, name, err)
	}
	if name == "ping" {
		return pong
	}
	h, err := hintOf(name, &p)
	switch {
	case errors.Is(err, errIgnored):
		return ignored
	case err != nil:
		return d.refuse(guid, name, err)
	}
	h.GUID, h.ReceivedAt = guid, d.now()
	// Who replays a body must replay its signature, which is a digest already.
	copy(h.BodyDigest[:], signature)
	return d.store(r.Context(), h, which)
}

func (d *Door) refuse(guid, event string, err error) answer {
	d.log.WithError(err).WithFields(logrus.Fields{"delivery": guid, "event": event}).
		Warn("a signed delivery is malformed")
	return malformed
}

func (d *Door) isForeign(r *http.Request) bool {
	return d.hook != "" && r.Header.Get("X-Github-Hook-Installation-Target-Type") == "integration" &&
		r.Header.Get("X-Github-Hook-Installation-Target-Id") != d.hook
}

func (d *Door) store(ctx context.Context, h inbox.Hint, which int) answer {
	outcome, err := d.storing.append(ctx, h)
	if err != nil {
		return unavailable
	}
	if d.log.Logger.IsLevelEnabled(logrus.DebugLevel) {
		d.log.WithFields(logrus.Fields{"delivery": h.GUID, "event": h.Event, "action": h.Action, "installation": h.InstallationID,
			"repository": h.Repo.FullName, "pr": h.PR, "sha": h.SHA, "secret": which}).Debug("delivery stored")
	}
	switch outcome {
	case inbox.Duplicate:
		return duplicate
	case inbox.Replay:
		return replayed
	default:
		return accepted
	}
}

// parseGUID accepts exactly one UUID, in lower case.
func parseGUID(headers []string) (string, bool) {
	if len(headers) != 1 || len(headers[0]) != 36 {
		return "", false
	}
	guid := strings.ToLower(headers[0])
	for n, c := range []byte(guid) {
		dash := n == 8 || n == 13 || n == 18 || n == 23
		if dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
	}
	return guid, true
}

// parseEvent accepts exactly one name as GitHub writes them.
func parseEvent(headers []string) (string, bool) {
	if len(headers) != 1 || headers[0] == "" || len(headers[0]) > 64 {
		return "", false
	}
	for _, c := range []byte(headers[0]) {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return "", false
		}
	}
	return headers[0], true
}
