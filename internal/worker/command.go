package worker

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/inbox"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
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

// parseMessages returns the commands in a job's mailbox.
func parseMessages(messages []queue.Message) ([]inbox.Command, error) {
	var commands []inbox.Command
	for _, m := range messages {
		if strings.HasPrefix(m.Key, inbox.Worsens+"/") {
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
	made   map[string]bool // keys of the texts that were heard, whatever came of them
	signed map[string]bool // keys of the texts that gave a sign-off
	told   map[string]answer
	turned map[int64]bool // people who were told that they may not decide

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
	answers, err := r.hearAll(ctx, changes)
	if err != nil {
		return nil, false, err
	}
	if err := r.checkComments(ctx); err != nil {
		return nil, false, err
	}
	texts := append(slices.DeleteFunc(slices.Clone(commands), func(c inbox.Command) bool { return !isText(c) }), r.missed()...)
	if err := w.complete(ctx, v.repo, v.snap, v.policy, record, commandPeople(texts)); err != nil {
		return nil, false, err
	}
	heard, err := r.hearAll(ctx, texts)
	if err != nil {
		return nil, false, err
	}
	if err := r.reload(ctx); err != nil {
		return nil, false, err
	}
	if !v.snap.comments.Known && slices.ContainsFunc(r.said(), restsOnComment) {
		v.faults = append(v.faults, policy.Unread("the comments", v.snap.comments.Why))
	}
	return append(answers, heard...), r.unheard, nil
}

// restsOnComment reports whether a decision counts only as long as its comment
// is unchanged.
func restsOnComment(d gate.PersonDecision) bool {
	return d.Choice != gate.ChoiceNoGo && d.CommentID != 0 && d.Voided == ""
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
	r := &room{view: v, w: w, record: record, made: map[string]bool{}, signed: map[string]bool{}, told: map[string]answer{}, turned: map[int64]bool{}}
	r.class = policy.ClassOf(v.policy, v.pr, record, v.snap.files)
	heads, err := w.Index.Heads(ctx, nil, v.pr.Repo.ID, v.pr.Number)
	if err != nil {
		return nil, err
	}
	for i, h := range heads {
		if i == 0 {
			r.since = h.Seen
		}
		r.heads = append(r.heads, h.SHA)
	}
	entries, err := w.Ledger.Entries(ctx, v.pr.Repo.ID, v.pr.Number)
	for _, e := range entries {
		r.made[strings.TrimPrefix(e.Once, heardPrefix)] = true
		if text, _, signs := strings.Cut(strings.TrimPrefix(e.Once, heardPrefix), signoffKey); signs {
			r.signed[text] = true
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
	return r, err
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
	for _, cmd := range said {
		if cmd.Kind == command.Go || cmd.Kind == command.NoGo {
			continue
		}
		if cmd.Kind == command.Signoff {
			a, err := r.signoff(ctx, c, cmd)
			if err != nil {
				return nil, err
			}
			answers = append(answers, a...)
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
	case command.Unknown:
		return refuse(c, "this is no command of the release gate", cmd.Suggestion)
	default:
		return refuse(c, "this version of the release gate does not know /"+string(cmd.Kind)+" yet; nothing was changed", "/gonogo help")
	}
}

// decision hears a GO or NO-GO.
func (r *room) decision(ctx context.Context, c inbox.Command, cmd command.Command) ([]answer, error) {
	if told, refused := r.told[c.Key()]; refused {
		told.from = c
		return []answer{told}, nil // what was refused is not judged anew
	}
	if r.made[c.Key()] { // a replay, or a job that is tried again
		return []answer{{from: c, accepted: true}}, nil
	}
	holds := r.policy.Holds(r.snap, r.deciding(), c.User)
	if !holds.Known && holds.Why.Cause == gate.CauseFault {
		r.wait(c, cmd, "the role of "+gate.Quote("@"+c.User.Login), holds.Why)
		return nil, nil
	}
	if !holds.Known {
		return r.refused(ctx, c, "unreadable-role", refuse(c, "whether you may decide here cannot be read: "+holds.Why.Fact, ""))
	}
	if !holds.Value {
		a := refuse(c, r.notDecider(), "")
		a.quiet = r.turned[c.User.ID]
		r.turned[c.User.ID] = true
		return r.refused(ctx, c, notAuthorized, a)
	}
	d := gate.PersonDecision{
		Choice: gate.ChoiceNoGo, User: c.User, At: c.ReceivedAt, SaidAt: c.CreatedAt, Reason: cmd.Reason,
		Channel: string(c.Source), CommentID: c.CommentID, ReviewID: c.ReviewID, URL: c.URL,
		For: r.binding(),
	}
	if cmd.Kind == command.Go {
		d.Choice = gate.ChoiceGo
		code, no, err := r.mayGo(ctx, c, cmd, &d)
		if err != nil || no == nil && (code == codeGone || code == codeWait) {
			return nil, err
		}
		if no != nil {
			return r.refused(ctx, c, code, *no)
		}
	}
	return []answer{{from: c, accepted: true, decided: true}}, r.accept(ctx, c, d)
}

// wait leaves a command in the mailbox until what it needs can be read.
func (r *room) wait(c inbox.Command, cmd command.Command, what string, why gate.Unreadable) {
	r.unheard = true
	f := policy.Unread(what, why)
	f.Fact = fmt.Sprintf("/%s of %s waits: %s", cmd.Kind, gate.Quote("@"+c.User.Login), f.Fact)
	r.faults = append(r.faults, f)
}

// codeWait marks a command that is left for later.
const codeWait = "wait"

// binding is what a decision or a sign-off is given for.
func (r *room) binding() gate.Binding {
	return gate.Binding{HeadSHA: r.pr.HeadSHA, BaseRef: r.pr.BaseRef, Policy: r.policy.Digest(), Terms: r.record.Terms()}
}

// codeGone marks a command whose comment was deleted before it was heard: there
// is nobody to answer.
const codeGone = "gone"

// mayGo settles whether a release manager's GO counts. It adjusts d to the
// reason given and to a GO that only lifts its author's own NO-GO.
func (r *room) mayGo(ctx context.Context, c inbox.Command, cmd command.Command, d *gate.PersonDecision) (code string, refusal *answer, err error) {
	no := func(code, sentence, line string) (string, *answer, error) {
		a := refuse(c, sentence, line)
		return code, &a, nil
	}
	code, err = r.stillThere(ctx, c)
	switch {
	case err != nil && hub.Unreadable(err).Cause == gate.CauseFault:
		r.wait(c, cmd, "the comment", hub.Unreadable(err))
		return codeWait, nil, nil
	case err != nil || code == codeGone:
		return code, nil, err
	case code != "":
		return no(code, "this comment was edited, and edited text is never a command", r.goLine())
	}
	switch known, stale := r.named(c, cmd, d); {
	case stale != "":
		return no("stale-go", stale, r.goLine())
	case !known:
		return no("sha-needed", "the head may have moved since you wrote; say which commit you mean", r.goLine())
	}
	if r.class == gate.High && cmd.SHA == "" && c.Source == inbox.FromComment {
		return no("sha-needed", "at high risk a GO names its commit", r.goLine())
	}
	commits := r.snap.commits
	if !commits.Known {
		if commits.Why.Cause == gate.CauseFault {
			r.wait(c, cmd, "the list of commits", commits.Why)
			return codeWait, nil, nil
		}
		return no("too-large", "who wrote this pull request cannot be read: "+commits.Why.Fact, "")
	}
	own := policy.Contributed(r.pr, commits.Value, c.User)
	authorMay := r.policy.AuthorMayDecideOn(r.pr, r.snap, r.class, c.User)
	switch {
	case !own || authorMay:
		return "", nil, nil
	case r.vetoed(c.User):
		d.LiftsOwn = true
		return "", nil, nil
	default:
		return no("self-go", "you wrote some of this pull request, and nobody decides on their own; another release manager may", r.goLine())
	}
}

// stillThere reports why a comment no longer says what it said when it was
// received: "" when it does.
func (r *room) stillThere(ctx context.Context, c inbox.Command) (string, error) {
	if c.Source != inbox.FromComment {
		return "", nil
	}
	i := slices.IndexFunc(r.snap.comments.Value, func(have gate.Comment) bool { return have.ID == c.CommentID })
	var live gate.Comment
	if i >= 0 {
		live = r.snap.comments.Value[i]
	} else {
		var err error
		live, err = r.repo.Comment(ctx, c.CommentID)
		if hub.IsMissing(err) {
			return codeGone, nil
		}
		if err != nil {
			return "", err
		}
	}
	if edited(live) || live.Body != c.Body {
		return "edited-command", nil
	}
	return "", nil
}

// edited reports whether a comment was changed since it was created.
func edited(c gate.Comment) bool { return c.UpdatedAt.After(c.CreatedAt) }

// named settles which commit a GO is for. A first word that is the beginning of
// a head that we know is a SHA, anything else a reason; without one the head
// must be the same as when the comment was received. It reports false when that
// cannot be told, and a sentence when it was another commit.
func (r *room) named(c inbox.Command, cmd command.Command, d *gate.PersonDecision) (known bool, stale string) {
	head := r.pr.HeadSHA
	meant := cmd.SHA
	switch c.Source {
	case inbox.FromReview:
		if c.ReviewSHA != head {
			return true, fmt.Sprintf("the review was for %s, the head is %s", gate.Short(c.ReviewSHA), gate.Short(head))
		}
		return true, ""
	case inbox.FromButton:
		meant = c.ButtonSHA
	}
	if meant != "" {
		if strings.HasPrefix(head, meant) {
			return true, ""
		}
		for _, h := range r.heads {
			if strings.HasPrefix(h, meant) {
				return true, fmt.Sprintf("%s is no longer the head, which is %s", gate.Short(meant), gate.Short(head))
			}
		}
		d.Reason = cmd.Rest // not a commit of ours: the first word of the reason
	}
	return c.KnownHead == head, ""
}

// vetoed reports whether u has a NO-GO standing.
func (r *room) vetoed(u gate.User) bool {
	said := gate.ChoiceNone
	for _, d := range r.snap.decisions {
		if d.User.Is(u) {
			said = d.Choice
		}
	}
	return said == gate.ChoiceNoGo
}

// goLine is the line that gives a GO now.
func (r *room) goLine() string { return "/go " + gate.Short(r.pr.HeadSHA) }

// whoIs says in words who holds a role.
func (r *room) whoIs(name string) string {
	role := r.policy.Roles[name]
	var parts []string
	if role.Permission != "" {
		parts = append(parts, "people with "+role.Permission+" permission")
	}
	for _, u := range role.Users {
		parts = append(parts, gate.Quote("@"+u))
	}
	for _, t := range role.Teams {
		parts = append(parts, "members of "+gate.Quote("@"+t))
	}
	if len(parts) == 0 {
		return "the policy names nobody"
	}
	return strings.Join(parts, ", ")
}

// accept enters a decision.
func (r *room) accept(ctx context.Context, c inbox.Command, d gate.PersonDecision) error {
	r.made[c.Key()] = true
	d.Reason = r.w.Scanner.Redact(ctx, d.Reason)
	return r.w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.AppendDecision(ctx, tx, r.pr, d, c.Key())
		return err
	})
}

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

// changed hears that a comment was edited or deleted. A GO dies with its
// comment, a NO-GO does not; text that was edited into a command is none.
func (r *room) changed(ctx context.Context, c inbox.Command) ([]answer, error) {
	if r.carries(c) {
		return nil, r.voidOf(ctx, c, c.Action)
	}
	said := command.Parse(c.Body)
	if c.Source != inbox.FromComment || c.Action != "edited" || len(said) == 0 || r.made["hint/"+hintKey(c)] {
		return nil, nil
	}
	hint := c
	hint.Action = "edited"
	err := r.w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: r.w.now(), Kind: ledger.KindAnswered, RepoID: r.pr.Repo.ID, Number: r.pr.Number, SHA: r.pr.HeadSHA, Actor: c.User,
			Once: heardPrefix + "hint/" + hintKey(c), Data: map[string]any{"what": "edited into a command"},
		})
		return err
	})
	return []answer{refuse(hint, "edited text is never a command; write it in a new comment", "")}, err
}

// carries reports whether a decision rests on the comment or review of c.
func (r *room) carries(c inbox.Command) bool {
	return slices.ContainsFunc(r.said(), func(d gate.PersonDecision) bool { return sameText(c, d) })
}

func sameText(c inbox.Command, d gate.PersonDecision) bool {
	return c.CommentID != 0 && c.CommentID == d.CommentID || c.ReviewID != 0 && c.ReviewID == d.ReviewID
}

// voidOf enters that the text of a decision was edited, deleted or dismissed.
func (r *room) voidOf(ctx context.Context, c inbox.Command, how string) error {
	for _, d := range r.said() {
		if sameText(c, d) {
			if err := r.void(ctx, d, how+" by "+gate.Quote("@"+c.Sender.Login)); err != nil {
				return err
			}
		}
	}
	return nil
}

func hintKey(c inbox.Command) string { return fmt.Sprintf("comment/%d", c.CommentID) }

func (r *room) void(ctx context.Context, d gate.PersonDecision, how string) error {
	if d.Voided != "" {
		return nil
	}
	err := r.w.Store.Write(ctx, func(tx *sql.Tx) error { return ledger.AppendVoid(ctx, tx, r.pr, d, how, r.w.now()) })
	if err != nil {
		return err
	}
	return r.reload(ctx)
}

// reload reads anew what was said.
func (r *room) reload(ctx context.Context) (err error) {
	if r.snap.decisions, err = r.w.Ledger.Decisions(ctx, r.pr.Repo.ID, r.pr.Number); err != nil {
		return err
	}
	r.snap.signoffs, err = r.w.Ledger.Signoffs(ctx, r.pr.Repo.ID, r.pr.Number)
	return err
}

// checkComments holds every decision against its comment as it is now: the
// event that told of an edit may have been lost.
func (r *room) checkComments(ctx context.Context) error {
	if !r.snap.comments.Known {
		return nil
	}
	live := map[int64]gate.Comment{}
	for _, c := range r.snap.comments.Value {
		live[c.ID] = c
	}
	for _, d := range r.said() {
		if d.Voided != "" || d.CommentID == 0 && d.ReviewID == 0 {
			continue
		}
		how, err := r.fate(ctx, live, d)
		if _, limited := hub.RetryAfter(err); limited {
			return err
		}
		if err != nil {
			r.faults = append(r.faults, policy.Unread("a comment with /"+strings.ToLower(string(d.Choice)), hub.Unreadable(err)))
			continue
		}
		if how != "" {
			if err := r.void(ctx, d, how); err != nil {
				return err
			}
		}
	}
	return nil
}

// fate is what became of a decision's comment; "" when it stands unchanged. A
// comment that a list lacks is asked for by its id: lists lag.
func (r *room) fate(ctx context.Context, live map[int64]gate.Comment, d gate.PersonDecision) (string, error) {
	if d.ReviewID != 0 {
		dismissed := slices.ContainsFunc(r.snap.reviews.Value, func(v gate.ReviewOf) bool { return v.ID == d.ReviewID && v.State == gate.Dismissed })
		if dismissed {
			return "dismissed", nil
		}
		return "", nil
	}
	c, ok := live[d.CommentID]
	if !ok {
		var err error
		c, err = r.repo.Comment(ctx, d.CommentID)
		if hub.IsMissing(err) {
			return "deleted", nil
		}
		if err != nil {
			return "", err
		}
	}
	if edited(c) {
		return "edited", nil
	}
	return "", nil
}

// lateness is how long a comment's own event is waited for before the comment
// counts as missed.
const lateness = time.Minute

// missed returns the decisions and sign-offs in comments and reviews of which no
// event came: the server was down, or GitHub lost it. A NO-GO is always taken.
// All else only in a pull request that we knew before it was written, and
// without a SHA only if no head but the present one was ever known.
func (r *room) missed() []inbox.Command {
	var texts []inbox.Command
	for _, c := range r.snap.comments.Value {
		if !edited(c) {
			texts = append(texts, inbox.Command{Source: inbox.FromComment, Action: "created", CommentID: c.ID, Body: c.Body, User: c.User, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt})
		}
	}
	for _, v := range r.snap.reviews.Value {
		if v.State != gate.Dismissed {
			texts = append(texts, inbox.Command{Source: inbox.FromReview, Action: "submitted", ReviewID: v.ID, ReviewSHA: v.CommitSHA, Body: v.Body, User: v.User, CreatedAt: v.At, UpdatedAt: v.At})
		}
	}
	inMail := map[string]bool{}
	for _, m := range r.job.Messages {
		inMail[m.Key] = true
	}
	now := r.w.now()
	var found []inbox.Command
	for _, c := range texts {
		if c.User.Bot || !inbox.MayCommand(c.Body) || r.made[c.Key()] || inMail[c.Key()] || now.Sub(c.CreatedAt) < lateness {
			continue
		}
		said := command.Parse(c.Body)
		d, decides := command.Decisive(said)
		signs := slices.ContainsFunc(said, func(c command.Command) bool { return c.Kind == command.Signoff })
		if !decides && r.signed[c.Key()] || !decides && !signs || d.Kind != command.NoGo && c.CreatedAt.Before(r.since.Truncate(time.Second)) {
			continue
		}
		c.Sender, c.ReceivedAt = c.User, now
		if !slices.ContainsFunc(r.heads, func(h string) bool { return h != r.pr.HeadSHA }) {
			c.KnownHead = r.pr.HeadSHA
		}
		found = append(found, c)
	}
	return found
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
func (w *Worker) answer(ctx context.Context, repo *hub.Repo, job queue.Job, answers []answer, comments []gate.Comment) error {
	var failed error
	for _, a := range answers {
		if a.from.Source == inbox.FromButton {
			continue
		}
		if err := w.tell(ctx, repo, job.Subject, a, comments); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// tell does what an answer says. The command's own entry stands before it; what
// came of it is entered behind.
func (w *Worker) tell(ctx context.Context, repo *hub.Repo, subject queue.Subject, a answer, comments []gate.Comment) error {
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
	told := slices.ContainsFunc(comments, func(c gate.Comment) bool { return c.User.Bot && strings.Contains(c.Body, marker) })
	if body != "" && !told {
		written, err := repo.CreateComment(ctx, subject.Number, body)
		if err != nil {
			return err
		}
		done["comment"] = written.ID
	}
	return w.enterTold(ctx, subject, a.from, done)
}

func (w *Worker) enterTold(ctx context.Context, subject queue.Subject, c inbox.Command, done map[string]any) error {
	if len(done) == 0 {
		return nil
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindTold, RepoID: subject.ID, Number: subject.Number, Actor: c.User, Once: toldPrefix + c.Key(), Data: done,
		})
		return err
	})
}

// toldPrefix begins the keys of entries about answers that were given.
const toldPrefix = "told/"
