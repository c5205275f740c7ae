package worker

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/policy"
	"gonogo/internal/tracker"
)

// readTracker reads the tracker items that a record names, as far as the policy
// lets them be looked up. What was read by another policy's columns is read anew.
func (w *Worker) readTracker(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, p *policy.Policy, pr gate.PullRequest, record gate.Record) {
	if !p.Mentions("operational/tracker") {
		return
	}
	s.trackBy(p.Tracker)
	var asked []int64
	items := tracker.GitHub(func(owner, name string) tracker.Issues { return repo.Sibling(owner, name) })
	for _, ref := range p.TrackerItems(pr, record) {
		key := strings.ToLower(ref.String())
		if has(s, s.items, key) {
			continue
		}
		keep(s, s.items, key, gate.Reading[gate.TrackerItem]{})
		if ref.Item != 0 {
			asked = append(asked, ref.Item)
			continue
		}
		into(ctx, r, func(ctx context.Context) (gate.TrackerItem, error) { return items.Item(ctx, ref) },
			func(v gate.Reading[gate.TrackerItem]) { keep(s, s.items, key, v) })
	}
	if len(asked) > 0 {
		w.readMonday(ctx, r, s, p.Tracker, asked)
	}
}

// trackBy forgets items that were read by other columns.
func (s *snapshot) trackBy(t policy.Tracker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !reflect.DeepEqual(s.tracked, t) {
		s.tracked, s.items = t, map[string]gate.Reading[gate.TrackerItem]{}
	}
}

// errNoMonday: a policy names boards of Monday.com, and this server has no token.
var errNoMonday = errors.New("no token for Monday.com is set up")

// readMonday reads items of Monday.com, all at once.
func (w *Worker) readMonday(ctx context.Context, r *round, s *snapshot, t policy.Tracker, ids []int64) {
	items := s.items
	r.wg.Go(func() {
		found, err := calm(func() (map[int64]gate.TrackerItem, error) {
			if w.Monday == nil {
				return nil, errNoMonday
			}
			ctx, cancel := context.WithTimeout(ctx, mondayTime)
			defer cancel()
			return w.Monday.Items(ctx, ids, tracker.Columns{Status: t.Status.Column, Done: t.Status.DoneLabel, Note: t.Note.Column})
		})
		if err != nil {
			w.log(ctx).WithError(err).Info("items of Monday.com could not be read")
		}
		for _, id := range ids {
			keep(s, items, gate.TrackerRef{Item: id}.String(), w.mondayReading(found, id, err))
		}
	})
}

// mondayReading is what is known of one item. None that could not be read is done.
func (w *Worker) mondayReading(found map[int64]gate.TrackerItem, id int64, err error) gate.Reading[gate.TrackerItem] {
	item, ok := found[id]
	switch {
	case errors.Is(err, errNoMonday):
		return gate.Unread[gate.TrackerItem](gate.Unreadable{
			Cause: gate.CauseDisabled, Fact: "The item cannot be read: this server has no token for Monday.com; its operator can set GONOGO_MONDAY_TOKEN.",
		}, w.now())
	case err != nil:
		return gate.Unread[gate.TrackerItem](gate.Unreadable{Cause: gate.CauseFault, Fact: "The item could not be read: Monday.com gave no usable answer."}, w.now())
	case !ok:
		return gate.Unread[gate.TrackerItem](gate.Unreadable{
			Cause: gate.CauseMissing, Fact: "The item cannot be found: gone, or on a board that this server may not see.",
		}, w.now())
	}
	return gate.Read(item, w.now())
}
