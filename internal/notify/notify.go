// Package notify tells people and systems what happened, through an outbox.
//
//	Post (in the transaction that enters the fact)
//	  │
//	  ├─ no channel is named, or no carrier is set up ─▶ no channel: kept, never sent
//	  ▼
//	waiting ──▶ carried ──▶ sent
//	  ▲            │
//	  └─ later ────┤ it failed, less than a day since it was posted
//	               ▼
//	             dead: in the log, in the metrics, in [Outbox.Dead]
//
// A notice is posted once per key, in the transaction that enters what it tells
// of: there is none without the fact, and no fact loses its notice to a crash. It
// becomes one letter for each place that it goes to. A loop of the outbox's own
// carries the letters, each kind of carrier by itself, so that nothing waits for a
// Slack that is down: not a verdict, and not the webhook either. Delivery is at
// least once: a letter whose answer was lost is sent again. What a receiver needs
// to tell the second from the first is the letter's key.
//
// Nothing that a user wrote can mention or link anybody anywhere: [Piece] keeps
// apart what is ours and what is not, and each carrier writes both as plain text.
package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"gonogo/internal/gate"
)

// Kind is what a notice tells of.
type Kind string

// The kinds of notices.
const (
	KindLive         Kind = "live"         // a release went live
	KindAuthorized   Kind = "authorized"   // who let a release go, to the roles of the authorization table
	KindCustomers    Kind = "customers"    // a release changes what customers see
	KindCapabilities Kind = "capabilities" // a release changes what agents can do
	KindBypass       Kind = "bypass"       // something went round the gate
	KindLanded       Kind = "landed"       // what landed is not what was judged
	KindRelease      Kind = "release"      // a release without readiness, or a moved tag
	KindWatch        Kind = "watch"        // a monitoring window's start, middle or end
	KindFinding      Kind = "finding"      // a finding inside a monitoring window
	KindRollback     Kind = "rollback"     // the rollback was called
	KindIncident     Kind = "incident"     // an incident was opened
	KindReport       Kind = "report"       // the status report at a window's end
)

// Kinds lists all kinds.
var Kinds = [...]Kind{
	KindLive, KindAuthorized, KindCustomers, KindCapabilities, KindBypass, KindLanded, KindRelease,
	KindWatch, KindFinding, KindRollback, KindIncident, KindReport,
}

// Notice is one thing to tell.
type Notice struct {
	Key    string // posts it once; unique in its repository
	Kind   Kind
	RepoID int64
	Repo   string   // owner/name
	To     []string // channels as the policy names them: "#exec-checkins"
	Roles  []string // whom it concerns, as the policy names them; shown, not mentioned

	// Lines are the text, the first line its headline.
	Lines []Line
	Link  string // where it can be seen: an address of ours or GitHub's, "" for none
	At    time.Time

	// Items are the items of a tracker that get the text as a comment or update.
	Items []gate.TrackerRef
	// Data is for machines: what JSON can say. Its texts are the users' and ours
	// as they are.
	Data map[string]any
}

// Line is one line of text.
type Line []Piece

// Piece is a part of a line.
type Piece struct {
	Text string `json:"text"`
	User bool   `json:"user,omitempty"` // somebody else's words
}

// Ours is a piece in our own words.
func Ours(text string) Piece { return Piece{Text: text} }

// Theirs is a piece that a user wrote.
func Theirs(text string) Piece { return Piece{Text: text, User: true} }

// Say is a line in our own words, as fmt.Sprintf makes it. What users wrote goes
// through [Theirs].
func Say(format string, args ...any) Line { return Line{Ours(fmt.Sprintf(format, args...))} }

// String returns the line as it reads. It may hold what users wrote.
func (l Line) String() string {
	var b strings.Builder
	for _, p := range l {
		b.WriteString(p.Text)
	}
	return b.String()
}

// Limits of what is kept of a notice. Slack's messages are the narrowest.
const (
	maxLines = 40
	maxPiece = 1000 // runes
)

// tidy returns the notice as it is kept: bounded, on one line per line, without
// characters that hide or turn text around, and without credentials.
func (n Notice) tidy(ctx context.Context, redact func(context.Context, string) string) Notice {
	lines := n.Lines
	if len(lines) > maxLines {
		more := len(lines) - maxLines + 1
		lines = append(slices.Clone(lines[:maxLines-1]), Say("… and %d more lines", more))
	}
	n.Lines = make([]Line, len(lines))
	for i, l := range lines {
		n.Lines[i] = make(Line, len(l))
		for j, p := range l {
			n.Lines[i][j] = Piece{Text: oneLine(redact(ctx, p.Text)), User: p.User}
		}
	}
	n.To, n.Roles = distinct(n.To), distinct(n.Roles)
	if data, ok := redacted(ctx, redact, n.Data).(map[string]any); ok {
		n.Data = data
	}
	n.At = n.At.UTC()
	return n
}

func distinct(names []string) []string {
	var all []string
	for _, name := range names {
		if name = oneLine(name); name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// oneLine cuts a text to its limit, folds what breaks lines, and drops what is
// not seen. Joiners stay: emoji and scripts need them.
func oneLine(s string) string {
	n := 0
	s = strings.Map(func(r rune) rune {
		switch n++; {
		case n > maxPiece:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if n > maxPiece {
		s += "…"
	}
	return s
}

// redacted returns data with each text in it redacted.
func redacted(ctx context.Context, redact func(context.Context, string) string, data any) any {
	switch d := data.(type) {
	case string:
		return redact(ctx, d)
	case map[string]any:
		m := make(map[string]any, len(d))
		for k, v := range d {
			m[k] = redacted(ctx, redact, v)
		}
		return m
	case []any:
		l := make([]any, len(d))
		for i, v := range d {
			l[i] = redacted(ctx, redact, v)
		}
		return l
	case []string:
		l := make([]string, len(d))
		for i, v := range d {
			l[i] = redact(ctx, v)
		}
		return l
	}
	return data
}
