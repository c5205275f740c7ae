package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"gonogo/internal/gate"
	"gonogo/internal/policy"
)

func newPolicy() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check a policy file, explain it, or print its JSON Schema",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newValidate(), newExplain(), newSchema())
	return cmd
}

// policyFile asks for the one file of a command.
func policyFile(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf(`%s wants one file, or "-" for standard input: gonogo policy %s .github/gonogo.yml`, what, what)
		}
		return nil
	}
}

// readPolicy reads a policy file and returns every error in it.
func readPolicy(stdin io.Reader, name string) (policy.Effective, []*policy.Error, error) {
	data, err := readPolicyFile(stdin, name)
	if err != nil {
		return policy.Effective{}, nil, err
	}
	found, faults := policy.Check(policy.File{Name: name, Data: data})
	return found, faults, nil
}

func readPolicyFile(stdin io.Reader, name string) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no file %q: name the policy's file, or \"-\" for standard input", name)
		}
		if err != nil {
			return nil, fmt.Errorf("open the policy: %w", err)
		}
		defer f.Close()
		stdin = f
	}
	data, err := io.ReadAll(io.LimitReader(stdin, policy.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read the policy from %s: %w", source(name), err)
	}
	return data, nil
}

func newValidate() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE|-",
		Short: "Check a policy file",
		Long: `Validate checks a policy file of a repository or of an organization and says what
is wrong in it, with line and column.

The exit status is 0 when the file is valid, 1 when it is not, and 2 when it
could not be read.`,
		Args: policyFile("validate"),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, faults, err := readPolicy(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			if err := showFaults(cmd.OutOrStdout(), args[0], faults); err != nil {
				return err
			}
			if len(faults) > 0 {
				return exitCode(1)
			}
			return nil
		},
	}
}

func showFaults(w io.Writer, name string, faults []*policy.Error) error {
	for _, e := range faults {
		if _, err := fmt.Fprintf(w, "%s:%d:%d: %s\n", name, max(e.Line, 1), max(e.Column, 1), e.Message); err != nil {
			return err
		}
	}
	if len(faults) == 0 {
		_, err := fmt.Fprintf(w, "%s: valid\n", name)
		return err
	}
	return nil
}

func newExplain() *cobra.Command {
	var risk, kind string
	var paths []string
	cmd := &cobra.Command{
		Use:   "explain [flags] FILE|-",
		Short: "Say what a policy asks of a kind of release",
		Long: `Explain says in words what a policy asks: of every risk class, or of the class, the
release type and the changed paths that are given.`,
		Example: "  gonogo policy explain .github/gonogo.yml --risk high --type hotfix --path 'billing/**'",
		Args:    policyFile("explain"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := policy.Case{Class: gate.ParseClass(risk), Type: gate.ParseReleaseType(kind), Paths: paths}
			if risk != "" && c.Class == gate.Undeclared {
				return fmt.Errorf("there is no risk class %q: write low, medium or high", risk)
			}
			if kind != "" && c.Type == "" {
				return fmt.Errorf("there is no release type %q: write routine, multi-feature, architectural, hotfix or customer-facing", kind)
			}
			found, faults, err := readPolicy(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			if len(faults) > 0 {
				return errors.Join(showFaults(cmd.ErrOrStderr(), args[0], faults), exitCode(1))
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), policy.Explain(found.Policy, c))
			return err
		},
	}
	cmd.Flags().StringVar(&risk, "risk", "", "low, medium or high; all of them if not given")
	cmd.Flags().StringVar(&kind, "type", "", "routine, multi-feature, architectural, hotfix or customer-facing")
	cmd.Flags().StringArrayVar(&paths, "path", nil, "a changed path or a glob; can be given several times")
	return cmd
}

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a policy file, for editors",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema, err := policy.Schema()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", schema)
			return err
		},
	}
}
