package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

var updateLint = flag.Bool("update-lint", false, "rewrite the golden files of lint")

// lintRun runs the command in-process and returns what it wrote and its exit
// status.
func lintRun(t *testing.T, stdin string, args ...string) (out string, status int, err error) {
	t.Helper()
	var b bytes.Buffer
	root := newRoot()
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&b)
	root.SetErr(&b)
	root.SetArgs(args)
	err = root.Execute()
	var code exitCode
	switch {
	case err == nil:
		return b.String(), 0, nil
	case errors.As(err, &code):
		return b.String(), int(code), nil
	default:
		return b.String(), 2, err
	}
}

func TestLint(t *testing.T) {
	for _, c := range []struct {
		golden, body string
		args         []string
		status       int
	}{
		{"complete.txt", "ok/canonical.md", []string{"lint", "-"}, 0},
		{"complete.json", "ok/further-fields.md", []string{"lint", "--format", "json", "-"}, 0},
		{"incomplete.txt", "err/placeholders-of-people.md", []string{"lint", "--format=text", "-"}, 1},
		{"incomplete.json", "err/go-with-a-condition.md", []string{"lint", "--format=json", "-"}, 1},
		{"warnings.txt", "err/failed-gate-at-low.md", []string{"lint", "-"}, 0},
		{"none.txt", "err/in-a-fence.md", []string{"lint", "-"}, 1},
		{"none.json", "err/empty.md", []string{"lint", "--format", "json", "-"}, 1},
	} {
		t.Run(c.golden, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join("../../testdata/record", c.body))
			if err != nil {
				t.Fatal(err)
			}
			out, status, err := lintRun(t, string(body), c.args...)
			if err != nil || status != c.status {
				t.Errorf("status %d, error %v; want status %d", status, err, c.status)
			}
			name := filepath.Join("../../testdata/record/lint", c.golden)
			if *updateLint {
				if err := os.WriteFile(name, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLintReadsFiles(t *testing.T) {
	name := "../../testdata/record/err/no-go.md"
	out, status, err := lintRun(t, "", "lint", name)
	if err != nil || status != 1 || !strings.HasPrefix(out, name+":19:5: error: ") {
		t.Errorf("status %d, error %v, output %q", status, err, out)
	}
}

func TestLintSaysWhatToDoWhenItCannotRead(t *testing.T) {
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"no such file", "give the file that holds the pull request's body", []string{"lint", "nowhere.md"}},
		{"a directory", "read the pull request's body from .", []string{"lint", "."}},
		{"no file", "lint wants one file", []string{"lint"}},
		{"two files", "lint wants one file", []string{"lint", "a", "b"}},
		{"an unknown format", "write --format text or --format json", []string{"lint", "--format", "xml", "-"}},
		{"an unknown class", "write low, medium or high", []string{"template", "--risk", "huge"}},
		{"an unknown type", "write routine, multi-feature", []string{"template", "--type", "big"}},
	} {
		_, status, err := lintRun(t, "", c.args...)
		if status != 2 || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: status %d, error %v; want %q", c.name, status, err, c.want)
		}
	}
}

func TestLintTellsABrokenInput(t *testing.T) {
	_, err := readBody(iotest.ErrReader(errors.New("pipe is gone")), "-")
	if err == nil || !strings.Contains(err.Error(), "standard input: pipe is gone") {
		t.Errorf("error %v", err)
	}
}

func TestTemplateCanBeLinted(t *testing.T) {
	text, status, err := lintRun(t, "", "template", "--risk", "high", "--type", "customer-facing")
	if err != nil || status != 0 || !strings.Contains(text, "- Risk class: high\n") || !strings.Contains(text, "- Release type: customer-facing\n") {
		t.Fatalf("status %d, error %v:\n%s", status, err, text)
	}
	out, status, err := lintRun(t, text, "lint", "-")
	if err != nil || status != 1 || strings.Contains(out, "missing") || strings.Contains(out, "[timestamp]") {
		t.Errorf("status %d, error %v:\n%s", status, err, out)
	}
}

func TestLintAsksThePolicy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gonogo.yml")
	policy := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	body := record("checkout error rate > 2 % for 5 min")
	if out, status, _ := lintRun(t, body, "lint", "-"); status != 0 || strings.Contains(out, "rehearsal") {
		t.Fatalf("without a policy: status %d\n%s", status, out)
	}
	policy("requirements:\n  operational/rehearsal: {blocks: medium}\n")
	if out, status, _ := lintRun(t, body, "lint", "--policy", file, "-"); status != 1 || !strings.Contains(out, "error: no rollback rehearsal is recorded") {
		t.Errorf("with a policy: status %d\n%s", status, out)
	}
	policy("requirments: {}\n")
	if _, status, err := lintRun(t, body, "lint", "--policy", file, "-"); status != 2 || !strings.Contains(err.Error(), `"requirements"`) {
		t.Errorf("a policy with a misspelt key: status %d, %v", status, err)
	}
}
