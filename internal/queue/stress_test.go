package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gonogo/internal/store"
)

// TestEveryTouchIsFollowedByARunThatBeganAfterIt touches and posts from many
// sides while jobs run, fail, panic and snooze.
func TestEveryTouchIsFollowedByARunThatBeganAfterIt(t *testing.T) {
	const subjects, writers, each = 5, 12, 60
	f := newFixture(t, filepath.Join(t.TempDir(), "q.db"))

	var mu sync.Mutex
	touched := make(map[string]int64) // generation of the last committed touch
	looked := make(map[string]int64)  // generation of the last successful run
	handed := make(map[string]int)    // message → how often it was part of a successful run
	running := make(map[string]bool)

	work := func(_ context.Context, j Job) error {
		name := j.Subject.String()
		mu.Lock()
		if running[name] {
			t.Errorf("%s runs twice at once", name)
		}
		running[name] = true
		for _, m := range j.Messages {
			if handed[m.Key] > 0 {
				t.Errorf("message %s came again after a run that succeeded", m.Key)
			}
		}
		mu.Unlock()
		defer func() {
			mu.Lock()
			running[name] = false
			mu.Unlock()
		}()
		switch rand.IntN(12) {
		case 0:
			return errors.New("no luck")
		case 1:
			panic("a bug")
		case 2:
			return Later(time.Millisecond)
		}
		mu.Lock()
		defer mu.Unlock()
		looked[name] = j.Generation
		for _, m := range j.Messages {
			handed[m.Key]++
		}
		return nil
	}
	f.start(work)

	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				s := PR(1, 1+rand.IntN(subjects)).For(int64(1 + w%3))
				var g int64
				f.write(func(tx *sql.Tx) error {
					var err error
					if n%3 == 0 {
						err = f.Post(t.Context(), tx, s, Message{Key: fmt.Sprintf("%d-%d", w, n)})
					} else {
						err = f.Touch(t.Context(), tx, s)
					}
					if err == nil {
						g, err = f.Generation(t.Context(), tx, s)
					}
					return err
				})
				mu.Lock()
				touched[s.String()] = max(touched[s.String()], g)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	// Failures hold subjects back for a moment; nothing stays behind for ever.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for d := f.depth(); d.Waiting+d.Delayed > 0; d = f.depth() {
		if err := f.Idle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for name, g := range touched {
		if looked[name] < g { // a mailbox of more than one run's mail counts as a touch too
			t.Errorf("%s: the last touch is generation %d, the last run saw %d", name, g, looked[name])
		}
	}
	if want := writers * each / 3; len(handed) != want {
		t.Errorf("%d of %d messages were handed out", len(handed), want)
	}
}

const childEnv = "GONOGO_QUEUE_TEST_CHILD"

// TestMain runs the test binary as the process that is to be killed, when it
// was started as one.
func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		child(path)
	}
	os.Exit(m.Run())
}

// child works on the queue of a database and never finishes a job of an odd
// number. It says so when all of its hands are full.
func child(path string) {
	s, err := store.Open(context.Background(), "sqlite:"+path)
	if err != nil {
		panic(err)
	}
	q, err := New(Config{Store: s, Log: quiet()})
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	stuck := 0
	err = q.Start(context.Background(), HandlerFunc(func(_ context.Context, j Job) error {
		if j.Subject.Number%2 == 0 {
			return nil
		}
		mu.Lock()
		stuck++
		full := stuck == defaultConcurrency
		mu.Unlock()
		if full {
			fmt.Println("full")
		}
		select {}
	}))
	if err != nil {
		panic(err)
	}
	select {}
}

// TestKilledWhileJobsRun (run F1): work goes on at once with the next process.
func TestKilledWhileJobsRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.db")
	const n = 4 * defaultConcurrency
	f := newFixture(t, path)
	f.write(func(tx *sql.Tx) error {
		for i := range n {
			if err := f.Post(t.Context(), tx, PR(1, i+1), Message{Key: strconv.Itoa(i + 1)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}

	for range 2 {
		kill(t, path)
	}

	again := newFixture(t, path)
	var mu sync.Mutex
	seen := make(map[string]int)
	again.start(func(_ context.Context, j Job) error {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range j.Messages {
			seen[m.Key]++
		}
		return nil
	})
	again.idle()
	if d := again.depth(); d != (Depth{}) {
		t.Fatalf("after the restart: %+v", d)
	}
	for i := 1; i <= n; i += 2 {
		if seen[strconv.Itoa(i)] != 1 {
			t.Errorf("the message of #%d was handed out %d times", i, seen[strconv.Itoa(i)])
		}
	}
}

// kill starts a child, waits until it is full of jobs, and kills it.
func kill(t *testing.T, path string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 5)
	if _, err := out.Read(line); err != nil || !strings.HasPrefix(string(line), "full") {
		t.Errorf("the child said %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}
