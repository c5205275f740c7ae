package app

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// life is one repository with a pull request that lives through random steps.
type life struct {
	seed  uint64
	index int
	rng   *rand.Rand
	w     *world
	owner *sandbox.Owner
	repo  *sandbox.Repo

	pulls    []*sandbox.PullRequest
	comments []*sandbox.Comment
	reviews  []*sandbox.Review
	runs     []*sandbox.CheckRun
	issues   []*sandbox.Issue
	heads    []string
	files    int
	left     int // steps to go
	wakes    int // steps to go when the greedy merger wakes
	awake    atomic.Bool

	mu      sync.Mutex // held over claims, log, lost and held
	claims  map[string]claim
	log     []string
	settled []int
	lost    []span // webhooks, or a server that was down; open at the end while it lasts
	heldIn  []span
	held    bool

	quiet, quietReady int
	failures          []string
}

const unending = 1 << 30

// otherApp reports checks beside GitHub Actions.
const otherApp = 4242

// people are who takes part: kim writes the pull request.
var people = map[string]string{
	"kim": "write", "lee": "write", "max": "write", "dana": "maintain", "rob": "maintain", "sam": "admin", "bob": "read",
}

func newLife(w *world, seed uint64, index int) *life {
	l := &life{
		seed: seed, index: index, w: w, rng: rand.New(rand.NewPCG(seed, uint64(index)*2)), claims: map[string]claim{},
		owner: w.gh.Org(fmt.Sprintf("acme%d", index%5)),
	}
	l.repo = l.owner.Repo(fmt.Sprintf("shop%d", index))
	l.repo.LoseWebhooks(true) // nothing to tell of before the pull request
	for _, login := range sorted(people) {
		l.repo.Grant(login, people[login])
	}
	l.repo.DeleteHeadOnMerge(true)
	l.repo.Branch("sam", "stable", l.repo.Tip("main"))
	for _, branch := range []string{"main", "stable"} {
		p := sandbox.Required{Name: checkName, App: w.gh.AppID()}
		l.repo.Require(branch, p)
	}
	if l.rng.IntN(4) == 0 {
		l.repo.Protect("main", sandbox.Protection{Strict: true})
	}
	l.repo.LoseWebhooks(false)
	l.repo.Watch(checkName, ".github/gonogo.yml")
	l.repo.Greedy("max", "merge", func(sandbox.Moment, int) bool { return l.awake.Load() })
	l.left = 8 + l.rng.IntN(10)
	if l.rng.IntN(6) == 0 {
		l.left += 12
	}
	switch l.rng.IntN(4) {
	case 0:
		l.wakes = -1 // sleeps all through
	case 1:
		l.wakes = l.rng.IntN(l.left)
	default: // late: what is merged can lose nothing any more
		l.wakes = l.rng.IntN(1 + l.left/3)
	}
	class := pick(l.rng, "low", "low", "medium", "medium", "medium", "high")
	author := pick(l.rng, "kim", "kim", "kim", "dana", "lee")
	c := goodClaim(class)
	l.pulls = append(l.pulls, l.repo.Open(author, sandbox.Change{
		Title: "Faster totals", Branch: "faster", Body: l.write(c), Files: map[string]string{"cart/total.go": "package cart\n"},
	}))
	l.note("%s opens a %s pull request", author, class)
	l.heads = append(l.heads, l.pulls[0].Head())
	return l
}

func sorted(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

func (l *life) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = append(l.log, fmt.Sprintf("%3d. %s", len(l.log)+1, fmt.Sprintf(format, args...)))
}

func goodClaim(class string) claim {
	return claim{
		found: true, class: class, trigger: "checkout error rate > 2 % for 5 min", rollback: "@lee", owner: "@dana", decision: "GO",
		risks: "none", rehearsed: true, concrete: true,
	}
}

// write returns a body that makes a claim, and remembers what it means.
func (l *life) write(c claim) string {
	mark := func(g string) string {
		if c.failed == g {
			return "fail"
		}
		return "pass"
	}
	lines := []string{
		"### Release Decision", "- Release scope: cart", "- Risk class: " + c.class, "- Gate results:",
		"  - code gates: " + mark("code"), "  - review gates: " + mark("review"), "  - operational gates: " + mark("operational"),
		"  - communication gates: " + mark("communication"), "  - decision gate: " + mark("decision"),
		"- Residual risks: " + c.risks, "- Rollback trigger: " + c.trigger, "- Rollback owner: " + c.rollback,
	}
	if c.rehearsed {
		lines = append(lines, "- Rollback rehearsal: staging, recovered in 6 min, no friction")
	}
	lines = append(lines, "- Final decision owner: "+c.owner, "- Decision: "+c.decision, "- Decision timestamp: 2026-01-02T03:04:05Z")
	text := strings.Join(lines, "\n")
	switch {
	case !c.found:
		text = "Faster totals.\n\n```\n" + text + "\n```\n"
	case c.talkOff:
		text = "Faster totals, at last.\n\n" + text + "\n"
	default:
		text = "Faster totals.\n\n" + text + "\n"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claims[text] = c
	return text
}

// some plays a few steps.
func (l *life) some() {
	for range 1 + l.rng.IntN(5) {
		if l.left <= 0 {
			return
		}
		l.left--
		if l.left == l.wakes {
			l.note("the greedy merger wakes")
			l.awake.Store(true)
		}
		l.step()
		if l.rng.IntN(3) == 0 {
			l.lets(l.rng.IntN(16))
		}
	}
}

// lets the server come in between two steps, for as long as it takes to ask its
// store n times. It may be down.
func (l *life) lets(n int) {
	for range n {
		_, _ = l.w.app.inbox.Depth(l.w.ctx)
	}
}

// step plays one step: every other one helps the pull request towards READY, so
// that there is something to lose.
func (l *life) step() {
	p := l.open()
	if p == nil {
		l.left = 0
		return
	}
	if l.rng.IntN(100) < 55 {
		l.help(p)
		return
	}
	acts := []struct {
		weight int
		do     func(*sandbox.PullRequest)
	}{
		{6, l.pushes}, {3, l.forces}, {4, l.goesBack}, {3, l.updates}, {4, l.retargets}, {8, l.edits}, {7, l.says}, {4, l.vetoes},
		{6, l.tampers}, {5, l.reviewsIt}, {3, l.dismisses}, {5, l.promotes}, {6, l.tests}, {2, l.labels}, {3, l.severe}, {3, l.twins},
		{3, l.rules}, {4, l.speaksInReview}, {3, l.presses}, {3, l.overrides}, {1, l.leaks}, {3, l.losesMail}, {4, l.holdsMail}, {3, l.breaks}, {4, l.ambushes}, {2, l.drafts}, {2, l.closes}, {4, l.waits}, {1, l.forges},
	}
	sum := 0
	for _, a := range acts {
		sum += a.weight
	}
	at := l.rng.IntN(sum)
	for _, a := range acts {
		if at -= a.weight; at < 0 {
			a.do(p)
			return
		}
	}
}

func (l *life) open() *sandbox.PullRequest {
	var open []*sandbox.PullRequest
	for _, p := range l.pulls {
		if p.IsOpen() {
			open = append(open, p)
		}
	}
	if len(open) == 0 {
		for _, p := range l.pulls {
			if _, merged := p.Merged(); !merged && l.repo.Tip("faster") != "" {
				p.Reopen("kim")
				l.note("kim reopens #%d", p.Number())
				return p
			}
		}
		return nil
	}
	return pick(l.rng, open...)
}

// act does something that may be impossible just now, since the greedy merger
// may have been quicker: GitHub would refuse it.
func act(do func()) {
	defer func() { _ = recover() }()
	do()
}

func (l *life) person() string {
	return pick(l.rng, "kim", "lee", "max", "dana", "rob", "sam", "bob", "eve")
}

func (l *life) pushes(p *sandbox.PullRequest) {
	who := pick(l.rng, "kim", "kim", "lee", "dana")
	l.files++
	path := pick(l.rng, "cart/%d.go", "cart/%d.go", "cart/%d.go", "docs/%d.md", "auth/%d.go", ".github/workflows/%d.yml")
	path = fmt.Sprintf(path, l.files)
	c := sandbox.Commit{Files: map[string]string{path: fmt.Sprintf("package cart // %d\n", l.files)}, Message: "More"}
	if l.rng.IntN(4) == 0 {
		co := pick(l.rng, "lee", "dana", "sam")
		c.Message += fmt.Sprintf("\n\nCo-authored-by: %s <%d+%s@users.noreply.github.com>", co, l.w.gh.UserID(co), co)
	}
	if l.rng.IntN(6) == 0 {
		c.Author = pick(l.rng, "lee", "rob")
	}
	act(func() { l.heads = append(l.heads, p.PushCommits(who, c)) })
	l.note("%s pushes %s to #%d: %s", who, path, p.Number(), short(l.heads[len(l.heads)-1]))
}

func short(sha string) string { return sha[:min(7, len(sha))] }

func (l *life) forces(p *sandbox.PullRequest) {
	who := pick(l.rng, "kim", "lee")
	l.files++
	act(func() {
		l.heads = append(l.heads, p.ForcePush(who, map[string]string{"cart/total.go": fmt.Sprintf("package cart // %d\n", l.files)}))
	})
	l.note("%s force-pushes #%d: %s", who, p.Number(), short(l.heads[len(l.heads)-1]))
}

func (l *life) goesBack(p *sandbox.PullRequest) {
	who, to := pick(l.rng, "kim", "max"), pick(l.rng, l.heads...)
	act(func() { p.Reset(who, to) })
	l.note("%s resets #%d to %s", who, p.Number(), short(to))
}

func (l *life) updates(p *sandbox.PullRequest) {
	l.files++
	who := pick(l.rng, "kim", "dana", "sam")
	act(func() {
		l.repo.Commit("sam", "main", map[string]string{fmt.Sprintf("other/%d.txt", l.files): "x\n"})
		l.heads = append(l.heads, p.UpdateBranch(who))
	})
	l.note("main moves on, %s updates the branch of #%d: %s", who, p.Number(), short(l.heads[len(l.heads)-1]))
}

func (l *life) retargets(p *sandbox.PullRequest) {
	to := pick(l.rng, "main", "stable", "main")
	act(func() { p.Retarget("kim", to) })
	l.note("kim retargets #%d to %s", p.Number(), to)
}

// worse returns a claim that differs from a good one.
func (l *life) worse(c claim) (claim, string) {
	switch l.rng.IntN(13) {
	case 0:
		c.class = pick(l.rng, "low", "medium", "high")
		return c, "class " + c.class
	case 1:
		c.trigger = pick(l.rng, "any failed login within 5 min", "p99 latency > 900 ms for 10 min", c.trigger)
		c.concrete = true
		return c, "trigger " + c.trigger
	case 2:
		c.trigger, c.concrete = "if something goes wrong", false
		return c, "a vague trigger"
	case 3:
		c.owner = pick(l.rng, "@sam", "@rob", "@dana", "release manager")
		return c, "owner " + c.owner
	case 4:
		c.decision = "NO-GO"
		return c, "decision NO-GO"
	case 5:
		c.found = !c.found
		return c, fmt.Sprintf("a fence around the block: %v", !c.found)
	case 6:
		c.failed = pick(l.rng, "code", "review", "operational", "communication", "decision")
		return c, c.failed + " gate failed"
	case 7:
		c.risks = pick(l.rng, "it may be slow", "none", "the cache may be cold")
		return c, "risks: " + c.risks
	case 8:
		c.rehearsed = !c.rehearsed
		return c, fmt.Sprintf("rehearsed %v", c.rehearsed)
	case 9:
		c.rollback = pick(l.rng, "@nobody404", "@lee", "@max")
		return c, "rollback owner " + c.rollback
	case 10:
		c.talkOff = c.found && !c.talkOff
		return c, "other words before the block"
	default:
		return goodClaim(c.class), "a good record"
	}
}

func (l *life) claimOf(p *sandbox.PullRequest) claim {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claims[p.Body()]
}

func (l *life) edits(p *sandbox.PullRequest) {
	c, how := l.worse(l.claimOf(p))
	who := pick(l.rng, "kim", "lee", "eve")
	p.Edit(who, l.write(c))
	l.note("%s edits #%d: %s", who, p.Number(), how)
}

func (l *life) says(p *sandbox.PullRequest) {
	who := pick(l.rng, l.person(), "dana", "sam", "rob")
	line := "/go"
	switch l.rng.IntN(5) {
	case 0, 1:
		line += " " + p.Head()[:10]
	case 2:
		line += " " + pick(l.rng, l.heads...)
	case 3:
		line = pick(l.rng, "> /go", "I would say /go", "/go", "```\n/go\n```")
	}
	l.comments = append(l.comments, p.Comment(who, line))
	l.note("%s comments on #%d: %q", who, p.Number(), line)
}

func (l *life) vetoes(p *sandbox.PullRequest) {
	who := pick(l.rng, l.person(), "dana", "sam", "rob")
	l.comments = append(l.comments, p.Comment(who, "/no-go the load test is red"))
	l.note("%s comments on #%d: /no-go", who, p.Number())
}

func (l *life) tampers(*sandbox.PullRequest) {
	if len(l.comments) == 0 {
		return
	}
	i, who := l.rng.IntN(len(l.comments)), pick(l.rng, "lee", "eve", "dana", "sam")
	c := l.comments[i]
	switch l.rng.IntN(3) {
	case 0:
		c.Delete(who)
		l.comments = slices.Delete(l.comments, i, i+1)
		l.note("%s deletes comment %d", who, c.ID())
	case 1:
		c.Edit(who, pick(l.rng, "never mind", "/go", "/no-go"))
		l.note("%s edits comment %d", who, c.ID())
	default:
		c.Minimise(who, "outdated")
		l.note("%s hides comment %d", who, c.ID())
	}
}

func (l *life) reviewsIt(p *sandbox.PullRequest) {
	who := pick(l.rng, "lee", "max", "dana", "sam", "rob", "bob")
	state := pick(l.rng, gate.Approved, gate.Approved, gate.ChangesRequested, gate.Commented)
	l.review(p, who, state)
}

func (l *life) review(p *sandbox.PullRequest, who string, state gate.ReviewState) {
	l.reviewWith(p, who, state, "")
}

func (l *life) reviewWith(p *sandbox.PullRequest, who string, state gate.ReviewState, text string) {
	l.reviews = append(l.reviews, p.Review(who, state, text))
	l.note("%s reviews #%d: %s on %s %q", who, p.Number(), state, short(p.Head()), text)
}

func (l *life) dismisses(*sandbox.PullRequest) {
	if len(l.reviews) > 0 {
		i := l.rng.IntN(len(l.reviews))
		l.reviews[i].Dismiss("sam", "again, please")
		l.note("sam dismisses review %d", l.reviews[i].ID())
	}
}

func (l *life) promotes(*sandbox.PullRequest) {
	who, role := pick(l.rng, "dana", "rob", "lee", "max", "bob"), pick(l.rng, "read", "write", "maintain", "write", "maintain")
	l.repo.Grant(who, role)
	l.note("%s is given %s", who, role)
}

func (l *life) tests(p *sandbox.PullRequest) {
	name := pick(l.rng, "build", "build", "lint")
	switch l.rng.IntN(7) {
	case 5, 6: // one name, told by several
		if how := pick(l.rng, "success", "failure"); l.rng.IntN(2) == 0 {
			l.repo.Check(p.Head(), sandbox.Check{Name: name, App: otherApp, Conclusion: how})
			l.note("another App's %s on #%d: %s", name, p.Number(), how)
		} else {
			p.Status("lee", name, how)
			l.note("a status %s on #%d: %s", name, p.Number(), how)
		}
	case 0:
		p.Status("lee", "deploy", pick(l.rng, "success", "failure", "pending"))
		l.note("a status on #%d", p.Number())
	case 1:
		l.runs = append(l.runs, p.Check(name, ""))
		l.note("%s starts on #%d", name, p.Number())
	case 2:
		if len(l.runs) > 0 {
			run, how := pick(l.rng, l.runs...), pick(l.rng, "success", "failure")
			run.Complete(how)
			l.note("run %d ends: %s", run.ID(), how)
			return
		}
		fallthrough
	default:
		how := pick(l.rng, "success", "success", "failure", "skipped", "neutral", "failure")
		p.Check(name, how)
		l.note("%s on #%d (%s): %s", name, p.Number(), short(p.Head()), how)
	}
}

func (l *life) labels(p *sandbox.PullRequest) {
	p.Label("kim", pick(l.rng, "x", "y", "z"))
	l.note("a label on #%d", p.Number())
}

func (l *life) severe(*sandbox.PullRequest) {
	if open := slices.IndexFunc(l.issues, (*sandbox.Issue).IsOpen); open >= 0 {
		l.issues[open].Close("dana")
		l.note("dana closes the severe issue")
		return
	}
	label := pick(l.rng, "SEV1", "SEV2")
	l.issues = append(l.issues, l.repo.OpenIssue("dana", "Checkout is down", "", label))
	l.note("dana opens a %s issue", label)
}

// twins opens a second pull request on the same head.
func (l *life) twins(p *sandbox.PullRequest) {
	if len(l.pulls) > 2 {
		return
	}
	who, base, name := pick(l.rng, "lee", "lee", "bob"), "stable", fmt.Sprintf("twin%d", len(l.pulls))
	if who == "bob" {
		base = "main"
	}
	c := goodClaim(pick(l.rng, "low", "medium"))
	c.found = l.rng.IntN(3) > 0
	act(func() {
		l.repo.Branch(who, name, p.Head())
		l.pulls = append(l.pulls, l.repo.Open(who, sandbox.Change{Title: "The same", From: name, Base: base, Body: l.write(c)}))
		l.note("%s opens #%d on %s, the head of #%d, into %s", who, l.pulls[len(l.pulls)-1].Number(), short(p.Head()), p.Number(), base)
	})
}

func (l *life) rules(*sandbox.PullRequest) {
	text := pick(l.rng, "# a remark\n", "approvals: {low: 2, medium: 2}\n", "go: {low: 1}\n", "approvals: {mild: 2}\n")
	branch := pick(l.rng, "main", "main", "stable")
	l.repo.Commit("sam", branch, map[string]string{".github/gonogo.yml": text})
	l.note("sam changes the policy on %s: %q", branch, text)
}

func (l *life) speaksInReview(p *sandbox.PullRequest) {
	who, text := pick(l.rng, l.person(), "dana", "sam", "rob"), pick(l.rng, "/go", "/go", "/no-go it leaks", "> /go")
	l.reviewWith(p, who, pick(l.rng, gate.Commented, gate.Commented, gate.Approved), text)
}

// presses presses a button of our check run, on this head or an older one.
func (l *life) presses(p *sandbox.PullRequest) {
	who, sha, button := pick(l.rng, l.person(), "dana", "sam"), pick(l.rng, append(slices.Clone(l.heads), p.Head(), p.Head(), p.Head())...), pick(l.rng, "go", "go", "no-go", "recheck")
	if run := l.repo.Run(sha, checkName); run != nil && run.Press(who, button) == nil {
		l.note("%s presses %s on %s", who, button, short(sha))
	}
}

func (l *life) overrides(p *sandbox.PullRequest) {
	who := pick(l.rng, l.person(), "dana", "sam")
	l.comments = append(l.comments, p.Comment(who, "/override payments are down"))
	l.note("%s overrides #%d", who, p.Number())
}

// leaks pushes what looks like a credential.
func (l *life) leaks(p *sandbox.PullRequest) {
	l.files++
	path := fmt.Sprintf("keys/%d.go", l.files)
	act(func() {
		l.heads = append(l.heads, p.Push("lee", map[string]string{path: fmt.Sprintf("package keys\n\nconst k%d = %q\n", l.files, token)}))
	})
	l.note("lee pushes a credential to #%d: %s", p.Number(), short(l.heads[len(l.heads)-1]))
}

// losesMail makes GitHub lose this repository's webhooks until the next thorough
// rest.
func (l *life) losesMail(*sandbox.PullRequest) {
	if l.dark() {
		return
	}
	l.goDark()
	l.repo.LoseWebhooks(true)
	l.note("webhooks are lost from here on")
}

// goDark begins a stretch in which webhooks are lost.
func (l *life) goDark() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lost) == 0 || l.lost[len(l.lost)-1].to < unending {
		l.lost = append(l.lost, span{len(l.repo.Film()), unending})
	}
}

func (l *life) dark() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lost) > 0 && l.lost[len(l.lost)-1].to == unending
}

// lit ends it, at moment n.
func (l *life) lit(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lost) > 0 && l.lost[len(l.lost)-1].to == unending {
		l.lost[len(l.lost)-1].to = n
		l.log = append(l.log, fmt.Sprintf("     (webhooks come again; the server has found out what it missed, moment %d)", n))
	}
}

func (l *life) holdsMail(*sandbox.PullRequest) {
	if !l.held {
		l.hold()
		l.note("webhooks are held back from here on")
	}
}

func (l *life) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held {
		l.held = true
		l.heldIn = append(l.heldIn, span{len(l.repo.Film()), unending})
		l.repo.HoldWebhooks()
	}
}

// release sends what was held, in another order, some of it twice.
func (l *life) release() {
	l.mu.Lock()
	l.held = false
	l.heldIn[len(l.heldIn)-1].to = len(l.repo.Film())
	l.mu.Unlock()
	how := l.rng.IntN(3)
	l.repo.ReleaseWebhooks(func(list []sandbox.Delivery) []sandbox.Delivery {
		if how > 0 {
			l.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		}
		if how > 1 {
			list = append(list, list[:len(list)/2]...)
		}
		return list
	})
	l.note("the webhooks are released (%s)", [...]string{"in order", "shuffled", "shuffled, some twice"}[how])
}

func (l *life) wasHeld(n int) bool {
	return slices.ContainsFunc(l.heldIn, func(s span) bool { return s.from <= n && n <= s.to })
}

// breaks injects faults until the next thorough rest.
func (l *life) breaks(*sandbox.PullRequest) {
	f := pick(l.rng,
		sandbox.Fault{Status: http.StatusBadGateway, Times: 1 + l.rng.IntN(20)}, sandbox.Fault{Reset: true, Times: 1 + l.rng.IntN(10)},
		sandbox.Fault{Cut: true, Times: 1 + l.rng.IntN(6)}, sandbox.Fault{Method: http.MethodPatch, Cut: true, Times: 1 + l.rng.IntN(2)},
		sandbox.Fault{Method: http.MethodPost, Cut: true, Times: 1}, sandbox.Fault{Method: http.MethodGet, Stale: true, Times: 1 + l.rng.IntN(10)},
		sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/issues/{number}/comments", Status: 500, Times: 2},
	)
	if f.Stale || f.Status != 0 || f.Cut || f.Reset {
		l.goDark() // what is read late is as if it had not been told
	}
	l.repo.Fail(f)
	l.note("faults: %+v", f)
}

// ambushes has a change happen while the server reads, of which it is told late.
func (l *life) ambushes(p *sandbox.PullRequest) {
	c, how := l.worse(goodClaim(l.claimOf(p).class))
	body := l.write(c)
	route := pick(l.rng, "/repos/{owner}/{repo}/pulls/{number}/reviews", "/repos/{owner}/{repo}/issues/{number}/comments", "/repos/{owner}/{repo}/commits/{sha}/check-runs")
	l.repo.Fail(sandbox.Fault{Method: http.MethodGet, Route: route, Times: 1, Before: func(*http.Request) {
		l.hold()
		p.Edit("eve", body)
		l.note("(ambush) eve edits #%d while it is read: %s", p.Number(), how)
	}})
	l.note("an ambush is laid for #%d", p.Number())
	l.help(p)
}

func (l *life) drafts(p *sandbox.PullRequest) {
	p.Draft("kim")
	l.note("#%d is a draft again", p.Number())
}

func (l *life) closes(p *sandbox.PullRequest) {
	p.Close("kim")
	l.note("kim closes #%d", p.Number())
}

func (l *life) waits(*sandbox.PullRequest) {
	l.w.clock.advance(time.Duration(1+l.rng.IntN(3)) * time.Second)
	l.note("some seconds pass")
}

// forges has somebody else report a check of our name.
func (l *life) forges(p *sandbox.PullRequest) {
	p.Check(checkName, "success")
	p.Status("lee", checkName, "success")
	l.note("somebody forges our check on #%d", p.Number())
}

// spoils takes one part of READY away from a pull request that lacks nothing, so
// that nothing but this part stands between it and the merge.
func (l *life) spoils(p *sandbox.PullRequest) {
	more := func() *sandbox.PullMoment {
		l.pushes(p)
		film := l.repo.Film()
		return (&history{film: film}).pull(len(film), p.Number())
	}
	l.note("(#%d is READY: something is taken away)", p.Number())
	switch l.rng.IntN(10) {
	case 0:
		switch l.rng.IntN(3) {
		case 0:
			p.Check("build", "failure")
		case 1:
			p.Status("lee", "build", "failure")
		default: // and one that is newer, and green
			l.repo.Check(p.Head(), sandbox.Check{Name: "build", App: otherApp, Conclusion: "failure"})
			p.Check("build", pick(l.rng, "success", "skipped"))
		}
		l.note("build fails on #%d", p.Number())
	case 1, 2:
		who := pick(l.rng, "dana", "sam", "rob")
		veto := p.Comment(who, "/no-go leaks money")
		l.note("%s comments on #%d: /no-go", who, p.Number())
		if l.rng.IntN(2) == 0 {
			l.lets(l.rng.IntN(24))
		}
		if l.rng.IntN(3) == 0 {
			veto.Edit("lee", "never mind")
		} else {
			veto.Delete("lee")
		}
		l.note("lee does away with the veto's comment")
	case 3, 4:
		for _, c := range l.comments {
			c.Edit("lee", "never mind")
		}
		l.note("lee edits all that was said")
	case 5: // what is missing then is an approval
		l.green(p, more())
	case 6: // what is missing then is a GO
		l.green(p, more())
		for _, who := range []string{"lee", "max", "rob", "sam", "dana"} {
			l.review(p, who, gate.Approved)
		}
	case 7:
		l.twins(p)
	case 8:
		l.edits(p)
	default:
		l.review(p, pick(l.rng, "max", "rob"), gate.ChangesRequested)
	}
}

// help does what is missing most.
func (l *life) help(p *sandbox.PullRequest) {
	film := l.repo.Film()
	l.mu.Lock()
	h := l.history(film)
	h.claims = map[string]claim{}
	for k, v := range l.claims {
		h.claims[k] = v
	}
	l.mu.Unlock()
	n, number := len(film), p.Number()
	now := h.pull(n, number)
	if h.ready(n, number) == yes {
		l.spoils(p)
		return
	}
	for _, part := range h.parts(n, number, now.Head) {
		if part.is == yes {
			continue
		}
		switch part.name {
		case "open":
			if now.Draft {
				p.Ready("kim")
				l.note("#%d is ready for review", number)
				return
			}
		case "record":
			_, floor := h.class(n, number)
			c := goodClaim(pick(l.rng, []string{"low", "medium", "high"}[floor:]...))
			p.Edit("kim", l.write(c))
			l.note("kim mends the record of #%d: %s", number, c.class)
			return
		case "policy":
			l.repo.Commit("sam", now.Base, map[string]string{".github/gonogo.yml": "# a remark\n"})
			l.note("sam mends the policy on %s", now.Base)
			return
		case "checks":
			l.green(p, now)
			return
		case "secrets":
			l.forces(p)
			return
		case "severity":
			for _, i := range l.issues {
				i.Close("dana")
			}
			l.note("dana closes all severe issues")
			return
		case "approvals":
			l.approve(h, n, p, "lee", "max", "rob", "sam", "dana")
			return
		case "ci":
			l.approve(h, n, p, "rob", "sam", "dana")
			return
		case "go", "veto":
			l.decide(h, n, p, part.name == "veto")
			return
		}
	}
}

func (l *life) green(p *sandbox.PullRequest, now *sandbox.PullMoment) {
	p.Check("build", "success")
	for _, c := range now.Checks {
		if c.Name == checkName || c.State == "success" {
			continue
		}
		if c.App == 0 {
			p.Status("lee", c.Name, "success")
		} else {
			l.repo.Check(p.Head(), sandbox.Check{Name: c.Name, App: c.App, Conclusion: "success"})
		}
	}
	l.note("all checks of #%d are green on %s", p.Number(), short(p.Head()))
}

func (l *life) approve(h *history, n int, p *sandbox.PullRequest, by ...string) {
	for _, v := range h.pull(n, p.Number()).Reviews {
		if v.State == gate.ChangesRequested {
			for _, r := range l.reviews {
				if r.ID() == v.ID {
					r.Dismiss("sam", "settled")
				}
			}
		}
	}
	asked := 0
	for _, who := range by {
		if h.role(n, who) >= gate.PermissionWrite && h.wrote(n, p.Number(), who) == no && (asked < 2 || h.role(n, who) >= gate.PermissionMaintain) { // who answers for CI
			asked++
			l.review(p, who, gate.Approved)
		}
	}
}

func (l *life) decide(h *history, n int, p *sandbox.PullRequest, lifts bool) {
	if lifts || l.rng.IntN(2) == 0 {
		l.w.clock.advance(2 * time.Second)
	}
	for _, who := range []string{"dana", "sam", "rob"} {
		if h.role(n, who) < gate.PermissionMaintain || h.wrote(n, p.Number(), who) != no {
			continue
		}
		if l.rng.IntN(5) == 0 {
			l.reviewWith(p, who, gate.Commented, "/go")
			continue
		}
		line := pick(l.rng, "/go "+p.Head(), "/go "+p.Head()[:8], "/go")
		l.comments = append(l.comments, p.Comment(who, line))
		l.note("%s comments on #%d: %q", who, p.Number(), line)
	}
}
