package policy

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"gonogo/internal/gate"
)

// Smoke says by what a published release goes live.
type Smoke struct {
	Environment string `yaml:"environment"` // of the deployment whose status tells; "": none
	Check       string `yaml:"check"`       // the check that tells; "": none
}

// None reports whether no smoke test is named: releases are live when they are
// published.
func (s Smoke) None() bool { return s.Environment == "" && s.Check == "" }

// Capabilities says which paths are what agents can do, and who is told.
type Capabilities struct {
	Paths  []string `yaml:"paths"`  // globs
	Notify []string `yaml:"notify"` // roles
}

// Touched reports whether any of the paths is what agents can do.
func (c Capabilities) Touched(paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool { return matchAny(c.Paths, path) })
}

// SmokeOf reads the state of a check or of a deployment's status as the outcome
// of a smoke test. It reports false while there is none.
func SmokeOf(state string) (gate.Smoke, bool) {
	switch state {
	case "success":
		return gate.SmokePassed, true
	case "failure", "error", "timed_out", "cancelled", "startup_failure", "action_required":
		return gate.SmokeFailed, true
	}
	return "", false
}

// WatchedFor is how long a release is watched: the longest of what the types of
// its pull requests ask for.
func (p *Policy) WatchedFor(types []gate.ReleaseType) time.Duration {
	if len(types) == 0 {
		return p.monitoringWindow("")
	}
	var longest time.Duration
	for _, t := range types {
		longest = max(longest, p.monitoringWindow(t))
	}
	return longest
}

// Watchers lists the accounts and roles that a record's monitoring names.
func (p *Policy) Watchers(text string) []gate.Owner { return p.namedIn(text) }

// AnnouncesIn is the channel in which releases are announced: "" where there is
// no policy file, or it names none.
func (p *Policy) AnnouncesIn() string {
	if !p.FromFile() {
		return ""
	}
	return p.Announce
}

// FromFile reports whether somebody wrote a policy file: without one nobody is
// told anything.
func (p *Policy) FromFile() bool { return p.Source != "" && p.Source != "built-in" }

var channelName = regexp.MustCompile(`^#[\p{L}\p{N}._-]{1,80}$`)

func (p *Policy) validateLive(at places) *Error {
	switch {
	case p.Smoke.Environment != "" && p.Smoke.Check != "":
		return at.errorf("smoke", "name an environment or a check, not both: the first of the two to end would decide")
	case p.Announce != "" && !channelName.MatchString(p.Announce):
		return at.errorf("announce", "%q is no channel; write it with its #, in quotes: \"#agent-handoffs\"", p.Announce)
	case len(p.Capabilities.Paths) > 0 && len(p.Capabilities.Notify) == 0:
		return at.errorf("capabilities", "say who is told: notify: [%s]", ReleaseManager)
	}
	for i, role := range p.Capabilities.Notify {
		if err := p.roleExists(at, fmt.Sprintf("capabilities.notify[%d]", i), role); err != nil {
			return err
		}
	}
	return at.globs("capabilities.paths", p.Capabilities.Paths)
}

// NamedPulls lists which of the pull requests a text names as "#12" in what its
// readers see.
func NamedPulls(text string, pulls []int) []int {
	named := referenced(text)
	return slices.DeleteFunc(slices.Clone(pulls), func(n int) bool { return !named[n] })
}
