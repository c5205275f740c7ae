package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gonogo/internal/gate"
)

// OrganizationPath is where an organization's .github repository keeps the
// policy of repositories that have none, and what it enforces in all of them.
const OrganizationPath = "gonogo.yml"

// File is a policy file as it was read.
type File struct {
	Name string // for people: ".github/gonogo.yml", or "acme/.github: gonogo.yml"
	SHA  string // of the blob
	Data []byte
}

// Effective is the policy in force in a repository, and where its rules come
// from.
type Effective struct {
	*Policy
	// Files are the files that it was made from, with the keys that each of
	// them settles.
	Files []gate.PolicyFile
	// Enforces reports whether the organization's file has an enforce part.
	Enforces bool
	// Names reports whether the organization's file gives the check a name.
	Names bool
	// Heard reports whether the organization's file was understood, or is not
	// there: else its mode and its name of the check are not known.
	Heard bool
	// Overruled says where the repository asks for less than its organization
	// enforces. What it says there does not count.
	Overruled []gate.Finding
}

// Combine makes the policy in force of the organization's file and of the
// repository's own; either may be nil, which is a file that does not exist. The
// repository's file stands in for the organization's, but for what that
// enforces, and for the check's name and the mode, which are not for a repository
// to set. The error names the file that is not valid and is an *Error; the policy
// is then the built-in one, with the organization's name and mode if that is
// Heard.
func Combine(organization, repository *File) (Effective, error) {
	out := Effective{Policy: BuiltIn()}
	org, err := readOrganization(organization)
	if err != nil {
		return out, err
	}
	out.Heard = true
	if org != nil {
		out.Enforces = org.enforced != nil
		_, out.Names = org.at["check"]
		out.publishedLike(org.policy)
	}
	given := places{}
	switch {
	case repository != nil:
		own, at, err := parse(repository.Name, repository.Data)
		if err == nil {
			err = notForRepositories(own, at, out.Check)
		}
		if err != nil {
			return out, inFile(repository, err)
		}
		own.publishedLike(out.Policy)
		out.Policy, given = own, at
		out.Files = append(out.Files, fileOf(repository, given))
	case org != nil:
		out.Policy = org.policy
		out.Files = append(out.Files, fileOf(organization, org.at))
	}
	if out.Enforces {
		t := tightening{policy: out.Policy, org: org.enforced, by: enforces(org.enforced, org.enforcedAt), enforced: org.enforcedAt, given: given, repository: repository != nil}
		t.all()
		out.Overruled = t.overruled
		file := fileOf(organization, org.enforcedAt)
		file.Enforces = true
		out.Files = append(out.Files, file)
		out.Enforced = file.Keys
	}
	return out, nil
}

// inFile says in which file an error is.
func inFile(f *File, err error) error {
	e, ok := err.(*Error) //nolint:errorlint // parse returns nothing else
	if !ok {
		return err
	}
	named := *e
	named.File = f.Name
	return &named
}

func fileOf(f *File, at places) gate.PolicyFile {
	var keys []string
	for key := range at {
		if key != "" && !strings.ContainsAny(key, ".[") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return gate.PolicyFile{Name: f.Name, SHA: f.SHA, Keys: keys}
}

// organizationFile is an organization's file, split into its two parts.
type organizationFile struct {
	policy     *Policy
	at         places
	enforced   *Policy // with the enforce part over it; nil: it enforces nothing
	enforcedAt places
}

func readOrganization(f *File) (*organizationFile, error) {
	if f == nil {
		return nil, nil
	}
	o, err := parseOrganization(f)
	if err != nil {
		return nil, inFile(f, err)
	}
	return o, nil
}

// enforceKey holds what an organization enforces, in the shape of a policy.
const enforceKey = "enforce"

func parseOrganization(f *File) (*organizationFile, error) {
	body, err := parseFile(f.Data)
	if err != nil {
		return nil, err
	}
	rest, part := splitEnforced(body)
	o := &organizationFile{policy: BuiltIn()}
	if o.at, err = o.policy.fill(rest); err != nil {
		return nil, err
	}
	o.policy.Source = f.Name
	if part == nil {
		return o, nil
	}
	o.enforced = o.policy.clone()
	if o.enforcedAt, err = o.enforced.fill(part); err != nil {
		return nil, err
	}
	delete(o.enforcedAt, "check")
	return o, notToEnforce(o.enforcedAt)
}

// splitEnforced takes the enforce part out of a file's keys.
func splitEnforced(body ast.Node) (rest, enforced ast.Node) {
	switch m := body.(type) {
	case *ast.MappingValueNode:
		if m.Key.GetToken().Value == enforceKey {
			return nil, m.Value
		}
	case *ast.MappingNode:
		others := *m
		others.Values = slices.DeleteFunc(slices.Clone(m.Values), func(v *ast.MappingValueNode) bool {
			if v.Key.GetToken().Value != enforceKey {
				return false
			}
			enforced = v.Value
			return true
		})
		if len(others.Values) == 0 {
			return nil, enforced
		}
		return &others, enforced
	}
	return body, nil
}

// ParseOrganization reads the file of an organization: a policy that may hold
// an enforce part. An error is an *Error.
func ParseOrganization(f File) (Effective, error) { return Combine(&f, nil) }

// told notes that what the repository says under key does not count, if it says
// anything there.
func (t *tightening) told(key, wants, has string) {
	if _, ok := t.given[key]; !ok || !t.repository {
		return
	}
	t.overruled = append(t.overruled, gate.Finding{
		Status: gate.Advisory, Code: "enforced", By: gate.ByAdmin,
		Fact: fmt.Sprintf("the organization enforces %s: %s; what this repository says there (%s) asks for less and does not count", gate.Quote(key), gate.Quote(wants), gate.Quote(has)),
		Fix:  "take the key out of " + Path + ", or ask for more than is enforced",
	})
}
