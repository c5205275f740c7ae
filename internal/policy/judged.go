package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// InScope reports whether pull requests into branch are judged: the default
// branch, the policy's own branches, and those whose rules require the check;
// none that the policy excludes, but see [Policy.Locked].
func (p *Policy) InScope(branch, defaultBranch string, required []gate.RequiredCheck) bool {
	if p.Excludes(branch) {
		return false
	}
	return branch == defaultBranch || matchAny(p.Branches, branch) || p.requiredIn(required)
}

// Excludes reports whether the policy leaves pull requests into branch alone.
func (p *Policy) Excludes(branch string) bool { return matchAny(p.Exclude, branch) }

func (p *Policy) requiredIn(required []gate.RequiredCheck) bool {
	return slices.ContainsFunc(required, func(c gate.RequiredCheck) bool { return p.Own(c.Name) })
}

// Locked returns the finding for a branch that the policy excludes and whose
// rules require the check all the same: to say nothing there would block every
// merge for ever without a reason. It is nil for all other branches.
func (p *Policy) Locked(branch string, required []gate.RequiredCheck) *gate.Finding {
	if !p.Excludes(branch) || !p.requiredIn(required) {
		return nil
	}
	return &gate.Finding{
		Requirement: inputs, Status: gate.Fail, Code: "required-but-out-of-scope", By: gate.ByAdmin,
		Fact: fmt.Sprintf("the policy excludes %s, whose rules require this check: nothing could ever merge", gate.Quote(branch)),
		Fix:  "take the branch out of `exclude`, or take the check out of the branch's rules",
	}
}

// OutOfScope is the evaluation of a pull request that is not judged although its
// branch requires the check: finding is all that it says.
func OutOfScope(in Input, finding gate.Finding) gate.Evaluation {
	p := in.Policy
	ev := gate.Evaluation{
		At: in.Now, PR: in.PR, Record: in.Record, Terms: in.Record.Terms(), Declared: in.Record.Class, Class: in.Record.Class.OrHigh(),
		PolicySource: p.Source, PolicySHA: p.Digest(),
	}
	for _, g := range gate.Gates {
		ev.Rows = append(ev.Rows, gate.GateRow{Gate: g, Claim: in.Record.Gates[g]})
	}
	return withOnly(ev, finding, in.Now)
}

// validateScope checks who is judged and who is exempt.
func (p *Policy) validateScope(at places) *Error {
	globs := func(path string, list []string) *Error { return at.globs(path, list) }
	err := cmp.Or(globs("exclude", p.Exclude), globs("dependencies.paths", p.Dependencies.Paths), at.logins("dependencies.bots", p.Dependencies.Bots))
	for i, login := range p.Dependencies.Bots {
		if err == nil && !strings.HasSuffix(login, botSuffix) {
			err = at.errorf(fmt.Sprintf("dependencies.bots[%d]", i), "%q is no bot; a bot's login ends in %s", login, botSuffix)
		}
	}
	for i, e := range p.Exempt {
		path := fmt.Sprintf("exempt[%d]", i)
		err = cmp.Or(err, p.validateExemption(at, path, e))
	}
	return err
}

func (p *Policy) validateExemption(at places, path string, e Exemption) *Error {
	switch {
	case strings.TrimSpace(e.Name) == "" || len(e.Name) > 40:
		return at.errorf(path+".name", "give the exemption a name of 1 to 40 characters; the check's title shows it")
	case len(e.Authors) == 0:
		return at.errorf(path+".authors", "say whose pull requests are exempt: [\"renovate[bot]\"]")
	case gate.ParseClass(e.UpTo) == gate.Undeclared:
		return at.errorf(path+".up_to", "%q is not one of low, medium, high; write the highest class that may pass", e.UpTo)
	}
	return cmp.Or(at.logins(path+".authors", e.Authors), at.globs(path+".paths", e.Paths))
}

const botSuffix = "[bot]"

func (at places) logins(path string, logins []string) *Error {
	for i, login := range logins {
		if login == "" || strings.ContainsAny(login, "@/ ") {
			return at.errorf(fmt.Sprintf("%s[%d]", path, i), "write the login alone, without @: %q", login)
		}
	}
	return nil
}
