package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runs the command line in this process and returns its output and exit status.
func runs(t *testing.T, stdin string, args ...string) (out string, status int) {
	t.Helper()
	var b bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&b)
	root.SetErr(&b)
	err := root.ExecuteContext(t.Context())
	var code exitCode
	switch {
	case err == nil:
		return b.String(), 0
	case errors.As(err, &code):
		return b.String(), int(code)
	default:
		return b.String() + err.Error(), 2
	}
}

func TestPolicyCommands(t *testing.T) {
	wrong := filepath.Join(t.TempDir(), "gonogo.yml")
	if err := os.WriteFile(wrong, []byte("aproval: {high: 3}\nask: often\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sop := filepath.Join("..", "..", "config", "examples", "sop.yml")
	tests := []struct {
		name   string
		stdin  string
		args   []string
		status int
		says   []string
	}{
		{"a valid file", "", []string{"validate", sop}, 0, []string{"valid"}},
		{"an organization's file", "enforce: {ask: none}", []string{"validate", "-"}, 0, []string{"valid"}},
		{"all errors are told, with their places", "", []string{"validate", wrong}, 1, []string{":1:1: \"aproval\" is no key", ":2:"}},
		{"a file that is not there", "", []string{"validate", "nowhere.yml"}, 2, []string{`there is no file "nowhere.yml"`}},
		{"no file", "", []string{"validate"}, 2, []string{"wants one file"}},
		{"explained", "", []string{"explain", sop, "--risk", "high", "--type", "hotfix", "--path", "billing/**"}, 0, []string{"A high-risk hotfix touching billing/** needs", "tells CEO in #exec-checkins"}},
		{"explained for all classes", "", []string{"explain", sop}, 0, []string{"A low-risk release", "A medium-risk release", "A high-risk release"}},
		{"explained from a file that is not valid", "", []string{"explain", wrong}, 1, []string{"is no key"}},
		{"a class that there is not", "", []string{"explain", sop, "--risk", "huge"}, 2, []string{"write low, medium or high"}},
		{"a type that there is not", "", []string{"explain", sop, "--type", "big"}, 2, []string{"write routine"}},
		{"the schema", "", []string{"schema"}, 0, []string{`"$schema"`, `"enforce"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, status := runs(t, tt.stdin, append([]string{"policy"}, tt.args...)...)
			if status != tt.status {
				t.Errorf("exit status %d\n%s", status, out)
			}
			for _, s := range tt.says {
				if !strings.Contains(out, s) {
					t.Errorf("it does not say %q:\n%s", s, out)
				}
			}
		})
	}
}

func TestEvaluateSaysWhatIsMissing(t *testing.T) {
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"--repo", "acme/shop"}, "say which pull request: --pr 12"},
		{[]string{"--repo", "acme/shop", "--pr", "1", "--format", "xml"}, "write --format text or --format json"},
		{[]string{"--repo", "acme/shop", "--pr", "1", "--app-id", "x"}, "GONOGO_APP_ID"},
	} {
		if out, status := runs(t, "", append([]string{"evaluate"}, tt.args...)...); status != 2 || !strings.Contains(out, tt.says) {
			t.Errorf("%v: %d %s", tt.args, status, out)
		}
	}
}
