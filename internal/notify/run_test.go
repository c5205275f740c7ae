package notify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
)

var errDown = errors.New("down")

// Case 92: a service that is down for hours loses nothing, and gets each notice
// once when it is back.
func TestServiceDownForHours(t *testing.T) {
	down := true
	slack := &carrier{name: "slack", targets: channels, fail: func(Letter) error {
		if down {
			return errDown
		}
		return nil
	}}
	hook := &carrier{name: "webhook", targets: func(Notice) []string { return []string{""} }}
	f := open(t, slack, hook)
	for i := range 20 {
		f.post(live(fmt.Sprint("n", i), "#one"))
	}
	f.turn()
	if len(hook.took) != 20 {
		t.Errorf("the webhook got %d of 20 while Slack was down", len(hook.took))
	}
	for ; f.now.Before(start.Add(5 * time.Hour)); f.now = f.now.Add(time.Minute) {
		f.turn()
	}
	if n := len(slack.tried); n < 10 || n > 40 {
		t.Errorf("Slack was tried %d times in five hours", n)
	}
	down = false
	for end := f.now.Add(time.Hour); f.now.Before(end); f.now = f.now.Add(time.Minute) {
		f.turn()
	}
	seen := map[string]int{}
	for _, key := range slack.keys() {
		seen[key]++
	}
	if len(seen) != 20 || len(slack.took) != 20 {
		t.Errorf("Slack got %d messages, %d different ones", len(slack.took), len(seen))
	}
	f.tallies(Tally{KindLive, StateSent, 40})
}

func TestGivenUpAfterADay(t *testing.T) {
	slack := &carrier{name: "slack", targets: channels, fail: func(Letter) error { return errDown }}
	f := open(t, slack)
	f.post(live("a", "#one"))
	for ; f.now.Before(start.Add(24 * time.Hour)); f.now = f.now.Add(5 * time.Minute) {
		f.turn()
		f.tallies(Tally{KindLive, StateWaiting, 1})
	}
	if n := len(slack.tried); n < 40 || n > 70 {
		t.Errorf("it was tried %d times in a day", n)
	}
	f.turn()
	f.tallies(Tally{KindLive, StateDead, 1})
	dead, err := f.out.Dead(t.Context())
	if err != nil || len(dead) != 1 || dead[0].Error != "down" || dead[0].Key != "7/a/slack/#one" || !dead[0].Ended.Equal(start.Add(24*time.Hour)) {
		t.Errorf("dead: %+v, %v", dead, err)
	}
	if last := f.logged.LastEntry(); last.Level != logrus.ErrorLevel || last.Message != "a notice was given up" || last.Data["error"] != "down" {
		t.Errorf("logged: %+v", last)
	}
	if diff := cmp.Diff([]string{"7/a/slack/#one dead"}, f.settled); diff != "" {
		t.Errorf("entered (-want +got):\n%s", diff)
	}
	tried := len(slack.tried)
	f.now = f.now.Add(time.Hour)
	f.turn()
	if len(slack.tried) != tried {
		t.Error("what was given up was tried again")
	}
}

// A server that was down for longer than a day tries once more.
func TestFirstTriedAfterADay(t *testing.T) {
	slack := &carrier{name: "slack", targets: channels}
	f := open(t, slack)
	f.post(live("a", "#one"))
	f.now = start.Add(48 * time.Hour)
	f.turn()
	f.tallies(Tally{KindLive, StateSent, 1})
}

func TestPatienceIsHonoured(t *testing.T) {
	var answer error = fmt.Errorf("posting: %w", &Later{After: 90 * time.Second, Err: errors.New("limited")})
	slack := &carrier{name: "slack", targets: channels, fail: func(l Letter) error {
		if l.Target == "#one" {
			return answer
		}
		return nil
	}}
	f := open(t, slack)
	f.post(live("a", "#one"))
	f.post(live("b", "#one", "#two"))
	f.turn()
	if diff := cmp.Diff([]string{"7/a/slack/#one", "7/b/slack/#two"}, slack.tried); diff != "" {
		t.Errorf("a channel that asked for patience was tried, or held another one up (-want +got):\n%s", diff)
	}
	f.now = f.now.Add(89 * time.Second)
	f.turn()
	if len(slack.tried) != 2 {
		t.Error("it was tried before its time")
	}
	answer = nil
	f.now = f.now.Add(time.Second)
	f.turn()
	f.tallies(Tally{KindLive, StateSent, 3})
}

// A letter that its place never takes keeps no others out.
func TestPoisonedLetter(t *testing.T) {
	slack := &carrier{name: "slack", targets: channels, fail: func(l Letter) error {
		if l.Notice.Key == "bad" {
			return errors.New("invalid_blocks")
		}
		return nil
	}}
	f := open(t, slack)
	f.post(live("bad", "#one"))
	for ; f.now.Before(start.Add(6 * time.Hour)); f.now = f.now.Add(time.Minute) {
		f.turn()
	}
	f.post(live("good", "#one"))
	for end := f.now.Add(31 * time.Minute); f.now.Before(end); f.now = f.now.Add(time.Minute) {
		f.turn()
	}
	f.tallies(Tally{KindLive, StateSent, 1}, Tally{KindLive, StateWaiting, 1})
}

// What was sent and could not be recorded is not sent again at once.
func TestUnrecordedLetters(t *testing.T) {
	slack := &carrier{name: "slack", targets: channels}
	f := open(t, slack)
	broken := errors.New("the ledger is full")
	f.out.cfg.Settled = func(context.Context, *sql.Tx, Letter, State) error { return broken }
	f.post(live("a", "#one"))
	held := places{}
	if err := f.out.round(t.Context(), slack, held); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if err := f.out.round(t.Context(), slack, held); err != nil || len(slack.took) != 1 {
		t.Errorf("it was sent %d times, %v", len(slack.took), err)
	}
	broken = nil
	f.now = f.now.Add(time.Minute)
	if err := f.out.round(t.Context(), slack, held); err != nil || len(slack.took) != 2 {
		t.Errorf("it was sent %d times, %v", len(slack.took), err)
	}
	f.tallies(Tally{KindLive, StateSent, 1})
}

// The loop breaks off what it is carrying when it is told to stop, and another
// one on the same database goes on with it.
func TestStopAndGoOn(t *testing.T) {
	stuck := &stuckCarrier{reached: make(chan struct{})}
	f := open(t, stuck)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	f.out.cfg.Every = time.Millisecond
	f.post(live("a", "#one"))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); f.out.Run(ctx) }()
	<-stuck.reached
	cancel()
	<-ended
	f.tallies(Tally{KindLive, StateWaiting, 1})

	slack := &carrier{name: "slack", targets: channels}
	next, err := New(Config{Store: f.db, Carriers: []Carrier{slack}, Log: f.out.cfg.Log, Now: f.out.cfg.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := next.round(t.Context(), slack, places{}); err != nil {
		t.Fatal(err)
	}
	if len(slack.took) != 1 || slack.took[0].Attempts != 0 {
		t.Errorf("%+v", slack.took)
	}
	f.tallies(Tally{KindLive, StateSent, 1})
}

type stuckCarrier struct{ reached chan struct{} }

func (s *stuckCarrier) Name() string              { return "slack" }
func (s *stuckCarrier) Targets(n Notice) []string { return n.To }
func (s *stuckCarrier) Carry(ctx context.Context, _ Letter) error {
	close(s.reached)
	<-ctx.Done()
	return ctx.Err()
}

func TestNothingIsSentBeforeItsFactIsKept(t *testing.T) {
	slack := &carrier{name: "slack", targets: channels}
	f := open(t, slack)
	err := f.db.Write(t.Context(), func(tx *sql.Tx) error {
		if err := f.out.Post(t.Context(), tx, live("a", "#one")); err != nil {
			return err
		}
		return f.out.round(t.Context(), slack, places{})
	})
	if err != nil || len(slack.tried) != 0 {
		t.Errorf("%q was sent, %v", slack.tried, err)
	}
	f.turn()
	if len(slack.took) != 1 {
		t.Error("it was not sent after that")
	}
}
