package decision

import (
	"regexp"
	"strings"

	"gonogo/internal/gate"
)

var (
	tagName = regexp.MustCompile(`^</?([A-Za-z][A-Za-z0-9-]*)`)
	// An empty item of a numbered list below a label reads as text.
	listMarker  = regexp.MustCompile(`^\d{1,9}[.)]$`)
	placeholder = regexp.MustCompile(`^(?:<[^<>]*>|\[[^\[\]]*\.\.\.\]|\{\{[^{}]*\}\}|…|\.\.\.|_{3,}|\?+|x{3,}|` +
		`\$?\{[a-z _-]*\}|\$[a-z_]{2,}|lorem ipsum.*)$`)
	// A hint in square brackets; other words there may be a value.
	bracketed = regexp.MustCompile(`^\[((?:your|insert|enter|fill|add|describe|list|name)\b[^\[\]]*|` +
		`(?:the )?(?:scope|release scope|owner|rollback owner|decision owner|person|role|user|username|account|handle|team|services?|components?|value|text|date|risks?|tbd|tba|todo|x{2,}|\.*))\]$`)
	leftOpen = map[string]bool{
		"tbd": true, "tba": true, "todo": true, "to do": true, "to be defined": true, "to be determined": true, "to be decided": true,
		"to be filled": true, "to be filled in": true, "to be added": true, "to be announced": true, "to be confirmed": true, "tbc": true,
		"no response": true, "no answer": true, "fill in": true, "fill me in": true, "fixme": true, "wip": true, "placeholder": true, "t.b.d.": true,
		"services/modules/features": true, "list or none": true, "clear condition": true, "person/role": true, "iso datetime": true,
	}
	// Answers that leave one field open, and may be a word elsewhere.
	leftOpenIn = map[gate.Field]map[string]bool{
		gate.FieldScope: {
			"see title": true, "see the title": true, "see pr title": true, "title": true, "see above": true, "see below": true, "see description": true,
			"see pr": true, "see pr description": true, "as above": true, "same as above": true, "as usual": true, "unknown": true, "later": true,
		},
		gate.FieldResidualRisks: {
			"unknown": true, "not known": true, "not assessed": true, "not assessed yet": true, "not yet assessed": true, "not evaluated": true,
			"unclear": true, "pending": true, "later": true, "to be assessed": true, "don't know": true, "no idea": true,
		},
	}
	// Tags that GitHub takes as HTML; all others were meant as text.
	htmlTags = wordSet("a abbr address b big blockquote br caption center cite code dd del details dfn div dl dt em figcaption figure font " +
		"h1 h2 h3 h4 h5 h6 hr i img input ins kbd label li mark ol p picture pre q rp rt ruby s samp section small source span strike " +
		"strong style sub summary sup table tbody td tfoot th thead time tr tt u ul var video wbr")
)

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// isPlaceholderTag reports whether a tag is no HTML, but a hint in angle brackets
// such as "<list or none>".
func isPlaceholderTag(tag string) bool {
	m := tagName.FindStringSubmatch(tag)
	return m != nil && !htmlTags[lower(m[1])]
}

// placeholder returns the placeholder that stands for the value, if one does.
func (e *entry) placeholder() string {
	text := e.text()
	if text == "" {
		for _, v := range e.values {
			for _, s := range v.line {
				if s.Tag && isPlaceholderTag(s.Text) {
					return s.Text
				}
			}
		}
		return ""
	}
	// A trigger or an owner of "TBD" is told as vague and as nobody.
	word := strings.TrimRight(lower(text), ".!: ")
	open := (leftOpen[lower(text)] || leftOpen[word]) && e.field != gate.FieldTrigger && !isOwnerField(e.field) ||
		leftOpenIn[e.field][word] || e.field == gate.FieldScope && isNotApplicable(lower(text))
	if isHint(text) || open {
		return text
	}
	return ""
}

// isHint reports whether a text is a blank to fill in, and nobody's value.
func isHint(text string) bool {
	text = lower(text)
	return placeholder.MatchString(text) || bracketed.MatchString(text)
}

func isOwnerField(f gate.Field) bool {
	return f == gate.FieldRollbackOwner || f == gate.FieldDecisionOwner
}
