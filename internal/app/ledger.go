package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"gonogo/internal/index"
	"gonogo/internal/ledger"
	"gonogo/internal/store"
)

// openLedger takes entries from before the chain into it, and holds the ledger
// against the checkpoints that were made of it: a server does not go on with one
// that was rolled back.
func (a *App) openLedger(ctx context.Context) error {
	a.ledger = ledger.New(a.store)
	if err := a.ledger.Adopt(ctx, a.cfg.Now()); err != nil {
		return err
	}
	if a.cfg.CheckpointTo == nil {
		return nil
	}
	all, err := a.cfg.CheckpointTo.Read()
	if err != nil {
		return err
	}
	return a.ledger.Held(ctx, ledger.Against{Checkpoints: all, Key: a.cfg.CheckpointKey.Public().(ed25519.PublicKey)})
}

// checkpoint signs the ledger at start, on a timer, and when ctx ends.
func (a *App) checkpoint(ctx context.Context) {
	if a.cfg.CheckpointTo == nil {
		return
	}
	var last int64
	for {
		if err := a.checkpointOnce(context.WithoutCancel(ctx), &last); err != nil {
			a.log.WithError(err).Warn("could not put a checkpoint of the ledger; trying again at the next one")
		}
		if ctx.Err() != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(a.cfg.CheckpointEvery):
		}
	}
}

// checkpointOnce signs the ledger if it has grown beyond last.
func (a *App) checkpointOnce(ctx context.Context, last *int64) error {
	c, ok, err := a.ledger.Checkpoint(ctx, a.cfg.CheckpointKey, a.cfg.Now())
	if err != nil || !ok || c.Size == *last {
		return err
	}
	if err := a.cfg.CheckpointTo.Put(ctx, c); err != nil {
		return err
	}
	*last = c.Size
	return nil
}

// RestoreLedger signs, in the name of an operator, that the server goes on with
// a ledger that is shorter than its checkpoints say. It reports false when there
// was nothing to sign.
func RestoreLedger(ctx context.Context, l *ledger.Ledger, place *ledger.Place, key ed25519.PrivateKey, by, why string) (bool, error) {
	if why == "" {
		return false, errors.New("say why: --reason 'the disk was lost, the backup of yesterday was put in place'")
	}
	all, err := place.Read()
	if err != nil {
		return false, err
	}
	if len(all) == 0 {
		return false, errors.New("there are no checkpoints at this place: nothing to hold the ledger against")
	}
	now := time.Now()
	if err := l.Adopt(ctx, now); err != nil {
		return false, err
	}
	done, err := l.Restore(ctx, all, key, by, why, now)
	if err != nil || !done {
		return done, err
	}
	c, _, err := l.Checkpoint(ctx, key, now)
	if err != nil {
		return true, err
	}
	if err := place.Put(ctx, c); err != nil {
		return true, fmt.Errorf("the RESTORE entry is made: %w", err)
	}
	return true, nil
}

// Asked is which part of the ledger is exported; its zero value is all of it.
type Asked struct {
	Repository string // OWNER/NAME
	Number     int    // of a pull request
	Release    string // tag
}

// ExportLedger writes a part of the ledger.
func ExportLedger(ctx context.Context, db *store.Store, asked Asked, to ledger.Exporter) error {
	known := index.New(db)
	names := map[int64]string{}
	s := ledger.Selection{Number: asked.Number, Release: asked.Release, Name: func(id int64) string {
		if names[id] == "" {
			names[id] = fmt.Sprintf("repository %d", id)
			if r, err := known.Repository(ctx, nil, id); err == nil {
				names[id] = r.Owner + "/" + r.Name
			}
		}
		return names[id]
	}}
	if asked.Repository != "" {
		owner, name, _ := strings.Cut(asked.Repository, "/")
		found, err := known.Named(ctx, nil, owner, name)
		if err != nil {
			return err
		}
		for _, r := range found {
			s.Repos = append(s.Repos, r.ID)
		}
		if len(found) == 0 {
			return fmt.Errorf("this database knows no repository %q: write --repo OWNER/NAME", asked.Repository)
		}
	}
	return ledger.Export(ctx, db, s, to)
}
