// Package dispatch turns what the door stored into things to look at again.
//
// Hints are taken in the order in which they were stored, in batches. One
// transaction deletes a batch's hints, brings the index up to date, touches the
// subjects and posts commands to their mailboxes: a process that dies leaves
// either all of it or nothing, and the next one goes on from there. Several
// hints of a batch about one subject are one touch.
//
// A hint says where to look, never what is so. It is therefore safe to dispatch
// hints late, twice, or out of order: the worst is a look that finds nothing
// new.
//
// A hint that cannot be dispatched for a reason of its own is buried, so that
// those behind it go on; a store that cannot take a batch now is asked again a
// second later.
package dispatch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"gonogo/internal/inbox"
	"gonogo/internal/index"
	"gonogo/internal/queue"
	"gonogo/internal/store"
)

const (
	// batch is kept small: the door waits while a batch is written.
	batch = 64
	// pollEvery finds hints whose signal was lost, and retries.
	pollEvery = time.Second
)

// Result is what became of a hint: a bounded set, for counting.
type Result string

// The results.
const (
	Dispatched Result = "dispatched"
	Unallowed  Result = "not_allowed" // of an account that is not served
	OwnCheck   Result = "own_check"   // about a check of ours
	Foreign    Result = "foreign"     // dispatched, but of another installation than we know
	Buried     Result = "buried"
)

// Results lists all results.
var Results = [...]Result{Dispatched, Unallowed, OwnCheck, Foreign, Buried}

// Config is what a dispatcher depends on. All but Owners, AppID, Now and Count
// are required.
type Config struct {
	Store *store.Store
	Inbox *inbox.Inbox
	Index *index.Index
	Queue *queue.Queue
	Log   *logrus.Entry
	// AppID is our App: news of its own checks are ignored.
	AppID int64
	// Owners are the accounts that are served, by login; empty: all.
	Owners []string
	Now    func() time.Time
	// Count is called once for each hint. It may be nil.
	Count func(Result)
}

// Dispatcher is run by one goroutine: see [Dispatcher.Run].
type Dispatcher struct {
	Config
	owners map[string]bool
	wake   chan struct{}
}

// New returns a dispatcher.
func New(c Config) (*Dispatcher, error) {
	if c.Store == nil || c.Inbox == nil || c.Index == nil || c.Queue == nil || c.Log == nil {
		return nil, errors.New("dispatch: Store, Inbox, Index, Queue and Log are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Count == nil {
		c.Count = func(Result) {}
	}
	d := &Dispatcher{Config: c, owners: make(map[string]bool), wake: make(chan struct{}, 1)}
	for _, o := range c.Owners {
		d.owners[strings.ToLower(strings.TrimSpace(o))] = true
	}
	return d, nil
}

// Wake says that hints were stored. It never blocks.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run dispatches until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if err := d.Drain(ctx); err != nil && ctx.Err() == nil {
			d.Log.WithError(err).Warn("dispatching stopped; it is tried again in a second")
			select {
			case <-ctx.Done():
			case <-poll.C:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-poll.C:
		}
	}
}

// Drain dispatches what is in the inbox now. It returns an error when the store
// cannot take it; what was dispatched before stays so.
func (d *Dispatcher) Drain(ctx context.Context) error {
	for {
		entries, err := d.Inbox.Next(ctx, batch)
		if err != nil || len(entries) == 0 {
			return err
		}
		if err := d.dispatch(ctx, entries); err != nil {
			return err
		}
	}
}

// dispatch writes a batch, and if that fails for a reason other than the store,
// its hints one by one.
func (d *Dispatcher) dispatch(ctx context.Context, entries []inbox.Entry) error {
	err := d.write(ctx, entries)
	if err == nil || ctx.Err() != nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrBroken) {
		return err
	}
	if len(entries) == 1 {
		return d.bury(ctx, entries[0], err)
	}
	for n := range entries {
		if err := d.dispatch(ctx, entries[n:n+1]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dispatcher) write(ctx context.Context, entries []inbox.Entry) error {
	var counts []Result
	err := d.Store.Write(ctx, func(tx *sql.Tx) (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		r := round{Dispatcher: d, ctx: ctx, tx: tx, touched: make(map[string]bool), worse: make(map[string]bool), batch: entries[0].ID}
		ids := make([]int64, len(entries))
		for n, e := range entries {
			ids[n] = e.ID
			if e.Err != nil {
				return e.Err
			}
			if err := r.hint(e.Hint); err != nil {
				return fmt.Errorf("dispatch delivery %s: %w", e.Hint.GUID, err)
			}
		}
		counts = r.counts
		if err := r.touchAll(); err != nil {
			return err
		}
		return d.Inbox.Delete(ctx, tx, ids)
	})
	if err != nil {
		return err
	}
	for _, c := range counts {
		d.Count(c)
	}
	return nil
}

func (d *Dispatcher) bury(ctx context.Context, e inbox.Entry, why error) error {
	d.Log.WithError(why).WithFields(logrus.Fields{"delivery": e.Hint.GUID, "event": e.Hint.Event}).
		Error("a delivery cannot be dispatched; it is kept aside")
	d.Count(Buried)
	return d.Store.Write(ctx, func(tx *sql.Tx) error { return d.Inbox.Bury(ctx, tx, e.ID, d.Now(), why) })
}

// serves reports whether an account is one of those that are served.
func (d *Dispatcher) serves(login string) bool {
	return len(d.owners) == 0 || d.owners[strings.ToLower(login)]
}

// round is one transaction of the dispatcher.
type round struct {
	*Dispatcher
	ctx     context.Context //nolint:containedctx // a round is shorter than a call
	tx      *sql.Tx
	touches []queue.Subject
	touched map[string]bool
	counts  []Result

	worse map[string]bool // of the touched: an event can worsen their verdict

	batch  int64 // the id of the first hint: what this round posts is its own
	tenant int64 // of the hint at hand
	calm   bool  // the hint at hand can make no verdict worse
	again  bool  // the hint at hand was delivered before
}

// touch has s looked at once this round is written. A delivery that came again
// only revives what is dead.
func (r *round) touch(s queue.Subject) error {
	s = s.For(r.tenant)
	if r.again {
		_, err := r.Queue.Revive(r.ctx, r.tx, s)
		return err
	}
	name := s.String()
	if !r.touched[name] {
		r.touched[name] = true
		r.touches = append(r.touches, s)
	}
	r.worse[name] = r.worse[name] || !r.calm && s.Kind == queue.PullRequest
	return nil
}

func (r *round) touchAll() error {
	for _, s := range r.touches {
		err := error(nil)
		if r.worse[s.String()] {
			err = r.Queue.Post(r.ctx, r.tx, s, queue.Message{Key: fmt.Sprintf("%s/%d", inbox.Worsens, r.batch), At: r.Now()})
		} else {
			err = r.Queue.Touch(r.ctx, r.tx, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// post leaves a command in the mailbox of a pull request. Commands of replayed
// bodies, and of deliveries that came again, were posted when they came first.
func (r *round) post(h inbox.Hint, number int, c inbox.Command) error {
	s := queue.PR(h.Repo.ID, number)
	if h.Replayed || h.Again {
		return r.touch(s)
	}
	c, err := r.told(h, number, c)
	if err != nil {
		return err
	}
	return r.Queue.Post(r.ctx, r.tx, s.For(r.tenant), queue.Message{Key: c.Key(), Body: c.Encode(), At: h.ReceivedAt})
}

// told is a command with what its event and the index tell of it.
func (r *round) told(h inbox.Hint, number int, c inbox.Command) (inbox.Command, error) {
	known, err := r.Index.Pull(r.ctx, r.tx, h.Repo.ID, number)
	if err != nil && !errors.Is(err, index.ErrUnknown) {
		return inbox.Command{}, err
	}
	c.KnownHead, c.KnownBase, c.Sender, c.ReceivedAt, c.GUID = known.HeadSHA, known.BaseRef, h.Sender, h.ReceivedAt, h.GUID
	return c, nil
}
