package policy

import (
	"fmt"
	"slices"

	"gonogo/internal/gate"
)

// WritersEvidence tells who else there is.
type WritersEvidence interface {
	// Writers lists everyone with write access, bots too.
	Writers() gate.Reading[[]gate.Collaborator]
}

// alone returns the only person with write access, and whether it is known that
// there is only one.
func alone(e WritersEvidence) (gate.User, bool) {
	writers := e.Writers()
	if !writers.Known {
		return gate.User{}, false
	}
	var people []gate.User
	for _, c := range writers.Value {
		if !c.User.Bot && c.Permission >= gate.PermissionWrite {
			people = append(people, c.User)
		}
	}
	if len(people) != 1 {
		return gate.User{}, false
	}
	return people[0], true
}

// AuthorMayDecideOn tells whether the /go of u, who wrote some of the pull
// request, counts: where the policy lets authors decide, at low and medium; and
// where it says that one person works alone, as long as that is so. Known is
// false when it rests on who else can write, and that could not be read.
func (p *Policy) AuthorMayDecideOn(pr gate.PullRequest, e WritersEvidence, class gate.Class, u gate.User) gate.Reading[bool] {
	switch {
	case !u.Is(pr.Author):
		return gate.Reading[bool]{Known: true}
	case p.AuthorMayDecide && class < gate.High:
		return gate.Reading[bool]{Known: true, Value: true}
	case !p.Solo:
		return gate.Reading[bool]{Known: true}
	}
	if writers := e.Writers(); !writers.Known {
		return gate.Reading[bool]{Why: writers.Why, At: writers.At}
	}
	only, isAlone := alone(e)
	return gate.Reading[bool]{Known: true, Value: isAlone && only.Is(u)}
}

// soloPolicy is the file that one person alone commits: config/examples/solo.yml
// without its comments.
const soloPolicy = `solo: true
approvals: {low: 0, medium: 0, high: 0}
go: {low: 0, medium: 1, high: 1}
ask: none
roles:
  release manager: {permission: write}
`

// nobodyCanApprove replaces the finding that approvals are missing when nobody
// is there to give one; nil when somebody is, or when that is not known.
func nobodyCanApprove(q question, e WritersEvidence, wrote contributors) *gate.Finding {
	writers := e.Writers()
	if !writers.Known {
		return nil
	}
	able := slices.ContainsFunc(writers.Value, func(c gate.Collaborator) bool {
		return !c.User.Bot && c.Permission >= gate.PermissionWrite && !wrote.include(c.User)
	})
	if able {
		return nil
	}
	who := "nobody has write access"
	only, isAlone := alone(e)
	if isAlone {
		who = handle(only) + " is the only one with write access"
	} else if len(writers.Value) > 0 {
		who = "everybody with write access wrote some of it"
	}
	f := &gate.Finding{
		Status: gate.Action, Code: "nobody-can-approve", By: gate.ByAdmin,
		Fact: who + fmt.Sprintf(", so that nobody can approve #%d", q.PR.Number),
		Fix:  "an administrator gives somebody else write access",
	}
	if isAlone && len(q.Policy.Enforced) == 0 { // else it is for the organization to say who decides on their own
		f.File = soloPolicy
		f.Fix += "; who works alone commits this policy instead, " + q.howToLand()
	}
	return f
}

// howToLand says where a policy for this repository goes, and what its pull
// request needs.
func (q question) howToLand() string {
	if q.Policy.Source == Path {
		return "in the keys of " + Path
	}
	return "as " + Path + ", alone in a pull request that needs nobody but an administrator, whose own /go counts"
}
