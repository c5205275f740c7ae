package decision

import (
	"strings"

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
		} else {
			r.stray = append(r.stray, value{line: l})
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
