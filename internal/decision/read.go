package decision

import (
	"strings"
	"unicode/utf8"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// entry is one label of the block with what stands for its value.
type entry struct {
	field  gate.Field // "" for a label that is not ours
	line   int
	column int
	tick   markdown.Tick // of the item that holds the label
	values []value
	hidden *markdown.Region // a code block or quotation where the value should be
	style  style
	open   bool // further items of the same level belong to it
}

// value is one item, line or cell. Its line breaks have become spaces.
type value struct {
	line markdown.Line
	tick markdown.Tick
}

func (v value) String() string { return markdown.Visible(v.line.String()) }

// place returns where the value begins.
func (v value) place() (line, column int) {
	for _, s := range v.line {
		if strings.TrimSpace(s.Text) != "" && s.Line > 0 {
			return s.Line, s.Column + len(s.Text) - len(strings.TrimLeft(s.Text, " \t"))
		}
	}
	return 0, 0
}

type style int

const (
	asItem style = iota
	asLine
	asRow
	asHeading
)

// reader reads a section into entries. A label stays current until the next
// one: values may follow on its line, nested below, or as next items of the
// same level.
type reader struct {
	entries []*entry
	stray   []value // lines that belong to no label
	near    []near
	guesses int // how often a label was compared with ours
	current *entry
}

// maxGuesses is the number of unknown labels for which a near one is sought.
const maxGuesses = 100

func (r *reader) nearLabel(text string) (gate.Field, bool) {
	if r.guesses++; r.guesses > maxGuesses {
		return "", false
	}
	return nearLabel(text)
}

// near is an unknown label that looks like one of ours.
type near struct {
	written string
	meant   gate.Field
	line    int
	column  int
}

func (r *reader) blocks(bs []*markdown.Block, inside *entry) {
	for _, b := range bs {
		if r.current != nil && r.current.style == asHeading && inside == nil {
			inside = r.current
		}
		switch b.Kind {
		case markdown.Heading:
			inside = nil
			r.heading(b)
		case markdown.Paragraph:
			r.paragraph(b.Lines, inside)
		case markdown.List:
			for _, item := range b.Children {
				r.item(item, inside)
			}
		case markdown.Table:
			r.table(b, inside)
		case markdown.Hidden:
			if e := r.current; e != nil && len(e.values) == 0 && b.Region != nil && b.Region.Reason != markdown.InComment {
				e.hidden = b.Region
			}
		}
	}
}

func (r *reader) heading(b *markdown.Block) {
	r.current = nil
	if len(b.Lines) == 0 {
		return
	}
	for i, l := range b.Lines {
		if e, rest := r.label(l, nil, asHeading); e != nil {
			r.begin(e, rest)
		} else if i > 0 {
			r.more(l)
		}
	}
}

// begin makes e the current entry.
func (r *reader) begin(e *entry, rest markdown.Line) {
	r.entries = append(r.entries, e)
	r.current = e
	e.open = true
	if shows(rest) {
		e.values = append(e.values, value{line: rest})
		e.open = false
		if e.style == asHeading {
			e.style = asLine
		}
	}
}

// shows reports whether a line has anything in it that stands for a value, a
// placeholder in angle brackets included.
func shows(l markdown.Line) bool {
	for _, s := range l {
		if !s.Image && strings.TrimSpace(s.Text) != "" && (!s.Tag || isPlaceholderTag(s.Text)) {
			return true
		}
	}
	return false
}

func (r *reader) paragraph(lines []markdown.Line, inside *entry) {
	taken := false
	for i, l := range lines {
		if e, rest := r.label(l, inside, asLine); e != nil {
			r.begin(e, rest)
			taken = true
			continue
		}
		switch e := r.current; {
		case i > 0 && taken:
			r.more(l)
		case i > 0 && !taken:
			r.stray = append(r.stray, value{line: l})
		case e != nil && (e.open || inside == e):
			e.values = append(e.values, value{line: trimBullet(l)})
			taken = true
		default:
			r.stray = append(r.stray, value{line: l})
		}
	}
}

// more adds a further line of the same paragraph to the current value. Where
// nothing but the label stood before, lines are values of their own.
func (r *reader) more(l markdown.Line) {
	e := r.current
	if e == nil || !shows(l) {
		return
	}
	if bullet := trimBullet(l); len(e.values) == 0 || e.open && len(bullet) > 0 && bullet[0].Text != l[0].Text {
		e.values = append(e.values, value{line: bullet})
		return
	}
	last := &e.values[len(e.values)-1]
	last.line = append(append(last.line, markdown.Span{Text: " "}), l...)
}

func (r *reader) item(item *markdown.Block, inside *entry) {
	children := item.Children
	var first *entry
	if len(children) > 0 && children[0].Kind == markdown.Paragraph {
		first = r.itemText(children[0], item, inside)
		children = children[1:]
	}
	if first == nil {
		if inside == nil && r.current != nil && r.current.open {
			inside = r.current
		}
		r.blocks(children, inside)
		return
	}
	before := len(first.values) + len(r.entries)
	r.blocks(children, first)
	if len(first.values)+len(r.entries) > before {
		first.open = false
	}
	r.current = first
}

// itemText reads an item's own text. It returns the entry that the item began,
// if it began one.
func (r *reader) itemText(b, item *markdown.Block, inside *entry) *entry {
	var begun *entry
	for i, l := range b.Lines {
		if e, rest := r.label(l, inside, asItem); e != nil {
			e.tick = item.Tick
			r.begin(e, rest)
			begun = e
			continue
		}
		if i > 0 {
			r.more(l)
			continue
		}
		r.itemValue(value{line: l, tick: item.Tick}, inside)
	}
	return begun
}

func (r *reader) itemValue(v value, inside *entry) {
	switch e := r.current; {
	case inside != nil:
		inside.values = append(inside.values, v)
		r.current = inside
	case e != nil && (e.open || e.field == gate.FieldDecision && e.style == asItem):
		// A decision takes every item behind it: "GO", then "once QA signs off".
		e.values = append(e.values, v)
	default:
		r.stray = append(r.stray, v)
	}
}

func (r *reader) table(t *markdown.Block, inside *entry) {
	var columns []gate.Field
	gates := inside != nil && inside.field == gate.FieldGates || r.current != nil && r.current.field == gate.FieldGates
	for _, row := range t.Children {
		if row.Header {
			columns = headerFields(row)
			if f, ok := knownLabel(cellText(row, 0), false); ok && f == gate.FieldGates || isGateWord(cellText(row, 0)) {
				gates = true
			}
			if columns != nil {
				continue
			}
		}
		if columns != nil {
			r.columns(row, columns)
			continue
		}
		r.row(row, gates)
	}
}

func isGateWord(s string) bool {
	switch foldLabel(s) {
	case "gate", "layer", "gate layer":
		return true
	}
	return false
}

// headerFields returns the fields of a table whose labels are its columns.
func headerFields(header *markdown.Block) []gate.Field {
	var fields []gate.Field
	known := 0
	for i := range header.Children {
		f, ok := knownLabel(strings.TrimSuffix(cellText(header, i), ":"), false)
		if ok {
			known++
		}
		fields = append(fields, f)
	}
	if known < 2 {
		return nil
	}
	return fields
}

func cellText(row *markdown.Block, i int) string {
	if i >= len(row.Children) {
		return ""
	}
	return row.Children[i].Text()
}

func cellLine(cell *markdown.Block) markdown.Line {
	var l markdown.Line
	for i, part := range cell.Lines {
		if i > 0 {
			l = append(l, markdown.Span{Text: " "})
		}
		l = append(l, part...)
	}
	return l
}

func (r *reader) columns(row *markdown.Block, fields []gate.Field) {
	for i, cell := range row.Children {
		if i >= len(fields) || fields[i] == "" {
			continue
		}
		e := r.inRow(fields[i])
		if e == nil {
			e = &entry{field: fields[i], line: cell.Line, column: cell.Column, style: asRow}
			r.begin(e, nil)
		}
		e.open = false
		if l := cellLine(cell); shows(l) {
			e.values = append(e.values, value{line: l})
		}
	}
	r.current = nil
}

// inRow finds the entry of a column that an earlier row began.
func (r *reader) inRow(f gate.Field) *entry {
	for _, e := range r.entries {
		if e.field == f && e.style == asRow {
			return e
		}
	}
	return nil
}

func (r *reader) row(row *markdown.Block, gates bool) {
	if len(row.Children) < 2 {
		return
	}
	label, rest := row.Children[0], row.Children[1]
	text := strings.TrimRight(markdown.Visible(label.Text()), ":： ")
	f, ok := knownLabel(text, gates)
	if !ok {
		r.unknownRow(text, row)
		return
	}
	e := &entry{field: f, line: label.Line, column: label.Column, style: asRow}
	r.begin(e, cellLine(rest))
	if f == gate.FieldDecision {
		for _, cell := range row.Children[2:] {
			if l := cellLine(cell); shows(l) {
				e.values = append(e.values, value{line: l})
			}
		}
	}
}

func (r *reader) unknownRow(text string, row *markdown.Block) {
	switch e := r.current; {
	case text == "" && e != nil && e.style == asRow:
		if l := cellLine(row.Children[1]); shows(l) {
			e.values = append(e.values, value{line: l})
		}
	case row.Header:
	default:
		r.current = nil
		if f, ok := r.nearLabel(text); ok {
			r.near = append(r.near, near{text, f, row.Line, row.Column})
		}
	}
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
	if f, ok := r.nearLabel(text); ok {
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
