package worker

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
)

// snapshot is the evidence of one evaluation, read in one go. It answers the
// questions of package policy; what was never read counts as unknown.
type snapshot struct {
	files        gate.Reading[[]gate.File]
	commits      gate.Reading[[]gate.Commit]
	reviews      gate.Reading[[]gate.ReviewOf]
	checks       gate.Reading[[]gate.Check]
	ours         gate.Reading[[]gate.Check] // our own App's runs on the head
	required     gate.Reading[[]gate.RequiredCheck]
	leaks        gate.Reading[gate.LeakScan]
	alerts       gate.Reading[[]gate.Alert]
	runs         gate.Reading[[]gate.WorkflowRun]
	released     gate.Reading[time.Time]
	dangling     gate.Reading[[]gate.Branch]
	behind       gate.Reading[gate.Behind]
	behindOf     string // of which head and base that was asked for
	moves        gate.Reading[[]hub.Move]
	movesOf      string // of which head branch that was asked for
	comments     gate.Reading[[]gate.Comment]
	policy       gate.Reading[hub.File]
	organization gate.Reading[hub.File]
	writers      gate.Reading[[]gate.Collaborator]

	history ledger.History // of the pull request

	codeOwners gate.Reading[string]
	ownersOn   string // the base branch of which CODEOWNERS was asked for

	mu          sync.Mutex
	issues      map[string]gate.Reading[[]gate.Issue]
	labellers   map[string]gate.Reading[gate.Labelling] // by issue and label
	permissions map[string]gate.Reading[gate.Permission]
	accounts    map[string]gate.Reading[gate.User]
	bearers     map[string]gate.Reading[gate.User] // as told with their permissions
	meant       map[string]gate.Reading[gate.User] // by login in small letters
	teams       map[string]gate.Reading[[]gate.User]
	items       map[string]gate.Reading[gate.TrackerItem] // by reference in small letters
	tracked     policy.Tracker                            // by which they were read
}

var _ policy.Evidence = (*snapshot)(nil)

func newSnapshot() *snapshot {
	return &snapshot{
		issues:      map[string]gate.Reading[[]gate.Issue]{},
		labellers:   map[string]gate.Reading[gate.Labelling]{},
		permissions: map[string]gate.Reading[gate.Permission]{},
		accounts:    map[string]gate.Reading[gate.User]{},
		bearers:     map[string]gate.Reading[gate.User]{},
		meant:       map[string]gate.Reading[gate.User]{},
		teams:       map[string]gate.Reading[[]gate.User]{},
		items:       map[string]gate.Reading[gate.TrackerItem]{},
	}
}

func (s *snapshot) Files() gate.Reading[[]gate.File]                   { return s.files }
func (s *snapshot) Commits() gate.Reading[[]gate.Commit]               { return s.commits }
func (s *snapshot) Reviews() gate.Reading[[]gate.ReviewOf]             { return s.reviews }
func (s *snapshot) Checks() gate.Reading[[]gate.Check]                 { return s.checks }
func (s *snapshot) RequiredChecks() gate.Reading[[]gate.RequiredCheck] { return s.required }
func (s *snapshot) Leaks() gate.Reading[gate.LeakScan]                 { return s.leaks }
func (s *snapshot) Alerts() gate.Reading[[]gate.Alert]                 { return s.alerts }
func (s *snapshot) WorkflowRuns() gate.Reading[[]gate.WorkflowRun]     { return s.runs }
func (s *snapshot) LastRelease() gate.Reading[time.Time]               { return s.released }
func (s *snapshot) DanglingBranches() gate.Reading[[]gate.Branch]      { return s.dangling }
func (s *snapshot) Behind() gate.Reading[gate.Behind]                  { return s.behind }
func (s *snapshot) Writers() gate.Reading[[]gate.Collaborator]         { return s.writers }
func (s *snapshot) Decisions() []gate.PersonDecision                   { return s.history.Decisions }

func (s *snapshot) Overrides() []gate.PersonDecision { return s.history.Overrides }
func (s *snapshot) Accepted() []gate.Acceptance      { return s.history.Acceptances }
func (s *snapshot) Signoffs() []gate.Signoff         { return s.history.Signoffs }
func (s *snapshot) CodeOwners() gate.Reading[string] { return s.codeOwners }

func (s *snapshot) TrackerItem(ref gate.TrackerRef) gate.Reading[gate.TrackerItem] {
	return lookUp(s, s.items, strings.ToLower(ref.String()))
}

func (s *snapshot) SevereIssues(label string) gate.Reading[[]gate.Issue] {
	return lookUp(s, s.issues, label)
}

func (s *snapshot) Labeller(issue int, label string) gate.Reading[gate.Labelling] {
	return lookUp(s, s.labellers, labelOf(issue, label))
}

func labelOf(issue int, label string) string { return fmt.Sprintf("%d/%s", issue, label) }

func (s *snapshot) Permission(login string) gate.Reading[gate.Permission] {
	return lookUp(s, s.permissions, login)
}

func (s *snapshot) Account(login string) gate.Reading[gate.User] {
	return lookUp(s, s.accounts, login)
}

func (s *snapshot) Team(name string) gate.Reading[[]gate.User] {
	return lookUp(s, s.teams, name)
}

func lookUp[T any](s *snapshot, m map[string]gate.Reading[T], key string) gate.Reading[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := m[key]; ok {
		return r
	}
	return gate.Unread[T](gate.Unreadable{Cause: gate.CauseFault, Fact: "it has not been read yet"}, time.Time{})
}

func keep[T any](s *snapshot, m map[string]gate.Reading[T], key string, r gate.Reading[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m[key] = r
}

func has[T any](s *snapshot, m map[string]gate.Reading[T], key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := m[key]
	return ok
}

// times lists when each kind of evidence was read.
func (s *snapshot) times() map[string]time.Time {
	times := map[string]time.Time{}
	for name, at := range map[string]time.Time{
		"changed files": s.files.At, "commits": s.commits.At, "reviews": s.reviews.At, "checks": s.checks.At,
		"rules of the base branch": s.required.At, "secret-scanning alerts": s.alerts.At, "workflow runs": s.runs.At, "last release": s.released.At,
		"merged branches": s.dangling.At, "policy": s.policy.At, "CODEOWNERS": s.codeOwners.At, "state of the base branch": s.behind.At,
	} {
		if !at.IsZero() {
			times[name] = at
		}
	}
	return times
}

// people lists the logins whose permission was read.
func (s *snapshot) people() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.permissions))
}

// reading makes a reading of what a method of the hub returned.
func reading[T any](value T, err error, at time.Time) gate.Reading[T] {
	if err != nil {
		return gate.Unread[T](hub.Unreadable(err), at)
	}
	return gate.Read(value, at)
}

// round reads many things at once. The first limit that GitHub set is kept: an
// evaluation that runs into one is put off as a whole.
type round struct {
	w     *Worker
	wg    sync.WaitGroup
	mu    sync.Mutex
	limit error
}

func (r *round) noticeLimit(err error) {
	if _, limited := hub.RetryAfter(err); !limited {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.limit == nil {
		r.limit = err
	}
}

// into starts a read whose outcome set stores. A read that failed is logged
// here, once; what a person is told of it is the reading's own sentence.
func into[T any](ctx context.Context, r *round, read func(context.Context) (T, error), set func(gate.Reading[T])) {
	r.wg.Go(func() {
		value, err := calm(func() (T, error) { return read(ctx) })
		if err != nil {
			r.noticeLimit(err)
			r.w.log(ctx).WithError(err).WithField("kind", hub.KindOf(err)).Info("evidence could not be read")
		}
		if _, err := calm(func() (struct{}, error) {
			set(reading(value, err, r.w.now()))
			return struct{}{}, nil
		}); err != nil {
			r.w.log(ctx).WithError(err).Error("evidence could not be searched")
			set(gate.Unread[T](gate.Unreadable{Cause: gate.CauseFault, Fact: "it could not be searched"}, r.w.now()))
		}
	})
}

// calm turns a panic into an error: it must not end the process, which serves
// others too.
func calm[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}

// wait ends the round. It returns the limit that GitHub set, if any.
func (r *round) wait() error {
	r.wg.Wait()
	return r.limit
}
