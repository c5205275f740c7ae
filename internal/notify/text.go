package notify

import (
	"net/url"
	"regexp"
	"strings"

	"gonogo/internal/gate"
)

// joiner is a word joiner: it is not seen, breaks no line, and ends a word for
// those who look for addresses and names.
const joiner = "\u2060"

var (
	mention = regexp.MustCompile(`([@#＠＃])([\pL\pN_])`)
	scheme  = regexp.MustCompile(`:([/\\\pL])`)
	number  = regexp.MustCompile(`(?i)(mailto|tel|sms):`)
	domain  = regexp.MustCompile(`([.。．｡])(\pL)`)
)

// inert returns a text in which nobody finds an address or a name to make a link
// or a mention of: it reads the same, and nothing in it can be clicked.
func inert(s string) string {
	s = mention.ReplaceAllString(s, "$1"+joiner+"$2")
	s = number.ReplaceAllString(s, "$1"+joiner+":")
	s = scheme.ReplaceAllString(s, joiner+":"+joiner+"$1")
	return domain.ReplaceAllString(s, "$1"+joiner+"$2")
}

// Plain returns the line as it may be shown to people: what users wrote is inert.
func (l Line) Plain() string {
	var b strings.Builder
	for _, p := range l {
		if p.User {
			p.Text = inert(p.Text)
		}
		b.WriteString(p.Text)
	}
	return b.String()
}

// concerns is the line that names whom a notice concerns, nil for nobody.
func (n Notice) concerns() Line {
	if len(n.Roles) == 0 {
		return nil
	}
	return Line{Ours("For "), Theirs(strings.Join(n.Roles, ", "))}
}

// link returns the notice's link, "" when it is none that can be shown.
func (n Notice) link() string {
	u, err := url.Parse(n.Link)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// Texts are the notice's lines for where plain text is shown: what users wrote is
// inert. The last ones say whom it concerns, and where it can be seen.
func (n Notice) Texts() []string {
	var all []string
	for _, l := range n.Lines {
		all = append(all, l.Plain())
	}
	if l := n.concerns(); l != nil {
		all = append(all, l.Plain())
	}
	if link := n.link(); link != "" {
		all = append(all, link)
	}
	return all
}

// Quoted are the notice's lines with what users wrote quoted, as package gate
// does it, for who writes them as markup.
func (n Notice) Quoted() []string {
	lines := n.Lines
	if l := n.concerns(); l != nil {
		lines = append(lines[:len(lines):len(lines)], l)
	}
	var all []string
	for _, l := range lines {
		var b strings.Builder
		for _, p := range l {
			if p.User {
				p.Text = gate.Quote(p.Text)
			}
			b.WriteString(p.Text)
		}
		all = append(all, b.String())
	}
	if link := n.link(); link != "" {
		all = append(all, link)
	}
	return all
}
