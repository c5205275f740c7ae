package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"gonogo/internal/store"
)

// fixture is a queue on a database of its own.
type fixture struct {
	*Queue
	t    *testing.T
	dead chan Subject

	mu    sync.Mutex
	ahead time.Duration // of the real clock
}

func quiet() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}

func newFixture(t *testing.T, path string) *fixture {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, dead: make(chan Subject, 10)}
	q, err := New(Config{Store: s, Log: quiet(), Now: f.now,
		OnDead: func(_ context.Context, s Subject, _ error) { f.dead <- s }})
	if err != nil {
		t.Fatal(err)
	}
	q.backoff = func(int) time.Duration { return time.Millisecond }
	f.Queue = q
	t.Cleanup(func() {
		if err := q.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		_ = s.Close()
	})
	return f
}

func (f *fixture) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Add(f.ahead)
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ahead += d
}

func (f *fixture) start(h HandlerFunc) {
	f.t.Helper()
	if err := f.Start(f.t.Context(), h); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) write(do func(tx *sql.Tx) error) {
	f.t.Helper()
	if err := f.store.Write(context.Background(), do); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) touch(s Subject) {
	f.t.Helper()
	f.write(func(tx *sql.Tx) error { return f.Touch(f.t.Context(), tx, s) })
}

func (f *fixture) post(s Subject, key string) {
	f.t.Helper()
	f.write(func(tx *sql.Tx) error {
		return f.Post(f.t.Context(), tx, s, Message{Key: key, Body: []byte("body of " + key), At: f.now()})
	})
}

func (f *fixture) idle() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	defer cancel()
	if err := f.Idle(ctx); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) depth() Depth {
	f.t.Helper()
	d, err := f.Depth(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return d
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(2 * time.Minute):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestSubjectNames(t *testing.T) {
	for _, test := range []struct {
		s    Subject
		name string
	}{
		{PR(7, 12), "pr/7/12"},
		{ReleaseOf(7, "v1/rc-2"), "release/7/v1/rc-2"},
		{RepositoryOf(7), "repo/7"},
		{InstallationOf(9), "installation/9"},
	} {
		if got := test.s.String(); got != test.name {
			t.Errorf("got %s, want %s", got, test.name)
		}
		if back, err := ParseSubject(test.name); err != nil || back != test.s {
			t.Errorf("%s parses to %+v, %v", test.name, back, err)
		}
	}
	for _, name := range []string{"", "pr", "pr/7", "pr/x/1", "pr/7/01", "pr/7/1/2", "repo/7/8", "issue/7", "repo/+7"} {
		if s, err := ParseSubject(name); err == nil {
			t.Errorf("%q parses to %+v", name, s)
		}
	}
}

func TestManyTouchesOneRun(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	for range 100 {
		f.touch(PR(1, 7).For(3))
	}
	var runs []Job
	f.start(func(_ context.Context, j Job) error { runs = append(runs, j); return nil })
	f.idle()
	if len(runs) != 1 || runs[0].Generation != 100 || runs[0].Attempt != 1 || runs[0].Subject != PR(1, 7).For(3) {
		t.Fatalf("runs: %+v", runs)
	}
}

func TestTouchDuringARunLeadsToAnother(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	started, goOn := make(chan Job), make(chan bool)
	f.start(func(_ context.Context, j Job) error { started <- j; <-goOn; return nil })
	f.touch(PR(1, 7))
	first := receive(t, started)
	f.touch(PR(1, 7)) // River drops the insertion that belongs to this
	goOn <- true
	second := receive(t, started)
	goOn <- true
	f.idle()
	if first.Generation != 1 || second.Generation != 2 || second.Attempt != 1 {
		t.Fatalf("first %+v, second %+v", first, second)
	}
}

func TestMailIsHandedOutInOrderAndOnce(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	for _, key := range []string{"c", "a", "b", "a"} {
		f.post(PR(1, 7), key)
	}
	var seen []string
	f.start(func(_ context.Context, j Job) error {
		for _, m := range j.Messages {
			if string(m.Body) != "body of "+m.Key {
				t.Errorf("body %q of %s", m.Body, m.Key)
			}
			seen = append(seen, m.Key)
		}
		return nil
	})
	f.idle()
	if want := []string{"c", "a", "b"}; !slices.Equal(seen, want) {
		t.Fatalf("got %v, want %v", seen, want)
	}
	f.touch(PR(1, 7))
	f.idle()
	if len(seen) != 3 || f.depth().Messages != 0 {
		t.Fatalf("messages came again: %v", seen)
	}
}

func TestMoreMailThanOneRunIsHanded(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	const n = 2*maxMessages + 1
	f.write(func(tx *sql.Tx) error {
		for i := range n {
			if err := f.Post(t.Context(), tx, PR(1, 7), Message{Key: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	seen := 0
	f.start(func(_ context.Context, j Job) error { seen += len(j.Messages); return nil })
	f.idle()
	if seen != n {
		t.Fatalf("%d of %d messages came", seen, n)
	}
}

func TestFailuresPanicsAndHangsAreRetriedThenDead(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	var attempts []int
	failing := true
	f.start(func(_ context.Context, j Job) error {
		if j.Subject.Number == 8 {
			return nil
		}
		if len(j.Messages) != 1 {
			t.Errorf("attempt %d has %d messages", j.Attempt, len(j.Messages))
		}
		attempts = append(attempts, j.Attempt)
		switch {
		case !failing:
			return nil
		case j.Attempt%2 == 0:
			panic("a bug")
		default:
			return errors.New("no luck \x00" + strings.Repeat("x", 1000))
		}
	})
	f.post(PR(1, 7), "m")
	if s := receive(t, f.dead); s.String() != "pr/1/7" {
		t.Fatalf("%s died", s)
	}
	f.idle()
	list, err := f.Dead(t.Context())
	if err != nil || len(list) != 1 || len(list[0].Error) > 600 {
		t.Fatalf("dead: %+v, %v", list, err)
	}
	if d := f.depth(); d.Dead != 1 || d.Messages != 1 || d.Waiting != 0 {
		t.Fatalf("depth %+v", d)
	}
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(attempts, want) {
		t.Fatalf("attempts %v", attempts)
	}
	f.touch(PR(1, 8)) // others go on
	f.idle()

	failing = false
	f.write(func(tx *sql.Tx) error {
		for s, want := range map[Subject]bool{PR(1, 7): true, PR(1, 8): false} {
			if got, err := f.Revive(t.Context(), tx, s); err != nil || got != want {
				t.Errorf("revive %s: %t, %v", s, got, err)
			}
		}
		return nil
	})
	f.idle()
	if attempts[len(attempts)-1] != 1 {
		t.Fatalf("a revived subject has attempts %v", attempts)
	}
	if d := f.depth(); d != (Depth{}) {
		t.Fatalf("after revival: %+v", d)
	}
}

func TestTouchBringsARetryForwardButDoesNotCountIt(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	f.backoff = func(int) time.Duration { return time.Hour }
	ran := make(chan int, 10)
	f.start(func(_ context.Context, j Job) error { ran <- j.Attempt; return errors.New("down") })
	f.touch(PR(1, 7))
	receive(t, ran)
	f.idle()
	if d := f.depth(); d.Delayed != 1 {
		t.Fatalf("depth %+v", d)
	}
	for range 2 * MaxAttempts {
		f.advance(earliest)
		f.touch(PR(1, 7))
		if got := receive(t, ran); got != 2 {
			t.Fatalf("attempt %d", got)
		}
		f.idle()
	}
	if len(f.dead) != 0 {
		t.Fatal("a storm of touches used the attempts up")
	}
}

func TestLaterIsNoAttemptAndKeepsTheMail(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	n := 0
	done := make(chan Job, 1)
	f.start(func(_ context.Context, j Job) error {
		if n++; n <= 2*MaxAttempts {
			return fmt.Errorf("reviews of #7: %w", Later(time.Millisecond))
		}
		done <- j
		return nil
	})
	f.post(PR(1, 7), "m")
	if j := receive(t, done); j.Attempt != 1 || len(j.Messages) != 1 {
		t.Fatalf("%+v", j)
	}
}

func TestWakeReplacesAndFires(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	runs := 0
	f.start(func(context.Context, Job) error { runs++; return nil })
	wake := func(at time.Time) {
		f.write(func(tx *sql.Tx) error { return f.Wake(t.Context(), tx, PR(1, 7), at) })
	}
	poll := func(want int) {
		t.Helper()
		if err := f.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.idle()
		if runs != want {
			t.Fatalf("%d runs, want %d", runs, want)
		}
	}
	wake(f.now().Add(time.Minute))
	wake(f.now().Add(time.Hour)) // the last word counts
	f.advance(time.Minute)
	poll(0)
	f.advance(time.Hour)
	poll(1)
	poll(1)
	wake(f.now().Add(time.Minute))
	wake(time.Time{})
	f.advance(time.Hour)
	poll(1)
}

func TestASmallTenantGoesBeforeAFlood(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	const flood = 100
	f.write(func(tx *sql.Tx) error {
		for i := range flood {
			if err := f.Touch(t.Context(), tx, PR(1, i+1).For(1)); err != nil {
				return err
			}
		}
		return f.Touch(t.Context(), tx, PR(2, 1).For(2))
	})
	var mu sync.Mutex
	var order []int64
	f.start(func(_ context.Context, j Job) error {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, j.Subject.Tenant)
		return nil
	})
	f.idle()
	if at := slices.Index(order, 2); at < 0 || at > 2*defaultConcurrency || len(order) != flood+1 {
		t.Fatalf("the small tenant's turn came as number %d of %d", at, len(order))
	}
}

func TestStopHandsRunningJobsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.db")
	f := newFixture(t, path)
	started := make(chan bool)
	f.start(func(ctx context.Context, _ Job) error {
		started <- true
		<-ctx.Done()
		return fmt.Errorf("read pull request: %s", ctx.Err())
	})
	f.touch(PR(1, 7))
	receive(t, started)
	f.stopping.Store(true)
	if err := f.client.StopAndCancel(t.Context()); err != nil { // what happens after eight seconds
		t.Fatal(err)
	}
	if err := f.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	again := newFixture(t, path)
	var job Job
	again.start(func(_ context.Context, j Job) error { job = j; return nil })
	again.idle()
	if job.Attempt != 1 {
		t.Fatalf("after a graceful stop: %+v", job)
	}
}

func TestWorkThatKillsTheProcessEndsUpDead(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	f.touch(PR(1, 7))
	f.write(func(tx *sql.Tx) error {
		for range MaxAttempts {
			if _, err := tx.Exec("UPDATE river_job SET state = 'running'"); err != nil {
				return err
			}
			if err := f.release(t.Context(), tx); err != nil {
				return err
			}
		}
		return nil
	})
	f.start(func(context.Context, Job) error { t.Error("it was run once more"); return nil })
	receive(t, f.dead)
	f.idle()
}

func TestASubjectWithoutItsJobGetsOneAtStart(t *testing.T) {
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))
	f.touch(PR(1, 7))
	f.write(func(tx *sql.Tx) error { _, err := tx.Exec("DELETE FROM river_job"); return err })
	runs := 0
	f.start(func(context.Context, Job) error { runs++; return nil })
	f.idle()
	if runs != 1 {
		t.Fatalf("%d runs", runs)
	}
}

func TestBackoffRisesToAnHour(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 2 * time.Second, 3: 32 * time.Second, 7: time.Hour, 50: time.Hour} {
		if d := backoff(n); d < want*8/10 || d > want*12/10 || d > time.Hour {
			t.Errorf("after failure %d: %s", n, d)
		}
	}
}
