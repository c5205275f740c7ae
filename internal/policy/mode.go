package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/bmatcuk/doublestar/v4"

	"gonogo/internal/gate"
)

// Modes lists repositories by the mode in which they are judged: globs of their
// names, without the owner, who is the organization whose file it is.
type Modes struct {
	Shadow  []string `yaml:"shadow"`
	Trial   []string `yaml:"trial"`
	Enforce []string `yaml:"enforce"`
}

// ModeOf returns the mode that the organization sets for one of its
// repositories, and "" where it sets none: the lists go before the mode of all.
// Of several lists that hold the repository the strictest counts.
func (p *Policy) ModeOf(repository string) gate.Mode {
	for _, m := range slices.Backward(gate.Modes[:]) {
		if slices.ContainsFunc(p.Modes.of(m), func(glob string) bool { return namesRepository(glob, repository) }) {
			return m
		}
	}
	return gate.ParseMode(p.Mode)
}

// namesRepository reports whether a glob is for a repository; GitHub's names ignore case.
func namesRepository(glob, repository string) bool {
	ok, err := doublestar.Match(strings.ToLower(glob), strings.ToLower(repository))
	return err == nil && ok
}

func (m Modes) of(mode gate.Mode) []string {
	return map[gate.Mode][]string{gate.Shadow: m.Shadow, gate.Trial: m.Trial, gate.Enforce: m.Enforce}[mode]
}

// Empty reports whether no repository is listed.
func (m Modes) Empty() bool { return len(m.Shadow)+len(m.Trial)+len(m.Enforce) == 0 }

// TrialSuffix ends the name of the check that a trial publishes.
const TrialSuffix = "-trial"

// Own reports whether a check of this name is Gonogo's: the check itself, what
// a trial publishes, and what either was called until lately.
func (p *Policy) Own(name string) bool {
	return slices.ContainsFunc(append([]string{p.Check}, p.Former...), func(own string) bool {
		return name == own || name == own+TrialSuffix
	})
}

// RequiresTrial reports whether a branch's rules require the check that a trial
// publishes. It always succeeds: nothing is held back by it.
func (p *Policy) RequiresTrial(required []gate.RequiredCheck) bool {
	return slices.ContainsFunc(required, func(c gate.RequiredCheck) bool {
		return p.Own(c.Name) && strings.HasSuffix(c.Name, TrialSuffix)
	})
}

// publishedLike takes over how verdicts are published.
func (p *Policy) publishedLike(other *Policy) {
	p.Check, p.Mode, p.Modes = other.Check, other.Mode, other.Modes
}

// whereToSet ends the errors about what a repository cannot set.
const whereToSet = "set it in " + OrganizationPath + " of the organization's .github repository, or by %s on the server, and take the line out here"

// notForRepositories refuses what only an organization or an operator sets. A
// copy of the built-in policy says nothing about it.
func notForRepositories(own *Policy, given places, check string) error {
	switch {
	case own.Check != check && own.Check != BuiltIn().Check:
		return given.errorf("check", "the check's name is not for a repository to set, since required checks go by it; "+whereToSet, "GONOGO_CHECK")
	case own.Mode != "":
		return given.errorf("mode", "whether verdicts block is not for a repository to set; "+whereToSet, "GONOGO_MODE")
	case !own.Modes.Empty():
		return given.errorf("modes", "which repositories are in which mode is not for a repository to set; set it in %s of the organization's .github repository, and take the lines out here", OrganizationPath)
	}
	return nil
}

// notToEnforce refuses the keys of an enforce part that have no meaning in one,
// since no repository sets them.
func notToEnforce(at places) error {
	for _, key := range []string{"mode", "modes"} {
		if _, given := at[key]; given {
			return at.errorf(key, "no repository can set it anyway; write it at the top of the file, not under "+enforceKey)
		}
	}
	return nil
}

// ValidateName returns what is wrong with a name for the check.
func ValidateName(name string) error {
	if n := len(name); n == 0 || n > 100 || strings.ContainsFunc(name, unicode.IsControl) {
		return errors.New("give the check run a name of 1 to 100 characters on one line")
	}
	if strings.HasSuffix(name, TrialSuffix) {
		return fmt.Errorf("%q ends like the check of a trial; give it a name that does not end in %s", name, TrialSuffix)
	}
	return nil
}

func (p *Policy) validateModes(at places) *Error {
	if p.Mode != "" && gate.ParseMode(p.Mode) == "" {
		return at.errorf("mode", "%q is not one of shadow, trial, enforce", p.Mode)
	}
	var err *Error
	for _, m := range gate.Modes {
		path := "modes." + string(m)
		err = cmp.Or(err, at.globs(path, p.Modes.of(m)))
		for i, glob := range p.Modes.of(m) {
			if strings.Contains(glob, "/") {
				err = cmp.Or(err, at.errorf(fmt.Sprintf("%s[%d]", path, i), "write the repository's name without its owner: %q", glob[strings.LastIndex(glob, "/")+1:]))
			}
		}
	}
	return err
}
