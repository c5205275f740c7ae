package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/notify"
	"gonogo/internal/report"
	"gonogo/internal/tracker"
)

// itemCarrier writes notices into the tracker items that they name: as updates at
// Monday.com, as comments on issues of GitHub. What was written already is found
// by its mark, and not written again.
type itemCarrier struct{ app *App }

// Name is "tracker".
func (itemCarrier) Name() string { return "tracker" }

// Targets are the notice's items.
func (c itemCarrier) Targets(n notify.Notice) []string {
	var all []string
	for _, ref := range n.Items {
		if ref.Item == 0 || c.app.monday != nil {
			all = append(all, ref.String())
		}
	}
	return all
}

// Carry writes a letter into its item.
func (c itemCarrier) Carry(ctx context.Context, l notify.Letter) error {
	for _, ref := range l.Notice.Items {
		switch {
		case ref.String() != l.Target:
		case ref.Item != 0:
			return c.update(ctx, l, ref)
		default:
			return c.comment(ctx, l, ref)
		}
	}
	return fmt.Errorf("the notice names no item %q", l.Target)
}

// mark tells a letter from all others.
func mark(l notify.Letter) string {
	sum := sha256.Sum256([]byte(l.Key))
	return "gonogo-" + hex.EncodeToString(sum[:6])
}

func (c itemCarrier) update(ctx context.Context, l notify.Letter, ref gate.TrackerRef) error {
	if c.app.monday == nil {
		return errors.New("no token for Monday.com is set up; set GONOGO_MONDAY_TOKEN")
	}
	err := c.app.monday.Update(ctx, ref.Item, l.Notice.Texts(), mark(l))
	var limited *tracker.Limited
	if errors.As(err, &limited) {
		return &notify.Later{After: limited.After, Err: err}
	}
	return err
}

func (c itemCarrier) comment(ctx context.Context, l notify.Letter, ref gate.TrackerRef) error {
	repo, err := c.repo(ctx, l.Notice.RepoID)
	if err != nil {
		return err
	}
	owner, name, _ := strings.Cut(ref.Repo, "/")
	issues := repo.Sibling(owner, name)
	marker := report.Marker("notice", mark(l))
	written, err := issues.Comments(ctx, ref.Number)
	if err != nil {
		return patient(err)
	}
	for _, comment := range written {
		if comment.User.Bot && strings.Contains(comment.Body, marker) {
			return nil
		}
	}
	if _, err = issues.CreateComment(ctx, ref.Number, report.Note(l.Notice.Quoted(), marker)); hub.KindOf(err) == hub.KindPermission {
		return fmt.Errorf("GitHub does not let this App comment on issues; an administrator can grant it \"Issues: write\": %w", err)
	}
	return patient(err)
}

func (c itemCarrier) repo(ctx context.Context, id int64) (*hub.Repo, error) {
	known, err := c.app.index.Repository(ctx, nil, id)
	if err != nil {
		return nil, fmt.Errorf("look up repository %d: %w", id, err)
	}
	return c.app.hub.Repo(known.InstallationID, gate.Repository{ID: id, Owner: known.Owner, Name: known.Name}), nil
}

// patient passes on for how long GitHub wants to be left alone.
func patient(err error) error {
	if after, limited := hub.RetryAfter(err); limited {
		return &notify.Later{After: after, Err: err}
	}
	return err
}
