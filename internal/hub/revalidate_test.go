package hub

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// What GitHub says has not changed is decoded once; whoever got it may do with
// the list what they like, and what has changed is decoded anew.
func TestSameAnswerIsDecodedOnce(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{})
	var mu sync.Mutex
	state := "APPROVED"
	f.answer("GET /repos/acme/shop/pulls/7/reviews", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("ETag", `W/"`+state+`"`)
		if strings.Contains(r.Header.Get("If-None-Match"), state) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = fmt.Fprintf(w, `[{"id":1,"user":{"id":2,"login":"lee","type":"User"},"state":"%s","body":"","commit_id":"%s","submitted_at":"2026-01-02T03:04:05Z"}]`,
			state, strings.Repeat("a", 40))
	})
	repo := newRepo(t, f, newClock())
	for range 3 {
		got, err := repo.Reviews(t.Context(), 7)
		if err != nil || len(got) != 1 || got[0].State != "APPROVED" {
			t.Fatalf("%+v, %v", got, err)
		}
		got[0].State = "spoiled"
		_ = append(got, got[0])
	}
	if n := repo.c.forms.Len(); n != 1 {
		t.Errorf("%d answers are kept decoded", n)
	}
	mu.Lock()
	state = "DISMISSED"
	mu.Unlock()
	if got, err := repo.Reviews(t.Context(), 7); err != nil || len(got) != 1 || got[0].State != "DISMISSED" {
		t.Errorf("after a change: %+v, %v", got, err)
	}
}
