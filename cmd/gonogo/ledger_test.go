package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/store"
)

func TestLedgerCommands(t *testing.T) {
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "l.db")
	checkpoints := filepath.Join(dir, "checkpoints.jsonl")
	keyFile := filepath.Join(dir, "key.pem")
	change := func(f func(context.Context, *store.Store)) {
		t.Helper()
		db, err := store.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		f(t.Context(), db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	exec := func(query string) {
		t.Helper()
		change(func(ctx context.Context, db *store.Store) {
			if _, err := db.Writer().ExecContext(ctx, query); err != nil {
				t.Fatal(err)
			}
		})
	}
	says := func(want string, status int, args ...string) string {
		t.Helper()
		out, got := runs(t, "", append([]string{"ledger"}, args...)...)
		if !strings.Contains(out, want) || got != status {
			t.Errorf("%v: status %d, want %d with %q\n%s", args, got, status, want, out)
		}
		return out
	}

	key := strings.TrimSpace(says("ed25519:", 0, "key", keyFile))
	says("file exists", 2, "key", keyFile)
	says("no such file", 2, "verify", "--database", url)
	change(func(ctx context.Context, db *store.Store) {
		err := db.Write(ctx, func(tx *sql.Tx) error {
			for i := range 9 {
				if _, err := ledger.Append(ctx, tx, ledger.Entry{
					At: time.Now(), Kind: ledger.KindGo, RepoID: 7, Number: 1, Actor: gate.User{ID: 3, Login: "dana"},
					Once: fmt.Sprint(i), Data: map[string]any{"n": i}, Texts: map[string]string{"reason": strings.Repeat(fmt.Sprint("because ", i, " "), 2000)},
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		signer, err := ledger.ReadKey(keyFile)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := ledger.New(db).Checkpoint(ctx, signer, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		place, err := ledger.ParsePlace(checkpoints)
		if err == nil {
			err = place.Put(ctx, c)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	against := []string{"verify", "--database", url, "--checkpoint", checkpoints, "--key", key}
	says("GOOD · 9 entries", 0, "verify", "--database", url)
	says("held against no checkpoint", 0, "verify", "--database", url)
	says("1 checkpoints, 0 of them given up", 0, against...)
	says("write --checkpoint FILE --key", 2, "verify", "--database", url, "--checkpoint", checkpoints)
	says("because 7", 0, "export", "--database", url, "--format", "csv")
	says(`"coverage"`, 0, "export", "--database", url, "--format", "json")
	says("there is no format", 2, "export", "--database", url, "--format", "xml")
	says("say of which repository", 2, "export", "--database", url, "--pr", "1")
	says("knows no repository", 2, "export", "--database", url, "--repo", "acme/none")
	says("say which text and why", 2, "erase", "--database", url, "--entry", "5")
	says("is erased", 0, "erase", "--database", url, "--entry", "8", "--text", "reason", "--reason", "asked", "--by", "ops")
	if out := says("(erased)", 0, "export", "--database", url); strings.Contains(out, "because 7") {
		t.Error("an erased text is exported")
	}
	for _, file := range []string{"l.db", "l.db-wal"} {
		if data, err := os.ReadFile(filepath.Join(dir, file)); err == nil && strings.Contains(string(data), "because 7") {
			t.Errorf("an erased text is still in %s", file)
		}
	}
	says("nothing to restore", 0, "restore", "--database", url, "--checkpoint-to", checkpoints, "--checkpoint-key-file", keyFile, "--reason", "x")

	exec("DROP TRIGGER entry_remains; DROP TRIGGER words_remain")
	exec("DELETE FROM words WHERE entry > 6")
	exec("DELETE FROM entry WHERE id > 6")
	says("GOOD · 6 entries", 0, "verify", "--database", url)
	says("BAD · entry 7: it is missing", 1, against...)
	says("say why", 2, "restore", "--database", url, "--checkpoint-to", checkpoints, "--checkpoint-key-file", keyFile)
	says("signed and in the ledger", 0, "restore", "--database", url, "--checkpoint-to", checkpoints, "--checkpoint-key-file", keyFile, "--reason", "lost")
	says("2 checkpoints, 1 of them given up", 0, against...)

	exec("DROP TRIGGER entry_stays")
	exec("UPDATE entry SET actor = 'eve' WHERE id = 3")
	says("BAD · entry 3: its hash", 1, against...)
}
