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
	var since, format, file, database, repo, tag string
	cmd := &cobra.Command{
		Use:   "report --shadow | --repo OWNER/NAME --tag TAG",
		Short: "Count what a shadow or a trial would have blocked; print a release's readiness",
		Long: `Report reads the server's database, which may be in use. With --shadow it counts the
pull requests that were judged in mode shadow or trial and would have been blocked, by
reason code and by repository. With --repo and --tag it prints the readiness of a
release, as it was judged last, in markdown.`,
		Example: "  gonogo report --shadow --since 30d --format json\n  gonogo report --repo acme/shop --tag v1.4.0",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if shadow == (tag != "" && repo != "") {
				return errors.New("say which report: gonogo report --shadow, or gonogo report --repo OWNER/NAME --tag TAG")
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
			if !shadow {
				text, err := app.ReportRelease(cmd.Context(), url, repo, tag)
				if err != nil {
					return err
				}
				if _, err = fmt.Fprint(cmd.OutOrStdout(), text); err != nil {
					return fmt.Errorf("write the report: %w", err)
				}
				return nil
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
	cmd.Flags().StringVar(&repo, "repo", "", "the repository of the release, as OWNER/NAME")
	cmd.Flags().StringVar(&tag, "tag", "", "the tag of the release")
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
