package policy

import (
	"cmp"
	"fmt"
	"strings"

	"gonogo/internal/gate"
)

// docs: what must change together did, and the documentation is signed off
// where the policy asks for that.
func docs(q question, e SignoffEvidence) []gate.Finding {
	found := signedOff(q, e, signoffDocumentation)
	if len(q.Policy.Companions) == 0 {
		return found
	}
	files := e.Files()
	if !files.Known {
		return append(found, unread("the list of changed files", files.Why))
	}
	paths := touched(files.Value)
	for i := range q.Policy.Companions {
		found = append(found, companion(q, e, q.Policy.Companions[i], paths)...)
	}
	return found
}

// companion judges one rule: if a path of When changed, one of Then changed
// too, or the sign-off stands.
func companion(q question, e SignoffEvidence, c Companion, paths []string) []gate.Finding {
	var because []string
	for _, path := range paths {
		if matchAny(c.Then, path) {
			return nil
		}
		if matchAny(c.When, path) {
			because = append(because, path)
		}
	}
	if len(because) == 0 {
		return nil
	}
	f := gate.Finding{
		Status: gate.Action, Code: "companion-missing", By: gate.ByAuthor,
		Fact: fmt.Sprintf("%s did not change, though %s did", gate.Quote(cmp.Or(c.Name, strings.Join(c.Then, ", "))), firstFew(because)),
		Fix:  "change them in this pull request too: " + gate.Quote(strings.Join(c.Then, ", ")),
	}
	if c.Or == "" {
		return one(f)
	}
	left := standingSignoff(q, e, c.Or)
	if len(left) == 0 {
		return nil
	}
	f.Fix += fmt.Sprintf("; or, if they are right as they are, somebody with the role %s comments", gate.Quote(q.Policy.Signoffs[c.Or].Role))
	f.Type = "/signoff " + c.Or
	if left[0].Status != gate.Action || left[0].Code == "signoff-lapsed" {
		return append(left, f)
	}
	return one(f)
}

func (p *Policy) validateCompanions(at places) *Error {
	for i, c := range p.Companions {
		path := fmt.Sprintf("companions[%d]", i)
		switch {
		case len(c.When) == 0:
			return at.errorf(path, "say which paths ask for the others: when: [\"agents/**\"]")
		case len(c.Then) == 0:
			return at.errorf(path, "say which paths change too: then: [\"contracts/**\"]")
		case c.Or != "" && len(p.Signoffs) == 0:
			return at.errorf(path+".or", "%q is no sign-off; declare it under signoffs", c.Or)
		case c.Or != "" && !p.hasSignoff(c.Or):
			return at.errorf(path+".or", "%q is no sign-off of the policy%s", c.Or, suggest(c.Or, p.SignoffNames()))
		}
		if err := cmp.Or(at.globs(path+".when", c.When), at.globs(path+".then", c.Then)); err != nil {
			return err
		}
	}
	return nil
}
