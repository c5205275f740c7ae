package tracker

import (
	"context"
	"errors"
	"testing"

	"gonogo/internal/gate"
)

type issues map[int]gate.TrackerItem

var errGone = errors.New("gone")

func (i issues) TrackerItem(_ context.Context, n int) (gate.TrackerItem, error) {
	if item, ok := i[n]; ok {
		return item, nil
	}
	return gate.TrackerItem{}, errGone
}

func TestItemsOfSeveralRepositories(t *testing.T) {
	repos := map[string]issues{"acme/shop": {12: {Title: "totals"}}, "acme/plans": {12: {Title: "roadmap"}}}
	tr := GitHub(func(owner, name string) Issues { return repos[owner+"/"+name] })
	for ref, want := range map[gate.TrackerRef]string{{Repo: "acme/shop", Number: 12}: "totals", {Repo: "acme/plans", Number: 12}: "roadmap"} {
		if item, err := tr.Item(t.Context(), ref); err != nil || item.Title != want {
			t.Errorf("%s: %+v, %v", ref, item, err)
		}
	}
	if _, err := tr.Item(t.Context(), gate.TrackerRef{Repo: "acme/shop", Number: 13}); !errors.Is(err, errGone) {
		t.Errorf("an issue that is not there gave %v", err)
	}
	for _, ref := range []gate.TrackerRef{{}, {Repo: "acme", Number: 1}, {Repo: "acme/a/b", Number: 1}, {Repo: "acme/shop"}, {Repo: "/shop", Number: 1}} {
		if _, err := tr.Item(t.Context(), ref); err == nil {
			t.Errorf("%q was looked up", ref)
		}
	}
}
