package decision

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// The closed sets: the folded forms in which a word may be written, and the
// word. The NO-GO family needs no order of tests: a value equals one form or
// none.
var (
	classWords = map[string]string{"low": "low", "medium": "medium", "high": "high"}
	typeWords  = map[string]string{
		"routine": "routine", "multi-feature": "multi-feature", "multifeature": "multi-feature",
		"architectural": "architectural", "hotfix": "hotfix", "hot-fix": "hotfix",
		"customer-facing": "customer-facing", "customerfacing": "customer-facing",
	}
	markWords   = map[string]string{"pass": "pass", "fail": "fail"}
	choiceWords = map[string]string{"no-go": "NO-GO", "nogo": "NO-GO", "go": "GO"}
)

// set is a closed set with what its problems are called.
type set struct {
	words map[string]string
	code  string
	menu  string // the words as the fix names them
	mark  bool   // a remark may follow
}

var (
	classSet  = set{classWords, CodeRisk, "`low`, `medium` or `high`", false}
	typeSet   = set{typeWords, CodeType, "`routine`, `multi-feature`, `architectural`, `hotfix` or `customer-facing`", false}
	markSet   = set{markWords, CodeGate, "`pass` or `fail`", true}
	choiceSet = set{choiceWords, CodeDecision, "`GO` or `NO-GO`", false}
)

// setOf maps the fields with a closed set to it.
var setOf = map[gate.Field]set{
	gate.FieldClass: classSet, gate.FieldType: typeSet, gate.FieldDecision: choiceSet,
	gate.FieldCodeGates: markSet, gate.FieldReviewGates: markSet, gate.FieldOperationalGates: markSet,
	gate.FieldCommunicationGates: markSet, gate.FieldDecisionGate: markSet,
}

// pick is what the values of an entry choose: a word of the set, or why none.
type pick struct {
	word  string
	code  string
	fact  string // one sentence, without the field's name
	fix   string
	meant string // the word that was clearly meant, though not written exactly
	open  bool   // the remark beside the word takes it back
}

// maxChoice is the number of bytes in which a word can be chosen, the remark of a
// mark and the alternatives included.
const maxChoice = 2000

// choose reads the one word that an entry's values come down to.
func (s set) choose(e *entry) pick {
	written := e.text()
	if len(written) > maxChoice {
		return pick{code: s.code, fact: "it says " + gate.Quote(written)}
	}
	if r := indexRune(e.raw(), isOverride); r != 0 {
		return pick{code: CodeBidi, fact: "it holds " + unicodeName(r) + ", which changes the order in which the letters are shown"}
	}
	if s.mark && len(e.values) == 0 {
		switch e.tick {
		case markdown.Ticked:
			return pick{word: "pass"}
		case markdown.Unticked:
			return pick{code: s.code, fact: "its box is not ticked"}
		}
	}
	options, boxes := ticked(e)
	switch {
	case boxes && len(options) == 0:
		return pick{code: s.code, fact: "no box is ticked"}
	case boxes && len(options) > 1:
		return pick{code: s.code, fact: "more than one box is ticked"}
	case !s.isClass() && e.tick == markdown.Unticked && !boxes:
		return pick{code: s.code, fact: "it says " + gate.Quote(written) + ", but its box is not ticked"}
	}
	value := strings.Join(options, " ")
	if !boxes {
		value = s.text(e)
	}
	if s.isMenu(value) {
		return pick{code: CodePlaceholder, fact: "the choice is still open: it says " + gate.Quote(written)}
	}
	p := s.equal(value, written)
	if p.word == "pass" && !boxes && e.takenBackBelow() {
		return s.takenBack(written)
	}
	return p
}

// takenBackBelow reports whether a remark nested below a mark takes it back.
func (e *entry) takenBackBelow() bool {
	return len(e.values) > 1 && slices.ContainsFunc(e.values[1:], func(v value) bool { return takesBack(v.String()) })
}

// takenBack is the pick of a mark whose remark says otherwise.
func (s set) takenBack(written string) pick {
	return pick{code: s.code, fact: "it says " + gate.Quote(written) + ", and what stands beside the word takes it back", open: true}
}

// text joins the values; the second and further ones of a mark are remarks.
func (s set) text(e *entry) string {
	if !s.mark || len(e.values) < 2 {
		return e.chosen()
	}
	for _, v := range e.values[1:] {
		if _, ok := s.words[fold(cutRemark(v.String())).word]; ok {
			return e.chosen()
		}
	}
	first := *e
	first.values = e.values[:1]
	return first.chosen()
}

func (s set) equal(value, written string) pick {
	head := value
	if s.mark {
		head = cutRemark(value)
	}
	f := fold(head)
	word, ok := s.words[f.word]
	remark := fold(strings.Trim(strings.TrimPrefix(value, head), " ()–—-")).word
	_, second := s.words[remark]
	switch {
	case ok && second && remark != f.word:
		return pick{code: s.code, fact: "it says " + gate.Quote(written)}
	case ok && word == "pass" && (f.sign == waiting || takesBack(strings.TrimPrefix(value, head))):
		return s.takenBack(written)
	case ok && s.contradicts(f.sign, word):
		return pick{code: s.code, fact: "it says " + gate.Quote(written) + ", and the sign beside the word contradicts it"}
	case ok:
		return pick{word: word}
	}
	if what, looks := confusable(head, s.words); looks {
		return pick{code: CodeConfusable, fact: "it says " + gate.Quote(written) + ", in which " + what + " only looks like a letter of the word",
			fix: "type the word anew: " + s.menu}
	}
	p := pick{code: s.code, fact: "it says " + gate.Quote(written), meant: s.meant(value)}
	if s.mark && isNotApplicable(f.word) {
		p.fix = "write `pass` if nothing is needed here"
	}
	return p
}

// contradicts reports whether a sign beside a word says the opposite. A colour or
// an hourglass is so beside a decision only; beside a class or a type it may be
// meant as decoration.
func (s set) contradicts(sign sign, word string) bool {
	switch {
	case s.isClass() || word == "fail" || word == "NO-GO":
		return false
	case sign == waiting:
		return s.code == CodeDecision
	}
	return sign == against
}

// aside is what may stand behind a word without making another one of it: the
// word "risk", full stops, or a remark set off.
var aside = regexp.MustCompile(`^(?:[- ]risks?(?:[- ]class)?)?[.!]*(?:$|[ -]*[(\[]|-[^\pL\pN]*[\pL\pN]|[,;:]|[.!]+[- ])`)

// meant returns the word with which a refused value begins, when all that stands
// behind it is a remark that neither takes it back nor names another word.
func (s set) meant(value string) string {
	f := fold(value)
	if s.mark || f.sign != noSign {
		return ""
	}
	best := ""
	for form := range s.words {
		if strings.HasPrefix(f.word, form) && len(form) > len(best) {
			best = form
		}
	}
	if best == "" {
		return ""
	}
	word, rest := s.words[best], f.word[len(best):]
	for form, other := range s.words {
		if other != word && strings.Contains(rest, form) {
			return ""
		}
	}
	switch {
	case !aside.MatchString(rest) || hedged.MatchString(rest):
		return ""
	case word == "GO" && takesBack(strings.ReplaceAll(rest, "-", " ")):
		return ""
	}
	return word
}

// hedged are words that make a choice less than one.
var hedged = regexp.MustCompile(`\?|\b(?:but|maybe|perhaps|probably|likely|or|not|no|once|if|when|after|tbd|draft|should|ish)\b`)

func (s set) isClass() bool { return s.code == CodeRisk }

// isMenu reports whether all words of the set stand side by side, as in the
// template.
func (s set) isMenu(written string) bool {
	if f := fold(written).word; f == "go/no-go" || f == "go-no-go" || f == "go-/-no-go" {
		return s.code == CodeDecision
	}
	seen := map[string]bool{}
	for _, part := range strings.FieldsFunc(written, func(r rune) bool { return strings.ContainsRune("|/,", r) }) {
		word, ok := s.words[fold(part).word]
		if !ok {
			return false
		}
		seen[word] = true
	}
	all := map[string]bool{}
	for _, word := range s.words {
		all[word] = true
	}
	return len(seen) == len(all)
}

// cutRemark returns a mark without the remark behind a dash or in parentheses.
func cutRemark(s string) string {
	for i, r := range s {
		switch {
		case i == 0:
		case r == '(' || r == '–' || r == '—':
			return strings.TrimSpace(s[:i])
		case markdown.IsDash(r) && s[i-1] == ' ':
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

func isNotApplicable(word string) bool {
	switch word {
	case "n/a", "na", "n.a.", "not-applicable", "not-needed", "none", "nothing", "-", "n-a":
		return true
	}
	return false
}

// chosen is the visible text of all values; where alternatives are struck out,
// without the bars that stood between them.
func (e *entry) chosen() string {
	text, struck := e.text(), false
	for _, v := range e.values {
		for _, s := range v.line {
			struck = struck || s.Struck
		}
	}
	if struck {
		text = strings.TrimFunc(text, func(r rune) bool { return r == ' ' || strings.ContainsRune("|/,", r) })
	}
	return text
}

// text is the visible text of all values.
func (e *entry) text() string {
	parts := make([]string, 0, len(e.values))
	for _, v := range e.values {
		if s := v.String(); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

// raw is the text of all values with its invisible characters.
func (e *entry) raw() string {
	var b strings.Builder
	for _, v := range e.values {
		b.WriteString(v.line.String())
	}
	return b.String()
}

// ticked returns the texts behind ticked boxes, of task lists and of boxes
// inside a line. boxes is false when there are none at all. Text that stands
// outside of all boxes counts as ticked: it is part of what a reader reads.
func ticked(e *entry) (options []string, boxes bool) {
	for _, v := range e.values {
		before, inline := inlineBoxes(v.String())
		switch {
		case len(inline) > 0:
			boxes = true
			if before != "" {
				options = append(options, before)
			}
			for _, b := range inline {
				if b.on {
					options = append(options, b.text)
				}
			}
		case v.tick == markdown.Ticked:
			boxes = true
			options = append(options, v.String())
		case v.tick == markdown.Unticked:
			boxes = true
		default:
			options = append(options, v.String())
		}
	}
	return options, boxes
}

type box struct {
	on   bool
	text string
}

var boxSigns = []struct {
	sign string
	on   bool
}{{"[ ]", false}, {"[]", false}, {"[x]", true}, {"[X]", true}, {"☐", false}, {"⬜", false}, {"☑", true}}

// inlineBoxes splits "[ ] low [x] medium" at its boxes.
func inlineBoxes(s string) (before string, boxes []box) {
	rest := s
	for rest != "" {
		at, sign, on := -1, "", false
		for _, b := range boxSigns {
			if i := strings.Index(rest, b.sign); i >= 0 && (at < 0 || i < at) {
				at, sign, on = i, b.sign, b.on
			}
		}
		text := rest
		if at >= 0 {
			text = rest[:at]
		}
		text = strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("|/,", r) })
		if len(boxes) == 0 {
			before = text
		} else {
			boxes[len(boxes)-1].text = text
		}
		if at < 0 {
			break
		}
		boxes = append(boxes, box{on: on})
		rest = rest[at+len(sign):]
	}
	return before, boxes
}
