package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"gonogo/internal/app"
)

func newServe() *cobra.Command {
	values := map[string]*string{}
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Serve receives GitHub's webhooks and publishes the release-readiness check.

Every setting can be given as a flag, as an environment variable, or in a file
(--config): a flag goes before the environment, that before the file.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := configFile(file)
			if err != nil {
				return err
			}
			cfg, err := app.Load(func(s app.Setting) string { return *values[s.Key] }, os.Getenv, data)
			if err != nil {
				return err
			}
			cfg.Version = version()
			return serve(cmd.Context(), cfg, cmd)
		},
	}
	for _, s := range app.Settings() {
		values[s.Key] = cmd.Flags().String(s.Flag(), "", fmt.Sprintf("%s (%s; default %q)", s.Help, s.Env(), s.Default))
	}
	cmd.Flags().StringVar(&file, "config", os.Getenv("GONOGO_CONFIG"), "a file with settings (GONOGO_CONFIG); config/server.example.yml shows them all")
	return cmd
}

func configFile(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w; name an existing file with --config", err)
	}
	return data, nil
}

func serve(ctx context.Context, cfg app.Config, cmd *cobra.Command) error {
	log := app.NewLog(cfg, cmd.ErrOrStderr())
	a, err := app.New(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(a.Run(ctx), a.Close())
}
