package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Message is a notice as JSON, for the webhook and for files. docs/notices.md
// describes it.
type Message struct {
	Key        string         `json:"key"` // the same whenever it is sent again
	Kind       Kind           `json:"kind"`
	Repository Repository     `json:"repository"`
	Channels   []string       `json:"channels"`
	Roles      []string       `json:"roles"`
	Lines      []Line         `json:"lines"`
	Link       string         `json:"link,omitempty"`
	At         time.Time      `json:"at"`
	Data       map[string]any `json:"data,omitempty"`
}

// Repository is whom a message is about.
type Repository struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// message returns a letter as JSON.
func message(l Letter) ([]byte, error) {
	n := l.Notice
	return json.Marshal(Message{
		Key: l.Key, Kind: n.Kind, Repository: Repository{n.RepoID, n.Repo}, Channels: some(n.To), Roles: some(n.Roles),
		Lines: n.Lines, Link: n.link(), At: n.At, Data: n.Data,
	})
}

// some is a list that JSON shows as one although it is empty.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// The headers of the webhook.
const (
	HeaderSignature = "X-Gonogo-Signature-256" // "sha256=" and the hex HMAC-SHA256 of the body
	HeaderDelivery  = "X-Gonogo-Delivery"      // the message's key
	HeaderKind      = "X-Gonogo-Kind"
)

// Webhook brings notices to an address of the operator's, signed.
type Webhook struct {
	address string
	secret  []byte
	client  *http.Client
}

// NewWebhook returns a carrier to an address.
func NewWebhook(address, secret string, client *http.Client) *Webhook {
	return &Webhook{address, []byte(secret), client}
}

// Name is "webhook".
func (w *Webhook) Name() string { return "webhook" }

// Targets is one place for each notice that is for somebody.
func (w *Webhook) Targets(n Notice) []string {
	if len(n.To) == 0 && len(n.Roles) == 0 {
		return nil
	}
	return []string{""}
}

// Sign returns the signature of a body.
func Sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Carry posts a letter. Every answer of 200 to 299 means that it is there.
func (w *Webhook) Carry(ctx context.Context, l Letter) error {
	body, err := message(l)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used") // the error would show it whole
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "gonogo")
	req.Header.Set(HeaderSignature, Sign(w.secret, body))
	req.Header.Set(HeaderDelivery, l.Key)
	req.Header.Set(HeaderKind, string(l.Notice.Kind))
	res, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("post to the webhook: %w", bare(err))
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if res.StatusCode >= 200 && res.StatusCode <= 299 {
		return nil
	}
	err = fmt.Errorf("the webhook answers %d", res.StatusCode)
	if after, ok := retryAfter(res); ok {
		return &Later{After: after, Err: err}
	}
	return err
}

// retryAfter is how long an answer asks to wait. Dates are not read: no clock but
// ours counts.
func retryAfter(res *http.Response) (time.Duration, bool) {
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || seconds < 0 || seconds > int(keepTrying/time.Second) {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}
