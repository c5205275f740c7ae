package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gonogo/internal/decision"
	"gonogo/internal/gate"
)

func newTemplate() *cobra.Command {
	var risk, kind string
	cmd := &cobra.Command{
		Use:   "template",
		Short: "Print the Release Decision to fill in",
		Long: `Template prints the Release Decision block to paste into a pull request, with the
current time. With --risk or --type it adds the fields that the class or the
type of the release asks for.`,
		Example: "  gonogo template --risk high --type customer-facing",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			class, typ := gate.ParseClass(risk), gate.ParseReleaseType(kind)
			if risk != "" && class == gate.Undeclared {
				return fmt.Errorf("there is no risk class %q: write low, medium or high", risk)
			}
			if kind != "" && typ == "" {
				return fmt.Errorf("there is no release type %q: write routine, multi-feature, architectural, hotfix or customer-facing", kind)
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), decision.Template(class, typ, time.Now()))
			return err
		},
	}
	cmd.Flags().StringVar(&risk, "risk", "", "low, medium or high")
	cmd.Flags().StringVar(&kind, "type", "", "routine, multi-feature, architectural, hotfix or customer-facing")
	return cmd
}
