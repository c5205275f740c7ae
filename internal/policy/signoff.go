package policy

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// SignoffEvidence is what a sign-off asks.
type SignoffEvidence interface {
	FilesEvidence
	CommitsEvidence
	PeopleEvidence
	// Signoffs lists every accepted sign-off of this pull request in the order
	// of acceptance.
	Signoffs() []gate.Signoff
}

// The sign-offs that requirements ask for by name.
const (
	signoffQA            = "qa"
	signoffDocumentation = "documentation"
)

func (p *Policy) hasSignoff(name string) bool { _, ok := p.Signoffs[name]; return ok }

// SignoffNames lists the sign-offs of the policy in alphabetical order.
func (p *Policy) SignoffNames() []string { return slices.Sorted(maps.Keys(p.Signoffs)) }

// SignoffNamed returns the name of the policy's sign-off that word means, or "".
func (p *Policy) SignoffNamed(word string) string {
	folded := strings.Join(strings.Fields(strings.ToLower(word)), " ")
	if p.hasSignoff(folded) {
		return folded
	}
	return ""
}

// qa: somebody with the role of the sign-off "qa" has given it for what stands
// now.
func qa(q question, e SignoffEvidence) []gate.Finding { return signedOff(q, e, signoffQA) }

// signedOff: the sign-off stands, if it is asked for here.
func signedOff(q question, e SignoffEvidence, name string) []gate.Finding {
	if !q.signoffAsked(e, name) {
		return nil
	}
	return standingSignoff(q, e, name)
}

// signoffAsked reports whether the policy asks for a sign-off at this class and
// for these paths. Paths that could not be read ask for it.
func (q question) signoffAsked(e FilesEvidence, name string) bool {
	rule, ok := q.Policy.Signoffs[name]
	if !ok || q.class < gate.ParseClass(rule.From) {
		return false
	}
	files := e.Files()
	return len(rule.Paths) == 0 || !files.Known || slices.ContainsFunc(touched(files.Value), func(path string) bool { return matchAny(rule.Paths, path) })
}

func standingSignoff(q question, e SignoffEvidence, name string) []gate.Finding {
	role := q.Policy.Signoffs[name].Role
	var latest *gate.SignoffStanding
	judged := signoffStandings(q, e)
	for i, s := range judged {
		if s.Name == name && s.Counts {
			return nil
		}
		if s.Name == name {
			latest = &judged[i]
		}
	}
	if i := slices.IndexFunc(q.Waiting, func(w Waiting) bool { return w.Signoff == name }); i >= 0 {
		return one(q.Waiting[i].Why)
	}
	if f, empty := emptyRole(q.Policy, e, role, "gives the sign-off "+gate.Quote(name)); empty {
		return one(f)
	}
	f := gate.Finding{
		Status: gate.Action, Code: "signoff-missing", By: gate.ByReviewer, Who: q.Policy.Roles[role].Logins(),
		Fact: fmt.Sprintf("nobody has given the sign-off %s on %s", gate.Quote(name), gate.Short(q.PR.HeadSHA)),
		Fix:  fmt.Sprintf("somebody with the role %s who wrote none of it comments", gate.Quote(role)),
		Type: "/signoff " + name,
	}
	if latest == nil {
		return one(f)
	}
	if commits := e.Commits(); !commits.Known {
		return one(unread("the list of commits", commits.Why))
	}
	if holds := q.Policy.Authority(e, role, latest.User); !holds.Known {
		return one(unread("the role of "+handle(latest.User), holds.Why))
	}
	f.Code, f.Fact = "signoff-lapsed", latest.Lapsed
	return one(f)
}

// signoffStandings judges every sign-off as of now: it counts only while head,
// base, rules and record are what it was given for, its comment stands, and who
// gave it holds the role and wrote none of the change.
func signoffStandings(q question, e SignoffEvidence) []gate.SignoffStanding {
	all := slices.SortedFunc(slices.Values(e.Signoffs()), func(a, b gate.Signoff) int { return cmp.Compare(a.ID, b.ID) })
	var judged []gate.SignoffStanding
	for _, s := range all {
		why := lapsedSignoff(q, e, s)
		judged = append(judged, gate.SignoffStanding{Signoff: s, Counts: why == "", Lapsed: why})
	}
	return judged
}

func lapsedSignoff(q question, e SignoffEvidence, s gate.Signoff) string {
	what := fmt.Sprintf("/signoff %s by %s", gate.Quote(s.Name), handle(s.User))
	switch {
	case s.Voided != "":
		return fmt.Sprintf("the comment with %s was %s", what, s.Voided)
	case s.For.HeadSHA != q.PR.HeadSHA:
		return fmt.Sprintf("%s was for %s, head is %s", what, gate.Short(s.For.HeadSHA), gate.Short(q.PR.HeadSHA))
	case s.For.BaseRef != q.PR.BaseRef:
		return fmt.Sprintf("%s was for a merge into %s", what, gate.Quote(s.For.BaseRef))
	case s.For.Policy != q.Policy.Digest():
		return "the policy changed after " + what
	}
	for _, field := range s.For.Terms.Changed(q.terms) {
		if field != gate.FieldDecisionOwner { // who decides is nothing that was signed off
			return fmt.Sprintf("'%s' changed after %s", field, what)
		}
	}
	rule, ok := q.Policy.Signoffs[s.Name]
	commits := e.Commits()
	switch {
	case !ok:
		return "the policy has no sign-off " + gate.Quote(s.Name)
	case !commits.Known:
		return "who wrote this pull request cannot be read"
	case wroteIt(q.PR, commits.Value).include(s.User):
		return handle(s.User) + " wrote some of this pull request, and nobody signs off their own"
	}
	switch holds := q.Policy.Authority(e, rule.Role, s.User); {
	case !holds.Known:
		return "the role of " + handle(s.User) + " cannot be read"
	case !holds.Value:
		return fmt.Sprintf("%s no longer holds the role %s", handle(s.User), gate.Quote(rule.Role))
	}
	return ""
}

// emptyRole is the finding for a role that nobody can act for, or whose people
// cannot be read, and whether there is one.
func emptyRole(p *Policy, e PeopleEvidence, role, does string) (gate.Finding, bool) {
	switch some := p.anybody(e, role); {
	case !some.Known:
		return unread("the people of the role "+gate.Quote(role), some.Why), true
	case some.Value:
		return gate.Finding{}, false
	}
	return gate.Finding{
		Status: gate.Action, Code: "role-empty", By: gate.ByAdmin,
		Fact: fmt.Sprintf("nobody holds the role %s, which %s", gate.Quote(role), does),
		Fix:  fmt.Sprintf("name people under `roles` in %s, or switch the rule off there", Path),
	}, true
}

var signoffName = regexp.MustCompile(`^[a-z][a-z0-9]*(?:[ -][a-z0-9]+)*$`)

func (p *Policy) validateSignoffs(at places) *Error {
	for _, name := range p.SignoffNames() {
		path, s := "signoffs."+name, p.Signoffs[name]
		if !signoffName.MatchString(name) || len(name) > 50 {
			return at.errorf(path, "name a sign-off in small letters, such as qa or legal review: %q", name)
		}
		if err := p.roleExists(at, path+".role", s.Role); err != nil {
			return err
		}
		if s.From != "" && gate.ParseClass(s.From) == gate.Undeclared {
			return at.errorf(path+".from", "%q is not one of low, medium, high", s.From)
		}
		if err := at.globs(path+".paths", s.Paths); err != nil {
			return err
		}
	}
	return nil
}

// roleExists refuses a role that the policy does not define.
func (p *Policy) roleExists(at places, path, role string) *Error {
	if _, ok := p.Roles[role]; ok {
		return nil
	}
	if role == "" {
		return at.errorf(path, "name a role of the policy, such as %q", ReleaseManager)
	}
	return at.errorf(path, "%q is no role of the policy%s", role, suggest(role, p.RoleNames()))
}
