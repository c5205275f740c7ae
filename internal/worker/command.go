package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/inbox"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
)

// parseMessages returns the commands in a job's mailbox.
func parseMessages(messages []queue.Message) ([]inbox.Command, error) {
	var commands []inbox.Command
	for _, m := range messages {
		if strings.HasPrefix(m.Key, inbox.Worsens+"/") || isRerun(m) {
			continue
		}
		c, err := inbox.ParseCommand(m.Body)
		if err != nil {
			return nil, err
		}
		commands = append(commands, c)
	}
	return commands, nil
}

// isRerun reports whether a message says that our check run is to be run again.
func isRerun(m queue.Message) bool { return m.Key == inbox.Rerun }

// commandPeople lists whose authority will be asked for.
func commandPeople(commands []inbox.Command) []string {
	var logins []string
	for _, c := range commands {
		if !c.User.Bot {
			logins = append(logins, c.User.Login)
		}
	}
	return logins
}

// room is where commands are heard: one evaluation, with what was said before.
type room struct {
	*view
	w      *Worker
	record gate.Record
	class  gate.Class
	heads  []string        // every head that we know, the newest last
	since  time.Time       // when we first knew this pull request
	seen   time.Time       // when its head became the head
	asked  time.Time       // when we first judged that head; zero when we have not yet
	made   map[string]bool // keys of the texts that were heard, whatever came of them
	signed map[string]bool // keys of the texts that gave a sign-off or the like
	told   map[string]answer
	turned map[int64]bool // people who were told that they may not decide

	// rewritten are the reviews of which the mailbox says that they were edited:
	// their text may have been put back since.
	rewritten map[int64]bool

	unheard bool // a command waits until its author's role can be read
}

// decide hears the commands that came since the last evaluation, and those that
// were missed, enters what is accepted, and returns the answers. Afterwards the
// snapshot holds all decisions.
//
// A command whose author's role cannot be read is left for later, and says so as
// a fault of the evaluation: neither does it count, nor is it forgotten, nor does
// it hold up the others.
func (w *Worker) decide(ctx context.Context, v *view, record gate.Record, commands []inbox.Command) (_ []answer, unheard bool, _ error) {
	r, err := w.newRoom(ctx, v, record)
	if err != nil {
		return nil, false, err
	}
	// What was changed comes first: its events name who did it.
	changes := slices.DeleteFunc(slices.Clone(commands), isText)
	for _, c := range changes {
		if c.Source == inbox.FromReview && c.Action == "edited" {
			r.rewritten[c.ReviewID] = true
		}
	}
	answers, err := r.hearAll(ctx, changes)
	if err != nil {
		return nil, false, err
	}
	if err := r.checkComments(ctx); err != nil {
		return nil, false, err
	}
	texts := append(slices.DeleteFunc(slices.Clone(commands), func(c inbox.Command) bool { return !isText(c) }), r.missed()...)
	if err := w.complete(ctx, v, record, commandPeople(texts)); err != nil {
		return nil, false, err
	}
	heard, err := r.hearAll(ctx, texts)
	if err != nil {
		return nil, false, err
	}
	if !v.snap.comments.Known && slices.ContainsFunc(r.said(), restsOnComment) {
		v.faults = append(v.faults, policy.Unread("the comments", v.snap.comments.Why))
	}
	if !v.snap.reviews.Known && slices.ContainsFunc(r.said(), restsOnReview) {
		v.faults = append(v.faults, policy.Unread("the reviews", v.snap.reviews.Why))
	}
	return append(answers, heard...), r.unheard, nil
}

// restsOnComment reports whether a decision counts only as long as its comment
// is unchanged.
func restsOnComment(d gate.PersonDecision) bool {
	return d.Choice != gate.ChoiceNoGo && d.CommentID != 0 && d.Voided == ""
}

// restsOnReview is restsOnComment for a review.
func restsOnReview(d gate.PersonDecision) bool {
	return d.Choice != gate.ChoiceNoGo && d.ReviewID != 0 && d.Voided == ""
}

// isText reports whether c may hold a command, rather than tell that a text was
// changed.
func isText(c inbox.Command) bool {
	return c.Source == inbox.FromButton || c.Action == "created" || c.Action == "submitted"
}

func (r *room) hearAll(ctx context.Context, commands []inbox.Command) ([]answer, error) {
	var answers []answer
	for _, c := range commands {
		if c.User.Bot || c.User.ID == 0 {
			continue // bots, ourselves among them, and deleted accounts decide nothing
		}
		heard, err := r.hear(ctx, c)
		if err != nil {
			return nil, err
		}
		answers = append(answers, heard...)
	}
	return answers, nil
}

func (w *Worker) newRoom(ctx context.Context, v *view, record gate.Record) (*room, error) {
	r := &room{view: v, w: w, record: record, made: map[string]bool{}, signed: map[string]bool{}, told: map[string]answer{}, turned: map[int64]bool{}, rewritten: map[int64]bool{}}
	r.class = policy.ClassOf(v.policy, v.pr, record, v.snap.files)
	heads, err := w.Index.Heads(ctx, nil, v.pr.Repo.ID, v.pr.Number)
	if err != nil {
		return nil, err
	}
	for i, h := range heads {
		if i == 0 {
			r.since = h.Seen
		}
		if h.SHA == v.pr.HeadSHA {
			r.seen = h.Seen
		}
		r.heads = append(r.heads, h.SHA)
	}
	for _, e := range v.snap.history.Entries {
		r.made[strings.TrimPrefix(e.Once, heardPrefix)] = true
		for _, key := range furtherKeys {
			if text, _, gave := strings.Cut(strings.TrimPrefix(e.Once, heardPrefix), key); gave {
				r.signed[text] = true
			}
		}
		if e.Kind == ledger.KindVerdict && e.SHA == v.pr.HeadSHA && r.asked.IsZero() {
			r.asked = e.At
		}
		if e.Kind != ledger.KindRefused {
			continue
		}
		var why refusal
		if err := json.Unmarshal(e.Data.(json.RawMessage), &why); err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.ID, err)
		}
		if text := e.Texts["sentence"]; text != "" {
			why.Sentence = text
		}
		r.told[strings.TrimPrefix(e.Once, heardPrefix)] = answer{sentence: why.Sentence, line: why.Line, quiet: why.Quiet}
		r.turned[e.Actor.ID] = r.turned[e.Actor.ID] || why.Code == notAuthorized
	}
	return r, nil
}

// hear reads one message of the mailbox.
func (r *room) hear(ctx context.Context, c inbox.Command) ([]answer, error) {
	switch {
	case c.Source == inbox.FromButton:
		return r.obey(ctx, c, pressed(c))
	case c.Action == "created" || c.Action == "submitted":
		return r.obey(ctx, c, command.Parse(c.Body))
	case c.Source == inbox.FromReview && c.Action == "dismissed":
		return nil, r.voidOf(ctx, c, "dismissed")
	case c.Action == "edited" || c.Action == "deleted":
		return r.changed(ctx, c)
	}
	return nil, nil
}

func pressed(c inbox.Command) []command.Command {
	kind := command.Kind(c.Button)
	switch kind {
	case command.Go, command.NoGo, command.Recheck:
		return []command.Command{{Kind: kind, SHA: c.ButtonSHA}}
	}
	return nil
}

// obey carries out the commands of one text. Of GO and NO-GO in it, NO-GO wins.
func (r *room) obey(ctx context.Context, c inbox.Command, said []command.Command) ([]answer, error) {
	var answers []answer
	if d, ok := command.Decisive(said); ok {
		waiting := len(r.faults)
		a, err := r.decision(ctx, c, d)
		if err != nil || len(r.faults) > waiting { // the whole text is heard again with the decision
			return nil, err
		}
		answers = append(answers, a...)
	}
	waiting := len(r.faults)
	for _, cmd := range said {
		if hear := r.further(cmd.Kind); hear != nil {
			a, err := hear(ctx, c, cmd)
			if err != nil {
				return nil, err
			}
			answers = append(answers, a...)
		}
	}
	if len(r.faults) > waiting { // the rest is heard with what waits
		return answers, nil
	}
	for _, cmd := range said {
		if cmd.Kind == command.Go || cmd.Kind == command.NoGo || r.further(cmd.Kind) != nil {
			continue
		}
		a := r.other(c, cmd)
		if err := r.enter(ctx, c, ledger.KindAnswered, map[string]any{"what": cmd.Kind, "channel": c.Source}); err != nil {
			return nil, err
		}
		return append(answers, a), nil // one answer is enough for one text
	}
	return answers, nil
}

// other answers a command that decides nothing.
func (r *room) other(c inbox.Command, cmd command.Command) answer {
	switch cmd.Kind {
	case command.Recheck:
		if has := r.snap.Permission(c.User.Login); has.Known && has.Value < gate.PermissionWrite {
			return refuse(c, "re-checking is for people with write access", "")
		}
		return answer{from: c, accepted: true}
	case command.Help:
		return answer{from: c, accepted: true, body: r.helpText(c)}
	case command.Watched:
		return refuse(c, "that a release was watched is said on one of its merged pull requests, once it is live; nothing was changed", "")
	case command.Unknown:
		return refuse(c, "this is no command of the release gate", cmd.Suggestion)
	default:
		return refuse(c, "this version of the release gate does not know /"+string(cmd.Kind)+" yet; nothing was changed", "/gonogo help")
	}
}
