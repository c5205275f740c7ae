package policy

import (
	"regexp"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// mention matches an account or a team as people write them.
var mention = regexp.MustCompile(`(?:^|[^\w./@-])@([A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:/[A-Za-z0-9](?:[\w.-]*\w)?)?)`)

// maxMentions is how many people of one field are looked up.
const maxMentions = 6

// mentioned lists the accounts and teams that a text names, each once.
func mentioned(text string) []gate.Owner {
	var found []gate.Owner
	for _, m := range mention.FindAllStringSubmatch(text, maxMentions) {
		o := gate.Owner{User: m[1]}
		if strings.Contains(m[1], "/") {
			o = gate.Owner{Team: m[1]}
		}
		if !slices.Contains(found, o) {
			found = append(found, o)
		}
	}
	return found
}

// namedIn lists whom a text names: accounts, teams, and roles of the policy as
// whole words.
func (p *Policy) namedIn(text string) []gate.Owner {
	found := mentioned(text)
	folded := " " + strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return strings.ContainsRune(" \t\n\u00a0,;:()-_", r)
	}), " ") + " "
	for _, role := range p.RoleNames() {
		name := strings.Join(strings.FieldsFunc(strings.ToLower(role), func(r rune) bool { return r == ' ' || r == '-' || r == '_' }), " ")
		if name != "" && (strings.Contains(folded, " "+name+" ") || strings.Contains(folded, " "+name+". ")) {
			found = append(found, gate.Owner{Name: role})
		}
	}
	return found
}

// peopleFields are further fields that name people, with the requirement that
// judges whether they resolve.
var peopleFields = map[gate.Field]gate.Requirement{
	gate.FieldOnCall: "operational/on-call", gate.FieldBackup: "operational/on-call",
	gate.FieldRollbackPlan: "operational/rollback-plan", gate.FieldMonitoring: "operational/monitoring",
	gate.FieldEscalation: "communication/escalation",
}

// Owners lists everybody whom a record names and whom the policy wants
// resolved: owners, the panel, and the people in further fields.
func (p *Policy) Owners(r gate.Record) []gate.Owner {
	named := append([]gate.Owner{r.RollbackOwner, r.DecisionOwner}, r.Panel...)
	for field, id := range peopleFields {
		if text := r.More[field]; text != "" && p.Mentions(id) {
			named = append(named, mentioned(text)...)
		}
	}
	return named
}

// resolved judges the accounts and teams that a further field names.
func resolved(q question, e PeopleEvidence, field gate.Field) []gate.Finding {
	if e == nil {
		return nil // lint cannot look them up
	}
	var found []gate.Finding
	for _, o := range mentioned(q.Record.More[field]) {
		for _, f := range ownerFinding(q, e, o, field) {
			f.Type = ""
			found = append(found, f)
		}
	}
	return found
}

// blank reports whether a further field says nothing.
func (q question) blank(field gate.Field) bool {
	return emptyWords.MatchString(strings.TrimSpace(q.Record.More[field]))
}

// emptyWords match a value that gives no answer.
var emptyWords = regexp.MustCompile(`(?i)^(?:|[-–—.…?]+|tbd|tba|tbc|todo|t\.b\.d\.|n/?a|later|pending|to be (?:defined|determined|decided|announced|confirmed))[.!]?$`)
