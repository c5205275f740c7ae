package decision

import (
	"strings"
	"unicode/utf8"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// maxGuesses is the number of unknown labels for which a near one is sought.
const maxGuesses = 100

// nearLabel is the function of that name, for as many labels as a person writes.
func (r *reader) nearLabel(text string) (gate.Field, bool) {
	if r.guesses++; r.guesses > maxGuesses {
		return "", false
	}
	return nearLabel(text)
}

// label reads a line as a label, with the rest of the line as its value. It
// returns nil when the line is something else.
func (r *reader) label(l markdown.Line, inside *entry, as style) (*entry, markdown.Line) {
	l = trimBullet(l)
	head, rest, sep := cutLabel(l, r.gates(inside))
	text := markdown.Visible(head.String())
	if text == "" {
		return nil, nil
	}
	line, column := value{line: l}.place()
	e := &entry{line: line, column: column, style: as}
	f, ok := knownLabel(text, r.gates(inside))
	if ok && f == gate.FieldDecisionGate && foldLabel(text) == "decision" {
		ok, f = r.bareDecision(inside, rest)
	}
	switch {
	case ok && r.isValue(f, text, sep, inside):
		return nil, nil
	case ok:
		e.field = f
		return e, rest
	case sep != ':':
		return nil, nil
	}
	free := inside != nil && inside.field != "" && !isGates(inside)
	if f, ok := r.nearLabel(text); ok && (!free || isCanonical(f) && distance(foldLabel(text), foldLabel(string(f)), 2) <= 2) {
		r.near = append(r.near, near{text, f, line, column})
		return e, rest
	}
	if inside != nil || r.current != nil && r.current.open && as != asHeading || as == asLine {
		return nil, nil
	}
	return e, rest
}

// gates reports whether the bare names of the layers are labels here.
func (r *reader) gates(inside *entry) bool {
	return isGates(inside) || inside == nil && isGates(r.current)
}

func isGates(e *entry) bool {
	return e != nil && (e.field == gate.FieldGates || isGateField(e.field) && e.style != asHeading)
}

// bareDecision settles what "Decision" is behind the other layers: the gate when
// it is nested in "Gate results" or marked pass or fail, else the field.
func (r *reader) bareDecision(inside *entry, rest markdown.Line) (bool, gate.Field) {
	word := fold(cutRemark(rest.String())).word
	if word == "pass" || word == "fail" || inside != nil && inside.field == gate.FieldGates && inside.style == asItem {
		return true, gate.FieldDecisionGate
	}
	return true, gate.FieldDecision
}

// isValue reports whether a line that reads like a label is a value after all:
// below another field's label, a further field's name ("Monitoring: …" in a list
// of risks) or a short name of any field ("Risk: …"). The names of the canonical
// block are never anybody's value.
func (r *reader) isValue(f gate.Field, text string, sep rune, inside *entry) bool {
	own := isCanonical(f) && isOwnName(text, f)
	if inside != nil && inside.field != "" && !isGates(inside) {
		return !own
	}
	waiting := r.current != nil && r.current.open && r.current.field != gate.FieldGates
	return sep == 0 && waiting && !isOwnName(text, f)
}

// cutLabel splits a line behind its label: at a colon; where the head is a known
// label also at a dash, an equals sign, or the end of bold text. sep is 0 when
// there is nothing but the head.
func cutLabel(l markdown.Line, gates bool) (head, rest markdown.Line, sep rune) {
	known := func(l markdown.Line) bool {
		_, ok := knownLabel(l.String(), gates)
		return ok
	}
	before, after, colon := cutAt(l, ":：﹕꞉∶")
	if colon && known(before) {
		return before, after, ':'
	}
	bold := 0
	for bold < len(l) && l[bold].Strong {
		bold++
	}
	if bold > 0 && bold < len(l) && known(l[:bold]) {
		return l[:bold], l[bold:], '*'
	}
	if head, rest, ok := cutAt(l, "–—="); ok && known(head) {
		return head, rest, '-'
	}
	if head, rest, ok := cutAt(l, "-"); ok && known(head) && strings.HasSuffix(head[len(head)-1].Text, " ") {
		return head, rest, '-'
	}
	if colon {
		return before, after, ':'
	}
	return l, nil, 0
}

func cutAt(l markdown.Line, separators string) (head, rest markdown.Line, ok bool) {
	for i, s := range l {
		if s.Tag || s.Image || s.Code || s.Link != "" && i > 0 {
			continue
		}
		at := strings.IndexAny(s.Text, separators)
		if at < 0 {
			continue
		}
		_, size := utf8.DecodeRuneInString(s.Text[at:])
		before, after := s, s
		before.Text = s.Text[:at]
		after.Text = s.Text[at+size:]
		after.Column += at + size
		head = append(append(head, l[:i]...), before)
		rest = append(append(rest, after), l[i+1:]...)
		return head, rest, true
	}
	return nil, nil, false
}

// trimBullet drops a bullet that Markdown does not know as one, such as "•" or a
// dash with a no-break space behind it.
func trimBullet(l markdown.Line) markdown.Line {
	if len(l) == 0 {
		return l
	}
	text := l[0].Text
	rest := strings.TrimLeft(text, " \u00a0\t")
	for _, bullet := range []string{"-", "*", "+", "•", "–", "—", "·", "▪", "◦"} {
		after, ok := strings.CutPrefix(rest, bullet)
		if !ok {
			continue
		}
		trimmed := strings.TrimLeft(after, " \u00a0\t")
		if trimmed == after && bullet != "•" {
			continue
		}
		first := l[0]
		first.Text = trimmed
		first.Column += len(text) - len(trimmed)
		return append(markdown.Line{first}, l[1:]...)
	}
	return l
}
