package app

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"go/parser"
	gotoken "go/token"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"gonogo/internal/queue"
	"gonogo/internal/sandbox"
)

// Fault F14: random lives of pull requests against the reference model, with a
// greedy merger. GONOGO_HISTORIES says how many, GONOGO_HISTORY_SEED and
// GONOGO_HISTORY_LIFE play one again ("make histories" plays 100,000).
//
// Held against the model, for every life:
//
//   - when all is quiet, the check is a success if and only if the model says
//     READY;
//   - every success that is published was true at some moment between the last
//     time that the server read what it rests on and its publication;
//   - a merge is of what is READY. The exception is the documented race of case
//     39: a change of which the server has not been told, or which it has not yet
//     judged. These are counted and measured.
func TestHistories(t *testing.T) {
	seed := uint64(number(t, "GONOGO_HISTORY_SEED", 12))
	lives := number(t, "GONOGO_HISTORIES", 100)
	only := number(t, "GONOGO_HISTORY_LIFE", -1)
	t.Logf("seed %d: GONOGO_HISTORY_SEED=%d plays these histories again", seed, seed)
	begun := time.Now()
	defer debug.SetGCPercent(debug.SetGCPercent(300)) // what a batch leaves is dropped as a whole
	var sum tally
	batches := make(chan int)
	var wg sync.WaitGroup
	// More batches than processors: each waits for its slowest life now and then.
	for range 2 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for first := range batches {
				b := &batch{seed: seed, rng: rand.New(rand.NewPCG(seed, uint64(first)<<32|1))}
				b.play(t, first, min(first+livesTogether, lives), only, &sum)
			}
		})
	}
	for first := 0; first < lives && !sum.failed(); first += livesTogether {
		if only < 0 || first <= only && only < first+livesTogether {
			batches <- first
		}
	}
	close(batches)
	wg.Wait()
	sum.report(t, time.Since(begun))
}

const livesTogether = 25

func number(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// The model must not learn from the code that it judges.
func TestReferenceModelStandsApart(t *testing.T) {
	file, err := parser.ParseFile(gotoken.NewFileSet(), "history_model_test.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		if strings.HasPrefix(path, "gonogo/") && path != "gonogo/internal/gate" && path != "gonogo/internal/sandbox" {
			t.Errorf("the model imports %s", path)
		}
	}
}

// tally is what came out of all lives.
type tally struct {
	mu                           sync.Mutex
	lives, steps, merges, passes int
	quiet, quietReady, races     int
	blind                        int
	windows                      []time.Duration
	failures                     []string
}

func (s *tally) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.failures) > 0
}

func (s *tally) report(t *testing.T, took time.Duration) {
	t.Helper()
	slices.Sort(s.windows)
	worst := func(percent int) time.Duration {
		if len(s.windows) == 0 {
			return 0
		}
		return s.windows[min(len(s.windows)-1, len(s.windows)*percent/100)].Round(time.Millisecond)
	}
	t.Logf("%d lives of %d steps in %v (%.1f a second): %d published passes, %d merges, %d verdicts held against the model at rest (%d READY)",
		s.lives, s.steps, took.Round(time.Second), float64(s.lives)/took.Seconds(), s.passes, s.merges, s.quiet, s.quietReady)
	t.Logf("race of case 39: %d merges (and %d while webhooks were lost or held); a pass outlived its reason %d times, median %v, p99 %v, longest %v",
		s.races, s.blind, len(s.windows), worst(50), worst(99), worst(100))
	for _, f := range s.failures[:min(3, len(s.failures))] {
		t.Error(f)
	}
	if n := len(s.failures); n > 0 {
		t.Errorf("%d failures; the first is of a life after which %d others had gone well", n, s.lives)
	}
}

// batch is lives that are played at once against one server.
type batch struct {
	seed   uint64
	rng    *rand.Rand
	w      *world
	door   doorway
	lives  []*life
	broken error
}

// doorway leads to the server that is up. Between it and the simulated GitHub is
// no network, on which half of the time would go.
type doorway struct{ to atomic.Pointer[App] }

func (d *doorway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := d.to.Load()
	if a == nil {
		panic(http.ErrAbortHandler)
	}
	a.server.Handler.ServeHTTP(w, r)
}

func (b *batch) start() {
	b.w.start()
	b.door.to.Store(b.w.app)
}

func (b *batch) stop() {
	b.door.to.Store(nil)
	b.w.stop()
}

func (b *batch) play(t *testing.T, first, end, only int, sum *tally) {
	b.w = historyWorld(t, &b.door)
	b.w.gh.AddApp(otherApp, "ci-too", "CI too")
	b.w.gh.RepointReviews(sandbox.Repointing(b.rng.IntN(3)))
	b.start()
	defer b.stop()
	for n := first; n < end; n++ {
		if only < 0 || only == n {
			b.lives = append(b.lives, newLife(b.w, b.seed, n))
		}
	}
	for round := 1; b.going() && b.broken == nil; round++ {
		b.round()
		thorough := round%3 == 0 || !b.going()
		b.rest(thorough)
	}
	sum.mu.Lock()
	defer sum.mu.Unlock()
	for _, l := range b.lives {
		l.judge(sum)
	}
	sum.lives += len(b.lives)
	if b.broken != nil {
		sum.failures = append(sum.failures, b.broken.Error())
	}
}

func (b *batch) going() bool {
	return slices.ContainsFunc(b.lives, func(l *life) bool { return l.left > 0 })
}

// round plays some steps of each life at once, and now and then restarts the
// server under them.
func (b *batch) round() {
	var wg sync.WaitGroup
	for _, l := range b.lives {
		wg.Go(l.some)
	}
	if b.rng.IntN(25) == 0 {
		for _, l := range b.lives {
			l.goDark()
		}
		b.stop()
		b.start()
	} else if b.rng.IntN(25) == 0 {
		for _, l := range b.lives {
			l.goDark() // what is read late is as if it had not been told
		}
		b.w.gh.Limit(sandbox.Limit{For: time.Duration(10+b.rng.IntN(80)) * time.Second, Secondary: b.rng.IntN(2) == 0})
	}
	wg.Wait()
	if b.rng.IntN(3) == 0 {
		b.w.clock.advance(time.Duration(1+b.rng.IntN(130)) * time.Second)
	}
}

// rest waits until the server has caught up. A thorough rest heals everything
// first, and lets it find what it was not told.
func (b *batch) rest(thorough bool) {
	for _, l := range b.lives {
		l.heal(thorough)
	}
	if thorough {
		b.w.gh.Mend()
	}
	b.settle(0)
	for _, l := range b.lives {
		l.caughtUp()
	}
	if thorough {
		for range 2 {
			if err := b.reconcile(); err != nil {
				b.broken = fmt.Errorf("reconcile: %w", err)
				return
			}
			b.settle(2 * time.Minute)
		}
	}
	for _, l := range b.lives {
		l.rested(thorough)
	}
}

// reconcile has the server look for what it was not told, as its timer does, in
// the repositories of which it was not told something.
func (b *batch) reconcile() error {
	return b.w.app.store.Write(b.w.ctx, func(tx *sql.Tx) error {
		for _, l := range b.lives {
			if !l.dark() {
				continue
			}
			if err := b.w.app.queue.Touch(b.w.ctx, tx, queue.RepositoryOf(l.repo.ID()).For(l.owner.InstallationID())); err != nil {
				return err
			}
		}
		return nil
	})
}

// settle lets time go by and waits until the server has nothing to do.
func (b *batch) settle(later time.Duration) {
	err := b.w.settles(b.w.ctx)
	if err == nil && later > 0 {
		b.w.clock.advance(later)
		err = errors.Join(b.w.app.queue.Poll(b.w.ctx), b.w.settles(b.w.ctx))
	}
	if err != nil {
		b.broken = cmp.Or(b.broken, fmt.Errorf("the server did not come to rest: %w", err))
	}
}

func historyWorld(t *testing.T, door http.Handler) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	t.Cleanup(cancel)
	w.ctx = ctx
	gh, err := sandbox.New(sandbox.Config{Key: testKey(), Now: w.clock.now, Limit: 1 << 30, Carrier: sandbox.Direct{Handler: door}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gh.Close() })
	w.gh = gh
	w.cfg = Config{
		AppID: gh.AppID(), PrivateKey: gh.PrivateKeyPEM(), WebhookSecrets: []string{secret}, GitHubURL: gh.URL() + "/",
		Listen: "127.0.0.1:0", DatabaseURL: "sqlite:" + filepath.Join(memory(t), "gonogo.db"), LogLevel: logrus.FatalLevel,
		LogFormat: "text", ReconcileEvery: time.Hour, KeepDeliveries: time.Hour, KeepEvaluations: time.Hour, Version: "test", Now: w.clock.now,
		carrier: sandbox.Direct{Handler: gh},
	}
	return w
}

// heal ends what disturbs a life, for good when the rest is thorough.
func (l *life) heal(thorough bool) {
	if l.held && (thorough || l.rng.IntN(2) == 0) {
		l.release()
	}
	if !thorough {
		return
	}
	l.repo.Mend()
	l.repo.LoseWebhooks(false)
}

// rested notes that the server has caught up with the life, and holds all its
// verdicts against the model.
func (l *life) rested(thorough bool) {
	film := l.repo.Film()
	if thorough {
		l.lit(len(film))
	}
	if !l.caughtUp() {
		return
	}
	h := l.history(film)
	n := len(film)
	for _, p := range h.at(n).Pulls {
		if !p.Open || !slices.Contains(h.gated, p.Base) {
			continue
		}
		is, shows := h.headReady(n, p.Head), p.Verdict.Conclusion == "success"
		l.quiet++
		if is == yes {
			l.quietReady++
		}
		if shows && is == no {
			l.fail(h, n, p.Number, "a FALSE PASS stands although all is quiet")
		}
		if !shows && is == yes {
			l.fail(h, n, p.Number, "a FALSE BLOCK stands although all is quiet")
		}
	}
}

// caughtUp notes that the server has dealt with all that happened, and reports
// whether it was told all.
func (l *life) caughtUp() bool {
	if l.held || l.dark() {
		return false
	}
	l.settled = append(l.settled, len(l.repo.Film()))
	return true
}

// judge walks through the film of a life that has ended.
func (l *life) judge(sum *tally) {
	h := l.history(l.repo.Film())
	for n := 2; n <= len(h.film); n++ {
		for _, p := range h.at(n).Pulls {
			before := h.pull(n-1, p.Number)
			if p.Merged && before != nil && !before.Merged {
				l.merged(h, n-1, p.Number, sum)
			}
			if p.Verdict.Conclusion == "success" && p.Open && published(h, n, p) {
				sum.passes++
				l.passed(h, n, p.Head)
			}
		}
	}
	l.standing(h, sum)
	sum.steps += len(l.log)
	sum.quiet, sum.quietReady = sum.quiet+l.quiet, sum.quietReady+l.quietReady
	sum.failures = append(sum.failures, l.failures...)
}

// published reports whether the pull request's verdict was written by the change
// that led to moment n.
func published(h *history, n int, p sandbox.PullMoment) bool {
	for _, old := range h.at(n - 1).Pulls {
		if old.Verdict.ID == p.Verdict.ID {
			return old.Verdict.Conclusion != "success" || old.Verdict.Text != p.Verdict.Text || old.Verdict.Summary != p.Verdict.Summary
		}
	}
	// A head that comes back brings its old run.
	for m := n - 1; m > 0; m-- {
		for _, old := range h.at(m).Pulls {
			if old.Verdict.ID == p.Verdict.ID {
				return old.Verdict.Text != p.Verdict.Text || old.Verdict.Conclusion != "success"
			}
		}
	}
	return true
}

// passed holds a pass that was published by the change to moment n against the
// model. What it rests on was read at different moments: each part must have held
// at some moment since it was read. Head, base and record are read once more
// after all the rest; where they were not, they must hold now.
func (l *life) passed(h *history, n int, head string) {
	for _, p := range h.at(n).Pulls {
		if !p.Open || p.Head != head || !slices.Contains(h.gated, p.Base) {
			continue
		}
		evidence, again := l.readAt(h, n, p)
		if !l.publishes(h, n, p) {
			evidence = max(1, min(evidence, h.settledBefore(n)))
			again = evidence
			if !h.stoodThere(evidence, n, p) {
				continue // the server need not have been told that it is a twin
			}
		}
		now := h.parts(n, p.Number, head)
		for i := range now {
			from := evidence
			if now[i].own {
				from = again
			}
			for m := from; m < n && now[i].is == no; m++ {
				if then := h.parts(m, p.Number, head); i < len(then) {
					now[i].is = max(now[i].is, then[i].is)
				}
			}
			if now[i].is == no && !h.outsider(n, p.Author) {
				l.fail(h, n, p.Number, fmt.Sprintf("a FALSE PASS was published: %s was not so at any moment from %d to %d", now[i].name, from, n))
			}
		}
	}
}

// stoodThere reports whether the pull request was open on its head and base at
// all moments from from to n.
func (h *history) stoodThere(from, n int, p sandbox.PullMoment) bool {
	for m := from; m <= n; m++ {
		if then := h.pull(m, p.Number); then == nil || !then.Open || then.Head != p.Head || then.Base != p.Base {
			return false
		}
	}
	return true
}

// publishes reports whether the pull request is, of those on its head, the one
// that was read last: the others count as they were known.
func (l *life) publishes(h *history, n int, p sandbox.PullMoment) bool {
	read := func(number int) int { return h.at(n).Reads[fmt.Sprintf("/pulls/%d", number)] }
	return !slices.ContainsFunc(h.at(n).Pulls, func(o sandbox.PullMoment) bool {
		return o.Open && o.Head == p.Head && o.Number != p.Number && read(o.Number) >= read(p.Number)
	})
}

// readAt returns the moments at which the evidence of a pass was read, and its
// head, base and record once more.
func (l *life) readAt(h *history, n int, p sandbox.PullMoment) (evidence, again int) {
	reads := h.at(n).Reads
	pull := fmt.Sprintf("/pulls/%d", p.Number)
	evidence = n
	for _, path := range []string{
		pull + "/reviews", pull + "/files", pull + "/commits", fmt.Sprintf("/issues/%d/comments", p.Number),
		"/commits/" + p.Head + "/check-runs", "/issues",
	} {
		at, ok := reads[path]
		if ok {
			evidence = min(evidence, at)
		}
		if strings.Contains(path, fmt.Sprintf("/%d/", p.Number)) {
			again = max(again, at)
		}
	}
	if again = max(again, reads[pull]); again > reads[pull] {
		again = n
	}
	return max(evidence, 1), max(again, 1)
}

// merged holds a merge, made at moment n, against the model.
func (l *life) merged(h *history, n, number int, sum *tally) {
	sum.merges++
	p := h.pull(n, number)
	if h.ready(n, number) != no && h.headReady(n, p.Head) != no {
		return
	}
	if h.wasLost(n) || l.wasHeld(n) {
		sum.blind++
		return
	}
	sum.races++
	// A race begins after the server had last caught up.
	if s := h.settledBefore(n); s != 0 && s == n {
		l.fail(h, n, number, "a FALSE MERGE of what the server had judged")
	}
}

// standing measures how long passes outlived their reason.
func (l *life) standing(h *history, sum *tally) {
	since := map[int]time.Time{}
	for n := 1; n <= len(h.film); n++ {
		m := h.at(n)
		for _, p := range m.Pulls {
			bad := p.Open && !p.Draft && slices.Contains(h.gated, p.Base) && p.Verdict.Conclusion == "success" && h.headReady(n, p.Head) == no
			from, was := since[p.Number]
			switch {
			case h.wasLost(n) || l.wasHeld(n):
				delete(since, p.Number)
			case bad && !was:
				since[p.Number] = m.Wall
			case !bad && was:
				sum.windows = append(sum.windows, m.Wall.Sub(from))
				delete(since, p.Number)
			}
		}
	}
}

func (l *life) history(film []sandbox.Moment) *history {
	return &history{film: film, settled: l.settled, lost: l.lost, claims: l.claims, gated: []string{"main", "stable"}}
}

// fail notes what went wrong, with all that is needed to see why.
func (l *life) fail(h *history, n, number int, what string) {
	if len(l.failures) > 0 {
		return // what follows may only follow from it
	}
	l.left = 0
	var s strings.Builder
	p := h.pull(n, number)
	fmt.Fprintf(&s, "%s (life %d, #%d, moment %d of %d)\nplay it again: GONOGO_HISTORY_SEED=%d GONOGO_HISTORY_LIFE=%d\n", what, l.index, number, n, len(h.film), l.seed, l.index)
	fmt.Fprintf(&s, "the server: %s · %s\n%s\n", p.Verdict.Conclusion, p.Verdict.Title, p.Verdict.Summary)
	s.WriteString("the model:")
	for _, part := range h.parts(n, number, p.Head) {
		fmt.Fprintf(&s, " %s %s,", part.name, part.is)
	}
	fmt.Fprintf(&s, "\nhead %s base %s, settled at %v, lost in %v, held in %v\nroles %v\nreads %v\n", p.Head[:7], p.Base, l.settled, l.lost, l.heldIn, h.at(n).Roles, h.at(n).Reads)
	for _, w := range h.words(n, number) {
		is, own := h.acceptedGo(n, number, w)
		fmt.Fprintf(&s, "said by %s at %d, %s: %q edited %v: GO accepted %s/%s, NO-GO %s\n", w.Author, w.Born, w.At.Format(time.TimeOnly), w.Original, h.edited(n, number, w.ID), is, own, h.acceptedNoGo(n, number, w))
	}
	for _, c := range p.Comments {
		if strings.HasSuffix(c.Author, "[bot]") {
			fmt.Fprintf(&s, "answered at %d: %q\n", c.Born, c.Original)
		}
	}
	for _, v := range p.Reviews {
		fmt.Fprintf(&s, "review of %s at %d: %s on %s\n", v.Author, v.Born, v.State, v.Given[:7])
	}
	for _, step := range l.log {
		s.WriteString(step + "\n")
	}
	l.failures = append(l.failures, s.String())
}

// memory returns a directory for the database: in memory where there is a file
// system for that, since what is measured here is not the disk.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "gonogo")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
