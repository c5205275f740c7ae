package markdown

import (
	"strings"
	"unicode"
)

// Visible drops what shows nothing (control and format characters, variation
// selectors), makes every kind of space a plain one, and trims.
func Visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.C, r) || unicode.Is(unicode.Variation_Selector, r) || r == '\u034f':
			return -1
		}
		return r
	}, s))
}

// IsDash reports whether r is a hyphen, a dash or a minus sign.
func IsDash(r rune) bool {
	switch r {
	case '-', '\u2043', '\u2212', '\ufe58', '\ufe63', '\uff0d':
		return true
	}
	return r >= '\u2010' && r <= '\u2015'
}
