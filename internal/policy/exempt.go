package policy

import (
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// BotRecord is the record of a bot's pull request in which nobody has written
// one: what a bot writes is none.
func BotRecord(bot gate.User) gate.Record {
	return gate.Record{Problems: []gate.Problem{{
		Severity: gate.Error, Code: "bot-record",
		Message: handle(bot) + " opened this pull request, and a bot's description is never a record",
		Fix:     "somebody with write access writes the Release Decision (`gonogo template` prints it) in a comment that begins with a line `/recheck`, and counts as an author from then on",
	}}}
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
	d := q.Policy.Dependencies
	return q.PR.Author.Bot && !q.Record.Found && named(d.Bots, q.PR.Author.Login) && q.floor.class == gate.Low &&
		len(d.Paths) > 0 && allMatch(e, d.Paths) && allTheirs(q.PR, e)
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
// author, in the repository itself. Anyone can write a bot's name into a commit,
// so that a bot's commits must be signed; GitHub signs those that it makes for
// an App.
func allTheirs(pr gate.PullRequest, e CommitsEvidence) bool {
	commits := e.Commits()
	if !commits.Known || len(commits.Value) == 0 || pr.HeadRepoID != pr.Repo.ID {
		return false
	}
	return !slices.ContainsFunc(commits.Value, func(c gate.Commit) bool { return !isBy(pr.Author, c) })
}

func isBy(author gate.User, c gate.Commit) bool {
	if c.Author == nil || !c.Author.Is(author) || len(c.CoAuthors) > 0 || author.Bot && !c.Verified {
		return false
	}
	byGitHub := c.Committer != nil && c.Committer.Login == githubCommitter && c.Verified
	return byGitHub || c.Committer != nil && c.Committer.Is(author)
}
