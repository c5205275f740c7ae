package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// Name is somebody or something outside of a policy file that the file names:
// an account or a team, or a check.
type Name struct {
	Key   string // where: "roles.CDO.teams[0]"
	Line  int    // from 1
	Owner gate.Owner
	ID    int64 // of the account, where the entry says it
	Check string
}

// NamedBy lists whom and what a valid policy file names, in the order of its
// lines.
func NamedBy(f File) []Name {
	o, err := parseOrganization(&f)
	if err != nil {
		return nil
	}
	names := o.policy.names(o.at, "")
	if o.enforced != nil {
		names = append(names, o.enforced.names(o.enforcedAt, enforceKey+".")...)
	}
	slices.SortStableFunc(names, func(a, b Name) int { return a.Line - b.Line })
	return names
}

// names lists what the file itself names: what it leaves to the built-in policy
// has no place in it.
func (p *Policy) names(at places, under string) []Name {
	var names []Name
	add := func(key string, n Name) {
		if where, given := at[key]; given {
			n.Key, n.Line = under+key, where.line
			names = append(names, n)
		}
	}
	users := func(key string, logins []string) {
		for i, login := range logins {
			who, _ := parsePerson(login)
			add(fmt.Sprintf("%s[%d]", key, i), Name{Owner: gate.Owner{User: who.login}, ID: who.id})
		}
	}
	for _, name := range p.RoleNames() {
		users("roles."+name+".users", p.Roles[name].Users)
		for i, team := range p.Roles[name].Teams {
			add(fmt.Sprintf("roles.%s.teams[%d]", name, i), Name{Owner: gate.Owner{Team: team}})
		}
	}
	for i, x := range p.Exempt {
		users(fmt.Sprintf("exempt[%d].authors", i), x.Authors)
	}
	users("dependencies.bots", p.Dependencies.Bots)
	for i, check := range p.Checks.Required {
		add(fmt.Sprintf("checks.required[%d]", i), Name{Check: check})
	}
	for _, check := range slices.Sorted(maps.Keys(p.Checks.Apps)) {
		add("checks.apps."+check, Name{Check: check})
	}
	return names
}

// LookedUp cuts a list of names so that it holds no more than most different
// people and teams, and tells how many others there are. Checks stay.
func LookedUp(names []Name, most int) (few []Name, others int) {
	kept, left := map[string]bool{}, map[string]bool{}
	for _, n := range names {
		key := strings.ToLower(n.Owner.String())
		if n.Check == "" && !kept[key] {
			if len(kept) >= most {
				left[key] = true
				continue
			}
			kept[key] = true
		}
		few = append(few, n)
	}
	return few, len(left)
}

// LookUpEvidence is what tells whether those whom a policy names are there.
type LookUpEvidence interface {
	PeopleEvidence
	// Checks lists what has reported on the head commit.
	Checks() gate.Reading[[]gate.Check]
}

// LookUp holds what a proposed policy names against what is there.
type LookUp struct {
	Evidence LookUpEvidence
	Names    []Name
	Unlooked int // how many others it names
	// OnBase is what has reported on the base branch.
	OnBase gate.Reading[[]gate.Check]
	// Organization is whose teams can be seen, if SeesTeams: a team of another
	// one, or without the permission, is hidden rather than missing.
	Organization string
	SeesTeams    bool
	// Advise lets nothing block: the policy was in force before.
	Advise bool
}

// TeamsMissing reports whether any team was not to be found, so that it matters
// whether the App may see teams at all.
func (l LookUp) TeamsMissing() bool {
	return slices.ContainsFunc(l.Names, func(n Name) bool {
		return n.Owner.Team != "" && l.Evidence.Team(n.Owner.Team).Why.Cause == gate.CauseMissing
	})
}

// Findings says of each name that is not there, or cannot be read, in which line
// of the file it stands.
func (l LookUp) Findings(file string) []gate.Finding {
	var found []gate.Finding
	for _, n := range l.Names {
		f := l.finding(n)
		if f == nil {
			continue
		}
		f.Fact = fmt.Sprintf("line %d of %s (%s): %s", n.Line, gate.Quote(file), gate.Quote(n.Key), f.Fact)
		found = append(found, *f)
	}
	if l.Unlooked > 0 {
		found = append(found, gate.Finding{
			Status: gate.Action, Code: "policy-not-looked-up", By: gate.ByAuthor,
			Fact: fmt.Sprintf("%d more people and teams that %s names were not looked up, so that any of them may be nobody", l.Unlooked, gate.Quote(file)),
			Fix:  "name teams rather than people",
		})
	}
	for i := range found {
		if l.Advise {
			found[i].Status = gate.Advisory
		}
	}
	return found
}

func (l LookUp) finding(n Name) *gate.Finding {
	switch {
	case n.Check != "":
		return l.unseenCheck(n.Check)
	case n.Owner.Team != "":
		return l.team(n.Owner.Team)
	}
	account := l.Evidence.Account(n.Owner.User)
	who := "the account " + gate.Quote("@"+n.Owner.User)
	switch {
	case account.Known && n.ID != 0 && account.Value.ID != n.ID:
		return unknownName(fmt.Sprintf("%s is user %d, not %d", who, account.Value.ID, n.ID))
	case account.Known:
		return nil
	case account.Why.Cause == gate.CauseMissing:
		return unknownName(who + " does not exist on GitHub")
	}
	f := unread(who, account.Why)
	return &f
}

func unknownName(fact string) *gate.Finding {
	return &gate.Finding{
		Status: gate.Fail, Code: "policy-unknown-name", By: gate.ByAuthor, Fact: fact,
		Fix: "correct the line in this pull request: whoever takes that name would have what the policy gives it",
	}
}

func (l LookUp) team(name string) *gate.Finding {
	members := l.Evidence.Team(name)
	org, _, _ := strings.Cut(name, "/")
	who := "the team " + gate.Quote("@"+name)
	hidden := func(why string) *gate.Finding {
		return &gate.Finding{
			Status: gate.Action, Code: "cannot-read-team", By: gate.ByAdmin,
			Fact: who + " cannot be read: " + why,
			Fix:  "an administrator grants the App the permission Members: read; or name accounts, or a team of this organization",
		}
	}
	switch {
	case members.Known:
		return nil
	case members.Why.Cause == gate.CauseFault:
		f := unread(who, members.Why)
		return &f
	case !strings.EqualFold(org, l.Organization):
		return hidden("it belongs to another account than this repository")
	case members.Why.Cause == gate.CauseMissing && l.SeesTeams:
		return unknownName(who + " does not exist, or is secret")
	}
	return hidden("this App may not see the organization's teams")
}

// unseenCheck warns of a check that would be waited for and that nothing has
// ever reported, as far as can be seen.
func (l LookUp) unseenCheck(name string) *gate.Finding {
	f := &gate.Finding{
		Status: gate.Advisory, Code: "policy-unseen-check", By: gate.ByAuthor,
		Fact: fmt.Sprintf("no check named %s has reported on the base branch or on this head", gate.Quote(name)),
		Fix:  "compare it with the names in the list of checks; every pull request would wait for it",
	}
	here := l.Evidence.Checks()
	reported := func(c gate.Check) bool { return c.Name == name }
	switch {
	case slices.ContainsFunc(l.OnBase.Value, reported) || slices.ContainsFunc(here.Value, reported):
		return nil
	case !l.OnBase.Known || !here.Known:
		f.Fact = fmt.Sprintf("whether a check named %s reports on the base branch could not be read", gate.Quote(name))
	}
	return f
}

// FurtherFaults tells of the errors in a proposed policy file besides the one
// that [Proposed] has told of.
func FurtherFaults(f File, told error) []gate.Finding {
	_, faults := Check(f)
	var found []gate.Finding
	for _, fault := range faults {
		if fault.Error() == told.Error() {
			continue
		}
		named := *fault
		named.File = f.Name
		found = append(found, Proposed(nil, Effective{}, &named, Case{}))
	}
	return found
}
