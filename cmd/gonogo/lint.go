package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"gonogo/internal/decision"
	"gonogo/internal/gate"
	"gonogo/internal/policy"
)

// maxLint is the number of bytes of a file that are read: beyond GitHub's own
// limit, so that a body that is too long is told as such.
const maxLint = 1 << 20

func newLint() *cobra.Command {
	var format, policyFile string
	cmd := &cobra.Command{
		Use:   "lint [flags] FILE|-",
		Short: "Say all that is missing in the Release Decision of a pull request's body",
		Long: `Lint reads the body of a pull request from a file, or from standard input for
"-", and says all that is missing in its Release Decision, with the lines to write.

The exit status is 0 when the record is complete, 1 when it is not, and 2 when
it could not be read.`,
		Example: "  gonogo lint body.md\n  gh pr view 7 --json body --jq .body | gonogo lint -",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New(`lint wants one file, or "-" for standard input: gonogo lint body.md`)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			show, ok := lintFormats[format]
			if !ok {
				return fmt.Errorf("there is no format %q: write --format text or --format json", format)
			}
			body, err := readBody(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			record := decision.Parse(body)
			asked, err := askedBy(policyFile, record)
			if err != nil {
				return err
			}
			record.Problems = append(record.Problems, asked...)
			if err := show(cmd.OutOrStdout(), args[0], record); err != nil {
				return fmt.Errorf("write the findings: %w", err)
			}
			if !decision.Ready(record) {
				return exitCode(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&policyFile, "policy", "", "a policy file: what it asks of the record is missing too; without one its advice is a warning")
	cmd.Flags().StringVar(&format, "format", "text", `"text" for people, "json" for programs`)
	return cmd
}

// askedBy returns what the policy in a file asks of a record. Without a file it
// is what the built-in policy would refuse, as a warning: the repository's own
// may differ. That a decision lies in the future is wrong under any policy.
func askedBy(file string, record gate.Record) ([]gate.Problem, error) {
	if file == "" {
		asked := policy.Lint(policy.BuiltIn(), record, time.Now())
		asked = slices.DeleteFunc(asked, func(p gate.Problem) bool {
			return p.Severity == gate.Warning && p.Code != "owner-unknown"
		})
		for i, p := range asked {
			if p.Code != decision.CodeTimestamp {
				asked[i].Severity = gate.Warning
			}
		}
		return asked, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w; name an existing file with --policy", err)
	}
	p, err := policy.Parse(file, data)
	if err != nil {
		return nil, fmt.Errorf("the policy %s is not valid: %w", file, err)
	}
	return policy.Lint(p, record, time.Now()), nil
}

func readBody(stdin io.Reader, name string) (string, error) {
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf(`there is no file %q: give the file that holds the pull request's body, or "-" for standard input`, name)
		}
		if err != nil {
			return "", fmt.Errorf("open the pull request's body: %w", err)
		}
		defer f.Close()
		stdin = f
	}
	text, err := io.ReadAll(io.LimitReader(stdin, maxLint))
	if err != nil {
		return "", fmt.Errorf("read the pull request's body from %s: %w", source(name), err)
	}
	return string(text), nil
}

func source(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

var lintFormats = map[string]func(io.Writer, string, gate.Record) error{
	"text": lintText,
	"json": lintJSON,
}

func lintJSON(w io.Writer, _ string, r gate.Record) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(decision.NewReport(r))
}

func lintText(w io.Writer, name string, r gate.Record) error {
	if name == "-" {
		name = "stdin"
	}
	report := decision.NewReport(r)
	errs, warnings := 0, 0
	for _, f := range report.Findings {
		if f.Severity == string(gate.Error) {
			errs++
		} else {
			warnings++
		}
		place := fmt.Sprintf("%s:%d:%d", name, max(f.Line, 1), max(f.Column, 1))
		if _, err := fmt.Fprintf(w, "%s: %s: %s [%s]\n    %s\n", place, f.Severity, f.Message, f.Code, f.Fix); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, lintSummary(name, report, errs, warnings))
	return err
}

func lintSummary(name string, r decision.Report, errs, warnings int) string {
	verdict := fmt.Sprintf("%s: not complete: %s", name, count(errs, "thing", "things")+" to do")
	if r.Ready {
		verdict = fmt.Sprintf("%s: complete: risk class %s, decision %s", name, r.Record.Risk, r.Record.Decision)
	}
	if warnings > 0 {
		verdict += ", " + count(warnings, "warning", "warnings")
	}
	return verdict
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
