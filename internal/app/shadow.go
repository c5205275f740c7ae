package app

import (
	"context"
	"errors"
	"time"

	"gonogo/internal/ledger"
	"gonogo/internal/report"
	"gonogo/internal/store"
)

// ReportShadow counts what would have been blocked since a time by the verdicts
// that were made in shadows and trials. It reads the database beside a server
// that may be running on it.
func ReportShadow(ctx context.Context, databaseURL string, since time.Time) (_ report.Shadows, err error) {
	db, err := store.OpenReadOnly(ctx, databaseURL)
	if err != nil {
		return report.Shadows{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	evs, err := ledger.New(db).Unenforced(ctx, since)
	if err != nil {
		return report.Shadows{}, err
	}
	return report.CountShadows(evs, since), nil
}

// DatabaseURL settles which database a command reads that needs no other
// setting: by flag, environment, file and default, as Load does.
func DatabaseURL(flag string, env func(string) string, file []byte) (string, error) {
	given, err := parseFile(file)
	if err != nil {
		return "", err
	}
	for _, s := range Settings() {
		if s.Key != "database_url" {
			continue
		}
		for _, value := range []string{flag, env(s.Env()), given[s.Key], s.Default} {
			if value != "" {
				return value, nil
			}
		}
	}
	return "", errors.New("there is no setting database_url")
}
