package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// An issue names components of the policy by labels (`cart`, `component: cart`,
// `component/cart`, `area: cart`) or by a line of its text that a reader sees:
// `Component: cart`, or a paragraph under such a heading, as issue forms write
// it. One that names none, or something that is no component, counts for all.

var (
	componentLabel = regexp.MustCompile(`(?i)^(?:components?|areas?)\s*[:/]\s*(.+)$`)
	componentLine  = regexp.MustCompile(`(?i)^\W*(?:affected\s+)?(?:components?|areas?)\W*[:：]\W*(\S.*)$`)
	componentHead  = regexp.MustCompile(`(?i)^\W*(?:affected\s+)?(?:components?|areas?)\W*$`)
)

// ofOthers takes the weight off a finding about an issue of components that the
// pull request leaves alone.
func ofOthers(q question, f *gate.Finding, i gate.Issue) {
	of, clear := q.Policy.componentsOf(i)
	if len(of) == 0 || !clear {
		return
	}
	touches, clear := q.touchedComponents()
	if !clear || slices.ContainsFunc(of, func(c string) bool { return slices.Contains(touches, c) }) {
		return
	}
	f.Status, f.Code = gate.Advisory, "severe-elsewhere"
	f.Fact += fmt.Sprintf("; it is of %s, which this pull request leaves alone", gate.Quote(commas(of)))
	f.Fix = "nothing, if that is the component which it affects"
}

// componentsOf lists the components that an issue names. It is not clear where
// it names something besides that is none.
func (p *Policy) componentsOf(i gate.Issue) (of []string, clear bool) {
	if len(p.Components) == 0 || p.Severity.Everywhere {
		return nil, false
	}
	add := func(text string) bool {
		named, unknown := p.componentsIn(text)
		of = union(of, named)
		return len(unknown) == 0
	}
	clear = true
	for _, label := range i.Labels {
		if m := componentLabel.FindStringSubmatch(label); m != nil {
			clear = add(m[1]) && clear
			continue
		}
		add(label) // any other label may be about something else
	}
	under := false
	eachBlock(markdown.Parse(i.Body).Blocks, func(b *markdown.Block) {
		if b.Kind == markdown.Heading {
			under = componentHead.MatchString(b.Text())
			return
		}
		for _, line := range b.Lines {
			text := line.String()
			if m := componentLine.FindStringSubmatch(text); m != nil {
				text = m[1]
			} else if !under {
				continue
			}
			if strings.TrimSpace(text) != "" {
				clear = add(text) && clear
			}
		}
	})
	slices.Sort(of)
	return of, clear
}

// touchedComponents lists the components that a pull request touches or names in
// its scope. It is not clear where paths are unread or belong to none; what
// cannot break anything, such as documents, need not.
func (q question) touchedComponents() (names []string, clear bool) {
	if !q.files.Known {
		return nil, false
	}
	all := map[string]bool{}
	for _, path := range touched(q.files.Value) {
		home := q.Policy.homes(path)
		if len(home) == 0 && ceiling(path) > gate.Low {
			return nil, false
		}
		for _, name := range home {
			all[name] = true
		}
	}
	named, _ := q.Policy.componentsIn(q.Record.Scope)
	for _, name := range named {
		all[name] = true
	}
	return slices.Sorted(maps.Keys(all)), true
}

func eachBlock(blocks []*markdown.Block, do func(*markdown.Block)) {
	for _, b := range blocks {
		do(b)
		eachBlock(b.Children, do)
	}
}
