package decision

import (
	"regexp"
	"strings"
	"unicode"

	"gonogo/internal/markdown"
)

// A rollback trigger is concrete when somebody at night can tell whether it has
// happened. The rule, in this order; every step is decided by the words alone:
//
//  1. Vague: nothing but a shrug ("N/A", "TBD", "none needed", "see runbook") or
//     nothing but links.
//  2. Concrete: a named alert. The words alert, alarm, monitor, page, PagerDuty,
//     Opsgenie or Sentry together with a name: in code, in quotation marks, or
//     one word with capitals, hyphens or underscores in it.
//  3. Concrete: a threshold. A comparison sign or word ("above", "more than",
//     "reaches", and the like in a few other languages) with a number, a
//     percentage, or any other number that is no mere span of time
//     ("for 5 min"), date, version, reference ("#12", "step 3"), or a number of
//     opinions ("2 people", "100 % sure").
//     Numbers may be words ("more than three", "drops to zero"), unless the text
//     speaks of "something" or "problems".
//  4. Concrete: a state. A word for something that can be seen to be so ("fails",
//     "returns", "is down", "times out", "doubles", "does not load", "SEV1")
//     with a subject other than "something", "it", "things" and their kin.
//  5. Everything else is vague. So are 3 (without a comparison) and 4 when the
//     text speaks of "something", "any issues", "problems" or "things".
//
// A false alarm is cleared by writing the condition down.
func isVague(e *entry) bool {
	e = e.upTo(maxTrigger)
	text := strings.ToLower(e.text())
	bare := strings.TrimSpace(links.ReplaceAllString(unlinked(e), " "))
	shrugs := (shrug.MatchString(text) || onlyShrug.MatchString(text)) && !strings.HasPrefix(text, "none of ") && !compared.MatchString(text)
	if shrugs || !strings.ContainsFunc(bare, unicode.IsLetter) && !compared.MatchString(bare) {
		return true
	}
	plain := strings.ToLower(bare)
	switch {
	case namedAlert(e):
		return false
	case compared.MatchString(plain):
		return false
	case vagueSubject.MatchString(plain):
		return true
	case comparedInWords.MatchString(spansInWords.ReplaceAllString(plain, " ")):
		return false
	}
	return !hasThreshold(plain) && !hasState(plain)
}

// maxTrigger is the number of bytes in which the condition must stand.
const maxTrigger = 2000

// upTo returns e with as many of its values as fit.
func (e *entry) upTo(size int) *entry {
	short := *e
	short.values = nil
	for _, v := range e.values {
		kept := value{tick: v.tick}
		for _, s := range v.line {
			if size <= 0 {
				break
			}
			s.Text = strings.ToValidUTF8(s.Text[:min(len(s.Text), size)], "")
			size -= len(s.Text) + 1
			kept.line = append(kept.line, s)
		}
		short.values = append(short.values, kept)
	}
	return &short
}

// unlinked is the text of an entry without what is a link.
func unlinked(e *entry) string {
	var b strings.Builder
	for _, v := range e.values {
		for _, s := range v.line {
			if !s.Struck && !s.Image && !s.Tag && s.Link == "" {
				b.WriteString(s.Text)
			}
		}
		b.WriteByte(' ')
	}
	return markdown.Visible(b.String())
}

// comparison is a comparing sign or word; a number follows it, with nothing but
// small words between.
const comparison = `(?:[<>≥≤＞＜]=?|=>|=<|` +
	`(?:^|[^\pL\pN])(?:above|below|over|under|beyond|exceed(?:s|ed|ing)?|surpass(?:es)?|reach(?:es|ed)?|more than|less than|longer than|fewer than|` +
	`higher than|lower than|greater than|larger than|slower than|faster than|at least|at most|up to|` +
	`(?:drops?|falls?|dips?|goes|rises?|climbs?|grows?|increases?|decreases?|jumps?|spikes?|stays?|remains?)(?: \pL+)? (?:to|by|above|below|over|under)|` +
	`über|unter|mehr als|weniger als|höher als|mindestens|länger als|plus de|moins de|supérieure? à|más de|menos de|superior a|mayor que|` +
	`більше|менше|понад|вище|нижче|довше|більш ніж|больше|меньше|выше|ниже|powyżej|poniżej|więcej niż)|超過|超过|以上|を超え)` +
	`\s*(?:than|of|the|a|an|about|around|ніж|чем|за|baseline|than)?\s*[~≈$€£]?\s*`

const numberWords = `(?:zero|nil|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|` +
	`hundred|a hundred|thousand|half|twice|double|triple|null|zwei|drei|vier|fünf|zehn|hundert)`

var (
	links = regexp.MustCompile(`(?i)\b(?:https?://|www\.)\S+`)

	shrug = regexp.MustCompile(`^[\s"'(]*(?:n/?a|n\.a\.|tbd|tba|tbc|t\.b\.d\.|todo|to do|none|no trigger|nothing|later|` +
		`to be (?:defined|determined|decided|announced|confirmed|discussed)|not (?:defined|needed|applicable|required|known|available)|` +
		`no rollback|see|as usual|ask|when needed|if needed|if necessary)(?:[^\pL\pN/]|$)`)

	onlyShrug = regexp.MustCompile(`^(?:unknown|manual(?:ly)?|judge?ment call|common sense|(?:the )?(?:standard|default|usual)(?: \pL+)?|same as .*)$`)

	compared = regexp.MustCompile(comparison + `\pN`)

	comparedInWords = regexp.MustCompile(comparison + numberWords + `\b`)

	spansInWords = regexp.MustCompile(numberWords + `(?:-\pL+)?[\s-]+(?:(?:more|full|whole|business|working) )?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|stunden?|tagen?|minuten?)\b`)

	percent = regexp.MustCompile(`\pN\s*(?:%|percent|per cent|prozent|‰|pp\b)`)

	numbers = regexp.MustCompile(`(^|[\s(/~≈=$€£:,"'])(\pN[\pN.,]*)(?:\s*([\pL%µ]+))?`)

	spanUnits = map[string]bool{
		"s": true, "sec": true, "secs": true, "second": true, "seconds": true, "ms": true, "m": true, "min": true, "mins": true,
		"minute": true, "minutes": true, "h": true, "hr": true, "hrs": true, "hour": true, "hours": true, "d": true, "day": true,
		"days": true, "week": true, "weeks": true, "month": true, "months": true, "am": true, "pm": true, "utc": true, "st": true, "nd": true,
		"rd": true, "th": true, "minuten": true, "sekunden": true, "stunden": true, "tage": true, "tagen": true, "хв": true,
		"хвилин": true, "секунд": true, "годин": true, "год": true, "днів": true, "минут": true, "часов": true, "x": true, "xx": true,
	}

	reference = regexp.MustCompile(`(?:#|\b(?:step|section|page|phase|see|issue|ticket|version|item|chapter|sprint|pr|q|v|release|option|schritt|kapitel))[\s.:]*$`)

	opinions = regexp.MustCompile(`\pN[\pN.,]*\s*(?:%|percent|per cent)\s*(?:sure|certain|confident|convinced|positive|safe|ready|fine|ok|okay|done|tested|working)\b|` +
		`\pN[\pN.,]*\s*(?:people|persons|of (?:us|you|them)|devs?|developers?|engineers?|colleagues?|teammates?|reviewers?|folks|leute|personen|людей|людини|человека?)(?:[^\pL]|$)`)

	dates = regexp.MustCompile(`\pN{4}-\pN\pN?-\pN\pN?|\pN+\.\pN+\.\pN+|\pN\pN?:\pN\pN|(?:\bq[1-4][\s/-]*)?\b20[23]\pN\b(?:[\s/-]*q[1-4]\b)?`)

	vagueSubject = regexp.MustCompile(`\b(?:something|anything|someone|somebody|things?|stuff|whatever|any(?: \pL+)? (?:issues?|problems?|trouble|regressions?|concerns?|errors?|bugs?)|` +
		`(?:issues?|problems?|trouble) (?:arise|arises|occurs?|happens?|found|come up|appear)|goes? (?:wrong|south|bad(?:ly)?)|look(?:s|ing)? (?:bad|wrong|off|odd|weird)|` +
		`if (?:it|this|that) (?:fails|breaks|does not work|doesn't work)|unexpected behaviou?r|etwas|irgendwas|irgendetwas|probleme|щось|что-то)\b`)

	states = regexp.MustCompile(`(?:^|[^\pL\pN])(?:fail(?:s|ed|ing|ures?)?|returns?|returned|throws?|crash(?:es|ed|ing)?|crash-?loop\w*|` +
		`is (?:down|unavailable|unreachable|not reachable|red|offline|blank|empty|missing|stuck|broken|rejected|lost|wrong|not available|not responding|locked)|` +
		`are (?:down|unavailable|unreachable|not reachable|red|offline|blank|empty|missing|stuck|rejected|lost|wrong|not sent|not available|locked|duplicated|dropped)|` +
		`goes (?:down|red|offline)|go (?:down|red|offline)|went (?:down|red|offline)|turns red|unreachable|unavailable|times? out|timeouts?|timed out|` +
		`can ?not|can't|cannot|unable to|(?:does|do|did|will) not|doesn't|don't|didn't|won't|isn't|aren't|stops?|stopped|hangs?|hung|` +
		`doubles?|doubled|triples?|tripled|halves|corrupt(?:s|ed|ion)?|data loss|lost|loses|duplicated?|oom(?:-?kill\w*)?|out of memory|` +
		`restart(?:s|ed)?|rejected|rejects|mismatch(?:es)?|rolls? back|locked out|logged out|deadlocks?|panics?|exceptions?|` +
		`p[01] incident|[45]\pN\pNs?|breach(?:es|ed)?|breaks?|broken|missing|` +
		`schlägt fehl|schlagen fehl|fällt aus|nicht erreichbar|lädt nicht|недоступн\pL*|не працює|не завантажується|не відкривається|не работает|не открывается)(?:[^\pL\pN]|$)`)

	alertWord = regexp.MustCompile(`(?i)\b(?:alerts?|alarms?|monitors?|pages?|paged|pagerduty|opsgenie|sentry|datadog|alertmanager|grafana)\b`)

	// A name of one word: inner capitals, hyphens or underscores.
	named  = regexp.MustCompile(`[A-Z][a-z0-9]+[A-Z][A-Za-z0-9]+|\b[A-Za-z0-9]+(?:[-_.:][A-Za-z0-9]+)+\b`)
	quoted = regexp.MustCompile(`["“”«»„'‘][^"“”«»'’]{3,}["“”«»'’]`)
)

// emptyWords say nothing about what is in a state.
var emptyWords = map[string]bool{
	"it": true, "this": true, "that": true, "the": true, "a": true, "an": true, "if": true, "when": true, "whenever": true, "any": true,
	"some": true, "is": true, "are": true, "we": true, "there": true, "in": true, "on": true, "of": true, "to": true, "or": true, "and": true,
	"system": true, "everything": true, "all": true, "everyone": true, "release": true, "rollback": true, "roll": true, "back": true, "revert": true,
	"not": true, "does": true, "do": true, "did": true, "will": true, "work": true, "works": true, "working": true, "be": true, "was": true, "has": true, "have": true,
	"issue": true, "issues": true, "problem": true, "problems": true, "case": true, "once": true, "badly": true, "production": true, "prod": true,
}

// namedAlert reports whether a text names an alert.
func namedAlert(e *entry) bool {
	text := e.text()
	if !alertWord.MatchString(text) {
		return false
	}
	for _, v := range e.values {
		for _, s := range v.line {
			if s.Code && !s.Struck && strings.TrimSpace(s.Text) != "" {
				return true
			}
		}
	}
	bare := links.ReplaceAllString(text, " ")
	return quoted.MatchString(bare) || named.MatchString(strings.ReplaceAll(bare, "PagerDuty", "pagerduty"))
}

// hasThreshold reports whether a number stands for more than a span of time, a
// date, how sure somebody is, or how many people hold an opinion.
func hasThreshold(s string) bool {
	s = opinions.ReplaceAllString(s, " ")
	if percent.MatchString(s) {
		return true
	}
	s = dates.ReplaceAllString(s, " ")
	for _, m := range numbers.FindAllStringSubmatchIndex(s, -1) {
		unit := ""
		if m[6] >= 0 {
			unit = s[m[6]:m[7]]
		}
		if !spanUnits[unit] && !reference.MatchString(s[:m[4]]) {
			return true
		}
	}
	return false
}

// hasState reports whether something named is said to be in a state. A severity
// ("any SEV1") names itself.
func hasState(s string) bool {
	if severities.MatchString(s) {
		return true
	}
	if !states.MatchString(s) {
		return false
	}
	rest := states.ReplaceAllString(s, " ")
	for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if !emptyWords[word] {
			return true
		}
	}
	return false
}

var severities = regexp.MustCompile(`\bsev-?[1-4]`)
