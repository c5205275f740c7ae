package dispatch_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/sirupsen/logrus"

	"gonogo/internal/dispatch"
	"gonogo/internal/gate"
	"gonogo/internal/inbox"
	"gonogo/internal/index"
	"gonogo/internal/queue"
	"gonogo/internal/store"
)

const (
	ourApp = 99
	shop   = 1 // a repository with pull requests 7 to 11
	empty  = 2 // one that was never looked at
	acme   = 3 // the installation of both

	headOf7, oldOf7, headOf8, headOf10 = "7777777777777777777777777777777777777777", "6666666666666666666666666666666666666666",
		"8888888888888888888888888888888888888888", "1010101010101010101010101010101010101010"
	headOf12 = "1212121212121212121212121212121212121212"
	nobodys  = "0000000000000000000000000000000000000001"
)

type fixture struct {
	*dispatch.Dispatcher
	t     *testing.T
	store *store.Store
	inbox *inbox.Inbox
	index *index.Index
	queue *queue.Queue

	counts map[dispatch.Result]int
}

func newFixture(t *testing.T, owners ...string) *fixture {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "d.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	log := logrus.New()
	log.SetOutput(io.Discard)
	f := &fixture{t: t, store: s, inbox: inbox.New(s), index: index.New(s), counts: make(map[dispatch.Result]int)}
	if f.queue, err = queue.New(queue.Config{Store: s, Log: logrus.NewEntry(log)}); err != nil {
		t.Fatal(err)
	}
	f.Dispatcher, err = dispatch.New(dispatch.Config{Store: s, Inbox: f.inbox, Index: f.index, Queue: f.queue, Log: logrus.NewEntry(log),
		AppID: ourApp, Owners: owners, Count: func(r dispatch.Result) { f.counts[r]++ }})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// populate enters the repository shop with
//
//	#7  feature → main
//	#8  feature-2 → feature (stacked on #7)
//	#9  twin of #7 on the same commit, into release
//	#10 develop → main
//	#11 closed, on #10's commit
//	#12 closed
func (f *fixture) populate() {
	f.t.Helper()
	f.write(func(tx *sql.Tx) error {
		err := f.index.SaveRepository(f.t.Context(), tx, index.Repository{
			Repository: gate.Repository{ID: shop, Owner: "acme", Name: "shop"}, InstallationID: acme, VerifiedAt: time.Now()})
		for _, p := range []index.Pull{
			{Number: 7, HeadSHA: oldOf7, HeadRef: "feature", BaseRef: "main", Open: true},
			{Number: 7, HeadSHA: headOf7, HeadRef: "feature", BaseRef: "main", Open: true},
			{Number: 8, HeadSHA: headOf8, HeadRef: "feature-2", BaseRef: "feature", Open: true},
			{Number: 9, HeadSHA: headOf7, HeadRef: "feature-copy", BaseRef: "release", Open: true},
			{Number: 10, HeadSHA: headOf10, HeadRef: "develop", BaseRef: "main", Open: true},
			{Number: 11, HeadSHA: headOf10, HeadRef: "gone", BaseRef: "main"},
			{Number: 12, HeadSHA: headOf12, HeadRef: "gone too", BaseRef: "main"},
		} {
			p.RepoID, p.AsOf = shop, time.UnixMilli(1000)
			if err == nil {
				_, err = f.index.SavePull(f.t.Context(), tx, p, time.UnixMilli(1000))
			}
		}
		return err
	})
}

func (f *fixture) write(do func(tx *sql.Tx) error) {
	f.t.Helper()
	if err := f.store.Write(context.Background(), do); err != nil {
		f.t.Fatal(err)
	}
}

// hint is a delivery of shop, as the door stores it.
func hint(event, action string, change func(h *inbox.Hint)) inbox.Hint {
	h := inbox.Hint{GUID: uuid.NewString(), Event: event, Action: action, ReceivedAt: time.UnixMilli(2000),
		InstallationID: acme, Account: inbox.Account{ID: 5, Login: "acme"}, Repo: inbox.Repo{ID: shop, FullName: "acme/shop"},
		Sender: gate.User{ID: 8, Login: "kim"}}
	copy(h.BodyDigest[:], h.GUID)
	if change != nil {
		change(&h)
	}
	return h
}

func (f *fixture) store1(hints ...inbox.Hint) {
	f.t.Helper()
	if _, err := f.inbox.Append(f.t.Context(), hints); err != nil {
		f.t.Fatal(err)
	}
}

// drain dispatches and returns what is to be looked at.
func (f *fixture) drain() []string {
	f.t.Helper()
	if err := f.Drain(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	return f.strings("SELECT name FROM subject WHERE generation > done ORDER BY name")
}

func (f *fixture) strings(query string) []string {
	f.t.Helper()
	rows, err := f.store.Read().Query(query)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	list := []string{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			f.t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func (f *fixture) commands() []inbox.Command {
	f.t.Helper()
	var list []inbox.Command
	for _, body := range f.strings("SELECT body FROM message WHERE key NOT LIKE '" + inbox.Worsens + "/%' ORDER BY id") {
		c, err := inbox.ParseCommand([]byte(body))
		if err != nil {
			f.t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

func pullOf(number int, sha, head, base string, open bool, at int64) func(*inbox.Hint) {
	return func(h *inbox.Hint) {
		h.PR, h.SHA = number, sha
		h.Pull = &inbox.Pull{HeadRef: head, BaseRef: base, Open: open, UpdatedAt: time.UnixMilli(at)}
	}
}

func sha(s string) func(*inbox.Hint) { return func(h *inbox.Hint) { h.SHA = s } }

const all = "pr/1/10 pr/1/7 pr/1/8 pr/1/9"

func TestWhereAnEventLeads(t *testing.T) {
	for _, test := range []struct {
		name string
		h    inbox.Hint
		want string
	}{
		{"a pull request is opened", hint("pull_request", "opened", pullOf(12, nobodys, "x", "main", true, 2000)), "pr/1/12"},
		{"a label is added", hint("pull_request", "labeled", pullOf(7, headOf7, "feature", "main", true, 2000)), "pr/1/7"},
		{"#7 is merged: its twin on the same commit, the one stacked on it, those of its base", hint("pull_request", "closed",
			pullOf(7, headOf7, "feature", "main", false, 2000)), "pr/1/10 pr/1/7 pr/1/8 pr/1/9"},
		{"a review is submitted", hint("pull_request_review", "submitted", func(h *inbox.Hint) {
			pullOf(8, headOf8, "feature-2", "feature", true, 2000)(h)
			h.Review = &inbox.Review{ID: 4}
		}), "pr/1/8"},
		{"a check completes: every pull request on its commit", hint("check_run", "completed", sha(headOf7)), "pr/1/7 pr/1/9"},
		{"a check of an earlier head completes", hint("check_suite", "completed", sha(oldOf7)), "pr/1/7"},
		{"a check names its pull request although we do not know the commit", hint("check_run", "completed", func(h *inbox.Hint) {
			h.SHA, h.PRs = nobodys, []int{8}
		}), "pr/1/8"},
		{"our own check completes", hint("check_run", "completed", func(h *inbox.Hint) { h.SHA, h.AppID = headOf7, ourApp }), ""},
		{"our own check is asked for again", hint("check_run", "rerequested", func(h *inbox.Hint) { h.SHA, h.AppID = headOf7, ourApp }), "pr/1/7 pr/1/9"},
		{"a status on a closed one's commit", hint("status", "", sha(headOf10)), "pr/1/10"},
		{"a status on some commit of a branch", hint("status", "", sha(nobodys)), "commits/1"},
		{"a check on the commit of a push of which we did not hear", hint("check_run", "completed", sha(nobodys)), "commits/1"},
		{"a status on a commit that only closed ones had", hint("status", "", sha(headOf12)), "commits/1"},
		{"a status in a repository that we never looked at", hint("status", "", func(h *inbox.Hint) {
			h.Repo, h.SHA = inbox.Repo{ID: empty, FullName: "acme/empty"}, nobodys
		}), "repo/2"},
		{"a push to a base branch", hint("push", "", func(h *inbox.Hint) { h.Ref = "main" }), "branch/1/main pr/1/10 pr/1/7"},
		{"a push to a branch that is head and base", hint("push", "", func(h *inbox.Hint) { h.Ref = "feature" }), "branch/1/feature pr/1/7 pr/1/8"},
		{"a push to a branch of no pull request", hint("push", "", func(h *inbox.Hint) { h.Ref = "wip" }), "branch/1/wip"},
		{"a severity label appears", hint("issues", "labeled", nil), all},
		{"a branch is deleted", hint("delete", "", func(h *inbox.Hint) { h.Ref = "feature" }), all},
		{"a secret is found", hint("secret_scanning_alert", "created", nil), all},
		{"a release is drafted", hint("release", "created", func(h *inbox.Hint) { h.Tag = "v1/a" }), "release/1/v1/a"},
		{"a release is published", hint("release", "published", func(h *inbox.Hint) { h.Tag = "v1" }), all + " release/1/v1"},
		{"the repository is renamed", hint("repository", "renamed", func(h *inbox.Hint) { h.Repo.FullName = "acme/store" }), "repo/1"},
		{"the repository is deleted", hint("repository", "deleted", nil), ""},
		{"a collaborator is removed", hint("member", "removed", nil), all},
		{"somebody leaves a team", hint("membership", "removed", func(h *inbox.Hint) { h.Repo = inbox.Repo{} }), all},
		{"an owner leaves another organization", hint("organization", "member_removed", func(h *inbox.Hint) {
			h.Repo, h.InstallationID = inbox.Repo{}, 4
		}), ""},
		{"we are installed", hint("installation", "created", func(h *inbox.Hint) {
			h.Repo, h.ReposAdded = inbox.Repo{}, []inbox.Repo{{ID: 21, FullName: "acme/new"}}
		}), "installation/3"},
		{"we are suspended", hint("installation", "suspend", func(h *inbox.Hint) { h.Repo = inbox.Repo{} }), ""},
		{"we are back", hint("installation", "unsuspend", func(h *inbox.Hint) { h.Repo = inbox.Repo{} }), "installation/3"},
		{"repositories are added", hint("installation_repositories", "added", func(h *inbox.Hint) { h.Repo = inbox.Repo{} }), "installation/3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.populate()
			f.store1(test.h)
			if got := strings.Join(f.drain(), " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if d, err := f.inbox.Depth(t.Context()); err != nil || d != (inbox.Depth{}) {
				t.Errorf("the inbox holds %+v, %v", d, err)
			}
		})
	}
}

func commentHint(action string, id int64, body string) inbox.Hint {
	return hint("issue_comment", action, func(h *inbox.Hint) {
		h.PR = 7
		h.Comment = &inbox.Comment{ID: id, Body: body, User: gate.User{ID: 9, Login: "dana"}, URL: "u", CreatedAt: time.UnixMilli(1500)}
	})
}

func TestWhatPeopleSayReachesTheMailbox(t *testing.T) {
	f := newFixture(t)
	f.populate()
	f.store1(
		commentHint("created", 41, "/go"),
		hint("pull_request", "synchronize", pullOf(7, nobodys, "feature", "main", true, 2000)),
		commentHint("edited", 41, ""),
		hint("pull_request_review", "submitted", func(h *inbox.Hint) {
			pullOf(7, nobodys, "feature", "main", true, 2000)(h)
			h.Review = &inbox.Review{ID: 4, Body: "/go", CommitSHA: headOf7, User: gate.User{ID: 9}}
		}),
		hint("pull_request_review", "submitted", func(h *inbox.Hint) {
			pullOf(7, nobodys, "feature", "main", true, 2000)(h)
			h.Review = &inbox.Review{ID: 5}
		}),
		hint("check_run", "requested_action", func(h *inbox.Hint) {
			h.SHA, h.AppID, h.Button = headOf7, ourApp, &inbox.Button{Identifier: "go", CheckRunID: 77, ExternalID: "x"}
		}),
	)
	if got := strings.Join(f.drain(), " "); got != "pr/1/7 pr/1/9" {
		t.Fatalf("got %q", got)
	}
	c := f.commands()
	if len(c) != 5 {
		t.Fatalf("%d messages: %+v", len(c), c)
	}
	if c[0].Source != inbox.FromComment || c[0].Action != "created" || c[0].CommentID != 41 || c[0].Body != "/go" ||
		c[0].User.Login != "dana" || c[0].Sender.Login != "kim" || c[0].KnownHead != headOf7 || c[0].ReceivedAt.UnixMilli() != 2000 ||
		c[0].CreatedAt.UnixMilli() != 1500 || c[0].URL != "u" || c[0].GUID == "" {
		t.Errorf("a comment: %+v", c[0])
	}
	if c[1].Action != "edited" || c[1].KnownHead != nobodys || c[1].Key() == c[0].Key() {
		t.Errorf("an edit after a push: %+v", c[1])
	}
	if c[2].Source != inbox.FromReview || c[2].ReviewSHA != headOf7 || c[2].ReviewID != 4 {
		t.Errorf("a review: %+v", c[2])
	}
	if c[3].Source != inbox.FromButton || c[3].Button != "go" || c[3].ButtonSHA != headOf7 || c[3].CheckRunID != 77 || c[3].User.ID != 8 {
		t.Errorf("a button: %+v", c[3])
	}
}

// Ruling 22: READY does not flicker when somebody comments.
func TestWhatCanWorsenAVerdict(t *testing.T) {
	for name, test := range map[string]struct {
		hint    inbox.Hint
		worsens bool
	}{
		"a remark":            {commentHint("created", 41, ""), false},
		"a command":           {commentHint("created", 41, "/no-go"), false}, // it lies in the mailbox itself
		"a deleted comment":   {commentHint("deleted", 41, ""), false},
		"an approval":         {reviewHint("approved"), false},
		"a request to change": {reviewHint("changes_requested"), true},
		"a push":              {hint("pull_request", "synchronize", pullOf(7, nobodys, "feature", "main", true, 2000)), true},
		"a status":            {hint("status", "", sha(headOf7)), true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.populate()
			f.store1(test.hint)
			f.drain()
			if got := len(f.strings("SELECT subject FROM message WHERE key LIKE '"+inbox.Worsens+"/%' AND subject = 'pr/1/7'")) > 0; got != test.worsens {
				t.Errorf("worsens: %v", got)
			}
		})
	}
}

func reviewHint(state string) inbox.Hint {
	return hint("pull_request_review", "submitted", func(h *inbox.Hint) {
		pullOf(7, headOf7, "feature", "main", true, 2000)(h)
		h.Review = &inbox.Review{ID: 5, State: state}
	})
}

// Case 5: what was said is said once.
func TestAReplayedCommandIsNotPosted(t *testing.T) {
	f := newFixture(t)
	f.populate()
	first := commentHint("created", 41, "/go")
	second := commentHint("created", 41, "/go")
	second.BodyDigest = first.BodyDigest
	f.store1(first)
	f.drain()
	f.write(func(tx *sql.Tx) error { // the worker has taken it
		_, err := tx.Exec("DELETE FROM message")
		return err
	})
	f.store1(second)
	f.drain()
	if c := f.commands(); len(c) != 0 {
		t.Fatalf("posted again: %+v", c)
	}
	third := commentHint("created", 41, "/go") // not even with a changed body
	f.store1(third, commentHint("created", 41, "/go"))
	f.drain()
	if c := f.commands(); len(c) != 1 {
		t.Fatalf("%d messages for one comment", len(c))
	}
}

// Case 6: a repeated delivery heals a dead subject, once.
func TestARepeatedDeliveryRevivesTheDead(t *testing.T) {
	f := newFixture(t)
	f.populate()
	h := commentHint("created", 41, "/go")
	f.store1(h)
	f.drain()
	f.store1(h)
	if d, _ := f.inbox.Depth(t.Context()); d.Waiting != 0 {
		t.Fatal("stored again although nothing is dead")
	}
	kill := func() {
		f.write(func(tx *sql.Tx) error {
			_, err := tx.Exec("UPDATE subject SET done = generation, dead_at = 1, job_id = NULL")
			if err == nil {
				_, err = tx.Exec("UPDATE river_job SET state = 'completed', finalized_at = '2026-01-01 00:00:00.000'")
			}
			return err
		})
	}
	kill()
	f.store1(h)
	if got := strings.Join(f.drain(), " "); got != "pr/1/7" || len(f.commands()) != 1 {
		t.Fatalf("got %q and %d messages", got, len(f.commands()))
	}
	kill()
	f.store1(h)
	if got := f.drain(); len(got) != 0 {
		t.Fatalf("revived a second time: %v", got)
	}
}

// Case 7 and run F11: the order of deliveries does not matter.
func TestDisorderEndsInTheSameIndex(t *testing.T) {
	hints := []inbox.Hint{
		hint("pull_request", "opened", pullOf(20, oldOf7, "x", "main", true, 3000)),
		hint("pull_request", "synchronize", pullOf(20, headOf7, "x", "main", true, 4000)),
		hint("pull_request", "edited", pullOf(20, headOf7, "x", "release", true, 5000)),
		hint("pull_request", "closed", pullOf(20, headOf7, "x", "release", false, 6000)),
	}
	for n := range 24 {
		f := newFixture(t)
		order := slices.Clone(hints)
		for k, m := len(order), n; k > 1; k-- { // the nth permutation
			order[k-1], order[m%k] = order[m%k], order[k-1]
			m /= k
		}
		f.store1(order...)
		f.drain()
		p, err := f.index.Pull(t.Context(), nil, shop, 20)
		if err != nil || p.Open || p.HeadSHA != headOf7 || p.BaseRef != "release" {
			t.Errorf("order %d: %+v, %v", n, p, err)
		}
		if byOld, err := f.index.ByHead(t.Context(), nil, shop, oldOf7); err != nil || len(byOld) != 1 {
			t.Errorf("order %d: the first head is forgotten: %v, %v", n, byOld, err)
		}
	}
}

// Case 8: another tenant's name on a delivery moves nothing of ours.
func TestAForeignDeliveryChangesNoOwnership(t *testing.T) {
	f := newFixture(t)
	f.populate()
	f.store1(
		hint("pull_request", "labeled", func(h *inbox.Hint) {
			pullOf(7, headOf7, "feature", "main", true, 2000)(h)
			h.InstallationID, h.Account.Login, h.Repo.FullName = 666, "evil", "evil/shop"
		}),
		hint("installation_repositories", "removed", func(h *inbox.Hint) {
			h.Repo, h.InstallationID, h.ReposRemoved = inbox.Repo{}, 666, []inbox.Repo{{ID: shop, FullName: "acme/shop"}}
		}),
		hint("repository", "deleted", func(h *inbox.Hint) { h.InstallationID = 666 }),
	)
	if got := strings.Join(f.drain(), " "); got != "pr/1/7 repo/1" {
		t.Errorf("got %q", got)
	}
	r, err := f.index.Repository(t.Context(), nil, shop)
	if err != nil || r.InstallationID != acme || r.Owner != "acme" || !r.RemovedAt.IsZero() {
		t.Errorf("the repository is now %+v, %v", r, err)
	}
	if got := f.strings("SELECT DISTINCT tenant FROM subject"); !slices.Equal(got, []string{"3"}) {
		t.Errorf("worked in the turn of %v", got)
	}
	if f.counts[dispatch.Foreign] != 2 {
		t.Errorf("counted %v", f.counts)
	}
}

func TestOnlyAllowedOwners(t *testing.T) {
	f := newFixture(t, "ACME", "other")
	f.store1(
		hint("pull_request", "opened", pullOf(7, headOf7, "x", "main", true, 1)),
		hint("pull_request", "opened", func(h *inbox.Hint) {
			pullOf(8, headOf8, "x", "main", true, 1)(h)
			h.Account.Login = "stranger"
		}),
	)
	if got := strings.Join(f.drain(), " "); got != "pr/1/7" || f.counts[dispatch.Unallowed] != 1 {
		t.Errorf("got %q, counted %v", got, f.counts)
	}
}

func TestARenamedRepositoryKeepsItsIdentity(t *testing.T) {
	f := newFixture(t)
	f.populate()
	f.store1(hint("repository", "renamed", func(h *inbox.Hint) { h.Repo.FullName = "acme/store" }))
	f.drain()
	r, err := f.index.Repository(t.Context(), nil, shop)
	if err != nil || r.Name != "store" || r.VerifiedAt.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
	f.store1(hint("repository", "deleted", nil))
	f.drain()
	if list, err := f.index.ByInstallation(t.Context(), nil, acme); err != nil || len(list) != 0 {
		t.Errorf("after its deletion: %v, %v", list, err)
	}
}

func TestInstallationLife(t *testing.T) {
	f := newFixture(t)
	bare := func(action string) inbox.Hint {
		return hint("installation", action, func(h *inbox.Hint) {
			h.Repo = inbox.Repo{}
			h.ReposAdded = []inbox.Repo{{ID: 21, FullName: "acme/new"}}
		})
	}
	for _, step := range []struct {
		action string
		active bool
		repos  int
	}{{"created", true, 1}, {"suspend", false, 1}, {"unsuspend", true, 1}, {"deleted", false, 0}} {
		f.store1(bare(step.action))
		f.drain()
		i, err := f.index.Installation(t.Context(), nil, acme)
		if err != nil || i.Active() != step.active || i.AccountLogin != "acme" {
			t.Errorf("after %s: %+v, %v", step.action, i, err)
		}
		if repos, err := f.index.ByInstallation(t.Context(), nil, acme); err != nil || len(repos) != step.repos {
			t.Errorf("after %s: %v, %v", step.action, repos, err)
		}
	}
}

// Case 13: a flood about few pull requests is few subjects.
func TestAFloodIsCoalesced(t *testing.T) {
	f := newFixture(t)
	const deliveries, pulls = 2000, 20
	for n := 0; n < deliveries; n += 100 {
		batch := make([]inbox.Hint, 100)
		for k := range batch {
			batch[k] = hint("pull_request", "labeled", pullOf(1+(n+k)%pulls, headOf7, "x", "main", true, int64(n)))
		}
		f.store1(batch...)
	}
	if got := f.drain(); len(got) != pulls {
		t.Errorf("%d subjects", len(got))
	}
	if jobs := f.strings("SELECT id FROM river_job"); len(jobs) != pulls {
		t.Errorf("%d jobs", len(jobs))
	}
}

// Case 12: what cannot be dispatched does not hold up the others.
func TestAPoisonedHintIsBuried(t *testing.T) {
	f := newFixture(t)
	f.store1(
		hint("pull_request", "opened", pullOf(7, headOf7, "x", "main", true, 1)),
		hint("levitation", "started", nil),
		hint("pull_request", "opened", pullOf(8, headOf8, "x", "main", true, 1)),
	)
	f.write(func(tx *sql.Tx) error { // one that a later version wrote
		_, err := tx.Exec(`INSERT INTO hint (body, received_at) VALUES ($1, $2)`, []byte(`{"v":2,"guid":"x"}`), 1)
		return err
	})
	if got := strings.Join(f.drain(), " "); got != "pr/1/7 pr/1/8" || f.counts[dispatch.Buried] != 2 {
		t.Errorf("got %q, counted %v", got, f.counts)
	}
	if d, err := f.inbox.Depth(t.Context()); err != nil || d != (inbox.Depth{Dead: 2}) {
		t.Errorf("the inbox holds %+v, %v", d, err)
	}
}

// A store that refuses loses nothing: the batch is dispatched later.
func TestAStoreThatRefusesLosesNothing(t *testing.T) {
	f := newFixture(t)
	f.store1(hint("pull_request", "opened", pullOf(7, headOf7, "x", "main", true, 1)))
	limit := func(pages string) {
		if _, err := f.store.Writer().Exec("PRAGMA max_page_count = " + pages); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 2000 { // fill the pages that are there
		limit("1")
		if err := f.store.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.Exec("INSERT INTO message (subject, key, body, at) VALUES ('pr/1/1', $1, $2, 1)", fmt.Sprint(n), make([]byte, 300))
			return err
		}); errors.Is(err, store.ErrFull) {
			break
		}
	}
	err := f.Drain(t.Context())
	if d, _ := f.inbox.Depth(t.Context()); err != nil && d.Waiting != 1 {
		t.Errorf("after %v the inbox holds %+v", err, d)
	}
	limit("1073741823")
	if got := strings.Join(f.drain(), " "); got != "pr/1/7" {
		t.Errorf("got %q", got)
	}
}

func TestRunIsWokenByTheDoor(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() { f.Run(ctx); close(done) }()
	f.store1(hint("pull_request", "opened", pullOf(7, headOf7, "x", "main", true, 1)))
	f.Wake()
	for d, err := f.inbox.Depth(t.Context()); d.Waiting > 0 && err == nil; d, err = f.inbox.Depth(t.Context()) {
	}
	cancel()
	<-done
	if got := f.strings("SELECT name FROM subject"); !slices.Equal(got, []string{"pr/1/7"}) {
		t.Errorf("got %v", got)
	}
}
