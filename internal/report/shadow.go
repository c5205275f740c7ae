package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// ShadowCount is what would have been blocked, had verdicts been enforced.
type ShadowCount struct {
	Judged  int           `json:"judged"`
	Blocked int           `json:"blocked"`
	Reasons []ReasonCount `json:"reasons"` // the most frequent first
}

// ReasonCount is for how many pull requests a reason code stood in the way.
type ReasonCount struct {
	Code  string `json:"code"`
	Pulls int    `json:"pulls"`
}

// RepositoryCount is the count of one repository.
type RepositoryCount struct {
	Name string `json:"name"` // owner/name
	ShadowCount
}

// Shadows is the outcome of a shadow or a trial.
type Shadows struct {
	Since time.Time `json:"since"`
	ShadowCount
	Repositories []RepositoryCount `json:"repositories"` // by name
}

// CountShadows counts the would-be blocks of evaluations, one for each pull
// request. Drafts are left out: GitHub holds them back itself.
func CountShadows(evs []gate.Evaluation, since time.Time) Shadows {
	all, repos := newTally(), map[string]*tally{}
	for _, ev := range evs {
		if ev.PR.Draft {
			continue
		}
		name := ev.PR.Repo.FullName()
		if repos[name] == nil {
			repos[name] = newTally()
		}
		all.add(ev)
		repos[name].add(ev)
	}
	out := Shadows{Since: since.UTC(), ShadowCount: all.count(), Repositories: []RepositoryCount{}}
	for _, name := range slices.Sorted(maps.Keys(repos)) {
		out.Repositories = append(out.Repositories, RepositoryCount{name, repos[name].count()})
	}
	return out
}

type tally struct {
	judged, blocked int
	reasons         map[string]int
}

func newTally() *tally { return &tally{reasons: map[string]int{}} }

func (t *tally) add(ev gate.Evaluation) {
	t.judged++
	if ev.Passes() {
		return
	}
	t.blocked++
	codes := map[string]bool{}
	for _, f := range ev.Blockers() {
		codes[f.Code] = true
	}
	for code := range codes {
		t.reasons[code]++
	}
}

func (t *tally) count() ShadowCount {
	c := ShadowCount{Judged: t.judged, Blocked: t.blocked, Reasons: []ReasonCount{}}
	for code, n := range t.reasons {
		c.Reasons = append(c.Reasons, ReasonCount{code, n})
	}
	slices.SortFunc(c.Reasons, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Pulls, a.Pulls), cmp.Compare(a.Code, b.Code))
	})
	return c
}

// Text says the outcome for people.
func (s Shadows) Text() string {
	var b strings.Builder
	if s.Judged == 0 {
		fmt.Fprintf(&b, "No pull request was judged in a shadow or a trial since %s.\n", s.Since.Format("2006-01-02 15:04Z"))
		return b.String()
	}
	fmt.Fprintf(&b, "Since %s in shadow and trial, by the last verdict on each pull request, drafts left out:\n\n%s\n",
		s.Since.Format("2006-01-02 15:04Z"), s.sentence())
	for _, r := range s.Repositories {
		fmt.Fprintf(&b, "\n%s: %s\n", r.Name, r.sentence())
	}
	if s.Blocked > 0 {
		b.WriteString("\nA pull request counts once for each reason that stood in its way.\n")
	}
	return b.String()
}

func (c ShadowCount) sentence() string {
	said := fmt.Sprintf("%d pull %s judged, %d would have been blocked", c.Judged, plural(c.Judged, "request", "requests"), c.Blocked)
	var reasons []string
	for _, r := range c.Reasons {
		reasons = append(reasons, fmt.Sprintf("%s %d", r.Code, r.Pulls))
	}
	if len(reasons) > 0 {
		said += ": " + strings.Join(reasons, ", ")
	}
	return said
}
