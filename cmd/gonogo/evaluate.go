package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gonogo/internal/app"
	"gonogo/internal/gate"
)

func newEvaluate() *cobra.Command {
	values := map[string]*string{}
	var file, repo, format string
	var number int
	cmd := &cobra.Command{
		Use:   "evaluate --repo OWNER/NAME --pr N",
		Short: "Evaluate a pull request once and publish nothing",
		Long: `Evaluate reads a pull request and all its evidence from GitHub as the App would,
judges it, and prints the verdict. It writes nothing to GitHub. Settings are those
of gonogo serve; a /go that a running server has accepted is not known here.

The exit status is 0 when the verdict is READY, 1 when it is not, and 2 when
there is no verdict.`,
		Example: "  gonogo evaluate --repo acme/shop --pr 12 --format json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("there is no format %q: write --format text or --format json", format)
			}
			if number <= 0 {
				return errors.New("say which pull request: --pr 12")
			}
			data, err := configFile(file)
			if err != nil {
				return err
			}
			cfg, err := app.Load(func(s app.Setting) string { return *values[s.Key] }, previewEnv, data)
			if err != nil {
				return err
			}
			cfg.Version = version()
			ev, err := app.Evaluate(cmd.Context(), cfg, app.NewLog(cfg, io.Discard), repo, number)
			if err != nil {
				return err
			}
			if err := showEvaluation(cmd.OutOrStdout(), format, ev); err != nil {
				return fmt.Errorf("write the evaluation: %w", err)
			}
			if !ev.Passes() {
				return exitCode(1)
			}
			return nil
		},
	}
	for _, s := range app.Settings() {
		values[s.Key] = cmd.Flags().String(s.Flag(), "", fmt.Sprintf("%s (%s; default %q)", s.Help, s.Env(), s.Default))
	}
	cmd.Flags().StringVar(&file, "config", os.Getenv("GONOGO_CONFIG"), "a file with settings (GONOGO_CONFIG); config/server.example.yml shows them all")
	cmd.Flags().StringVar(&repo, "repo", "", "the repository, as OWNER/NAME")
	cmd.Flags().IntVar(&number, "pr", 0, "the pull request's number")
	cmd.Flags().StringVar(&format, "format", "text", `"text" for people, "json" for programs`)
	return cmd
}

// previewEnv is the environment; no webhooks are received, so that their secret
// need not be set.
func previewEnv(name string) string {
	if value := os.Getenv(name); value != "" || name != "GONOGO_WEBHOOK_SECRET" {
		return value
	}
	return "no webhooks are received by gonogo evaluate"
}

// evaluation is what evaluate prints for programs.
type evaluation struct {
	Verdict  gate.Verdict `json:"verdict"`
	Class    string       `json:"class"`
	Declared string       `json:"declared"`
	Head     string       `json:"head"`
	Base     string       `json:"base"`
	Policy   string       `json:"policy"`
	Rules    string       `json:"rules"`
	Exempt   string       `json:"exempt,omitempty"`
	Override *override    `json:"override,omitempty"`
	Gates    []gateLine   `json:"gates"`
	Findings []finding    `json:"findings"`
}

// override is who lets the head pass against the verdict.
type override struct {
	By     []string  `json:"by"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}

func overrideOf(ev gate.Evaluation) *override {
	if !ev.Overridden() {
		return nil
	}
	o := &override{Until: ev.Override.Until, Reason: ev.Override.Reason}
	for _, u := range ev.Override.By {
		o.By = append(o.By, u.Login)
	}
	return o
}

type gateLine struct {
	Gate       gate.Gate       `json:"gate"`
	Claim      gate.Mark       `json:"claim"`
	Evidence   string          `json:"evidence"`
	Comparison gate.Comparison `json:"comparison"`
}

type finding struct {
	Requirement gate.Requirement `json:"requirement"`
	Status      string           `json:"status"`
	Code        string           `json:"code,omitempty"`
	Fact        string           `json:"fact"`
	Fix         string           `json:"fix,omitempty"`
	Type        string           `json:"type,omitempty"`
	File        string           `json:"file,omitempty"`
	By          string           `json:"by,omitempty"`
}

func newEvaluation(ev gate.Evaluation) evaluation {
	out := evaluation{
		Verdict: ev.Verdict, Class: ev.Class.String(), Declared: ev.Declared.String(), Head: ev.PR.HeadSHA, Base: ev.PR.BaseRef,
		Policy: ev.PolicySource, Rules: ev.PolicySHA, Exempt: ev.Exempt, Override: overrideOf(ev), Gates: []gateLine{}, Findings: []finding{},
	}
	for _, r := range ev.Rows {
		out.Gates = append(out.Gates, gateLine{r.Gate, r.Claim, gate.PlainText(r.Evidence), r.Comparison})
	}
	for _, f := range ev.Findings {
		said := finding{Requirement: f.Requirement, Status: f.Status.String(), Code: f.Code, Fact: gate.PlainText(f.Fact), Fix: gate.PlainText(f.Fix), Type: f.Type, File: f.File}
		if f.Status.Blocks() {
			said.By = f.By.String()
		}
		out.Findings = append(out.Findings, said)
	}
	return out
}

func showEvaluation(w io.Writer, format string, ev gate.Evaluation) error {
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(newEvaluation(ev))
	}
	out := newEvaluation(ev)
	if _, err := fmt.Fprintf(w, "%s · %s · #%d into %s at %s (policy: %s)\n\n", out.Verdict, out.Class, ev.PR.Number, out.Base, gate.Short(out.Head), out.Policy); err != nil {
		return err
	}
	if o := out.Override; o != nil {
		if _, err := fmt.Fprintf(w, "OVERRIDDEN by @%s until %s\n\n", strings.Join(o.By, " and @"), o.Until.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	for _, g := range out.Gates {
		if _, err := fmt.Fprintf(w, "%-14s claim %-5s %s: %s\n", g.Gate, g.Claim, g.Comparison, g.Evidence); err != nil {
			return err
		}
	}
	for _, f := range out.Findings {
		if f.Status == gate.Pass.String() {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s: %s [%s]\n", f.Status, f.Fact, f.Code); err != nil {
			return err
		}
		for _, line := range append([]string{f.Fix, f.Type}, strings.Split(f.File, "\n")...) {
			if line == "" {
				continue
			}
			if _, err := fmt.Fprintf(w, "    %s\n", line); err != nil {
				return err
			}
		}
	}
	return nil
}
