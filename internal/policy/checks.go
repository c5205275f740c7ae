package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// ChecksEvidence is what code/checks asks.
type ChecksEvidence interface {
	OwnersEvidence
	// Checks lists check runs and commit statuses on the head commit, without
	// those of Gonogo itself.
	Checks() gate.Reading[[]gate.Check]
	// RequiredChecks lists what the base branch's own rules require.
	RequiredChecks() gate.Reading[[]gate.RequiredCheck]
	// WorkflowRuns lists the runs of GitHub Actions for the head commit.
	WorkflowRuns() gate.Reading[[]gate.WorkflowRun]
}

// codeAwaited marks a check that has not reported yet, within its grace.
const codeAwaited = "ci-awaited"

// graceForChecks is how long a check may take to report at all (spec section
// 4).
const graceForChecks = 2 * time.Minute

// checks: the checks that the policy lists, else those that the base branch
// requires, else all that report, are green on the head commit, those that the
// policy pins came from there, and what changes CI was looked at.
func checks(q question, e ChecksEvidence) []gate.Finding {
	return append(greenChecks(q, e), ciChanged(q, e)...)
}

func greenChecks(q question, e ChecksEvidence) []gate.Finding {
	results := e.Checks()
	if !results.Known {
		return one(unread("the check results", results.Why))
	}
	newest := newestChecks(results.Value)
	namesake := slices.IndexFunc(newest, func(c gate.Check) bool { return c.Name == q.Policy.Check })
	if namesake < 0 {
		return union(judgeChecks(q, e, newest), runChecks(q, e, results.Value))
	}
	// A check of our name that is not ours is no CI: it proves nothing, and may be
	// somebody's attempt to stand in for us.
	others := slices.DeleteFunc(slices.Clone(newest), func(c gate.Check) bool { return c.Name == q.Policy.Check })
	return append(union(judgeChecks(q, e, others), runChecks(q, e, results.Value)), gate.Finding{
		Status: gate.Advisory, Code: "check-name-taken", By: gate.ByAdmin, Link: newest[namesake].URL,
		Fact: "something else reports a check named " + gate.Quote(q.Policy.Check) + ", which is not counted",
		Fix:  "pin the required check to this App in the branch's rules, so that nobody else's can satisfy it",
	})
}

func judgeChecks(q question, e ChecksEvidence, newest []gate.Check) []gate.Finding {
	// The list was written in a repository, and our name is set by others since.
	listed := slices.DeleteFunc(slices.Clone(q.Policy.Checks.Required), q.Policy.Own)
	if len(listed) == 0 {
		return unnamedChecks(q, e, newest)
	}
	found := requiredChecks(q, newest, namesOnly(listed))
	if q.Policy.Checks.Besides {
		found = union(found, unnamedChecks(q, e, newest))
	}
	return found
}

// unnamedChecks judges what the base branch's rules require, else all that
// report.
func unnamedChecks(q question, e ChecksEvidence, newest []gate.Check) []gate.Finding {
	rules := e.RequiredChecks()
	if !rules.Known {
		return one(unread("the base branch's rules", rules.Why))
	}
	required := slices.DeleteFunc(slices.Clone(rules.Value), func(r gate.RequiredCheck) bool { return q.Policy.Own(r.Name) })
	if len(required) > 0 {
		return requiredChecks(q, newest, required)
	}
	return append(allChecks(q, e, newest), pinnedChecks(q, newest, slices.Collect(maps.Keys(q.Policy.Checks.Apps)))...)
}

// pinnedChecks: a check whose App the policy names has reported from that App.
// What others report under the name is judged beside it, and stands for nothing.
func pinnedChecks(q question, newest []gate.Check, names []string) []gate.Finding {
	var missing []string
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		id := int64(q.Policy.Checks.Apps[name])
		if id != 0 && !slices.ContainsFunc(newest, func(c gate.Check) bool { return c.Name == name && c.App == id && !c.Status }) {
			missing = append(missing, fmt.Sprintf("%s (App %d)", gate.Quote(name), id))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return one(missingChecks(q, strings.Join(missing, ", ")+" did not report from the App that the policy names"))
}

func (p *Policy) validateApps(at places) *Error {
	for _, name := range slices.Sorted(maps.Keys(p.Checks.Apps)) {
		if p.Checks.Apps[name] <= 0 {
			return at.errorf("checks.apps."+name, "%d is no App's id; GitHub Actions is 15368", p.Checks.Apps[name])
		}
	}
	return nil
}

func namesOnly(names []string) []gate.RequiredCheck {
	required := make([]gate.RequiredCheck, 0, len(names))
	for _, n := range names {
		required = append(required, gate.RequiredCheck{Name: n})
	}
	return required
}

func requiredChecks(q question, newest []gate.Check, required []gate.RequiredCheck) []gate.Finding {
	var missing []string
	var names []string
	var judged []gate.Check
	for _, r := range required {
		names = append(names, r.Name)
		reported := false
		for _, c := range newest {
			pinned := c.App != 0 && c.App == int64(q.Policy.Checks.Apps[r.Name])
			if c.Name == r.Name && (r.App == 0 || c.App == r.App || pinned) {
				reported = reported || r.App == 0 || c.App == r.App
				judged = append(judged, c)
			}
		}
		if !reported {
			missing = append(missing, gate.Quote(r.Name))
		}
	}
	found := checkFindings(q, judged)
	if len(missing) > 0 {
		found = append(found, missingChecks(q, strings.Join(missing, ", ")+" did not report"))
	}
	return append(found, pinnedChecks(q, newest, names)...)
}

// allChecks judges everything that reports, where nothing says what must. A
// run that was skipped is then not counted when another one succeeded, unless
// the pull request changes workflows: it could have skipped it itself.
func allChecks(q question, e FilesEvidence, newest []gate.Check) []gate.Finding {
	if len(newest) == 0 {
		if q.Policy.Checks.None {
			return nil
		}
		f := missingChecks(q, "no check has reported")
		if q.byOneAdmin() && f.Status == gate.Action { // else a repository without CI could never say that it has none
			f.Status = gate.Advisory
		}
		return one(f)
	}
	succeeded := slices.ContainsFunc(newest, func(c gate.Check) bool { return c.State == "success" })
	lenient := succeeded && !changesCI(q, e)
	return checkFindings(q, slices.DeleteFunc(slices.Clone(newest), func(c gate.Check) bool { return c.State == "skipped" && lenient }))
}

// checkFindings judges results one by one. Those that prove nothing share the
// line of the policy that would list them all.
func checkFindings(q question, judged []gate.Check) []gate.Finding {
	var found []gate.Finding
	optional := slices.Clone(q.Policy.Checks.Optional)
	for _, c := range judged {
		found = append(found, checkFinding(q, c)...)
		if inconclusive(c.State) && !slices.Contains(optional, c.Name) {
			optional = append(optional, c.Name)
		}
	}
	for i := range found {
		if strings.HasPrefix(found[i].Type, optionalLine) {
			found[i].Type = fmt.Sprintf(optionalLine+"%s]}", quotedList(optional))
		}
	}
	return found
}

const optionalLine = "checks: {optional: ["

func quotedList(names []string) string {
	quoted := make([]string, 0, len(names))
	for _, n := range names {
		quoted = append(quoted, strconv.Quote(n))
	}
	return strings.Join(quoted, ", ")
}

func missingChecks(q question, fact string) gate.Finding {
	f := gate.Finding{Code: codeAwaited, Status: gate.Pending, By: gate.ByItself, Fact: fact + " yet"}
	if q.Now.Sub(q.HeadSeen) >= graceForChecks {
		f = gate.Finding{
			Code: "ci-missing", Status: gate.Action, By: gate.ByAuthor, Fact: fact,
			Fix: "start CI for this commit; a repository without CI says so in " + Path + " with `checks: {none: true}`",
		}
	}
	return f
}

// newestChecks returns the newest result of each name and App, in a stable
// order. A newer run that was skipped or neutral does not cover an older one that
// failed or is not done.
func newestChecks(all []gate.Check) []gate.Check {
	type key struct {
		name   string
		app    int64
		status bool
	}
	newest := map[key]gate.Check{}
	sorted := slices.SortedFunc(slices.Values(all), func(a, b gate.Check) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range sorted {
		k := key{c.Name, c.App, c.Status}
		if old, ok := newest[k]; ok && inconclusive(c.State) && !inconclusive(old.State) && old.State != "success" {
			continue
		}
		newest[k] = c
	}
	return slices.SortedFunc(maps.Values(newest), func(a, b gate.Check) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.App, b.App), cmp.Compare(a.ID, b.ID))
	})
}

func inconclusive(state string) bool { return state == "skipped" || state == "neutral" }

func failed(state string) bool {
	switch state {
	case "failure", "cancelled", "timed_out", "action_required", "startup_failure", "error":
		return true
	}
	return false
}

// checkFinding judges one result; nil when it is green.
func checkFinding(q question, c gate.Check) []gate.Finding {
	name := gate.Quote(c.Name)
	switch {
	case c.State == "success":
		return nil
	case inconclusive(c.State) && slices.Contains(q.Policy.Checks.Optional, c.Name):
		return nil
	case inconclusive(c.State):
		return one(gate.Finding{
			Status: gate.Action, Code: "ci-" + c.State, By: gate.ByAuthor, Link: c.URL,
			Fact: name + " was " + c.State + ", which proves nothing",
			Fix:  "run it, or list it in " + Path,
			Type: optionalLine,
		})
	case failed(c.State):
		return one(gate.Finding{
			Status: gate.Fail, Code: "ci-failed", By: gate.ByAuthor, Link: c.URL,
			Fact: name + " is red (" + strings.ReplaceAll(c.State, "_", " ") + ")",
			Fix:  "mend it and push, or run it again if it failed by chance",
		})
	case c.State == "stale":
		return one(gate.Finding{
			Status: gate.Action, Code: "ci-stale", By: gate.ByAuthor, Link: c.URL,
			Fact: name + " never finished", Fix: "run it again",
		})
	default: // queued, in_progress, pending, waiting, requested, and what GitHub may add
		return one(gate.Finding{
			Status: gate.Pending, Code: "ci-running", By: gate.ByItself, Link: c.URL,
			Fact: name + " is running",
		})
	}
}
