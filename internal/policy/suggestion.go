package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/gate"
)

// Accepted suggestions. Who suggested lines in a review and had them committed by
// GitHub's button is named as a co-author; at low and medium risk that alone does
// not make them somebody who may not approve or decide. Anyone can write such
// names, so that a commit is one of suggestions only when GitHub made it, when all
// its co-authors had suggested something for what it touches, and when it holds
// nothing else.

// MayBeSuggested reports whether a commit may be one of accepted suggestions:
// GitHub made it for somebody, and it names others.
func MayBeSuggested(c gate.Commit) bool {
	return c.Landed == 0 && c.Parents == 1 && c.Verified && c.Author != nil && c.Committer != nil && c.Committer.Login == githubCommitter &&
		len(c.CoAuthors) > 0
}

// NamedAlone reports whether u is among those who wrote a pull request for no
// other reason than that commits of GitHub's name them as a co-author.
func NamedAlone(pr gate.PullRequest, commits []gate.Commit, u gate.User) bool {
	all := slices.Clone(commits)
	for i := range all {
		all[i].Suggested = MayBeSuggested(all[i])
	}
	return wroteIt(pr, commits).include(u) && !wroteBy(pr, all, gate.Low).include(u)
}

// wroteBy returns who wrote the pull request and therefore neither approves nor
// decides at a class.
func wroteBy(pr gate.PullRequest, commits []gate.Commit, class gate.Class) contributors {
	if class.OrHigh() >= gate.High {
		return wroteIt(pr, commits)
	}
	own := slices.Clone(commits)
	for i := range own {
		if own[i].Suggested {
			own[i].CoAuthors = nil
		}
	}
	return wroteIt(pr, own)
}

func (q question) wrote(commits []gate.Commit) contributors { return wroteBy(q.PR, commits, q.class) }

// Suggested reports whether a commit with these files holds nothing but what all
// its co-authors had suggested in these comments before.
func Suggested(c gate.Commit, files []gate.File, comments []gate.ReviewComment) bool {
	if !MayBeSuggested(c) || len(files) == 0 {
		return false
	}
	theirs := map[string][]gate.ReviewComment{} // by path
	for _, co := range c.CoAuthors {
		one := false
		for _, said := range comments {
			touches := slices.ContainsFunc(files, func(f gate.File) bool { return f.Path == said.Path })
			before := !said.CreatedAt.After(c.CommittedAt) && !said.UpdatedAt.After(c.CommittedAt)
			if touches && before && isCoAuthor(co, said.User) && len(suggestions(said.Body)) > 0 {
				one = true
				theirs[said.Path] = append(theirs[said.Path], said)
			}
		}
		if !one {
			return false
		}
	}
	return !slices.ContainsFunc(files, func(f gate.File) bool { return !asSuggested(f, theirs[f.Path]) })
}

func isCoAuthor(co gate.CoAuthor, u gate.User) bool {
	m := noreply.FindStringSubmatch(strings.TrimSpace(co.Email))
	if m == nil || u.ID == 0 || u.Bot {
		return false
	}
	if m[1] != "" {
		return m[1] == strconv.FormatInt(u.ID, 10)
	}
	return strings.EqualFold(m[2], u.Login)
}

// asSuggested reports whether a changed file has no added line that was not
// suggested, and lost no more lines than suggestions replace.
func asSuggested(f gate.File, said []gate.ReviewComment) bool {
	if f.Status != "modified" || !f.HasPatch || len(said) == 0 {
		return false
	}
	left, lose := map[string]int{}, 0
	for _, c := range said {
		lose += max(c.Lines, 1)
		for _, line := range suggestions(c.Body) {
			left[line]++
		}
	}
	for line := range strings.SplitSeq(f.Patch, "\n") {
		switch line = strings.TrimSuffix(line, "\r"); {
		case strings.HasPrefix(line, "+"):
			left[line[1:]]--
			if left[line[1:]] < 0 {
				return false
			}
		case strings.HasPrefix(line, "-"):
			lose--
		}
	}
	return lose >= 0
}

// suggestions lists the lines of all suggestion blocks in a comment's text.
// A block without a line, which takes lines out, counts as an empty line.
func suggestions(body string) (lines []string) {
	fence, inside, none := "", false, false
	for line := range strings.SplitSeq(body, "\n") {
		line = strings.TrimSuffix(line, "\r")
		mark := strings.TrimLeft(line, " ")
		ticks := mark[:len(mark)-len(strings.TrimLeft(mark, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence, inside, none = ticks, strings.TrimSpace(mark[len(ticks):]) == "suggestion", true
		case fence == "":
		case len(ticks) >= len(fence) && strings.TrimSpace(mark[len(ticks):]) == "":
			if inside && none {
				lines = append(lines, "")
			}
			fence, inside = "", false
		case inside:
			lines, none = append(lines, line), false
		}
	}
	return lines
}

// suggested tells whose accepted suggestions make them no contributors.
func suggested(q question, commits []gate.Commit) []gate.Finding {
	if q.class >= gate.High {
		return nil
	}
	var shas []string
	for _, c := range commits {
		if c.Suggested {
			shas = append(shas, gate.Short(c.SHA))
		}
	}
	if len(shas) == 0 {
		return nil
	}
	return one(gate.Finding{
		Status: gate.Advisory, Code: "suggestion-accepted", By: gate.ByReviewer,
		Fact: fmt.Sprintf("suggestions from reviews were committed: %s", some(shas)),
		Fix:  fmt.Sprintf("nothing: at %s risk who suggested the lines may approve and decide here, unless they wrote or pushed something besides", q.class),
	})
}
