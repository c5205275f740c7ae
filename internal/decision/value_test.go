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
	}
	vague := []string{
		"if something goes wrong", "any issues", "N/A", "n/a", "TBD", "tbd - will add", "todo", "none", "None needed, low risk",
		"errors spike", "performance degrades", "customers complain", "if it fails", "anything breaks", "problems occur",
		"things look bad", "see runbook", "https://wiki.example.com/rollback?p=5", "[runbook](https://wiki.example.com/5)",
		"when needed", "as usual", "unexpected behaviour", "high error rate", "elevated latency", "slow responses", "?", "—", "...",
		"bad metrics", "any issues in the first 30 min", "if something breaks within 24 hours", "SRE decides", "ask Dana", "to be defined by 2026-03-20",
		"see step 3 of the runbook", "alert fires", "an alert", "it does not work", "regression", "increased errors", "not applicable",
		"judgement call", "see #123", "on 2026-03-14", "for 5 min", "standard procedure", "unknown", "manual",
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
		"we will find out in the meeting of the whole department next week",
	} {
		r := decision.Parse(with("@dana", text))
		if !r.RollbackOwner.IsZero() || decision.Ready(r) {
			t.Errorf("%q names %+v, want nobody", text, r.RollbackOwner)
		}
	}
	for _, text := range []string{"@dana and @tom", "@dana, @tom", "@dana / @tom", "@dana\n  - @tom"} {
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
