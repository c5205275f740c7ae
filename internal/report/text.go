package report

import (
	"strings"
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

// cell renders a sentence inside a table row.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(markdown(s), "|", `\|`), "\n", " ")
}

// escapeOurs takes the meaning out of characters that our own sentences use
// as such: they hold no HTML and mention nobody.
func escapeOurs(s string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;", "@", "@\u200b").Replace(s)
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

// codeBlock encloses one line to type in a block of its own, which GitHub
// shows with a button to copy it.
func codeBlock(line string) string {
	line = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, gate.MapText(line, keep, keep))
	return "```\n" + strings.ReplaceAll(line, "```", "'''") + "\n```"
}

func keep(s string) string { return s }

// plain renders a sentence where markup means nothing, as in a title. Values
// lose what could be markup if it did.
func plain(s string) string {
	return gate.MapText(s, keep, func(value string) string {
		safe := strings.Map(func(r rune) rune {
			if strings.ContainsRune("<>[]()!*_`|\\~&", r) {
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
func cut(s string, max int, readOn string) string {
	if len(s) <= max {
		return s
	}
	end := "\n\n… cut here. Read on: " + readOn + "\n"
	max -= len(end)
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	s = s[:max]
	if i := strings.LastIndexByte(s, '\n'); i > 0 {
		s = s[:i] // a half line could open what is never closed
	}
	if strings.Count(s, "\n```")%2 == 1 {
		s += "\n```"
	}
	return s + end
}

// shorten cuts a title to n characters.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
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
