package app

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/sandbox"
)

const mondayBoard = 1234567890

// service is a service to which notices go: it keeps what it took, and is down
// on demand.
type service struct {
	*httptest.Server
	mu   sync.Mutex
	down bool
	hits int
	took []string // bodies
}

func newService(t *testing.T, answer string) *service {
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hits++
		if s.down {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		s.took = append(s.took, string(body))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) fails(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *service) tried() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits
}

func (s *service) bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.took...)
}

// telling is a world whose server reaches a Slack, a webhook and a Monday.com.
type telling struct {
	*world
	slack, hook *service
	monday      *sandbox.Monday
}

func newTelling(t *testing.T) *telling {
	t.Helper()
	w := &telling{world: newWorld(t), slack: newService(t, `{"ok":true,"channel":"C1","ts":"1.2"}`), hook: newService(t, ""), monday: sandbox.NewMonday("monday-t0ken")}
	tracker := httptest.NewServer(w.monday)
	t.Cleanup(tracker.Close)
	w.down()
	w.cfg.Notices = Notices{
		Network: notify.Loopback, SlackToken: "xoxb-test", SlackURL: w.slack.URL + "/api/", URL: w.hook.URL, Secret: secret,
		MondayToken: "monday-t0ken", MondayURL: tracker.URL, MondayVersion: "2026-10", MondayBoards: []int64{mondayBoard}, every: 5 * time.Millisecond,
	}
	w.up()
	return w
}

// tells posts a notice.
func (w *telling) tells(n notify.Notice) {
	w.t.Helper()
	known, err := w.app.index.Named(w.ctx, nil, "acme", "shop")
	if err == nil && len(known) == 0 {
		w.ready() // so that the repository is known
		known, err = w.app.index.Named(w.ctx, nil, "acme", "shop")
	}
	if err != nil || len(known) != 1 {
		w.t.Fatal(known, err)
	}
	n.RepoID, n.Repo, n.At = known[0].ID, "acme/shop", time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)
	if err := w.app.store.Write(w.ctx, func(tx *sql.Tx) error { return w.app.outbox.Post(w.ctx, tx, n) }); err != nil {
		w.t.Fatal(err)
	}
}

// until waits until the notices are as they should be.
func (w *telling) until(what string, so func(map[notify.State]int) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	for {
		all, err := w.app.outbox.Tally(ctx)
		if err != nil {
			w.t.Fatalf("waiting until %s: %v", what, err)
		}
		n := map[notify.State]int{}
		for _, t := range all {
			n[t.State] += t.N
		}
		if so(n) {
			return
		}
	}
}

func sent(n int) func(map[notify.State]int) bool {
	return func(all map[notify.State]int) bool {
		return all[notify.StateSent] == n && all[notify.StateWaiting] == 0
	}
}

func live() notify.Notice {
	return notify.Notice{
		Key: "live/v1.4.0", Kind: notify.KindLive, To: []string{"#agent-handoffs"}, Roles: []string{"CRO"},
		Lines: []notify.Line{{notify.Ours("✅ RELEASE LIVE — "), notify.Theirs("totals <!channel>"), notify.Ours(" — 2026-03-14 09:30 UTC — smoke test: PASS")}},
		Link:  "https://github.com/acme/shop/releases/tag/v1.4.0",
	}
}

// Case 92: Slack is down for hours. Nothing is lost, verdicts do not wait, the
// webhook is told at once, and a restart changes nothing.
func TestSlackDownForHours(t *testing.T) {
	w := newTelling(t)
	w.slack.fails(true)
	w.tells(live())
	w.until("the webhook is told", func(n map[notify.State]int) bool { return n[notify.StateSent] == 1 && n[notify.StateWaiting] == 1 })
	pr := w.repo.Open("kim", sandbox.Change{Title: "Taxes", Branch: "taxes", Body: body("low"), Files: map[string]string{"cart/tax.go": "package cart\n"}})
	pr.Check("build", "success")
	w.shows(pr, "WAITING")
	for range 4 {
		before := w.slack.tried()
		w.clock.advance(40 * time.Minute)
		w.until("Slack is tried again", func(map[notify.State]int) bool { return w.slack.tried() > before })
	}
	w.down()
	w.slack.fails(false)
	w.up()
	w.clock.advance(40 * time.Minute)
	w.until("Slack is told", sent(2))
	if took := w.slack.bodies(); len(took) != 1 {
		t.Fatalf("Slack took %d messages", len(took))
	}
	if n := len(w.hook.bodies()); n != 1 {
		t.Errorf("the webhook took %d messages", n)
	}
}

func TestSlackDownForADay(t *testing.T) {
	w := newTelling(t)
	w.slack.fails(true)
	w.tells(live())
	w.until("Slack is tried", func(n map[notify.State]int) bool { return n[notify.StateSent] == 1 && w.slack.tried() > 0 })
	w.clock.advance(25 * time.Hour)
	w.until("it is given up", func(n map[notify.State]int) bool { return n[notify.StateDead] == 1 })
	dead, err := w.app.outbox.Dead(w.ctx)
	if err != nil || len(dead) != 1 || dead[0].Error != "Slack answers 500" || dead[0].Target != "#agent-handoffs" {
		t.Errorf("dead: %+v, %v", dead, err)
	}
	if page := w.metrics(); !strings.Contains(page, `gonogo_notices{kind="live",state="dead"} 1`) || !strings.Contains(page, `gonogo_notices_total{kind="live",result="dead"} 1`) {
		t.Errorf("the metrics say\n%s", page)
	}
	known, err := w.app.index.Named(w.ctx, nil, "acme", "shop")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := w.app.ledger.Entries(w.ctx, known[0].ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, e := range entries {
		if e.Kind == ledger.KindNotice {
			states = append(states, e.Once[strings.LastIndexByte(e.Once, '/')+1:])
		}
	}
	if diff := cmp.Diff([]string{"sent", "dead"}, states); diff != "" {
		t.Errorf("the ledger has (-want +got):\n%s", diff)
	}
}

func (w *telling) metrics() string {
	w.t.Helper()
	res, err := http.Get(w.app.URL() + "/metrics")
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(page)
}

// What is sent for a release that went live, byte by byte.
func TestRequestsOfARelease(t *testing.T) {
	w := newTelling(t)
	w.monday.Item(9876543210, mondayBoard, "Totals", map[string]string{"status": "Done"})
	issue := w.repo.OpenIssue("bob", "Totals are slow", "")
	w.quiet()
	w.tells(live())
	w.tells(notify.Notice{
		Key: "authorized/v1.4.0", Kind: notify.KindAuthorized, Items: []gate.TrackerRef{{Item: 9876543210}, {Repo: "acme/shop", Number: issue.Number()}},
		Lines: []notify.Line{{notify.Ours("Authorized by "), notify.Theirs("@dana"), notify.Ours(": v1.4.0")}},
	})
	w.until("all is told", sent(4))

	form, err := url.ParseQuery(w.slack.bodies()[0])
	if err != nil {
		t.Fatal(err)
	}
	text := "✅ RELEASE LIVE — totals <!channel> — 2026-03-14 09:30 UTC — smoke test: PASS"
	for field, want := range map[string]string{
		"channel": "#agent-handoffs", "text": strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(text), "parse": "none", "mrkdwn": "false",
		"unfurl_links": "false", "unfurl_media": "false",
	} {
		if got := form.Get(field); got != want {
			t.Errorf("Slack's %s is %q, want %q", field, got, want)
		}
	}
	var blocks []struct {
		Text struct{ Type, Text string }
	}
	if err := json.Unmarshal([]byte(form.Get("blocks")), &blocks); err != nil || len(blocks) != 2 || blocks[0].Text.Type != "plain_text" || blocks[0].Text.Text != text+"\nFor CRO" {
		t.Errorf("Slack's blocks are %s", form.Get("blocks"))
	}

	known, err := w.app.index.Named(w.ctx, nil, "acme", "shop")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"key":"%[1]d/live/v1.4.0/webhook/","kind":"live","repository":{"id":%[1]d,"name":"acme/shop"},"channels":["#agent-handoffs"],"roles":["CRO"],`+
		`"lines":[[{"text":"✅ RELEASE LIVE — "},{"text":"totals \u003c!channel\u003e","user":true},{"text":" — 2026-03-14 09:30 UTC — smoke test: PASS"}]],`+
		`"link":"https://github.com/acme/shop/releases/tag/v1.4.0","at":"2026-03-14T09:30:00Z"}`, known[0].ID)
	if diff := cmp.Diff([]string{want}, w.hook.bodies()); diff != "" {
		t.Errorf("the webhook (-want +got):\n%s", diff)
	}

	updates := w.monday.Updates(9876543210)
	if len(updates) != 1 || !strings.HasPrefix(updates[0].Body, "Authorized by @\u2060dana: v1.4.0<br>gonogo-") {
		t.Errorf("Monday's updates are %+v", updates)
	}
	comments := issue.Comments()
	if len(comments) != 1 || !strings.HasPrefix(comments[0].Body, "Authorized by `@dana`: v1.4.0\n\n<!-- gonogo {\"notice\":\"gonogo-") {
		t.Errorf("the issue's comments are %+v", comments)
	}
}

// Monday.com is down for hours: the update is written once when it is back.
func TestMondayDownForHours(t *testing.T) {
	w := newTelling(t)
	w.monday.Item(9876543210, mondayBoard, "Totals", map[string]string{"status": "Done"})
	w.monday.Answer(func(rw http.ResponseWriter) bool {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	w.tells(notify.Notice{Key: "a", Kind: notify.KindReport, Items: []gate.TrackerRef{{Item: 9876543210}}, Lines: []notify.Line{notify.Say("watched")}})
	for range 3 {
		before := len(w.monday.Requests())
		w.clock.advance(40 * time.Minute)
		w.until("Monday.com is tried", func(map[notify.State]int) bool { return len(w.monday.Requests()) > before })
	}
	w.monday.Answer(nil)
	w.clock.advance(40 * time.Minute)
	w.until("it is told", sent(1))
	if n := len(w.monday.Updates(9876543210)); n != 1 {
		t.Errorf("%d updates", n)
	}
}

// The tracker is Monday.com.
func TestItemsOfMondayAreDone(t *testing.T) {
	w := newTelling(t)
	w.monday.Item(9876543210, mondayBoard, "Totals", map[string]string{"status": "Working on it", "note": ""})
	w.monday.Item(9876543211, 99, "Secret plans", map[string]string{"status": "Done", "note": "x"})
	w.rules("requirements: {operational/tracker: {blocks: low}}\ngo: {medium: 0}\n" +
		"tracker: {kind: monday, boards: [1234567890, 99], status: {column: status, done: [Done]}, note: {column: note}}\n")
	pr := w.reviewed("- Tracker items: https://acme.monday.com/boards/1234567890/pulses/9876543210")
	w.shows(pr, "WAITING · tracker-open")
	again := func(id string) {
		w.quiet()
		pr.Edit("kim", body("medium")+"- Tracker items: "+id+"\n")
	}
	w.monday.Item(9876543210, mondayBoard, "Totals", map[string]string{"status": "Done", "note": ""})
	again("9876543210")
	w.shows(pr, "WAITING · tracker-note")
	w.monday.Item(9876543210, mondayBoard, "Totals", map[string]string{"status": "Done", "note": "measured at 40 ms"})
	again("9876543210 ")
	w.shows(pr, "READY · medium")
	again("9876543211")
	if v := w.shows(pr, "WAITING · not-visible"); strings.Contains(v.Summary+v.Text, "Secret plans") {
		t.Error("an item of a board that the server is not for is shown")
	}
	again("#1")
	w.shows(pr, "WAITING · tracker-unclear")
}

// Case 56: an item that cannot be read is not done.
func TestMondayThatCannotBeRead(t *testing.T) {
	w := newTelling(t)
	w.monday.Item(9876543210, mondayBoard, "Totals", map[string]string{"status": "Done", "note": "x"})
	w.monday.Answer(func(rw http.ResponseWriter) bool {
		_, _ = io.WriteString(rw, `{"errors":[{"message":"x","extensions":{"code":"InternalServerError"}}]}`)
		return true
	})
	w.rules("requirements: {operational/tracker: {blocks: low}}\ngo: {medium: 0}\n" +
		"tracker: {kind: monday, boards: [1234567890], status: {column: status, done: [Done]}, note: {column: note}}\n")
	pr := w.reviewed("- Tracker items: 9876543210")
	w.quiet()
	if v := pr.Verdict(checkName); v.Conclusion == "success" || !strings.HasPrefix(v.Title, "WAITING · tracker-down") {
		t.Errorf("%s %s\n%s", v.Conclusion, v.Title, v.Summary)
	}
	w.monday.Answer(nil)
	w.later(20 * time.Minute)
	w.shows(pr, "READY · medium")
}
