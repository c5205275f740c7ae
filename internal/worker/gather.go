package worker

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
)

// guess is what we believe of a pull request before it is read, so that all
// evidence can be read beside it. What turns out wrong is read again.
type guess struct {
	pr           gate.PullRequest // number, refs, head and repository
	severity     policy.Severity
	installation int64
	people       []string       // logins whose permission will be asked for
	owners       []gate.Owner   // whom the record named last
	record       gate.Record    // as it was read last
	alone        bool           // who else may approve will be asked: see readWriters
	history      ledger.History // what people said, and what else was entered
	behind       bool           // how far the head is behind will be asked: see readBehind
	pushed       bool           // who pushed the head will be asked: see readPushLog
}

// gathered is what one round of reading brought.
type gathered struct {
	pr   gate.Reading[gate.PullRequest]
	err  error // why the pull request could not be read
	snap *snapshot
}

// gather reads the pull request and all evidence in one parallel round, all
// pages. The error is a limit that GitHub set.
func (w *Worker) gather(ctx context.Context, repo *hub.Repo, number int, g guess) (gathered, error) {
	out := gathered{snap: newSnapshot()}
	s := out.snap
	s.history = g.history
	r := &round{w: w}
	into(ctx, r, func(ctx context.Context) (pr gate.PullRequest, err error) {
		pr, out.err = repo.PullRequest(ctx, number)
		return pr, out.err
	}, func(v gate.Reading[gate.PullRequest]) { out.pr = v })
	w.readChange(ctx, r, repo, s, number)
	into(ctx, r, func(ctx context.Context) ([]gate.ReviewOf, error) { return repo.Reviews(ctx, number) },
		func(v gate.Reading[[]gate.ReviewOf]) { s.reviews = v })
	into(ctx, r, func(ctx context.Context) ([]gate.Comment, error) { return repo.Comments(ctx, number) },
		func(v gate.Reading[[]gate.Comment]) { s.comments = v })
	into(ctx, r, repo.Alerts, func(v gate.Reading[[]gate.Alert]) { s.alerts = v })
	w.readIssues(ctx, r, repo, s, g.severity)
	w.readOrganization(ctx, r, s, g.installation, g.pr.Repo)
	w.readHead(ctx, r, repo, s, g.pr.HeadSHA)
	w.readBase(ctx, r, repo, s, g.pr)
	w.readPeople(ctx, r, repo, s, g.people)
	if g.behind {
		w.readBehind(ctx, r, repo, s, g.pr)
	}
	if g.pushed {
		w.readMoves(ctx, r, repo, s, g.pr)
	}
	if g.alone {
		into(ctx, r, repo.Writers, func(v gate.Reading[[]gate.Collaborator]) { s.writers = v })
	}
	w.readOwners(ctx, r, repo, s, g.owners)
	w.readCodeOwners(ctx, r, repo, s, w.policyGuess(g.pr.Repo.ID).Mentions(ownersAsked), g.pr.BaseRef)
	w.readTracker(ctx, r, repo, s, w.policyGuess(g.pr.Repo.ID), g.pr, g.record)
	if err := r.wait(); err != nil {
		return out, err
	}
	if !out.pr.Known {
		return out, nil
	}
	return out, w.mend(ctx, repo, out, g)
}

// mend reads again what was read for a wrong guess, and holds lists against
// the pull request's own counts.
func (w *Worker) mend(ctx context.Context, repo *hub.Repo, out gathered, g guess) error {
	pr, s := out.pr.Value, out.snap
	r := &round{w: w}
	if pr.HeadSHA != g.pr.HeadSHA {
		w.readHead(ctx, r, repo, s, pr.HeadSHA)
	}
	if pr.BaseRef != g.pr.BaseRef || pr.HeadRef != g.pr.HeadRef || pr.HeadRepoID != g.pr.HeadRepoID {
		w.readBase(ctx, r, repo, s, pr)
	}
	if g.behind {
		w.readBehind(ctx, r, repo, s, pr)
	}
	if ofAnotherHead(s, pr) {
		w.readChange(ctx, r, repo, s, pr.Number)
	}
	if err := r.wait(); err != nil {
		return err
	}
	if ofAnotherHead(s, pr) {
		moving := gate.Unreadable{Cause: gate.CauseFault, Fact: "the head is moving while it is read"}
		s.files, s.commits = gate.Unread[[]gate.File](moving, s.files.At), gate.Unread[[]gate.Commit](moving, s.commits.At)
		s.leaks = gate.Unread[gate.LeakScan](moving, s.files.At)
		return nil
	}
	if s.files.Known {
		if err := hub.FilesComplete(pr, s.files.Value); err != nil {
			s.files = reading[[]gate.File](nil, err, s.files.At)
			s.leaks.Known, s.leaks.Why = false, s.files.Why // what was not listed was not searched
		}
	}
	if s.commits.Known {
		if err := hub.CommitsComplete(pr, s.commits.Value); err != nil {
			s.commits = reading[[]gate.Commit](nil, err, s.commits.At)
		}
	}
	return nil
}

// ofAnotherHead reports whether files or commits were listed for another head
// than the pull request's: they are asked for by its number, and a push may lie
// between two answers. Of commits GitHub lists the first 250 only.
func ofAnotherHead(s *snapshot, pr gate.PullRequest) bool {
	commits := s.commits.Known && pr.Commits > 0 && len(s.commits.Value) == pr.Commits &&
		!slices.ContainsFunc(s.commits.Value, func(c gate.Commit) bool { return c.SHA == pr.HeadSHA })
	return commits || slices.ContainsFunc(s.files.Value, func(f gate.File) bool { return f.HeadSHA != "" && f.HeadSHA != pr.HeadSHA })
}

// readChange reads what the pull request changes, and searches it.
func (w *Worker) readChange(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, number int) {
	into(ctx, r, func(ctx context.Context) ([]gate.File, error) { return repo.Files(ctx, number) },
		func(v gate.Reading[[]gate.File]) {
			s.files = v
			s.leaks = w.scan(ctx, r, repo, v)
		})
	into(ctx, r, func(ctx context.Context) ([]gate.Commit, error) { return repo.Commits(ctx, number) },
		func(v gate.Reading[[]gate.Commit]) { s.commits = v })
}

// readHead reads what hangs on the head commit. Our own check runs are no
// evidence.
func (w *Worker) readHead(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, sha string) {
	if sha == "" {
		return
	}
	into(ctx, r, func(ctx context.Context) ([]gate.Check, error) { return repo.Checks(ctx, sha) },
		func(v gate.Reading[[]gate.Check]) {
			ours := func(c gate.Check) bool { return c.App == w.AppID }
			s.ours = v
			s.ours.Value = slices.DeleteFunc(slices.Clone(v.Value), func(c gate.Check) bool { return !ours(c) })
			v.Value = slices.DeleteFunc(v.Value, ours)
			s.checks = v
		})
}

// readBase reads what hangs on the base branch: its rules, its policy, and the
// branches that were merged into it and into the head.
func (w *Worker) readBase(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, pr gate.PullRequest) {
	if pr.BaseRef == "" {
		return
	}
	into(ctx, r, func(ctx context.Context) ([]gate.RequiredCheck, error) { return repo.RequiredChecks(ctx, pr.BaseRef) },
		func(v gate.Reading[[]gate.RequiredCheck]) { s.required = v })
	into(ctx, r, func(ctx context.Context) (hub.File, error) { return repo.File(ctx, policy.Path, pr.BaseRef) },
		func(v gate.Reading[hub.File]) { s.policy = v })
	into(ctx, r, func(ctx context.Context) ([]gate.Branch, error) { return repo.DanglingBranches(ctx, pr) },
		func(v gate.Reading[[]gate.Branch]) { s.dangling = v })
}

// readBehind reads how far the head is behind its base, unless that was asked
// for before.
func (w *Worker) readBehind(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, pr gate.PullRequest) {
	of := pr.HeadSHA + " " + pr.BaseRef
	if pr.HeadSHA == "" || pr.BaseRef == "" || s.behindOf == of {
		return
	}
	s.behindOf = of
	into(ctx, r, func(ctx context.Context) (gate.Behind, error) {
		d, err := repo.Diverge(ctx, pr.HeadSHA, pr.BaseRef)
		return gate.Behind{Commits: d.AheadBy, Files: d.Files, FilesCut: d.FilesCut}, err
	}, func(v gate.Reading[gate.Behind]) { s.behind = v })
}

func (w *Worker) readIssues(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, severity policy.Severity) {
	for _, label := range []string{severity.SEV1, severity.SEV2} {
		if has(s, s.issues, label) {
			continue
		}
		into(ctx, r, func(ctx context.Context) ([]gate.Issue, error) { return repo.SevereIssues(ctx, label) },
			func(v gate.Reading[[]gate.Issue]) { keep(s, s.issues, label, v) })
	}
}

func (w *Worker) readPeople(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, logins []string) {
	slices.Sort(logins)
	for _, login := range slices.Compact(logins) {
		if login == "" || has(s, s.permissions, login) {
			continue
		}
		into(ctx, r, func(ctx context.Context) (gate.Collaborator, error) { return repo.Permission(ctx, login) },
			func(v gate.Reading[gate.Collaborator]) {
				keep(s, s.permissions, login, gate.Reading[gate.Permission]{Known: v.Known, Value: v.Value.Permission, Why: v.Why, At: v.At})
				switch {
				case v.Known && v.Value.User.ID != 0:
					keep(s, s.bearers, login, gate.Read(v.Value.User, v.At))
				case v.Known && v.Value.Permission == gate.PermissionNone: // GitHub knows no account of that login
					keep(s, s.bearers, login, gate.Unread[gate.User](gate.Unreadable{Cause: gate.CauseMissing}, v.At))
				}
			})
	}
}

// complete reads what only the pull request's own content tells to read: the
// people and teams whom its record, its reviews and its policy name.
func (w *Worker) complete(ctx context.Context, v *view, record gate.Record, people []string) error {
	repo, s, p := v.repo, v.snap, v.policy
	r := &round{w: w}
	if p.AsksForBase(policy.ClassOf(p, v.pr, record, s.files)) {
		w.readBehind(ctx, r, repo, s, v.pr)
	}
	w.readIssues(ctx, r, repo, s, p.Severity)
	for _, review := range s.reviews.Value {
		if review.State == gate.Approved || review.State == gate.ChangesRequested {
			people = append(people, review.User.Login)
		}
	}
	for _, d := range s.said() {
		people = append(people, d.User.Login)
	}
	w.readPeople(ctx, r, repo, s, people)

	w.readOwners(ctx, r, repo, s, p.Owners(record))
	w.readOwnerTeams(ctx, r, repo, s)
	for _, role := range p.Roles {
		for _, team := range role.Teams {
			w.readTeam(ctx, r, repo, s, team)
		}
	}
	return r.wait()
}

// ownersAsked is the requirement that asks for the owners of all paths.
const ownersAsked = "review/owners"

// completeFor reads besides what the policy in force tells to read: where it is
// another than the one that was guessed, CODEOWNERS and tracker items.
func (w *Worker) completeFor(ctx context.Context, v *view, record gate.Record) error {
	r := &round{w: w}
	w.readCodeOwners(ctx, r, v.repo, v.snap, v.policy.Mentions(ownersAsked) || v.policy.ChangesCI(v.snap), v.pr.BaseRef)
	w.readTracker(ctx, r, v.repo, v.snap, v.policy, v.pr, record)
	w.readOrigins(ctx, r, v)
	return r.wait()
}

func (w *Worker) readOwners(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, owners []gate.Owner) {
	for _, o := range owners {
		if login := o.User; login != "" && !has(s, s.accounts, login) {
			keep(s, s.accounts, login, gate.Reading[gate.User]{})
			into(ctx, r, func(ctx context.Context) (gate.User, error) { return repo.User(ctx, login) },
				func(v gate.Reading[gate.User]) { keep(s, s.accounts, login, v) })
		}
		w.readTeam(ctx, r, repo, s, o.Team)
	}
}

func (w *Worker) readTeam(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, name string) {
	org, slug, ok := strings.Cut(name, "/")
	if !ok || has(s, s.teams, name) {
		return
	}
	keep(s, s.teams, name, gate.Reading[[]gate.User]{})
	into(ctx, r, func(ctx context.Context) ([]gate.User, error) { return repo.Team(ctx, org, slug) },
		func(v gate.Reading[[]gate.User]) { keep(s, s.teams, name, v) })
}

// scan searches the added lines of files that were read. A file whose content
// could not be read for a passing fault makes the whole search unread: it may be
// readable next time.
func (w *Worker) scan(ctx context.Context, r *round, repo *hub.Repo, files gate.Reading[[]gate.File]) gate.Reading[gate.LeakScan] {
	if !files.Known {
		return gate.Unread[gate.LeakScan](files.Why, files.At)
	}
	key := fingerprint(files.Value)
	if scanned, ok := w.scans.Get(key); ok {
		return gate.Read(scanned, files.At)
	}
	var mu sync.Mutex
	var fault error
	found := w.Scanner.Scan(ctx, files.Value, func(ctx context.Context, f gate.File) ([]byte, error) {
		content, err := repo.Blob(ctx, f.ContentSHA)
		if err != nil && hub.Unreadable(err).Cause == gate.CauseFault {
			r.noticeLimit(err)
			mu.Lock()
			fault = err
			mu.Unlock()
		}
		return content, err
	})
	if fault != nil {
		return reading(found, fault, files.At)
	}
	w.scans.Add(key, found)
	return gate.Read(found, files.At)
}

// fingerprint identifies a diff by all that a search of it depends on.
func fingerprint(files []gate.File) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %q %q %q %d %d %t %q\n", f.Path, f.Previous, f.Status, f.ContentSHA, f.Additions, f.Deletions, f.HasPatch, f.Patch)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
