package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Field names a field of the record by its canonical label.
type Field string

// The fields of the canonical block, in its order.
const (
	FieldScope         Field = "Release scope"
	FieldClass         Field = "Risk class"
	FieldGates         Field = "Gate results"
	FieldResidualRisks Field = "Residual risks"
	FieldTrigger       Field = "Rollback trigger"
	FieldRollbackOwner Field = "Rollback owner"
	FieldDecisionOwner Field = "Final decision owner"
	FieldDecision      Field = "Decision"
	FieldTimestamp     Field = "Decision timestamp"
)

// The five layers inside "Gate results".
const (
	FieldCodeGates          Field = "code gates"
	FieldReviewGates        Field = "review gates"
	FieldOperationalGates   Field = "operational gates"
	FieldCommunicationGates Field = "communication gates"
	FieldDecisionGate       Field = "decision gate"
)

// The further fields, required when policy or risk class ask for them.
const (
	FieldType             Field = "Release type"
	FieldRollbackPlan     Field = "Rollback plan"
	FieldRehearsal        Field = "Rollback rehearsal"
	FieldPanel            Field = "Go/no-go panel"
	FieldOnCall           Field = "On-call owner"
	FieldBackup           Field = "Backup owner"
	FieldWindow           Field = "Release window"
	FieldMonitoring       Field = "Monitoring"
	FieldTracker          Field = "Tracker items"
	FieldWhatChanged      Field = "What changed"
	FieldKnownLimitations Field = "Known limitations"
	FieldMonitoringFocus  Field = "Monitoring focus"
	FieldStakeholders     Field = "Stakeholders"
	FieldEscalation       Field = "Escalation"
	FieldReleaseNote      Field = "Release note"
	FieldDocumentation    Field = "Documentation"
	FieldDrill            Field = "Pre-release drill"
)

// GateFields maps each gate to its line in the record.
var GateFields = map[Gate]Field{
	Code:          FieldCodeGates,
	Review:        FieldReviewGates,
	Operational:   FieldOperationalGates,
	Communication: FieldCommunicationGates,
	Decision:      FieldDecisionGate,
}

// Fields lists all fields but the gate lines, in the order in which a record
// is written.
var Fields = [...]Field{
	FieldScope, FieldClass, FieldType, FieldGates, FieldResidualRisks, FieldTrigger, FieldRollbackOwner,
	FieldRollbackPlan, FieldRehearsal, FieldPanel, FieldOnCall, FieldBackup, FieldWindow, FieldMonitoring,
	FieldTracker, FieldWhatChanged, FieldKnownLimitations, FieldMonitoringFocus, FieldStakeholders,
	FieldEscalation, FieldReleaseNote, FieldDocumentation, FieldDrill,
	FieldDecisionOwner, FieldDecision, FieldTimestamp,
}

// Record is the parsed Release Decision block of a pull request's body. Its
// zero value is a body without one. Values hold what a reader sees, without
// markup; a value that was not given, not understood or left as a placeholder
// is the zero value, and Problems says why.
type Record struct {
	Found bool // exactly one live block
	Line  int  // of its heading, from 1; 0 when there is none

	Scope         string
	Class         Class
	Type          ReleaseType
	Gates         map[Gate]Mark
	ResidualRisks []string
	Trigger       string // as written, also when it is vague
	TriggerVague  bool
	RollbackOwner Owner
	DecisionOwner Owner
	Decision      Choice
	Timestamp     time.Time // zero when it was not given or not understood

	// More holds the further fields that were filled in. List values are
	// joined by newlines.
	More map[Field]string
	// Panel holds the people whom "Go/no-go panel" names.
	Panel []Owner
	// Drill holds the items of the "Pre-release drill" task list.
	Drill []DrillItem

	Problems []Problem
}

// Owner is somebody whom the record names. Exactly one of its parts is set, in
// this order of preference; the zero value names nobody.
type Owner struct {
	User string // login without "@"
	Team string // "org/team" without "@"
	Name string // a role or a person's name in plain words
}

// IsZero reports whether nobody is named.
func (o Owner) IsZero() bool { return o == Owner{} }

// String returns the owner as one would write it in a record.
func (o Owner) String() string {
	switch {
	case o.User != "":
		return "@" + o.User
	case o.Team != "":
		return "@" + o.Team
	default:
		return o.Name
	}
}

// DrillItem is one line of the pre-release drill.
type DrillItem struct {
	Text string
	Done bool
}

// Severity tells whether a problem keeps a record from being complete.
type Severity string

// The severities of a problem.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one thing wrong with a record, where it is, and what to write
// instead. Message and Fix may hold values enclosed by [Quote].
type Problem struct {
	Severity Severity
	Code     string // kebab-case and stable
	Field    Field  // "" when the problem is not about one field
	Line     int    // from 1
	Column   int    // from 1, in bytes; 0 when only the line is known
	Message  string // one sentence of fact
	Fix      string // the line to write, or one sentence of what to do
}

// Terms are the parts of a record to which a GO is bound, each reduced to a
// digest: the decision, its timestamp, the decision gate's mark, the
// communication fields and the drill's ticks are left out (they are judged, but
// filling them in voids nothing). The final decision owner is part of the
// terms; who compares them decides what a change of it means.
type Terms map[Field]string

var unboundFields = []Field{
	FieldWhatChanged, FieldKnownLimitations, FieldMonitoringFocus, FieldStakeholders,
	FieldEscalation, FieldReleaseNote, FieldDocumentation,
}

// Terms returns what a GO given for r is bound to. White space and case of
// white-space-separated words do not matter; the order of residual risks does
// not either.
func (r Record) Terms() Terms {
	t := Terms{}
	add := func(f Field, value string) {
		if value = fold(value); value != "" {
			t[f] = digest(value)
		}
	}
	add(FieldScope, r.Scope)
	add(FieldClass, r.Class.String())
	add(FieldType, string(r.Type))
	for g, mark := range r.Gates {
		if g != Decision {
			add(GateFields[g], string(mark))
		}
	}
	risks := make([]string, 0, len(r.ResidualRisks))
	for _, risk := range r.ResidualRisks {
		risks = append(risks, fold(risk))
	}
	slices.Sort(risks)
	add(FieldResidualRisks, strings.Join(risks, "\n"))
	add(FieldTrigger, r.Trigger)
	add(FieldRollbackOwner, r.RollbackOwner.String())
	add(FieldDecisionOwner, r.DecisionOwner.String())
	for f, value := range r.More {
		if !slices.Contains(unboundFields, f) {
			add(f, value)
		}
	}
	items := make([]string, 0, len(r.Drill))
	for _, item := range r.Drill {
		items = append(items, fold(item.Text))
	}
	add(FieldDrill, strings.Join(items, "\n"))
	return t
}

// TextDigest returns the digest of a whole comment or review, "" of an empty one.
func TextDigest(text string) string {
	if text == "" {
		return ""
	}
	return digest(text)
}

// Hash returns one digest of all terms.
func (t Terms) Hash() string {
	lines := make([]string, 0, len(t))
	for f, value := range t {
		lines = append(lines, string(f)+"\x00"+value)
	}
	slices.Sort(lines)
	return digest(strings.Join(lines, "\n"))
}

// Changed lists the fields that differ between t and now, in the order of the
// record.
func (t Terms) Changed(now Terms) []Field {
	var changed []Field
	order := slices.Concat(Fields[:], []Field{
		FieldCodeGates, FieldReviewGates, FieldOperationalGates, FieldCommunicationGates,
	})
	for _, f := range order {
		if t[f] != now[f] {
			changed = append(changed, f)
		}
	}
	return changed
}

func fold(s string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || isHidden(r)
	}), " "))
}

// isHidden reports whether r shows nothing to a reader: controls and format
// characters, bidi overrides and zero-width ones among them.
func isHidden(r rune) bool { return unicode.Is(unicode.C, r) }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:12])
}
