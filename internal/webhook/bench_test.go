package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"gonogo/internal/inbox"
	"gonogo/internal/store"
	"gonogo/internal/webhook"
)

// BenchmarkDoor sends deliveries of 13 to 24 kB over 64 kept connections on
// loopback, with the client in the same process. A delivery counts when its
// 2xx has come, which is when it is on the disk.
func BenchmarkDoor(b *testing.B) {
	s, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "bench.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	door, err := webhook.New(webhook.Config{Secrets: []string{secret}, Inbox: inbox.New(s), Log: quiet()})
	if err != nil {
		b.Fatal(err)
	}
	defer door.Close()
	server := httptest.NewServer(door)
	defer server.Close()

	const connections = 64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}}
	deliveries := benchDeliveries(b, b.N)
	var next atomic.Int64
	took := make([]time.Duration, b.N)
	b.ResetTimer()
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			for n := int(next.Add(1)) - 1; n < b.N; n = int(next.Add(1)) - 1 {
				d := deliveries[n%len(deliveries)]
				start := time.Now()
				req, _ := http.NewRequest(http.MethodPost, server.URL, bytes.NewReader(d.body))
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-GitHub-Event", "pull_request")
				req.Header.Set("X-GitHub-Delivery", d.guid(n))
				req.Header.Set("X-Hub-Signature-256", d.signature)
				res, err := client.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode != http.StatusAccepted {
					b.Errorf("answer %d", res.StatusCode)
					return
				}
				took[n] = time.Since(start)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acks/s")
	b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms")
	b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
}

type delivery struct {
	body      []byte
	signature string
	first     string
}

// guid makes the nth delivery's identifier without spending the client's time
// on randomness.
func (d delivery) guid(n int) string { return fmt.Sprintf("%s%08x", d.first[:28], n) }

// benchDeliveries returns signed pull_request payloads, each of its own, as
// large as real ones.
func benchDeliveries(b *testing.B, n int) []delivery {
	raw, err := os.ReadFile("../../testdata/webhooks/pull_request.json")
	if err != nil {
		b.Fatal(err)
	}
	var examples []json.RawMessage
	if err := json.Unmarshal(raw, &examples); err != nil {
		b.Fatal(err)
	}
	var opened []byte
	for _, e := range examples {
		if bytes.Contains(e, []byte(`"action": "opened"`)) || bytes.Contains(e, []byte(`"action":"opened"`)) {
			var compact bytes.Buffer
			_ = json.Compact(&compact, e)
			opened = compact.Bytes()
			break
		}
	}
	list := make([]delivery, min(n, 4096))
	for i := range list {
		pad := strings.Repeat("x", max(0, 13_000+(i*37)%11_000-len(opened)-40))
		body := bytes.Replace(opened, []byte("{"), fmt.Appendf(nil, `{"nth":%d,"pad":"%s",`, i, pad), 1)
		list[i] = delivery{body: body, signature: sign(body), first: uuid.NewString()}
	}
	return list
}
