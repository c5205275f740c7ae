package hub

import (
	"context"
	"slices"
	"sync"
	"time"
)

// GitHub's limits, as documented in "Rate limits for the REST API" and "Best
// practices": 100 requests in parallel, 80 content writes a minute, 500 an
// hour, and at least a minute of silence after a secondary limit that names no
// time.
const (
	maxInFlight       = 60
	commentsPerMinute = 80
	commentsPerHour   = 500
	firstSilence      = time.Minute
	longestSilence    = time.Hour
)

// limiter decides when an installation's requests may go out. A refusal closes
// it for a time; nobody waits for that time inside, callers are told it. What
// does wait is the request number 61, and verdicts go before the rest.
type limiter struct {
	now func() time.Time

	mu       sync.Mutex
	until    time.Time // closed until then
	why      Kind
	silence  time.Duration // the next one, when GitHub names no time
	window   int           // counts the closings
	inFlight int
	urgent   []chan struct{}
	others   []chan struct{}
	comments []time.Time // of the last hour, the oldest first
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, silence: firstSilence}
}

// enter takes a slot. It returns the window in which the request goes out, for
// settle, or an error when the limit is reached or ctx ends.
func (l *limiter) enter(ctx context.Context, urgent bool) (int, error) {
	l.mu.Lock()
	if err := l.shut(); err != nil {
		l.mu.Unlock()
		return 0, err
	}
	if l.inFlight < maxInFlight {
		defer l.mu.Unlock()
		l.inFlight++
		return l.window, nil
	}
	line := &l.others
	if urgent {
		line = &l.urgent
	}
	turn := make(chan struct{})
	*line = append(*line, turn)
	l.mu.Unlock()

	select {
	case <-turn:
	case <-ctx.Done():
		l.giveUp(line, turn)
		return 0, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.shut(); err != nil {
		l.next()
		return 0, err
	}
	return l.window, nil
}

// shut returns the error of a closed window.
func (l *limiter) shut() error {
	now := l.now()
	if !now.Before(l.until) {
		return nil
	}
	return &Error{Kind: l.why, Until: l.until, Wait: l.until.Sub(now),
		Message: "not asked: GitHub's limit is reached"}
}

func (l *limiter) giveUp(line *[]chan struct{}, turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := slices.Index(*line, turn); at >= 0 {
		*line = slices.Delete(*line, at, at+1)
		return
	}
	l.next() // the turn came at the same moment
}

// leave gives the slot back.
func (l *limiter) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next()
}

func (l *limiter) next() {
	for _, line := range []*[]chan struct{}{&l.urgent, &l.others} {
		if len(*line) > 0 {
			close((*line)[0])
			*line = (*line)[1:]
			return
		}
	}
	l.inFlight--
}

// settle hears how a request of the given window ended. Of several refused at
// once only the first doubles the silence.
func (l *limiter) settle(window int, v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if !v.kind.limit() {
		if window == l.window && v.kind == "" {
			l.silence = firstSilence
		}
		if v.spent > 0 {
			l.shutFor(KindPrimaryLimit, now.Add(v.spent))
		}
		return
	}
	wait := v.wait
	if wait <= 0 {
		if window != l.window {
			return
		}
		wait = l.silence
		l.silence = min(2*l.silence, longestSilence)
	}
	l.shutFor(v.kind, now.Add(wait))
}

func (l *limiter) shutFor(why Kind, until time.Time) {
	if until.After(l.until) {
		l.until, l.why = until, why
		l.window++
	}
}

// pace takes one of the comments that GitHub allows, or tells when there will
// be one.
func (l *limiter) pace() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	old := 0
	for old < len(l.comments) && now.Sub(l.comments[old]) >= time.Hour {
		old++
	}
	l.comments = l.comments[old:]
	var until time.Time
	if n := len(l.comments); n >= commentsPerHour {
		until = l.comments[n-commentsPerHour].Add(time.Hour)
	} else if n >= commentsPerMinute {
		until = l.comments[n-commentsPerMinute].Add(time.Minute)
	}
	if until.After(now) {
		return &Error{Kind: KindSecondaryLimit, Until: until, Wait: until.Sub(now),
			Message: "not sent: comments are paced"}
	}
	l.comments = append(l.comments, now)
	return nil
}

// closed tells until when the limiter is closed, and how long that is.
func (l *limiter) closed() (time.Time, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until, max(0, l.until.Sub(l.now()))
}
