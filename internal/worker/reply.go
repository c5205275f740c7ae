package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/inbox"
	"gonogo/internal/ledger"
	"gonogo/internal/queue"
	"gonogo/internal/report"
)

// answer is what a command came to, and what its author is told.
type answer struct {
	from     inbox.Command
	accepted bool
	decided  bool   // a decision was entered by it
	sentence string // of the reply; "" for none
	line     string // to type instead
	body     string // a whole reply, instead of sentence and line
	quiet    bool   // a reaction is enough: this person was answered before
}

// refuse is the answer to a command that changed nothing.
func refuse(c inbox.Command, sentence, line string) answer {
	return answer{from: c, sentence: sentence, line: line}
}

// heardPrefix begins the keys of entries about texts that decided nothing.
const heardPrefix = "heard/"

// refusal is the data of a refused entry: what its author was told. The
// sentence may quote what people wrote, and is kept as a text of the entry.
type refusal struct {
	Code     string
	Sentence string `json:",omitempty"` // in entries from before the chain
	Line     string
	Quiet    bool
	Channel  inbox.Source
}

// notAuthorized is the code of a refusal for want of authority.
const notAuthorized = "not-authorized"

// refused enters that a command was not accepted, and what its author is told.
func (r *room) refused(ctx context.Context, c inbox.Command, code string, a answer) ([]answer, error) {
	return r.refusedAs(ctx, c, c.Key(), code, a)
}

func (r *room) refusedAs(ctx context.Context, c inbox.Command, key, code string, a answer) ([]answer, error) {
	said := map[string]string{"sentence": r.w.Scanner.Redact(ctx, a.sentence)}
	return []answer{a}, r.enterAs(ctx, c, key, ledger.KindRefused, refusal{Code: code, Line: a.line, Quiet: a.quiet, Channel: c.Source}, said)
}

func (r *room) enter(ctx context.Context, c inbox.Command, kind ledger.Kind, data any) error {
	return r.enterAs(ctx, c, c.Key(), kind, data, nil)
}

func (r *room) enterAs(ctx context.Context, c inbox.Command, key string, kind ledger.Kind, data any, texts map[string]string) error {
	return r.w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: r.w.now(), Kind: kind, RepoID: r.pr.Repo.ID, Number: r.pr.Number, SHA: r.pr.HeadSHA, Actor: c.User,
			Once: heardPrefix + key, Data: data, Texts: texts,
		})
		return err
	})
}

// decided reports whether any of the answers entered a decision.
func decided(answers []answer) bool {
	return slices.ContainsFunc(answers, func(a answer) bool { return a.decided })
}

// notesOf are the answers to pressed buttons: they stand in the summary.
func notesOf(answers []answer) []string {
	var notes []string
	for _, a := range answers {
		if a.from.Source != inbox.FromButton {
			continue
		}
		note := fmt.Sprintf("%s pressed %s: ", gate.Quote("@"+a.from.User.Login), strings.ToUpper(a.from.Button))
		if a.accepted {
			note += "accepted"
		} else {
			note += a.sentence
		}
		notes = append(notes, note)
	}
	return notes
}

// answer tells the authors of commands what came of them: by a reaction when
// accepted, by one short reply when not. What was told before a job was tried
// again is not told twice.
func (w *Worker) answer(ctx context.Context, repo *hub.Repo, job queue.Job, answers []answer, t *talk) error {
	var failed error
	for _, a := range answers {
		if a.from.Source == inbox.FromButton {
			continue
		}
		if err := w.tell(ctx, repo, job.Subject, a, t); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// tell does what an answer says. The command's own entry stands before it; what
// came of it is entered behind.
func (w *Worker) tell(ctx context.Context, repo *hub.Repo, subject queue.Subject, a answer, t *talk) error {
	if t.silent(w.now()) {
		return nil
	}
	done := map[string]any{}
	if a.from.CommentID != 0 && a.from.Action != "deleted" {
		reaction := "confused"
		if a.accepted {
			reaction = "+1"
		}
		if err := repo.React(ctx, a.from.CommentID, reaction); err != nil {
			return err
		}
		done["reaction"] = reaction
	}
	body := a.body
	if body == "" && a.sentence != "" && !a.quiet {
		body = report.Reply(a.from.User.Login, a.sentence, a.line, a.from.Key())
	}
	marker := report.Marker("reply", a.from.Key())
	told := slices.ContainsFunc(t.comments, func(c gate.Comment) bool { return c.User.Bot && strings.Contains(c.Body, marker) })
	if body != "" && !told {
		written, err := repo.CreateComment(ctx, subject.Number, body)
		if err != nil {
			return err
		}
		w.written(ctx, t)
		done["comment"] = written.ID
	}
	return w.enterTold(ctx, subject, a.from, done)
}

func (w *Worker) enterTold(ctx context.Context, subject queue.Subject, c inbox.Command, done map[string]any) error {
	if len(done) == 0 {
		return nil
	}
	once := toldPrefix + c.Key()
	if id, wrote := done["comment"]; wrote { // one text may get several replies
		once += fmt.Sprintf("/%d", id)
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindTold, RepoID: subject.ID, Number: subject.Number, Actor: c.User, Once: once, Data: done,
		})
		return err
	})
}

// toldPrefix begins the keys of entries about answers that were given.
const toldPrefix = "told/"
