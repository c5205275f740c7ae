package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gonogo/internal/index"
	"gonogo/internal/ledger"
	"gonogo/internal/report"
	"gonogo/internal/store"
)

// ReportRelease is the readiness of a release, as it was judged last, in markdown.
// The repository is "owner/name". It reads the database beside a server that may
// be running on it.
func ReportRelease(ctx context.Context, databaseURL, repository, tag string) (_ string, err error) {
	db, err := store.OpenReadOnly(ctx, databaseURL)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	repos, err := index.New(db).Repositories(ctx, nil)
	if err != nil {
		return "", err
	}
	for _, r := range repos {
		if !strings.EqualFold(r.FullName(), repository) {
			continue
		}
		t, found, err := ledger.New(db).Tag(ctx, r.ID, tag)
		if err != nil {
			return "", err
		}
		if !found || t.Judged.Number == 0 {
			return "", fmt.Errorf("release %q of %s was not judged; its tag may be from before the server came, or be named like no version", tag, repository)
		}
		return report.Readiness(t.Judged), nil
	}
	return "", fmt.Errorf("the server knows no repository %q: write --repo OWNER/NAME", repository)
}
