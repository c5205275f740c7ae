// Package ledger keeps what was decided, judged and done.
//
// Entries are append-only: nothing here changes or removes one, and the
// database's triggers refuse it. Each is made in the transaction that does what
// it records, and each carries a key under which it can be made only once, so
// that a repeated delivery, a retried job and a restart add nothing. A decision
// whose comment was edited or deleted is not taken back: another entry says so.
//
// # The chain
//
// An entry's hash is the SHA-256 of its columns and of the hash before it, as
// one object of canonical JSON (RFC 8785). So whoever changes, removes, inserts
// or reorders entries must write anew everything behind, and that shows against
// a [Checkpoint]: size and last hash, signed and kept elsewhere. What people
// wrote in their own words stands beside the chain, which holds a salted digest
// of it: it can be erased, and the chain still proves the rest.
//
// # Effects
//
// What is done outside has two entries under one key: one that is on the disk
// before it is done, and one of what came of it. An entry of the first kind
// without one of the second means that nobody saw the answer.
//
// Beside the entries stand the evaluations, numbered in the order in which
// they began (a higher number means fresher evidence), and the check run that
// was last published for each head commit.
package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// Kind is what an entry records.
type Kind string

// The kinds of entries.
const (
	KindGo       Kind = "go"
	KindNoGo     Kind = "no-go"
	KindSignoff  Kind = "signoff"
	KindVoid     Kind = "void"     // a decision's comment was edited or deleted
	KindRefused  Kind = "refused"  // a command that was not accepted
	KindAnswered Kind = "answered" // a command that decides nothing: recheck, help
	KindVerdict  Kind = "verdict"  // a verdict that differs from the one before
	KindPublish  Kind = "publish"  // a check run about to be written
	KindMerged   Kind = "merged"   // a pull request was merged, with its verdict then
	KindRelease  Kind = "release"  // a release was judged

	KindPublished    Kind = "published"     // the check run was written
	KindSuperseded   Kind = "superseded"    // it was not written, or not last: a later verdict was
	KindComment      Kind = "comment"       // a comment about to be written
	KindCommented    Kind = "commented"     // it was written
	KindTold         Kind = "told"          // a command's author got the reaction or reply
	KindExempt       Kind = "exempt"        // a pull request passes by an exemption of the policy
	KindRevert       Kind = "revert"        // a pull request passes as a verified pure revert of another
	KindRollback     Kind = "rollback"      // the rollback of a merged pull request was called
	KindIncident     Kind = "incident"      // the issue of an incident is about to be opened, or was
	KindBypass       Kind = "bypass"        // a merge or a push went round a required check
	KindUngated      Kind = "ungated"       // it was not READY where the check was not required, or that is not known
	KindBeforeGate   Kind = "before-gate"   // the same, before the check was first required
	KindLanded       Kind = "landed"        // how what a merge brought stands to what was judged
	KindGroup        Kind = "group"         // a merge queue's group was judged
	KindRequired     Kind = "required"      // whether a branch requires the check, when that is first seen or changes
	KindAdopted      Kind = "adopted"       // the entries before were made before there was a chain
	KindErased       Kind = "erased"        // a text was erased
	KindRestore      Kind = "restore"       // an operator goes on with an older ledger
	KindOverride     Kind = "override"      // somebody lets a head pass against the verdict
	KindAcceptSecret Kind = "accept-secret" // somebody says that what looks like a credential is none
	KindNotice       Kind = "notice"        // a notice was sent, or given up
	KindTag          Kind = "tag"           // a tag was moved or deleted
	KindDeploy       Kind = "deploy"        // a deployment is about to be told something
	KindDeployed     Kind = "deployed"      // it was told
	KindLive         Kind = "live"          // a release went live, and its monitoring window was opened
	KindFinding      Kind = "finding"       // a severe issue came up inside a monitoring window: the rollback is called
	KindWatched      Kind = "watched"       // somebody says that they watched a release
	KindWindow       Kind = "window"        // a monitoring window was closed, with its status report
)

// Kinds lists all kinds.
var Kinds = [...]Kind{
	KindGo, KindNoGo, KindSignoff, KindVoid, KindRefused, KindAnswered, KindVerdict,
	KindPublish, KindMerged, KindRelease,
	KindPublished, KindSuperseded, KindComment, KindCommented, KindTold, KindExempt, KindRevert, KindRollback, KindIncident, KindOverride, KindAcceptSecret, KindBypass, KindRequired,
	KindUngated, KindBeforeGate, KindLanded, KindGroup,
	KindAdopted, KindErased, KindRestore, KindNotice, KindTag, KindDeploy, KindDeployed,
	KindLive, KindFinding, KindWatched, KindWindow,
}

// Entry is one line of the ledger.
type Entry struct {
	ID     int64
	At     time.Time
	Kind   Kind
	RepoID int64
	Number int // of the pull request, 0 for none
	SHA    string
	Actor  gate.User // zero for Gonogo itself
	Once   string    // unique within the repository
	Data   any       // marshalled as canonical JSON; no fractions
	// Texts are what people wrote in their own words, by name. They are kept
	// beside the chain, should hold no secrets any more, and can be erased:
	// then they read [ErasedText].
	Texts map[string]string
	// Hash is set in entries that are read.
	Hash []byte
}

// Ledger is safe for concurrent use.
type Ledger struct {
	db   *store.Store
	read *lru.Cache[int64, gate.Evaluation] // the finished evaluations read last, by number
}

// evaluationsRead is how many evaluations are kept decoded, at some kilobytes
// each.
const evaluationsRead = 1024

// New returns the ledger in db.
func New(db *store.Store) *Ledger {
	read, err := lru.New[int64, gate.Evaluation](evaluationsRead)
	if err != nil {
		panic(err) // for sizes below 1 only
	}
	return &Ledger{db: db, read: read}
}

// Append adds an entry in the caller's transaction. It reports false when an
// entry with the same Once stands already, and then changes nothing.
func Append(ctx context.Context, tx *sql.Tx, e Entry) (bool, error) {
	added, err := appendEntry(ctx, tx, e)
	if err != nil {
		return false, fmt.Errorf("append %s entry: %w", e.Kind, err)
	}
	return added, nil
}

func appendEntry(ctx context.Context, tx *sql.Tx, e Entry) (bool, error) {
	r := row{
		at: store.Millis(e.At), kind: string(e.Kind), repoID: e.RepoID, number: int64(e.Number), sha: valid(e.SHA),
		actorID: e.Actor.ID, actor: valid(e.Actor.Login), once: valid(e.Once),
	}
	var stands int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM entry WHERE repo_id = $1 AND once = $2`, r.repoID, r.once).Scan(&stands)
	if err != nil || stands > 0 {
		return false, err
	}
	if r.data, err = canonical(e.Data); err != nil {
		return false, err
	}
	texts, digests, err := salted(e.Texts)
	if err != nil {
		return false, err
	}
	size, prev, err := tip(ctx, tx)
	if err != nil {
		return false, err
	}
	r.id, r.texts = size+1, digests
	sum, _ := r.sum(nil, prev)
	r.hash = sum[:]
	if err := insert(ctx, tx, r); err != nil {
		return false, err
	}
	return true, saveWords(ctx, tx, r.id, texts)
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Has reports whether an entry with this key stands.
func (l *Ledger) Has(ctx context.Context, repoID int64, once string) (bool, error) {
	var n int
	err := l.db.Read().QueryRowContext(ctx, `SELECT COUNT(*) FROM entry WHERE repo_id = $1 AND once = $2`, repoID, once).Scan(&n)
	return n > 0, err
}

// Entries returns the entries of one pull request, oldest first; Data holds the
// raw JSON.
func (l *Ledger) Entries(ctx context.Context, repoID int64, number int) (_ []Entry, err error) {
	rows, err := l.db.Read().QueryContext(ctx, `SELECT `+rowColumns+` FROM entry WHERE repo_id = $1 AND number = $2 ORDER BY id`, repoID, number)
	if err != nil {
		return nil, fmt.Errorf("read entries of #%d: %w", number, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var entries []Entry
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.at, &r.kind, &r.repoID, &r.number, &r.sha, &r.actorID, &r.actor, &r.once, &r.data, &r.texts, &r.hash); err != nil {
			return nil, err
		}
		entries = append(entries, r.entry())
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	texts, err := wordsOf(ctx, l.db.Read(), `e.repo_id = $1 AND e.number = $2`, repoID, number)
	for i := range entries {
		entries[i].Texts = texts[entries[i].ID]
	}
	return entries, err
}

// Merge is the data of a merged entry: what stood when a pull request was
// merged. An empty verdict means that none was made for that head.
type Merge struct {
	Exempt     string `json:",omitempty"` // the policy's rule by which it passed
	Reverts    int    `json:",omitempty"` // the pull request of which it was a verified pure revert
	Override   string `json:",omitempty"` // who let it pass against the verdict
	Verdict    gate.Verdict
	Mode       gate.Mode `json:",omitempty"` // in which the verdict was made
	Evaluation int64
	MergeSHA   string
	Base       string
	At         time.Time
}

// MergeOf returns what stood when a pull request was merged, and false when
// its merge was not entered.
func (l *Ledger) MergeOf(ctx context.Context, repoID int64, number int) (Merge, bool, error) {
	var data []byte
	row := l.db.Read().QueryRowContext(ctx, `SELECT data FROM entry WHERE repo_id = $1 AND once = $2`,
		repoID, MergedOnce(number))
	found, err := none(row.Scan(&data))
	if err != nil || !found {
		return Merge{}, false, err
	}
	var m Merge
	return m, true, json.Unmarshal(data, &m)
}

// MergedOnce is the key of a pull request's merged entry.
func MergedOnce(number int) string { return fmt.Sprintf("merged/%d", number) }

// none turns "no such row" into a plain no.
func none(err error) (bool, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
