package decision

import (
	"fmt"
	"strings"
	"unicode"

	"gonogo/internal/markdown"
)

// asciiLower lowers A to Z only: Unicode's rules would make an "i" of U+0130 and
// a "k" of the Kelvin sign, which are look-alikes here.
func asciiLower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func lower(s string) string { return strings.Map(asciiLower, s) }

// isEmoji reports whether r is a pictograph. Letters in boxes and circles are
// not: they can spell words.
func isEmoji(r rune) bool {
	switch {
	case r >= 0x1f300 && r <= 0x1faff, r >= 0x2600 && r <= 0x27bf, r >= 0x2b00 && r <= 0x2bff, r >= 0x231a && r <= 0x23ff:
		return !markdown.IsDash(r) && (r < 0x2795 || r > 0x2797)
	}
	return false
}

// sign is what the pictographs beside a word say about it.
type sign int

const (
	noSign  sign = iota
	waiting      // not yet, or with concern
	against      // the opposite
)

// Pictographs that turn a word into its opposite, and those of waiting.
const (
	againstSigns = "🚫❌⛔🛑✖❎👎🙅⚠✗✘☠❓❔🤷"
	waitingSigns = "⏳⌛🚧🔴🟠🟡🟥🟧🟨⏸⏹🔜"
)

var againstCodes = map[string]bool{
	":x:": true, ":no_entry:": true, ":no_entry_sign:": true, ":-1:": true, ":thumbsdown:": true, ":stop_sign:": true,
	":octagonal_sign:": true, ":negative_squared_cross_mark:": true, ":heavy_multiplication_x:": true, ":warning:": true,
	":question:": true, ":grey_question:": true, ":no_good:": true,
}

var waitingCodes = map[string]bool{
	":hourglass:": true, ":hourglass_flowing_sand:": true, ":construction:": true, ":red_circle:": true, ":orange_circle:": true,
	":yellow_circle:": true, ":red_square:": true, ":orange_square:": true, ":yellow_square:": true, ":pause_button:": true,
	":stop_button:": true, ":soon:": true, ":large_orange_circle:": true, ":large_yellow_circle:": true,
}

// signOf is what one pictograph or short code says.
func signOf(s string) sign {
	switch {
	case againstCodes[s] || strings.Contains(againstSigns, s):
		return against
	case waitingCodes[s] || strings.Contains(waitingSigns, s):
		return waiting
	}
	return noSign
}

// folded is a value of a closed set without what does not matter.
type folded struct {
	word string // lower case, each run of spaces and dashes one "-"
	sign sign   // of the emoji beside it
}

func fold(s string) folded {
	s, sign := trimEmoji(markdown.Visible(s))
	var b strings.Builder
	gap := false
	for _, r := range s {
		if r == ' ' || markdown.IsDash(r) || r == '_' {
			gap = true
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(asciiLower(r))
	}
	if gap {
		b.WriteByte('-')
	}
	return folded{b.String(), sign}
}

// trimEmoji removes emoji and their short codes from both ends. Of what these
// say, the strongest counts.
func trimEmoji(s string) (rest string, said sign) {
	for {
		before := s
		s = strings.TrimFunc(s, func(r rune) bool {
			if isEmoji(r) {
				said = max(said, signOf(string(r)))
			}
			return r == ' ' || isEmoji(r)
		})
		if code := shortCode(s); code != "" {
			s, said = s[len(code):], max(said, signOf(code))
		}
		if code := shortCodeAtEnd(s); code != "" {
			s, said = s[:len(s)-len(code)], max(said, signOf(code))
		}
		if s == before {
			return s, said
		}
	}
}

func shortCode(s string) string {
	if !strings.HasPrefix(s, ":") {
		return ""
	}
	end := strings.IndexByte(s[1:], ':')
	if end < 1 || strings.ContainsFunc(s[1:end+1], notCode) {
		return ""
	}
	return s[:end+2]
}

func shortCodeAtEnd(s string) string {
	if !strings.HasSuffix(s, ":") {
		return ""
	}
	start := strings.LastIndexByte(s[:len(s)-1], ':')
	if start < 0 || len(s)-start < 3 || strings.ContainsFunc(s[start+1:len(s)-1], notCode) {
		return ""
	}
	return s[start:]
}

func notCode(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '+' || r == '-')
}

// isOverride reports whether r forces or embeds a writing direction, so that a
// reader sees the letters in another order.
func isOverride(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

// forcesOrder reports whether r is one of the two characters that reverse
// letters; those of isOverride beside them occur in honest right-to-left text.
func forcesOrder(r rune) bool { return r == 0x202d || r == 0x202e }

// alike maps letters and signs to the Latin letters that they look like; only
// those that occur in a closed set matter.
var alike = func() map[rune]rune {
	m := map[rune]rune{}
	for latin, others := range map[rune]string{
		'a': "аɑαАΑạ", 'b': "ьЬВΒв", 'c': "сϲСϹⅽ", 'd': "ԁⅾ", 'e': "еЕΕ℮ҽє", 'f': "ƒſϝ", 'g': "ɡԍԌց", 'h': "һНΗհ",
		'i': "іІΙιıİⅰɩӏ", 'l': "ⅼӏΙІ|ǀℓ", 'm': "мМΜⅿ", 'n': "ոпΝ", 'o': "оОοΟօ০०σ๐〇ዐ", 'p': "рРρΡ", 'r': "гɼ",
		's': "ѕЅꜱ", 't': "тТΤτ", 'u': "υսц", 'w': "ԝԜѡաɯ", 'x': "хХΧⅹ", 'y': "уУΥγ",
	} {
		for _, r := range others {
			m[r] = latin
		}
	}
	for i := range rune(26) {
		m['Ａ'+i], m['ａ'+i], m['Ⓐ'+i], m['ⓐ'+i] = 'a'+i, 'a'+i, 'a'+i, 'a'+i
		m[0x1f110+i], m[0x1f130+i], m[0x1f150+i], m[0x1f170+i] = 'a'+i, 'a'+i, 'a'+i, 'a'+i
	}
	for r := rune(0x1d400); r < 0x1d6a4; r++ { // 13 mathematical alphabets of 52 letters
		m[r] = 'a' + (r-0x1d400)%52%26
	}
	return m
}()

// confusable tells which character of s only looks like a letter of one of
// words: s reads like the word, or mixes scripts inside of one word.
func confusable(s string, words map[string]string) (what string, ok bool) {
	s = markdown.Visible(s)
	first, mixed := rune(0), false
	skeleton := strings.Map(func(r rune) rune {
		if r < 0x80 {
			mixed = mixed || asciiLower(r) >= 'a' && asciiLower(r) <= 'z'
			return r
		}
		if markdown.IsDash(r) || isEmoji(r) {
			return r
		}
		if first == 0 {
			first = r
		}
		if latin, known := alike[r]; known {
			return latin
		}
		return r
	}, s)
	if first == 0 {
		return "", false
	}
	_, reads := words[fold(skeleton).word]
	if !reads && (!mixed || strings.Contains(s, " ") || !unicode.IsLetter(first)) {
		return "", false
	}
	return fmt.Sprintf("U+%04X", first), true
}

// indexRune returns the first rune of s for which is holds, or 0.
func indexRune(s string, is func(rune) bool) rune {
	for _, r := range s {
		if is(r) {
			return r
		}
	}
	return 0
}

func unicodeName(r rune) string { return fmt.Sprintf("the invisible character U+%04X", r) }

// trimColon drops a colon at the end of a label.
func trimColon(s string) string { return strings.TrimRight(markdown.Visible(s), ":： ") }
