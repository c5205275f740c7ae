// Package gate holds the nouns of release readiness: records, claims,
// findings, evidence, decisions and verdicts.
//
// Every other package speaks in these types; this one imports the standard
// library only and does no I/O. Two rules shape it. "Cannot know" is a value of
// its own ([Reading]), never false, never an empty list, never a pass. And what
// users wrote stays told apart from what Gonogo wrote ([Quote]) until a writer
// has made it harmless for its medium.
//
// # How findings become a verdict
//
// Each requirement answers with findings; the gravest status decides:
//
//	fail ───────▶ NOT READY      check run: failure
//	action ─────▶ WAITING        check run: action_required
//	unknown ────▶ NOT VERIFIED   check run: in_progress, failure after 15 minutes
//	pending ────▶ WAITING        check run: in_progress
//	advisory, pass ─▶ READY      check run: success
package gate

import "strings"

// Gate is one of the five layers of release readiness.
type Gate string

// The five gates, in the order in which they are claimed and shown.
const (
	Code          Gate = "code"
	Review        Gate = "review"
	Operational   Gate = "operational"
	Communication Gate = "communication"
	Decision      Gate = "decision"
)

// Gates lists all gates in the order of the record.
var Gates = [...]Gate{Code, Review, Operational, Communication, Decision}

// Class is a risk class. The zero value means that none was declared, which
// is never treated as low: see [Class.OrHigh].
type Class int

// The risk classes in rising order.
const (
	Undeclared Class = iota
	Low
	Medium
	High
)

// Classes lists the declared classes in rising order.
var Classes = [...]Class{Low, Medium, High}

// String returns the word of the record: "low", "medium", "high", or "" for
// an undeclared class.
func (c Class) String() string {
	switch c {
	case Low:
		return "low"
	case Medium:
		return "medium"
	case High:
		return "high"
	default:
		return ""
	}
}

// OrHigh returns c, or [High] when no class was declared: what is not known is
// judged by the strictest rules.
func (c Class) OrHigh() Class {
	if c == Undeclared {
		return High
	}
	return c
}

// ParseClass returns the class that word names exactly, or [Undeclared].
func ParseClass(word string) Class {
	for _, c := range Classes {
		if c.String() == word {
			return c
		}
	}
	return Undeclared
}

// ReleaseType is the kind of a release; the empty type means that none was
// declared.
type ReleaseType string

// The release types.
const (
	Routine        ReleaseType = "routine"
	MultiFeature   ReleaseType = "multi-feature"
	Architectural  ReleaseType = "architectural"
	Hotfix         ReleaseType = "hotfix"
	CustomerFacing ReleaseType = "customer-facing"
)

// ReleaseTypes lists the release types in the order of the documentation.
var ReleaseTypes = [...]ReleaseType{Routine, MultiFeature, Architectural, Hotfix, CustomerFacing}

// ParseReleaseType returns the type that word names exactly, or "".
func ParseReleaseType(word string) ReleaseType {
	for _, t := range ReleaseTypes {
		if string(t) == word {
			return t
		}
	}
	return ""
}

// Mark is what the record claims of a gate: [MarkPass], [MarkFail] or
// [MarkNone].
type Mark string

// The marks of a gate.
const (
	MarkNone Mark = ""
	MarkPass Mark = "pass"
	MarkFail Mark = "fail"
)

// Choice is the record's decision, or a person's: [ChoiceGo], [ChoiceNoGo] or
// [ChoiceNone].
type Choice string

// The choices of a decision.
const (
	ChoiceNone Choice = ""
	ChoiceGo   Choice = "GO"
	ChoiceNoGo Choice = "NO-GO"
)

// User text is enclosed in Unicode's first-strong isolate and its pop, which
// cannot occur inside: [Quote] removes them, with all other format characters.
const (
	openQuote  = '\u2068'
	closeQuote = '\u2069'
)

// maxQuoted is the number of runes of a quoted value that are kept.
const maxQuoted = 200

// Quote marks s as written by a user inside a sentence of ours. Control and
// format characters are dropped, white space is folded, and the value is cut at
// 200 runes. Writers show the value so that it cannot become markup;
// [PlainText] is the writer for terminals.
func Quote(s string) string {
	var b strings.Builder
	b.WriteRune(openQuote)
	n, space := 0, false
	for _, r := range s {
		if r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\u00a0' {
			space = n > 0
			continue
		}
		if isHidden(r) {
			continue
		}
		if n >= maxQuoted {
			b.WriteRune('…')
			break
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		n++
	}
	b.WriteRune(closeQuote)
	return b.String()
}

// PlainText shows a sentence with its quoted values in single quotation marks,
// for terminals and logs.
func PlainText(s string) string {
	return MapText(s,
		func(ours string) string { return ours },
		func(users string) string { return "'" + users + "'" })
}

// MapText rewrites a sentence piece by piece: ours for what Gonogo wrote, users
// for each value that [Quote] enclosed.
func MapText(s string, ours, users func(string) string) string {
	var b strings.Builder
	for s != "" {
		open := strings.IndexRune(s, openQuote)
		if open < 0 {
			b.WriteString(ours(s))
			break
		}
		b.WriteString(ours(s[:open]))
		s = s[open+len(string(openQuote)):]
		end := strings.IndexRune(s, closeQuote)
		if end < 0 {
			end = len(s)
		}
		b.WriteString(users(s[:end]))
		s = strings.TrimPrefix(s[end:], string(closeQuote))
	}
	return b.String()
}
