package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/index"
	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/queue"
	"gonogo/internal/secretscan"
	"gonogo/internal/store"
	"gonogo/internal/worker"
)

// Evaluate makes one evaluation of a pull request and publishes nothing: it is
// the server's own worker on a store of its own that is thrown away. The
// repository is "owner/name".
func Evaluate(ctx context.Context, cfg Config, log *logrus.Entry, repository string, number int) (_ gate.Evaluation, err error) {
	owner, name, ok := strings.Cut(repository, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return gate.Evaluation{}, fmt.Errorf("%q is no repository: write --repo OWNER/NAME", repository)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	dir, err := os.MkdirTemp("", "gonogo-evaluate-")
	if err != nil {
		return gate.Evaluation{}, fmt.Errorf("make a directory for the evaluation: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "evaluate.db"))
	if err != nil {
		return gate.Evaluation{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	w, err := newPreviewer(cfg, log, db)
	if err != nil {
		return gate.Evaluation{}, err
	}
	return w.Preview(ctx, owner, name, number)
}

func newPreviewer(cfg Config, log *logrus.Entry, db *store.Store) (*worker.Worker, error) {
	gh, err := hub.New(hub.Config{
		AppID: cfg.AppID, PrivateKey: cfg.PrivateKey, BaseURL: cfg.GitHubURL, Log: log, Now: cfg.Now, UserAgent: "gonogo/" + cfg.Version,
	})
	if err != nil {
		return nil, err
	}
	jobs, err := queue.New(queue.Config{Store: db, Log: log, Now: cfg.Now, OnDead: func(context.Context, queue.Subject, error) {}})
	if err != nil {
		return nil, err
	}
	scanner, err := secretscan.New()
	if err != nil {
		return nil, err
	}
	unsent, err := notify.New(notify.Config{Store: db, Log: log, Now: cfg.Now})
	if err != nil {
		return nil, err
	}
	monday, err := newMonday(cfg)
	if err != nil {
		return nil, err
	}
	return worker.New(worker.Config{
		AppID: cfg.AppID, Hub: gh, Store: db, Ledger: ledger.New(db), Index: index.New(db), Queue: jobs, Notices: unsent, Monday: monday,
		Scanner: scanner, Log: log, Now: cfg.Now, Mode: cfg.Mode, Check: cfg.Check, WebURL: webURL(cfg.GitHubURL),
	})
}
