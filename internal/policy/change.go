package policy

import (
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// OrganizationRepo is the repository in which an organization keeps what it
// says for all of its repositories.
const OrganizationRepo = ".github"

// Change is what a pull request does that touches nothing but the policy. It is
// judged by the policy in force, never by the one that it proposes.
type Change int

const (
	// ChangeNone: it touches something else, or not the policy.
	ChangeNone Change = iota
	// ChangeRules: it touches nothing but the policy. What a release is rehearsed,
	// drilled and announced for is not asked.
	ChangeRules
	// ChangeFirst: it adds the first policy file and nothing else. The rules in
	// force were nobody's choice yet: one administrator's /go is enough, the
	// author's too.
	ChangeFirst
	// ChangeBack: the policy in force is not valid, and this alone puts back the
	// one that was valid last. It is decided like the first one.
	ChangeBack
)

// PolicyAlone reports whether a pull request is known to touch policy files of
// its repository and nothing else.
func PolicyAlone(repo gate.Repository, files gate.Reading[[]gate.File]) bool {
	if !files.Known || len(files.Value) == 0 {
		return false
	}
	return !slices.ContainsFunc(touched(files.Value), func(name string) bool { return !isPolicy(repo, name) })
}

// touchesPolicy reports whether a policy file is among the changed ones.
func touchesPolicy(repo gate.Repository, files []gate.File) bool {
	return slices.ContainsFunc(touched(files), func(name string) bool { return isPolicy(repo, name) })
}

func isPolicy(repo gate.Repository, name string) bool {
	return name == Path || name == OrganizationPath && KeepsOrganization(repo)
}

// KeepsOrganization reports whether a repository is the one in which its
// organization keeps what it says for all. GitHub's names ignore case.
func KeepsOrganization(repo gate.Repository) bool {
	return strings.EqualFold(repo.Name, OrganizationRepo) && !repo.OwnerIsUser
}

// OneAdmin reports whether an administrator's /go is the whole decision on a
// change of the policy. Where the organization enforces who approves, decides or
// signs off, that holds for a first policy file as well.
func (p *Policy) OneAdmin(c Change) bool {
	return (c == ChangeFirst || c == ChangeBack) && len(p.enforcedPeople()) == 0
}

// aboutPeople lists the keys that say what people must do before a merge.
// Everything else that can be enforced is asked of a first policy file anyway or
// where it is enforced, see whereEnforced, or is nothing that could be asked of it.
var aboutPeople = [...]string{
	"approvals", "author_may_decide", "authorization", "carry_same_tree", "companions", "components", "go", "monitoring", "rehearsal", "requirements", "roles", "signoffs", "solo", "tracker",
}

func (p *Policy) enforcedPeople() []string {
	return slices.DeleteFunc(slices.Clone(p.Enforced), func(key string) bool { return !slices.Contains(aboutPeople[:], key) })
}

// Administers tells whether an account administers the repository.
func Administers(e PeopleEvidence, u gate.User) gate.Reading[bool] {
	if u.Bot || u.ID == 0 {
		return gate.Reading[bool]{Known: true}
	}
	has := permissionHeld(e, u)
	return gate.Reading[bool]{Known: has.Known, Why: has.Why, Value: has.Known && has.Value >= gate.PermissionAdmin}
}

// byOneAdmin reports whether one administrator's /go decides here.
func (q question) byOneAdmin() bool { return q.Policy.OneAdmin(q.Change) }

// withoutPanel lists what is asked of a first policy file, which has no record.
// Where there is one all the same, the author's own no is heard.
var withoutPanel = [...]gate.Requirement{
	inputs, "decision/record", "code/checks", "code/secrets", "operational/window", "decision/veto", "decision/authorized",
}

// whereEnforced lists what is asked of a first policy file only where the
// organization enforces it: it asks for nothing that somebody would have to say.
var whereEnforced = [...]gate.Requirement{"code/severity", "code/branches"}

// held reports whether requirement id is asked of a first policy file since its
// organization enforces a key by which it is judged.
func (p *Policy) held(id gate.Requirement) bool {
	return slices.Contains(whereEnforced[:], id) &&
		slices.ContainsFunc(judgedBy[id], func(key string) bool { return slices.Contains(p.Enforced, key) })
}

// ofReleases lists what is asked for the sake of what is released, besides the
// communication gate.
var ofReleases = [...]gate.Requirement{"operational/rehearsal", "operational/drill"}

// asksNothing reports whether requirement id is left out for what the pull
// request is.
func (q question) asksNothing(id gate.Requirement) bool {
	switch {
	case q.bare:
		return !slices.Contains(withoutRecord[:], id)
	case q.byOneAdmin():
		return !slices.Contains(withoutPanel[:], id) && !q.Policy.held(id)
	case q.Change != ChangeNone:
		return slices.Contains(ofReleases[:], id) || id.Gate() == gate.Communication
	}
	return false
}

// leftOut says why requirements are left out, "" where none are.
func (q question) leftOut() string {
	switch {
	case q.bare:
		return "an update of dependencies needs no record"
	case q.byOneAdmin() && q.Change == ChangeBack:
		return "putting back the policy that was valid last needs one administrator's /go and no record"
	case q.byOneAdmin():
		return "the first policy file needs one administrator's /go and no record"
	case q.Change != ChangeNone:
		return "nothing but the policy changes"
	}
	return ""
}

// ownInputs adds to what is told of the evaluation's inputs what is not required
// of a change of the policy, and why.
func ownInputs(q question) []gate.Finding {
	if q.Change == ChangeNone {
		return q.Faults
	}
	f := gate.Finding{
		Status: gate.Advisory, Code: "policy-only", By: gate.ByReviewer,
		Fact: q.leftOut() + "; not required: " + strings.Join(asStrings(q.without), ", "),
	}
	if keys := q.Policy.enforcedPeople(); (q.Change == ChangeFirst || q.Change == ChangeBack) && len(keys) > 0 {
		f.Fact += fmt.Sprintf("; an administrator's /go alone is not enough, since the organization enforces %s", gate.Quote(strings.Join(keys, ", ")))
	}
	return append(slices.Clone(q.Faults), f)
}

// adminDecided: an administrator of the repository has said /go on this head.
func adminDecided(q question, e DecisionEvidence) []gate.Finding {
	judged := judgments(q, e)
	var unread []gate.Finding
	for _, s := range judged {
		switch {
		case s.Choice != gate.ChoiceGo:
		case s.Counts:
			return nil
		case s.doubt != nil:
			unread = append(unread, *s.doubt)
		}
	}
	if len(unread) > 0 {
		return unread
	}
	f := gate.Finding{
		Status: gate.Action, Code: "go-missing", By: gate.ByAdmin,
		Fact: "no administrator has said /go on " + gate.Short(q.PR.HeadSHA),
		Fix:  "an administrator of the repository comments (the author's own /go counts); nothing else is needed from people",
		Type: "/go " + gate.Short(q.PR.HeadSHA),
	}
	if latest := latestLapsed(q, e, judged); latest != nil {
		f.Code, f.Fact = latest.Code, latest.Lapsed
	}
	return one(f)
}

// notAdmin says why somebody's /go is not the one that a first policy file
// needs.
func notAdmin(e PeopleEvidence, u gate.User) lapse {
	switch is := Administers(e, u); {
	case !is.Known:
		return doubtful("the permission of "+handle(u), is.Why)
	case !is.Value:
		return lapse{code: "authority-lost", text: handle(u) + " does not administer this repository"}
	}
	return lapse{}
}

// Mending is the finding for a pull request that touches nothing but a policy
// which is not valid: last is the one that it is judged by instead, nil for the
// built-in one.
func Mending(broken error, last *File) gate.Finding {
	by := "what holds without it, since no valid one was ever seen here"
	if last != nil {
		by = "the last valid one, blob " + gate.Short(last.SHA)
	}
	return gate.Finding{
		Status: gate.Advisory, Code: "policy-mending", By: gate.ByAdmin,
		Fact: fmt.Sprintf("the policy in force, %s, is not valid (%s); this pull request touches nothing else and is judged by %s",
			gate.Quote(fileNamed(broken)), gate.Quote(broken.Error()), by),
	}
}

// FileOf names the file in which an error of [Combine] is.
func FileOf(err error) string { return fileNamed(err) }
