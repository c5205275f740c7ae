package gate

import "time"

// Status is a finding's answer. Higher is graver: of several findings the
// gravest decides.
type Status int

// The statuses in rising gravity.
const (
	Pass     Status = iota
	Advisory        // said, does not block
	Pending         // will change by itself
	Unknown         // could not be read
	Action          // a named person must act
	Fail            // a rule is broken
)

// Statuses lists all statuses in rising gravity.
var Statuses = [...]Status{Pass, Advisory, Pending, Unknown, Action, Fail}

// String returns the status as spec'd: "pass", "fail", "pending", "action",
// "unknown" or "advisory".
func (s Status) String() string {
	return [...]string{"pass", "advisory", "pending", "unknown", "action", "fail"}[s]
}

// Blocks reports whether a finding of this status keeps a verdict from READY.
func (s Status) Blocks() bool { return s >= Pending }

// Actor is the kind of person or thing that clears a blocker, in the order in
// which titles name blockers.
type Actor int

// The actors.
const (
	ByAuthor Actor = iota
	ByReviewer
	ByDecider
	ByAdmin
	ByItself // checks that run, reads that are retried, windows that open
)

// String names the actor for people.
func (a Actor) String() string {
	return [...]string{"author", "reviewer", "release manager", "administrator", "nobody: it clears by itself"}[a]
}

// Requirement identifies one checkable thing, such as "code/checks". Its part
// before the slash is the gate; "risk" and "record" belong to the decision
// gate.
type Requirement string

// Gate returns the gate to which the requirement belongs.
func (r Requirement) Gate() Gate {
	for _, g := range Gates {
		if len(r) > len(g) && string(r[:len(g)]) == string(g) && r[len(g)] == '/' {
			return g
		}
	}
	return Decision
}

// Finding is a requirement's answer. Fact and Fix are sentences that may hold
// values enclosed by [Quote].
type Finding struct {
	Requirement Requirement
	Status      Status
	Code        string // kebab-case and stable; "" for a pass
	Fact        string // what is so
	Fix         string // what to do about it; "" when there is nothing to do
	Type        string // the exact line to type, where there is one
	File        string // the whole text of a file to commit, where there is one: ours, no user wrote any of it
	Link        string // where to look, built by us or given by GitHub's API
	By          Actor
	Who         []string // logins or role names, when they are known
	Field       Field    // the record's field, where the finding is about one
	Line        int      // of the pull request's body, where there is one
	// Debt marks advice that is owed within 24 hours of the merge: a hotfix goes
	// out without it.
	Debt bool
}

// Comparison sets a gate's claim against its evidence.
type Comparison string

// The comparisons.
const (
	Confirmed    Comparison = "confirmed"
	Contradicted Comparison = "contradicted"
	Pends        Comparison = "pending"
	Unverifiable Comparison = "unverifiable"
	NotRequired  Comparison = "not required"
)

// GateRow is one line of the verdict's table.
type GateRow struct {
	Gate       Gate
	Claim      Mark
	Evidence   string // one short phrase
	Comparison Comparison
	Reason     string // for NotRequired and Contradicted
}

// Verdict is Gonogo's answer.
type Verdict string

// The verdicts.
const (
	Ready       Verdict = "READY"
	NotReady    Verdict = "NOT READY"
	Waiting     Verdict = "WAITING"
	NotVerified Verdict = "NOT VERIFIED"
)

// Verdicts lists all verdicts, the gravest first.
var Verdicts = [...]Verdict{NotReady, Waiting, NotVerified, Ready}

// Evaluation is one verdict with all that it rests on. It does not change once
// it is made.
type Evaluation struct {
	Number int64 // rises with every evaluation of this server
	At     time.Time

	PR       PullRequest
	Record   Record
	Terms    Terms
	Declared Class // what the record says
	Class    Class // what is judged: never lower than the floor

	PolicySource string       // a path, or "built-in"
	PolicySHA    string       // of the effective rules
	PolicyFiles  []PolicyFile // what the rules come from; none for the built-in ones

	Mode  Mode   // in which it was made; "" is Enforce
	Check string // the check's name then, without what a trial adds; "" where it was not kept

	// Exempt names the rule of the policy by which the pull request passes
	// without a record; "" when there is none.
	Exempt string
	// Reverts is the merged pull request of which this is a verified pure revert,
	// judged as one; 0 for none.
	Reverts int
	// HotfixOf is the severe issue for whose sake less blocks, and the rest is
	// owed; 0 for none.
	HotfixOf int
	// SelfDecided means that the author's own /go counts, for want of anybody
	// else.
	SelfDecided bool

	Verdict  Verdict
	Status   Status // of the gravest finding
	Rows     []GateRow
	Findings []Finding // the gravest first, passes included

	// Override is who lets the head pass for now against the verdict, which stays
	// what it is.
	Override  Overriding
	Overrides []Standing // every /override, and whether it still counts

	Decisions []Standing        // who said what, and whether it still counts
	Signoffs  []SignoffStanding // who signed off what, and whether it still counts
	Notify    []Notice          // who is to be told of the release, and where
	Readings  map[string]time.Time
	People    []string  // logins on whose permission it rests
	Again     time.Time // when to look again without an event; zero: not needed

	// UnverifiedSince is when evidence first could not be read, without an
	// evaluation in between that could; zero when all was read.
	UnverifiedSince time.Time
	// GaveUp means that evaluating itself failed for the last time.
	GaveUp bool
}

// Overriding is who lets a head pass against its verdict, and until when. The
// zero value is nobody.
type Overriding struct {
	By     []User    // in the order in which they said it
	Until  time.Time // when it ends by itself
	Reason string    // of the last of them
	Own    []User    // those of By who wrote some of the change
	// OwnUnread means that who wrote the change could not be read: Own may lack
	// somebody.
	OwnUnread bool
}

// Overridden reports whether people let the head pass against the verdict.
func (e Evaluation) Overridden() bool { return len(e.Override.By) > 0 }

// Passes reports whether the check is to be passed: by the verdict, or by an
// override in spite of it.
func (e Evaluation) Passes() bool { return e.Verdict == Ready || e.Overridden() }

// PolicyFile is a file that rules come from.
type PolicyFile struct {
	Name     string   // for people: ".github/gonogo.yml"
	SHA      string   // of the blob
	Keys     []string // the rules that it sets
	Enforces bool     // no repository can ask for less than it
}

// EvidencePatience is how long evidence may be unreadable before the verdict
// says so as a failure (spec section 5).
const EvidencePatience = 15 * time.Minute

// Unverifiable reports whether evidence could not be read for so long that
// NOT VERIFIED is final until that changes.
func (e Evaluation) Unverifiable() bool {
	return e.GaveUp || !e.UnverifiedSince.IsZero() && e.At.Sub(e.UnverifiedSince) >= EvidencePatience
}

// Newest returns the highest number of the evaluations, 0 when there are none.
func Newest(evs []Evaluation) int64 {
	var n int64
	for _, ev := range evs {
		n = max(n, ev.Number)
	}
	return n
}

// Blockers returns the findings that keep the verdict from READY, the gravest
// first.
func (e Evaluation) Blockers() []Finding { return blockers(e.Findings) }

// Binding is what a person's decision was given for.
type Binding struct {
	HeadSHA string
	BaseRef string
	Policy  string // digest of the effective rules
	Terms   Terms
}

// PersonDecision is a GO or NO-GO as it was accepted. It does not change: what
// happens to it afterwards (an edited comment, a lost role) is judged anew at
// every evaluation.
type PersonDecision struct {
	ID        int64 // order of acceptance
	Choice    Choice
	User      User
	At        time.Time // when we received it
	SaidAt    time.Time // when it was said, by GitHub's clock; zero: At
	For       Binding
	Reason    string
	Channel   string // comment, review, button
	CommentID int64  // 0 for reviews and buttons
	ReviewID  int64  // 0 for comments and buttons
	URL       string
	// Digest is that of the whole text that said it: [TextDigest]; "" for buttons
	// and in entries from before digests were kept.
	Digest string
	// Voided says why the decision's own comment no longer carries it, "" when
	// it does: "edited by @x", "deleted by @x". Only a GO can be voided so.
	Voided string
	// LiftsOwn marks a GO by somebody who had written some of the change. It
	// lifts no NO-GO but their own, whether or not they may decide here.
	LiftsOwn bool
	// SeenTo is, for a GO by a button, the ID of the last decision that stood in
	// the check run whose button it was; a press does not tell when it happened,
	// and lifts no NO-GO that came after.
	SeenTo int64
	// Until is when an override ends by itself; zero for all else.
	Until time.Time
}

// Standing is a decision as judged in an evaluation.
type Standing struct {
	PersonDecision
	Counts bool
	Lapsed string // one line: what changed since; "" when it counts
	Code   string // the reason code of the lapse
}

// Signoff is a sign-off by name as it was accepted. It is bound like a GO;
// Choice is empty.
type Signoff struct {
	Name string
	PersonDecision
}

// SignoffStanding is a sign-off as judged in an evaluation.
type SignoffStanding struct {
	Signoff
	Counts bool
	Lapsed string // one line: what changed since; "" when it counts
}

// Acceptance says that what looks like a credential is none. Its fingerprint,
// see [Leak], is all that it is bound to. Choice is empty.
type Acceptance struct {
	Fingerprint string
	PersonDecision
}

// Notice is who is told of a release, and in which channel.
type Notice struct {
	Roles   []string
	Channel string
}

// ReleaseEvaluation is the readiness of a release: what lies between it and
// the previous one.
type ReleaseEvaluation struct {
	Number   int64
	At       time.Time
	Repo     Repository
	Release  Release
	Commit   string // that the tag leads to, or will
	Previous string // tag of the previous release, "" for the first
	Pulls    []ReleasedPull
	Verdict  Verdict
	Status   Status
	Findings []Finding // the gravest first
	// Window is how the release is watched; nil while it is not live.
	Window *Monitoring `json:",omitempty"`
}

// The reasons for which a merge went without the check holding it back.
const (
	BeforeRequired   = "before the check was first required"
	WhileNotRequired = "while the check was not required"
)

// ReleasedPull is a pull request that a release contains.
type ReleasedPull struct {
	Number  int
	Title   string
	Verdict Verdict // when it was merged; "" when none was made
	// Override names who let it pass against the verdict.
	Override string
	Author   string // login
	MergeSHA string
	Class    Class
	Type     ReleaseType
	// Ungated says why the check could not hold the merge back, "" when it could:
	// [BeforeRequired] or [WhileNotRequired].
	Ungated string `json:",omitempty"`
	// Differs are the first of the DiffersIn files in which what landed is not what
	// was judged.
	Differs   []string `json:",omitempty"`
	DiffersIn int      `json:",omitempty"`
	// Signed are the sign-offs that counted when it was merged: "qa by @lee".
	Signed []string `json:",omitempty"`
	// Tracker are the tracker items that its record names.
	Tracker []string `json:",omitempty"`
	// Owed is what was still open of its documentation, its sign-off by QA and its
	// tracker items when it was merged.
	Owed []Finding `json:",omitempty"`
}

// Blockers returns the findings that keep the release from READY.
func (e ReleaseEvaluation) Blockers() []Finding { return blockers(e.Findings) }

func blockers(findings []Finding) []Finding {
	var open []Finding
	for _, f := range findings {
		if f.Status.Blocks() {
			open = append(open, f)
		}
	}
	return open
}
