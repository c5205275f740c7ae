package decision

import (
	"regexp"
	"strconv"
	"strings"

	"gonogo/internal/markdown"
)

// A remark beside `pass` takes the word back when it says that something is not
// yet so. The rule, in this order; every step is decided by the words alone:
//
//  1. Signs of refusal or of waiting at its ends (❌, ⏳), and a count of which
//     not all have passed ("0/5"), take it back.
//  2. What clears itself is left out: "no failures", "0 failed", "nothing
//     pending", "not needed", "failover", and links.
//  3. An open matter takes it back: "not run", "failing", "pending", "todo",
//     "blocked", "except …", "will be …", and a condition at the beginning of a
//     part ("if …", "once …").
//  4. What failed in the past does so too ("failed", "2 failures"), unless the
//     remark tells of its end ("failed once, rerun passed").
//
// All other remarks are the author's own words, which nobody judges.
func takesBack(remark string) bool {
	const trimmed = " ()[]–—-:;,."
	text, sign := trimEmoji(strings.Trim(markdown.Visible(remark), trimmed))
	if sign != noSign {
		return true
	}
	text = strings.Trim(lower(links.ReplaceAllString(text, " ")), trimmed+"!")
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "’", "'")), " ")
	if falling(text) || onlyOpen.MatchString(text) {
		return true
	}
	text = cleared.ReplaceAllString(text, " ok ")
	return openMatter.MatchString(text) || condition.MatchString(text) ||
		failed.MatchString(text) && !mended.MatchString(text)
}

// falling reports whether a remark is a count of which not all have passed.
func falling(text string) bool {
	m := count.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	passed, err := strconv.Atoi(m[1])
	all, err2 := strconv.Atoi(m[2])
	return err == nil && err2 == nil && passed < all
}

var (
	count = regexp.MustCompile(`^(\d{1,6}) ?(?:/|of|out of) ?(\d{1,6})(?: (?:tests?|checks?|jobs?|suites?|passed|passing|pass|green|ok|done|run))*$`)

	onlyOpen = regexp.MustCompile(`^(?:(?:still |currently )?(?:running|in progress|ongoing|queued|scheduled|waiting|open|red|broken)|planned|later|soon|tomorrow|` +
		`maybe|perhaps|probably|hopefully|presumably|mostly|partly|partially|almost|nearly|expected|unknown|unclear|unsure|skipped|tbc|no|not|nope|\?+)$`)

	cleared = regexp.MustCompile(`\b(?:no longer|never) (?:fail(?:s|ed|ing)?|blocked|pending|broken)\b|` +
		`\b(?:no|nobody|nothing|none|zero|without|not)(?: (?:a single|single|of the|of|any|is|are|was|were|known|new|more|other|open|\d+|tests?|checks?|jobs?|suites?|e2e|unit|steps?|work|items?|approvals?|reviews?))*` +
		` (?:fails?|failed|failing|failures?|pending|blocked|blockers?|broken|todos?|errors?|needed|required|open)\b|` +
		`(?:^|[^\d.,/])0(?: ?(?:/|of|out of) ?\d+)?(?: (?:tests?|checks?|jobs?|known))? (?:fails?|failed|failing|failures?|pending|blocked|blockers?|broken|todos?|errors?)\b|` +
		`\b(?:fails?|failed|failing|failures?|pending|errors?|blocked)(?:: ?|=)0\b|` +
		`\bfail[- ]?(?:over|safe|fast|open|closed|back)\w*|\bfailure[- ](?:modes?|injections?|scenarios?|cases?|paths?|tests?|handling|drills?|domains?)\b|` +
		`\bif (?:needed|necessary|required|any)\b|\bto-?do (?:lists?|app|page)\b|` +
		`\bexpected (?:failures?|to fail)\b`)

	openMatter = regexp.MustCompile(`(?:^|[^\pL\pN])(?:` +
		`(?:not|never|hasn't|haven't|didn't|isn't|wasn't|aren't|weren't|doesn't|don't|cannot|can't|couldn't)(?: (?:been|really|fully|entirely|completely|everything|all|actually|be|even))*[ -]` +
		`(?:yet|run|ran|executed|done|started|finished|completed?|tested|pass(?:ed|es|ing)?|green|ok|okay|checked|verified|reviewed|ready|available|approved|signed|working|works?|merged|deployed|there|true|sure)|` +
		`not (?:all|everything|everywhere)|yet to|fails?|failing|pending|tbd|tba|t\.b\.d|todo|to do|fixme|wip|to be (?:done|run|tested|reviewed|approved|verified|checked|confirmed|determined|defined|decided|fixed|completed)|` +
		`still (?:running|open|red|failing|broken|waiting|missing|in progress)|in progress|await(?:s|ing)|waiting (?:for|on)|waits (?:for|on)|blocked|(?:is|are) (?:red|broken|down|missing|open)|` +
		`except|excluding|apart from|other than|but not|all but|only if|unless|until|` +
		`will (?:be (?:done|run|green|fixed|tested|ready|ok|passed|finished|completed?|reviewed|approved|checked|verified|in|after|before|once|when|by|soon|later|tomorrow)|run|pass|follow|do|fix|work|happen|come)|` +
		`will be[,;.]|will be$|going to (?:pass|be|run|fix|work)|(?:should|would|might|may) (?:pass|be (?:fine|ok|okay|green)|work)|subject to|conditional(?:ly)? on|depend(?:s|ing) on|` +
		`needs (?:qa|a |an |to |work|review|approval|another|more|fix|rerun|sign)|` +
		`noch nicht|ausstehend|steht (?:noch )?aus|schlägt fehl|fehlgeschlagen|ще ні|ще не|ещё не|еще не|не пройшл\pL+|не запущен\pL+` +
		`)(?:[^\pL\pN]|$)`)

	condition = regexp.MustCompile(`(?:^|[,;:.] ?|\bbut )(?:if|once|when|as soon as|as long as|assuming|provided|supposing|pending|after (?:ci|qa|the |merge|release|deploy|sign))(?: |$)`)

	failed = regexp.MustCompile(`(?:^|[^\pL\pN])(?:failed|failures?|broken|broke|blockers?|[1-9]\d* errors?)(?:[^\pL\pN]|$)`)
	mended = regexp.MustCompile(`\b(?:re-?run|re-?ran|retr(?:y|ied)|fixed|resolved|mended|flaky|flake|ignored|now (?:green|pass(?:es|ing)?|ok|fine)|(?:then|later|afterwards) (?:green|passed|ok))\b`)
)
