package app

import (
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// The reference model: what READY means for the built-in policy, told by the
// films of the simulated GitHub. It is slow, knows everything that ever
// happened, and shares nothing with the code that decides (a test holds it to
// that). Some things depend on how soon the server came to hear of them, or are
// left to the server by the law: those are maybe.

type truth int

const (
	no truth = iota
	maybe
	yes
)

func (t truth) String() string { return [...]string{"no", "maybe", "yes"}[t] }

func known(b bool) truth {
	if b {
		return yes
	}
	return no
}

func not(t truth) truth { return yes - t }

// claim is what the author of a body means by it.
type claim struct {
	found                        bool // one live block, with every field
	class                        string
	trigger, rollback, owner     string
	decision, failed, risks      string
	rehearsed, concrete, talkOff bool
}

// rulebook says what the policies mean that lives put into force.
var rulebook = map[string]rules{
	"":                                 {valid: true, approvals: [3]int{1, 1, 2}, goes: [3]int{0, 1, 2}},
	"# a remark\n":                     {valid: true, approvals: [3]int{1, 1, 2}, goes: [3]int{0, 1, 2}},
	"approvals: {low: 2, medium: 2}\n": {valid: true, approvals: [3]int{2, 2, 2}, goes: [3]int{0, 1, 2}},
	"go: {low: 1}\n":                   {valid: true, approvals: [3]int{1, 1, 2}, goes: [3]int{1, 1, 2}},
	"approvals: {mild: 2}\n":           {},
}

type rules struct {
	valid           bool
	approvals, goes [3]int
}

// history is a repository's film, with what the model has to know beside it.
type history struct {
	film    []sandbox.Moment
	settled []int // moments at which the server had caught up with everything
	lost    []span
	claims  map[string]claim // by body
	gated   []string         // base branches
}

// span is a stretch of moments, by number, both ends in it.
type span struct{ from, to int }

// at returns moment number n, counted from 1.
func (h *history) at(n int) *sandbox.Moment { return &h.film[n-1] }

func (h *history) pull(n, number int) *sandbox.PullMoment {
	for i := range h.at(n).Pulls {
		if p := &h.at(n).Pulls[i]; p.Number == number {
			return p
		}
	}
	return nil
}

// settledAfter returns the first moment from n on at which the server had
// caught up and could hear what was said on the pull request; 0 when there is none.
func (h *history) settledAfter(n, number int) int {
	for _, s := range h.settled {
		if s >= n && h.hears(s, number) {
			return s
		}
	}
	return 0
}

func (h *history) settledBefore(n int) int {
	last := 0
	for _, s := range h.settled {
		if s <= n {
			last = s
		}
	}
	return last
}

func (h *history) wasLost(n int) bool {
	return slices.ContainsFunc(h.lost, func(s span) bool { return s.from <= n && n <= s.to })
}

func (h *history) hears(n, number int) bool {
	p := h.pull(n, number)
	return p != nil && p.Open && slices.Contains(h.gated, p.Base) && h.rules(n, number).valid
}

func (h *history) rules(n, number int) rules { return rulebook[h.at(n).Files[h.pull(n, number).Base]] }

func level(class string) int { return slices.Index([]string{"low", "medium", "high"}, class) }

// class is the class that is judged: the higher of what is declared and what the
// paths ask for.
func (h *history) class(n, number int) (judged, floor int) {
	p := h.pull(n, number)
	for _, path := range p.Paths {
		switch {
		case strings.HasPrefix(path, "auth/"):
			floor = 2
		case strings.HasPrefix(path, ".github/workflows/"):
			floor = max(floor, 1)
		}
	}
	c := h.claims[p.Body]
	if !c.found {
		return 2, floor
	}
	return max(level(c.class), floor), floor
}

func (h *history) role(n int, login string) gate.Permission { return h.at(n).Roles[login] }

// ingredient is one part of READY.
type ingredient struct {
	name string
	is   truth
	own  bool // read once more before a READY is published: head, base, record
}

// parts says of each part of READY whether it holds for a pull request at
// moment n, with a head.
func (h *history) parts(n, number int, head string) []ingredient {
	p := h.pull(n, number)
	if p == nil || p.Head != head {
		return []ingredient{{"head", no, true}}
	}
	list := []ingredient{
		{"open", known(p.Open && !p.Draft), true},
		{"record", h.record(n, number), true},
		{"policy", known(h.rules(n, number).valid), false},
		{"checks", checksOf(p), false},
		{"secrets", known(!slices.ContainsFunc(p.Paths, func(s string) bool { return strings.HasPrefix(s, "keys/") })), false},
		{"severity", h.severity(n, number), false},
		{"approvals", h.approvals(n, number), false},
		{"ci", h.watched(n, number), false},
		{"go", h.decided(n, number), false},
		{"veto", not(h.vetoed(n, number)), false},
	}
	if !h.overridden(n, number) {
		return list
	}
	for i := range list {
		if !slices.Contains([]string{"open", "secrets", "veto"}, list[i].name) {
			list[i].is = max(list[i].is, maybe)
		}
	}
	return list
}

// overridden says whether an administrator may have let the head pass: for an
// hour, for this base, and never past a NO-GO or what looks like a credential.
func (h *history) overridden(n, number int) bool {
	now := h.pull(n, number)
	return slices.ContainsFunc(now.Comments, func(c sandbox.CommentMoment) bool {
		if !strings.HasPrefix(c.Original, "/override ") || c.Edited || c.Deleted || h.at(n).At.Sub(c.At) > time.Hour || h.role(n, c.Author) < gate.PermissionAdmin {
			return false
		}
		for i := c.Born; i <= n; i++ {
			if p := h.pull(i, number); p.Head == now.Head && p.Base == now.Base && h.role(i, c.Author) >= gate.PermissionAdmin {
				return true
			}
		}
		return false
	})
}

// ready says whether a pull request is READY at moment n.
func (h *history) ready(n, number int) truth {
	p := h.pull(n, number)
	if p == nil {
		return no
	}
	least := yes
	for _, i := range h.parts(n, number, p.Head) {
		least = min(least, i.is)
	}
	return least
}

// headReady says whether a commit's check may be a success: whether all that is
// open and gated with this head is READY. A twin into the same base by somebody
// without write access may be left out.
func (h *history) headReady(n int, head string) truth {
	least := yes
	for _, p := range h.at(n).Pulls {
		if p.Open && p.Head == head && slices.Contains(h.gated, p.Base) {
			is := h.ready(n, p.Number)
			if h.outsider(n, p.Author) {
				is = max(is, maybe)
			}
			least = min(least, is)
		}
	}
	return least
}

func (h *history) outsider(n int, login string) bool { return h.role(n, login) < gate.PermissionWrite }

func (h *history) record(n, number int) truth {
	c := h.claims[h.pull(n, number).Body]
	judged, floor := h.class(n, number)
	from := map[string]int{"operational": 1, "communication": 2} // the class that asks for the layer
	return known(c.found && level(c.class) >= floor && (c.failed == "" || judged < from[c.failed]) && c.decision == "GO" &&
		(judged < 1 || c.concrete && c.rollback != "@nobody404") && (judged < 2 || c.rehearsed))
}

func checksOf(p *sandbox.PullMoment) truth {
	type key struct {
		app  int64
		name string
	}
	newest := map[key]string{}
	for _, c := range p.Checks {
		if c.Name == checkName {
			continue // somebody stands in for us: it proves nothing
		}
		k := key{c.App, c.Name}
		if soft := c.State == "skipped" || c.State == "neutral"; soft && newest[k] == "failure" {
			continue
		}
		newest[k] = c.State
	}
	workflow := slices.ContainsFunc(p.Paths, func(s string) bool { return strings.HasPrefix(s, ".github/workflows/") })
	green, bad := 0, 0
	for _, state := range newest {
		switch {
		case state == "success":
			green++
		case state == "skipped" && !workflow:
		default:
			bad++
		}
	}
	return known(green > 0 && bad == 0)
}

func (h *history) severity(n, number int) truth {
	judged, _ := h.class(n, number)
	for _, i := range h.at(n).Issues {
		if i.Open && (slices.Contains(i.Labels, "SEV1") || slices.Contains(i.Labels, "SEV2") && judged >= 1) {
			return no
		}
	}
	return yes
}

// wrote says whether somebody wrote some of the pull request. Whether pushing
// what others wrote makes one of them is left open.
func (h *history) wrote(n, number int, login string) truth {
	p := h.pull(n, number)
	is := known(p.Author == login)
	for _, c := range p.Commits {
		if len(c.Parents) > 1 && c.Signed {
			continue
		}
		if c.Author == login || c.Committer == login || strings.Contains(c.Message, "Co-authored-by: "+login+" ") {
			is = yes
		}
	}
	if is == no && slices.Contains(p.Pushers, login) {
		is = maybe
	}
	return is
}

// carried says whether what was given for one head may count for another that
// differs from it by GitHub's own merges of the base only.
func carried(p *sandbox.PullMoment, from string) bool {
	head := p.Head
	for head != from {
		i := slices.IndexFunc(p.Commits, func(c sandbox.CommitMoment) bool { return c.SHA == head })
		if i < 0 || len(p.Commits[i].Parents) < 2 || !p.Commits[i].Signed {
			return false
		}
		head = p.Commits[i].Parents[0]
	}
	return true
}

func onHead(p *sandbox.PullMoment, given string) truth {
	switch {
	case given == p.Head:
		return yes
	case carried(p, given):
		return maybe
	}
	return no
}

// watched says whether somebody who maintains the repository has approved what
// changes its CI.
func (h *history) watched(n, number int) truth {
	p := h.pull(n, number)
	if !slices.ContainsFunc(p.Paths, func(s string) bool { return strings.HasPrefix(s, ".github/workflows/") }) {
		return yes
	}
	is := no
	for _, v := range p.Reviews {
		if v.State == gate.Approved && h.role(n, v.Author) >= gate.PermissionMaintain {
			counts := min(onHead(p, v.Given), not(h.wrote(n, number, v.Author)))
			if h.wasLost(v.Born) {
				counts = min(counts, maybe)
			}
			is = max(is, counts)
		}
	}
	return is
}

func (h *history) approvals(n, number int) truth {
	p := h.pull(n, number)
	latest := map[string]sandbox.ReviewMoment{}
	for _, v := range p.Reviews {
		if v.State != gate.Commented {
			latest[v.Author] = v
		}
	}
	certain, possible := 0, 0
	answers := no // who answers for CI
	ci := slices.ContainsFunc(p.Paths, func(path string) bool { return strings.HasPrefix(path, ".github/workflows/") })
	for who, v := range latest {
		if h.role(n, who) < gate.PermissionWrite {
			continue
		}
		if v.State == gate.ChangesRequested {
			return no
		}
		if v.State != gate.Approved {
			continue
		}
		counts := min(onHead(p, v.Given), not(h.wrote(n, number, who)))
		if counts == yes && !h.wasLost(v.Born) {
			certain++
		}
		if counts != no {
			possible++
			if h.role(n, who) >= gate.PermissionMaintain && !h.wasLost(v.Born) {
				answers = max(answers, counts)
			} else {
				answers = max(answers, maybe) // where nobody else is left
			}
		}
	}
	if !ci {
		answers = yes
	}
	judged, _ := h.class(n, number)
	need := h.rules(n, number).approvals[judged]
	switch {
	case certain >= need:
		return answers
	case possible >= need:
		return min(maybe, answers)
	}
	return no
}

// word is a GO or NO-GO in a comment or review, or by a button.
type word struct {
	sandbox.CommentMoment
	goes   bool
	sha    string // what a GO names
	button bool   // whether it was heard at all is left open
}

// words lists what was said on a pull request until moment n, in the order in
// which it was said.
func (h *history) words(n, number int) []word {
	var list []word
	p := h.pull(n, number)
	texts := slices.Clone(p.Comments)
	given := map[int64]string{}
	for _, v := range p.Reviews {
		given[v.ID] = v.Given
		texts = append(texts, sandbox.CommentMoment{ID: v.ID, Author: v.Author, At: v.At, Born: v.Born, Original: v.Body})
	}
	for _, b := range h.at(n).Presses {
		if then := h.pull(b.Born, number); then != nil && then.Head == b.SHA && b.Button != "recheck" {
			list = append(list, word{sandbox.CommentMoment{ID: b.ID, Author: b.Author, At: b.At, Born: b.Born}, b.Button == "go", b.SHA, true})
		}
	}
	for _, c := range texts {
		w := word{CommentMoment: c}
		decides := false
		for line := range strings.Lines(c.Original) {
			line = strings.TrimSpace(line)
			switch {
			case line == "/no-go" || strings.HasPrefix(line, "/no-go "):
				w.goes, decides = false, true
			case (line == "/go" || strings.HasPrefix(line, "/go ")) && !decides:
				w.goes, w.sha, decides = true, strings.TrimSpace(strings.TrimPrefix(line, "/go")), true
			}
		}
		if sha, review := given[c.ID]; review {
			w.sha = sha
		}
		if decides {
			list = append(list, w)
		}
	}
	slices.SortStableFunc(list, func(a, b word) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return int(a.ID - b.ID)
	})
	return list
}

// edited tells how a comment stands at moment n.
func (h *history) edited(n, number int, id int64) bool {
	for _, c := range h.pull(n, number).Comments {
		if c.ID == id {
			return c.Edited || c.Deleted
		}
	}
	return slices.ContainsFunc(h.pull(n, number).Reviews, func(v sandbox.ReviewMoment) bool { return v.ID == id && v.State == gate.Dismissed })
}

// heard is at which moments a word may have been heard, and whether it surely
// was until moment n.
func (h *history) heard(n, number int, w word) (until int, surely bool) {
	if end := h.settledAfter(w.Born, number); end != 0 && end <= n {
		return end, true
	}
	return n, false
}

// acceptedNoGo says whether a NO-GO was accepted until moment n: who said it was
// a release manager when it was heard.
func (h *history) acceptedNoGo(n, number int, w word) truth {
	until, surely := h.heard(n, number, w)
	some, all := false, surely && !w.button && (!h.wasLost(w.Born) || !h.edited(until, number, w.ID))
	for i := w.Born; i <= until; i++ {
		may := h.role(i, w.Author) >= gate.PermissionMaintain
		some, all = some || may, all && may
	}
	return verdict(some, all)
}

func verdict(some, all bool) truth {
	switch {
	case all && some:
		return yes
	case some:
		return maybe
	}
	return no
}

// tardy is how late the server may hear a GO without asking for it again: after
// that it may have found the comment by itself, and does not know of which record
// it was written.
const tardy = time.Minute

// acceptedGo says whether a GO was accepted until moment n: a release manager
// said it who wrote none of it, on the head that it names, or without a name on
// the head that stood when it was written and when it was heard. lifts says the
// same of one that only lifts its author's own NO-GO.
func (h *history) acceptedGo(n, number int, w word) (is, lifts truth) {
	until, surely := h.heard(n, number, w)
	some, all, own := false, surely && !w.button && !h.wasLost(w.Born) && h.at(until).At.Sub(w.At) < tardy, no
	born := h.pull(w.Born, number)
	steady := max(h.settledBefore(w.Born), 1)
	if first := h.pull(steady, number); w.sha == "" && (h.settledBefore(w.Born) == 0 || first == nil || first.Head != born.Head) {
		all = false // the server may not have known the head
	}
	for i := w.Born; i <= until; i++ {
		if !h.hears(i, number) {
			continue
		}
		p := h.pull(i, number)
		judged, _ := h.class(i, number)
		ok := h.role(i, w.Author) >= gate.PermissionMaintain && !h.edited(i, number, w.ID)
		if w.sha == "" {
			ok = ok && p.Head == born.Head && judged < 2
		} else {
			ok = ok && strings.HasPrefix(p.Head, w.sha)
		}
		if ok && h.wrote(i, number, w.Author) != no && h.saidNoGo(i, number, w) {
			own = maybe
		}
		free := h.wrote(i, number, w.Author)
		some, all = some || ok && free != yes, all && ok && free == no && h.bound(i, w.Born, number) == yes
	}
	for i := steady; i < w.Born; i++ {
		p := h.pull(i, number)
		if w.sha == "" && (p == nil || p.Head != born.Head) || p != nil && h.bound(w.Born, i, number) != yes {
			all = false // its author may not have seen it judged, and is asked to say it again
		}
	}
	is = verdict(some, all)
	return is, max(is, own)
}

func (h *history) saidNoGo(n, number int, by word) bool {
	return slices.ContainsFunc(h.words(n, number), func(w word) bool { return !w.goes && w.Author == by.Author })
}

// boundSince says whether what a GO was given for still is so. The server may
// ask for it again where its author wrote before the base or the policy of that
// moment had been judged.
func (h *history) boundSince(n, number int, w word) truth {
	is := h.bound(n, w.Born, number)
	for m := max(1, h.settledBefore(w.Born)); m < w.Born && is == yes; m++ {
		if h.pull(m, number) != nil && h.bound(n, m, number) != yes {
			is = maybe
		}
	}
	return is
}

// bound says whether what a GO was given for at moment born still is so at n,
// the head left out.
func (h *history) bound(n, born, number int) truth {
	now, then := h.pull(n, number), h.pull(born, number)
	if now.Base != then.Base {
		return no
	}
	is := yes
	if was, in := h.rules(born, number), h.rules(n, number); was != in {
		judged, _ := h.class(n, number)
		if !was.valid || !in.valid || was.approvals[judged] != in.approvals[judged] || was.goes[judged] != in.goes[judged] {
			return no
		}
		is = maybe
	}
	a, b := h.claims[then.Body], h.claims[now.Body]
	if a.owner != b.owner && h.ownerSaidGo(n, number, b.owner) {
		a.owner, is = b.owner, maybe
	}
	a.decision, b.decision = "", ""
	a.talkOff, b.talkOff = false, false
	if a != b {
		return no
	}
	return is
}

func (h *history) ownerSaidGo(n, number int, owner string) bool {
	return slices.ContainsFunc(h.words(n, number), func(w word) bool { return w.goes && "@"+w.Author == owner })
}

// decided says whether enough release managers have said GO, the record's final
// decision owner among them.
func (h *history) decided(n, number int) truth {
	p := h.pull(n, number)
	judged, _ := h.class(n, number)
	need := h.rules(n, number).goes[judged]
	if need == 0 {
		return yes
	}
	all := h.words(n, number)
	sure, possible := map[string]bool{}, map[string]bool{}
	for i, w := range all {
		counts := h.counts(n, number, w, all[i+1:])
		if counts == yes {
			sure[w.Author] = true
		}
		if counts != no {
			possible[w.Author] = true
		}
	}
	owner := h.claims[p.Body].owner
	enough := func(who map[string]bool) bool {
		return len(who) >= need && (owner == "release manager" || who[strings.TrimPrefix(owner, "@")])
	}
	switch {
	case enough(sure):
		return yes
	case enough(possible):
		return maybe
	}
	return no
}

// counts says whether a GO counts at moment n.
func (h *history) counts(n, number int, w word, later []word) truth {
	if !w.goes || h.edited(n, number, w.ID) || h.role(n, w.Author) < gate.PermissionMaintain {
		return no
	}
	p := h.pull(n, number)
	is, _ := h.acceptedGo(n, number, w)
	given := h.pull(w.Born, number).Head
	if w.sha != "" && !strings.HasPrefix(given, w.sha) {
		given = ""
		if strings.HasPrefix(p.Head, w.sha) {
			given = p.Head
		}
	}
	is = min(is, onHead(p, given), h.boundSince(n, number, w), not(h.wrote(n, number, w.Author)))
	for _, l := range later {
		if !l.goes && l.Author == w.Author {
			is = min(is, not(h.acceptedNoGo(n, number, l)))
		}
	}
	return is
}

// vetoed says whether a NO-GO stands.
func (h *history) vetoed(n, number int) truth {
	all := h.words(n, number)
	worst := no
	for i, w := range all {
		if w.goes {
			continue
		}
		lifted := no
		for _, l := range all[i+1:] {
			if !l.goes || h.edited(n, number, l.ID) {
				continue
			}
			is, own := h.acceptedGo(n, number, l)
			if heard := h.settledAfter(w.Born, number); w.button && (heard == 0 || heard > l.Born) {
				is, own = min(is, maybe), min(own, maybe) // a press has no time: told late, it counts as pressed later
			}
			switch {
			case l.Author == w.Author:
				lifted = max(lifted, own)
			case l.At.After(w.At) && h.role(n, l.Author) >= gate.PermissionMaintain:
				lifted = max(lifted, is)
			}
		}
		worst = max(worst, min(h.acceptedNoGo(n, number, w), not(lifted)))
	}
	return worst
}
