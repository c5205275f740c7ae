package policy

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hmarr/codeowners"

	"gonogo/internal/gate"
)

// A pull request that changes what CI does can make every check green by itself.
// It is of medium class at least, and somebody who answers for CI looks at it:
// where CODEOWNERS names owners of these files, one of them; else somebody with
// maintain or admin permission. Where everybody of those wrote it, anybody else
// who may write will do; and whoever works alone under `solo` has nobody to ask,
// which is said.
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
	approvers, unsure := approversOf(q, e)
	rest := paths
	var missing []gate.Finding
	asked := ownedBy(parseOwners(text.Value), paths)
	for _, key := range slices.Sorted(maps.Keys(asked)) {
		group := asked[key]
		if !canApprove(q, e, group) {
			continue
		}
		rest = slices.DeleteFunc(slices.Clone(rest), func(p string) bool { return slices.Contains(group.paths, p) })
		missing = append(missing, ciOwners(q, approvedBy(q, e, group, approvers))...)
	}
	if len(rest) > 0 {
		missing = append(missing, ciMaintainers(q, e, rest, approvers)...)
	}
	if slices.ContainsFunc(missing, func(f gate.Finding) bool { return f.Status > gate.Advisory }) {
		return append(unsure, missing...)
	}
	return missing
}

// canApprove reports whether any of the owners may be somebody who wrote none
// of it.
func canApprove(q question, e CIEvidence, group owned) bool {
	commits := e.Commits().Value
	wrote := wroteIt(q.PR, commits)
	known := append([]gate.User{q.PR.Author, q.PR.RecordBy}, q.PR.Pushers...)
	for _, c := range commits {
		for _, u := range []*gate.User{c.Author, c.Committer} {
			if u != nil {
				known = append(known, *u)
			}
		}
	}
	return slices.ContainsFunc(group.owners, func(o codeowners.Owner) bool {
		switch o.Type {
		case codeowners.UsernameOwner:
			return !slices.ContainsFunc(known, func(u gate.User) bool { return strings.EqualFold(u.Login, o.Value) && wrote.include(u) })
		case codeowners.TeamOwner:
			members := e.Team(o.Value)
			return !members.Known || slices.ContainsFunc(members.Value, func(u gate.User) bool { return !wrote.include(u) })
		}
		return false // whose an e-mail address is cannot be told
	})
}

// ciOwners words what review/owners would say of these files.
func ciOwners(q question, found []gate.Finding) []gate.Finding {
	for i := range found {
		if found[i].Code == "owners-missing" {
			found[i].Code = "ci-changed"
			found[i].Fact = "this changes what CI does, and " + found[i].Fact
		}
	}
	return found
}

// ciMaintainers: somebody who maintains the repository has approved what no owner
// is named for.
func ciMaintainers(q question, e CIEvidence, paths []string, approvers []gate.User) []gate.Finding {
	least := gate.PermissionMaintain
	if q.PR.Repo.OwnerIsUser {
		least = gate.PermissionWrite // there are no maintainers
	}
	writers, wrote := e.Writers(), wroteIt(q.PR, e.Commits().Value)
	able := func(least gate.Permission) bool {
		return slices.ContainsFunc(writers.Value, func(c gate.Collaborator) bool {
			return !c.User.Bot && c.Permission >= least && !wrote.include(c.User)
		})
	}
	if writers.Known && !able(least) {
		least = gate.PermissionWrite
	}
	if slices.ContainsFunc(approvers, func(u gate.User) bool { return permissionHeld(e, u).Value >= least }) {
		return nil
	}
	f := gate.Finding{
		Status: gate.Action, Code: "ci-changed", By: gate.ByReviewer,
		Fact: fmt.Sprintf("this changes what CI does (%s), and nobody with %s access has approved it on %s", firstFew(paths), least, gate.Short(q.PR.HeadSHA)),
		Fix:  fmt.Sprintf("somebody with %s access, who wrote none of it, reviews and approves", least),
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
