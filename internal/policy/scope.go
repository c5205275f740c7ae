package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

var (
	scopeRemark    = regexp.MustCompile(`\([^)]*\)`)
	scopeSeparator = regexp.MustCompile(`(?i)[,;/+&\n]|\band\b`)
)

// scope: every touched path lies inside a component that the record's release
// scope names.
func scope(q question, e FilesEvidence) []gate.Finding {
	if !q.Record.Found || q.Record.Scope == "" || !q.Policy.asks("review/scope") {
		return nil // the missing line is decision/record's to say
	}
	files := e.Files()
	if !files.Known {
		return one(unread("the list of changed files", files.Why))
	}
	named, unknown := q.Policy.componentsIn(q.Record.Scope)
	var found []gate.Finding
	if len(unknown) > 0 {
		found = append(found, unknownScope(q, unknown))
	}
	outside := map[string][]string{} // component, "" for none → paths
	for _, path := range touched(files.Value) {
		if home := q.Policy.homes(path); !slices.ContainsFunc(home, func(c string) bool { return slices.Contains(named, c) }) {
			outside[strings.Join(home, ", ")] = append(outside[strings.Join(home, ", ")], path)
		}
	}
	for _, home := range slices.Sorted(maps.Keys(outside)) {
		found = append(found, outsideScope(home, outside[home]))
	}
	return found
}

func unknownScope(q question, unknown []string) gate.Finding {
	quoted := make([]string, 0, len(unknown))
	for _, word := range unknown {
		quoted = append(quoted, gate.Quote(word))
	}
	return gate.Finding{
		Status: gate.Action, Code: "scope-unknown", By: gate.ByAuthor, Field: gate.FieldScope,
		Fact: fmt.Sprintf("the release scope names what is no component: %s", strings.Join(quoted, ", ")),
		Fix:  "name components, separated by commas: " + gate.Quote(strings.Join(slices.Sorted(maps.Keys(q.Policy.Components)), ", ")),
	}
}

func outsideScope(home string, paths []string) gate.Finding {
	f := gate.Finding{
		Status: gate.Fail, Code: "scope-exceeded", By: gate.ByAuthor, Field: gate.FieldScope,
		Fact: fmt.Sprintf("the release scope does not name %s, to which these belong: %s", gate.Quote(home), firstFew(paths)),
		Fix:  "add it to the record's release scope, or take the change out",
	}
	if home == "" {
		f.Fact = "no component of the policy holds these: " + firstFew(paths)
		f.Fix = "take them out, or add their paths to a component in " + Path
	}
	return f
}

// homes lists the components to which a path belongs, in order.
func (p *Policy) homes(path string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(p.Components)) {
		if matchAny(p.Components[name], path) {
			names = append(names, name)
		}
	}
	return names
}

// componentsIn returns the components that a scope names, and the words that
// name none. The whole of a part must be a component's name, remarks in
// parentheses left out.
func (p *Policy) componentsIn(text string) (named, unknown []string) {
	known := map[string]string{}
	for name := range p.Components {
		known[foldComponent(name)] = name
	}
	text = scopeRemark.ReplaceAllString(text, " ")
	if name, ok := known[foldComponent(text)]; ok {
		return []string{name}, nil
	}
	for _, part := range scopeSeparator.Split(text, -1) {
		name, ok := known[foldComponent(part)]
		switch {
		case ok:
			named = append(named, name)
		case strings.TrimSpace(part) != "":
			unknown = append(unknown, strings.TrimSpace(part))
		}
	}
	return named, unknown
}

func foldComponent(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == '-' || r == '_' || r == '\t' || r == '\u00a0' || r == '.' }), " ")
}

func (p *Policy) validateComponents(at places) *Error {
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(p.Components)) {
		path := "components." + name
		folded := foldComponent(name)
		if folded == "" {
			return at.errorf(path, "give the component a name")
		}
		if other, ok := seen[folded]; ok {
			return at.errorf(path, "%q and %q read the same in a record; rename one", name, other)
		}
		seen[folded] = name
		if len(p.Components[name]) == 0 {
			return at.errorf(path, "list the paths of the component, such as [%q]", name+"/**")
		}
		if err := at.globs(path, p.Components[name]); err != nil {
			return err
		}
	}
	return nil
}
