package policy

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hmarr/codeowners"

	"gonogo/internal/gate"
)

// A pull request that changes what CI does can make every check green by itself.
// It is of medium class at least, and somebody who answers for CI looks at it:
// where CODEOWNERS names owners of these files, one of them; else somebody with
// maintain or admin permission. Where everybody of those brought it, anybody else
// who may write will do; and whoever works alone under `solo` has nobody to ask,
// which is said. Where all that speaks against them is their names in commits,
// which anyone can write, they are not replaced: then their own approval counts
// here.
//
// Bots that bump the actions of workflows are no exception: a workflow is neither
// manifest nor lock file.

// ciPaths are the usual places of what says what CI does.
var ciPaths = []string{
	".github/workflows/**", ".github/actions/**",
	".gitlab-ci.{yml,yaml}", ".circleci/**", "{,**/}Jenkinsfile{,.*}", "{.,}azure-pipelines*.{yml,yaml}", ".azure-pipelines/**",
	".buildkite/**", ".travis.{yml,yaml}", ".drone.{yml,yaml,star,jsonnet}", ".woodpecker.{yml,yaml}", ".woodpecker/**",
	".semaphore/**", ".cirrus.{yml,yaml,star}", ".teamcity/**", "{.,}appveyor.{yml,yaml}", "bitbucket-pipelines.{yml,yaml}",
	".tekton/**", "cloudbuild.{yml,yaml,json}", "{,**/}buildspec.{yml,yaml}",
}

// ciFiles lists the changed paths that say what CI does, in order.
func (p *Policy) ciFiles(files []gate.File) []string {
	return slices.DeleteFunc(touched(files), func(name string) bool {
		if isDocument(name) {
			return true
		}
		return !matchAny(ciPaths, name) && !matchAny(p.Checks.Files, name)
	})
}

// isDocument reports whether a path is text for people or an image.
func isDocument(name string) bool { return ceiling(path.Base(name)) == gate.Low }

// changesCI reports whether a pull request may change what CI does.
func changesCI(q question, e FilesEvidence) bool {
	files := e.Files()
	return !files.Known || len(q.Policy.ciFiles(files.Value)) > 0
}

// ChangesCI reports whether a pull request is known to change what CI does, so
// that it matters who answers for it.
func (p *Policy) ChangesCI(e FilesEvidence) bool { return len(p.ciFiles(e.Files().Value)) > 0 }

// CIEvidence is what tells whether somebody who answers for CI has approved.
type CIEvidence interface {
	OwnersEvidence
}

// ciChanged: what changes CI was approved by somebody who answers for it.
func ciChanged(q question, e CIEvidence) []gate.Finding {
	paths := q.Policy.ciFiles(e.Files().Value)
	if len(paths) == 0 {
		return nil
	}
	text := e.CodeOwners()
	if !text.Known && text.Why.Cause != gate.CauseMissing {
		return one(unread("CODEOWNERS", text.Why))
	}
	commits := e.Commits().Value
	wrote, brought := q.wrote(commits), broughtIt(q.PR, commits)
	approvers, _ := approversOf(q, e)
	named, unsure := approversBesides(q, e, brought)
	rest := paths
	var missing []gate.Finding
	asked := ownedBy(parseOwners(text.Value), paths)
	for _, key := range slices.Sorted(maps.Keys(asked)) {
		group := asked[key]
		var found []gate.Finding
		switch {
		case canApprove(q, e, group, wrote):
			found = ciOwners(approvedBy(q, e, group, approvers), "")
		case canApprove(q, e, group, brought):
			found = ciOwners(approvedBy(q, e, group, named), "commits name all of these owners as authors: one of them reviews and approves, which counts for this, or the commits are made without the names")
		default:
			continue
		}
		rest = slices.DeleteFunc(slices.Clone(rest), func(p string) bool { return slices.Contains(group.paths, p) })
		missing = append(missing, found...)
	}
	if len(rest) > 0 {
		missing = append(missing, ciMaintainers(q, e, rest, approvers, named)...)
	}
	if slices.ContainsFunc(missing, func(f gate.Finding) bool { return f.Status > gate.Advisory }) {
		return append(unsure, missing...)
	}
	return missing
}

// broughtIt returns those of whom it is known without a commit's word that they
// made some of it. Whoever signs a commit vouches for no other name in it.
func broughtIt(pr gate.PullRequest, commits []gate.Commit) contributors {
	c := wroteIt(pr, nil)
	for _, commit := range commits {
		if by := commit.Committer; commit.Verified && by != nil && by.ID != 0 && by.Login != githubCommitter {
			c.ids[by.ID] = true
		}
	}
	return c
}

// canApprove reports whether any of the owners may be somebody who is not among
// those who made it.
func canApprove(q question, e CIEvidence, group owned, made contributors) bool {
	known := append([]gate.User{q.PR.Author, q.PR.RecordBy}, q.PR.Pushers...)
	for _, c := range e.Commits().Value {
		for _, u := range []*gate.User{c.Author, c.Committer} {
			if u != nil {
				known = append(known, *u)
			}
		}
		for _, co := range c.CoAuthors {
			if m := noreply.FindStringSubmatch(strings.TrimSpace(co.Email)); m != nil {
				id, _ := strconv.ParseInt(m[1], 10, 64) // the older addresses have none
				known = append(known, gate.User{ID: id, Login: m[2]})
			}
		}
	}
	return slices.ContainsFunc(group.owners, func(o codeowners.Owner) bool {
		switch o.Type {
		case codeowners.UsernameOwner:
			return !slices.ContainsFunc(known, func(u gate.User) bool { return strings.EqualFold(u.Login, o.Value) && made.include(u) })
		case codeowners.TeamOwner:
			members := e.Team(o.Value)
			return !members.Known || slices.ContainsFunc(members.Value, func(u gate.User) bool { return !made.include(u) })
		}
		return false // whose an e-mail address is cannot be told
	})
}

// ciOwners words what review/owners would say of these files. fix is what mends
// it, where that is something else.
func ciOwners(found []gate.Finding, fix string) []gate.Finding {
	for i := range found {
		if found[i].Code == "owners-missing" {
			found[i].Code = "ci-changed"
			found[i].Fact = "this changes what CI does, and " + found[i].Fact
			found[i].Fix = cmp.Or(fix, found[i].Fix)
		}
	}
	return found
}

// ciMaintainers: somebody who maintains the repository has approved what no owner
// is named for. named are the approvers with those whom only commits name.
func ciMaintainers(q question, e CIEvidence, paths []string, approvers, named []gate.User) []gate.Finding {
	least := gate.PermissionMaintain
	if q.PR.Repo.OwnerIsUser {
		least = gate.PermissionWrite // there are no maintainers
	}
	writers, commits := e.Writers(), e.Commits().Value
	able := func(made contributors) bool {
		return slices.ContainsFunc(writers.Value, func(c gate.Collaborator) bool {
			return !c.User.Bot && c.Permission >= least && !made.include(c.User)
		})
	}
	fix := "somebody with %s access, who wrote none of it, reviews and approves"
	switch {
	case !writers.Known || able(q.wrote(commits)):
	case able(broughtIt(q.PR, commits)):
		approvers = named
		fix = "commits name everybody with %s access as authors: one of them reviews and approves, which counts for this, or the commits are made without the names"
	default:
		least = gate.PermissionWrite
	}
	if slices.ContainsFunc(approvers, func(u gate.User) bool { return permissionHeld(e, u).Value >= least }) {
		return nil
	}
	f := gate.Finding{
		Status: gate.Action, Code: "ci-changed", By: gate.ByReviewer,
		Fact: fmt.Sprintf("this changes what CI does (%s), and nobody with %s access has approved it on %s", firstFew(paths), least, gate.Short(q.PR.HeadSHA)),
		Fix:  fmt.Sprintf(fix, least),
	}
	if !writers.Known {
		return []gate.Finding{f, unread("who else has write access", writers.Why)}
	}
	if only, is := alone(e); is && q.Policy.Solo && only.Is(q.PR.Author) {
		f.Status = gate.Advisory
		f.Fact = fmt.Sprintf("this changes what CI does (%s), and nobody else is there to look at it", firstFew(paths))
		f.Fix = "read it once more: CI can no longer tell that it is right"
	}
	return one(f)
}
