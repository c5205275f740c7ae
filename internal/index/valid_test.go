package index_test

import (
	"context"
	"database/sql"
	"testing"

	"gonogo/internal/index"
)

func TestLastValidPolicyOfEachPlace(t *testing.T) {
	f := newFixture(t)
	main, other, org := index.PlaceOf(1, "main"), index.PlaceOf(1, "release/1"), index.PlaceOfOrganization(1)
	if _, found, err := f.LastValid(t.Context(), nil, main); err != nil || found {
		t.Fatalf("one was found where none was seen: %v", err)
	}
	save := func(place index.Place, p index.ValidPolicy) {
		t.Helper()
		f.write(func(ctx context.Context, tx *sql.Tx) error { return f.SaveValid(ctx, tx, place, p, at(3)) })
	}
	save(main, index.ValidPolicy{SHA: "a", Content: []byte("solo: true\x00")})
	save(other, index.ValidPolicy{SHA: "b", Content: []byte("ask: none")})
	save(org, index.ValidPolicy{})
	save(main, index.ValidPolicy{SHA: "c", Content: []byte("solo: false")})
	for at, want := range map[index.Place]index.ValidPolicy{main: {SHA: "c", Content: []byte("solo: false")}, other: {SHA: "b", Content: []byte("ask: none")}, org: {}} {
		got, found, err := f.LastValid(t.Context(), nil, at)
		if err != nil || !found || got.SHA != want.SHA || string(got.Content) != string(want.Content) {
			t.Errorf("%s: %+v, %t, %v", at, got, found, err)
		}
	}
}
