package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// errNewer is shown to the operator as it is.
var errNewer = errors.New("the database was written by a newer version of gonogo; install that version or restore the backup that was made before the upgrade")

// migrate brings our tables and the queue's up to date. Each step is one
// transaction: a process that dies half-way leaves whole steps behind, and the
// next start goes on from there. Nothing is touched in a newer database.
func (s *Store) migrate(ctx context.Context) error {
	ours, err := s.ours(ctx)
	if err != nil {
		return fmt.Errorf("migrate tables: %w", err)
	}
	queues, err := s.queues(ctx)
	if err != nil {
		return fmt.Errorf("migrate the queue's tables: %w", err)
	}
	if _, err := queues.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the queue's tables: %w", err)
	}
	if _, err := ours.Up(ctx); err != nil {
		return fmt.Errorf("migrate tables: %w", err)
	}
	return nil
}

func (s *Store) ours(ctx context.Context) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.writer, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, err
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return nil, err
	}
	if have > want {
		return nil, errNewer
	}
	return p, nil
}

func (s *Store) queues(ctx context.Context) (*rivermigrate.Migrator[*sql.Tx], error) {
	m, err := rivermigrate.New(riversqlite.New(s.writer), &rivermigrate.Config{
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	// The migrator itself only fails on versions that it does not know. Before
	// the first migration there is no table to ask.
	var have sql.NullInt64
	_ = s.writer.QueryRowContext(ctx, "SELECT max(version) FROM river_migration").Scan(&have)
	all := m.AllVersions()
	if have.Int64 > int64(all[len(all)-1].Version) {
		return nil, errNewer
	}
	return m, nil
}
