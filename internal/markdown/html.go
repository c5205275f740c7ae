package markdown

import (
	"html"
	"strings"
)

// openHTML is what raw HTML has left open so far. It follows a browser where
// that matters to what is seen: comments, tags that are not closed, and the
// elements that quote, strike out or show code.
type openHTML struct {
	comment int            // the line of an open comment, else 0
	tag     int            // the line of a tag without its ">", else 0
	quote   byte           // the quotation mark inside such a tag
	opened  map[string]int // the line on which an element was first opened
	depth   map[string]int
	never   int // the line of a tag that its block left open
}

var watched = map[string]bool{
	"blockquote": true, "pre": true, "s": true, "del": true, "strike": true,
}

// hides returns why the block after all that was scanned is not live.
func (h *openHTML) hides() (Reason, int) {
	switch {
	case h.comment != 0:
		return InComment, h.comment
	case h.never != 0:
		return InTag, h.never
	case h.depth["blockquote"] > 0:
		return InQuote, h.opened["blockquote"]
	case h.depth["pre"] > 0:
		return InCode, h.opened["pre"]
	}
	return "", 0
}

func (h *openHTML) struck() bool {
	return h.depth["s"] > 0 || h.depth["del"] > 0 || h.depth["strike"] > 0
}

// endBlock notes that an HTML block is over: a tag that is still open swallows
// the HTML that GitHub makes of the blocks after it.
func (h *openHTML) endBlock() {
	if h.tag != 0 && h.never == 0 {
		h.never = h.tag
	}
	h.tag, h.quote = 0, 0
}

// scan reads one line of raw HTML and returns its live text.
func (h *openHTML) scan(s string, line, column int) Line {
	var out Line
	whole := len(s)
	for s != "" {
		switch {
		case h.comment != 0:
			s = h.inComment(s)
		case h.tag != 0:
			s = h.inTag(s)
		case strings.HasPrefix(s, "<!--"):
			s = h.openComment(s, line)
		case s[0] == '<' && len(s) > 1 && (isLetter(s[1]) || s[1] == '/' || s[1] == '!' || s[1] == '?'):
			var tag Span
			tag, s = h.openTag(s, line)
			tag.Line, tag.Column, tag.Tag = line, column+whole-len(s)-len(tag.Text), true
			out = append(out, tag)
		default:
			end := strings.IndexByte(s[1:], '<') + 1
			if end == 0 {
				end = len(s)
			}
			if reason, _ := h.hides(); reason == "" && strings.TrimSpace(s[:end]) != "" {
				out = append(out, Span{
					Text: html.UnescapeString(s[:end]), Line: line, Column: column + whole - len(s), Struck: h.struck(),
				})
			}
			s = s[end:]
		}
	}
	return out
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func (h *openHTML) openComment(s string, line int) string {
	for _, closed := range []string{"<!-->", "<!--->"} {
		if strings.HasPrefix(s, closed) {
			return s[len(closed):]
		}
	}
	h.comment = line
	return s[len("<!--"):]
}

func (h *openHTML) inComment(s string) string {
	end := strings.Index(s, "-->")
	if end < 0 {
		return ""
	}
	h.comment = 0
	return s[end+len("-->"):]
}

// openTag reads a tag's name; its attributes are left to inTag, except that a
// tag which ends on the same line is returned whole.
func (h *openHTML) openTag(s string, line int) (tag Span, rest string) {
	i, closing := 1, false
	if s[i] == '/' {
		i, closing = i+1, true
	}
	start := i
	for i < len(s) && (isLetter(s[i]) || s[i] >= '0' && s[i] <= '9' || s[i] == '-') {
		i++
	}
	h.element(strings.ToLower(s[start:i]), closing, line)
	h.tag = line
	rest = h.inTag(s[i:])
	return Span{Text: s[:len(s)-len(rest)]}, rest
}

func (h *openHTML) element(name string, closing bool, line int) {
	if !watched[name] {
		return
	}
	if h.depth == nil {
		h.depth, h.opened = map[string]int{}, map[string]int{}
	}
	switch {
	case !closing:
		if h.depth[name] == 0 {
			h.opened[name] = line
		}
		h.depth[name]++
	case h.depth[name] > 0:
		h.depth[name]--
	}
}

// inTag skips to the end of a tag.
func (h *openHTML) inTag(s string) string {
	for i := range len(s) {
		switch {
		case h.quote != 0:
			if s[i] == h.quote {
				h.quote = 0
			}
		case s[i] == '"' || s[i] == '\'':
			h.quote = s[i]
		case s[i] == '>':
			h.tag = 0
			return s[i+1:]
		}
	}
	return ""
}
