package notify

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

var start = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// carrier is a Carrier that keeps what it was given and fails on demand.
type carrier struct {
	name    string
	targets func(Notice) []string
	fail    func(Letter) error

	mu    sync.Mutex
	tried []string // keys
	took  []Letter
}

func (c *carrier) Name() string              { return c.name }
func (c *carrier) Targets(n Notice) []string { return c.targets(n) }

func (c *carrier) Carry(_ context.Context, l Letter) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried = append(c.tried, l.Key)
	if c.fail != nil {
		if err := c.fail(l); err != nil {
			return err
		}
	}
	c.took = append(c.took, l)
	return nil
}

func (c *carrier) keys() []string {
	var keys []string
	for _, l := range c.took {
		keys = append(keys, l.Key)
	}
	return keys
}

func channels(n Notice) []string { return n.To }

// fixture is an outbox whose clock stands still and whose loop is turned by hand.
type fixture struct {
	t       *testing.T
	db      *store.Store
	out     *Outbox
	now     time.Time
	held    map[string]places
	logged  *test.Hook
	settled []string
}

func open(t *testing.T, carriers ...Carrier) *fixture {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "n.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{t: t, db: db, now: start, held: map[string]places{}}
	log, hook := test.NewNullLogger()
	f.logged = hook
	f.out, err = New(Config{
		Store: db, Carriers: carriers, Log: logrus.NewEntry(log), Now: func() time.Time { return f.now },
		Redact: func(_ context.Context, s string) string { return strings.ReplaceAll(s, "hunter2", "[hidden]") },
		Settled: func(_ context.Context, _ *sql.Tx, l Letter, s State) error {
			f.settled = append(f.settled, l.Key+" "+string(s))
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) post(n Notice) {
	f.t.Helper()
	if err := f.db.Write(f.t.Context(), func(tx *sql.Tx) error { return f.out.Post(f.t.Context(), tx, n) }); err != nil {
		f.t.Fatal(err)
	}
}

// turn lets each carrier look at what is due once.
func (f *fixture) turn() {
	f.t.Helper()
	for _, c := range f.out.cfg.Carriers {
		if f.held[c.Name()] == nil {
			f.held[c.Name()] = places{}
		}
		if err := f.out.round(f.t.Context(), c, f.held[c.Name()]); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) tallies(want ...Tally) {
	f.t.Helper()
	got, err := f.out.Tally(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("tally (-want +got):\n%s", diff)
	}
}

func live(key string, to ...string) Notice {
	return Notice{
		Key: key, Kind: KindLive, RepoID: 7, Repo: "acme/shop", To: to, At: start,
		Lines: []Line{{Ours("RELEASE LIVE — "), Theirs("totals")}}, Link: "https://github.com/acme/shop/releases/tag/v1",
	}
}

func TestNoticesArePostedOnce(t *testing.T) {
	slack := &carrier{name: "slack", targets: channels}
	hook := &carrier{name: "webhook", targets: func(Notice) []string { return []string{""} }}
	f := open(t, slack, hook)
	f.post(live("a", "#one", "#two", "#one"))
	f.post(live("a", "#three"))
	f.turn()
	f.turn()
	if diff := cmp.Diff([]string{"7/a/slack/#one", "7/a/slack/#two"}, slack.keys()); diff != "" {
		t.Errorf("Slack (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"7/a/webhook/"}, hook.keys()); diff != "" {
		t.Errorf("webhook (-want +got):\n%s", diff)
	}
	f.tallies(Tally{KindLive, StateSent, 3})
	if diff := cmp.Diff([]string{"7/a/slack/#one sent", "7/a/slack/#two sent", "7/a/webhook/ sent"}, f.settled); diff != "" {
		t.Errorf("entered (-want +got):\n%s", diff)
	}
	other := live("a", "#one")
	other.RepoID = 8
	f.post(other)
	f.turn()
	if len(slack.took) != 3 {
		t.Error("the key of another repository was taken for this one")
	}
}

func TestNoticesWithoutAChannelAreKept(t *testing.T) {
	f := open(t, &carrier{name: "slack", targets: channels})
	f.post(live("a"))
	f.tallies(Tally{KindLive, StateNoChannel, 1})
	f.turn()
	f.tallies(Tally{KindLive, StateNoChannel, 1})
	none := open(t)
	none.post(live("a", "#one"))
	none.tallies(Tally{KindLive, StateNoChannel, 1})
}

func TestNoticesGoWithTheirFact(t *testing.T) {
	f := open(t, &carrier{name: "slack", targets: channels})
	broken := errors.New("the fact could not be entered")
	err := f.db.Write(t.Context(), func(tx *sql.Tx) error {
		if err := f.out.Post(t.Context(), tx, live("a", "#one")); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	f.tallies()
}

func TestNoticesThatCannotBe(t *testing.T) {
	f := open(t)
	for name, n := range map[string]Notice{
		"no key":      {Kind: KindLive, Lines: []Line{Say("x")}},
		"no text":     {Key: "a", Kind: KindLive},
		"no kind":     {Key: "a", Lines: []Line{Say("x")}},
		"unsayable":   {Key: "a", Kind: KindLive, Lines: []Line{Say("x")}, Data: map[string]any{"f": func() {}}},
		"other kinds": {Key: "a", Kind: "gossip", Lines: []Line{Say("x")}},
	} {
		if err := f.db.Write(t.Context(), func(tx *sql.Tx) error { return f.out.Post(t.Context(), tx, n) }); err == nil {
			t.Errorf("%s: it was posted", name)
		}
	}
	f.tallies()
}

func TestWhatIsKeptOfANotice(t *testing.T) {
	slack := &carrier{name: "slack", targets: channels}
	f := open(t, slack)
	n := live("a", "#one")
	n.Items = []gate.TrackerRef{{Repo: "acme/shop", Number: 12}}
	n.Roles = []string{"cdo"}
	n.Lines = []Line{{Ours("by "), Theirs("kim\r\n\u202eevil\u0007 hunter2 " + strings.Repeat("é", 2000))}}
	for range 100 {
		n.Lines = append(n.Lines, Say("more"))
	}
	n.Data = map[string]any{"why": "hunter2", "list": []any{"hunter2", 3.0}, "names": []string{"hunter2"}, "deep": map[string]any{"x": "hunter2"}}
	f.post(n)
	f.turn()
	got := slack.took[0].Notice
	if first := got.Lines[0].String(); !strings.HasPrefix(first, "by kim  evil [hidden] éé") || len([]rune(first)) > maxPiece+4 {
		t.Errorf("the first line is %q", first)
	}
	if len(got.Lines) != maxLines || got.Lines[maxLines-1].String() != "… and 62 more lines" {
		t.Errorf("%d lines, the last one %q", len(got.Lines), got.Lines[len(got.Lines)-1])
	}
	want := map[string]any{"why": "[hidden]", "list": []any{"[hidden]", 3.0}, "names": []any{"[hidden]"}, "deep": map[string]any{"x": "[hidden]"}}
	if diff := cmp.Diff(want, got.Data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(n.Items, got.Items); diff != "" {
		t.Error(diff)
	}
}

func TestOldNoticesAreEmptied(t *testing.T) {
	slack := &carrier{name: "slack", targets: channels}
	f := open(t, slack)
	f.post(live("a", "#one"))
	f.turn()
	slack.fail = func(Letter) error { return errors.New("down") }
	f.post(live("b", "#one"))
	f.turn()
	if n, err := f.out.Prune(t.Context(), start.Add(time.Hour)); err != nil || n != 1 {
		t.Errorf("%d were emptied, %v", n, err)
	}
	slack.fail = nil
	f.post(live("a", "#one"))
	f.now = start.Add(time.Hour)
	f.turn()
	if diff := cmp.Diff([]string{"7/a/slack/#one", "7/b/slack/#one"}, slack.keys()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
