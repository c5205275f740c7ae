// Package tracker answers what a tracker says of the items that a release
// names: whether each is done, and whether somebody wrote down how.
//
// A tracker that cannot be read is an error, never an item that is done.
package tracker

import (
	"context"
	"fmt"
	"strings"

	"gonogo/internal/gate"
)

// Tracker is where items are looked up. Its errors say why an item could not be
// read.
type Tracker interface {
	Item(ctx context.Context, ref gate.TrackerRef) (gate.TrackerItem, error)
}

// Issues are the issues of one repository.
type Issues interface {
	TrackerItem(ctx context.Context, number int) (gate.TrackerItem, error)
}

// GitHub returns the tracker whose items are issues on GitHub: done is closed
// as completed, with a comment by a person at that time. open returns the issues of
// a repository.
func GitHub(open func(owner, name string) Issues) Tracker { return github(open) }

type github func(owner, name string) Issues

func (open github) Item(ctx context.Context, ref gate.TrackerRef) (gate.TrackerItem, error) {
	owner, name, ok := strings.Cut(ref.Repo, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") || ref.Number <= 0 {
		return gate.TrackerItem{}, fmt.Errorf("read tracker item %q: it is no issue of a repository", ref)
	}
	return open(owner, name).TrackerItem(ctx, ref.Number)
}
