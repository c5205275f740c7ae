package main

import "github.com/spf13/cobra"

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "gonogo",
		Short:         "A release-readiness gate for GitHub pull requests",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newDemo(), newServe(), newLint(), newTemplate(), newPolicy(), newEvaluate(), newReport(), newLedger(), newVersion())
	return root
}
