package webhook

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"gonogo/internal/inbox"
)

var errClosed = errors.New("the door is closed")

// committer stores deliveries that wait together in one transaction. While one
// is synced to the disk, the next gather.
type committer struct {
	inbox  Appender
	stored func()
	log    *logrus.Entry

	queue chan *pending
	done  chan struct{}

	mu     sync.RWMutex // held for reading while something is put into queue
	closed bool

	refusing bool // the last transaction failed; only run uses it
}

// pending is a delivery that waits to be stored.
type pending struct {
	hint    inbox.Hint
	left    atomic.Bool // its request was answered with 503 already
	outcome inbox.Outcome
	err     error
	stored  chan struct{} // closed once outcome and err are set
}

func newCommitter(a Appender, stored func(), log *logrus.Entry) *committer {
	c := &committer{inbox: a, stored: stored, log: log, queue: make(chan *pending, inFlight), done: make(chan struct{})}
	go c.run()
	return c
}

// append returns once h is on the disk, or was refused, or five seconds are
// over. In the last case it may still be stored: nothing was promised.
func (c *committer) append(ctx context.Context, h inbox.Hint) (inbox.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	p := &pending{hint: h, stored: make(chan struct{})}
	if err := c.put(ctx, p); err != nil {
		return 0, err
	}
	select {
	case <-p.stored:
		return p.outcome, p.err
	case <-ctx.Done():
		p.left.Store(true)
		return 0, ctx.Err()
	}
}

func (c *committer) put(ctx context.Context, p *pending) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return errClosed
	}
	select {
	case c.queue <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *committer) run() {
	defer close(c.done)
	for p := range c.queue {
		batch := []*pending{p}
		for more := true; more && len(batch) < inFlight; {
			select {
			case p, more = <-c.queue:
				if more {
					batch = append(batch, p)
				}
			default:
				more = false
			}
		}
		c.commit(batch)
	}
}

func (c *committer) commit(batch []*pending) {
	live := batch[:0]
	hints := make([]inbox.Hint, 0, len(batch))
	for _, p := range batch {
		if !p.left.Load() {
			live = append(live, p)
			hints = append(hints, p.hint)
		}
	}
	if len(live) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	outcomes, err := c.inbox.Append(ctx, hints)
	for n, p := range live {
		if p.err = err; err == nil {
			p.outcome = outcomes[n]
		}
		close(p.stored)
	}
	c.tell(err)
	if err == nil {
		c.stored()
	}
}

// tell logs the first refusal of a row of them, and its end.
func (c *committer) tell(err error) {
	switch {
	case err != nil && !c.refusing:
		c.log.WithError(err).Error("deliveries cannot be stored; they are answered with 503")
	case err == nil && c.refusing:
		c.log.WithField("at", time.Now().UTC()).Info("deliveries are stored again")
	}
	c.refusing = err != nil
}

func (c *committer) close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
	c.mu.Unlock()
	<-c.done
}
