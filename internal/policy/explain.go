package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// Case is a kind of pull request of which a policy is asked what it wants.
type Case struct {
	Class gate.Class
	Type  gate.ReleaseType
	Paths []string // changed paths, or globs that stand for them
}

// ask is one thing that a policy wants, in a sentence.
type ask struct {
	id     gate.Requirement
	text   string
	blocks bool
}

// Explain says what the policy asks of a kind of pull request, as a page for a
// release manager. Of a Case without a class it explains each of them.
func Explain(p *Policy, c Case) string {
	if c.Class != gate.Undeclared {
		return explainOne(p, c)
	}
	pages := make([]string, 0, len(gate.Classes))
	for _, class := range gate.Classes {
		c.Class = class
		pages = append(pages, explainOne(p, c))
	}
	return strings.Join(pages, "\n")
}

func explainOne(p *Policy, c Case) string {
	var b strings.Builder
	declared := c.Class
	floor := floorOf(p, nil, gate.Reading[[]gate.File]{Known: true, Value: c.files()})
	c.Class = max(c.Class, floor.class)
	fmt.Fprintf(&b, "%s\n", c.opening(p))
	if c.Class > declared {
		fmt.Fprintf(&b, "\nIt is %s even if it is declared %s: %s makes it so.\n", c.Class, declared, gate.PlainText(floor.because))
	}
	asks := p.wants(c)
	for _, g := range gate.Gates {
		writeAsks(&b, sentenceCase(string(g))+" gate", asks, func(a ask) bool { return a.blocks && a.id.Gate() == g })
	}
	writeAsks(&b, "Said when it is missing, without blocking", asks, func(a ask) bool { return !a.blocks })
	writeLines(&b, "Who is told", p.told(c))
	writeLines(&b, "Who passes without a record", p.exemptions(c))
	writeLines(&b, "If it fixes an open severe issue, labelled by somebody with triage access", p.hotfixWords(c))
	writeLines(&b, "Who may let it pass against the verdict", []string{p.overrideWords()})
	return b.String()
}

// opening is the page in one sentence.
func (c Case) opening(p *Policy) string {
	kind := "release"
	switch c.Type {
	case gate.Hotfix:
		kind = "hotfix"
	case gate.Routine, gate.MultiFeature, gate.Architectural, gate.CustomerFacing:
		kind = string(c.Type) + " release"
	}
	subject := fmt.Sprintf("A %s-risk %s", c.Class, kind)
	if len(c.Paths) > 0 {
		subject += " touching " + commas(c.Paths)
	}
	needs := []string{plain(p.Approvals.For(c.Class), "approval")}
	needs = append(needs, p.deciding(c)...)
	text := subject + " needs " + commas(needs)
	if told := p.told(c); len(told) > 0 {
		text += ", and tells " + commas(told)
	}
	return text + "."
}

// deciding says whose /go a case needs. Those of the roles that approve count
// among the number that the class asks for; of a panel only those that act for
// release managers do.
func (p *Policy) deciding(c Case) []string {
	var needs []string
	roles := p.approvers(c)
	for _, role := range roles {
		needs = append(needs, "a /go from "+role)
	}
	n := p.Go.For(c.Class)
	var regular []string
	for _, a := range p.applying(c) {
		if !a.Besides {
			regular = union(regular, a.Approve)
		}
	}
	among := len(regular)
	if n > 1 {
		managers := p.actingFor(ReleaseManager)
		among = len(slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return !slices.Contains(managers, role) }))
	}
	switch n -= among; {
	case n <= 0:
	case among == 0:
		needs = append(needs, fmt.Sprintf("%s from %s", plain(n, "/go"), plainRole(n)))
	default:
		needs = append(needs, fmt.Sprintf("%d more /go from %s", n, plainRole(n)))
	}
	return needs
}

func plain(n int, what string) string {
	if n == 0 {
		return "no " + what
	}
	if n == 1 {
		return map[string]string{"approval": "an approval", "/go": "a /go"}[what]
	}
	return fmt.Sprintf("%d %s", n, plural(n, what, pluralOf(what)))
}

func pluralOf(what string) string {
	if strings.HasPrefix(what, "/") {
		return what
	}
	return what + "s"
}

func plainRole(n int) string { return plural(n, "a "+ReleaseManager, ReleaseManager+"s") }

func (c Case) files() []gate.File {
	files := make([]gate.File, 0, len(c.Paths))
	for _, p := range c.Paths {
		files = append(files, gate.File{Path: p})
	}
	return files
}

func writeAsks(b *strings.Builder, heading string, asks []ask, fits func(ask) bool) {
	var lines []string
	for _, a := range asks {
		if fits(a) {
			lines = append(lines, fmt.Sprintf("%s (%s)", a.text, a.id))
		}
	}
	writeLines(b, heading, lines)
}

func writeLines(b *strings.Builder, heading string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", heading)
	for _, l := range lines {
		fmt.Fprintf(b, "  - %s\n", l)
	}
}

// wants lists what the policy asks of a case, in the order of the requirements.
// Its words are those of the policy: a rule that asks for nothing is left out.
func (p *Policy) wants(c Case) []ask {
	var asks []ask
	for _, id := range Requirements() {
		if !p.mentions(id, c.Class) || id == inputs {
			continue
		}
		for _, text := range p.words(id, c) {
			asks = append(asks, ask{id, text, p.blocks(id, c.Class)})
		}
	}
	return asks
}

// words says what requirement id asks of a case. Those that the policy itself
// words differently for each case have an entry of their own; the others ask
// the same of everybody, which is the fact that is told when they hold.
func (p *Policy) words(id gate.Requirement, c Case) []string {
	if own, ok := ownWords[id]; ok {
		return own(p, c)
	}
	for _, r := range requirements {
		if r.id == id {
			return []string{r.holds}
		}
	}
	return nil
}

var ownWords = map[gate.Requirement]func(*Policy, Case) []string{
	"code/checks":                  (*Policy).checkWords,
	"code/severity":                (*Policy).severityWords,
	"code/secrets":                 (*Policy).secretWords,
	"code/qa":                      func(p *Policy, c Case) []string { return p.signoffWords("qa", c) },
	"review/approvals":             (*Policy).approvalWords,
	"review/scope":                 (*Policy).scopeWords,
	"operational/rehearsal":        (*Policy).rehearsalWords,
	"operational/monitoring":       (*Policy).monitoringWords,
	"operational/window":           (*Policy).windowWords,
	"operational/tracker":          (*Policy).trackerWords,
	"operational/rollback-trigger": always("the record's rollback trigger is concrete: a signal and a threshold, a state, or a named alert"),
	"operational/rollback-owner":   always("the record names a rollback owner: an account, a team or a role"),
	"operational/rollback-plan":    always("the record's rollback plan says which commit is reverted, how long that takes and who does it"),
	"operational/drill":            always("the five items of the pre-release drill are ticked"),
	"operational/on-call":          always("the record names an on-call owner and a backup, two different people"),
	"communication/docs":           (*Policy).docsWords,
	"decision/authorized":          (*Policy).decisionWords,
	"decision/record":              always("the Release Decision in the pull request's description is complete and does not contradict itself"),
	"decision/owner":               always("the record names a final decision owner"),
	"decision/timestamp":           always("the record says when it was decided, as an RFC 3339 time that has passed"),
	"decision/veto":                always("no /no-go stands"),
	"risk/floor":                   always("the declared class is as high as what changes asks for"),
}

func always(text string) func(*Policy, Case) []string {
	return func(*Policy, Case) []string { return []string{text} }
}

func (p *Policy) checkWords(Case) []string {
	switch {
	case len(p.Checks.Required) > 0:
		return []string{"green on the head commit: " + commas(p.Checks.Required)}
	case p.Checks.None:
		return []string{"no red check; this repository has no CI that must report"}
	}
	return []string{"green on the head commit: the checks that the base branch's rules require, else all that report"}
}

func (p *Policy) severityWords(c Case) []string {
	labels := []string{p.Severity.SEV1}
	if c.Class >= gate.ParseClass(p.Severity.SEV2From) {
		labels = append(labels, p.Severity.SEV2)
	}
	text := "no open issue with the label " + strings.Join(labels, " or ")
	if c.Type == gate.Hotfix {
		text += ", other than the one that it says it fixes"
	}
	return []string{text}
}

func (p *Policy) secretWords(Case) []string {
	text := "no credential in the added lines, and no open secret-scanning alert on its commits"
	if p.Secrets.AlertsRequired {
		text += "; the alerts must be readable"
	}
	return []string{text}
}

func (p *Policy) signoffWords(name string, c Case) []string {
	s, ok := p.Signoffs[name]
	if !ok || c.Class < gate.ParseClass(s.From) || len(s.Paths) > 0 && !c.touches(s.Paths) {
		return nil
	}
	return []string{fmt.Sprintf("/signoff %s from %s", name, s.Role)}
}

func (p *Policy) approvalWords(c Case) []string {
	n := p.Approvals.For(c.Class)
	if n == 0 {
		return []string{"nobody's request for changes is open"}
	}
	words := []string{fmt.Sprintf("%s of the head commit by people with write access who wrote none of it, and no open request for changes", plain(n, "approval"))}
	if p.CarrySameTree {
		words = append(words, "approvals and /go of an earlier commit carry over where a push left all files and the base as they were")
	}
	return words
}

func (p *Policy) scopeWords(Case) []string {
	if len(p.Components) == 0 {
		return nil
	}
	return []string{"every changed path lies in a component that the release scope names"}
}

func (p *Policy) rehearsalWords(Case) []string {
	text := "the rollback was rehearsed, and the record says when and how long recovery took"
	if n := p.Rehearsal.MaxAgeDays; n > 0 {
		text += fmt.Sprintf(", %d days ago at most", n)
	}
	return []string{text}
}

func (p *Policy) monitoringWords(c Case) []string {
	least := p.Monitoring.Standard
	switch c.Type {
	case gate.Hotfix:
		least = p.Monitoring.Hotfix
	case gate.Architectural:
		least = p.Monitoring.Architectural
	}
	return []string{"the record says who watches what after the release, for " + least + " at least"}
}

func (p *Policy) windowWords(Case) []string {
	var words []string
	for _, set := range [][]Window{p.Windows, p.EnforcedWindows} {
		var open []string
		for _, w := range set {
			open = append(open, fmt.Sprintf("only on %s from %s to %s (%s)", commas(w.Days), w.From, w.To, zoneOf(w, p)))
		}
		if len(open) > 0 {
			words = append(words, strings.Join(open, ", or "))
		}
	}
	for _, f := range p.Freezes {
		words = append(words, fmt.Sprintf("not in the freeze %s, %s to %s", f.Name, f.From, f.To))
	}
	if len(words) > 0 && p.Exceptions != "" {
		words[len(words)-1] += fmt.Sprintf("; a /go from %s makes an exception", p.Exceptions)
	}
	return words
}

func (p *Policy) trackerWords(Case) []string {
	switch p.Tracker.Kind {
	case trackerNone:
		return nil
	case trackerMonday:
		return []string{fmt.Sprintf("every item of Monday.com that the record lists is %s, with a completion note", strings.Join(p.Tracker.Status.Done, " or "))}
	}
	return []string{"every tracker item that the record lists is closed as completed, with a closing comment"}
}

func (p *Policy) docsWords(c Case) []string {
	words := p.signoffWords("documentation", c)
	for _, rule := range p.Companions {
		if len(c.Paths) > 0 && !c.touches(rule.When) {
			continue
		}
		text := fmt.Sprintf("a change of %s comes with a change of %s", commas(rule.When), cmp.Or(rule.Name, commas(rule.Then)))
		if rule.Or != "" {
			text += ", or with /signoff " + rule.Or
		}
		words = append(words, text)
	}
	return words
}

func (p *Policy) decisionWords(c Case) []string {
	var words []string
	if needs := p.deciding(c); len(needs) > 0 {
		who := "people who wrote none of it"
		if c.Class == gate.High && p.Go.High > 1 {
			who += ", the go/no-go panel"
		}
		words = append(words, fmt.Sprintf("%s, on this commit, target, rules and record, by %s, the final decision owner among them", commas(needs), who))
	}
	byType := slices.ContainsFunc(p.Authorization, func(a Authorization) bool { return len(a.Types) > 0 })
	if byType && c.Type == "" {
		words = append(words, "the record declares the release type, by which others may have to approve")
	}
	switch {
	case p.Solo:
		words = append(words, "the author's own /go counts while nobody else has write access; the check is titled self-decided")
	case p.AuthorMayDecide && c.Class < gate.High:
		words = append(words, "the author's own /go counts")
	}
	return words
}

// applying lists the rows of the authorization table that fit a case.
func (p *Policy) applying(c Case) []Authorization {
	var rows []Authorization
	for _, a := range p.Authorization {
		ofType := len(a.Types) == 0 || slices.Contains(a.Types, string(c.Type))
		if ofType && (len(a.Paths) == 0 || c.touches(a.Paths)) {
			rows = append(rows, a)
		}
	}
	return rows
}

// approvers lists the roles whose /go a case needs, each once.
func (p *Policy) approvers(c Case) []string {
	var roles []string
	for _, a := range p.applying(c) {
		roles = union(roles, a.Approve)
	}
	return roles
}

// told lists who is told of a case: "CEO in #exec-checkins".
func (p *Policy) told(c Case) []string {
	var told []string
	for _, a := range p.applying(c) {
		if len(a.Notify) == 0 {
			continue
		}
		who := commas(a.Notify)
		if a.Channel != "" {
			who += " in " + a.Channel
		}
		told = union(told, []string{who})
	}
	return told
}

// exemptions says which pull requests like this one need no record.
func (p *Policy) exemptions(c Case) []string {
	var lines []string
	for _, x := range p.Exempt {
		if c.Class <= gate.ParseClass(x.UpTo) {
			text := fmt.Sprintf("%s: by %s alone", x.Name, commas(x.Authors))
			if len(x.Paths) > 0 {
				text += ", touching nothing but " + commas(x.Paths)
			}
			lines = append(lines, text)
		}
	}
	if c.Class == gate.Low && len(p.Dependencies.Bots) > 0 {
		lines = append(lines, fmt.Sprintf("updates of dependencies by %s: an approval, checks and secrets are all that is asked", commas(p.Dependencies.Bots)))
	}
	return lines
}

// touches reports whether the case changes a path that matches one of the globs.
func (c Case) touches(globs []string) bool {
	return slices.ContainsFunc(c.Paths, func(path string) bool { return slices.Contains(globs, path) || matchAny(globs, path) })
}

func commas(list []string) string {
	switch n := len(list); n {
	case 0:
		return ""
	case 1:
		return list[0]
	default:
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
}

func sentenceCase(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// advice ends what is said without blocking.
const advice = " (advice)"
