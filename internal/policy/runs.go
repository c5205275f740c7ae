package policy

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// A check that the policy pins to a workflow or an event must have been reported
// by a job of such a run: a no-op under the same name, in another file or for
// another event, is none. What reports elsewhere under the name is judged beside
// it like any other check, and stands for nothing.

// PinsRuns reports whether the policy asks which workflow runs checks are of.
func (p *Policy) PinsRuns() bool { return len(p.Checks.Runs) > 0 }

// actionsTag is the name of GitHub Actions among Apps.
const actionsTag = "github-actions"

// graceForRuns is how long the list of runs may lag behind the checks. What is of
// no run after that was made by hand with the token of Actions, and never will be.
const graceForRuns = 10 * time.Minute

// runChecks judges the checks that the policy pins to runs: of each the newest
// result of a run that fits.
func runChecks(q question, e ChecksEvidence, all []gate.Check) []gate.Finding {
	if !q.Policy.PinsRuns() {
		return nil
	}
	runs := e.WorkflowRuns()
	if !runs.Known {
		return one(unread("the workflow runs", runs.Why))
	}
	var found []gate.Finding
	for _, name := range slices.Sorted(maps.Keys(q.Policy.Checks.Runs)) {
		found = append(found, runCheck(q, name, q.Policy.Checks.Runs[name], runs.Value, all)...)
	}
	return found
}

func runCheck(q question, name string, of RunOf, runs []gate.WorkflowRun, all []gate.Check) []gate.Finding {
	var right []gate.Check
	var others []string
	for _, c := range all {
		if c.Name != name {
			continue
		}
		i := slices.IndexFunc(runs, func(r gate.WorkflowRun) bool { return r.Suite == c.Suite && c.Suite != 0 && !c.Status })
		switch {
		case i < 0 && c.AppTag == actionsTag && min(q.Now.Sub(c.StartedAt), q.Now.Sub(q.HeadSeen)) < graceForRuns:
			return one(unread("the workflow run of "+gate.Quote(name), gate.Unreadable{Cause: gate.CauseFault}))
		case i < 0:
			others = append(others, "no workflow run")
		case of.fits(runs[i]):
			right = append(right, c)
		default:
			others = append(others, fmt.Sprintf("%s on %s", gate.Quote(runs[i].Path), gate.Quote(runs[i].Event)))
		}
	}
	if len(right) > 0 {
		return checkFindings(q, newestChecks(right))
	}
	if len(others) == 0 {
		return one(missingChecks(q, gate.Quote(name)+" did not report from "+of.words()))
	}
	f := missingChecks(q, fmt.Sprintf("%s reported from %s, and the policy asks for %s", gate.Quote(name), commas(slices.Compact(slices.Sorted(slices.Values(others)))), of.words()))
	if f.Status == gate.Action {
		f.Code, f.Fix = "ci-elsewhere", "start that workflow for this commit, or correct `checks.runs` in "+Path
	}
	return one(f)
}

func (of RunOf) fits(r gate.WorkflowRun) bool {
	return (of.Workflow == "" || of.Workflow == r.Path) && (of.Event == "" || of.Event == r.Event)
}

func (of RunOf) words() string {
	var words []string
	if of.Workflow != "" {
		words = append(words, gate.Quote(of.Workflow))
	}
	if of.Event != "" {
		words = append(words, "a run on "+gate.Quote(of.Event))
	}
	return strings.Join(words, ", ")
}

func (p *Policy) validateRuns(at places) *Error {
	for _, name := range slices.Sorted(maps.Keys(p.Checks.Runs)) {
		of, key := p.Checks.Runs[name], "checks.runs."+name
		switch {
		case of == RunOf{}:
			return at.errorf(key, "say by which workflow or for which event it must run: {workflow: .github/workflows/ci.yml, event: pull_request}")
		case of.Workflow != "" && (path.Clean(of.Workflow) != of.Workflow || !strings.Contains(of.Workflow, "/") || strings.HasPrefix(of.Workflow, "/")):
			return at.errorf(key+".workflow", "write the path of the file in the repository, such as .github/workflows/ci.yml: %q", of.Workflow)
		case strings.Trim(of.Event, "abcdefghijklmnopqrstuvwxyz_") != "":
			return at.errorf(key+".event", "%q is no event of GitHub Actions, such as pull_request or push", of.Event)
		case p.Own(name):
			return at.errorf(key, "%q is Gonogo's own check; it cannot wait for itself", name)
		}
	}
	return at.globs("checks.files", p.Checks.Files)
}
