package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"gonogo/internal/app"
	"gonogo/internal/sandbox"
)

func newDemo() *cobra.Command {
	var exit bool
	var listen string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play a release story against a simulated GitHub: no account, no network, no set-up",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), cmd.OutOrStdout(), sandbox.Config{}, listen, exit)
		},
	}
	cmd.Flags().BoolVar(&exit, "exit", false, "end after the story instead of serving on")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "the address of the demo's server")
	return cmd
}

// demo starts the simulated GitHub that world describes and the real server
// against it, plays the story, and serves on until ctx ends.
func demo(ctx context.Context, out io.Writer, world sandbox.Config, listen string, exit bool) (err error) {
	dir, err := os.MkdirTemp("", "gonogo-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	clock := &storyClock{}
	world.Now = clock.now
	gh, err := sandbox.New(world)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gh.Close()) }()
	if err := gh.Start(); err != nil {
		return err
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	logFile, err := os.Create(filepath.Join(dir, "gonogo.log"))
	if err != nil {
		return err
	}
	defer logFile.Close()
	cfg := app.Config{
		AppID: gh.AppID(), PrivateKey: gh.PrivateKeyPEM(), WebhookSecrets: []string{hex.EncodeToString(secret)},
		GitHubURL: gh.URL() + "/", Listen: listen, DatabaseURL: "sqlite:" + filepath.Join(dir, "gonogo.db"),
		LogLevel: logrus.InfoLevel, LogFormat: "json", ReconcileEvery: 10 * time.Minute,
		KeepDeliveries: 24 * time.Hour, KeepEvaluations: 24 * time.Hour, Version: version(), Now: clock.now,
	}
	server, err := app.New(ctx, cfg, app.NewLog(cfg, logFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	gh.SendWebhooks(server.URL()+app.HookPath, cfg.WebhookSecrets[0])

	serving, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Run(serving) }()

	fmt.Fprintf(out, "A simulated GitHub listens on %s, Gonogo on %s (log: %s).\n", gh.URL(), server.URL(), logFile.Name())
	err = tell(ctx, out, gh, clock)
	if err == nil && !exit {
		fmt.Fprintf(out, "\nBoth keep serving for a look, such as %s/metrics. Ctrl-C ends them.\n", server.URL())
		<-ctx.Done()
	}
	stop()
	return errors.Join(err, <-ended)
}
