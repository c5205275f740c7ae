package report

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gonogo/internal/gate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// good is an evaluation of a medium pull request for which everything holds.
func good() gate.Evaluation {
	ev := gate.Evaluation{
		Number: 41, At: now, Declared: gate.Medium, Class: gate.Medium, PolicySource: "built-in", PolicySHA: "0123456789abcdef",
		Verdict: gate.Ready, Status: gate.Pass,
		PR: gate.PullRequest{
			Repo: gate.Repository{ID: 7, Owner: "acme", Name: "shop"}, Number: 12, URL: "https://github.com/acme/shop/pull/12",
			HeadSHA: "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", HeadRef: "cart", BaseRef: "main", BaseSHA: "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
		},
		Record: gate.Record{
			Found: true, Line: 3, Scope: "cart", Class: gate.Medium, ResidualRisks: []string{}, Trigger: "5xx > 1 % for 5 min",
			RollbackOwner: gate.Owner{User: "lee"}, DecisionOwner: gate.Owner{User: "dana"}, Decision: gate.ChoiceGo, Timestamp: now.Add(-time.Hour),
			Gates: map[gate.Gate]gate.Mark{},
		},
		Readings: map[string]time.Time{"checks": now, "reviews": now},
	}
	for _, g := range gate.Gates {
		ev.Record.Gates[g] = gate.MarkPass
		ev.Rows = append(ev.Rows, gate.GateRow{Gate: g, Claim: gate.MarkPass, Evidence: "holds", Comparison: gate.Confirmed, Reason: "the evidence agrees"})
	}
	ev.Rows[3] = gate.GateRow{Gate: gate.Communication, Claim: gate.MarkPass, Evidence: "—", Comparison: gate.NotRequired, Reason: "not asked at medium risk"}
	ev.Findings = []gate.Finding{{Requirement: "code/checks", Fact: "all required checks are green"}}
	ev.Decisions = []gate.Standing{said(gate.ChoiceGo, "dana", "")}
	return ev
}

func said(c gate.Choice, login, lapsed string) gate.Standing {
	return gate.Standing{
		PersonDecision: gate.PersonDecision{Choice: c, User: gate.User{ID: 3, Login: login}, At: now.Add(-time.Minute), For: gate.Binding{HeadSHA: "9f8e7d6c", BaseRef: "main"}},
		Counts:         lapsed == "", Lapsed: lapsed,
	}
}

// with gives an evaluation the findings and the verdict that follows.
func with(ev gate.Evaluation, v gate.Verdict, row int, c gate.Comparison, findings ...gate.Finding) gate.Evaluation {
	ev.Verdict, ev.Status, ev.Findings = v, findings[0].Status, findings
	ev.Rows[row].Evidence, ev.Rows[row].Comparison, ev.Rows[row].Reason = findings[0].Fact, c, "not proven yet"
	if c == gate.Contradicted {
		ev.Rows[row].Reason = "the record says pass, the evidence does not"
	}
	return ev
}

var (
	noBlock = gate.Finding{Requirement: "decision/record", Status: gate.Action, Code: "no-block", By: gate.ByAuthor,
		Fact: "there is no Release Decision in the pull request's description", Fix: "add the block that `gonogo template` prints"}
	noApproval = gate.Finding{Requirement: "review/approvals", Status: gate.Action, Code: "approvals-missing", By: gate.ByReviewer,
		Fact: "0 of 1 approval on 9f8e7d6", Fix: "somebody with write access who wrote none of it reviews and approves"}
	noGo = gate.Finding{Requirement: "decision/authorized", Status: gate.Action, Code: "go-missing", By: gate.ByDecider,
		Fact: "no release manager has said /go on 9f8e7d6", Fix: gate.Quote("@dana") + " comments", Type: "/go 9f8e7d6"}
	red = gate.Finding{Requirement: "code/checks", Status: gate.Fail, Code: "ci-failed", By: gate.ByAuthor, Link: "https://github.com/acme/shop/runs/1",
		Fact: gate.Quote("build (linux)") + " is red (failure)", Fix: "mend it and push, or run it again if it failed by chance"}
	leaked = gate.Finding{Requirement: "code/secrets", Status: gate.Fail, Code: "secret-found", By: gate.ByAuthor,
		Fact: "a credential (" + gate.Quote("github-pat") + ", " + gate.Quote("ghp_") + "…) in " + gate.Quote("a.go") + " line 3",
		Fix:  "revoke the credential where it was issued, then take it out of the branch's history; if it is none, a release manager who wrote none of it comments",
		Type: "/accept-secret 0123456789abcdef0123456789abcdef reason"}
	running = gate.Finding{Requirement: "code/checks", Status: gate.Pending, Code: "ci-running", By: gate.ByItself, Fact: gate.Quote("build") + " is running"}
	down    = gate.Finding{Requirement: "review/approvals", Status: gate.Unknown, Code: "github-down", By: gate.ByItself, Fact: "the reviews could not be read", Fix: "nothing to do: it is read again every 30 seconds"}
	veto    = gate.Finding{Requirement: "decision/veto", Status: gate.Fail, Code: "nogo-stands", By: gate.ByDecider,
		Fact: gate.Quote("@sam") + " said /no-go: " + gate.Quote("payment tests are flaky"), Fix: gate.Quote("@sam") + " or another release manager comments, once it is settled", Type: "/go 9f8e7d6"}
	dangling = gate.Finding{Requirement: "code/branches", Status: gate.Advisory, Code: "branch-dangling", By: gate.ByAuthor, Link: "https://docs.github.com/en/branches",
		Fact: "1 merged branch was not deleted: " + gate.Quote("old"), Fix: "delete it before the release"}
)

func TestGoldenCheckRuns(t *testing.T) {
	o := Options{Name: "release-readiness", DetailsURL: "https://github.com/acme/shop/pull/12"}
	one := func(ev gate.Evaluation) CheckRun { return Check([]gate.Evaluation{ev}, o) }
	long := []gate.Finding{red}
	for i := range 12 {
		f := red
		f.Fact = gate.Quote(fmt.Sprintf("job %d 🚀 | <b>", i)) + " is red (failure)"
		long = append(long, f)
	}
	high := good()
	high.Declared, high.Class, high.Record.Class = gate.High, gate.High, gate.High
	high.Record.Panel = []gate.Owner{{User: "dana"}, {User: "sam"}}
	high.Record.More = map[gate.Field]string{gate.FieldPanel: "@dana\n@sam", gate.FieldRehearsal: "staging, 2026-03-01, 6 min"}
	lapsed := good()
	lapsed.Decisions = []gate.Standing{said(gate.ChoiceGo, "dana", "'Rollback trigger' changed after /go by "+gate.Quote("@dana"))}
	stopped := good()
	stopped.Decisions = append(stopped.Decisions, said(gate.ChoiceNoGo, "sam", ""))
	draft := with(good(), gate.Waiting, 1, gate.Pends, noApproval, noGo)
	draft.PR.Draft = true
	twin := with(good(), gate.NotReady, 4, gate.Contradicted, veto)
	twin.PR.Number, twin.PR.BaseRef, twin.PR.URL = 13, "develop", "https://github.com/acme/shop/pull/13"
	hopeless := with(good(), gate.NotReady, 0, gate.Contradicted, red, noBlock, noApproval)
	hopeless.Record, hopeless.Declared, hopeless.Class, hopeless.Decisions = gate.Record{}, gate.Undeclared, gate.Low, nil
	panel := noGo
	panel.Code, panel.Fact, panel.Fix = "panel-short", "1 of 2 release managers said /go on 9f8e7d6", "1 more of the go/no-go panel ("+gate.Quote("@dana")+" among them) comment"
	changed := noGo
	changed.Code, changed.Fact = "record-changed", lapsed.Decisions[0].Lapsed
	failed := with(good(), gate.NotVerified, 1, gate.Unverifiable, down)
	failed.UnverifiedSince = failed.At.Add(-20 * time.Minute)
	runs := map[string]CheckRun{
		"ready":           one(with(good(), gate.Ready, 0, gate.Confirmed, dangling)),
		"hopeless":        one(hopeless),
		"waiting-go":      one(with(good(), gate.Waiting, 4, gate.Pends, noGo)),
		"waiting-ci":      one(with(good(), gate.Waiting, 0, gate.Pends, running)),
		"nogo":            one(with(stopped, gate.NotReady, 4, gate.Contradicted, veto)),
		"retrying":        one(with(good(), gate.NotVerified, 1, gate.Unverifiable, down)),
		"not-verified":    one(failed),
		"draft":           one(draft),
		"twins":           Check([]gate.Evaluation{good(), twin}, o),
		"lapsed-go":       one(with(lapsed, gate.Waiting, 4, gate.Pends, changed)),
		"overridden":      one(overriddenBy(with(good(), gate.NotReady, 0, gate.Contradicted, red, noGo), false, "sam")),
		"overridden-own":  one(overriddenBy(with(lapsed, gate.Waiting, 4, gate.Pends, changed), true, "kim")),
		"overridden-two":  one(overriddenBy(with(good(), gate.NotReady, 0, gate.Contradicted, leaked), false, strings.Repeat("a", 39), strings.Repeat("b", 39))),
		"overridden-twin": Check([]gate.Evaluation{good(), overriddenBy(with(twinOf(13), gate.NotReady, 0, gate.Contradicted, red), false, "sam")}, o),
		"high-panel":      one(with(high, gate.Waiting, 4, gate.Pends, panel)),
		"long-and-rude":   one(with(good(), gate.NotReady, 0, gate.Contradicted, long...)),
		"release": Release(gate.ReleaseEvaluation{
			Number: 5, At: now, Repo: good().PR.Repo, Commit: good().PR.HeadSHA, Previous: "v1.3.0", Verdict: gate.NotReady, Status: gate.Fail,
			Release: gate.Release{Tag: "v1.4.0", URL: "https://github.com/acme/shop/releases/tag/v1.4.0"},
			Pulls:   []gate.ReleasedPull{{Number: 12, Title: "Faster totals", Verdict: gate.Ready}, {Number: 14, Title: "quick | fix"}},
			Findings: []gate.Finding{{Requirement: "review/merged", Status: gate.Fail, Code: "bypass", By: gate.ByDecider,
				Fact: "#14 was merged without READY (never judged): " + gate.Quote("quick | fix"), Fix: "look at what it brought in; revert it, or release knowingly"}},
		}, Options{Name: "release-readiness", DetailsURL: "https://github.com/acme/shop/releases/tag/v1.4.0"}),
	}
	for name, run := range runs {
		t.Run(name, func(t *testing.T) {
			checkRun(t, run)
			got := fmt.Sprintf("conclusion: %q\ntitle: %s\n\n%s\n<!-- text -->\n\n%s", run.Conclusion, run.Title, run.Summary, run.Text)
			golden(t, name, got)
		})
	}
	golden(t, "readiness", Readiness(gate.ReleaseEvaluation{
		Number: 6, At: now, Repo: good().PR.Repo, Commit: good().PR.HeadSHA, Previous: "v1.3.0", Verdict: gate.NotReady, Status: gate.Fail,
		Release: gate.Release{Tag: "v1.4.0", URL: "https://github.com/acme/shop/releases/tag/v1.4.0"},
		Pulls: []gate.ReleasedPull{
			{Number: 12, Title: "Faster totals", Author: "kim", Class: gate.Medium, Verdict: gate.Ready, Signed: []string{"qa by @lee"}},
			{Number: 14, Title: "quick | <b>fix</b> @everyone", Verdict: gate.Waiting, Override: "@sam"},
			{Number: 15, Title: "unseen"},
		},
		Findings: []gate.Finding{
			{Requirement: "review/merged", Status: gate.Fail, Code: "bypass", By: gate.ByDecider,
				Fact: "#15 was merged without READY (never judged): " + gate.Quote("unseen"), Fix: "look at what it brought in; revert it, or release knowingly"},
			{Requirement: "review/tag", Status: gate.Advisory, Code: "previous-not-ready", By: gate.ByDecider, Fact: "the previous release " + gate.Quote("v1.3.0") + " was WAITING, and this one contains it"},
		},
	}))
	golden(t, "help", Help(good(), nil, nil, OverrideOf{Who: "administrators of this repository", For: time.Hour}, "c1"))
	golden(t, "ask", Ask(lapsed, []gate.User{{Login: "dana"}, {Login: "sam"}, {Login: "lee"}, {Login: "kim"}}, lapsed.Decisions[0].Lapsed, false))
	golden(t, "ask-nobody", Ask(good(), nil, "", true))
	golden(t, "reply", Reply("bob", "only a release manager decides here, such as "+gate.Quote("@dana"), "", "c1")+Reply("dana", "the head may have moved since you wrote; say which commit you mean", "/go 9f8e7d6", "c2"))
}

// overriddenBy lets an evaluation pass.
func overriddenBy(ev gate.Evaluation, own bool, logins ...string) gate.Evaluation {
	for i, login := range logins {
		s := said(gate.ChoiceNone, login, "")
		s.User.ID, s.Until, s.Reason = int64(70+i), now.Add(time.Hour), "payments are down, see "+"[here](https://evil.example)"
		ev.Overrides = append(ev.Overrides, s)
		ev.Override.By = append(ev.Override.By, s.User)
		ev.Override.Until, ev.Override.Reason = s.Until, s.Reason
		if own {
			ev.Override.Own = append(ev.Override.Own, s.User)
		}
	}
	return ev
}

// twinOf is a good pull request with another number.
func twinOf(number int) gate.Evaluation {
	ev := good()
	ev.PR.Number = number
	return ev
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("..", "..", "testdata", "report", name+".md")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; -update rewrites it. Got:\n%s", file, got)
	}
}

// checkRun holds a check run against what must be so of all.
func checkRun(t *testing.T, run CheckRun) {
	t.Helper()
	switch run.Conclusion {
	case Success, Failure, ActionRequired, InProgress:
	default:
		t.Errorf("conclusion %q", run.Conclusion)
	}
	if n := utf8.RuneCountInString(run.Title); n == 0 || n > titleLimit {
		t.Errorf("the title has %d characters: %s", n, run.Title)
	}
	first, _, _ := strings.Cut(run.Summary, "\n\n")
	if lines := strings.Split(first, "\n"); len(lines) > 6 {
		t.Errorf("%d lines come first:\n%s", len(lines), first)
	}
	if len(run.Actions) > 3 {
		t.Errorf("%d buttons", len(run.Actions))
	}
	for _, b := range run.Actions {
		if len(b.Label) > 20 || len(b.Description) > 40 || len(b.Identifier) > 20 {
			t.Errorf("the button %q is too long", b.Label)
		}
	}
}

func TestTitleNamesTheFirstWhoMustAct(t *testing.T) {
	failing := func(f gate.Finding) gate.Finding { f.Status = gate.Action; return f }
	ci := failing(red)
	tests := []struct {
		findings []gate.Finding
		want     string
	}{
		{[]gate.Finding{noGo, noApproval, noBlock}, "WAITING · no-block · "},
		{[]gate.Finding{noGo, noApproval}, "WAITING · approvals-missing · "},
		{[]gate.Finding{ci, noGo}, "WAITING · go-missing · "},
		{[]gate.Finding{ci, running}, "WAITING · ci-failed · "},
	}
	for _, tt := range tests {
		run := Check([]gate.Evaluation{with(good(), gate.Waiting, 0, gate.Pends, tt.findings...)}, Options{})
		if !strings.HasPrefix(run.Title, tt.want) || !strings.HasSuffix(run.Title, fmt.Sprintf(" +%d more", len(tt.findings)-1)) {
			t.Errorf("title %q, want %q", run.Title, tt.want)
		}
	}
}

func TestWhatIsLeftOutOfTheDigest(t *testing.T) {
	of := func(change func(*gate.Evaluation)) string {
		ev := good()
		change(&ev)
		twin := good()
		twin.PR.Number = 11
		return Check([]gate.Evaluation{twin, ev}, Options{}).Digest()
	}
	same := of(func(*gate.Evaluation) {})
	for name, change := range map[string]func(*gate.Evaluation){
		"the number": func(ev *gate.Evaluation) { ev.Number++ },
		"the time":   func(ev *gate.Evaluation) { ev.At = ev.At.Add(time.Hour) },
		"a reading":  func(ev *gate.Evaluation) { ev.Readings["checks"] = now.Add(time.Hour) },
	} {
		if of(change) != same {
			t.Errorf("%s changes the digest", name)
		}
	}
	for name, change := range map[string]func(*gate.Evaluation){
		"the scope": func(ev *gate.Evaluation) { ev.Record.Scope = "### Read" }, "the policy": func(ev *gate.Evaluation) { ev.PolicySHA = "f" },
		"the base": func(ev *gate.Evaluation) { ev.PR.BaseSHA = "f" }, "a decision": func(ev *gate.Evaluation) { ev.Decisions = nil },
		"the verdict": func(ev *gate.Evaluation) { *ev = with(*ev, gate.NotReady, 0, gate.Contradicted, red) },
	} {
		if of(change) == same {
			t.Errorf("%s of the second pull request does not change the digest", name)
		}
	}
}

func TestZeroEvaluations(t *testing.T) {
	for _, v := range append(gate.Verdicts[:], "") {
		run := Check([]gate.Evaluation{{Verdict: v}, {Verdict: v, PR: gate.PullRequest{Draft: true}}}, Options{})
		checkRun(t, run)
		checkRun(t, Check([]gate.Evaluation{{Verdict: v}}, Options{}))
		checkRun(t, Release(gate.ReleaseEvaluation{Verdict: v}, Options{}))
	}
	checkRun(t, Evaluating(gate.PullRequest{}, Options{}, now))
}

// A fix is shown as it is to be typed, also where it holds signs that mean
// something to Markdown.
func TestLinesToTypeAreNotEscaped(t *testing.T) {
	f := noBlock
	f.Fix = "write `- Rollback trigger: error rate > 2 % for 5 min` or `- Rollback owner: @account`"
	run := Check([]gate.Evaluation{with(good(), gate.Waiting, 0, gate.Pends, f)}, Options{})
	if !strings.Contains(run.Summary, "`- Rollback trigger: error rate > 2 % for 5 min` or `- Rollback owner: @account`") {
		t.Error(run.Summary)
	}
	if got := markdown("a ` <b> @dana"); got != "a ' &lt;b&gt; @\u200bdana" {
		t.Errorf("an unpaired back-tick: %q", got)
	}
}

func TestSignoffsAndWhoIsToldAreShown(t *testing.T) {
	ev := good()
	if text := textOf(ev); strings.Contains(text, "Sign-offs") || strings.Contains(text, "Told of") {
		t.Errorf("nobody signed off, and the text says:\n%s", text)
	}
	qa := gate.Signoff{Name: "qa", PersonDecision: ev.Decisions[0].PersonDecision}
	ev.Signoffs = []gate.SignoffStanding{{Signoff: qa, Counts: true}, {Signoff: qa, Lapsed: "the policy changed"}}
	ev.Notify = []gate.Notice{{Roles: []string{"CEO"}, Channel: "#exec-checkins"}, {Roles: []string{"CRO"}}}
	text := textOf(ev)
	for _, want := range []string{"| `@dana` | `qa` |", "| yes |", "| no: the policy changed |", "- `CEO` in `#exec-checkins`", "- `CRO`\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	help := Help(ev, []string{"CDO", "release manager"}, []SignoffOf{{"qa", "QA"}}, OverrideOf{}, "c1")
	if !strings.Contains(help, "| `/signoff qa` | people with the role `QA` who wrote none of it |") {
		t.Errorf("the help lacks the sign-off:\n%s", help)
	}
}

func TestTitlesKeepTheLoginsOfBotsWhole(t *testing.T) {
	for users, want := range map[string]string{
		"@dependabot[bot]": "@dependabot[bot]", "renovate[bot]": "renovate[bot]",
		"a [bot](https://evil.example)": "'a bot(https://evil.example)'", "x[bot](y)": "xbot(y)", "[x[bot]": "xbot",
	} {
		ev := gate.Evaluation{Verdict: gate.Waiting, Status: gate.Action, Findings: []gate.Finding{
			{Status: gate.Action, Code: "bot-record", Fact: gate.Quote(users) + " opened it", By: gate.ByAuthor},
		}}
		if got := title(ev); got != "WAITING · bot-record · "+want+" opened it" {
			t.Errorf("%s: %q", users, got)
		}
	}
}
