package policy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gonogo/internal/gate"
)

var people = []gate.User{kim, lee, dana, sam, bob}

// drawWorld draws a world that is mostly in order, so that many are READY and
// the rest are wrong in a few places.
func drawWorld(t *rapid.T) *world {
	w := fine()
	some := func(label string, percent int) bool { return rapid.IntRange(1, 100).Draw(t, label) <= percent }
	user := func(label string) gate.User { return rapid.SampledFrom(people).Draw(t, label) }

	w.Record.Class = rapid.SampledFrom([]gate.Class{gate.Low, gate.Medium, gate.High, gate.Medium, gate.Low, gate.Undeclared}).Draw(t, "class")
	w.Record.Type = rapid.SampledFrom([]gate.ReleaseType{"", gate.Routine, gate.Hotfix}).Draw(t, "type")
	w.PR.Body = "Fixes #8"
	w.labeller = rapid.SampledFrom([]gate.Reading[gate.User]{read(dana), read(dana), read(bob), unreadable[gate.User](gate.CauseFault)}).Draw(t, "labeller")
	if some("no record", 5) {
		w.Record = gate.Record{}
	}
	if some("rehearsed", 70) && w.Record.Found {
		w.Record.More[gate.FieldRehearsal] = "staging, 2026-03-01, recovered in 6 min, no friction"
	}
	if some("panel", 20) {
		w.Record.Panel = []gate.Owner{{User: "dana"}, rapid.SampledFrom([]gate.Owner{{User: "sam"}, {Team: "acme/ops"}, {Name: "release manager"}}).Draw(t, "panelist")}
	}
	w.Record.DecisionOwner = rapid.SampledFrom([]gate.Owner{{User: "dana"}, {Team: "acme/ops"}, {Name: "release manager"}, {User: "sam"}}).Draw(t, "owner")
	if some("a fail mark", 5) && w.Record.Found {
		w.Record.Gates[rapid.SampledFrom(gate.Gates[:]).Draw(t, "gate")] = gate.MarkFail
	}
	if some("files", 30) {
		w.files.Value = append(w.files.Value, gate.File{Path: rapid.SampledFrom([]string{"auth/a.go", "README.md", ".github/workflows/x.yml", "b.go"}).Draw(t, "path")})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "checks") {
		w.checks.Value = append(w.checks.Value, gate.Check{
			ID: int64(10 + i), Name: rapid.SampledFrom([]string{"build", "lint"}).Draw(t, "name"), App: 15368,
			State: rapid.SampledFrom([]string{"success", "success", "success", "skipped", "neutral", "in_progress", "failure"}).Draw(t, "state"),
		})
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "reviews") {
		w.reviews.Value = append(w.reviews.Value, gate.ReviewOf{
			ID: int64(10 + i), User: user("reviewer"), CommitSHA: rapid.SampledFrom([]string{head, head, oldHead}).Draw(t, "on"),
			State: rapid.SampledFrom([]gate.ReviewState{gate.Approved, gate.Approved, gate.Approved, gate.Commented, gate.Dismissed, gate.ChangesRequested}).Draw(t, "review"),
		})
	}
	if some("another author", 20) {
		u := user("committer")
		w.commits.Value = append(w.commits.Value, gate.Commit{SHA: oldHead, Parents: 1, Author: &u})
	}
	if some("an issue", 10) {
		w.issues[rapid.SampledFrom([]string{"SEV1", "SEV2"}).Draw(t, "label")] = read([]gate.Issue{{Number: rapid.IntRange(8, 9).Draw(t, "issue")}})
	}
	if some("an alert", 10) {
		w.alerts.Value = []gate.Alert{{Number: 1, Commits: []string{rapid.SampledFrom([]string{head, oldHead, "x"}).Draw(t, "where")}}}
	}
	if some("a branch", 10) {
		w.dangling.Value = []gate.Branch{{Name: "b", PR: 3, Stacked: some("stacked", 50), MergedAt: now.Add(-time.Hour)}}
	}
	w.teams["acme/ops"] = read([]gate.User{dana, sam})
	if some("an organisation", 40) {
		drawOrganisation(t, w)
	}
	w.decisions = nil
	for range rapid.IntRange(0, 4).Draw(t, "decisions") {
		d := w.says(rapid.SampledFrom([]gate.Choice{gate.ChoiceGo, gate.ChoiceGo, gate.ChoiceGo, gate.ChoiceGo, gate.ChoiceNoGo}).Draw(t, "choice"), rapid.SampledFrom([]gate.User{dana, sam, dana, sam, kim}).Draw(t, "who"))
		switch rapid.IntRange(0, 12).Draw(t, "flaw") {
		case 0:
			d.For.HeadSHA = oldHead
		case 1:
			d.Voided = "edited"
		case 2:
			d.For.Policy = "another"
		case 3:
			d.LiftsOwn = d.Choice == gate.ChoiceGo
		}
	}
	return w
}

// drawOrganisation draws what an organisation asks beyond the built-in policy,
// with evidence that mostly satisfies it.
func drawOrganisation(t *rapid.T, w *world) {
	some := func(label string, percent int) bool { return rapid.IntRange(1, 100).Draw(t, label) <= percent }
	if some("QA", 30) {
		w.Policy.Roles["QA"] = Role{Users: []string{"lee"}, Teams: []string{"acme/ops"}}
		w.Policy.Signoffs = map[string]Signoff{"qa": {Role: "QA"}}
		w.Policy.Companions = []Companion{{When: []string{"cart/**"}, Then: []string{"docs/**"}, Or: "qa"}}
	}
	if some("a CDO", 20) {
		w.Policy.Roles["CDO"] = Role{Users: []string{"dana", "lee"}}
		w.Policy.Authorization = []Authorization{{Approve: []string{"CDO"}}}
	}
	if some("a freeze", 10) {
		w.Policy.Freezes, w.Policy.Exceptions = []Freeze{{From: "2026-03-04", To: "2026-03-04"}}, ReleaseManager
	}
	if some("components", 10) {
		w.Policy.Components = map[string][]string{"cart": {"cart/**", "*.go", "auth/**"}}
	}
	if some("owners", 20) {
		w.Policy.Requirements["review/owners"] = Depth{Blocks: "low"}
		w.owners = read("* @lee @acme/ops\n*.md\n")
	}
	item := gate.TrackerRef{Repo: "acme/shop", Number: 3}
	if some("a tracker", 20) && w.Record.Found {
		w.Policy.Requirements["operational/tracker"] = Depth{Blocks: "low"}
		w.Record.More[gate.FieldTracker] = "#3"
		w.items = map[gate.TrackerRef]gate.Reading[gate.TrackerItem]{item: read(gate.TrackerItem{Completed: some("completed", 90), Noted: some("noted", 90)})}
	}
	w.signoffs = nil
	for range rapid.IntRange(0, 2).Draw(t, "sign-offs") {
		w.signs("qa", rapid.SampledFrom(people).Draw(t, "signer"))
	}
}

// spoil takes evidence away in one place: what it does can make a verdict worse
// only. It returns what it did.
func spoil(t *rapid.T, w *world) string {
	cause := rapid.SampledFrom([]gate.Cause{gate.CauseFault, gate.CausePermission, gate.CauseMissing, gate.CauseTruncated}).Draw(t, "cause")
	pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "index") }
	switch act := rapid.IntRange(0, 24).Draw(t, "act"); act {
	case 0:
		w.files = unreadable[[]gate.File](cause)
		return "files unread"
	case 1:
		w.commits = unreadable[[]gate.Commit](cause)
		return "commits unread"
	case 2:
		w.reviews = unreadable[[]gate.ReviewOf](cause)
		return "reviews unread"
	case 3:
		w.checks = unreadable[[]gate.Check](cause)
		return "checks unread"
	case 4:
		w.required = unreadable[[]gate.RequiredCheck](cause)
		return "rules unread"
	case 5:
		w.leaks = unreadable[gate.LeakScan](cause)
		return "diff unread"
	case 6: // alerts that are not enabled do not block: only a fault does
		w.alerts = unreadable[[]gate.Alert](gate.CauseFault)
		return "alerts unread"
	case 7:
		w.issues[rapid.SampledFrom([]string{"SEV1", "SEV2"}).Draw(t, "label")] = unreadable[[]gate.Issue](cause)
		return "issues unread"
	case 8:
		w.dangling = unreadable[[]gate.Branch](cause)
		return "branches unread"
	case 9:
		login := rapid.SampledFrom(people).Draw(t, "whose").Login
		w.perms[login] = unreadable[gate.Permission](cause)
		return "permission of " + login + " unread"
	case 10:
		w.teams["acme/ops"] = unreadable[[]gate.User](cause)
		return "team unread"
	case 11, 12: // an approval is taken back
		for i, r := range w.reviews.Value {
			if r.State == gate.Approved && pick(3) == 0 {
				w.reviews.Value[i].State = gate.Dismissed
			}
		}
		return "approvals dismissed"
	case 13, 14: // a GO is gone
		w.decisions = slices.DeleteFunc(w.decisions, func(d gate.PersonDecision) bool { return d.Choice == gate.ChoiceGo && pick(3) == 0 })
		return "go removed"
	case 15: // a green check is gone, or not green
		for i, c := range w.checks.Value {
			if c.State == "success" && pick(2) == 0 {
				w.checks.Value[i].State = rapid.SampledFrom([]string{"failure", "in_progress", "skipped", "neutral"}).Draw(t, "now")
			}
		}
		return "checks not green"
	case 16:
		w.Record = gate.Record{}
		return "record gone"
	case 17:
		w.Faults = append(w.Faults, Unread("the comments", gate.Unreadable{Cause: cause}))
		return "comments unread"
	case 18:
		if w.Record.Found {
			w.Record.Gates = maps.Clone(w.Record.Gates)
			w.Record.Gates[rapid.SampledFrom([]gate.Gate{gate.Code, gate.Review, gate.Decision}).Draw(t, "gate")] = rapid.SampledFrom([]gate.Mark{gate.MarkFail, gate.MarkNone}).Draw(t, "mark")
		}
		return "mark gone"
	case 20:
		w.signoffs = nil
		return "sign-offs removed"
	case 21:
		for i := range w.signoffs {
			w.signoffs[i].Voided = "deleted"
		}
		return "sign-offs deleted"
	case 22: // a missing file asks for nothing
		w.owners = unreadable[string](rapid.SampledFrom([]gate.Cause{gate.CauseFault, gate.CausePermission}).Draw(t, "owners"))
		return "CODEOWNERS unread"
	case 23:
		w.items = nil
		return "tracker items gone"
	case 24:
		for ref := range w.items {
			w.items[ref] = rapid.SampledFrom([]gate.Reading[gate.TrackerItem]{unreadable[gate.TrackerItem](cause), read(gate.TrackerItem{Open: true})}).Draw(t, "item")
		}
		return "tracker items open or unread"
	default:
		i := pick(len(w.decisions) + 1)
		if i < len(w.decisions) && w.decisions[i].Choice == gate.ChoiceGo {
			w.decisions[i].Voided = "deleted"
		}
		return "go deleted"
	}
}

func TestTakingEvidenceAwayNeverMakesReady(t *testing.T) {
	ready := 0
	property := func(t *rapid.T) {
		w := drawWorld(t)
		before := w.judge()
		if before.Verdict == gate.Ready {
			ready++
		}
		did := spoil(t, w)
		after := w.judge()
		if before.Verdict != gate.Ready && after.Verdict == gate.Ready {
			t.Fatalf("%s: READY, before it was %s for\n%s", did, before.Verdict, codes(before))
		}
	}
	for round := 0; round < 8 && (round == 0 || ready == 0); round++ { // few worlds are READY
		rapid.Check(t, property)
	}
	if ready == 0 {
		t.Error("no world was READY: the property says nothing")
	}
}

// tighten makes the policy stricter in one place. Decisions are renewed, as if
// people had said them under the new policy.
func tighten(t *rapid.T, w *world) string {
	p := w.Policy
	switch rapid.IntRange(0, 13).Draw(t, "tighten") {
	case 0:
		id := rapid.SampledFrom(Requirements()).Draw(t, "id")
		p.Requirements[id] = Depth{Blocks: "low"}
		return string(id) + " blocks from low"
	case 1:
		p.Approvals = PerClass{p.Approvals.Low + 1, p.Approvals.Medium + 1, p.Approvals.High + 1}
		return "more approvals"
	case 2:
		p.Go = PerClass{p.Go.Low + 1, p.Go.Medium + 1, p.Go.High + 1}
		return "more decisions"
	case 3:
		p.Floors = append(slices.Clone(p.Floors), Floor{Class: "high", Paths: []string{"**"}})
		return "a floor for everything"
	case 4:
		p.Checks.Required = []string{"lint", "build"}
		return "named checks"
	case 5:
		p.Secrets.AlertsRequired = true
		return "alerts required"
	case 6:
		p.Rehearsal.MaxAgeDays = 1
		return "fresh rehearsals"
	case 7:
		p.AuthorMayDecide = false
		return "authors do not decide"
	case 8:
		p.Roles["tester"] = Role{Users: []string{"lee"}}
		p.Signoffs = map[string]Signoff{"qa": {Role: "tester"}}
		return "QA signs off"
	case 9:
		p.Freezes = append(slices.Clone(p.Freezes), Freeze{Name: "more", From: "2026-03-04", To: "2026-03-05"})
		return "a freeze"
	case 10:
		p.Companions = append(slices.Clone(p.Companions), Companion{When: []string{"**"}, Then: []string{"changelog/**"}})
		return "a companion"
	case 11:
		p.Checks.Apps = map[string]int{"build": 15368}
		return "a pinned App"
	case 12:
		p.Components = map[string][]string{"cart": {"cart/**"}}
		return "narrower components"
	default:
		p.Roles = map[string]Role{ReleaseManager: {Users: []string{"sam"}}}
		return "only sam decides"
	}
}

func TestTighteningThePolicyNeverMakesReady(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.Policy.AuthorMayDecide = rapid.Bool().Draw(t, "author may decide")
		// "All checks" is what reports; naming the same ones is no tightening of
		// what a red unnamed one means, so every world has both.
		for i := range w.checks.Value {
			w.checks.Value[i].Name = rapid.SampledFrom([]string{"build", "lint"}).Draw(t, "check")
		}
		renew := func() {
			for i := range w.decisions {
				if w.decisions[i].For.Policy != "another" {
					w.decisions[i].For.Policy = w.Policy.Digest()
				}
			}
			for i := range w.signoffs {
				w.signoffs[i].For.Policy = w.Policy.Digest()
			}
		}
		renew()
		before := w.judge()
		did := tighten(t, w)
		renew()
		if after := w.judge(); before.Verdict != gate.Ready && after.Verdict == gate.Ready {
			t.Fatalf("%s: READY, before it was %s for\n%s", did, before.Verdict, codes(before))
		}
	})
}

func TestOrderOfListsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.leaks.Value = gate.LeakScan{Skipped: []string{"b", "a"}}
		w.alerts.Value = append(w.alerts.Value, gate.Alert{Number: 9}, gate.Alert{Number: 8})
		w.issues["SEV1"] = read([]gate.Issue{{Number: 20}, {Number: 21}})
		w.dangling.Value = append(w.dangling.Value, gate.Branch{Name: "y", PR: 5}, gate.Branch{Name: "x", PR: 6, Stacked: true})
		w.PR.Labels = []string{"a", "b"}
		before := w.judge()
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		shuffle(r, w.files.Value)
		shuffle(r, w.commits.Value)
		shuffle(r, w.reviews.Value)
		shuffle(r, w.checks.Value)
		shuffle(r, w.decisions)
		shuffle(r, w.signoffs)
		shuffle(r, w.alerts.Value)
		shuffle(r, w.dangling.Value)
		shuffle(r, w.issues["SEV1"].Value)
		shuffle(r, w.leaks.Value.Skipped)
		shuffle(r, w.Record.Panel)
		shuffle(r, w.PR.Labels)
		after := w.judge()
		before.PR, before.Record, after.PR, after.Record = gate.PullRequest{}, gate.Record{}, gate.PullRequest{}, gate.Record{}
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("another order, another evaluation:\n%+v\n%+v", before, after)
		}
	})
}

func shuffle[T any](r *rand.Rand, list []T) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func TestWhatEveryEvaluationHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		if rapid.Bool().Draw(t, "spoiled") {
			spoil(t, w)
		}
		checkEvaluation(t, w.judge())
	})
}

// checkEvaluation holds an evaluation against what must be so of all.
func checkEvaluation(t interface{ Errorf(string, ...any) }, ev gate.Evaluation) {
	if len(ev.Rows) != len(gate.Gates) {
		t.Errorf("%d rows", len(ev.Rows))
	}
	for _, r := range ev.Rows {
		if r.Reason == "" || r.Evidence == "" || r.Comparison == "" {
			t.Errorf("the row of %s says too little: %+v", r.Gate, r)
		}
		if ev.Verdict == gate.Ready && r.Comparison != gate.Confirmed && r.Comparison != gate.NotRequired {
			t.Errorf("READY, but the %s gate is %s: %s", r.Gate, r.Comparison, r.Evidence)
		}
	}
	for _, f := range ev.Findings {
		switch {
		case f.Status == gate.Pass:
		case f.Code == "" || f.Fact == "":
			t.Errorf("a finding says too little: %+v", f)
		case !slices.Contains(Codes(), f.Code):
			t.Errorf("%q is not in Codes", f.Code)
		case f.Status.Blocks() && f.By != gate.ByItself && f.Fix == "":
			t.Errorf("nobody is told what to do: %+v", f)
		}
	}
}

func TestUnreadEvidenceOfOneRequirementHidesNoOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.labeller = unreadable[gate.User](gate.CauseFault) // by severe issues a hotfix needs less, and says so
		before := w.judge()
		spoiled := *w
		spoiled.checks = unreadable[[]gate.Check](gate.CauseFault)
		spoiled.issues = map[string]gate.Reading[[]gate.Issue]{"SEV1": unreadable[[]gate.Issue](gate.CauseFault), "SEV2": unreadable[[]gate.Issue](gate.CauseFault)}
		after := spoiled.judge()
		for _, f := range before.Blockers() {
			same := func(g gate.Finding) bool {
				return g.Requirement == f.Requirement && g.Code == f.Code && g.Fact == f.Fact
			}
			if f.Requirement != "code/checks" && f.Requirement != "code/severity" && !slices.ContainsFunc(after.Blockers(), same) {
				t.Fatalf("%s %s is no longer said", f.Requirement, f.Code)
			}
		}
	})
}

func TestZeroValuesAreNeverReady(t *testing.T) {
	blank := fine()
	blank.Input = Input{}
	inputs := map[string]Input{
		"nothing at all":                  {},
		"no evidence":                     func() Input { i := fine().Input; i.Evidence = nil; return i }(),
		"no policy":                       func() Input { w := fine(); i := w.Input; i.Evidence, i.Policy = w, nil; return i }(),
		"no record":                       func() Input { w := fine(); w.low(); i := w.Input; i.Evidence, i.Record = w, gate.Record{}; return i }(),
		"an empty policy and no evidence": {Policy: &Policy{}},
		"an empty policy":                 {Policy: &Policy{}, Evidence: &world{}},
		"evidence that was never read":    {Policy: BuiltIn(), Evidence: &world{}, Record: fine().Record},
		"a record without fields":         {Policy: BuiltIn(), Evidence: fine(), Record: gate.Record{Found: true}},
		"nil people": func() Input {
			w := fine()
			w.commits.Value = []gate.Commit{{}, {Author: nil, Committer: nil, Parents: 2}}
			w.reviews.Value = []gate.ReviewOf{{State: gate.Approved, CommitSHA: head}}
			i := w.Input
			i.Evidence = w
			return i
		}(),
	}
	for name, in := range inputs {
		ev := Evaluate(in)
		if ev.Verdict == gate.Ready {
			t.Errorf("%s: READY", name)
		}
		checkEvaluation(t, ev)
	}
	if v := EvaluateRelease(ReleaseInput{}).Verdict; v == gate.Ready {
		t.Error("a release of which nothing was read is READY")
	}
	for _, ev := range []gate.Evaluation{Failed(gate.Evaluation{}, 8, now), Unjudged(gate.Evaluation{}, "x", gate.Unreadable{}, now)} {
		if ev.Verdict == gate.Ready {
			t.Error("READY without an evaluation")
		}
	}
}

func TestEveryMissingFieldBlocksAtEveryClass(t *testing.T) {
	for _, class := range gate.Classes {
		for name, drop := range map[string]func(*gate.Record){
			"scope":    func(r *gate.Record) { r.Scope = "" },
			"risks":    func(r *gate.Record) { r.ResidualRisks = nil },
			"trigger":  func(r *gate.Record) { r.Trigger = "" },
			"owner":    func(r *gate.Record) { r.DecisionOwner = gate.Owner{} },
			"decision": func(r *gate.Record) { r.Decision = gate.ChoiceNone },
			"time":     func(r *gate.Record) { r.Timestamp = time.Time{} },
			"a mark":   func(r *gate.Record) { delete(r.Gates, gate.Communication) },
		} {
			w := fine()
			if w.low(); class == gate.High {
				w.high()
			}
			w.Record.Class = class
			drop(&w.Record)
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
			w.says(gate.ChoiceGo, sam)
			if ev := w.judge(); ev.Verdict == gate.Ready {
				t.Errorf("READY at %s without %s", class, name)
			}
		}
	}
}

func ExampleCodes() {
	fmt.Println(len(Codes()) > 50, slices.IsSorted(Codes()))
	// Output: true true
}
