package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hmarr/codeowners"

	"gonogo/internal/gate"
)

// OwnersEvidence is what review/owners asks.
type OwnersEvidence interface {
	FilesEvidence
	ReviewEvidence
	// CodeOwners is the text of the base branch's CODEOWNERS file; cause missing
	// when there is none in any of its places.
	CodeOwners() gate.Reading[string]
}

// CodeOwnersPaths are where GitHub looks for CODEOWNERS, the first that exists
// counts.
// https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
var CodeOwnersPaths = [...]string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// maxCodeOwners is the size from which GitHub does not load the file.
const maxCodeOwners = 3 << 20

// owners: each touched path was approved on this head by one of its owners.
func owners(q question, e OwnersEvidence) []gate.Finding {
	text := e.CodeOwners()
	if !text.Known && text.Why.Cause == gate.CauseMissing {
		return nil
	}
	files := e.Files()
	switch {
	case !text.Known:
		return one(unread("CODEOWNERS", text.Why))
	case !files.Known:
		return one(unread("the list of changed files", files.Why))
	case len(text.Value) > maxCodeOwners:
		return one(gate.Finding{
			Status: gate.Action, Code: "owners-unreadable", By: gate.ByAdmin,
			Fact: "CODEOWNERS is larger than 3 MB, which GitHub does not load", Fix: "make the file smaller",
		})
	}
	asked := ownedBy(parseOwners(text.Value), touched(files.Value))
	if len(asked) == 0 {
		return nil
	}
	approvers, found := approversOf(q, e)
	var missing []gate.Finding
	for _, key := range slices.Sorted(maps.Keys(asked)) {
		missing = append(missing, approvedBy(q, e, asked[key], approvers)...)
	}
	if len(missing) == 0 {
		return nil // whatever could not be read, everybody who is asked has approved
	}
	return append(found, missing...)
}

// parseOwners reads the rules line by line: GitHub skips a line that it does
// not understand, where the library refuses the file.
func parseOwners(text string) codeowners.Ruleset {
	var rules codeowners.Ruleset
	for line := range strings.Lines(text) {
		parsed, err := codeowners.ParseFile(strings.NewReader(line))
		if err == nil {
			rules = append(rules, parsed...)
		}
	}
	return rules
}

// owned is paths that share their owners.
type owned struct {
	owners []codeowners.Owner
	paths  []string
}

// ownedBy groups paths by their owners. The last rule that matches counts; one
// that names nobody takes the owners away.
func ownedBy(rules codeowners.Ruleset, paths []string) map[string]owned {
	asked := map[string]owned{}
	for _, path := range paths {
		rule, err := rules.Match(path)
		if err != nil || rule == nil || len(rule.Owners) == 0 {
			continue
		}
		var names []string
		for _, o := range rule.Owners {
			names = append(names, strings.ToLower(o.String()))
		}
		slices.Sort(names)
		key := strings.Join(slices.Compact(names), " ")
		group := asked[key]
		group.owners, group.paths = rule.Owners, append(group.paths, path)
		asked[key] = group
	}
	return asked
}

// approversOf lists who has approved this head, may write and wrote none of
// it, with a finding for each whose permission could not be read.
func approversOf(q question, e ReviewEvidence) ([]gate.User, []gate.Finding) {
	return approversBesides(q, e, q.wrote(e.Commits().Value))
}

// approversBesides lists who has approved this head, may write and is not among
// those who made it, as approversOf does.
func approversBesides(q question, e ReviewEvidence, made contributors) ([]gate.User, []gate.Finding) {
	reviews, commits := e.Reviews(), e.Commits()
	switch {
	case !reviews.Known:
		return nil, one(unread("the reviews", reviews.Why))
	case !commits.Known:
		return nil, one(unread("the list of commits", commits.Why))
	}
	var users []gate.User
	var found []gate.Finding
	for _, r := range decisive(reviews.Value) {
		if r.State != gate.Approved || !q.isHead(r.CommitSHA) || r.User.Bot || r.User.ID == 0 || made.include(r.User) {
			continue
		}
		switch has := e.Permission(r.User.Login); {
		case !has.Known:
			found = append(found, unread("the permission of "+handle(r.User), has.Why))
		case has.Value >= gate.PermissionWrite:
			users = append(users, r.User)
		}
	}
	return users, found
}

// approvedBy says who is missing for paths that share their owners; nil when
// one of the owners is among the approvers.
func approvedBy(q question, e PeopleEvidence, group owned, approvers []gate.User) []gate.Finding {
	var names, who []string
	var found []gate.Finding
	for _, o := range group.owners {
		names = append(names, gate.Quote(o.String()))
		switch o.Type {
		case codeowners.UsernameOwner:
			who = append(who, o.Value)
			if slices.ContainsFunc(approvers, func(u gate.User) bool { return strings.EqualFold(u.Login, o.Value) }) {
				return nil
			}
		case codeowners.TeamOwner:
			members := e.Team(o.Value)
			if members.Known && slices.ContainsFunc(approvers, func(u gate.User) bool { return slices.ContainsFunc(members.Value, u.Is) }) {
				return nil
			}
			if !members.Known {
				found = append(found, unread("the team "+gate.Quote(o.String()), members.Why))
			}
		}
	}
	f := gate.Finding{
		Status: gate.Action, Code: "owners-missing", By: gate.ByReviewer, Who: who,
		Fact: fmt.Sprintf("CODEOWNERS asks for an approval on %s by %s for %s", gate.Short(q.PR.HeadSHA), strings.Join(names, " or "), firstFew(group.paths)),
		Fix:  "one of these owners, who wrote none of it, reviews and approves",
	}
	if !slices.ContainsFunc(group.owners, func(o codeowners.Owner) bool { return o.Type != codeowners.EmailOwner }) {
		f.By, f.Fix = gate.ByAdmin, "name the account instead of the e-mail address in CODEOWNERS: which account an address belongs to cannot be read"
	}
	return append(found, f)
}

// OwnerTeams lists the teams that CODEOWNERS names for the touched paths.
func OwnerTeams(text string, files []gate.File) []string {
	var teams []string
	for _, group := range ownedBy(parseOwners(text), touched(files)) {
		for _, o := range group.owners {
			if o.Type == codeowners.TeamOwner {
				teams = append(teams, o.Value)
			}
		}
	}
	slices.Sort(teams)
	return slices.Compact(teams)
}
