package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// BotRecord is the record of a bot's pull request in which nobody has written
// one: what a bot writes is none. Of an update of dependencies that only wants
// for a signature it says so.
func BotRecord(p *Policy, pr gate.PullRequest, e ExemptEvidence) gate.Record {
	message := handle(pr.Author) + " opened this pull request, and a bot's description is never a record"
	fix := "somebody with write access writes the Release Decision (`gonogo template` prints it) in a comment that begins with a line `/recheck`, and counts as an author from then on"
	if sha := unsignedUpdate(p, pr, e); sha != "" {
		message = fmt.Sprintf("%s updates dependencies, but the signature of its commit %s could not be verified: anybody can write a bot's name into a commit", handle(pr.Author), gate.Short(sha))
		fix = "let the bot make its commits anew and signed (Dependabot does it after a comment `@dependabot recreate`); or " + fix
	}
	return gate.Record{Problems: []gate.Problem{{Severity: gate.Error, Code: "bot-record", Message: message, Fix: fix}}}
}

// UnreadRecord is the record of a bot's pull request of which it could not be
// read whether somebody has written one, or whether it needs one. It asks for
// nothing: what blocks is the fault that the evaluation is told of besides.
func UnreadRecord(why gate.Unreadable) gate.Record {
	f := unread("whether this bot's pull request has a record, or needs one,", why)
	return gate.Record{Problems: []gate.Problem{{Severity: gate.Warning, Code: f.Code, Message: f.Fact, Fix: f.Fix}}}
}

// UpdateUnread reports whether a bot's pull request may be an update of
// dependencies, and what cannot be read just now to tell.
func UpdateUnread(p *Policy, pr gate.PullRequest, e ExemptEvidence) (what string, why gate.Unreadable, unread bool) {
	files, commits := e.Files(), e.Commits()
	switch {
	case !named(p.Dependencies.Bots, pr.Author.Login):
		return "", gate.Unreadable{}, false
	case !files.Known:
		return "the list of changed files", files.Why, files.Why.Cause == gate.CauseFault
	case !commits.Known && manifestsOnly(p, pr, e):
		return "the list of commits", commits.Why, commits.Why.Cause == gate.CauseFault
	default:
		return "", gate.Unreadable{}, false
	}
}

// ExemptEvidence is what exemptions ask.
type ExemptEvidence interface {
	FilesEvidence
	CommitsEvidence
	// Leaks is the outcome of searching the added lines.
	Leaks() gate.Reading[gate.LeakScan]
}

// withoutRecord lists what is asked of an update of dependencies, which has no
// record: who approved it, what CI says, and what stops every release.
var withoutRecord = [...]gate.Requirement{
	inputs, "risk/floor", "code/checks", "code/secrets", "code/severity",
	"review/approvals", "review/owners", "operational/window", "decision/veto",
}

// dependencyUpdate reports whether the pull request is one of a known bot that
// touches nothing but manifests and lock files.
func dependencyUpdate(q question, e ExemptEvidence) bool {
	return q.PR.Author.Bot && !q.Record.Found && named(q.Policy.Dependencies.Bots, q.PR.Author.Login) &&
		manifestsOnly(q.Policy, q.PR, e) && allTheirs(q.PR, e)
}

// manifestsOnly reports whether a pull request touches nothing but manifests and
// lock files, and no floor is meant for just these or set by its labels.
func manifestsOnly(p *Policy, pr gate.PullRequest, e FilesEvidence) bool {
	return len(p.Dependencies.Paths) > 0 && allMatch(e, p.Dependencies.Paths) && manifestFloor(p, pr.Labels, e.Files()) == gate.Low
}

// manifestFloor is the floor of manifests and lock files. Where they lie raises
// nothing: services/auth/go.mod is no sign-in code.
func manifestFloor(p *Policy, labels []string, files gate.Reading[[]gate.File]) gate.Class {
	apart := *p
	apart.Floors = nil
	for _, f := range p.Floors {
		f.Words = nil
		f.Paths = slices.DeleteFunc(slices.Clone(f.Paths), func(glob string) bool { return strings.Trim(path.Base(glob), "*") == "" })
		apart.Floors = append(apart.Floors, f)
	}
	return floorOf(&apart, labels, files).class
}

// unsignedUpdate is a commit by which a pull request is no update of
// dependencies only because its signature is not verified; "" when there is
// none, or something else is in the way too.
func unsignedUpdate(p *Policy, pr gate.PullRequest, e ExemptEvidence) string {
	commits := e.Commits()
	if !pr.Author.Bot || !named(p.Dependencies.Bots, pr.Author.Login) || !commits.Known || !pushedAlone(pr) || !manifestsOnly(p, pr, e) {
		return ""
	}
	sha := ""
	for _, c := range commits.Value {
		if !names(pr.Author, c) {
			return ""
		}
		if !c.Verified {
			sha = c.SHA
		}
	}
	return sha
}

// exemption returns the rule of the policy by which the pull request passes
// without a record, and nothing when there is none. It fits only when all that
// it rests on is known: the paths, the floor, whose commits these are, and that
// they hold no credential.
func exemption(q question, e ExemptEvidence) (Exemption, bool) {
	scan := e.Leaks()
	clean := scan.Known && len(scan.Value.Leaks) == 0 && len(scan.Value.Skipped) == 0
	if !clean || slices.ContainsFunc(q.Faults, func(f gate.Finding) bool { return f.Status.Blocks() }) {
		return Exemption{}, false
	}
	for _, x := range q.Policy.Exempt {
		fits := named(x.Authors, q.PR.Author.Login) && q.floor.class <= gate.ParseClass(x.UpTo) &&
			(len(x.Paths) == 0 || allMatch(e, x.Paths)) && allTheirs(q.PR, e)
		if fits {
			return x, true
		}
	}
	return Exemption{}, false
}

// exempted turns an evaluation into that of an exempt pull request. A standing
// /no-go stops it like any other, and a floor that cannot be told is none.
func exempted(q question, e Evidence, ev gate.Evaluation) gate.Evaluation {
	x, ok := exemption(q, e)
	if !ok || !e.Files().Known || len(veto(q, e)) > 0 {
		return ev
	}
	ev.Exempt = x.Name
	ev.Class = q.floor.class
	ev.Findings = []gate.Finding{{
		Requirement: inputs, Status: gate.Pass,
		Fact: fmt.Sprintf("exempt by the policy's rule %s: a change by %s alone, up to %s risk", gate.Quote(x.Name), handle(q.PR.Author), x.UpTo),
	}}
	ev.Status, ev.Verdict = gate.Pass, gate.Ready
	for i := range ev.Rows {
		ev.Rows[i].Evidence, ev.Rows[i].Comparison, ev.Rows[i].Reason = "—", gate.NotRequired, "the pull request is exempt"
	}
	return ev
}

func named(logins []string, login string) bool {
	return slices.ContainsFunc(logins, func(l string) bool { return strings.EqualFold(l, login) })
}

// allMatch reports whether every changed path is known and matches a glob.
func allMatch(e FilesEvidence, globs []string) bool {
	files := e.Files()
	if !files.Known || len(files.Value) == 0 {
		return false
	}
	return !slices.ContainsFunc(touched(files.Value), func(name string) bool { return !matchAny(globs, name) })
}

// allTheirs reports whether every commit is known to be by the pull request's
// author, in the repository itself, and nobody else is known to have pushed: who
// pushes chooses which commits these are. Anyone can write a bot's name into a
// commit, so that a bot's commits must be signed; GitHub signs those that it
// makes for an App.
func allTheirs(pr gate.PullRequest, e CommitsEvidence) bool {
	commits := e.Commits()
	if !commits.Known || len(commits.Value) == 0 || !pushedAlone(pr) {
		return false
	}
	return !slices.ContainsFunc(commits.Value, func(c gate.Commit) bool { return !isBy(pr.Author, c) })
}

// pushedAlone reports whether a pull request is from the repository itself, and
// nobody but its author is known to have pushed to it.
func pushedAlone(pr gate.PullRequest) bool {
	return pr.HeadRepoID == pr.Repo.ID && !slices.ContainsFunc(pr.Pushers, func(u gate.User) bool { return !u.Is(pr.Author) })
}

func isBy(author gate.User, c gate.Commit) bool {
	byGitHub := c.Committer != nil && c.Committer.Login == githubCommitter
	return names(author, c) && (c.Verified || !author.Bot && !byGitHub)
}

// names reports whether a commit names author, and GitHub beside it at most.
func names(author gate.User, c gate.Commit) bool {
	return c.Author != nil && c.Author.Is(author) && len(c.CoAuthors) == 0 && c.Committer != nil &&
		(c.Committer.Is(author) || c.Committer.Login == githubCommitter)
}
