package project_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gonogo/internal/gate"
	"gonogo/internal/policy"
)

// docs/requirements.md has a row for every requirement, with the class from
// which the built-in policy lets it block.
func TestRequirementsAreDocumented(t *testing.T) {
	text := read(t, "docs/requirements.md")
	built := policy.BuiltIn()
	documented := map[gate.Requirement]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+/[a-z-]+)` \\| (\\w+) \\|").FindAllStringSubmatch(text, -1) {
		documented[gate.Requirement(m[1])] = m[2]
	}
	for _, id := range policy.Requirements() {
		if got, want := documented[id], built.Requirements[id].Blocks; got != want {
			t.Errorf("%s blocks from %q, the documentation says %q", id, want, got)
		}
		delete(documented, id)
	}
	for id := range documented {
		t.Errorf("there is no requirement %s", id)
	}
}

func TestReasonCodesAreDocumented(t *testing.T) {
	text := read(t, "docs/requirements.md")
	codes := reasonCodes(t)
	if len(codes) < 40 {
		t.Errorf("only %d reason codes were found in the sources", len(codes))
	}
	for _, code := range codes {
		if !strings.Contains(text, "`"+code+"`") {
			t.Errorf("the reason code %s is not documented", code)
		}
	}
}

// reasonCodes collects the codes of findings, of lapses and of the record's
// problems from the sources.
func reasonCodes(t *testing.T) []string {
	t.Helper()
	var codes []string
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if code := literal(t, lit); !strings.HasSuffix(code, "-") { // "ci-" takes what GitHub says
				codes = append(codes, code)
			}
		}
	}
	for _, file := range sources(t, "internal/policy", "internal/decision") {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
					add(n.Value)
				}
			case *ast.AssignStmt:
				if sel, ok := n.Lhs[0].(*ast.SelectorExpr); ok && sel.Sel.Name == "Code" {
					add(n.Rhs[0])
				}
			case *ast.CompositeLit:
				if typ, ok := n.Type.(*ast.Ident); ok && typ.Name == "lapse" && len(n.Elts) > 0 {
					add(n.Elts[0])
				}
			case *ast.ValueSpec:
				if name := n.Names[0].Name; len(n.Values) == 1 && (strings.HasPrefix(name, "Code") || strings.HasPrefix(name, "code")) {
					add(n.Values[0])
				}
			}
			return true
		})
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// Every test that docs/threats.md names exists, in the package that it names.
func TestThreatsNameTests(t *testing.T) {
	tests := testNames(t)
	named := 0
	for line := range strings.Lines(read(t, "docs/threats.md")) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !regexp.MustCompile(`^ \d`).MatchString(cells[1]) {
			continue
		}
		pkg := ""
		for _, m := range regexp.MustCompile("`(\\w+)`:|\\b((?:Test|Fuzz)\\w+)").FindAllStringSubmatch(cells[3], -1) {
			if m[1] != "" {
				pkg = "internal/" + m[1]
				continue
			}
			named++
			if !slices.Contains(tests[pkg], m[2]) {
				t.Errorf("case%s: there is no test %s in %s", cells[1], m[2], pkg)
			}
		}
	}
	if named < 80 {
		t.Errorf("only %d tests are named", named)
	}
}

// testNames lists the test functions of each directory.
func testNames(t *testing.T) map[string][]string {
	t.Helper()
	names := map[string][]string{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		for _, m := range function.FindAllStringSubmatch(read(t, path), -1) {
			names[dir] = append(names[dir], m[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
