//go:build unix

package webhook_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"gonogo/internal/inbox"
	"gonogo/internal/store"
	"gonogo/internal/webhook"
)

// The environment of a test binary that is to be a server and to be killed:
// the database, at which point, and at which of its transactions.
const (
	childDatabase = "GONOGO_DOOR_TEST_DATABASE"
	childPhase    = "GONOGO_DOOR_TEST_PHASE"
	childAt       = "GONOGO_DOOR_TEST_AT"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childDatabase); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// The points at which the child kills itself; at any other, the parent does.
const (
	beforeTransaction = "before the transaction"
	afterCommit       = "after the commit, before the answer"
	atRandom          = "at any moment"
)

// suicidal is an inbox whose process is killed around its nth transaction.
type suicidal struct {
	*inbox.Inbox
	phase string
	left  atomic.Int64
}

func (s *suicidal) Append(ctx context.Context, hints []inbox.Hint) ([]inbox.Outcome, error) {
	last := s.left.Add(-1) == 0
	if last && s.phase == beforeTransaction {
		die()
	}
	outcomes, err := s.Inbox.Append(ctx, hints)
	if last && s.phase == afterCommit {
		die()
	}
	return outcomes, err
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func child(path string) error {
	s, err := store.Open(context.Background(), "sqlite:"+path)
	if err != nil {
		return err
	}
	at, err := strconv.Atoi(os.Getenv(childAt))
	if err != nil {
		return err
	}
	box := &suicidal{Inbox: inbox.New(s), phase: os.Getenv(childPhase)}
	box.left.Store(int64(at))
	door, err := webhook.New(webhook.Config{Secrets: []string{secret}, Inbox: box, Log: quiet()})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return http.Serve(l, door)
}

// Case 1, run F1: whatever was acknowledged is stored, whenever the process is
// killed, and the next process goes on with the same database.
func TestAcknowledgedIsStoredWheneverTheProcessIsKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door.db")
	acked := make(map[string]bool)
	const rounds = 5
	for _, phase := range []string{beforeTransaction, afterCommit, atRandom} {
		for range rounds {
			bombard(t, path, phase, acked)
		}
	}
	s, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	entries, err := inbox.New(s).Next(t.Context(), 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	times := make(map[string]int)
	for _, e := range entries {
		times[e.Hint.GUID]++
	}
	for guid := range acked {
		if times[guid] != 1 {
			t.Errorf("delivery %s was acknowledged and is stored %d times", guid, times[guid])
		}
	}
	if len(acked) == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Logf("%d processes were killed, %d acknowledged, %d stored", 3*rounds, len(acked), len(entries))
}

// bombard sends deliveries to a child until it is dead, and notes what it
// acknowledged.
func bombard(t *testing.T, path, phase string, acked map[string]bool) {
	t.Helper()
	at := 1 + rand.IntN(20)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDatabase+"="+path, childPhase+"="+phase, childAt+"="+strconv.Itoa(at))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var wg sync.WaitGroup
	count := 0
	for range 16 {
		wg.Go(func() {
			for {
				guid, ok := deliver(client, strings.TrimSpace(address))
				if !ok {
					return // the child is dead
				}
				mu.Lock()
				acked[guid] = true
				if count++; phase == atRandom && count == 10*at {
					_ = cmd.Process.Kill()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	_ = cmd.Wait()
}

func deliver(client *http.Client, address string) (string, bool) {
	guid := uuid.NewString()
	body := fmt.Sprintf(`{"nth":%q,%s`, guid, opened[1:])
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return "", false
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", "pull_request")
	r.Header.Set("X-GitHub-Delivery", guid)
	r.Header.Set("X-Hub-Signature-256", sign([]byte(body)))
	res, err := client.Do(r)
	if err != nil {
		return "", false
	}
	_ = res.Body.Close()
	return guid, res.StatusCode == http.StatusAccepted
}
