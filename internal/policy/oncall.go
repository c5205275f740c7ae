package policy

import (
	"strings"

	"gonogo/internal/gate"
)

// onCall: the on-call owner and the backup owner are two different people, and
// both resolve.
func onCall(q question, e PeopleEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	var found []gate.Finding
	named := map[gate.Field][]gate.Owner{}
	for _, field := range []gate.Field{gate.FieldOnCall, gate.FieldBackup} {
		if q.blank(field) {
			found = append(found, gate.Finding{
				Status: gate.Action, Code: "on-call-missing", By: gate.ByAuthor, Field: field,
				Fact: "the record names no " + strings.ToLower(string(field)), Fix: "add the line to the record in the pull request's description",
				Type: fmtOwner(field, ""),
			})
			continue
		}
		text := q.Record.More[field]
		owners := q.Policy.namedIn(text)
		if len(owners) == 0 {
			owners = []gate.Owner{{Name: text}}
		}
		named[field] = owners
		found = append(found, ownersResolve(q, e, owners, field)...)
	}
	for _, o := range named[gate.FieldOnCall] {
		for _, b := range named[gate.FieldBackup] {
			if strings.EqualFold(o.String(), b.String()) {
				return append(found, gate.Finding{
					Status: gate.Action, Code: "on-call-same", By: gate.ByAuthor, Field: gate.FieldBackup,
					Fact: "on-call owner and backup owner are the same: " + gate.Quote(o.String()), Fix: "name somebody else as backup owner",
				})
			}
		}
	}
	return found
}

func ownersResolve(q question, e PeopleEvidence, owners []gate.Owner, field gate.Field) []gate.Finding {
	var found []gate.Finding
	for _, o := range owners {
		if e == nil && o.Name == "" {
			continue // lint cannot look accounts up
		}
		found = append(found, ownerFinding(q, e, o, field)...)
	}
	return found
}
