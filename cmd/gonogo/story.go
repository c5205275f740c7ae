package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"gonogo/internal/decision"
	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// patience is how long the story waits for a check run to change.
const patience = 30 * time.Second

const checkName = "release-readiness"

// storyClock is the time of the story, in which people take their time.
type storyClock struct{ ahead atomic.Int64 }

func (c *storyClock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *storyClock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

// betweenActs is how much time passes before each act.
const betweenActs = time.Minute

// storyteller plays acts and prints what they lead to.
type storyteller struct {
	ctx   context.Context
	out   io.Writer
	gh    *sandbox.GitHub
	clock *storyClock
	shown string // the last check run as printed
	err   error  // the first thing that went wrong; later acts are not played
}

// tell plays the release story: a hopeless pull request is put right step by
// step, stopped, released, voided by a push, released again, merged, and
// published.
func tell(ctx context.Context, out io.Writer, gh *sandbox.GitHub, clock *storyClock) error {
	s := &storyteller{ctx: ctx, out: out, gh: gh, clock: clock}
	repo := gh.Org("acme").Repo("shop")
	repo.Grant("kim", "write")
	repo.Grant("lee", "write")
	repo.Grant("dana", "maintain")
	repo.Grant("sam", "admin")
	repo.SecretScanning(true)
	repo.Require("main", sandbox.Required{Name: checkName, App: gh.AppID()})
	repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.0.0"})
	repo.DeleteHeadOnMerge(true)

	var pr *sandbox.PullRequest
	s.act("kim opens a pull request: no record, and a token in the code", func() {
		pr = repo.Open("kim", sandbox.Change{
			Title: "Faster cart", Branch: "faster-cart", Body: "Please merge soon!",
			Files: map[string]string{"cart/total.go": "package cart\n\nconst token = \"" + demoToken() + "\"\n"},
		})
		pr.Check("build", "failure")
	})
	on := func() sandbox.CheckView { return pr.Verdict(checkName) }
	s.until(on, "NOT READY · secret-found")

	s.act("kim takes the token out of the branch's history, and CI is green", func() {
		pr.ForcePush("kim", map[string]string{"cart/total.go": "package cart\n\nfunc Total(prices []int) (sum int) {\n\tfor _, p := range prices {\n\t\tsum += p\n\t}\n\treturn sum\n}\n"})
		pr.Check("build", "success")
	})
	s.until(on, "WAITING · no-block")

	s.act("kim writes a record, with a trigger that nobody can test", func() { pr.Edit("kim", record("if something goes wrong")) })
	s.until(on, "WAITING · trigger-vague")

	s.act("kim writes a trigger that can be tested", func() { pr.Edit("kim", record("checkout error rate > 2 % for 5 min")) })
	s.until(on, "WAITING · approvals-missing")

	s.act("lee reviews and approves", func() { pr.Approve("lee") })
	s.until(on, "WAITING · go-missing")
	s.comments(pr)

	s.act("sam comments: /no-go the load test is still running", func() { pr.Comment("sam", "/no-go the load test is still running") })
	s.until(on, "NOT READY · nogo-stands")

	s.act("dana comments: /go "+s.short(pr), func() { pr.Comment("dana", "/go "+s.short(pr)+" load test is green") })
	s.until(on, "READY · medium")

	s.act("kim pushes once more: what was approved is not what would be merged", func() {
		pr.Push("kim", map[string]string{"cart/total_test.go": "package cart\n"})
		pr.Check("build", "success")
	})
	s.until(on, "WAITING · review-not-on-head")
	s.refused(pr.Merge("kim", "squash"))

	s.act("lee approves again, dana says /go for the new head", func() {
		pr.Approve("lee")
		pr.Comment("dana", "/go "+s.short(pr))
	})
	s.until(on, "READY · medium")

	s.act("kim merges, and sam publishes release v1.1.0", func() {
		if s.err == nil {
			s.err = pr.Merge("kim", "squash")
		}
		s.settled(func() bool { return repo.Tip("faster-cart") == "" })
		repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.1.0"})
	})
	s.until(func() sandbox.CheckView {
		if run := repo.Run(repo.Tip("main"), checkName); run != nil {
			return run.View()
		}
		return sandbox.CheckView{}
	}, "READY · release v1.1.0")
	return s.err
}

// record is a complete record but for what the story changes in it.
func record(trigger string) string {
	lines := strings.NewReplacer(
		"<services/modules/features>", "cart",
		"<list or none>", "none",
		"<clear condition>", trigger,
	).Replace(decision.Template(gate.Medium, "", time.Now().Add(-time.Minute)))
	var b strings.Builder
	owner := map[string]string{string(gate.FieldRollbackOwner): "@kim", string(gate.FieldDecisionOwner): "@dana"}
	field := ""
	for line := range strings.Lines(lines) {
		trimmed := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "- "))
		label, _, isLabel := strings.Cut(trimmed, ":")
		if isLabel {
			field = label
		}
		line = strings.ReplaceAll(line, "pass | fail", "pass")
		line = strings.ReplaceAll(line, "GO | NO-GO", "GO")
		if name, ok := owner[field]; ok {
			line = strings.ReplaceAll(line, "<person/role>", name)
		}
		b.WriteString(line)
	}
	return "Totals are computed in one pass.\n\n" + b.String()
}

// demoToken is shaped like a credential; it opens nothing.
func demoToken() string { return "ghp_" + "R7xq2mV9tLk4Zp8sWn3Yc6Hd1Jf5Gb0aTeUo" }

func (s *storyteller) short(pr *sandbox.PullRequest) string { return gate.Short(pr.Head()) }

// act plays one act, unless the story has come to a halt.
func (s *storyteller) act(what string, play func()) {
	if s.err != nil {
		return
	}
	fmt.Fprintf(s.out, "\n▶ %s\n", what)
	s.clock.pass(betweenActs)
	play()
}

// until waits for a check run whose title begins as given, and prints every
// change on the way there.
func (s *storyteller) until(view func() sandbox.CheckView, title string) {
	s.settled(func() bool {
		v := view()
		s.print(v)
		return strings.HasPrefix(v.Title, title)
	})
	if s.err != nil {
		s.err = fmt.Errorf("the check run did not become %q: %w", title, s.err)
	}
}

func (s *storyteller) settled(ok func() bool) {
	if s.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	s.err = s.gh.Await(ctx, ok)
}

// print shows a check run if it differs from the last one shown: its title,
// and its summary as far as the list of what is open.
func (s *storyteller) print(v sandbox.CheckView) {
	state := v.Conclusion
	if state == "" {
		state = v.Status
	}
	text := fmt.Sprintf("  ┌─ %s: %s\n  │ %s\n  │\n", v.Name, state, v.Title)
	summary, _, _ := strings.Cut(v.Summary, "\n### Said")
	for line := range strings.Lines(strings.TrimSpace(summary)) {
		text += "  │ " + line
	}
	text = strings.TrimRight(text, "\n") + "\n  └─\n"
	if v.ID == 0 || text == s.shown {
		return
	}
	s.shown = text
	fmt.Fprint(s.out, text)
}

// comments shows what Gonogo wrote into the conversation.
func (s *storyteller) comments(pr *sandbox.PullRequest) {
	s.settled(func() bool { return len(pr.Comments()) > 0 })
	for _, c := range pr.Comments() {
		body, _, _ := strings.Cut(c.Body, "\n<!--")
		fmt.Fprintf(s.out, "  %s comments: %s\n", c.Author, strings.Join(strings.Fields(body), " "))
	}
}

func (s *storyteller) refused(err error) {
	if s.err == nil && err == nil {
		s.err = fmt.Errorf("GitHub merged what was not ready")
	}
	if s.err == nil {
		fmt.Fprintf(s.out, "  GitHub refuses to merge: %v\n", err)
	}
}
