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
	Mode            string                     `yaml:"mode" json:"-"`
	Modes           Modes                      `yaml:"modes" json:"-"`
	Branches        []string                   `yaml:"branches"`
	Exclude         []string                   `yaml:"exclude"`
	Exempt          []Exemption                `yaml:"exempt"`
	Dependencies    Dependencies               `yaml:"dependencies"`
	Zone            string                     `yaml:"zone"`
	Roles           map[string]Role            `yaml:"roles"`
	Requirements    map[gate.Requirement]Depth `yaml:"requirements"`
	Approvals       PerClass                   `yaml:"approvals"`
	Go              PerClass                   `yaml:"go"`
	AuthorMayDecide bool                       `yaml:"author_may_decide"`
	CarrySameTree   bool                       `yaml:"carry_same_tree" json:",omitempty"`
	Solo            bool                       `yaml:"solo"`
	Ask             string                     `yaml:"ask"`
	Checks          Checks                     `yaml:"checks"`
	Secrets         Secrets                    `yaml:"secrets"`
	Severity        Severity                   `yaml:"severity"`
	KeepBranches    []string                   `yaml:"keep_branches"`
	Rehearsal       Rehearsal                  `yaml:"rehearsal"`
	Floors          []Floor                    `yaml:"floors"`
	Signoffs        map[string]Signoff         `yaml:"signoffs"`
	Components      map[string][]string        `yaml:"components"`
	Companions      []Companion                `yaml:"companions"`
	Windows         []Window                   `yaml:"windows"`
	Freezes         []Freeze                   `yaml:"freezes"`
	Exceptions      string                     `yaml:"exceptions"`
	Authorization   []Authorization            `yaml:"authorization"`
	Monitoring      Monitoring                 `yaml:"monitoring"`
	Smoke           Smoke                      `yaml:"smoke" json:"-"`
	Announce        string                     `yaml:"announce" json:"-"`
	Capabilities    Capabilities               `yaml:"capabilities" json:"-"`
	Tracker         Tracker                    `yaml:"tracker"`
	Override        Override                   `yaml:"override"`

	// EnforcedWindows are those of the organization, where the repository has
	// Windows of its own: releases go out while one of each is open.
	EnforcedWindows []Window `yaml:"-" json:",omitempty"`

	// Held are requirements that no hotfix makes lighter, since the organization
	// enforces them. Whatever is asked by them shows when it is asked: they void
	// nobody's /go.
	Held []gate.Requirement `yaml:"-" json:"-"`

	// Source is where the policy was read: a path, or "built-in". It is not
	// part of the rules.
	Source string `yaml:"-" json:"-"`
	// Former are the names that the check had until lately and is still
	// published under. They are not in any file.
	Former []string `yaml:"-" json:"-"`
	// Enforced lists the keys that the organization enforces. It is not part of
	// the rules either: what is enforced is laid over them already.
	Enforced []string `yaml:"-" json:"-"`
}

// ReleaseManager is the role that decides.
const ReleaseManager = "release manager"

// Role is the people who hold a role.
type Role struct {
	Permission string   `yaml:"permission"` // write, maintain, admin or "" for none
	Users      []string `yaml:"users"`      // logins
	Teams      []string `yaml:"teams"`      // org/team
	Delegates  []string `yaml:"delegates"`  // other roles that may act for this one
}

// Exemption lets pull requests by some authors pass without a record.
type Exemption struct {
	Name    string   `yaml:"name"`    // shown: EXEMPT · <name>
	Authors []string `yaml:"authors"` // logins, "name[bot]" for bots
	Paths   []string `yaml:"paths"`   // globs; every changed path must match one. Empty: any path
	UpTo    string   `yaml:"up_to"`   // the highest class that the floor may give: low, medium, high
}

// Dependencies says whose pull requests are updates of dependencies, for which
// approval, checks and secrets are all that is asked.
type Dependencies struct {
	Bots  []string `yaml:"bots"`  // logins: "renovate[bot]"
	Paths []string `yaml:"paths"` // globs of manifests and lock files; every changed path must match one
}

// Signoff is a sign-off by name: /signoff <name>.
type Signoff struct {
	Role  string   `yaml:"role"`  // who gives it
	Paths []string `yaml:"paths"` // globs; asked for only when one is touched. Empty: always
	From  string   `yaml:"from"`  // the class from which it is asked for; "" is low
}

// Companion says that one change asks for another: if a path of When changed, a
// path of Then changed too, or the sign-off Or was given.
type Companion struct {
	Name string   `yaml:"name"` // what Then is, in words: "the agent contracts"
	When []string `yaml:"when"` // globs
	Then []string `yaml:"then"` // globs
	Or   string   `yaml:"or"`   // a sign-off that stands for the change
}

// Window is a stretch of a week in which releases may go out.
type Window struct {
	Days []string `yaml:"days"` // mon, tue, wed, thu, fri, sat, sun
	From string   `yaml:"from"` // "09:00" in Zone
	To   string   `yaml:"to"`   // "16:30"; later than From
	Zone string   `yaml:"zone"` // IANA name; "" is the policy's zone
}

// Freeze is a stretch of time in which nothing goes out.
type Freeze struct {
	Name string `yaml:"name"`
	From string `yaml:"from"` // RFC 3339, or a date in the policy's zone
	To   string `yaml:"to"`   // exclusive; a date means the end of that day
}

// Authorization says who approves and who is told, for release types or for
// paths. Where several apply, all of their approvals are asked for.
type Authorization struct {
	Types   []string `yaml:"types"`   // release types; empty: any
	Paths   []string `yaml:"paths"`   // globs; empty: any
	Approve []string `yaml:"approve"` // roles, of each of which one person says /go
	Notify  []string `yaml:"notify"`  // roles that are told
	Channel string   `yaml:"channel"` // where they are told

	// Besides means that its people approve beside those who decide under the
	// organization's rules, and never in their stead.
	Besides bool `yaml:"-" json:",omitempty"`
}

// Monitoring holds the least monitoring windows, as durations such as "24h".
type Monitoring struct {
	Standard      string `yaml:"standard"`
	Hotfix        string `yaml:"hotfix"`
	Architectural string `yaml:"architectural"`
}

// Override says who may let a head pass against the verdict, and for how long.
type Override struct {
	Roles []string `yaml:"roles"` // empty: administrators of the repository
	For   string   `yaml:"for"`   // a duration such as "60m", or "off": nobody may
}

// Tracker says where tracker items are looked up.
type Tracker struct {
	Kind         string       `yaml:"kind"`         // github, monday or none
	Repositories []string     `yaml:"repositories"` // owner/name; empty: the pull request's own
	Boards       []int        `yaml:"boards"`       // of Monday.com
	Status       StatusColumn `yaml:"status"`
	Note         NoteColumn   `yaml:"note"`
}

// StatusColumn is the column of a board of Monday.com that says what is done.
type StatusColumn struct {
	Column string   `yaml:"column"` // its id
	Done   []string `yaml:"done"`   // the labels that mean so
}

// NoteColumn is the column of a board of Monday.com that holds completion notes.
type NoteColumn struct {
	Column string `yaml:"column"` // its id; "": an update of a person is the note
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
	Required []string       `yaml:"required"`
	Optional []string       `yaml:"optional"`
	Apps     map[string]int `yaml:"apps"` // check name → id of the App that must report it
	// Runs pins checks of GitHub Actions to the workflow and the event by which
	// they must have been run.
	Runs map[string]RunOf `yaml:"runs" json:",omitempty"`
	// Files are globs of what says what CI does, besides the usual places.
	Files []string `yaml:"files" json:",omitempty"`
	None  bool     `yaml:"none"`

	// Besides means that Required comes beside what is asked where no checks are
	// named, and not in its place.
	Besides bool `yaml:"-" json:",omitempty"`
}

// RunOf is by which workflow run a check must have been made. One that is empty
// is not asked.
type RunOf struct {
	Workflow string `yaml:"workflow"` // a path: .github/workflows/ci.yml
	Event    string `yaml:"event"`    // pull_request, push
}

// Secrets says how strictly secret scanning is judged.
type Secrets struct {
	AlertsRequired bool `yaml:"alerts_required"`
}

// Severity names the labels of severe issues.
type Severity struct {
	SEV1 string `yaml:"sev1"`
	SEV2 string `yaml:"sev2"`
	// SEV2From is the class from which an issue of the second kind blocks.
	SEV2From string `yaml:"sev2_from"`

	// Everywhere means that an issue counts whatever component it is of: the
	// organization asks about issues, and the components are not its own.
	Everywhere bool `yaml:"-" json:",omitempty"`
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
// layout only have the same digest. Where the rules were read, the check's name,
// the mode, which branches are judged and whether people are asked by a comment are no
// rules: changing them voids nobody's /go.
func (p *Policy) Digest() string {
	of := *p
	of.Check, of.Ask, of.Branches, of.Exclude = "", "", nil, nil
	rules, err := json.Marshal(&of)
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
	if !p.asks(id) {
		return Depth{Blocks: off, Advises: off}
	}
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
