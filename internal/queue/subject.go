package queue

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is the kind of a subject.
type Kind string

// The kinds, as the first part of a subject's name spells them.
const (
	PullRequest  Kind = "pr"
	Release      Kind = "release"
	Repository   Kind = "repo"
	Installation Kind = "installation"
	Commits      Kind = "commits"
	Group        Kind = "group"
	Branch       Kind = "branch"
	Deployment   Kind = "deployment"
)

// Kinds lists all kinds.
var Kinds = [...]Kind{PullRequest, Release, Repository, Installation, Commits, Group, Branch, Deployment}

// Subject is something to look at again. [Subject.String] is its identity;
// Tenant is not part of it.
type Subject struct {
	Kind   Kind
	ID     int64  // of the repository; of the installation for that kind
	Number int    // of the pull request; the run of GitHub Actions that deploys
	Tag    string // of the release; the environment of a deployment
	SHA    string // of the merge queue's group, for that kind only
	Ref    string // of the branch, for that kind only

	// Tenant is the installation in whose turn the subject is worked; 0 leaves
	// it as it was, or in the turn of those that have none.
	Tenant int64
}

// PR names a pull request.
func PR(repoID int64, number int) Subject {
	return Subject{Kind: PullRequest, ID: repoID, Number: number}
}

// ReleaseOf names the release with a tag.
func ReleaseOf(repoID int64, tag string) Subject {
	return Subject{Kind: Release, ID: repoID, Tag: tag}
}

// RepositoryOf names a repository as a whole.
func RepositoryOf(repoID int64) Subject { return Subject{Kind: Repository, ID: repoID} }

// CommitsOf names the commits of a repository of which it is not known what they
// head. Its mailbox says which.
func CommitsOf(repoID int64) Subject { return Subject{Kind: Commits, ID: repoID} }

// GroupOf names the group of a merge queue with a head commit.
func GroupOf(repoID int64, sha string) Subject { return Subject{Kind: Group, ID: repoID, SHA: sha} }

// BranchOf names what was pushed to, or merged into, a branch.
func BranchOf(repoID int64, ref string) Subject { return Subject{Kind: Branch, ID: repoID, Ref: ref} }

// DeploymentOf names what a run of GitHub Actions waits to deploy to an
// environment.
func DeploymentOf(repoID, run int64, environment string) Subject {
	return Subject{Kind: Deployment, ID: repoID, Number: int(run), Tag: environment}
}

// InstallationOf names an installation as a whole.
func InstallationOf(id int64) Subject {
	return Subject{Kind: Installation, ID: id, Tenant: id}
}

// For returns s in the turn of the given installation.
func (s Subject) For(installation int64) Subject {
	s.Tenant = installation
	return s
}

// String returns the subject's name: "pr/<repository id>/<number>",
// "release/<repository id>/<tag>", "repo/<repository id>",
// "commits/<repository id>", "group/<repository id>/<sha>",
// "branch/<repository id>/<ref>", "deployment/<repository id>/<run>/<environment>"
// or "installation/<id>".
func (s Subject) String() string {
	name := string(s.Kind) + "/" + strconv.FormatInt(s.ID, 10)
	switch s.Kind {
	case PullRequest:
		return name + "/" + strconv.Itoa(s.Number)
	case Release:
		return name + "/" + s.Tag
	case Deployment:
		return name + "/" + strconv.Itoa(s.Number) + "/" + s.Tag
	case Group:
		return name + "/" + s.SHA
	case Branch:
		return name + "/" + s.Ref
	default:
		return name
	}
}

// ParseSubject returns the subject of the given name.
func ParseSubject(name string) (Subject, error) {
	kind, rest, _ := strings.Cut(name, "/")
	id, tail, more := strings.Cut(rest, "/")
	s := Subject{Kind: Kind(kind)}
	var err error
	if s.ID, err = strconv.ParseInt(id, 10, 64); err != nil {
		return Subject{}, fmt.Errorf("parse subject %q: %w", name, err)
	}
	switch s.Kind {
	case PullRequest:
		s.Number, err = strconv.Atoi(tail)
	case Release:
		s.Tag = tail
	case Deployment:
		var run string
		run, s.Tag, _ = strings.Cut(tail, "/")
		s.Number, err = strconv.Atoi(run)
	case Group:
		s.SHA = tail
	case Branch:
		s.Ref = tail
	case Installation:
		s.Tenant = s.ID
	case Repository, Commits:
	default:
		err = fmt.Errorf("unknown kind %q", kind)
	}
	if err == nil && s.String() != name {
		err = fmt.Errorf("not a canonical name (more parts: %t)", more)
	}
	if err != nil {
		return Subject{}, fmt.Errorf("parse subject %q: %w", name, err)
	}
	return s, nil
}
