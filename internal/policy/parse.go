package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"gonogo/config"
	"gonogo/internal/gate"
)

// MaxSize is the largest policy file in bytes.
const MaxSize = 64 << 10

// Path is where a repository keeps its policy.
const Path = ".github/gonogo.yml"

// BuiltIn returns the policy that ships with Gonogo.
func BuiltIn() *Policy {
	p, err := parse(nil, config.Policy)
	if err != nil {
		panic(fmt.Sprintf("built-in policy: %v", err)) // a test parses it
	}
	p.Source = "built-in"
	return p
}

// Error is a policy file that is not valid. Line and Column are from 1, or 0
// when the fault has no place.
type Error struct {
	Line, Column int
	Message      string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Parse reads the policy file at path. Keys that are left out keep their
// built-in values; lists and maps that are given replace the built-in ones,
// except that roles and requirements are set one by one. An error is an *Error.
func Parse(path string, data []byte) (*Policy, error) {
	p, err := parse(BuiltIn(), data)
	if err != nil {
		return nil, err
	}
	p.Source = path
	return p, nil
}

func parse(base *Policy, data []byte) (*Policy, error) {
	if len(data) > MaxSize {
		return nil, &Error{Message: fmt.Sprintf("the policy is %d bytes long; keep it under 64 KiB", len(data))}
	}
	if err := refuseConstructs(data); err != nil {
		return nil, err
	}
	p := &Policy{}
	if base != nil {
		*p = *base
		p.Roles, p.Requirements = maps.Clone(base.Roles), maps.Clone(base.Requirements)
	}
	err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(p)
	if err != nil && !errors.Is(err, io.EOF) { // an empty file changes nothing
		return nil, positioned(err)
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// maxDepth is the deepest nesting of a policy file.
const maxDepth = 20

// refuseConstructs refuses what YAML has and a policy does not need: a second
// document, anchors and aliases (an alias bomb is a few hundred bytes).
func refuseConstructs(data []byte) error {
	if deepest(data) > maxDepth {
		return &Error{Message: fmt.Sprintf("nested more than %d levels deep; a policy has three", maxDepth)}
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return positioned(err)
	}
	if len(file.Docs) > 1 {
		return &Error{Message: "a second document (after ---) is not read; keep one"}
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		v := &constructs{}
		ast.Walk(v, doc.Body)
		if v.found != nil {
			at := v.found.GetToken().Position
			return &Error{Line: at.Line, Column: at.Column, Message: "anchors and aliases (& and *) are not read; write the value out"}
		}
	}
	return nil
}

// deepest estimates the nesting of data from brackets and indentation, before
// anything recursive looks at it.
func deepest(data []byte) int {
	flow, most := 0, 0
	for line := range bytes.Lines(data) {
		for _, c := range line {
			switch c {
			case '[', '{':
				flow++
			case ']', '}':
				flow--
			}
			most = max(most, flow)
		}
		most = max(most, bytes.Count(line, []byte("- ")))
	}
	return most
}

type constructs struct{ found ast.Node }

func (v *constructs) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		if v.found == nil {
			v.found = n
		}
		return nil
	}
	return v
}

func positioned(err error) error {
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		return &Error{Message: firstLine(err.Error())}
	}
	e := &Error{Message: firstLine(syntax.GetMessage())}
	if t := syntax.GetToken(); t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	return e
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func (p *Policy) validate() error {
	bad := func(format string, args ...any) error { return &Error{Message: fmt.Sprintf(format, args...)} }
	if n := len(p.Check); n == 0 || n > 100 {
		return bad("check: give the check run a name of 1 to 100 characters")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Requirements)) {
		if !slices.ContainsFunc(requirements[:], func(r requirement) bool { return r.id == name }) {
			return bad("requirements: there is no requirement %q", name)
		}
		for _, word := range []string{p.Requirements[name].Blocks, p.Requirements[name].Advises} {
			if word != off && word != "" && gate.ParseClass(word) == gate.Undeclared {
				return bad("requirements: %s: %q is not one of low, medium, high, off", name, word)
			}
		}
		if p.Requirements[name].Blocks == "" {
			return bad("requirements: %s: say from which class it blocks: low, medium, high or off", name)
		}
	}
	for _, name := range p.RoleNames() {
		if perm := p.Roles[name].Permission; perm != "" && perm != "write" && perm != "maintain" && perm != "admin" {
			return bad("roles: %s: permission %q is not one of write, maintain, admin", name, perm)
		}
		for _, team := range p.Roles[name].Teams {
			if strings.Count(team, "/") != 1 {
				return bad("roles: %s: write the team %q as org/team", name, team)
			}
		}
	}
	if _, ok := p.Roles[ReleaseManager]; !ok {
		return bad("roles: the role %q is missing", ReleaseManager)
	}
	if p.Ask != "comment" && p.Ask != "none" {
		return bad("ask: %q is not one of comment, none", p.Ask)
	}
	for _, n := range []int{p.Approvals.Low, p.Approvals.Medium, p.Approvals.High, p.Go.Low, p.Go.Medium, p.Go.High} {
		if n < 0 || n > 20 {
			return bad("approvals, go: %d is not between 0 and 20", n)
		}
	}
	if p.Severity.SEV1 == "" || p.Severity.SEV2 == "" {
		return bad("severity: give a label for sev1 and for sev2")
	}
	return p.validateGlobs(bad)
}

func (p *Policy) validateGlobs(bad func(string, ...any) error) error {
	globs := slices.Concat(p.Branches, p.KeepBranches)
	for _, f := range p.Floors {
		if gate.ParseClass(f.Class) == gate.Undeclared {
			return bad("floors: class %q is not one of low, medium, high", f.Class)
		}
		if len(f.Words)+len(f.Paths)+len(f.Labels) == 0 {
			return bad("floors: a floor needs words, paths or labels")
		}
		globs = append(globs, f.Paths...)
	}
	for _, g := range globs {
		if !doublestar.ValidatePattern(g) {
			return bad("%q is not a valid glob", g)
		}
	}
	return nil
}

// matchAny reports whether name matches one of the globs.
func matchAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool {
		ok, err := doublestar.Match(g, name)
		return err == nil && ok
	})
}

// InScope reports whether pull requests into branch are judged: the default
// branch, the policy's own branches, and those whose rules require the check.
func (p *Policy) InScope(branch, defaultBranch string, required []gate.RequiredCheck) bool {
	return branch == defaultBranch || matchAny(p.Branches, branch) ||
		slices.ContainsFunc(required, func(c gate.RequiredCheck) bool { return c.Name == p.Check })
}
