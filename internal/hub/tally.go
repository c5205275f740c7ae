package hub

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"
)

// Call is one request that went to GitHub.
type Call struct {
	Act    string // "list reviews"; "fetch a token" for installation tokens
	Status int    // 0 when there was no answer
	Took   time.Duration
}

// Count is how often an act went to GitHub.
type Count struct {
	Calls       int
	NotModified int // answered by 304: free of the primary limit
	Failed      int // no answer, or a status of 400 and above
}

type tally struct {
	observe func(Call)
	mu      sync.Mutex
	counts  map[string]Count
}

func newTally(observe func(Call)) *tally {
	return &tally{observe: observe, counts: map[string]Count{}}
}

type actKey struct{}

func withAct(ctx context.Context, act string) context.Context {
	return context.WithValue(ctx, actKey{}, act)
}

func (t *tally) record(req *http.Request, resp *http.Response, took time.Duration) {
	c := Call{Took: took}
	c.Act, _ = req.Context().Value(actKey{}).(string)
	if isTokenRequest(req) {
		c.Act = "fetch a token"
	}
	if resp != nil {
		c.Status = resp.StatusCode
	}
	t.mu.Lock()
	n := t.counts[c.Act]
	n.Calls++
	if c.Status == http.StatusNotModified {
		n.NotModified++
	}
	if c.Status == 0 || c.Status >= 400 {
		n.Failed++
	}
	t.counts[c.Act] = n
	t.mu.Unlock()
	if t.observe != nil {
		t.observe(c)
	}
}

func (t *tally) snapshot() map[string]Count {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
