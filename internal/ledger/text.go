package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// ErasedText stands where a text was erased.
const ErasedText = "(erased)"

// saltSize is long enough that an erased text cannot be guessed from its digest.
const saltSize = 16

// words is one free text of an entry, kept beside the chain.
type words struct {
	name, text string
	salt       []byte
}

// digest is what the chain holds of a text.
func (w words) digest() string {
	sum := sha256.Sum256(append(bytes.Clone(w.salt), w.text...))
	return hex.EncodeToString(sum[:])
}

// salted returns an entry's texts with new salts, and their digests as the
// chain holds them. Empty texts are left out.
func salted(texts map[string]string) (all []words, digests string, err error) {
	sums := map[string]string{}
	for name, text := range texts {
		if text == "" {
			continue
		}
		w := words{name: name, text: strings.ToValidUTF8(text, "\uFFFD"), salt: make([]byte, saltSize)}
		if _, err := rand.Read(w.salt); err != nil {
			return nil, "", err
		}
		all = append(all, w)
		sums[name] = w.digest()
	}
	b, err := canonical(sums)
	return all, string(b), err
}

func saveWords(ctx context.Context, tx *sql.Tx, entry int64, all []words) error {
	for _, w := range all {
		_, err := tx.ExecContext(ctx, `INSERT INTO words (entry, name, salt, text) VALUES ($1, $2, $3, $4)`, entry, w.name, w.salt, w.text)
		if err != nil {
			return fmt.Errorf("keep the %s of entry %d: %w", w.name, entry, err)
		}
	}
	return nil
}

// wordsOf returns the texts of entries by id and name; where selects entries as
// "e".
func wordsOf(ctx context.Context, q querier, where string, args ...any) (_ map[int64]map[string]string, err error) {
	rows, err := q.QueryContext(ctx, `SELECT w.entry, w.name, w.text FROM words w JOIN entry e ON e.id = w.entry WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	texts := map[int64]map[string]string{}
	for rows.Next() {
		var entry int64
		var name string
		var text sql.NullString
		if err := rows.Scan(&entry, &name, &text); err != nil {
			return nil, err
		}
		if texts[entry] == nil {
			texts[entry] = map[string]string{}
		}
		texts[entry][name] = text.String
		if !text.Valid {
			texts[entry][name] = ErasedText
		}
	}
	return texts, rows.Err()
}

// erasedOnce is the key of the entry that says that a text was erased.
func erasedOnce(entry int64, name string) string { return fmt.Sprintf("erase/%d/%s", entry, name) }

// Erase takes a text out of the database for good: beside the chain and in the
// evaluations of its pull request. The chain keeps a digest from which nothing
// can be guessed, and gets an entry that says who erased what, when and why.
func (l *Ledger) Erase(ctx context.Context, entry int64, name, by, why string, at time.Time) error {
	return l.db.Write(ctx, func(tx *sql.Tx) error {
		var repoID int64
		var number int
		var text sql.NullString
		found, err := none(tx.QueryRowContext(ctx, `
			SELECT e.repo_id, e.number, w.text FROM words w JOIN entry e ON e.id = w.entry WHERE w.entry = $1 AND w.name = $2`,
			entry, name).Scan(&repoID, &number, &text))
		switch {
		case err != nil:
			return fmt.Errorf("erase the %s of entry %d: %w", name, entry, err)
		case !found:
			return fmt.Errorf("entry %d has no text %q; gonogo ledger export shows which texts an entry has", entry, name)
		case !text.Valid:
			return nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE words SET text = NULL, salt = NULL WHERE entry = $1 AND name = $2`, entry, name); err != nil {
			return fmt.Errorf("erase the %s of entry %d: %w", name, entry, err)
		}
		if err := eraseFromEvaluations(ctx, tx, repoID, number, text.String); err != nil {
			return fmt.Errorf("erase the %s of entry %d: %w", name, entry, err)
		}
		_, err = Append(ctx, tx, Entry{
			At: at, Kind: KindErased, RepoID: repoID, Number: number, Actor: gate.User{Login: by}, Once: erasedOnce(entry, name),
			Data: map[string]any{"entry": entry, "text": name}, Texts: map[string]string{"reason": why},
		})
		return err
	})
}

// eraseFromEvaluations takes a text out of the stored evaluations of a pull
// request, where it is a reason or is quoted.
func eraseFromEvaluations(ctx context.Context, tx *sql.Tx, repoID int64, number int, text string) error {
	for last := int64(0); ; {
		var data []byte
		found, err := none(tx.QueryRowContext(ctx, `
			SELECT number, data FROM evaluation WHERE repo_id = $1 AND pull = $2 AND number > $3 AND verdict <> '' ORDER BY number LIMIT 1`,
			repoID, number, last).Scan(&last, &data))
		if err != nil || !found {
			return err
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var tree any
		if err := dec.Decode(&tree); err != nil {
			return fmt.Errorf("read evaluation %d: %w", last, err)
		}
		without, err := json.Marshal(withoutText(tree, text))
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE evaluation SET data = $1 WHERE number = $2`, without, last); err != nil {
			return err
		}
	}
}

// withoutText replaces a text where it is a whole value, and where a sentence
// quotes it.
func withoutText(v any, text string) any {
	switch v := v.(type) {
	case string:
		if v == text {
			return ErasedText
		}
		return strings.ReplaceAll(v, gate.Quote(text), gate.Quote(ErasedText))
	case []any:
		for i := range v {
			v[i] = withoutText(v[i], text)
		}
	case map[string]any:
		for key := range v {
			v[key] = withoutText(v[key], text)
		}
	}
	return v
}
