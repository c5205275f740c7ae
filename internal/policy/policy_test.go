package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
)

// The world of the tables: kim writes the pull request, lee reviews, dana and
// sam are release managers, bob can only read.
var (
	kim  = gate.User{ID: 1, Login: "kim"}
	lee  = gate.User{ID: 2, Login: "lee"}
	dana = gate.User{ID: 3, Login: "dana"}
	sam  = gate.User{ID: 4, Login: "sam"}
	bob  = gate.User{ID: 5, Login: "bob"}
	bot  = gate.User{ID: 6, Login: "helper[bot]", Bot: true}
)

const (
	head    = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
	oldHead = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
)

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// world is evidence that can be changed row by row. It starts as a medium pull
// request for which everything holds.
type world struct {
	Input
	files     gate.Reading[[]gate.File]
	commits   gate.Reading[[]gate.Commit]
	reviews   gate.Reading[[]gate.ReviewOf]
	checks    gate.Reading[[]gate.Check]
	required  gate.Reading[[]gate.RequiredCheck]
	leaks     gate.Reading[gate.LeakScan]
	alerts    gate.Reading[[]gate.Alert]
	issues    map[string]gate.Reading[[]gate.Issue]
	dangling  gate.Reading[[]gate.Branch]
	behind    gate.Reading[gate.Behind]
	perms     map[string]gate.Reading[gate.Permission]
	teams     map[string]gate.Reading[[]gate.User]
	meant     map[string]gate.Reading[gate.User] // where it is another than the account
	decisions []gate.PersonDecision

	writersUnread bool
	writers       *gate.Reading[[]gate.Collaborator] // nil: as the permissions say
	signoffs      []gate.Signoff
	overrides     []gate.PersonDecision
	accepted      []gate.Acceptance
	labeller      gate.Reading[gate.User]
	labelledAt    time.Time // zero: when the issue was opened
	runs          gate.Reading[[]gate.WorkflowRun]
	released      gate.Reading[time.Time]
	owners        gate.Reading[string]
	items         map[gate.TrackerRef]gate.Reading[gate.TrackerItem]
}

func (w *world) Signoffs() []gate.Signoff { return w.signoffs }
func (w *world) Labeller(issue int, label string) gate.Reading[gate.Labelling] {
	by := w.labeller
	return gate.Reading[gate.Labelling]{Known: by.Known, Why: by.Why, At: by.At, Value: gate.Labelling{By: by.Value, At: w.labelledAt}}
}
func (w *world) WorkflowRuns() gate.Reading[[]gate.WorkflowRun] { return w.runs }
func (w *world) LastRelease() gate.Reading[time.Time]           { return w.released }
func (w *world) Accepted() []gate.Acceptance                    { return w.accepted }
func (w *world) Overrides() []gate.PersonDecision               { return w.overrides }
func (w *world) CodeOwners() gate.Reading[string]               { return w.owners }
func (w *world) TrackerItem(ref gate.TrackerRef) gate.Reading[gate.TrackerItem] {
	if r, ok := w.items[ref]; ok {
		return r
	}
	return unreadable[gate.TrackerItem](gate.CauseMissing)
}

func (w *world) Files() gate.Reading[[]gate.File]                   { return w.files }
func (w *world) Commits() gate.Reading[[]gate.Commit]               { return w.commits }
func (w *world) Reviews() gate.Reading[[]gate.ReviewOf]             { return w.reviews }
func (w *world) Checks() gate.Reading[[]gate.Check]                 { return w.checks }
func (w *world) RequiredChecks() gate.Reading[[]gate.RequiredCheck] { return w.required }
func (w *world) Leaks() gate.Reading[gate.LeakScan]                 { return w.leaks }
func (w *world) Alerts() gate.Reading[[]gate.Alert]                 { return w.alerts }
func (w *world) Behind() gate.Reading[gate.Behind]                  { return w.behind }
func (w *world) DanglingBranches() gate.Reading[[]gate.Branch]      { return w.dangling }
func (w *world) Decisions() []gate.PersonDecision                   { return w.decisions }

func (w *world) SevereIssues(label string) gate.Reading[[]gate.Issue] {
	if r, ok := w.issues[label]; ok {
		return r
	}
	return read([]gate.Issue(nil))
}

func (w *world) Permission(login string) gate.Reading[gate.Permission] {
	if r, ok := w.perms[login]; ok {
		return r
	}
	return read(gate.PermissionNone)
}

func (w *world) Account(login string) gate.Reading[gate.User] {
	for _, u := range []gate.User{kim, lee, dana, sam, bob, bot} {
		if u.Login == login {
			return read(u)
		}
	}
	return unreadable[gate.User](gate.CauseMissing)
}

func (w *world) Bearer(login string) gate.Reading[gate.User] { return w.Account(login) }

func (w *world) Meant(login string) gate.Reading[gate.User] {
	if r, ok := w.meant[login]; ok {
		return r
	}
	return w.Account(login)
}

func (w *world) Team(name string) gate.Reading[[]gate.User] {
	if r, ok := w.teams[name]; ok {
		return r
	}
	return unreadable[[]gate.User](gate.CauseMissing)
}

func read[T any](v T) gate.Reading[T] { return gate.Read(v, now) }

func unreadable[T any](c gate.Cause) gate.Reading[T] {
	return gate.Unread[T](gate.Unreadable{Cause: c, Fact: "it is not to be had"}, now)
}

func fine() *world {
	w := &world{
		files:    read([]gate.File{{Path: "cart/total.go", Status: "modified", HasPatch: true}}),
		commits:  read([]gate.Commit{{SHA: head, Parents: 1, Author: &kim, Committer: &kim}}),
		reviews:  read([]gate.ReviewOf{{ID: 1, User: lee, State: gate.Approved, CommitSHA: head}}),
		checks:   read([]gate.Check{{ID: 1, Name: "build", App: 15368, State: "success"}}),
		required: read([]gate.RequiredCheck(nil)),
		leaks:    read(gate.LeakScan{}),
		alerts:   read([]gate.Alert(nil)),
		issues:   map[string]gate.Reading[[]gate.Issue]{},
		dangling: read([]gate.Branch(nil)),
		behind:   read(gate.Behind{}),
		perms: map[string]gate.Reading[gate.Permission]{
			"kim": read(gate.PermissionWrite), "lee": read(gate.PermissionWrite),
			"dana": read(gate.PermissionMaintain), "sam": read(gate.PermissionAdmin), "bob": read(gate.PermissionRead),
		},
		teams:  map[string]gate.Reading[[]gate.User]{},
		owners: unreadable[string](gate.CauseMissing),

		labeller: read(sam), released: read(time.Time{}),
	}
	w.PR = gate.PullRequest{
		Repo: gate.Repository{ID: 7, Owner: "acme", Name: "shop"}, Number: 12, Author: kim, Open: true,
		HeadSHA: head, HeadRef: "cart", BaseRef: "main", URL: "https://github.com/acme/shop/pull/12",
	}
	w.Record = gate.Record{
		Found: true, Line: 3, Scope: "cart", Class: gate.Medium,
		Gates: map[gate.Gate]gate.Mark{
			gate.Code: gate.MarkPass, gate.Review: gate.MarkPass, gate.Operational: gate.MarkPass,
			gate.Communication: gate.MarkPass, gate.Decision: gate.MarkPass,
		},
		Trigger: "5xx over 1% for 5 min", RollbackOwner: gate.Owner{User: "lee"}, DecisionOwner: gate.Owner{User: "dana"},
		ResidualRisks: []string{}, Decision: gate.ChoiceGo, Timestamp: now.Add(-time.Hour), More: map[gate.Field]string{},
	}
	w.Policy = BuiltIn()
	w.Now, w.HeadSeen = now, now.Add(-time.Hour)
	w.says(gate.ChoiceGo, dana)
	return w
}

// says adds a decision for what stands now.
func (w *world) says(c gate.Choice, u gate.User) *gate.PersonDecision {
	w.decisions = append(w.decisions, gate.PersonDecision{
		ID: int64(len(w.decisions) + 1), Choice: c, User: u, At: now.Add(-time.Minute), CommentID: int64(100 + len(w.decisions)),
		For: gate.Binding{HeadSHA: w.PR.HeadSHA, BaseRef: w.PR.BaseRef, Policy: w.Policy.Digest(), Terms: w.Record.Terms()},
	})
	return &w.decisions[len(w.decisions)-1]
}

func (w *world) low() {
	w.Record.Class = gate.Low
	w.decisions = nil
}

func (w *world) high() {
	w.Record.Class = gate.High
	w.Record.More[gate.FieldRehearsal] = "staging, 2026-03-01, recovered in 6 min, no friction"
	w.reviews.Value = append(w.reviews.Value, gate.ReviewOf{ID: 2, User: sam, State: gate.Approved, CommitSHA: head})
	w.decisions = nil
	w.says(gate.ChoiceGo, dana)
	w.says(gate.ChoiceGo, sam)
}

func (w *world) judge() gate.Evaluation {
	w.Input.Evidence = w
	return Evaluate(w.Input)
}

func codes(ev gate.Evaluation) string {
	var b []string
	for _, f := range ev.Blockers() {
		b = append(b, fmt.Sprintf("%s %s %s", f.Status, f.Requirement, f.Code))
	}
	return strings.Join(b, "\n")
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   gate.Verdict
		codes  string // every blocker: status, requirement, code; … for more
	}{
		{"a medium change with all in order is ready", func(*world) {}, gate.Ready, ""},
		{"a low change needs no go", (*world).low, gate.Ready, ""},
		{"a high change with rehearsal, two approvals and a panel is ready", (*world).high, gate.Ready, ""},

		{"CI is red", func(w *world) { w.checks.Value[0].State = "failure" }, gate.NotReady, "fail code/checks ci-failed"},
		{"CI is running", func(w *world) { w.checks.Value[0].State = "in_progress" }, gate.Waiting, "pending code/checks ci-running"},
		{"CI has just been triggered", func(w *world) { w.checks = read([]gate.Check(nil)); w.HeadSeen = now.Add(-time.Minute) }, gate.Waiting, "pending code/checks ci-awaited"},
		{"CI never reported", func(w *world) { w.checks = read([]gate.Check(nil)) }, gate.Waiting, "action code/checks ci-missing"},
		{"the repository has no CI and says so", func(w *world) { w.checks = read([]gate.Check(nil)); w.Policy.Checks.None = true }, gate.Waiting, "action decision/authorized policy-changed"},
		{"the only job was skipped", func(w *world) { w.checks.Value[0].State = "skipped" }, gate.Waiting, "action code/checks ci-skipped"},
		{"the only job is neutral", func(w *world) { w.checks.Value[0].State = "neutral" }, gate.Waiting, "action code/checks ci-neutral"},
		{"one job was skipped beside a green one", func(w *world) {
			w.checks.Value = append(w.checks.Value, gate.Check{ID: 2, Name: "docs", State: "skipped"})
		}, gate.Ready, ""},
		{"one job was skipped in a pull request that edits workflows", func(w *world) {
			w.checks.Value = append(w.checks.Value, gate.Check{ID: 2, Name: "docs", State: "skipped"})
			w.files.Value = append(w.files.Value, gate.File{Path: ".github/workflows/ci.yml"})
		}, gate.Waiting, "action code/checks ci-skipped\naction code/checks ci-changed"},
		{"one job is neutral beside a green one", func(w *world) {
			w.checks.Value = append(w.checks.Value, gate.Check{ID: 2, Name: "docs", State: "neutral"})
		}, gate.Waiting, "action code/checks ci-neutral"},
		{"a failed job was run again and is green", func(w *world) {
			w.checks.Value = []gate.Check{{ID: 1, Name: "build", State: "failure"}, {ID: 2, Name: "build", State: "success"}}
		}, gate.Ready, ""},
		{"a green job was run again and failed", func(w *world) {
			w.checks.Value = []gate.Check{{ID: 2, Name: "build", State: "failure"}, {ID: 1, Name: "build", State: "success"}}
		}, gate.NotReady, "fail code/checks ci-failed"},
		{"a skipped re-run does not cover a failure", func(w *world) {
			w.checks.Value = []gate.Check{{ID: 1, Name: "build", State: "failure"}, {ID: 2, Name: "build", State: "skipped"}}
		}, gate.NotReady, "fail code/checks ci-failed"},
		{"a status and a check of one name must both be green", func(w *world) {
			w.checks.Value = append(w.checks.Value, gate.Check{ID: 9, Name: "build", Status: true, State: "failure"})
		}, gate.NotReady, "fail code/checks ci-failed"},
		{"a required check did not report", func(w *world) {
			w.required = read([]gate.RequiredCheck{{Name: "build"}, {Name: "test"}})
		}, gate.Waiting, "action code/checks ci-missing"},
		{"a required check came from another App", func(w *world) {
			w.required = read([]gate.RequiredCheck{{Name: "build", App: 99}})
		}, gate.Waiting, "action code/checks ci-missing"},
		{"a red check that nobody requires", func(w *world) {
			w.required = read([]gate.RequiredCheck{{Name: "build"}})
			w.checks.Value = append(w.checks.Value, gate.Check{ID: 2, Name: "coverage", State: "failure"})
		}, gate.Ready, ""},
		{"only Gonogo's own check is required: all others count", func(w *world) {
			w.required = read([]gate.RequiredCheck{{Name: "release-readiness"}})
			w.checks.Value[0].State = "failure"
		}, gate.NotReady, "fail code/checks ci-failed"},
		{"somebody else's check has our name", func(w *world) {
			w.checks.Value = append(w.checks.Value, gate.Check{ID: 2, Name: "release-readiness", App: 99, State: "failure"})
		}, gate.Ready, ""},
		{"somebody else's check with our name is the only one", func(w *world) {
			w.checks.Value = []gate.Check{{ID: 2, Name: "release-readiness", App: 99, State: "success"}}
		}, gate.Waiting, "action code/checks ci-missing"},
		{"check results cannot be read", func(w *world) { w.checks = unreadable[[]gate.Check](gate.CauseFault) }, gate.NotVerified, "unknown code/checks github-down"},
		{"the App may not read checks", func(w *world) { w.checks = unreadable[[]gate.Check](gate.CausePermission) }, gate.Waiting, "action code/checks permission"},

		{"a credential was added", func(w *world) {
			w.leaks.Value.Leaks = []gate.Leak{{Rule: "aws-access-token", Path: "a.go", Line: 3, Start: "AKIA"}}
		}, gate.NotReady, "fail code/secrets secret-found"},
		{"a file could not be searched", func(w *world) { w.leaks.Value.Skipped = []string{"big.bin"} }, gate.NotReady, "fail code/secrets not-scanned"},
		{"the diff could not be read", func(w *world) { w.leaks = unreadable[gate.LeakScan](gate.CauseFault) }, gate.NotVerified, "unknown code/secrets github-down"},
		{"secret scanning is not switched on", func(w *world) { w.alerts = unreadable[[]gate.Alert](gate.CauseDisabled) }, gate.Ready, ""},
		{"the App may not see alerts", func(w *world) { w.alerts = unreadable[[]gate.Alert](gate.CausePermission) }, gate.Ready, ""},
		{"the policy demands alerts that cannot be seen", func(w *world) {
			w.Policy.Secrets.AlertsRequired = true
			w.alerts = unreadable[[]gate.Alert](gate.CausePermission)
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, gate.Waiting, "action code/secrets alerts-not-enabled"},
		{"alerts fail for the moment", func(w *world) { w.alerts = unreadable[[]gate.Alert](gate.CauseFault) }, gate.NotVerified, "unknown code/secrets github-down"},
		{"an alert lies in this pull request", func(w *world) { w.alerts.Value = []gate.Alert{{Number: 3, Rule: "pat", Commits: []string{head}}} }, gate.NotReady, "fail code/secrets secret-alert"},
		{"an alert lies elsewhere", func(w *world) { w.alerts.Value = []gate.Alert{{Number: 3, Rule: "pat", Commits: []string{oldHead}}} }, gate.Ready, ""},

		{"a SEV1 is open", func(w *world) { w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "down"}}) }, gate.NotReady, "fail code/severity severe-issue"},
		{"a SEV1 is referenced, and the /go does not name it", func(w *world) {
			w.PR.Body = "Refs #8"
			w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "down"}})
		}, gate.NotReady, "fail code/severity severe-issue"},
		{"a SEV1 is referenced and accepted", func(w *world) {
			w.PR.Body = "Refs #8"
			w.decisions[0].Reason = "accepted with #8 open"
			w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "down"}})
		}, gate.Ready, ""},
		{"a SEV1 is accepted, and another is open", func(w *world) {
			w.PR.Body = "Refs #8, #80"
			w.decisions[0].Reason = "accepted with #8 open"
			w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "down"}, {Number: 80, Title: "out"}})
		}, gate.NotReady, "fail code/severity severe-issue"},
		{"a SEV1 is accepted without being referenced", func(w *world) {
			w.PR.Body = "```\nRefs #8\n```"
			w.decisions[0].Reason = "accepted with #8 open"
			w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "down"}})
		}, gate.NotReady, "fail code/severity severe-issue"},
		{"a SEV1 was accepted on another head", func(w *world) {
			w.PR.Body = "Refs #8"
			w.decisions[0].Reason = "accepted with #8 open"
			w.decisions = append(w.decisions, w.decisions[0])
			w.decisions[0].Reason, w.decisions[1].For.HeadSHA, w.decisions[1].Reason = "", oldHead, "accepted with #8 open"
			w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "down"}})
		}, gate.NotReady, "fail code/severity severe-issue"},
		{"a SEV2 is open at medium", func(w *world) { w.issues["SEV2"] = read([]gate.Issue{{Number: 8, Title: "slow"}}) }, gate.NotReady, "fail code/severity severe-issue"},
		{"a SEV2 is open at low", func(w *world) { w.low(); w.issues["SEV2"] = read([]gate.Issue{{Number: 8, Title: "slow"}}) }, gate.Ready, ""},
		{"a SEV1 is open at low", func(w *world) { w.low(); w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "down"}}) }, gate.NotReady, "fail code/severity severe-issue"},
		{"a hotfix fixes the SEV1", func(w *world) {
			w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "down"}})
			w.Record.Type, w.PR.Body = gate.Hotfix, "Fixes #8"
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, gate.Ready, ""},
		{"a routine change says it fixes the SEV1", func(w *world) {
			w.issues["SEV1"] = read([]gate.Issue{{Number: 8, Title: "down"}})
			w.PR.Body = "Fixes #8"
		}, gate.NotReady, "fail code/severity severe-issue"},
		{"the issues cannot be read", func(w *world) { w.issues["SEV1"] = unreadable[[]gate.Issue](gate.CauseFault) }, gate.NotVerified, "unknown code/severity github-down"},

		{"a branch merged into this one still exists", func(w *world) {
			w.dangling.Value = []gate.Branch{{Name: "part-1", PR: 11, Stacked: true, MergedAt: now.Add(-time.Hour)}}
		}, gate.Waiting, "action code/branches branch-dangling"},
		{"that branch was merged a minute ago", func(w *world) {
			w.dangling.Value = []gate.Branch{{Name: "part-1", PR: 11, Stacked: true, MergedAt: now.Add(-time.Minute)}}
		}, gate.Ready, ""},
		{"somebody else's branch dangles", func(w *world) {
			w.dangling.Value = []gate.Branch{{Name: "old", PR: 2, MergedAt: now.Add(-time.Hour)}}
		}, gate.Ready, ""},

		{"nobody has reviewed", func(w *world) { w.reviews.Value = nil }, gate.Waiting, "action review/approvals approvals-missing"},
		{"the approval was for an earlier head", func(w *world) { w.reviews.Value[0].CommitSHA = oldHead }, gate.Waiting, "action review/approvals review-not-on-head"},
		{"the author approved", func(w *world) { w.reviews.Value[0].User = kim }, gate.Waiting, "action review/approvals approvals-missing"},
		{"a co-author approved", func(w *world) {
			w.commits.Value[0].CoAuthors = []gate.CoAuthor{{Email: "2+lee@users.noreply.github.com"}}
		}, gate.Waiting, "action review/approvals approvals-missing"},
		{"a committer approved", func(w *world) { w.commits.Value[0].Committer = &lee }, gate.Waiting, "action review/approvals approvals-missing"},
		{"the approver merged the base with GitHub's button", func(w *world) {
			w.commits.Value = append(w.commits.Value, gate.Commit{Parents: 2, Author: &lee, Committer: &gate.User{ID: 99, Login: "web-flow"}, Verified: true, Mechanical: true})
		}, gate.Ready, ""},
		{"the approver wrote GitHub's name into a merge of their own", func(w *world) {
			w.commits.Value = append(w.commits.Value, gate.Commit{Parents: 2, Author: &lee, Committer: &gate.User{ID: 99, Login: "web-flow"}})
		}, gate.Waiting, "action review/approvals approvals-missing"},
		{"a reader approved", func(w *world) { w.reviews.Value[0].User = bob }, gate.Waiting, "action review/approvals approvals-missing"},
		{"a bot approved", func(w *world) { w.reviews.Value[0].User = bot; w.perms[bot.Login] = read(gate.PermissionWrite) }, gate.Waiting, "action review/approvals approvals-missing"},
		{"the approver commented later", func(w *world) {
			w.reviews.Value = append(w.reviews.Value, gate.ReviewOf{ID: 2, User: lee, State: gate.Commented, CommitSHA: head})
		}, gate.Ready, ""},
		{"the approval was dismissed", func(w *world) { w.reviews.Value[0].State = gate.Dismissed }, gate.Waiting, "action review/approvals approvals-missing"},
		{"somebody requested changes on an earlier head", func(w *world) {
			w.reviews.Value = append(w.reviews.Value, gate.ReviewOf{ID: 2, User: sam, State: gate.ChangesRequested, CommitSHA: oldHead})
		}, gate.NotReady, "fail review/approvals changes-requested"},
		{"a reader requested changes", func(w *world) {
			w.reviews.Value = append(w.reviews.Value, gate.ReviewOf{ID: 2, User: bob, State: gate.ChangesRequested, CommitSHA: head})
		}, gate.Ready, ""},
		{"high needs two approvals", func(w *world) { w.high(); w.reviews.Value = w.reviews.Value[:1] }, gate.Waiting, "action review/approvals approvals-missing"},
		{"the approver's permission cannot be read", func(w *world) { w.perms["lee"] = unreadable[gate.Permission](gate.CauseFault) }, gate.Waiting, "action review/approvals approvals-missing\nunknown review/approvals github-down"},
		{"the list of commits is cut short", func(w *world) { w.commits = unreadable[[]gate.Commit](gate.CauseTruncated) }, gate.NotReady, "fail review/approvals too-large\nfail decision/authorized too-large"},

		{"the rollback owner does not exist", func(w *world) {
			w.Record.RollbackOwner = gate.Owner{User: "danaa"}
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, gate.Waiting, "action operational/rollback-owner owner-unknown"},
		{"the rollback owner's team cannot be seen", func(w *world) {
			w.Record.RollbackOwner = gate.Owner{Team: "acme/ops"}
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, gate.Waiting, "action operational/rollback-owner cannot-read-team"},
		{"the author is the rollback owner, by role", func(w *world) {
			w.Record.RollbackOwner = gate.Owner{Name: "author"}
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, gate.Ready, ""},
		{"a plain name as rollback owner at medium", func(w *world) {
			w.Record.RollbackOwner = gate.Owner{Name: "Lee Smith"}
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, gate.Waiting, "action operational/rollback-owner owner-unknown"},
		{"a plain name as owners at low", func(w *world) {
			w.low()
			w.Record.RollbackOwner, w.Record.DecisionOwner = gate.Owner{Name: "Lee Smith"}, gate.Owner{Name: "Dana Jones"}
		}, gate.Ready, ""},
		{"the decision owner is the role", func(w *world) {
			w.Record.DecisionOwner = gate.Owner{Name: "Release Manager"}
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
		}, gate.Ready, ""},
		{"a vague trigger at medium", func(w *world) {
			w.Record.TriggerVague = true
			w.Record.Problems = []gate.Problem{{Severity: gate.Error, Code: "trigger-vague", Field: gate.FieldTrigger}}
		}, gate.Waiting, "action operational/rollback-trigger trigger-vague"},
		{"a vague trigger at low is advice", func(w *world) {
			w.low()
			w.Record.TriggerVague = true
			w.Record.Problems = []gate.Problem{{Severity: gate.Warning, Code: "trigger-vague", Field: gate.FieldTrigger}}
		}, gate.Ready, ""},

		{"high without a rehearsal", func(w *world) {
			w.high()
			delete(w.Record.More, gate.FieldRehearsal)
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
			w.says(gate.ChoiceGo, sam)
		}, gate.Waiting, "action operational/rehearsal rehearsal-missing"},

		{"no go yet", func(w *world) { w.decisions = nil }, gate.Waiting, "action decision/authorized go-missing"},
		{"the go was for an earlier head", func(w *world) { w.decisions[0].For.HeadSHA = oldHead }, gate.Waiting, "action decision/authorized stale-go"},
		{"the base was changed after the go", func(w *world) { w.PR.BaseRef = "release/1.4" }, gate.Waiting, "action decision/authorized base-changed"},
		{"the policy changed after the go", func(w *world) { w.Policy.Approvals.Low = 2 }, gate.Waiting, "action decision/authorized policy-changed"},
		{"the trigger was edited after the go", func(w *world) { w.Record.Trigger = "any failed login" }, gate.Waiting, "action decision/authorized record-changed"},
		{"the timestamp was edited after the go", func(w *world) { w.Record.Timestamp = now.Add(-time.Minute) }, gate.Ready, ""},
		{"the release note was added after the go", func(w *world) { w.Record.More[gate.FieldReleaseNote] = "faster" }, gate.Ready, ""},
		{"the go's comment was edited", func(w *world) { w.decisions[0].Voided = "edited by '@eve'" }, gate.Waiting, "action decision/authorized edited-command"},
		{"the author said go", func(w *world) { w.decisions[0].User = kim; w.perms["kim"] = read(gate.PermissionAdmin) }, gate.Waiting, "action decision/authorized self-go"},
		{"the author said go where the policy lets authors decide", func(w *world) {
			w.perms["kim"] = read(gate.PermissionAdmin)
			w.Policy.AuthorMayDecide = true
			w.Record.DecisionOwner = gate.Owner{User: "kim"}
			w.decisions = nil
			w.says(gate.ChoiceGo, kim)
		}, gate.Ready, ""},
		{"the author is never enough at high", func(w *world) {
			w.perms["kim"] = read(gate.PermissionAdmin)
			w.Policy.AuthorMayDecide = true
			w.high()
			w.Record.DecisionOwner = gate.Owner{User: "kim"}
			w.decisions = nil
			w.says(gate.ChoiceGo, dana)
			w.says(gate.ChoiceGo, kim)
		}, gate.Waiting, "action decision/authorized self-go"},
		{"the decider lost the role", func(w *world) { w.perms["dana"] = read(gate.PermissionWrite) }, gate.Waiting, "action decision/authorized authority-lost"},
		{"the decider's role cannot be read", func(w *world) { w.perms["dana"] = unreadable[gate.Permission](gate.CauseFault) }, gate.NotVerified, "unknown decision/authorized github-down"},
		{"somebody else than the named owner said go", func(w *world) { w.decisions[0].User = sam }, gate.Waiting, "action decision/authorized wrong-owner"},
		{"naming the one who said go as owner voids nothing", func(w *world) {
			w.decisions[0].User = sam
			w.Record.DecisionOwner = gate.Owner{User: "sam"}
		}, gate.Ready, ""},
		{"naming somebody else as owner voids the go", func(w *world) { w.Record.DecisionOwner = gate.Owner{User: "lee"} }, gate.Waiting, "action decision/authorized record-changed"},
		{"one of the panel is missing", func(w *world) { w.high(); w.decisions = w.decisions[:1] }, gate.Waiting, "action decision/authorized panel-short"},
		{"the same person twice is no panel", func(w *world) { w.high(); w.decisions[1].User = dana }, gate.Waiting, "action decision/authorized panel-short"},
		{"only the named panel counts", func(w *world) {
			w.high()
			w.Record.Panel = []gate.Owner{{User: "dana"}, {User: "lee"}}
		}, gate.Waiting, "action decision/authorized panel-short"},

		{"a no-go stands", func(w *world) { w.says(gate.ChoiceNoGo, sam) }, gate.NotReady, "fail decision/veto nogo-stands"},
		{"a no-go stands at low", func(w *world) { w.low(); w.says(gate.ChoiceNoGo, sam) }, gate.NotReady, "fail decision/veto nogo-stands"},
		{"a no-go outlives its comment", func(w *world) { w.says(gate.ChoiceNoGo, sam).Voided = "deleted by '@eve'" }, gate.NotReady, "fail decision/veto nogo-stands"},
		{"a no-go outlives a push", func(w *world) { w.low(); w.says(gate.ChoiceNoGo, sam).For.HeadSHA = oldHead }, gate.NotReady, "fail decision/veto nogo-stands"},
		{"another release manager lifts the no-go", func(w *world) {
			w.says(gate.ChoiceNoGo, sam).SaidAt = now.Add(-time.Hour)
			w.says(gate.ChoiceGo, dana)
		}, gate.Ready, ""},
		{"a go of another within the same second lifts nothing", func(w *world) {
			w.low()
			w.says(gate.ChoiceNoGo, sam).SaidAt = now.Add(-time.Hour)
			w.says(gate.ChoiceGo, dana).SaidAt = now.Add(-time.Hour)
		}, gate.NotReady, "fail decision/veto nogo-stands"},
		{"a go of another a second later lifts it", func(w *world) {
			w.says(gate.ChoiceNoGo, sam).SaidAt = now.Add(-time.Hour)
			w.says(gate.ChoiceGo, dana).SaidAt = now.Add(time.Second - time.Hour)
		}, gate.Ready, ""},
		{"a change of mind within a second goes by the comments' order", func(w *world) {
			w.low()
			w.says(gate.ChoiceNoGo, sam).SaidAt = now.Add(-time.Hour)
			w.says(gate.ChoiceGo, sam).SaidAt = now.Add(-time.Hour)
		}, gate.Ready, ""},
		{"a go that was said before the no-go and reached us after it", func(w *world) {
			w.low()
			w.says(gate.ChoiceNoGo, sam).SaidAt = now.Add(-time.Hour)
			w.says(gate.ChoiceGo, dana).SaidAt = now.Add(-2 * time.Hour)
		}, gate.NotReady, "fail decision/veto nogo-stands"},
		{"a deleted go lifts nothing", func(w *world) {
			w.says(gate.ChoiceNoGo, sam)
			w.says(gate.ChoiceGo, dana).Voided = "deleted by '@eve'"
		}, gate.NotReady, "fail decision/veto nogo-stands"},
		{"the author lifts only their own no-go", func(w *world) {
			w.says(gate.ChoiceNoGo, sam)
			w.says(gate.ChoiceGo, kim).LiftsOwn = true
		}, gate.NotReady, "fail decision/veto nogo-stands"},

		{"low is declared for a migration", func(w *world) {
			w.low()
			w.files.Value = []gate.File{{Path: "db/migrations/0199_users.sql"}}
		}, gate.NotReady, "fail risk/floor risk-floor\n…"},
		{"medium is declared for a renamed auth file", func(w *world) {
			w.files.Value = []gate.File{{Path: "session.go", Previous: "internal/auth/session.go"}}
		}, gate.NotReady, "fail risk/floor risk-floor\n…"},
		{"more files than GitHub lists", func(w *world) { w.files = unreadable[[]gate.File](gate.CauseTruncated) }, gate.NotReady, "fail risk/floor too-large\n…"},
		{"the decision lies in the future", func(w *world) { w.Record.Timestamp = now.Add(time.Hour) }, gate.Waiting, "action decision/timestamp timestamp"},
		{"a clock four minutes fast is forgiven", func(w *world) { w.Record.Timestamp = now.Add(4 * time.Minute) }, gate.Ready, ""},

		{"there is no record", func(w *world) {
			w.Record = gate.Record{Problems: []gate.Problem{{Severity: gate.Error, Code: "no-block", Message: "no Release Decision"}}}
			w.decisions = nil
		}, gate.Waiting, "action decision/record no-block"},
		{"the author marks the code gate as failed", func(w *world) { w.Record.Gates[gate.Code] = gate.MarkFail }, gate.NotReady, "fail decision/record gate-failed\naction decision/authorized record-changed"},
		{"a failed gate that the class does not ask for", func(w *world) {
			w.low()
			w.Record.Gates[gate.Communication] = gate.MarkFail
		}, gate.Ready, ""},
		{"a contradiction in the record", func(w *world) {
			w.Record.Problems = []gate.Problem{{Severity: gate.Error, Code: "contradiction", Field: gate.FieldDecision}}
		}, gate.NotReady, "fail decision/record contradiction"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			tt.change(w)
			ev := w.judge()
			got := codes(ev)
			begin, more := strings.CutSuffix(tt.codes, "…")
			if ev.Verdict != tt.want || !strings.HasPrefix(got, begin) || !more && got != begin {
				t.Errorf("verdict %s, want %s\nblockers:\n%s\nwant:\n%s", ev.Verdict, tt.want, got, tt.codes)
			}
		})
	}
}
