package queue

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// outcome is the last transaction of a run, waiting to be written.
type outcome struct {
	write   func(tx *sql.Tx) error
	err     error
	written chan struct{} // closed once err is set
}

// commit writes the last transaction of a run, together with those of other
// runs that end while the one before is synced: a commit costs the disk the
// same for one as for sixteen. write may be called twice.
func (q *Queue) commit(write func(tx *sql.Tx) error) error {
	o := &outcome{write: write, written: make(chan struct{})}
	q.mu.Lock()
	q.outcomes = append(q.outcomes, o)
	first := !q.writing
	q.writing = true
	q.mu.Unlock()
	if first {
		go q.writeOutcomes()
	}
	<-o.written
	return o.err
}

func (q *Queue) writeOutcomes() {
	for {
		q.mu.Lock()
		list := q.outcomes
		q.outcomes = nil
		q.writing = len(list) > 0
		q.mu.Unlock()
		if len(list) == 0 {
			return
		}
		q.writeTogether(list)
	}
}

// writeTogether writes outcomes in one transaction, and if that fails each in
// its own, so that one does not spoil the others.
func (q *Queue) writeTogether(list []*outcome) {
	err := q.writeAll(list)
	for _, o := range list {
		if o.err = err; err != nil && len(list) > 1 {
			o.err = q.writeAll([]*outcome{o})
		}
		close(o.written)
	}
}

func (q *Queue) writeAll(list []*outcome) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return q.store.Write(ctx, func(tx *sql.Tx) error {
		for _, o := range list {
			if err := o.write(tx); err != nil {
				return err
			}
		}
		return nil
	})
}
