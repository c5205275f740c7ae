package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// codesInSource finds the codes that the package's sources give: values of a
// field, variable or constant named like a code, and the first value of a lapse.
func codesInSource(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal("no sources", err)
	}
	var found []string
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && s != "" {
				found = append(found, s)
			}
		}
	}
	isCode := func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.Ident:
			return e.Name == "Code" || e.Name == "code" || regexp.MustCompile(`^[cC]ode[A-Z]|^hintCode$`).MatchString(e.Name)
		case *ast.SelectorExpr:
			return e.Sel.Name == "Code"
		}
		return false
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if isCode(n.Key) {
					add(n.Value)
				}
			case *ast.AssignStmt:
				if len(n.Lhs) == len(n.Rhs) {
					for i := range n.Lhs {
						if isCode(n.Lhs[i]) {
							add(n.Rhs[i])
						}
					}
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if isCode(name) && i < len(n.Values) {
						add(n.Values[i])
					}
				}
			case *ast.CompositeLit:
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "lapse" && len(n.Elts) > 0 {
					add(n.Elts[0])
				}
			}
			return true
		})
	}
	return found
}

func TestEveryCodeIsListed(t *testing.T) {
	used := append(codesInSource(t, "*.go"), codesInSource(t, "../decision/decision.go")...)
	for _, state := range []string{"skipped", "neutral"} {
		used = append(used, "ci-"+state)
	}
	used = slices.DeleteFunc(used, func(s string) bool { return s == "ci-" })
	for _, c := range used {
		if !slices.Contains(Codes(), c) {
			t.Errorf("%q is given but not listed in Codes", c)
		}
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(c) {
			t.Errorf("%q is not in kebab-case", c)
		}
	}
	for _, c := range Codes() {
		if !slices.Contains(used, c) {
			t.Errorf("%q is listed, but nothing gives it", c)
		}
	}
	if !slices.IsSorted(Codes()) || len(slices.Compact(Codes())) != len(Codes()) {
		t.Error("Codes is not sorted, or holds one twice")
	}
}
