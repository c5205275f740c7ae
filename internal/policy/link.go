package policy

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/gate"
)

// A link that a record gives as evidence is held against the pull request as far
// as the address itself tells, and what was read anyway: a run, a check, a commit
// or a pull request of another repository, or of another head than this one, is
// evidence of something else. Nothing is fetched for it, and addresses on other
// hosts are not judged.

// LinkEvidence is what the links of a record are held against.
type LinkEvidence interface {
	// Checks lists check runs and commit statuses on the head commit.
	Checks() gate.Reading[[]gate.Check]
}

var (
	webAddress = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"|\\` + "`" + `]+`)
	// proofs are the addresses of what proves something, below owner/name.
	proofRun    = regexp.MustCompile(`^/actions/runs/(\d+)(?:/|$)`)
	proofJob    = regexp.MustCompile(`^/runs/(\d+)(?:/|$)`)
	proofCommit = regexp.MustCompile(`(?i)^/(?:commit|tree|blob)/([0-9a-f]{7,40})(?:/|$)`)
	proofPull   = regexp.MustCompile(`^/pull/(\d+)(?:/|$)`)
	pullCommit  = regexp.MustCompile(`(?i)^/pull/\d+/(?:commits|changes|checks/|files/)/?([0-9a-f]{7,40})(?:/|$)`)
	ofActions   = regexp.MustCompile(`/actions/runs/(\d+)(?:/job/(\d+))?`)
)

// proof is an address that proves something about a commit.
type proof struct {
	address string
	repo    string // owner/name
	rest    string // of the path
	query   url.Values
}

// proofsIn lists what a text links to on this GitHub that could prove something.
func proofsIn(pr gate.PullRequest, text string) []proof {
	var found []proof
	for _, word := range webAddress.FindAllString(text, 50) {
		word = strings.TrimRight(word, ").,;:!?]}>*_'")
		address, err := url.Parse(word)
		if err != nil || !sameHost(pr, address) {
			continue
		}
		parts := strings.SplitN(strings.TrimPrefix(address.Path, "/"), "/", 3)
		if len(parts) < 3 {
			continue
		}
		p := proof{word, parts[0] + "/" + parts[1], "/" + parts[2], address.Query()}
		if slices.ContainsFunc([]*regexp.Regexp{proofRun, proofJob, proofCommit, proofPull}, func(r *regexp.Regexp) bool { return r.MatchString(p.rest) }) {
			found = append(found, p)
		}
	}
	return found
}

// strayLinks lists findings for what field's text links to that is evidence of
// something else than this head. Tracker items are none: they are looked up.
func strayLinks(q question, e LinkEvidence, field gate.Field, line string) []gate.Finding {
	var found []gate.Finding
	for _, p := range proofsIn(q.PR, q.Record.More[field]) {
		if _, item := trackerRef(q.PR, p.address); item && field == gate.FieldTracker {
			continue
		}
		if of := p.belongs(q, e); of != "" {
			found = append(found, gate.Finding{
				Status: gate.Action, Code: "evidence-elsewhere", By: gate.ByAuthor, Field: field,
				Fact: fmt.Sprintf("the link %s under %q is of %s, not of %s", gate.Quote(p.address), field, of, gate.Short(q.PR.HeadSHA)),
				Fix:  fmt.Sprintf("link what was done with this head (%s), or write what it shows in words, without the link", gate.Short(q.PR.HeadSHA)),
				Type: line,
			})
		}
	}
	return found
}

// belongs says to what else a proof belongs; "" when it may be of this head.
func (p proof) belongs(q question, e LinkEvidence) string {
	pr := q.PR
	if !strings.EqualFold(p.repo, pr.Repo.FullName()) {
		return "the repository " + gate.Quote(p.repo)
	}
	if m := proofPull.FindStringSubmatch(p.rest); m != nil && m[1] != strconv.Itoa(pr.Number) {
		return "pull request #" + m[1]
	}
	for _, pattern := range []*regexp.Regexp{proofCommit, pullCommit} {
		if m := pattern.FindStringSubmatch(p.rest); m != nil && !q.isHeadBy(m[1]) {
			return "commit " + gate.Quote(gate.Short(m[1]))
		}
	}
	run, job := "", p.query.Get("check_run_id")
	if m := proofRun.FindStringSubmatch(p.rest); m != nil {
		run = m[1]
	}
	if m := proofJob.FindStringSubmatch(p.rest); m != nil {
		job = m[1]
	}
	if e == nil { // a record alone: see Lint
		return ""
	}
	if checks := e.Checks(); checks.Known && !ranHere(checks.Value, run, job) {
		return "a run that reported no check on this head"
	}
	return ""
}

// isHeadBy reports whether an abbreviated SHA is that of the head, or of one of
// which what was given holds for it.
func (q question) isHeadBy(sha string) bool {
	sha = strings.ToLower(sha)
	return strings.HasPrefix(q.PR.HeadSHA, sha) || slices.ContainsFunc(q.former, func(f string) bool { return strings.HasPrefix(f, sha) })
}

// ranHere reports whether a workflow run or a check run is among those of the
// head. Where no check tells of which workflow run it is, that cannot be told of
// any.
func ranHere(checks []gate.Check, run, job string) bool {
	told := false
	for _, c := range checks {
		m := ofActions.FindStringSubmatch(c.URL)
		told = told || m != nil
		if m != nil && run != "" && m[1] == run || job != "" && !c.Status && strconv.FormatInt(c.ID, 10) == job {
			return true
		}
	}
	return run == "" && job == "" || run != "" && !told
}
