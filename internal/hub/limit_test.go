package hub

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/report"
)

// Case 68: bodies as GitHub sends them.
func TestClassify(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	reset := strconv.FormatInt(now.Add(10*time.Minute).Unix(), 10)
	tests := []struct {
		name    string
		status  int
		headers map[string]string
		body    string
		kind    Kind
		wait    time.Duration
		needs   string
	}{
		{name: "fine", status: 200, headers: map[string]string{"X-RateLimit-Remaining": "17"}},
		{name: "primary", status: 403, headers: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset},
			body: `{"message":"API rate limit exceeded for installation ID 7."}`, kind: KindPrimaryLimit, wait: 10*time.Minute + time.Second},
		{name: "primary by GitHub's clock", status: 403,
			headers: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "Date": "Fri, 02 Jan 2026 03:09:05 GMT"},
			body:    `{"message":"API rate limit exceeded"}`, kind: KindPrimaryLimit, wait: 5*time.Minute + time.Second},
		{name: "primary as 429", status: 429, headers: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset},
			body: `{"message":"API rate limit exceeded"}`, kind: KindPrimaryLimit, wait: 10*time.Minute + time.Second},
		{name: "secondary", status: 403, headers: map[string]string{"Retry-After": "30", "X-RateLimit-Remaining": "4000"},
			body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`,
			kind: KindSecondaryLimit, wait: 30 * time.Second},
		{name: "secondary without a time", status: 403,
			body: `{"message":"You have exceeded a secondary rate limit."}`, kind: KindSecondaryLimit},
		{name: "secondary by its address", status: 403,
			body: `{"message":"Wait","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`,
			kind: KindSecondaryLimit},
		{name: "abuse", status: 403, body: `{"message":"You have triggered an abuse detection mechanism."}`, kind: KindSecondaryLimit},
		{name: "bare 429", status: 429, body: `<html>`, kind: KindSecondaryLimit},
		{name: "429 with a date", status: 429, headers: map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:05:05 GMT"},
			kind: KindSecondaryLimit, wait: time.Minute},
		{name: "too quickly", status: 422, body: `{"message":"Validation Failed: was submitted too quickly"}`, kind: KindSecondaryLimit},
		{name: "suspended", status: 403, body: `{"message":"This installation has been suspended"}`, kind: KindSuspended},
		{name: "permission", status: 403, headers: map[string]string{"X-Accepted-GitHub-Permissions": "pull_requests=write,checks=read; x=y"},
			body: `{"message":"Resource not accessible by integration"}`, kind: KindPermission, needs: "Pull requests: write and Checks: read"},
		{name: "permission, odd header", status: 403, headers: map[string]string{"X-Accepted-GitHub-Permissions": "a=b<img>"},
			body: `{"message":"Resource not accessible by integration"}`, kind: KindPermission},
		{name: "plan", status: 403, kind: KindDisabled,
			body: `{"message":"Upgrade to GitHub Pro or make this repository public to enable this feature."}`},
		{name: "archived", status: 403, body: `{"message":"Repository was archived so is read-only."}`, kind: KindDisabled},
		{name: "a proxy's 403", status: 403, body: `<html>Forbidden</html>`, kind: KindFault},
		{name: "alerts off", status: 404, body: `{"message":"Secret scanning is disabled on this repository."}`, kind: KindDisabled},
		{name: "missing", status: 404, body: `{"message":"Not Found"}`, kind: KindMissing},
		{name: "issues off", status: 410, body: `{"message":"Issues are disabled for this repo"}`, kind: KindDisabled},
		{name: "blocked by law", status: 451, body: `{"message":"Repository access blocked"}`, kind: KindDisabled},
		{name: "empty repository", status: 409, body: `{"message":"Git Repository is empty."}`, kind: KindConflict},
		{name: "invalid", status: 422, body: `{"message":"Validation Failed"}`, kind: KindInvalid},
		{name: "no commit", status: 422, body: `{"message":"No commit found for SHA: abc"}`, kind: KindMissing},
		{name: "unauthorized", status: 401, body: `{"message":"Bad credentials"}`, kind: KindUnauthorized},
		{name: "unicorn", status: 502, body: `<html>`, kind: KindFault},
		{name: "moved", status: 304, kind: KindFault},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{}
			for name, value := range tt.headers {
				header.Set(name, value)
			}
			v := classify(tt.status, header, []byte(tt.body), now)
			if v.kind != tt.kind || v.wait != tt.wait || v.needs != tt.needs {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestUnreadableSentences(t *testing.T) {
	k := call{act: actReviews, of: "acme/shop#7"}
	for _, kind := range Kinds {
		got := Unreadable(fmt.Errorf("evaluate: %w", k.fail(&Error{Kind: kind, Message: "canary", Until: time.Unix(0, 0)})))
		if !strings.HasPrefix(got.Fact, "The reviews ") || !strings.HasSuffix(got.Fact, ".") || strings.Contains(got.Fact, "canary") {
			t.Errorf("%s: %q", kind, got.Fact)
		}
		switch kind {
		case KindPermission:
			if !strings.Contains(got.Fact, `"Pull requests: read"`) || got.Cause != gate.CausePermission {
				t.Errorf("%+v", got)
			}
		case KindPrimaryLimit:
			if !strings.Contains(got.Fact, "until 00:00:00 UTC") || got.Cause != gate.CauseFault {
				t.Errorf("%+v", got)
			}
		}
	}
	if got := Unreadable(context.DeadlineExceeded); got.Fact != "The evidence could not be read: GitHub did not answer in time." {
		t.Errorf("%q", got.Fact)
	}
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	jwt := "eyJ" + "hbGciOi.eyJpc3Mi.c2lnbmF0dXJl"
	secrets := []string{"ghs_" + strings.Repeat("a", 36), "github_pat_" + strings.Repeat("b", 30), jwt, "hunter2secret"}
	err := (&Error{Op: "x", Kind: KindFault, Message: redact(strings.Join(secrets[:3], " ") + " https://u:hunter2secret@h/ Bearer " + jwt)}).Error()
	for _, s := range secrets {
		if strings.Contains(err, s) {
			t.Errorf("%q is in %q", s, err)
		}
	}
}

// Case 67: nothing is asked while the window is closed, and it opens by itself.
func TestClosedWindow(t *testing.T) {
	c := newClock()
	limited := true
	f := newFake(t, map[string]http.HandlerFunc{"GET /repos/acme/shop": func(w http.ResponseWriter, r *http.Request) {
		if limited {
			says(403, `{"message":"You have exceeded a secondary rate limit"}`)(w, r)
			return
		}
		says(200, repoJSON(42))(w, r)
	}})
	h := newHub(t, f, c)
	r := h.Repo(7, testRepo)
	silence := time.Minute
	for range 3 {
		before := f.count()
		for range 10 {
			_, err := r.Repository(t.Context())
			wait, ok := RetryAfter(err)
			if !ok || wait != silence || KindOf(err) != KindSecondaryLimit {
				t.Fatalf("wait %v, %v: %v", wait, ok, err)
			}
		}
		if got := f.count() - before; got != 1 {
			t.Fatalf("%d requests went out, want 1", got)
		}
		if _, err := h.Repo(8, testRepo).Permission(t.Context(), "kim"); err != nil {
			t.Fatalf("another installation: %v", err)
		}
		c.pass(silence)
		silence *= 2
	}
	limited = false
	if _, err := r.Repository(t.Context()); err != nil {
		t.Fatal(err)
	}
	limited = true
	_, err := r.Repository(t.Context())
	if wait, _ := RetryAfter(err); wait != time.Minute {
		t.Errorf("after a success the silence is %v", wait)
	}
}

func TestBudgetSpentBySuccess(t *testing.T) {
	c := newClock()
	f := newFake(t, map[string]http.HandlerFunc{"GET /repos/acme/shop": says(200, repoJSON(42),
		"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10))})
	r := newRepo(t, f, c)
	if _, err := r.Repository(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Repository(t.Context()); KindOf(err) != KindPrimaryLimit || f.count() != 1 {
		t.Errorf("%v after %d requests", err, f.count())
	}
}

// Case 67: 60 in flight, and verdicts first.
func TestInFlight(t *testing.T) {
	l := newLimiter(time.Now)
	for range maxInFlight {
		if _, err := l.enter(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	order := make(chan string, 2)
	var wg sync.WaitGroup
	queue := func(name string, urgent bool, waiting func() int) {
		wg.Go(func() {
			if _, err := l.enter(t.Context(), urgent); err != nil {
				t.Error(err)
			}
			order <- name
		})
		for {
			l.mu.Lock()
			n := waiting()
			l.mu.Unlock()
			if n == 1 {
				return
			}
		}
	}
	queue("read", false, func() int { return len(l.others) })
	queue("verdict", true, func() int { return len(l.urgent) })
	l.leave()
	if first := <-order; first != "verdict" {
		t.Errorf("%s went first", first)
	}
	l.leave()
	wg.Wait()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.enter(ctx, false); err == nil {
		t.Error("entered with an ended context")
	}
	if l.inFlight != maxInFlight || len(l.others) != 0 {
		t.Errorf("%d in flight, %d waiting", l.inFlight, len(l.others))
	}
}

func TestCommentsArePaced(t *testing.T) {
	c := newClock()
	l := newLimiter(c.now)
	sent := 0
	for range 3600 / 10 {
		for l.pace() == nil {
			sent++
		}
		c.pass(10 * time.Second)
	}
	if sent != commentsPerHour {
		t.Errorf("%d comments in an hour", sent)
	}
	l = newLimiter(c.now)
	for range commentsPerMinute {
		if err := l.pace(); err != nil {
			t.Fatal(err)
		}
	}
	if wait, ok := RetryAfter(l.pace()); !ok || wait != time.Minute {
		t.Errorf("wait %v", wait)
	}
}

// Verdict writes hold only what is set.
func TestCheckRunBody(t *testing.T) {
	body := runBody(report.CheckRun{Name: "release-readiness", HeadSHA: "a", Title: "t", Summary: "s"})
	if got, want := fmt.Sprint(body), "map[name:release-readiness output:map[summary:s title:t] status:in_progress]"; got != want {
		t.Errorf("got %s", got)
	}
}
