package policy

import (
	"fmt"
	"regexp"
	"strings"

	"gonogo/internal/gate"
)

// missingPart asks for a line of the communication package.
func missingPart(field gate.Field, what, example string) []gate.Finding {
	return one(gate.Finding{
		Status: gate.Action, Code: "communication-missing", By: gate.ByAuthor, Field: field,
		Fact: "the communication package does not say " + what,
		Fix:  "add the line to the record in the pull request's description",
		Type: fmt.Sprintf("- %s: %s", field, example),
	})
}

// releaseNote: the record says what changed, as a release note or in its own
// words.
func releaseNote(q question) []gate.Finding {
	if !q.Record.Found || !q.blank(gate.FieldReleaseNote) || !q.blank(gate.FieldWhatChanged) {
		return nil
	}
	return missingPart(gate.FieldWhatChanged, "what changed, for users and inside", "<for users>; <inside>")
}

// stakeholders: the record says who is told.
func stakeholders(q question) []gate.Finding {
	if !q.Record.Found || !q.blank(gate.FieldStakeholders) {
		return nil
	}
	return missingPart(gate.FieldStakeholders, "who is told of the release", "<who is told, and where>")
}

// knownLimitations: the record says what does not work yet; "none" is an
// answer.
func knownLimitations(q question) []gate.Finding {
	if !q.Record.Found || !q.blank(gate.FieldKnownLimitations) {
		return nil
	}
	return missingPart(gate.FieldKnownLimitations, "which limitations are known", "none")
}

// monitoringFocus: the record says what to look at in the first hour.
func monitoringFocus(q question) []gate.Finding {
	if !q.Record.Found || !q.blank(gate.FieldMonitoringFocus) {
		return nil
	}
	return missingPart(gate.FieldMonitoringFocus, "what to look at in the first 30 to 60 minutes", "<signals and dashboards>")
}

var channelWord = regexp.MustCompile(`(?i)(?:^|[^\w&])#[\p{L}\p{N}_-]+|\b(?:channel|slack|teams|mail|e-mail|pager\w*|phone|call|hotline|on-?call|chat|discord|telegram|matrix|opsgenie|ticket)\b|[\w.+-]+@[\w-]+\.\w+`)

// escalation: the record names the channel and the owner of an escalation.
func escalation(q question, e PeopleEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	const example = "#incidents, @release-lead"
	if q.blank(gate.FieldEscalation) {
		return missingPart(gate.FieldEscalation, "where and to whom to escalate", example)
	}
	text := q.Record.More[gate.FieldEscalation]
	var lacks []string
	if !channelWord.MatchString(text) {
		lacks = append(lacks, "the channel")
	}
	if len(q.Policy.namedIn(text)) == 0 && len(strings.Fields(channelWord.ReplaceAllString(text, " "))) == 0 {
		lacks = append(lacks, "the owner")
	}
	found := resolved(q, e, gate.FieldEscalation)
	if len(lacks) > 0 {
		found = append(found, gate.Finding{
			Status: gate.Action, Code: "escalation-incomplete", By: gate.ByAuthor, Field: gate.FieldEscalation,
			Fact: "the escalation does not name " + strings.Join(lacks, " and "), Fix: "name the channel and the owner",
			Type: "- Escalation: " + example,
		})
	}
	return found
}
