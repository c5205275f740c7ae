package decision

import (
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

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
			r.stray = append(r.stray, value{line: cellLine(cell)})
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
		for _, cell := range row.Children {
			r.stray = append(r.stray, value{line: cellLine(cell)})
		}
		if f, ok := r.nearLabel(text); ok {
			r.near = append(r.near, near{text, f, row.Line, row.Column})
		}
	}
}
