package decision

import (
	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// titles lists the live headings "Release Decision", in document order, those
// inside of lists included.
func titles(blocks []*markdown.Block) []*markdown.Block {
	var out []*markdown.Block
	for _, b := range blocks {
		if b.Kind == markdown.Heading && isTitle(b.Text()) {
			out = append(out, b)
		}
		out = append(out, titles(b.Children)...)
	}
	return out
}

// section collects what stands under a heading: up to the next heading of the
// same or a higher level.
type section struct {
	title   *markdown.Block
	started bool
	ended   bool
	form    bool // see ends
	some    bool // something stood under the title
}

func sectionOf(blocks []*markdown.Block, title *markdown.Block) []*markdown.Block {
	s := &section{title: title}
	return s.collect(blocks)
}

func (s *section) collect(blocks []*markdown.Block) []*markdown.Block {
	var out []*markdown.Block
	for _, b := range blocks {
		switch {
		case s.ended:
			return out
		case b == s.title:
			s.started = true
			continue
		case !s.started:
			out = append(out, s.collect(b.Children)...)
			continue
		case b.Kind == markdown.Heading && s.ends(b):
			s.ended = true
			return out
		}
		s.some = true
		out = append(out, s.prune(b))
	}
	return out
}

// prune returns b up to a heading inside of it that ends the section.
func (s *section) prune(b *markdown.Block) *markdown.Block {
	if len(b.Children) == 0 {
		return b
	}
	kept := *b
	kept.Children = s.collect(b.Children)
	return &kept
}

// ends reports whether a heading ends the section. Two shapes of the same level
// do not: forms, in which every label is a heading like the title itself, and
// lines of a record that a line of dashes below made into a heading.
func (s *section) ends(h *markdown.Block) bool {
	if h.Level > s.title.Level {
		return false
	}
	f, ok := knownLabel(trimColon(h.Text()), s.form)
	if ok && isCanonical(f) && f != gate.FieldDecision && !s.some && h.Level == s.title.Level {
		s.form = true
	}
	if s.form && h.Level == s.title.Level {
		return !ok
	}
	for _, l := range h.Lines {
		head, _, sep := cutLabel(l, true)
		if f, ok := knownLabel(head.String(), true); sep != ':' || !ok || !isCanonical(f) {
			return true
		}
	}
	return len(h.Lines) == 0
}
