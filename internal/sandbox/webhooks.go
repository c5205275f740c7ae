package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// hook is where the App's webhooks go, and what went there.
type hook struct {
	url, secret string
	id          int64
	queue       []*Delivery
	held        bool
	busy        bool
	wake        chan struct{}
	log         []*Delivery
	client      *http.Client
}

// Delivery is one attempt to deliver one event.
type Delivery struct {
	ID           int64
	GUID         string // the same for all attempts
	Event        string
	Action       string // "" for events without actions
	Payload      []byte
	At           time.Time
	Redelivery   bool
	StatusCode   int // 0 before it was attempted; 502 when nobody answered
	Duration     time.Duration
	installation int64
	repository   int64
	answer       string
}

// OK reports whether the receiver answered by 2xx.
func (d Delivery) OK() bool { return d.StatusCode >= 200 && d.StatusCode < 300 }

// deliveriesLogged is how many deliveries are kept at least.
const deliveriesLogged = 5_000

// deliveriesKept is how long GitHub shows deliveries.
const deliveriesKept = 3 * 24 * time.Hour

// subscribed are the events to which the App is subscribed. The installation
// events come without a subscription.
var subscribed = []string{
	"check_run", "check_suite", "create", "delete", "deployment_protection_rule", "deployment_status", "issue_comment", "issues", "member",
	"membership", "merge_group", "pull_request", "pull_request_review", "push", "release", "repository",
	"secret_scanning_alert", "status", "team",
}

func (g *GitHub) startDelivering() {
	ctx, cancel := context.WithCancel(context.Background())
	g.ends = cancel
	g.hook.wake = make(chan struct{}, 1)
	g.hook.id = g.newID()
	g.hook.client = &http.Client{Timeout: 10 * time.Second, Transport: g.cfg.Carrier}
	g.ended.Go(func() {
		g.deliver(ctx)
		g.hook.client.CloseIdleConnections()
	})
}

// SendWebhooks sets where webhooks go from now on, and the secret that signs
// them.
func (g *GitHub) SendWebhooks(url, secret string) {
	defer g.act()()
	g.hook.url, g.hook.secret = url, secret
}

// LoseWebhooks makes GitHub lose all deliveries from now on: they are neither
// sent nor listed.
func (g *GitHub) LoseWebhooks(lose bool) {
	defer g.act()()
	g.lost = lose
}

// HoldWebhooks keeps deliveries back until [GitHub.ReleaseWebhooks].
func (g *GitHub) HoldWebhooks() {
	defer g.act()()
	g.hook.held = true
}

// ReleaseWebhooks sends what was held, after rearrange has shuffled, doubled or
// thinned it out; nil leaves it as it was.
func (g *GitHub) ReleaseWebhooks(rearrange func([]Delivery) []Delivery) {
	defer g.act()()
	if rearrange != nil {
		var list []Delivery
		for _, d := range g.hook.queue {
			list = append(list, *d)
		}
		g.hook.queue = nil
		for _, d := range rearrange(list) {
			g.hook.queue = append(g.hook.queue, &d)
		}
	}
	g.hook.held = false
	g.ring()
}

// Settle waits until all deliveries that are due were attempted; those that are
// held are not due.
func (g *GitHub) Settle(ctx context.Context) error {
	return g.Await(ctx, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return (g.hook.held || len(g.hook.queue) == 0) && !g.hook.busy
	})
}

// Deliveries returns all attempts, the oldest first.
func (g *GitHub) Deliveries() []Delivery {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]Delivery, len(g.hook.log))
	for i, d := range g.hook.log {
		list[i] = *d
	}
	return list
}

// Redeliver sends a delivery once more, as the button in the App's settings
// does.
func (g *GitHub) Redeliver(id int64) error {
	defer g.act()()
	if !g.redeliver(id) {
		return fmt.Errorf("redeliver %d: there is no such delivery", id)
	}
	return nil
}

func (g *GitHub) redeliver(id int64) bool {
	d := g.delivery(id)
	if d == nil {
		return false
	}
	again := &Delivery{
		ID: g.newID(), GUID: d.GUID, Event: d.Event, Action: d.Action, Payload: d.Payload, Redelivery: true,
		installation: d.installation, repository: d.repository,
	}
	g.hook.queue = append(g.hook.queue, again)
	g.ring()
	return true
}

func (g *GitHub) delivery(id int64) *Delivery {
	for _, d := range g.hook.log {
		if d.ID == id && g.now().Sub(d.At) <= deliveriesKept {
			return d
		}
	}
	return nil
}

func (g *GitHub) ring() {
	select {
	case g.hook.wake <- struct{}{}:
	default:
	}
}

// deliver sends what is queued, one after another, until ctx ends.
func (g *GitHub) deliver(ctx context.Context) {
	for {
		d, url, secret := g.next()
		if d == nil {
			select {
			case <-g.hook.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		begun := time.Now()
		status, text := g.post(ctx, d, url, secret)
		g.mu.Lock()
		d.StatusCode, d.answer, d.Duration = status, text, time.Since(begun)
		g.hook.busy = false
		g.touched()
		g.mu.Unlock()
		if ctx.Err() != nil {
			return
		}
	}
}

func (g *GitHub) next() (d *Delivery, url, secret string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hook.held || len(g.hook.queue) == 0 {
		return nil, "", ""
	}
	d = g.hook.queue[0]
	g.hook.queue = g.hook.queue[1:]
	g.hook.busy = true
	d.At = g.now()
	g.hook.log = append(g.hook.log, d)
	if len(g.hook.log) > 2*deliveriesLogged {
		g.hook.log = slices.Clone(g.hook.log[len(g.hook.log)-deliveriesLogged:])
	}
	return d, g.hook.url, g.hook.secret
}

func (g *GitHub) post(ctx context.Context, d *Delivery, url, secret string) (status int, text string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.Payload))
	if err != nil {
		return http.StatusBadGateway, err.Error()
	}
	for name, value := range g.deliveryHeaders(d, secret) {
		req.Header.Set(name, value)
	}
	resp, err := g.hook.client.Do(req)
	if err != nil {
		return http.StatusBadGateway, "failed to connect to host"
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, string(body)
}

// Sign returns the value of X-Hub-Signature-256 for a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func (g *GitHub) deliveryHeaders(d *Delivery, secret string) map[string]string {
	return map[string]string{
		"Accept": "*/*", "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/5abcdef",
		"X-GitHub-Delivery": d.GUID, "X-GitHub-Event": d.Event, "X-GitHub-Hook-ID": strconv.FormatInt(g.hook.id, 10),
		"X-GitHub-Hook-Installation-Target-ID":   strconv.FormatInt(g.cfg.AppID, 10),
		"X-GitHub-Hook-Installation-Target-Type": "integration",
		"X-Hub-Signature-256":                    Sign(secret, d.Payload),
	}
}

// emit queues an event about a repository. The extra parts are the payload
// beside action, repository, sender, organization and installation.
func (g *GitHub) emit(r *Repo, event, action string, sender *user, extra object) {
	r.changedIn()
	if r.hidden || r.deleted {
		return
	}
	payload := object{"repository": r.json(), "sender": sender.json()}
	maps.Copy(payload, extra)
	g.enqueue(r.owner, r, event, action, payload)
}

// sends reports whether events of an account go anywhere.
func (g *GitHub) sends(o *Owner) bool {
	return g.hook.url != "" && !g.lost && o.installed && o.suspended.IsZero()
}

// enqueue queues an event of an account that has the App installed.
func (g *GitHub) enqueue(o *Owner, about *Repo, event, action string, payload object) {
	mine := event == "installation" || event == "installation_repositories"
	if !g.sends(o) {
		return
	}
	if !mine && !slices.Contains(subscribed, event) {
		return
	}
	if action != "" {
		payload["action"] = action
	}
	if !mine {
		payload["installation"] = object{
			"id": o.installation, "node_id": nodeID("Integration Installation", o.installation),
		}
		if o.person == nil {
			payload["organization"] = o.brief()
		}
	}
	text, err := json.Marshal(payload)
	if err != nil {
		panic(fmt.Sprintf("sandbox: encode the payload of %s: %v", event, err))
	}
	id := g.newID()
	h := digestOf("delivery", strconv.FormatInt(id, 10))
	d := &Delivery{
		ID: id, GUID: fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:32]), Event: event,
		Action: action, Payload: text, installation: o.installation,
	}
	if about != nil {
		if d.repository = about.id; about.divert(d) {
			return
		}
	}
	g.hook.queue = append(g.hook.queue, d)
	g.ring()
}

func (g *GitHub) emitInstallation(o *Owner, action string) {
	var repos []object
	for _, r := range g.repos {
		if r.owner == o && !r.hidden && !r.deleted {
			repos = append(repos, r.slim())
		}
	}
	sender := g.person("founder")
	if o.person != nil {
		sender = o.person
	}
	payload := object{"installation": o.installationJSON(), "sender": sender.json()}
	if action == "created" || action == "deleted" || action == "new_permissions_accepted" {
		payload["repositories"] = repos
	}
	g.enqueue(o, nil, "installation", action, payload)
}

func (r *Repo) slim() object {
	return object{
		"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.fullName(), "private": r.private,
	}
}

func (g *GitHub) emitRepositories(r *Repo, action string) {
	list := []object{r.slim()}
	payload := object{
		"installation": r.owner.installationJSON(), "sender": r.anyone().json(), "repository_selection": "all",
		"repositories_added": []object{}, "repositories_removed": []object{}, "requester": nil,
	}
	payload["repositories_"+action] = list
	g.enqueue(r.owner, nil, "installation_repositories", action, payload)
}

func (g *GitHub) emitMembership(t *Team, u *user, action string) {
	g.enqueue(t.owner, nil, "membership", action, object{
		"scope": "team", "member": u.json(), "sender": g.person("founder").json(), "team": t.json(),
	})
}
