package notify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"gonogo/internal/store"
)

const (
	// keepTrying is for how long a letter is tried.
	keepTrying = 24 * time.Hour
	// attemptTime is how long one attempt may take; the loop stops within it at
	// once when it is told to.
	attemptTime = 10 * time.Second
	// firstWait and longestWait bound the pause between two attempts, which
	// doubles. They are 60 attempts in a day.
	firstWait   = 10 * time.Second
	longestWait = 30 * time.Minute
	// batch is how many letters are read at once.
	batch = 50
)

// Run carries letters until ctx ends. One that is being carried then is broken
// off, and tried again after the next start.
func (o *Outbox) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, c := range o.cfg.Carriers {
		wg.Go(func() { o.serve(ctx, c) })
	}
	wg.Wait()
}

func (o *Outbox) serve(ctx context.Context, c Carrier) {
	tick := time.NewTicker(o.cfg.Every)
	defer tick.Stop()
	held := places{}
	for {
		if err := o.round(ctx, c, held); err != nil && ctx.Err() == nil {
			o.cfg.Log.WithError(err).WithField("carrier", c.Name()).Warn("could not see to the notices; trying again soon")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// places are the places that failed last: how often in a row, and until when they
// are left alone.
type places map[string]place

type place struct {
	failures int
	until    time.Time
}

// round carries what is due. A place that failed is left alone for a while, the
// longer the more often it failed. What was tried least goes first, so that a
// letter which its place never takes does not keep the others out.
func (o *Outbox) round(ctx context.Context, c Carrier, held places) error {
	now := o.cfg.Now()
	due, err := o.letters(ctx, `WHERE l.state = 'waiting' AND l.via = $1 AND l.due <= $2 
		ORDER BY l.attempts, l.due, l.id LIMIT $3`, c.Name(), store.Millis(now), batch)
	if err != nil {
		return fmt.Errorf("read waiting notices: %w", err)
	}
	for _, l := range due {
		if ctx.Err() != nil {
			return nil
		}
		if p := held[l.Target]; now.Before(p.until) {
			err = o.postpone(ctx, l, p.until)
		} else {
			err = o.carry(ctx, c, l, held)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) carry(ctx context.Context, c Carrier, l Letter, held places) error {
	attempt, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	failure := c.Carry(attempt, l)
	if failure != nil && ctx.Err() != nil {
		return nil // we are stopping: it is as if it had not been tried
	}
	now := o.cfg.Now()
	if failure == nil {
		held[l.Target] = place{until: now.Add(firstWait)} // should it not be recorded, it is not sent again at once
		err := o.settle(ctx, l, StateSent, now)
		if err == nil {
			delete(held, l.Target)
		}
		return err
	}
	l.Attempts, l.Error = l.Attempts+1, failure.Error()
	p := place{failures: held[l.Target].failures + 1}
	again := now.Add(wait(max(l.Attempts, p.failures), failure))
	p.until = again
	held[l.Target] = p
	if end := l.At.Add(keepTrying); !now.Before(end) {
		return o.settle(ctx, l, StateDead, now)
	} else if again.After(end) {
		again = end // the last attempt is at the end
		held[l.Target] = place{p.failures, end}
	}
	o.fields(l).WithField("error", l.Error).WithField("attempts", l.Attempts).Info("a notice could not be sent; trying again")
	return o.again(ctx, l, again)
}

// wait is how long after a failed attempt the next one is made.
func wait(attempts int, failure error) time.Duration {
	d := firstWait
	for i := 1; i < attempts && d < longestWait; i++ {
		d *= 2
	}
	d = min(d, longestWait)
	var later *Later
	if errors.As(failure, &later) {
		return min(max(later.After, time.Second), keepTrying)
	}
	return d
}

// settle ends a letter. That it was sent is recorded although we are stopping.
func (o *Outbox) settle(ctx context.Context, l Letter, s State, now time.Time) error {
	ctx = context.WithoutCancel(ctx)
	l.Ended = now
	err := o.cfg.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE letter SET state = $1, attempts = $2, error = $3, ended = $4 WHERE id = $5`,
			string(s), l.Attempts, l.Error, store.Millis(now), l.ID)
		if err != nil {
			return err
		}
		return o.cfg.Settled(ctx, tx, l, s)
	})
	if err != nil {
		return fmt.Errorf("save that notice %s is %s: %w", l.Key, s, err)
	}
	o.cfg.Count(l.Notice.Kind, s)
	if s == StateDead {
		o.fields(l).WithField("error", l.Error).WithField("attempts", l.Attempts).Error("a notice was given up")
		return nil
	}
	o.fields(l).Info("a notice was sent")
	return nil
}

func (o *Outbox) again(ctx context.Context, l Letter, due time.Time) error {
	return o.cfg.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE letter SET attempts = $1, error = $2, due = $3 WHERE id = $4`, l.Attempts, l.Error, store.Millis(due), l.ID)
		return err
	})
}

// postpone moves a letter behind what holds its place up. It was not tried, so
// that it is not given up for it before its own day is over.
func (o *Outbox) postpone(ctx context.Context, l Letter, until time.Time) error {
	if end := l.At.Add(keepTrying); until.After(end) && o.cfg.Now().Before(end) {
		until = end
	}
	return o.again(ctx, l, until)
}

func (o *Outbox) fields(l Letter) *logrus.Entry {
	return o.cfg.Log.WithFields(logrus.Fields{"notice": l.Notice.Key, "kind": string(l.Notice.Kind), "repo": l.Notice.Repo, "carrier": l.Via, "target": l.Target})
}
