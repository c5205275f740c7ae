package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/gate"
)

// A login can change hands: its owner renames the account, and whoever comes
// next takes the name. What a role's `users` say is therefore held against the
// account that had the login when it was first resolved, and an entry may name
// the account itself by its number: "alice#42".

// codeIdentity marks a GO by an account that no longer is the one meant.
const codeIdentity = "identity-changed"

// person is an entry of a role's users. Its id is 0 where the entry says none.
type person struct {
	login string
	id    int64
}

// parsePerson reads "alice" or "alice#42".
func parsePerson(entry string) (p person, ok bool) {
	login, number, numbered := strings.Cut(entry, "#")
	p.login = login
	if numbered {
		id, err := strconv.ParseInt(number, 10, 64)
		if err != nil || id <= 0 {
			return p, false
		}
		p.id = id
	}
	return p, login != "" && !strings.ContainsAny(login, "@/ ")
}

// people lists a role's users.
func (r Role) people() []person {
	var list []person
	for _, entry := range r.Users {
		p, _ := parsePerson(entry)
		list = append(list, p)
	}
	return list
}

// Logins lists the logins of a role's users.
func (r Role) Logins() []string {
	var logins []string
	for _, p := range r.people() {
		logins = append(logins, p.login)
	}
	return logins
}

// Unnumbered lists, each once and in small letters, the logins of roles that say
// no account number: whom they mean is whoever had them first.
func (p *Policy) Unnumbered() []string {
	var logins []string
	for _, role := range p.Roles {
		for _, who := range role.people() {
			if who.id == 0 {
				logins = append(logins, strings.ToLower(who.login))
			}
		}
	}
	slices.Sort(logins)
	return slices.Compact(logins)
}

// meant is the number of the account that an entry means; 0 when nobody had the
// login when it was first resolved.
func (p person) meant(e PeopleEvidence) gate.Reading[int64] {
	if p.id != 0 {
		return gate.Reading[int64]{Known: true, Value: p.id}
	}
	pinned := e.Meant(strings.ToLower(p.login))
	return gate.Reading[int64]{Known: pinned.Known, Why: pinned.Why, At: pinned.At, Value: pinned.Value.ID}
}

// means tells whether an entry means u: the login and the account must both be
// the ones meant.
func (p person) means(e PeopleEvidence, u gate.User) gate.Reading[bool] {
	if !strings.EqualFold(p.login, u.Login) {
		return gate.Reading[bool]{Known: true}
	}
	id := p.meant(e)
	return gate.Reading[bool]{Known: id.Known, Why: id.Why, At: id.At, Value: id.Known && id.Value == u.ID}
}

// permissionHeld tells what u may do in the repository. GitHub answers for a login:
// where that is another account by now, its permission is not that of u.
func permissionHeld(e PeopleEvidence, u gate.User) gate.Reading[gate.Permission] {
	has := e.Permission(u.Login)
	if renamed(e, u) != "" {
		has.Known, has.Value = true, gate.PermissionNone
	}
	return has
}

// renamed says what became of the login under which u spoke; "" when it still is
// u, or when that is not known.
func renamed(e PeopleEvidence, u gate.User) string {
	switch now := e.Bearer(u.Login); {
	case u.ID == 0:
		return ""
	case now.Known && now.Value.ID != 0 && !now.Value.Is(u):
		return fmt.Sprintf("%s is now user %d, was %d", handle(u), now.Value.ID, u.ID)
	case !now.Known && now.Why.Cause == gate.CauseMissing:
		return fmt.Sprintf("user %d is no longer called %s", u.ID, handle(u))
	}
	return ""
}

// Mistaken says why an account that one of the roles seems to name is not the
// one that the policy means, and what an administrator does when it is: the
// login changed hands, or the account has another login by now. Both are "" when
// nothing of the kind is known.
func (p *Policy) Mistaken(e PeopleEvidence, roles []string, u gate.User) (fact, fix string) {
	if u.Bot || u.ID == 0 {
		return "", ""
	}
	for _, name := range p.ActingFor(roles...) {
		for _, who := range p.Roles[name].people() {
			id := who.meant(e)
			if !id.Known {
				continue
			}
			same := strings.EqualFold(who.login, u.Login)
			switch {
			case same && id.Value != u.ID:
				return who.becameAnother(u.ID, id.Value), who.confirm(name, u.ID)
			case !same && id.Value == u.ID:
				return fmt.Sprintf("user %d, whom the policy names as %s, is now called %s", u.ID, gate.Quote("@"+who.login), handle(u)),
					fmt.Sprintf("if that is right, an administrator writes %s in place of %s under `users` of the role %s", gate.Quote(u.Login), gate.Quote(who.login), gate.Quote(name))
			}
		}
	}
	return "", ""
}

// Unsettled reports whether it is a login that keeps an account from holding one
// of the roles: it changed hands, or the account has another one by now.
func (p *Policy) Unsettled(e PeopleEvidence, roles []string, u gate.User) bool {
	fact, _ := p.Mistaken(e, roles, u)
	return !u.Bot && (fact != "" || renamed(e, u) != "")
}

func (p person) becameAnother(now, was int64) string {
	if was == 0 {
		return fmt.Sprintf("%s is now user %d, and was nobody when the policy was first read", gate.Quote("@"+p.login), now)
	}
	return fmt.Sprintf("%s is now user %d, was %d", gate.Quote("@"+p.login), now, was)
}

func (p person) confirm(role string, id int64) string {
	return fmt.Sprintf("if the policy means the present one, an administrator writes %s in place of %s under `users` of the role %s; else they take the name out",
		gate.Quote(fmt.Sprintf("%s#%d", p.login, id)), gate.Quote(p.login), gate.Quote(role))
}

// changedHands is the finding for a login of the roles that is known to belong
// to another account than the policy means; nil when there is none.
func changedHands(p *Policy, e PeopleEvidence, roles []string) *gate.Finding {
	for _, name := range p.ActingFor(roles...) {
		for _, who := range p.Roles[name].people() {
			now := e.Bearer(who.login)
			if !now.Known || now.Value.ID == 0 {
				continue
			}
			if id := who.meant(e); id.Known && id.Value != now.Value.ID {
				return &gate.Finding{
					Status: gate.Action, Code: codeIdentity, By: gate.ByAdmin,
					Fact: who.becameAnother(now.Value.ID, id.Value), Fix: who.confirm(name, now.Value.ID),
				}
			}
		}
	}
	return nil
}
