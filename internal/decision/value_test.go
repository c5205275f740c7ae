package decision_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"gonogo/internal/decision"
	"gonogo/internal/gate"
)

// complete is a record with nothing to say against it.
const complete = `### Release Decision
- Release scope: checkout service
- Risk class: medium
- Gate results:
  - code gates: pass
  - review gates: pass
  - operational gates: pass
  - communication gates: pass
  - decision gate: pass
- Residual risks:
  - none
- Rollback trigger:
  - error rate > 2 % for 5 min
- Rollback owner:
  - @dana
- Final decision owner:
  - @sofia-d
- Decision:
  - GO
- Decision timestamp:
  - 2026-03-14T09:30:00Z
`

// with returns the complete record with one value replaced.
func with(old, value string) string {
	if !strings.Contains(complete, old) {
		panic("no " + old)
	}
	return strings.Replace(complete, old, value, 1)
}

func TestTriggers(t *testing.T) {
	concrete := []string{
		"5xx > 1% for 5 min", "p95 latency above 800ms", "more than 3 failed payments in 10 minutes", "error rate doubles",
		"login returns 500 for any user", "checkout page does not load", "queue depth stays above 10k", "any failed migration",
		"smoke test fails", "PagerDuty alert `checkout-errors` fires", "alert PaymentErrorsHigh", "Error rate > 2 % for 5 min",
		"conversion drops below 1.5 %", "CPU over 90 percent", "latency ≥ 2s", "p99 longer than 3 seconds", "Any SEV1/2 finding",
		"the payment provider is unreachable", "users cannot log in", "checkout times out", "pods restart in a loop",
		"database is down", "health check goes red", "orders are lost", "the nightly export is missing", "memory exceeds 2 GiB",
		"Datadog monitor \"Checkout errors high\" triggers", "alert checkout_errors_high fires", "Sentry alert `NEW-ERRORS`",
		"error budget burn rate reaches 14.4", "at least 5 support tickets about login in an hour", "500s from the cart API",
		"Fehlerrate über 2 % für 5 Minuten", "помилок більше 2 % протягом 5 хв", "сторінка оплати не завантажується",
		"taux d'erreur plus de 2 %", "エラー率が 2% を超えた", "Rollback if checkout fails for any customer", "the migration job crashes",
		"replication lag > 30 s", "two consecutive smoke tests fail", "queue has 1000 messages", "cache hit rate below 80 %",
		"error rate is 2x the baseline, above 1 %", "emails are not sent", "data loss in orders", "deadlocks in the orders table",
		"Default page returns 500", "none of the orders arrive, queue > 100", "unknown status codes are returned by the API", "see the dashboard: errors > 2 %",
		"2 people cannot log in", "3 of 5 checks red", "more than 2 people complain", "5 customers cannot pay", "100 requests queue up", "100 % of the logins fail",
		"orders drop to zero", "sign-ups fall to zero for ten minutes", "more than three customers report a double charge", "at least two regions red",
		"conversion falls by half", "throughput drops below a hundred orders a minute",
	}
	vague := []string{
		"if something goes wrong", "any issues", "N/A", "n/a", "TBD", "tbd - will add", "todo", "none", "None needed, low risk",
		"errors spike", "performance degrades", "customers complain", "if it fails", "anything breaks", "problems occur",
		"things look bad", "see runbook", "https://wiki.example.com/rollback?p=5", "[runbook](https://wiki.example.com/5)",
		"when needed", "as usual", "unexpected behaviour", "high error rate", "elevated latency", "slow responses", "?", "—", "...",
		"bad metrics", "any issues in the first 30 min", "if something breaks within 24 hours", "SRE decides", "ask Dana", "to be defined by 2026-03-20",
		"see step 3 of the runbook", "alert fires", "an alert", "it does not work", "regression", "increased errors", "not applicable",
		"judgement call", "see #123", "on 2026-03-14", "for 5 min", "standard procedure", "unknown", "manual",
		"Q3 2026", "2026", "2026 Q3", "100% sure it works", "we are 100 % certain", "if the 3 of us feel bad about it", "if 2 people complain", "2 developers decide",
		"No response", "lorem ipsum", "more than one thing goes wrong", "two problems occur", "at least two issues arise", "one of us decides",
		"we watch it over two days", "give it at least one day", "after more than three business days", "at least twenty-four hours",
	}
	for _, text := range concrete {
		if r := decision.Parse(with("error rate > 2 % for 5 min", text)); r.TriggerVague || !decision.Ready(r) {
			t.Errorf("%q is told as vague or not ready: %v", text, codes(r))
		}
	}
	for _, text := range vague {
		r := decision.Parse(with("error rate > 2 % for 5 min", text))
		if !hasCode(r, decision.CodeTrigger, decision.CodePlaceholder) || decision.Ready(r) {
			t.Errorf("%q is taken for a trigger: %v", text, codes(r))
		}
	}
}

func codes(r gate.Record) []string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("%s %s %s", p.Severity, p.Code, p.Field))
	}
	return out
}

func TestOwners(t *testing.T) {
	for text, want := range map[string]gate.Owner{
		"@dana":                            {User: "dana"},
		"@dana (SRE lead)":                 {User: "dana"},
		"@dana — SRE lead, backup @tom":    {User: "dana"},
		"@dana, SRE lead":                  {User: "dana"},
		"SRE lead @dana":                   {User: "dana"},
		"Dana Smith (@dana)":               {User: "dana"},
		"**@dana**":                        {User: "dana"},
		"`@dana`":                          {User: "dana"},
		"[@dana](https://github.com/dana)": {User: "dana"},
		"@acme/release-managers":           {Team: "acme/release-managers"},
		"the @acme/sre team":               {Team: "acme/sre"},
		"Release manager":                  {Name: "Release manager"},
		"on-call engineer":                 {Name: "on-call engineer"},
		"Jürgen Groß":                      {Name: "Jürgen Groß"},
		"Оксана Коваль (керівниця)": {Name: "Оксана Коваль"},
		"the platform team":                    {Name: "the platform team"},
		"👩‍🚒 @dana":                            {User: "dana"},
		"dana@example.com":                     {Name: "dana@example.com"},
		"@dana.":                               {User: "dana"},
		"@dana_acme":                           {User: "dana_acme"},
		"Release manager (rota in the wiki)":   {Name: "Release manager"},
		"CDO":                                  {Name: "CDO"},
		"@dana (or @tom when she is on leave)": {User: "dana"},
		"@me-too":                              {User: "me-too"},
		"@username2":                           {User: "username2"},
		"me-team":                              {Name: "me-team"},
		"@acme/me":                             {Team: "acme/me"},
		"Ida Seeger":                           {Name: "Ida Seeger"},
		"DevOps lead":                          {Name: "DevOps lead"},
		"developer on call":                    {Name: "developer on call"},
		"@dana (backup if needed: tom)":        {User: "dana"},
		"[JIRA-123 owner]":                     {Name: "[JIRA-123 owner]"},
	} {
		r := decision.Parse(with("@dana", text))
		if r.RollbackOwner != want || !decision.Ready(r) {
			t.Errorf("%q names %+v, want %+v; %v", text, r.RollbackOwner, want, codes(r))
		}
	}
	for _, text := range []string{
		"the team", "The Team", "team", "everyone", "anyone on call", "TBD", "tbd (maybe @dana)", "n/a", "none", "nobody", "?", "-", "@here",
		"@channel", "@everyone", "someone from SRE", "whoever is on call", "not @dana", "us", "all", "to be decided", "@", "@-dana", "123",
		"person/role", "<person/role>", "TODO: ask", "@dаna", "https://wiki.example.com/owners",
		"@username", "@user", "@your-name", "@yourname", "@org/team", "@me", "[name]", "{owner}", "$OWNER", "${OWNER}", "n.a.", "none yet", "nobody yet",
		"_No response_", "No response", "me", "Myself", "I", "ask Dana", "see ticket", "same as above", "as above", "depends", "devs", "lorem ipsum", "@dana?",
		"@dana (if available)", "maybe @dana", "@dana (tbc)", "@dana - not confirmed", "@username (SRE)", "@account", "Dana?",
		"we will find out in the meeting of the whole department next week",
	} {
		r := decision.Parse(with("@dana", text))
		if !r.RollbackOwner.IsZero() || decision.Ready(r) {
			t.Errorf("%q names %+v, want nobody", text, r.RollbackOwner)
		}
	}
	for _, text := range []string{"@dana and @tom", "@dana, @tom", "@dana / @tom", "@dana/@tom", "@dana\n  - @tom"} {
		if r := decision.Parse(with("@dana", text)); !hasCode(r, decision.CodeOwners) {
			t.Errorf("%q: %v, want %s", text, codes(r), decision.CodeOwners)
		}
	}
}

func TestTimestamps(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)
	for _, text := range []string{
		"2026-03-14T09:30:00Z", "2026-03-14t09:30:00z", "2026-03-14 09:30:00Z", "2026-03-14T11:30:00+02:00", "2026-03-14T11:30+02:00",
		"2026-03-14T04:30:00-05:00", "2026-03-14T04:30:00\u221205:00", "2026-03-14 09:30 UTC", "2026-03-14T11:30:00+0200", "2026-03-14T11:30:00+02",
		"2026-03-14T09:30:00.000Z", "`2026-03-14T09:30:00Z`", "2026-03-14T09:30:00Z (after stand-up)", "🕘 2026-03-14T09:30:00Z",
		"2026-03-14T15:15:00+05:45",
	} {
		r := decision.Parse(with("2026-03-14T09:30:00Z", text))
		if !r.Timestamp.Equal(at) || !decision.Ready(r) {
			t.Errorf("%q is %v; %v", text, r.Timestamp, codes(r))
		}
	}
	for _, text := range []string{
		"2026-03-14", "2026-03-14T09:30:00", "2026-03-14 09:30", "14.03.2026 09:30 UTC", "03/14/2026", "next Tuesday", "now", "today",
		"2026-02-30T09:30:00Z", "2026-13-01T09:30:00Z", "2026-03-14T25:30:00Z", "2025-02-29T09:30:00Z", "1773480600", "2026-03-14T09:30:00 CET",
		"2026-03-14T09:30:00Z or later", "0001-01-01T00:00:00Z", "T09:30:00Z", "2026-3-14T9:30:00Z", "2026-03-14T09:30:00+99:00",
	} {
		r := decision.Parse(with("2026-03-14T09:30:00Z", text))
		if !r.Timestamp.IsZero() || !hasCode(r, decision.CodeTimestamp) {
			t.Errorf("%q is %v; %v", text, r.Timestamp, codes(r))
		}
	}
	if r := decision.Parse(with("2026-03-14T09:30:00Z", "2024-02-29T23:59:59Z")); !decision.Ready(r) {
		t.Errorf("a leap day is refused: %v", codes(r))
	}
	if r := decision.Parse(with("2026-03-14T09:30:00Z", "2062-01-01T00:00:00Z")); !decision.Ready(r) {
		t.Errorf("the future is not this package's to judge: %v", codes(r))
	}
}

// closed lists a value of the complete record for each closed set.
var closed = []struct {
	old   string
	words []string
	code  string
}{
	{"medium", []string{"low", "medium", "high"}, decision.CodeRisk},
	{"pass", []string{"pass", "fail"}, decision.CodeGate},
	{"- GO", []string{"- GO", "- NO-GO"}, decision.CodeDecision},
}

func TestClosedSetsAndInvisibleCharacters(t *testing.T) {
	for _, set := range closed {
		for _, word := range set.words {
			want := decision.Parse(with(set.old, word))
			for r := rune(0x80); r <= unicode.MaxRune; r++ {
				if !unicode.Is(unicode.Cf, r) {
					continue
				}
				runes := []rune(word)
				i := len(runes) - 1
				body := with(set.old, string(runes[:i])+string(r)+string(runes[i:]))
				got := decision.Parse(body)
				if decision.Ready(got) && (!decision.Ready(want) || got.Class != want.Class || got.Decision != want.Decision) {
					t.Errorf("U+%04X in %q changes the record to %v %v", r, word, got.Class, got.Decision)
				}
			}
		}
	}
}

func TestClosedSetsAndLookAlikes(t *testing.T) {
	lookAlikes := map[rune]string{
		'a': "аɑαＡａ𝐚𝖺ạ", 'b': "ЬΒ", 'c': "сϲⅽｃ", 'd': "ԁⅾｄ", 'e': "еＥｅ℮𝐞", 'f': "ƒſ", 'g': "ɡԍԌＧ", 'h': "һＨｈ", 'i': "іıİΙｉⅰ",
		'l': "ⅼӏΙІ|ǀℓ1Iｌ", 'm': "мⅿＭ", 'n': "ոпΝｎ", 'o': "оοОΟՕ0Ｏｏ〇𝐨", 'p': "рΡРｐ", 'r': "г", 's': "ѕЅｓ", 'u': "υսｕ", 'w': "ԝѡ",
	}
	confusables := 0
	for _, set := range closed {
		for _, word := range set.words {
			runes := []rune(word)
			for i, r := range runes {
				for _, other := range lookAlikes[unicode.ToLower(r)] {
					changed := string(runes[:i]) + string(other) + string(runes[i+1:])
					got := decision.Parse(with(set.old, changed))
					if decision.Ready(got) {
						t.Errorf("%q passes for %q", changed, word)
					}
					if hasCode(got, decision.CodeConfusable) {
						confusables++
					}
				}
			}
		}
	}
	if confusables < 100 {
		t.Errorf("only %d look-alikes are named as such", confusables)
	}
}

func TestClosedValues(t *testing.T) {
	for value, want := range map[string]gate.Choice{
		"GO": "GO", "go": "GO", "**GO**": "GO", "`GO`": "GO", "✅ GO": "GO", "GO 🚀": "GO", ":rocket: GO": "GO", " GO ": "GO", "GO\ufe0f": "GO",
		"NO-GO": "NO-GO", "no go": "NO-GO", "nogo": "NO-GO", "NO_GO": "NO-GO", "NO\u2011GO": "NO-GO", "NO – GO": "NO-GO", "NO\u2212GO": "NO-GO",
		"N\u200bO-GO": "NO-GO", "🛑 NO-GO": "NO-GO", "NO\u00a0GO": "NO-GO",
		"GO once QA signs off": "", "not a GO": "", "GO | NO-GO": "", "GO/NO-GO": "", "GO?": "", "GO!": "", "no": "", "yes": "", "approved": "",
		"🚫 GO": "", "GO ❌": "", "-GO": "", "GO-": "", "GO GO": "", "GOO": "", "G O": "", "~~GO~~": "", "🅶🅾": "", "NO➖GO": "", "GO (pending)": "",
		"<GO>": "", "[ ] GO": "", "GO, but not today": "", "![GO](x.png)": "", "GO <!-- or not -->": "GO", "[x] GO": "GO", "[x] GO [ ] NO-GO": "GO",
		"🔴 GO": "", "GO ⏳": "", "GO 🚧": "", "🟡 GO": "", ":hourglass: GO": "", "🟢 GO": "GO", "🔴 NO-GO": "NO-GO",
		"[x] GO [x] NO-GO": "", "[ ] GO [x] NO-GO": "NO-GO", "GO ~~NO-GO~~": "GO", "~~GO~~ NO-GO": "NO-GO", "<s>GO</s> NO-GO": "NO-GO", "<b>GO</b>": "GO",
	} {
		if got := decision.Parse(strings.Replace(complete, "- Decision:\n  - GO\n", "- Decision: "+value+"\n", 1)); got.Decision != want {
			t.Errorf("%q is read as %q, want %q", value, got.Decision, want)
		}
	}
	for value, want := range map[string]gate.Mark{
		"pass": "pass", "PASS": "pass", "✅ pass": "pass", "pass ✅": "pass", "pass — CI green": "pass", "pass - CI green": "pass", "pass (run 12)": "pass",
		"[pass](https://ci.example.com)": "pass", "pass – siehe unten": "pass", "fail": "fail", "❌ fail": "fail", "fail (flaky)": "fail",
		"[x] pass [ ] fail": "pass", "~~pass~~ fail": "fail",
		"passed": "", "pass-ish": "", "ok": "", "✅": "", "pass fail": "", "pass | fail": "", "pass / fail": "", "n/a": "", "❌ pass": "", "pass, mostly": "",
		"fail (not yet fixed)": "fail", "fail ⏳": "fail", "fail (0/5)": "fail", "fail - pending a fix": "fail", "🔴 fail": "fail",
		"pass - fail": "", "pass (fail)": "", "not pass": "", "pass?": "", "100 %": "",
	} {
		if got := decision.Parse(with("code gates: pass", "code gates: "+value)); got.Gates[gate.Code] != want {
			t.Errorf("%q is read as %q, want %q", value, got.Gates[gate.Code], want)
		}
	}
	for value, want := range map[string]gate.ReleaseType{
		"routine": gate.Routine, "Multi-Feature": gate.MultiFeature, "multi feature": gate.MultiFeature, "hot-fix": gate.Hotfix, "Hotfix 🔥": gate.Hotfix,
		"customer facing": gate.CustomerFacing, "customer\u2011facing": gate.CustomerFacing, "architectural": gate.Architectural,
		"routine hotfix": "", "big": "", "routine | hotfix": "",
	} {
		if got := decision.Parse(complete + "- Release type: " + value + "\n"); got.Type != want {
			t.Errorf("%q is read as %q, want %q", value, got.Type, want)
		}
	}
}

func TestTitles(t *testing.T) {
	for _, title := range []string{
		"### Release Decision", "# release decision", "###### RELEASE DECISION", "### Release Decision ###", "### **Release** _Decision_", "### 📋 Release Decision",
		"### Release Decision v1.2", "### Release Decision 1.2.3-rc1", "### Release Decision (2026-03-14)", "### Release Decision — 14 March 2026", "### Release Decision:",
		"### Release Decision / Рішення", "### Release Decision / Freigabe", "### Release Decision Рішення", "### Release\u00a0Decision", "### Rel\u00adease Decision",
		"### [Release Decision](https://x.example)", "### Release Decision <!-- keep -->", "### `Release Decision`", "Release Decision\n---",
	} {
		if r := decision.Parse(with("### Release Decision", title)); !decision.Ready(r) {
			t.Errorf("%q: %v", title, codes(r))
		}
	}
	for _, title := range []string{
		"Release Decision", "####### Release Decision", "###Release Decision", "### Release Decisions", "### Release", "### Decision", "### The Release Decision process",
		"### Not a Release Decision", "### Release Decision: NO-GO", "### Release Decision template", "### Release Decision draft1", "### ~~Release Decision~~", "### Rеlease Decision",
		"\\### Release Decision", "<h3>Release Decision</h3>", "**Release Decision**", "### ![Release Decision](x.png)",
	} {
		if r := decision.Parse(with("### Release Decision", title)); r.Found || !hasCode(r, decision.CodeNoBlock) {
			t.Errorf("%q passes for the title: %v", title, codes(r))
		}
	}
}

func TestClassDecidesWhatIsAsked(t *testing.T) {
	without := func(class string) string {
		return strings.Replace(with("medium", class), "- Rollback owner:\n  - @dana\n", "", 1)
	}
	for class, ready := range map[string]bool{"low": true, "medium": false, "high": false, "": false} {
		if got := decision.Ready(decision.Parse(without(class))); got != ready {
			t.Errorf("class %q without a rollback owner: ready %t, want %t", class, got, ready)
		}
	}
	for class, blocking := range map[string][]string{
		"low": {"code", "review", "decision"}, "medium": {"code", "review", "operational", "decision"},
		"high": {"code", "review", "operational", "communication", "decision"},
	} {
		for _, g := range gate.Gates {
			line := string(gate.GateFields[g]) + ": pass"
			body := strings.Replace(with("medium", class), line, strings.Replace(line, "pass", "fail", 1), 1)
			want := true
			for _, b := range blocking {
				want = want && b != string(g)
			}
			r := decision.Parse(body)
			if decision.Ready(r) != want || !hasCode(r, decision.CodeGateFailed) || hasCode(r, decision.CodeContradiction) == want {
				t.Errorf("class %s, %s fails: ready %t, want %t; %v", class, g, decision.Ready(r), want, codes(r))
			}
		}
	}
}

func TestRemarksBesideAPass(t *testing.T) {
	for _, mark := range []string{
		"pass (CI green)", "pass (flaky test ignored)", "pass – see run", "pass (no failures)", "pass (0 failures)", "pass ✅", "pass (12/12)", "pass – [run](https://ci.example.com/fail/3)",
		"pass (https://ci.example.com/pending?failed=1)", "pass (2 warnings)", "pass (failover tested)", "pass – fail-over drill done", "pass (nothing pending)", "pass (no open blockers)",
		"pass (not blocking)", "pass (not needed: no schema change)", "pass (no QA needed)", "pass (failed once, rerun passed)", "pass – two approvals, one from @kim", "pass (no test failed)",
		"pass (0 of 12 failed)", "pass (0/12 failed)", "pass (12 of 12 tests)", "pass (failures: 0)", "pass (run 3/14)", "pass (unblocked by #12)", "pass (no exceptions)", "pass (verified when deployed to staging)",
		"pass (note will be sent to #releases)", "pass (without errors)", "pass (zero failures)", "pass – alles grün", "pass (2 skipped)", "pass (expected failures only)", "pass (error budget ok)",
		"pass (100 %)", "pass - agreed on Monday", "pass (nothing is blocked)", "pass (not applicable)", "pass (all 212 tests passed)", "pass 🚀 (green)", "pass (failure modes reviewed)",
		"pass (run on 2026-03-14)", "pass\n    - agreed on Monday", "pass (no new failures)", "pass (docs only, no migration)", "pass (runs: 3/3)", "pass (n/a)", "pass - n/a, no schema change", "pass (nobody blocked)", "pass (no migration; if needed see the runbook)", "pass (todo list app checked)",
	} {
		r := decision.Parse(with("code gates: pass", "code gates: "+mark))
		if r.Gates[gate.Code] != gate.MarkPass || !decision.Ready(r) {
			t.Errorf("%q is refused: %v", mark, codes(r))
		}
	}
	for _, mark := range []string{
		"pass — failing", "pass - NOT run", "pass (not yet)", "pass - pending QA", "pass (todo)", "pass (tbd)", "pass (blocked)", "pass (if CI is green)", "pass (except migrations)",
		"pass - fail on windows", "pass (2 failing)", "pass (0/5)", "pass (will be, after CI)", "pass (pass | fail)", "pass – ❌", "pass 🚧", "pass ⏳", "pass (⏳)", "pass (once QA is done)",
		"pass (11/12)", "pass (11 of 12 tests)", "pass (tests haven't run)", "pass (hasn’t been run)", "pass - needs QA", "pass (2 failed)", "pass (3 errors)", "pass (running)", "pass (in progress)",
		"pass (waiting for review)", "pass – green, if QA agrees", "pass (not all suites)", "pass (should pass)", "pass (depends on #12)", "pass (unless the drill shows more)", "pass (failing, will be fixed)",
		"pass (no review yet, tests failing)", "pass\n    - NOT run", "🔴 pass", "pass (skipped)", "pass (to be done)", "pass - not tested", "pass (mostly)", "pass (main is broken)", "pass (noch nicht)", "[x] pass (not yet) [ ] fail",
	} {
		r := decision.Parse(with("code gates: pass", "code gates: "+mark))
		if r.Gates[gate.Code] != gate.MarkNone || !hasCode(r, decision.CodeGate) {
			t.Errorf("%q is taken for a pass: %v", mark, codes(r))
		}
	}
}

func TestNoGoBesideTheDecision(t *testing.T) {
	for _, tail := range []string{
		"\n**UPDATE: NO-GO, do not merge**\n", "\nUpdate: Decision: NO-GO\n", "\nNO-GO\n", "- Update: NO-GO\n", "- Update: Decision: NO-GO, see chat\n", "\n🛑 NO-GO until Monday\n",
		"\n2026-03-15: NO GO\n", "\nEdit (15 Mar 2026): nogo\n", "\nStatus – NO\u2011GO.\n", "\n#### Update: NO-GO\n", "\n#### NO-GO\n", "- Known limitations: none\n\n**Update: NO-GO**\n",
		"- Known limitations: none\n  UPDATE: NO-GO, do not merge\n", "\nSome words.\nUpdate: NO-GO\n", "\n| Field | Value |\n|---|---|\n| Update | NO-GO |\n", "\n:warning: @dana: NO-GO\n",
	} {
		if r := decision.Parse(complete + tail); !hasCode(r, decision.CodeContradiction) || decision.Ready(r) {
			t.Errorf("%q is passed over: %v", tail, codes(r))
		}
	}
	if r := decision.Parse(with("  - none\n", "  - none\n  - UPDATE: NO-GO, do not merge\n")); !hasCode(r, decision.CodeContradiction) {
		t.Errorf("an update among the risks is passed over: %v", codes(r))
	}
	for _, tail := range []string{
		"\n~~Update: NO-GO~~\n", "\n<!-- Update: NO-GO -->\n", "\n> Update: NO-GO\n", "\nGo/no-go panel met on Monday.\n", "\nNo go-live on Fridays.\n", "\nNO-GO criteria are in the wiki.\n",
		"\nNo goal was missed.\n", "\nThe panel saw no reason for a NO-GO.\n", "- Known limitations: NO-GO if the load test fails\n", "\nNothing gone.\n",
	} {
		if r := decision.Parse(complete + tail); len(r.Problems) > 0 {
			t.Errorf("%q is taken for a NO-GO: %v", tail, codes(r))
		}
	}
	for _, risk := range []string{"NO-GO if the load test fails", "the release is a no-go if the load test fails", "release is no go if the load test fails", "status page may show a NO-GO"} {
		if r := decision.Parse(with("  - none\n", "  - "+risk+"\n")); len(r.Problems) > 0 {
			t.Errorf("the risk %q is taken for a NO-GO: %v", risk, codes(r))
		}
	}
}

func TestNonAnswers(t *testing.T) {
	for _, text := range []string{"_No response_", "No response", "to be filled", "[scope]", "see title", "See title.", "[your services]", "{scope}", "lorem ipsum dolor", "[insert scope here]"} {
		if r := decision.Parse(with("checkout service", text)); !hasCode(r, decision.CodePlaceholder) || decision.Ready(r) {
			t.Errorf("scope %q: %v", text, codes(r))
		}
	}
	for _, text := range []string{"[JIRA-123](https://jira.example.com/JIRA-123)", "[JIRA-123]", "[checkout] service", "title service", "the see-title widget", "no response handling in the API", "{a,b} modules"} {
		if r := decision.Parse(with("checkout service", text)); len(r.Problems) > 0 {
			t.Errorf("scope %q: %v", text, codes(r))
		}
	}
	for _, text := range []string{"_No response_", "No response", "unknown", "not assessed", "Not assessed yet.", "[list]"} {
		if r := decision.Parse(with("  - none\n", "  - "+text+"\n")); !hasCode(r, decision.CodePlaceholder) || decision.Ready(r) {
			t.Errorf("residual risks %q: %v", text, codes(r))
		}
	}
	for _, text := range []string{"unknown load in December", "no response from the bank for old cards", "none", "the new index is not assessed under load"} {
		if r := decision.Parse(with("  - none\n", "  - "+text+"\n")); len(r.Problems) > 0 {
			t.Errorf("residual risks %q: %v", text, codes(r))
		}
	}
}

func TestFixesKeepTheAuthorsWord(t *testing.T) {
	for value, want := range map[string]string{
		"low (docs only)": "low", "Low risk": "low", "low.": "low", "high - touches payments": "high", "**Medium**, as last time": "medium", "low-risk": "low",
		"low or medium": "", "lowish": "", "medium-high": "", "low, maybe medium": "", "low?": "", "tiny": "", "not low": "",
	} {
		checkFix(t, with("medium", value), "Risk class", want)
	}
	for value, want := range map[string]string{
		"GO.": "GO", "GO!": "GO", "GO - approved by Dana": "GO", "Go (approved)": "GO", "GO, approved": "GO", "NO-GO.": "NO-GO", "NO-GO (payments are down)": "NO-GO",
		"GO?": "", "GO once QA signs off": "", "GO, but not today": "", "GO (pending)": "", "GO - if CI is green": "", "GO/NO": "", "GOO": "", "approved": "", "GO ❌": "",
	} {
		checkFix(t, strings.Replace(complete, "- Decision:\n  - GO\n", "- Decision: "+value+"\n", 1), "Decision", want)
	}
}

// checkFix wants one refused field whose fix is to write exactly one word, or,
// with no word, any of the set.
func checkFix(t *testing.T, body, field, want string) {
	t.Helper()
	r := decision.Parse(body)
	if decision.Ready(r) || len(r.Problems) == 0 {
		t.Fatalf("%s is not refused in %q", field, body)
	}
	for _, p := range r.Problems {
		fits := strings.Contains(p.Fix, "` or `")
		if want != "" {
			fits = p.Fix == fmt.Sprintf("write exactly `%s`: `- %s: %s`", want, field, want)
		}
		if string(p.Field) == field && !fits {
			t.Errorf("%s: the fix is %q, want the word %q", p.Message, p.Fix, want)
		}
	}
}
