package secretscan

import (
	"bytes"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gonogo/internal/gate"
)

// source is the new text of one file, as far as it is searched.
type source struct {
	texts []chunk
	added map[int]bool // line numbers; nil: all
}

// chunk is a piece of text and the number of its first line in the new file.
type chunk struct {
	text string
	line int
}

// lines returns the whole lines from one number to another, as far as the chunk
// has them, with line ends of either kind.
func (c chunk) lines(from, to int) string {
	all := strings.Split(strings.ReplaceAll(c.text, "\r\n", "\n"), "\n")
	first, last := min(max(from-c.line, 0), len(all)), min(max(from, to)-c.line+1, len(all))
	return strings.Join(all[first:max(first, last)], "\n")
}

var hunkHeader = regexp.MustCompile(`^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@`)

// fromPatch returns the new side of a patch's hunks. It reports false when the
// patch is missing or does not hold all that GitHub counts.
func fromPatch(f gate.File) (source, bool) {
	if !f.HasPatch || f.Patch == "" {
		return source{}, false
	}
	src := source{added: map[int]bool{}}
	var text strings.Builder
	line, first, plus, minus, oldLeft, newLeft := 0, 0, 0, 0, 0, 0
	flush := func() {
		if text.Len() > 0 {
			src.texts = append(src.texts, chunk{text.String(), first})
			text.Reset()
		}
	}
	for _, l := range strings.Split(strings.TrimSuffix(f.Patch, "\n"), "\n") {
		if oldLeft == 0 && newLeft == 0 {
			if strings.HasPrefix(l, `\`) {
				continue // "\ No newline at end of file"
			}
			m := hunkHeader.FindStringSubmatch(l)
			if m == nil {
				return source{}, false
			}
			flush()
			oldLeft, newLeft = hunkLength(m[1]), hunkLength(m[3])
			line, _ = strconv.Atoi(m[2])
			first = line
			continue
		}
		mark := byte(' ') // editors and mail strip the blank of an empty line
		if l != "" {
			mark, l = l[0], l[1:]
		}
		switch mark {
		case '-':
			minus++
			oldLeft--
			continue
		case '\\':
			continue
		case '+':
			plus++
			src.added[line] = true
		case ' ':
			oldLeft--
		default:
			return source{}, false
		}
		newLeft--
		line++
		text.WriteString(l)
		text.WriteByte('\n')
	}
	flush()
	return src, oldLeft == 0 && newLeft == 0 && plus == f.Additions && minus == f.Deletions
}

func hunkLength(s string) int {
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1 // more than any patch holds: never zero again
	}
	return n
}

// fromContent returns a whole file. Text in UTF-16 is searched as it stands and
// without its zero bytes.
func fromContent(content []byte) source {
	src := source{texts: []chunk{{string(content), 1}}}
	if bytes.IndexByte(content, 0) >= 0 {
		plain := bytes.ReplaceAll(content, []byte{0}, nil)
		src.texts = append(src.texts, chunk{string(plain), 1})
	}
	return src
}

const (
	// chunkSize and overlap: the rules run four times as fast on pieces as on
	// a whole diff, and a PEM key of 4,096 bits has 3.3 kB.
	chunkSize = 16 << 10
	overlap   = 4 << 10
	// longestKey bounds the piece that a private key longer than the overlap
	// gets for itself.
	longestKey = 128 << 10
)

// chunks cuts a text into pieces that overlap, at line ends where there are
// any, else between characters. An empty text is one piece, so that rules on
// the path alone are asked.
func chunks(c chunk) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		text, line := c.text, c.line
		for {
			end := cut(text, chunkSize)
			if !yield(chunk{text[:end], line}) {
				return
			}
			if at := openKey(text[:end]); at >= 0 && end < len(text) {
				key := text[at:min(len(text), at+longestKey)]
				if !yield(chunk{key, line + strings.Count(text[:at], "\n")}) {
					return
				}
			}
			if end == len(text) {
				return
			}
			next := resume(text, end)
			line += strings.Count(text[:next], "\n")
			text = text[next:]
		}
	}
}

// cut returns where a piece of at most size bytes ends.
func cut(text string, size int) int {
	if len(text) <= size {
		return len(text)
	}
	if at := strings.LastIndexByte(text[:size], '\n'); at >= size-overlap {
		return at + 1
	}
	return runeStart(text, size)
}

// resume returns where the piece after one that ended at end begins.
func resume(text string, end int) int {
	next := end - overlap
	if at := strings.IndexByte(text[next:end], '\n'); at >= 0 && at < overlap/2 {
		return next + at + 1
	}
	return runeStart(text, next)
}

// runeStart goes back from at to where a character begins, in text that is
// UTF-8; else it stays.
func runeStart(text string, at int) int {
	for back := range utf8.UTFMax {
		if at-back > 0 && utf8.RuneStart(text[at-back]) {
			return at - back
		}
	}
	return at
}

var keyBegin = regexp.MustCompile(`(?i)-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY`)

// openKey returns where a private key begins that the text does not end, or -1.
func openKey(text string) int {
	all := keyBegin.FindAllStringIndex(text, -1)
	if len(all) == 0 {
		return -1
	}
	last := all[len(all)-1]
	if strings.Contains(strings.ToUpper(text[last[1]:]), "-----END") {
		return -1
	}
	return last[0]
}
