// Package policy holds the rules: the policy file, and the requirements that
// compare what a record claims with the evidence.
//
// [Evaluate] is a pure function of a record, a policy, evidence and a time.
// Each requirement lives in a file of its own together with the small interface
// by which it asks for its evidence; answers include "could not be read". A
// requirement returns findings with their natural status; Evaluate turns those
// that the policy does not let block at the pull request's class into advice.
//
// The list of requirements is in evaluate.go.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"gonogo/internal/gate"
)

// Policy is a policy file. Its fields mirror the file's keys, which
// config/policy.yml explains. It is read-only once parsed.
type Policy struct {
	Check           string                     `yaml:"check"`
	Branches        []string                   `yaml:"branches"`
	Roles           map[string]Role            `yaml:"roles"`
	Requirements    map[gate.Requirement]Depth `yaml:"requirements"`
	Approvals       PerClass                   `yaml:"approvals"`
	Go              PerClass                   `yaml:"go"`
	AuthorMayDecide bool                       `yaml:"author_may_decide"`
	Ask             string                     `yaml:"ask"`
	Checks          Checks                     `yaml:"checks"`
	Secrets         Secrets                    `yaml:"secrets"`
	Severity        Severity                   `yaml:"severity"`
	KeepBranches    []string                   `yaml:"keep_branches"`
	Rehearsal       Rehearsal                  `yaml:"rehearsal"`
	Floors          []Floor                    `yaml:"floors"`

	// Source is where the policy was read: a path, or "built-in". It is not
	// part of the rules.
	Source string `yaml:"-" json:"-"`
}

// ReleaseManager is the role that decides.
const ReleaseManager = "release manager"

// Role is the people who hold a role.
type Role struct {
	Permission string   `yaml:"permission"` // write, maintain, admin or "" for none
	Users      []string `yaml:"users"`      // logins
	Teams      []string `yaml:"teams"`      // org/team
}

// Depth says from which class a requirement blocks and from which it is
// mentioned: low, medium, high or off. An empty Advises means every class.
type Depth struct {
	Blocks  string `yaml:"blocks"`
	Advises string `yaml:"advises"`
}

// PerClass is a number for each risk class.
type PerClass struct {
	Low    int `yaml:"low"`
	Medium int `yaml:"medium"`
	High   int `yaml:"high"`
}

// For returns the number for class c; an undeclared class counts as high.
func (p PerClass) For(c gate.Class) int {
	switch c.OrHigh() {
	case gate.Low:
		return p.Low
	case gate.Medium:
		return p.Medium
	default:
		return p.High
	}
}

// Checks says which CI results are asked for.
type Checks struct {
	Required []string `yaml:"required"`
	Optional []string `yaml:"optional"`
	None     bool     `yaml:"none"`
}

// Secrets says how strictly secret scanning is judged.
type Secrets struct {
	AlertsRequired bool `yaml:"alerts_required"`
}

// Severity names the labels of severe issues.
type Severity struct {
	SEV1 string `yaml:"sev1"`
	SEV2 string `yaml:"sev2"`
}

// Rehearsal limits the age of a rollback rehearsal.
type Rehearsal struct {
	MaxAgeDays int `yaml:"max_age_days"`
}

// Floor is a rule for the lowest class that may be declared.
type Floor struct {
	Class  string   `yaml:"class"`
	Words  []string `yaml:"words"`
	Paths  []string `yaml:"paths"`
	Labels []string `yaml:"labels"`
}

// Digest identifies the effective rules: two files that differ in comments or
// layout only have the same digest.
func (p *Policy) Digest() string {
	rules, err := json.Marshal(p)
	if err != nil {
		panic(err) // a struct of strings, numbers and maps of them always marshals
	}
	sum := sha256.Sum256(rules)
	return hex.EncodeToString(sum[:20])
}

// RoleNames lists the roles in alphabetical order.
func (p *Policy) RoleNames() []string { return slices.Sorted(maps.Keys(p.Roles)) }

// depth returns how deep requirement id is asked. One of which the policy does
// not speak blocks at every class, as do the inputs of the evaluation whatever
// it says: silence is never a pass.
func (p *Policy) depth(id gate.Requirement) Depth {
	if d, ok := p.Requirements[id]; ok && id != inputs {
		return d
	}
	return Depth{Blocks: gate.Low.String()}
}

// blocks reports whether requirement id blocks at class c.
func (p *Policy) blocks(id gate.Requirement, c gate.Class) bool {
	from := gate.ParseClass(p.depth(id).Blocks)
	return from != gate.Undeclared && c >= from
}

// mentions reports whether requirement id is said at class c at all.
func (p *Policy) mentions(id gate.Requirement, c gate.Class) bool {
	depth := p.depth(id)
	if p.blocks(id, c) {
		return true
	}
	if depth.Advises == "" {
		return depth.Blocks != off
	}
	from := gate.ParseClass(depth.Advises)
	return from != gate.Undeclared && c >= from
}

const off = "off"
