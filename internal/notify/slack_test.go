package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// fakeSlack takes messages as Slack does, by chat.postMessage and by incoming
// webhook, and reads them as Slack does: what is markup in it becomes mentions
// and links.
type fakeSlack struct {
	t      *testing.T
	server *httptest.Server
	answer func(w http.ResponseWriter) bool // true: it answered

	mu       sync.Mutex
	messages []slackMessage
	bodies   []string
}

type slackMessage struct {
	channel  string
	shown    string   // the text of all blocks, as people read it
	mentions []string // whom it pings
	links    []string
}

func newFakeSlack(t *testing.T) *fakeSlack {
	f := &fakeSlack{t: t}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fakeSlack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bodies = append(f.bodies, string(body))
	if f.answer != nil && f.answer(w) {
		return
	}
	args := map[string]any{}
	switch {
	case r.URL.Path == "/api/chat.postMessage" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		form, err := url.ParseQuery(string(body))
		if err != nil || r.Header.Get("Authorization") != "Bearer xoxb-test" && form.Get("token") != "xoxb-test" {
			fmt.Fprint(w, `{"ok":false,"error":"not_authed"}`)
			return
		}
		for k := range form {
			args[k] = form.Get(k)
		}
		var blocks any
		if err := json.Unmarshal([]byte(form.Get("blocks")), &blocks); err != nil {
			f.t.Errorf("blocks: %v", err)
		}
		args["blocks"] = blocks
	default:
		if err := json.Unmarshal(body, &args); err != nil {
			f.t.Errorf("body: %v", err)
		}
	}
	f.messages = append(f.messages, f.read(args))
	if r.URL.Path == "/api/chat.postMessage" {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"ok":true,"channel":%q,"ts":"1.2"}`, args["channel"])
		return
	}
	fmt.Fprint(w, "ok")
}

var (
	control = regexp.MustCompile(`<([^>]*)>`)
	address = regexp.MustCompile(`(?i)\b(?:[a-z][a-z0-9+.-]*://\S+|mailto:\S+|(?:[a-z0-9-]+\.)+[a-z]{2,}\b)`)
	named   = regexp.MustCompile(`(?:^|[^\pL\pN])[@#]([\pL\pN_.-]+)`)
)

func (f *fakeSlack) read(args map[string]any) slackMessage {
	m := slackMessage{}
	m.channel, _ = args["channel"].(string)
	off := func(k string) bool { return fmt.Sprint(args[k]) == "false" }
	if !off("unfurl_links") || !off("unfurl_media") {
		f.t.Errorf("unfurling is not off: %v", args)
	}
	text, _ := args["text"].(string)
	m.parse(text)
	if args["parse"] != "none" { // Slack then looks for addresses and names
		m.find(text)
	}
	blocks, _ := args["blocks"].([]any)
	if len(blocks) == 0 || len(blocks) > 50 {
		f.t.Errorf("a message of %d blocks", len(blocks))
	}
	for _, b := range blocks {
		b := b.(map[string]any)
		if b["type"] != "section" {
			f.t.Errorf("a block of type %v", b["type"])
		}
		o := b["text"].(map[string]any)
		text := o["text"].(string)
		if n := utf8.RuneCountInString(text); n == 0 || n > 3000 {
			f.t.Errorf("a block of %d characters", n)
		}
		m.shown += text + "\n"
		switch o["type"] {
		case "plain_text":
			if o["emoji"] == true {
				f.t.Error("names of emoji are read")
			}
		case "mrkdwn":
			m.parse(text)
			if o["verbatim"] != true {
				m.find(text)
			}
		default:
			f.t.Errorf("text of type %v", o["type"])
		}
	}
	return m
}

// parse reads Slack's own markup.
func (m *slackMessage) parse(text string) {
	for _, c := range control.FindAllStringSubmatch(text, -1) {
		switch c[1][:min(1, len(c[1]))] {
		case "@", "!", "#":
			m.mentions = append(m.mentions, c[1])
		default:
			m.links = append(m.links, c[1])
		}
	}
}

// find reads what a client makes of plain words.
func (m *slackMessage) find(text string) {
	text = control.ReplaceAllString(text, "")
	m.links = append(m.links, address.FindAllString(text, -1)...)
	for _, n := range named.FindAllStringSubmatch(text, -1) {
		m.mentions = append(m.mentions, n[1])
	}
}

func (f *fakeSlack) bot() *Slack { return NewSlack(f.server.URL+"/api", "xoxb-test", Client(Loopback)) }

func letterTo(n Notice, target string) Letter {
	return Letter{Key: "7/" + n.Key + "/slack/" + target, Via: "slack", Target: target, Notice: n}
}

// Case 88.
func TestUsersNeitherPingNorLinkInSlack(t *testing.T) {
	f := newFakeSlack(t)
	carriers := map[string]*Slack{"bot": f.bot(), "webhook": NewSlackWebhook(f.server.URL+"/services/T/B/x", Client(Loopback))}
	for _, payload := range []string{
		"<!channel>", "<!here|here>", "<!everyone>", "<!subteam^S1>", "<@U0123>", "<#C0123|general>", "<http://evil.example|READY>",
		"<mailto:a@evil.example|me>", "&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;", "@channel", "@here", "@everyone", "@kim", "#general",
		"http://evil.example/x", "https://evil.example", "HTTPS://evil.example", "ftp://evil.example", "slack://open", "mailto:a@evil.example",
		"evil.example", "www.evil.example/READY", "[READY](http://evil.example)", "*READY*", "`x`", ":skull:", "<!date^1^{date}^http://evil.example|x>",
		"<\u200b!channel>", "＠channel", "a\n<!channel>\nb", "<!channel", "!channel>", "<<!channel>>",
	} {
		for name, c := range carriers {
			for part, n := range map[string]Notice{
				"line":  {Key: "a", Kind: KindBypass, To: []string{"#one"}, Lines: []Line{{Ours("merged by "), Theirs(payload)}}, Link: "https://github.com/acme/shop/pull/1"},
				"role":  {Key: "b", Kind: KindBypass, To: []string{"#one"}, Lines: []Line{Say("x")}, Roles: []string{payload}, Link: "https://github.com/acme/shop/pull/1"},
				"place": {Key: "c", Kind: KindBypass, To: []string{payload}, Lines: []Line{Say("x")}, Link: "https://github.com/acme/shop/pull/1"},
			} {
				c.free = map[string]time.Time{}
				f.messages = nil
				if err := c.Carry(t.Context(), letterTo(n.tidy(t.Context(), asItIs), "#one")); err != nil {
					t.Fatalf("%s, %s %q: %v", name, part, payload, err)
				}
				m := f.messages[0]
				if len(m.mentions) > 0 || len(m.links) != 1 || m.links[0] != "https://github.com/acme/shop/pull/1|Open" {
					t.Errorf("%s, %s %q: it mentions %q and links %q", name, part, payload, m.mentions, m.links)
				}
				if payload == "<!channel>" && part == "line" && !strings.HasPrefix(m.shown, "merged by <!channel>\n") {
					t.Errorf("%s: it reads %q", name, m.shown)
				}
			}
		}
	}
}

// Whatever looks for addresses and names in a text of users' finds none.
func TestInertTexts(t *testing.T) {
	for _, payload := range []string{
		"http://evil.example/x", "HTTPS://evil.example", "slack://open", "mailto:a@evil.example", "mailto:1@evil.example", "evil.example", "a.b.cd",
		"www.evil.example/READY", "http:http://evil.example", "@kim", "@@kim", "#general", "a@b.cd", "x:y://z", "evil。example",
	} {
		m := slackMessage{}
		m.find(inert(payload))
		if len(m.links)+len(m.mentions) > 0 {
			t.Errorf("%q still links %q and mentions %q", payload, m.links, m.mentions)
		}
		if got := strings.ReplaceAll(inert(payload), joiner, ""); got != payload {
			t.Errorf("%q reads as %q", payload, got)
		}
	}
	for _, plain := range []string{"v1.4.0", "12:30 UTC", "3 of 4, 99.9 %"} {
		if got := inert(plain); got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	}
}

// Links are ours, and yet none but of the web is shown.
func TestLinksOfNotices(t *testing.T) {
	f := newFakeSlack(t)
	c := f.bot()
	for link, want := range map[string]string{
		"":                              "",
		"javascript:alert(1)":           "",
		"file:///etc/passwd":            "",
		"https://a:b@github.com/x":      "",
		"https://github.com/a|b>c<!d&e": "https://github.com/a%7Cb%3Ec%3C%21d&amp;e|Open",
	} {
		c.free, f.messages = map[string]time.Time{}, nil
		n := live("a", "#one")
		n.Link = link
		if err := c.Carry(t.Context(), letterTo(n, "#one")); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(f.messages[0].links, " "); got != want {
			t.Errorf("%q is linked as %q", link, got)
		}
	}
}

func asItIs(_ context.Context, s string) string { return s }

func TestSlackMessageAsItIsSent(t *testing.T) {
	f := newFakeSlack(t)
	n := Notice{
		Key: "live/v1.4.0", Kind: KindLive, RepoID: 7, Repo: "acme/shop", To: []string{"#agent-handoffs"}, Roles: []string{"cdo"}, At: start,
		Lines: []Line{{Ours("✅ RELEASE LIVE — "), Theirs("totals & <taxes>"), Ours(" — 2026-03-04 12:00 UTC — smoke test: PASS")}},
		Link:  "https://github.com/acme/shop/releases/tag/v1.4.0",
	}
	if err := f.bot().Carry(t.Context(), letterTo(n, "#agent-handoffs")); err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(f.bodies[0])
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"channel":      "#agent-handoffs",
		"text":         "✅ RELEASE LIVE — totals &amp; &lt;taxes&gt; — 2026-03-04 12:00 UTC — smoke test: PASS",
		"parse":        "none",
		"mrkdwn":       "false",
		"unfurl_links": "false",
		"unfurl_media": "false",
	} {
		if got := form.Get(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if want := "✅ RELEASE LIVE — totals & <taxes> — 2026-03-04 12:00 UTC — smoke test: PASS\nFor cdo\n" +
		"<https://github.com/acme/shop/releases/tag/v1.4.0|Open>\n"; f.messages[0].shown != want {
		t.Errorf("it reads\n%s\nwant\n%s", f.messages[0].shown, want)
	}
}

func TestSlackAnswers(t *testing.T) {
	f := newFakeSlack(t)
	f.bot()
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter) bool
		want   string
		after  time.Duration
	}{
		{"limited", func(w http.ResponseWriter) bool { w.Header().Set("Retry-After", "30"); w.WriteHeader(429); return true }, "patience", 30 * time.Second},
		{"failing", func(w http.ResponseWriter) bool { w.WriteHeader(500); return true }, "Slack answers 500", 0},
		{"nonsense", func(w http.ResponseWriter) bool { fmt.Fprint(w, "<html>"); return true }, "post to Slack", 0},
		{"no such channel", func(w http.ResponseWriter) bool {
			fmt.Fprint(w, `{"ok":false,"error":"channel_not_found"}`)
			return true
		}, "invite the bot", 0},
		{"bad token", func(w http.ResponseWriter) bool { fmt.Fprint(w, `{"ok":false,"error":"invalid_auth"}`); return true }, "chat:write", 0},
		{"moved", func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "http://169.254.169.254/")
			w.WriteHeader(307)
			return true
		}, "Slack answers 307", 0},
	} {
		f.answer = tt.answer
		for name, c := range map[string]*Slack{"bot": f.bot(), "webhook": NewSlackWebhook(f.server.URL+"/services/T0/B0/s3cret", Client(Loopback))} {
			if name == "webhook" && (tt.name == "nonsense" || strings.HasPrefix(tt.want, "invite") || tt.want == "chat:write") {
				continue // an incoming webhook says so with its status
			}
			err := c.Carry(t.Context(), letterTo(live("a", "#one"), "#one"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, %s: %v", tt.name, name, err)
				continue
			}
			var later *Later
			if errors.As(err, &later) != (tt.after > 0) || tt.after > 0 && later.After != tt.after {
				t.Errorf("%s, %s: %#v", tt.name, name, err)
			}
			for _, secret := range []string{"xoxb-test", "s3cret", "127.0.0.1"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s, %s: the error tells %q: %v", tt.name, name, secret, err)
				}
			}
		}
	}
	f.server.Close()
	for name, c := range map[string]*Slack{"bot": f.bot(), "webhook": NewSlackWebhook(f.server.URL+"/services/T0/B0/s3cret", Client(Loopback))} {
		err := c.Carry(t.Context(), letterTo(live("a", "#one"), "#one"))
		if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "xoxb") {
			t.Errorf("%s without an answer: %v", name, err)
		}
	}
}

// Long texts are cut to what Slack takes.
func TestLongSlackMessages(t *testing.T) {
	f := newFakeSlack(t)
	n := live("a", "#one")
	for range 100 {
		n.Lines = append(n.Lines, Line{Theirs(strings.Repeat("é", 5000))})
	}
	if err := f.bot().Carry(t.Context(), letterTo(n.tidy(t.Context(), asItIs), "#one")); err != nil {
		t.Fatal(err)
	}
}
