package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/goccy/go-yaml/ast"
	"golang.org/x/text/unicode/norm"

	"gonogo/config"
	"gonogo/internal/gate"
)

// MaxSize is the largest policy file in bytes.
const MaxSize = 64 << 10

// Path is where a repository keeps its policy.
const Path = ".github/gonogo.yml"

// BuiltIn returns the policy that ships with Gonogo.
func BuiltIn() *Policy { return builtIn().clone() }

// clone returns a copy whose roles and requirements can be changed.
func (p *Policy) clone() *Policy {
	of := *p
	of.Roles, of.Requirements = maps.Clone(p.Roles), maps.Clone(p.Requirements)
	return &of
}

var builtIn = sync.OnceValue(func() *Policy {
	p := &Policy{Roles: map[string]Role{}, Requirements: map[gate.Requirement]Depth{}}
	if err := p.read(config.Policy); err != nil {
		panic(fmt.Sprintf("built-in policy: %v", err)) // a test parses it
	}
	p.Source = "built-in"
	return p
})

// Error is a policy file that is not valid. Line and Column are from 1, or 0
// when the fault has no place; File is the file's name where several were read.
type Error struct {
	File         string
	Line, Column int
	Message      string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Parse reads the policy file at path. A file that says nothing is the built-in
// policy. Keys that are left out keep their built-in values, inside of a block
// too ("approvals: {low: 2}" says nothing of high); each list, each role and
// each requirement that is given replaces the built-in one as a whole. An error
// is an *Error.
func Parse(path string, data []byte) (*Policy, error) {
	p, _, err := parse(path, data)
	return p, err
}

// parse also tells which keys the file gives, and where.
func parse(path string, data []byte) (*Policy, places, error) {
	p := BuiltIn()
	body, err := parseFile(data)
	if err != nil {
		return nil, nil, err
	}
	at, err := p.fill(body)
	if err != nil {
		return nil, nil, err
	}
	p.Source = path
	return p, at, nil
}

// read sets what data says. The result is not nil for a policy that is not
// valid.
func (p *Policy) read(data []byte) error {
	body, err := parseFile(data)
	if err == nil {
		_, err = p.fill(body)
	}
	return err
}

// parseFile returns the only document of a file.
func parseFile(data []byte) (ast.Node, error) {
	if len(data) > MaxSize {
		return nil, &Error{Message: fmt.Sprintf("the policy is %d bytes long; keep it under 64 KiB", len(data))}
	}
	if !utf8.Valid(data) {
		return nil, &Error{Message: "the policy is not UTF-8 text"}
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	body, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	return body, nil
}

// fill sets what a document says and validates the outcome. It returns which
// keys were given, and where.
func (p *Policy) fill(body ast.Node) (places, error) {
	at := places{}
	if body != nil {
		var err *Error
		if at, err = decode(body, p); err != nil {
			return nil, err
		}
	}
	if err := p.validate(at); err != nil {
		return nil, err
	}
	return at, nil
}

// errorf returns an error where the longest known part of path stands.
func (at places) errorf(path, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	for p := path; p != ""; {
		if where, ok := at[p]; ok {
			return where.errorf("%s: %s", path, message)
		}
		p = p[:max(strings.LastIndexAny(p, ".["), 0)]
	}
	return &Error{Message: path + ": " + message}
}

func (p *Policy) validate(at places) *Error {
	if err := ValidateName(p.Check); err != nil {
		return at.errorf("check", "%s", err)
	}
	if p.Ask != "comment" && p.Ask != "none" {
		return at.errorf("ask", "%q is not one of comment, none", p.Ask)
	}
	if slices.Contains(p.Checks.Required, p.Check) {
		return at.errorf("checks.required", "%q is Gonogo's own check; it cannot wait for itself", p.Check)
	}
	for _, label := range [][2]string{{"sev1", p.Severity.SEV1}, {"sev2", p.Severity.SEV2}} {
		if strings.TrimSpace(label[1]) == "" {
			return at.errorf("severity."+label[0], "give a label")
		}
	}
	if from := p.Severity.SEV2From; gate.ParseClass(from) == gate.Undeclared {
		return at.errorf("severity.sev2_from", "%q is not one of low, medium, high", from)
	}
	if p.Rehearsal.MaxAgeDays < 0 {
		return at.errorf("rehearsal.max_age_days", "%d is not a number of days", p.Rehearsal.MaxAgeDays)
	}
	return cmp.Or(p.validateModes(at), p.validateScope(at), p.validateRequirements(at), p.validateRoles(at), p.validateNumbers(at), p.validateFloors(at), p.validateGlobs(at), p.validateOrganisation(at))
}

func (p *Policy) validateRequirements(at places) *Error {
	for _, id := range slices.Sorted(maps.Keys(p.Requirements)) {
		path, depth := "requirements."+string(id), p.Requirements[id]
		if !slices.Contains(Requirements(), id) {
			return at.errorf(path, "there is no such requirement%s", suggest(string(id), asStrings(Requirements())))
		}
		for _, said := range [][2]string{{".blocks", depth.Blocks}, {".advises", depth.Advises}} {
			if word := said[1]; word != off && word != "" && gate.ParseClass(word) == gate.Undeclared {
				return at.errorf(path+said[0], "%q is not one of low, medium, high, off", word)
			}
		}
		if depth.Blocks == "" {
			return at.errorf(path, "say from which class it blocks: low, medium, high or off")
		}
		if id == inputs && depth.Blocks != gate.Low.String() {
			return at.errorf(path+".blocks", "nothing can be judged without its inputs; this requirement always blocks from low")
		}
	}
	return nil
}

func (p *Policy) validateRoles(at places) *Error {
	for _, name := range p.RoleNames() {
		path, role := "roles."+name, p.Roles[name]
		if perm := role.Permission; perm != "" && perm != "write" && perm != "maintain" && perm != "admin" {
			return at.errorf(path+".permission", "%q is not one of write, maintain, admin", perm)
		}
		for i, login := range role.Users {
			if _, ok := parsePerson(login); !ok {
				return at.errorf(fmt.Sprintf("%s.users[%d]", path, i), "write the login alone, without @, or with the account's number behind it (alice#42): %q", login)
			}
		}
		for i, team := range role.Teams {
			org, slug, _ := strings.Cut(team, "/")
			if org == "" || slug == "" || strings.ContainsAny(org, "@ ") || strings.ContainsAny(slug, "/ ") {
				return at.errorf(fmt.Sprintf("%s.teams[%d]", path, i), "write the team as org/team, without @: %q", team)
			}
		}
	}
	if _, ok := p.Roles[ReleaseManager]; !ok {
		return at.errorf("roles", "the role %q is missing", ReleaseManager)
	}
	return nil
}

// maxAsked is the largest number of approvals or decisions that can be asked.
const maxAsked = 20

// validateNumbers refuses numbers by which a higher class would ask for less
// than a lower one: declaring more than is needed must never help.
func (p *Policy) validateNumbers(at places) *Error {
	for _, of := range []struct {
		key string
		PerClass
	}{{"approvals", p.Approvals}, {"go", p.Go}} {
		least := 0
		for _, c := range gate.Classes {
			path, n := of.key+"."+c.String(), of.For(c)
			if n < 0 || n > maxAsked {
				return at.errorf(path, "%d is not between 0 and %d", n, maxAsked)
			}
			if n < least {
				return at.errorf(path, "%d is less than a lower class asks for; write %s: %d or more", n, c, least)
			}
			least = n
		}
	}
	return nil
}

func (p *Policy) validateFloors(at places) *Error {
	for i, f := range p.Floors {
		path := fmt.Sprintf("floors[%d]", i)
		if gate.ParseClass(f.Class) == gate.Undeclared {
			return at.errorf(path+".class", "%q is not one of low, medium, high", f.Class)
		}
		if len(f.Words)+len(f.Paths)+len(f.Labels) == 0 {
			return at.errorf(path, "a floor needs words, paths or labels")
		}
		for j, w := range f.Words {
			if words := pathWords(w); len(words) == 0 || words[0] != strings.ToLower(w) {
				return at.errorf(fmt.Sprintf("%s.words[%d]", path, j), "%q is not one word of letters; use paths for anything else", w)
			}
		}
	}
	return nil
}

func (p *Policy) validateGlobs(at places) *Error {
	err := cmp.Or(at.globs("branches", p.Branches), at.globs("keep_branches", p.KeepBranches))
	for i, f := range p.Floors {
		err = cmp.Or(err, at.globs(fmt.Sprintf("floors[%d].paths", i), f.Paths))
	}
	return err
}

// globs refuses what is no glob in the list at path.
func (at places) globs(path string, globs []string) *Error {
	for i, g := range globs {
		if g == "" || !doublestar.ValidatePattern(g) {
			return at.errorf(fmt.Sprintf("%s[%d]", path, i), "%q is not a valid glob", g)
		}
	}
	return nil
}

func asStrings[S ~string](list []S) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

// matchAny reports whether name matches one of the globs.
func matchAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool {
		return matchGlob(g, name) || matchGlob(norm.NFC.String(strings.TrimPrefix(g, "./")), norm.NFC.String(name))
	})
}

func matchGlob(glob, name string) bool {
	ok, err := doublestar.Match(glob, name)
	return err == nil && ok
}

// samePath reports whether two paths are the same, byte by byte or as people
// see them: an accent may be part of its letter or a character of its own.
func samePath(a, b string) bool { return a == b || norm.NFC.String(a) == norm.NFC.String(b) }
