package decision

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// aliases maps every field to the labels that people write for it besides its
// own, folded by foldLabel. The bare names of the gates count only inside
// "Gate results".
var aliases = map[gate.Field][]string{
	gate.FieldScope: {"scope", "scope of release", "scope of the release", "release scopes"},
	gate.FieldClass: {"risk", "risk level", "risk classification", "release risk", "release risk class"},
	gate.FieldGates: {"gates", "gate result", "release gates", "release gate results", "gate status",
		"gate layers", "results of gates"},
	gate.FieldResidualRisks: {"residual risk", "remaining risks", "remaining risk", "open risks", "known risks"},
	gate.FieldTrigger: {"rollback triggers", "roll back trigger", "roll back triggers", "rollback condition",
		"rollback conditions", "rollback criteria", "rollback trigger condition", "rollback trigger conditions",
		"trigger for rollback", "rollback when"},
	gate.FieldRollbackOwner: {"rollback owners", "roll back owner", "owner of rollback", "owner of the rollback",
		"rollback lead", "rollback responsible"},
	gate.FieldDecisionOwner: {"decision owner", "final owner", "final decision owners", "owner of the decision",
		"owner of the final decision", "final decision maker", "decision maker", "release decision owner",
		"go no go owner"},
	gate.FieldDecision: {"final decision", "release decision", "go no go", "go no go decision"},
	gate.FieldTimestamp: {"timestamp", "decision time stamp", "time stamp", "decision time", "decision date",
		"date of decision", "time of decision", "decided at", "decision made at"},
	gate.FieldCodeGates:          {"code gate"},
	gate.FieldReviewGates:        {"review gate"},
	gate.FieldOperationalGates:   {"operational gate", "operations gates", "operations gate", "ops gates", "ops gate"},
	gate.FieldCommunicationGates: {"communication gate", "communications gates", "communications gate", "comms gates", "comms gate"},
	gate.FieldDecisionGate:       {"decision gates"},

	gate.FieldType:             {"type of release"},
	gate.FieldRollbackPlan:     {"roll back plan"},
	gate.FieldRehearsal:        {"rehearsal", "roll back rehearsal", "rollback rehearsed"},
	gate.FieldPanel:            {"panel", "go no go panel members"},
	gate.FieldOnCall:           {"on call", "oncall owner", "oncall", "pager owner"},
	gate.FieldBackup:           {"backup", "backup on call", "backup on call owner"},
	gate.FieldWindow:           {"deployment window", "deploy window"},
	gate.FieldMonitoring:       {"monitoring window", "post release monitoring"},
	gate.FieldTracker:          {"tracker item", "tracker", "tracker links"},
	gate.FieldWhatChanged:      {"what has changed", "what changes"},
	gate.FieldKnownLimitations: {"known limitation", "limitations"},
	gate.FieldMonitoringFocus:  {"focus of monitoring"},
	gate.FieldStakeholders:     {"stakeholder", "stakeholders notified", "stakeholder notification"},
	gate.FieldEscalation:       {"escalation channel", "escalation channel and owner", "escalation owner"},
	gate.FieldReleaseNote:      {"release notes"},
	gate.FieldDocumentation:    {"docs"},
}

// bareGates are the names of the layers inside "Gate results".
var bareGates = map[string]gate.Field{
	"code": gate.FieldCodeGates, "review": gate.FieldReviewGates, "reviews": gate.FieldReviewGates,
	"operational": gate.FieldOperationalGates, "operations": gate.FieldOperationalGates, "ops": gate.FieldOperationalGates,
	"communication": gate.FieldCommunicationGates, "communications": gate.FieldCommunicationGates,
	"comms": gate.FieldCommunicationGates, "decision": gate.FieldDecisionGate,
}

var canonical = []gate.Field{
	gate.FieldScope, gate.FieldClass, gate.FieldGates,
	gate.FieldCodeGates, gate.FieldReviewGates, gate.FieldOperationalGates, gate.FieldCommunicationGates, gate.FieldDecisionGate,
	gate.FieldResidualRisks, gate.FieldTrigger, gate.FieldRollbackOwner,
	gate.FieldDecisionOwner, gate.FieldDecision, gate.FieldTimestamp,
}

var labels = func() map[string]gate.Field {
	m := map[string]gate.Field{}
	for f, names := range aliases {
		m[foldLabel(string(f))] = f
		for _, name := range names {
			m[name] = f
		}
	}
	return m
}()

// isOwnName reports whether a label is the field's own name, and no alias.
func isOwnName(text string, f gate.Field) bool {
	return slices.Contains(labelForms(text), foldLabel(string(f)))
}

// firstWords are the words with which labels begin. Most lines of a text begin
// with another one and need no closer look.
var firstWords = func() map[string]bool {
	m := map[string]bool{}
	for label := range labels {
		m[firstWord(label)] = true
	}
	for label := range bareGates {
		m[label] = true
	}
	return m
}()

func firstWord(text string) string {
	text = strings.TrimLeftFunc(markdown.Visible(text), func(r rune) bool { return !unicode.IsLetter(r) })
	end := strings.IndexFunc(text, func(r rune) bool { return !unicode.Is(unicode.Latin, r) })
	if end < 0 {
		end = len(text)
	}
	return lower(text[:end])
}

func isCanonical(f gate.Field) bool {
	return slices.Contains(canonical, f)
}

// knownLabel returns the field that a label names. Behind the label may stand a
// translation (after a slash, a bar or in another script) and a remark in
// parentheses.
func knownLabel(text string, insideGates bool) (gate.Field, bool) {
	if !firstWords[firstWord(text)] {
		return "", false
	}
	for _, form := range labelForms(text) {
		if f, ok := bareGates[form]; ok && insideGates {
			return f, true
		}
		if f, ok := labels[form]; ok {
			return f, true
		}
	}
	return "", false
}

func labelForms(text string) []string {
	text = markdown.Visible(text)
	forms := []string{foldLabel(text)}
	cut := func(s string) { forms = append(forms, foldLabel(s)) }
	for _, sep := range []string{"(", "[", "/", "|"} {
		if i := strings.Index(text, sep); i > 0 {
			cut(text[:i])
		}
	}
	if i := strings.Index(text, " / "); i > 0 {
		cut(text[:i])
	}
	if i := strings.IndexFunc(text, otherScript); i > 0 {
		cut(text[:i])
	}
	return forms
}

// otherScript reports whether r is a letter of another script than Latin.
func otherScript(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) }

// foldLabel folds what does not matter in a label: case, white space, dashes,
// slashes, "(s)", and numbers, bullets and emoji around it.
func foldLabel(text string) string {
	text = strings.ReplaceAll(markdown.Visible(text), "(s)", "s")
	text = strings.Map(func(r rune) rune {
		if markdown.IsDash(r) || r == '/' || r == '_' {
			return ' '
		}
		return asciiLower(r)
	}, text)
	text = strings.TrimLeftFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '(' })
	text = strings.TrimRightFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ')' })
	return strings.Join(strings.Fields(text), " ")
}

// nearLabel returns the field whose label a writer may have meant by an unknown
// one.
func nearLabel(text string) (gate.Field, bool) {
	form := foldLabel(text)
	if cut := strings.IndexAny(markdown.Visible(text), "(/|"); cut > 0 {
		form = foldLabel(markdown.Visible(text)[:cut])
	}
	if n := len([]rune(form)); n < 5 || n > 40 {
		return "", false
	}
	best, found, least := gate.Field(""), false, 3
	for name, f := range labels {
		limit := 2
		if len(name) < 9 {
			limit = 1
		}
		if d := distance(form, name, limit); d <= limit && (d < least || d == least && f < best) {
			best, found, least = f, true, d
		}
	}
	return best, found
}

// distance is the edit distance of a and b, or more than limit.
func distance(a, b string, limit int) int {
	s, t := []rune(a), []rune(b)
	if len(s)-len(t) > limit || len(t)-len(s) > limit {
		return limit + 1
	}
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range s {
		before := row[0]
		row[0] = i + 1
		for j := range t {
			cost := before
			if s[i] != t[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(t)]
}

// isTitle reports whether a heading's text is "Release Decision". Emoji before
// it do not matter; behind it may stand a version, a date, and a translation
// after a slash or in another script.
func isTitle(text string) bool {
	text = markdown.Visible(text)
	if i := strings.IndexAny(text, "/|"); i > 0 {
		text = text[:i]
	}
	if i := strings.IndexFunc(text, otherScript); i > 0 {
		text = text[:i]
	}
	words := strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("()[]:,;*_`~–—-", r) || isEmoji(r)
	})
	if len(words) < 2 || lower(words[0]) != "release" || lower(words[1]) != "decision" {
		return false
	}
	for _, w := range words[2:] {
		if !isVersionOrDate(lower(w)) {
			return false
		}
	}
	return true
}

var months = map[string]bool{
	"jan": true, "january": true, "feb": true, "february": true, "mar": true, "march": true, "apr": true, "april": true,
	"may": true, "jun": true, "june": true, "jul": true, "july": true, "aug": true, "august": true, "sep": true,
	"sept": true, "september": true, "oct": true, "october": true, "nov": true, "november": true, "dec": true, "december": true,
}

var version = regexp.MustCompile(`^(?:version|v|no\.?|#?v?\d[a-z0-9.+]*|(?:rc|alpha|beta|build)\.?\d*)$`)

func isVersionOrDate(word string) bool { return months[word] || version.MatchString(word) }
