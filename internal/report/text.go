package report

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"gonogo/internal/gate"
)

// limit is where summary and text are cut, in bytes. GitHub refuses more than
// 65,535 bytes (not characters) of each.
const limit = 60_000

// titleLimit is the longest title in characters (spec ruling 21).
const titleLimit = 80

// markdown renders a sentence for GitHub: what a user wrote becomes a code span,
// in which nothing is a link, an image, a mention or HTML.
func markdown(s string) string { return gate.MapText(s, escapeOurs, codeSpan) }

// value renders what a user wrote, outside of a sentence.
func value(s string) string { return markdown(gate.Quote(s)) }

// cell renders a sentence inside a table row. A bar in a code span would have
// to be escaped, and parsers differ on a backslash before that: it is shown as
// a broken bar.
func cell(s string) string { return strings.ReplaceAll(markdown(s), "|", "¦") }

// escapeOurs takes the meaning out of characters that our own sentences use
// as such: they hold no HTML and mention nobody. What stands in back-ticks is
// shown as it is, so that it can be copied.
func escapeOurs(s string) string {
	parts := strings.Split(strings.ReplaceAll(s, "\n", " "), "`")
	if len(parts)%2 == 0 { // a back-tick without its pair
		parts = []string{strings.Join(parts, "'")}
	}
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.NewReplacer("<", "&lt;", ">", "&gt;", "@", "@\u200b").Replace(parts[i])
	}
	return strings.Join(parts, "`")
}

// codeSpan encloses a value in back-ticks; its own are replaced, so that it
// cannot end the span.
func codeSpan(value string) string {
	value = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch r {
		case '`':
			return '\''
		case '\n', '\r', '\t':
			return ' '
		}
		return r
	}, value))
	if value == "" {
		return "` `"
	}
	return "`" + value + "`"
}

// toType shows what a finding gives to type or to commit in a block of its own,
// which GitHub shows with a button to copy it; "" when it gives nothing. A line
// may hold what a user wrote and stays one line. A file keeps its lines.
func toType(f gate.Finding) string {
	switch {
	case f.Type != "":
		return codeBlock(f.Type)
	case f.File != "":
		return fenced(strings.TrimRight(strings.Map(func(r rune) rune {
			switch {
			case r == '\r':
				return '\n' // it would begin a line that no indentation is put before
			case r != '\n' && unicode.IsControl(r):
				return ' '
			}
			return r
		}, f.File), "\n"))
	}
	return ""
}

// codeBlock encloses one line in a block.
func codeBlock(line string) string {
	return fenced(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, gate.MapText(line, keep, keep)))
}

// fenced encloses lines in a block that nothing in them can end.
func fenced(lines string) string { return "```\n" + strings.ReplaceAll(lines, "```", "'''") + "\n```" }

func keep(s string) string { return s }

// bot matches the login of a bot, whose brackets belong to it.
var bot = regexp.MustCompile(`^@?[A-Za-z0-9-]{1,60}\[bot\]$`)

// plain renders a sentence where markup means nothing, as in a title. Values
// lose what could be markup if it did.
func plain(s string) string {
	return gate.MapText(s, keep, func(value string) string {
		if bot.MatchString(value) { // nothing in it could be markup
			return value
		}
		safe := strings.Map(func(r rune) rune {
			if strings.ContainsRune("<>[]`|\\", r) {
				return -1
			}
			return r
		}, value)
		if strings.ContainsRune(safe, ' ') {
			return "'" + safe + "'"
		}
		return safe
	})
}

// cut shortens s to at most max bytes at the border of a character, and says so
// with a last line where to read on.
func cut(s string, most int, readOn string) string {
	if len(s) <= most {
		return s
	}
	end := "\n\n… cut here.\n"
	if readOn != "" {
		end = "\n\n… cut here. Read on: " + readOn + "\n"
	}
	at := most - len(end) - len("\n  ```")
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	s = s[:at]
	if i := strings.LastIndexByte(s, '\n'); i > 0 {
		s = s[:i] // a half line could open what is never closed
	}
	return s + closeFence(s) + end
}

// closeFence returns the line that closes a code block which s leaves open, in
// the indentation in which it was opened.
func closeFence(s string) string {
	open, fence := false, ""
	for line := range strings.Lines(s) {
		if bare := strings.TrimLeft(line, " "); strings.HasPrefix(bare, "```") {
			open, fence = !open, "\n"+line[:len(line)-len(bare)]+"```"
		}
	}
	if !open {
		return ""
	}
	return fence
}

// shorten cuts a title to n characters.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	if n <= 1 {
		return "…"
	}
	runes := []rune(s)
	return strings.TrimRight(string(runes[:n-1]), " ,;:·") + "…"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
