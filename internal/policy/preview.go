package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/gate"
)

// Compare says what comes and goes for a kind of pull request when one policy
// replaces another, each in a sentence.
func Compare(before, after *Policy, c Case) (comes, goes []string) {
	old := append(lines(before.wants(c)), before.whoDecides(), "against the verdict it passes by: "+before.overrideWords())
	now := append(lines(after.wants(c)), after.whoDecides(), "against the verdict it passes by: "+after.overrideWords())
	for _, l := range now {
		if !slices.Contains(old, l) {
			comes = append(comes, l)
		}
	}
	for _, l := range old {
		hardened := slices.Contains(now, strings.TrimSuffix(l, advice))
		if !slices.Contains(now, l) && !hardened {
			goes = append(goes, l)
		}
	}
	return comes, goes
}

// whoDecides says who release managers are.
func (p *Policy) whoDecides() string {
	var who []string
	for _, name := range p.actingFor(ReleaseManager) {
		role := p.Roles[name]
		if role.Permission != "" {
			who = append(who, "people with "+role.Permission+" permission")
		}
		for _, login := range role.Logins() {
			who = append(who, "@"+login)
		}
		for _, team := range role.Teams {
			who = append(who, "members of @"+team)
		}
	}
	if len(who) == 0 {
		return "nobody is a release manager"
	}
	return "release managers are " + commas(who)
}

func lines(asks []ask) []string {
	list := make([]string, 0, len(asks))
	for _, a := range asks {
		text := a.text
		if !a.blocks {
			text += advice
		}
		list = append(list, text)
	}
	return list
}

// changes shows a list of sentences in a finding.
func changes(list []string) string {
	const few = 4
	var quoted []string
	for _, l := range list[:min(few, len(list))] {
		quoted = append(quoted, gate.Quote(l))
	}
	text := strings.Join(quoted, "; ")
	if more := len(list) - few; more > 0 {
		text += " and " + strconv.Itoa(more) + " more"
	}
	return text
}

// Proposed judges what a pull request makes of the policy: a file that is not
// valid cannot land; of one that is, what it changes for pull requests like this
// one is said. after is the policy as it would be then, invalid why it cannot
// be read as one.
func Proposed(before *Policy, after Effective, invalid error, c Case) gate.Finding {
	if invalid != nil {
		return gate.Finding{
			Status: gate.Fail, Code: "policy-invalid", By: gate.ByAuthor,
			Fact: "the proposed policy " + fileNamed(invalid) + " is not valid: " + gate.Quote(invalid.Error()),
			Fix:  "mend the file in this pull request: it would block every other one",
		}
	}
	comes, goes := Compare(before, after.Policy, c)
	f := gate.Finding{
		Status: gate.Advisory, Code: "policy-change", By: gate.ByReviewer,
		Fact: fmt.Sprintf("the policy changes; for a %s-risk pull request like this one nothing comes or goes", c.Class),
	}
	var parts []string
	if len(comes) > 0 {
		parts = append(parts, "comes: "+changes(comes))
	}
	if len(goes) > 0 {
		parts = append(parts, "goes: "+changes(goes))
	}
	if len(parts) > 0 {
		f.Fact = fmt.Sprintf("for a %s-risk pull request like this one, by the proposed policy, %s", c.Class, strings.Join(parts, "; "))
	}
	return f
}

// Linked is the finding for a proposed policy file that is no file: a symlink, or
// a directory.
func Linked(name string) gate.Finding {
	f := Proposed(nil, Effective{}, &Error{File: name, Message: "it is a link to another file, or no file at all"}, Case{})
	f.Fix = "commit the policy itself under this name: who changed the other file would change the policy without touching it"
	return f
}

// fileNamed names the file of an error.
func fileNamed(err error) string {
	if e, ok := err.(*Error); ok && e.File != "" { //nolint:errorlint // Combine returns nothing else
		return e.File
	}
	return Path
}
