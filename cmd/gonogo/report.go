package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gonogo/internal/app"
)

func newReport() *cobra.Command {
	var shadow bool
	var since, format, file, database string
	cmd := &cobra.Command{
		Use:   "report --shadow",
		Short: "Count what a shadow or a trial would have blocked",
		Long: `Report reads the server's database, which may be in use, and counts the pull requests
that were judged in mode shadow or trial and would have been blocked, by reason code
and by repository.`,
		Example: "  gonogo report --shadow --since 30d --format json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !shadow {
				return errors.New("say which report: gonogo report --shadow")
			}
			if format != "text" && format != "json" {
				return fmt.Errorf("there is no format %q: write --format text or --format json", format)
			}
			back, err := parseAge(since)
			if err != nil {
				return err
			}
			data, err := configFile(file)
			if err != nil {
				return err
			}
			url, err := app.DatabaseURL(database, os.Getenv, data)
			if err != nil {
				return err
			}
			found, err := app.ReportShadow(cmd.Context(), url, time.Now().Add(-back))
			if err != nil {
				return err
			}
			if format == "json" {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				err = enc.Encode(found)
			} else {
				_, err = fmt.Fprint(cmd.OutOrStdout(), found.Text())
			}
			if err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&shadow, "shadow", false, "what verdicts in mode shadow and trial would have blocked")
	cmd.Flags().StringVar(&since, "since", "30d", "how far back: days such as 30d, or a duration such as 36h")
	cmd.Flags().StringVar(&format, "format", "text", `"text" for people, "json" for programs`)
	cmd.Flags().StringVar(&file, "config", os.Getenv("GONOGO_CONFIG"), "the server's file with settings (GONOGO_CONFIG)")
	cmd.Flags().StringVar(&database, "database-url", "", "the server's database: sqlite:PATH (GONOGO_DATABASE_URL)")
	return cmd
}

// parseAge reads a number of days ("30d") or a duration.
func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return d, nil
	}
	return 0, fmt.Errorf("--since %q is not understood: write days such as 30d, or a duration such as 36h", s)
}
