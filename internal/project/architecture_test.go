package project_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// levels are the packages below internal, the highest first. A package may
// import those of lower levels, never one of its own or of a higher level.
var levels = [][]string{
	{"app", "project"},
	{"webhook", "dispatch", "worker", "board", "sandbox"},
	{"hub", "queue", "inbox", "index", "ledger", "secretscan", "tracker", "notify"},
	{"store", "policy", "decision", "command", "report"},
	{"markdown"},
	{"gate"},
}

// pure packages have no clock, network, disk or logger.
var pure = []string{"policy", "decision", "command", "report", "markdown", "gate"}

var impure = []string{"os", "os/exec", "net", "net/http", "net/rpc", "io/fs", "io/ioutil", "syscall", "database/sql",
	"log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand", "github.com/sirupsen/logrus"}

// only says who alone may import a package (or what lies below it), tests
// apart. The longest path decides.
var only = map[string][]string{
	"github.com/google/go-github":             {"hub"},
	"github.com/bradleyfalzon/ghinstallation": {"hub"},
	"gonogo/config":                           {"policy", "app"},
	"gonogo/internal/sandbox":                 {"gonogo/cmd/gonogo"},
	"gonogo/internal/sandbox/openapi":         {},
}

// importers returns who may import path, if not everybody may.
func importers(path string) (who []string, restricted bool) {
	for ; path != "."; path = filepath.ToSlash(filepath.Dir(path)) {
		if who, restricted = only[path]; restricted {
			return who, true
		}
	}
	return nil, false
}

// wrong says what is wrong about package from importing path, or "".
func wrong(from, path string) string {
	name := strings.TrimPrefix(from, "gonogo/internal/")
	who, restricted := importers(path)
	outside := strings.Contains(strings.Split(path, "/")[0], ".")
	switch to, internal := strings.CutPrefix(path, "gonogo/internal/"); {
	case restricted && !slices.Contains(who, name):
		return "is not for it"
	case name == "gate" && (outside || strings.HasPrefix(path, "gonogo/")):
		return "gate imports the standard library only"
	case slices.Contains(pure, name) && slices.Contains(impure, path):
		return "a pure package has no clock, network, disk or logger"
	case internal && from == "gonogo/config":
		return "config imports nothing of ours"
	case internal && name != from && levelOf(to) <= levelOf(name):
		return "imports go to lower levels only"
	}
	return ""
}

// levelOf returns a package's level; subpackages belong to their parent's.
func levelOf(name string) int {
	name, _, _ = strings.Cut(name, "/")
	return slices.IndexFunc(levels, func(l []string) bool { return slices.Contains(l, name) })
}

func TestImportsGoOneWay(t *testing.T) {
	seen := map[string]bool{}
	for path, file := range sources(t, "cmd", "config", "internal") {
		from := "gonogo/" + filepath.ToSlash(filepath.Dir(path))
		name := strings.TrimPrefix(from, "gonogo/internal/")
		seen[name] = true
		if name != from && levelOf(name) < 0 {
			t.Errorf("%s: package %s has no level; give it one here", path, name)
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := wrong(from, imported); why != "" {
				t.Errorf("%s imports %q: %s", path, imported, why)
			}
		}
		if slices.Contains(pure, name) {
			forbidClock(t, path, file)
		}
	}
	for _, l := range levels {
		for _, name := range l {
			if !seen[name] {
				t.Errorf("there is no package internal/%s; take it out of the levels", name)
			}
		}
	}
}

// Case 65 rests on this rule: what decides reaches no client of anything.
func TestImportRuleRefuses(t *testing.T) {
	for _, tt := range []struct {
		from, path string
		ok         bool
	}{
		{"gonogo/internal/policy", "gonogo/internal/gate", true},
		{"gonogo/internal/app", "gonogo/internal/store", true},
		{"gonogo/cmd/gonogo", "gonogo/internal/sandbox", true},
		{"gonogo/internal/hub", "github.com/google/go-github/v60/github", true},
		{"gonogo/internal/report", "net/url", true},
		{"gonogo/internal/policy", "gonogo/config", true},

		{"gonogo/internal/gate", "gonogo/internal/policy", false},
		{"gonogo/internal/gate", "github.com/goccy/go-yaml", false},
		{"gonogo/internal/policy", "gonogo/internal/decision", false},
		{"gonogo/internal/hub", "gonogo/internal/queue", false},
		{"gonogo/internal/webhook", "gonogo/internal/worker", false},
		{"gonogo/internal/store", "gonogo/internal/hub", false},
		{"gonogo/internal/worker", "gonogo/internal/app", false},
		{"gonogo/internal/worker", "github.com/google/go-github/v60/github", false},
		{"gonogo/cmd/gonogo", "github.com/bradleyfalzon/ghinstallation/v2", false},
		{"gonogo/internal/app", "gonogo/internal/sandbox", false},
		{"gonogo/cmd/gonogo", "gonogo/internal/sandbox/openapi", false},
		{"gonogo/internal/worker", "gonogo/config", false},
		{"gonogo/internal/decision", "net/http", false},
		{"gonogo/internal/report", "os", false},
		{"gonogo/internal/policy", "github.com/sirupsen/logrus", false},
		{"gonogo/config", "gonogo/internal/policy", false},
	} {
		if why := wrong(tt.from, tt.path); (why == "") != tt.ok {
			t.Errorf("%s importing %s: %q", tt.from, tt.path, why)
		}
	}
}

// clock are the functions of package time that read or wait for the clock.
var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"}

func forbidClock(t *testing.T, path string, file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := call.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clock, call.Sel.Name) {
			t.Errorf("%s calls time.%s: time is an argument of a pure package", path, call.Sel.Name)
		}
		return true
	})
}

// sources parses the Go files below dirs, tests left out, by path.
func sources(t *testing.T, dirs ...string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files[path], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}
