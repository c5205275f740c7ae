package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/gate"
)

// PeopleEvidence answers who somebody is and what they may do.
type PeopleEvidence interface {
	// Permission is what the account may do in the repository.
	Permission(login string) gate.Reading[gate.Permission]
	// Account is the account with this login; cause missing when there is none.
	Account(login string) gate.Reading[gate.User]
	// Bearer is the account of which Permission told; cause missing when GitHub
	// knows none of that login.
	Bearer(login string) gate.Reading[gate.User]
	// Meant is the account that had a login of the policy when it was first
	// resolved; without an ID when there was none.
	Meant(login string) gate.Reading[gate.User]
	// Team lists the members of "org/team"; cause missing when the team does
	// not exist or the App cannot see it.
	Team(name string) gate.Reading[[]gate.User]
}

// CommitsEvidence is what tells who wrote a pull request.
type CommitsEvidence interface {
	// Commits lists all commits of the pull request.
	Commits() gate.Reading[[]gate.Commit]
}

// permissionOf returns the permission by which a role is held, and whether the
// role has one.
func permissionOf(r Role) (gate.Permission, bool) {
	if r.Permission == "" {
		return gate.PermissionNone, false
	}
	return gate.ParsePermission(r.Permission)
}

// Authority tells whether an account holds the role, or one that may act for
// it. Known is false when it cannot be told, which is neither a yes nor a no.
func (p *Policy) Authority(e PeopleEvidence, role string, u gate.User) gate.Reading[bool] {
	answer := gate.Reading[bool]{Known: true}
	if u.Bot || u.ID == 0 {
		return answer
	}
	for _, name := range p.actingFor(role) {
		holds := p.Roles[name].heldBy(e, u)
		if holds.Known && holds.Value {
			return holds
		}
		if !holds.Known {
			answer = holds
		}
	}
	return answer
}

// heldBy tells whether an account is one of a role's own people.
func (r Role) heldBy(e PeopleEvidence, u gate.User) gate.Reading[bool] {
	answer := gate.Reading[bool]{Known: true}
	for _, who := range r.people() {
		is := who.means(e, u)
		if is.Known && is.Value {
			return is
		}
		if !is.Known {
			answer = is
		}
	}
	if least, ok := permissionOf(r); ok {
		has := permissionHeld(e, u)
		switch {
		case has.Known && has.Value >= least:
			return gate.Reading[bool]{Known: true, Value: true}
		case !has.Known:
			answer = gate.Reading[bool]{Why: has.Why}
		}
	}
	for _, team := range r.Teams {
		members := e.Team(team)
		switch {
		case members.Known && slices.ContainsFunc(members.Value, u.Is):
			return gate.Reading[bool]{Known: true, Value: true}
		case !members.Known:
			answer = gate.Reading[bool]{Why: members.Why}
		}
	}
	return answer
}

// contributors are the people who wrote a pull request: its author, the authors,
// committers and co-authors of its commits, and who pushed them.
type contributors struct {
	ids    map[int64]bool
	logins map[string]bool // from no-reply addresses that carry no id
	pushed map[int64]bool  // who only pushed what others wrote
}

// githubCommitter is the account in whose name GitHub itself commits: merges
// made by its buttons, edits in its editor.
const githubCommitter = "web-flow"

// noreply matches the address that GitHub gives to an account, on servers of
// one's own too. Logins of managed users hold an underscore.
var noreply = regexp.MustCompile(`(?i)^(?:(\d+)\+)?([a-z0-9_-]+)@users\.noreply\.[a-z0-9.-]+$`)

// wroteIt returns who wrote the pull request. A merge that GitHub itself made,
// and in which nobody wrote a line, makes nobody a contributor, and neither does a
// commit that landed before through a pull request which was READY.
func wroteIt(pr gate.PullRequest, commits []gate.Commit) contributors {
	c := contributors{ids: map[int64]bool{pr.Author.ID: true, pr.RecordBy.ID: true}, logins: map[string]bool{}, pushed: map[int64]bool{}}
	for _, commit := range commits {
		if mergedCleanly(commit) || commit.Landed != 0 {
			continue
		}
		for _, u := range []*gate.User{commit.Author, commit.Committer} {
			if u != nil && u.Login != githubCommitter {
				c.ids[u.ID] = true
			}
		}
		if commit.Author == nil {
			c.addEmail(commit.AuthorEmail)
		}
		if commit.Committer == nil {
			c.addEmail(commit.CommitterEmail)
		}
		for _, co := range commit.CoAuthors {
			c.addEmail(co.Email)
		}
	}
	delete(c.ids, 0)
	for _, u := range pr.Pushers {
		c.pushed[u.ID] = u.ID != 0 && !c.ids[u.ID]
	}
	return c
}

// MergedByGitHub reports whether GitHub itself made a merge. Anyone can write its
// name into a commit; its signature tells.
func MergedByGitHub(c gate.Commit) bool {
	return c.Parents > 1 && c.Committer != nil && c.Committer.Login == githubCommitter && c.Verified
}

// mergedCleanly reports whether GitHub made a merge in which nobody wrote
// anything. It also makes and signs those whose conflicts somebody resolved in
// its editor.
func mergedCleanly(c gate.Commit) bool { return MergedByGitHub(c) && c.Mechanical }

func (c contributors) addEmail(email string) {
	m := noreply.FindStringSubmatch(strings.TrimSpace(email))
	if m == nil {
		return
	}
	if id, err := strconv.ParseInt(m[1], 10, 64); err == nil {
		c.ids[id] = true
		return
	}
	c.logins[strings.ToLower(m[2])] = true
}

func (c contributors) include(u gate.User) bool {
	return c.ids[u.ID] || c.logins[strings.ToLower(u.Login)] || c.pushed[u.ID]
}

// did says what a contributor did.
func (c contributors) did(u gate.User) string {
	if c.pushed[u.ID] && !c.logins[strings.ToLower(u.Login)] {
		return "pushed"
	}
	return "wrote"
}

// unattributed describes the commits whose author or committer belongs to no
// account: who that was cannot be told, only that they count as somebody else
// than who approves.
func unattributed(commits []gate.Commit) (all []string) {
	for _, c := range commits {
		var who []string
		if c.Author == nil && !noreply.MatchString(strings.TrimSpace(c.AuthorEmail)) {
			who = append(who, "author")
		}
		if c.Committer == nil && !noreply.MatchString(strings.TrimSpace(c.CommitterEmail)) {
			who = append(who, "committer")
		}
		if len(who) > 0 {
			all = append(all, fmt.Sprintf("%s (%s)", gate.Short(c.SHA), strings.Join(who, " and ")))
		}
	}
	return all
}

// coAuthorsUnknown lists the commits with a co-author whose address is none that
// GitHub gives to an account: whose it is cannot be told.
func coAuthorsUnknown(commits []gate.Commit) (all []string) {
	for _, c := range commits {
		if slices.ContainsFunc(c.CoAuthors, func(co gate.CoAuthor) bool { return !noreply.MatchString(strings.TrimSpace(co.Email)) }) {
			all = append(all, gate.Short(c.SHA))
		}
	}
	return all
}

// Contributed reports whether u wrote some of the pull request.
func Contributed(pr gate.PullRequest, commits []gate.Commit, u gate.User) bool {
	return wroteIt(pr, commits).include(u)
}

// ContributedAt is Contributed for approvals and decisions at a class, to which
// accepted suggestions may be no obstacle.
func ContributedAt(class gate.Class, pr gate.PullRequest, commits []gate.Commit, u gate.User) bool {
	return wroteBy(pr, commits, class).include(u)
}

// handle returns a login as people write it, marked as a value.
func handle(u gate.User) string { return gate.Quote("@" + u.Login) }

// roleNamed returns the policy's role that an owner's plain name means, or "".
func (p *Policy) roleNamed(name string) string {
	folded := strings.Join(strings.Fields(strings.ToLower(strings.NewReplacer("-", " ", "_", " ").Replace(name))), " ")
	folded = strings.TrimPrefix(folded, "the ")
	for _, role := range p.RoleNames() {
		if want := strings.ToLower(role); folded == want || folded == want+"s" {
			return role
		}
	}
	return ""
}

// authorRole is the word that stands for the pull request's author, as rollback
// owner only.
const authorRole = "author"

// ownerFinding tells whether somebody whom the record names resolves to an
// account, a team or a role; nil when they do.
func ownerFinding(q question, e PeopleEvidence, o gate.Owner, field gate.Field) []gate.Finding {
	unknown := func(fact string) []gate.Finding {
		return one(gate.Finding{
			Status: gate.Action, Code: "owner-unknown", By: gate.ByAuthor, Field: field, Fact: fact,
			Fix:  "name an account, a team or a role of the policy in the pull request's description",
			Type: fmtOwner(field, q.PR.Author.Login),
		})
	}
	switch {
	case o.User != "":
		account := e.Account(o.User)
		if account.Known && account.Value.Bot {
			return unknown(gate.Quote("@"+o.User) + " is a bot; an owner is a person")
		}
		return ownerReading(account.Known, account.Why, gate.Quote("@"+o.User), unknown)
	case o.Team != "":
		members := e.Team(o.Team)
		if members.Known && len(members.Value) == 0 {
			return unknown("the team " + gate.Quote("@"+o.Team) + " has no members")
		}
		if !members.Known && members.Why.Cause != gate.CauseFault {
			return one(gate.Finding{
				Status: gate.Action, Code: "cannot-read-team", By: gate.ByAdmin, Field: field,
				Fact: "the team " + gate.Quote("@"+o.Team) + " cannot be read",
				Fix:  "check its name, and that the App has the permission Members: read; or name an account instead",
				Type: fmtOwner(field, q.PR.Author.Login),
			})
		}
		return ownerReading(members.Known, members.Why, "the team "+gate.Quote("@"+o.Team), unknown)
	case q.Policy.roleNamed(o.Name) != "":
		return nil
	case field == gate.FieldRollbackOwner && strings.EqualFold(strings.TrimPrefix(strings.ToLower(o.Name), "the "), authorRole):
		return nil
	default:
		return unknown(gate.Quote(o.Name) + " is no role of the policy and no account")
	}
}

func ownerReading(known bool, why gate.Unreadable, who string, unknown func(string) []gate.Finding) []gate.Finding {
	switch {
	case known:
		return nil
	case why.Cause == gate.CauseMissing:
		return unknown(who + " does not exist on GitHub")
	default:
		return one(unread(who, why))
	}
}

func fmtOwner(field gate.Field, login string) string {
	example := "release manager"
	if field == gate.FieldRollbackOwner && login != "" {
		example = "@" + login
	}
	return "- " + string(field) + ": " + example
}
