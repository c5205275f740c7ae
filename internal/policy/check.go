package policy

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maxFaults is how many errors of a file are told at once.
const maxFaults = 20

// Check reads a policy file of a repository or an organization and returns all
// errors in it, in the order of their lines. Without an error it returns the
// policy that the file makes. An error that another one brings about is left
// out as far as that can be told.
func Check(f File) (Effective, []*Error) {
	found, err := ParseOrganization(f)
	if err == nil && ofRepository(f.Name) {
		found, err = Combine(nil, &f)
	}
	if err == nil {
		return found, nil
	}
	var first *Error
	if !errors.As(err, &first) {
		return found, []*Error{{Message: err.Error()}}
	}
	body, err := parseFile(f.Data)
	if err != nil {
		return found, []*Error{first}
	}
	rest, part := splitEnforced(body)
	faults, own := faultsOf(rest, BuiltIn), BuiltIn()
	if _, err := own.fill(rest); err == nil { // what is enforced may name what the rest defines
		faults = faultsOf(part, own.clone)
	} else {
		faults = append(faults, slices.DeleteFunc(faultsOf(part, BuiltIn), follows)...)
	}
	if len(faults) == 0 { // it lies between the parts, or in what is a key elsewhere
		return found, []*Error{first}
	}
	slices.SortStableFunc(faults, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	return found, faults
}

// ofRepository reports whether a file's name is that of a repository's policy;
// any other may be an organization's.
func ofRepository(name string) bool {
	name = strings.ReplaceAll(name, `\`, "/")
	return name == Path || strings.HasSuffix(name, "/"+Path)
}

// faultsOf finds one error after the other: the key in which one lies is taken
// out, and the rest is read again, over the policy that it is laid over.
func faultsOf(body ast.Node, over func() *Policy) []*Error {
	var faults []*Error
	for len(faults) < maxFaults {
		_, err := over().fill(body)
		var fault *Error
		if !errors.As(err, &fault) {
			break
		}
		if len(faults) == 0 || !follows(fault) {
			faults = append(faults, fault)
		}
		var ok bool
		if body, ok = without(body, fault.Line); !ok {
			break
		}
	}
	return faults
}

// follows reports whether an error may come from a key that was taken out: it
// misses what other keys define.
func follows(e *Error) bool {
	return strings.Contains(e.Message, "is no role") || strings.Contains(e.Message, "is no sign-off") || strings.Contains(e.Message, "is missing")
}

// without takes the key out of a file that a line belongs to.
func without(body ast.Node, line int) (ast.Node, bool) {
	m, ok := body.(*ast.MappingNode)
	if !ok || line == 0 {
		return nil, false
	}
	at := -1
	for i, v := range m.Values {
		if placeOf(v.Key.GetToken()).line <= line {
			at = i
		}
	}
	if at < 0 || len(m.Values) < 2 {
		return nil, false
	}
	rest := *m
	rest.Values = slices.Delete(slices.Clone(m.Values), at, at+1)
	return &rest, true
}
