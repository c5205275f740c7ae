// Package command reads the commands in a comment.
//
// A command is a whole line of live text, as package markdown defines it: not
// in code, HTML comments or quotations, not in the tail of a reply by e-mail,
// and not inside a sentence. Lines are lines of the text that readers see. The
// items of a list and headings are not whole lines ("1. fix CI, 2. /go" is a
// plan), except that a NO-GO counts there too: a veto is never overlooked for
// its form.
//
//	/go [sha] [reason]        /no-go [reason]       /recheck        /gonogo help
//	/signoff <name>           /override <reason>    /accept-secret  /rollback
//	/watched <note>
//
// Case does not matter. Of GO and NO-GO at the same moment NO-GO wins: a caller
// asks [Decisive] for the one that a comment comes down to.
//
// Slash commands of other tools (/retest, /lgtm, /good, a path such as
// /go/pkg/mod) are nobody's business here and give nothing; only near-misses of
// our own words give [Unknown], with what was probably meant.
package command

import (
	"strings"
	"unicode"

	"gonogo/internal/markdown"
)

// Kind is the kind of a command.
type Kind string

// The kinds. Signoff, Override, AcceptSecret and Rollback are read so that they
// can be answered, whether or not the server carries them out.
const (
	Go           Kind = "go"
	NoGo         Kind = "no-go"
	Recheck      Kind = "recheck"
	Help         Kind = "help"
	Signoff      Kind = "signoff"
	Override     Kind = "override"
	AcceptSecret Kind = "accept-secret"
	Rollback     Kind = "rollback"
	Watched      Kind = "watched"
	Unknown      Kind = "unknown"
)

// Kinds lists all kinds.
var Kinds = [...]Kind{Go, NoGo, Recheck, Help, Signoff, Override, AcceptSecret, Rollback, Watched, Unknown}

// Command is one command as it was written.
type Command struct {
	Kind Kind
	// Rest is all that stands behind the command's word, white space folded.
	Rest string
	// SHA is the first word of Rest in lower case when it is 7 to 40 hexadecimal
	// digits. Whether it is a commit or the first word of the reason is for who
	// knows the commits.
	SHA string
	// Reason is Rest without the SHA.
	Reason string
	// Word is the word as written, Suggestion what an Unknown one was meant to be
	// ("/go").
	Word       string
	Suggestion string
	Line       int // of the comment, from 1
}

// Parse returns the commands of a comment in the order of its lines. A comment
// that is nested or marked up beyond reading gives only what cannot do harm:
// its NO-GOs.
func Parse(comment string) []Command {
	doc := markdown.Parse(comment)
	p := &parser{}
	p.blocks(doc.Blocks, doc.TooDeep || doc.TooLong)
	return p.commands
}

// Decisive returns the GO or NO-GO that the commands of one moment come down
// to: the first NO-GO if there is any, else the last GO.
func Decisive(commands []Command) (Command, bool) {
	var last Command
	found := false
	for _, c := range commands {
		switch c.Kind {
		case NoGo:
			return c, true
		case Go:
			last, found = c, true
		}
	}
	return last, found
}

type parser struct {
	commands []Command
	over     bool // the rest is the tail of a reply by e-mail
}

func (p *parser) blocks(blocks []*markdown.Block, vetoOnly bool) {
	for _, b := range blocks {
		switch b.Kind {
		case markdown.Paragraph:
			p.lines(b.Lines, vetoOnly)
		case markdown.Heading:
			p.lines(b.Lines, true)
		case markdown.List, markdown.Item:
			p.blocks(b.Children, true)
		}
	}
}

func (p *parser) lines(lines []markdown.Line, vetoOnly bool) {
	for i, l := range lines {
		if p.over = p.over || isReplyHead(lines[i:]); p.over {
			return
		}
		if c, ok := parseLine(l); ok && (!vetoOnly || c.Kind == NoGo) {
			p.commands = append(p.commands, c)
		}
	}
}

// isReplyHead reports whether lines begin with what mail programs write above
// the mail that they quote. Such a head may be broken over two lines.
func isReplyHead(lines []markdown.Line) bool {
	first := lower(lines[0].String())
	switch {
	case strings.HasPrefix(first, "-----original message"), first == "--", strings.HasPrefix(first, "begin forwarded message"):
		return true
	case strings.HasPrefix(first, "from:") && len(lines) > 1:
		second := lower(lines[1].String())
		return strings.HasPrefix(second, "sent:") || strings.HasPrefix(second, "to:") || strings.HasPrefix(second, "date:")
	}
	head := first
	for _, l := range lines[1:min(len(lines), 3)] {
		head += " " + lower(l.String())
		if strings.HasSuffix(strings.TrimSpace(l.String()), ":") {
			break
		}
	}
	return isWrote(first) || isWrote(head)
}

// wrote are the beginnings and ends of the line that introduces quoted mail.
var wrote = []struct{ begin, end string }{
	{"on ", "wrote:"}, {"le ", "a écrit :"}, {"le ", "a écrit:"}, {"el ", "escribió:"}, {"il ", "ha scritto:"}, {"am ", "schrieb:"},
}

func isWrote(s string) bool {
	s = markdown.Visible(s)
	for _, w := range wrote {
		if strings.HasPrefix(s, w.begin) && strings.HasSuffix(s, w.end) {
			return true
		}
	}
	return strings.HasPrefix(s, "am ") && strings.Contains(s, " schrieb ") && strings.HasSuffix(s, ":")
}

// parseLine reads one line. Struck-out text is not there, and a word in code is
// talk about a command.
func parseLine(l markdown.Line) (Command, bool) {
	for _, s := range l {
		if strings.TrimSpace(s.Text) == "" || s.Struck {
			continue
		}
		if s.Code || s.Image || s.Tag || s.Link != "" {
			return Command{}, false
		}
		break
	}
	text := markdown.Visible(l.String())
	if !strings.HasPrefix(text, "/") {
		return Command{}, false
	}
	word, rest, _ := strings.Cut(text, " ")
	c := Command{Word: word, Rest: strings.Join(strings.Fields(rest), " "), Line: lineOf(l)}
	if !c.name() {
		return Command{}, false
	}
	c.Reason = c.Rest
	if c.Kind == Go {
		c.splitSHA()
	}
	return c, true
}

func lineOf(l markdown.Line) int {
	for _, s := range l {
		if s.Line > 0 {
			return s.Line
		}
	}
	return 0
}

// words are ours, in their plain spelling.
var words = map[string]Kind{
	"go": Go, "no-go": NoGo, "nogo": NoGo, "recheck": Recheck, "re-check": Recheck, "gonogo": Help, "go-no-go": Help,
	"signoff": Signoff, "sign-off": Signoff, "override": Override, "accept-secret": AcceptSecret, "rollback": Rollback, "roll-back": Rollback,
	"watched": Watched,
}

// name finds out which command the word is; it reports false for words that are
// somebody else's.
func (c *Command) name() bool {
	word := foldWord(c.Word[1:])
	first, after, _ := strings.Cut(c.Rest, " ")
	switch {
	case word == "no" && isGo(first):
		c.Kind, c.Rest, c.Word = NoGo, trimRest(after), c.Word+" "+first
		return true
	case word == "no" && (first == "-" || first == "–" || first == "—"):
		if next, rest, _ := strings.Cut(after, " "); isGo(next) {
			c.Kind, c.Rest, c.Word = NoGo, trimRest(rest), "/no-go"
			return true
		}
	case word == "gonogo" || word == "go-no-go":
		return c.gonogo(first)
	}
	kind, ok := words[word]
	switch rest := foldWord(strings.Join(strings.Fields(c.Rest), "-")); {
	case ok && kind == Go && (rest == "no-go" || rest == "nogo"):
		c.Kind, c.Suggestion = Unknown, "/no-go"
		return true
	case ok:
		c.Kind, c.Rest = kind, trimRest(c.Rest)
		return true
	}
	c.Suggestion = meant(word)
	c.Kind = Unknown
	return c.Suggestion != ""
}

// gonogo reads what stands behind /gonogo: nothing and "help" ask for help, a
// word of ours is meant as that command.
func (c *Command) gonogo(first string) bool {
	switch word := foldWord(first); {
	case word == "" || word == "help" || word == "?":
		c.Kind = Help
	case words[word] != "" && word != "gonogo":
		c.Kind, c.Suggestion = Unknown, "/"+string(words[word])
	default:
		c.Kind, c.Suggestion = Unknown, "/gonogo help"
	}
	return true
}

func isGo(word string) bool { return foldWord(word) == "go" }

// trimRest drops what sets a reason off from its command: "/no-go: too risky".
func trimRest(s string) string {
	return strings.TrimLeft(s, ":,;–— -")
}

// foldWord folds what does not matter in a command's word: case, the kind of
// dash, underscores, and a colon, comma or full stop behind it.
func foldWord(s string) string {
	s = strings.TrimRight(s, ":,;.!–—-")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_' || markdown.IsDash(r):
			return '-'
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// others are real words and other tools' commands that lie near ours.
var others = map[string]bool{
	"good": true, "got": true, "god": true, "gone": true, "g": true, "to": true, "do": true, "so": true, "no": true, "ok": true,
	"check": true, "recheckin": true, "retest": true, "goal": true, "gofmt": true, "golang": true, "gopls": true, "goto": true, "gif": true,
	"gh": true, "log": true, "ago": true, "ego": true, "logo": true, "cogo": true, "nogood": true, "sign": true, "lgtm": true,
}

// meant returns our command that a word misses by a slip of the finger, or "".
func meant(word string) string {
	if others[word] || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' }) {
		return ""
	}
	best, least := "", 3
	for _, ours := range [...]string{"no-go", "recheck", "signoff", "override", "accept-secret", "rollback", "watched", "gonogo", "nogo", "go"} {
		limit := 1
		if len(ours) > 6 {
			limit = 2
		}
		// Of a word of two letters only doubled ones are slips: "/goo", "/ggo".
		if d := distance(word, ours); d <= limit && d < least && (ours != "go" || doubled(word)) {
			best, least = "/"+string(words[ours]), d
		}
	}
	if best == "/help" {
		best = "/gonogo help"
	}
	return best
}

func doubled(word string) bool {
	return word == "goo" || word == "ggo" || word == "og" || word == "go-"
}

// distance is the edit distance of two short words, a swap of neighbours
// counted as one edit.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	if len(s) > 20 {
		return len(s)
	}
	d := make([][]int, len(s)+1)
	for i := range d {
		d[i] = make([]int, len(t)+1)
		d[i][0] = i
	}
	for j := range t {
		d[0][j+1] = j + 1
	}
	for i := range s {
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			d[i+1][j+1] = min(d[i][j]+cost, d[i][j+1]+1, d[i+1][j]+1)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				d[i+1][j+1] = min(d[i+1][j+1], d[i-1][j-1]+1)
			}
		}
	}
	return d[len(s)][len(t)]
}

// splitSHA takes the first word for a SHA when it can be one.
func (c *Command) splitSHA() {
	first, after, _ := strings.Cut(c.Rest, " ")
	first = strings.Trim(first, ",;:.()[]")
	if len(first) < 7 || len(first) > 40 || strings.Trim(first, "0123456789abcdefABCDEF") != "" {
		return
	}
	c.SHA, c.Reason = strings.ToLower(first), trimRest(after)
}

func lower(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
