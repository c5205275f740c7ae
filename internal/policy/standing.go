package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// lapse is why a decision does not count; without a code it does. A GO about
// which something could not be read does not count, and a NO-GO does; doubt says
// what it was.
type lapse struct {
	code, text string
	doubt      *gate.Finding
}

// judgment is a decision as judged now, with what could not be read of it.
type judgment struct {
	gate.Standing
	doubt *gate.Finding
}

// doubtful is the lapse of a GO of which it cannot be told whether it counts.
func doubtful(what string, why gate.Unreadable) lapse {
	f := unread(what, why)
	return lapse{f.Code, f.Fact, &f}
}

// codeReplaced marks a decision whose own author has said something since.
const codeReplaced = "replaced"

// codeSelf marks a GO by somebody who wrote some of what it is for.
const codeSelf = "self-go"

// codeEdited marks a GO whose comment no longer carries it.
const codeEdited = "edited-command"

// standings judges every decision as of now.
func standings(q question, e DecisionEvidence) []gate.Standing {
	var judged []gate.Standing
	for _, j := range judgments(q, e) {
		judged = append(judged, j.Standing)
	}
	return judged
}

// judgments judges every decision as of now: what a person said counts only
// while all that they said it for is still so, and they still may say it.
func judgments(q question, e DecisionEvidence) []judgment {
	all := slices.SortedFunc(slices.Values(e.Decisions()), spoken)
	judged := make([]judgment, len(all))
	for i, d := range slices.Backward(all) {
		var why lapse
		if d.Choice == gate.ChoiceNoGo {
			why = lifted(q, e, d, all[i+1:])
		} else {
			why = cmp.Or(replaced(d, judged[i+1:], all), lapsed(q, e, d, all))
		}
		judged[i] = judgment{gate.Standing{PersonDecision: d, Counts: why.code == "", Code: why.code, Lapsed: why.text}, why.doubt}
	}
	return judged
}

// spoken orders decisions by when they were said, which need not be the order in
// which they reached us. GitHub's clock has seconds; within one, comments go by
// their ids.
func spoken(a, b gate.PersonDecision) int {
	if c := saidAt(a).Compare(saidAt(b)); c != 0 {
		return c
	}
	if a.CommentID != 0 && b.CommentID != 0 {
		return cmp.Compare(a.CommentID, b.CommentID)
	}
	return cmp.Compare(a.ID, b.ID)
}

// sameMoment reports whether it cannot be told which of two was said first: in
// one second, and not both in comments.
func sameMoment(a, b gate.PersonDecision) bool {
	comments := a.CommentID != 0 && b.CommentID != 0
	return !comments && !pressed(a) && !pressed(b) && saidAt(a).Equal(saidAt(b))
}

// saidAt is when a decision was said, to the second.
func saidAt(d gate.PersonDecision) time.Time {
	if d.SaidAt.IsZero() {
		return d.At.Truncate(time.Second)
	}
	return d.SaidAt.Truncate(time.Second)
}

// lifted says who lifted a NO-GO, or nothing. The same person may, and another
// release manager who wrote none of it, but not at the same moment, in which
// NO-GO wins, and by a button only what its check run showed; a GO whose own
// comment was edited or deleted lifts nothing. Whatever happens to the NO-GO's
// comment, the NO-GO stands.
func lifted(q question, e DecisionEvidence, veto gate.PersonDecision, later []gate.PersonDecision) lapse {
	var unclear lapse
	for _, d := range later {
		if d.Choice != gate.ChoiceGo || d.Voided != "" || pressed(d) && veto.ID > d.SeenTo {
			continue
		}
		lifts := lapse{code: "lifted", text: "lifted by /go of " + handle(d.User)}
		if d.User.Is(veto.User) {
			if sameMoment(veto, d) {
				continue
			}
			return lifts
		}
		if d.LiftsOwn || !saidAt(d).After(saidAt(veto)) {
			continue
		}
		// People with another deciding role may say /go, and lift nobody's veto.
		switch manager := q.Policy.Authority(e, ReleaseManager, d.User); {
		case manager.Known && manager.Value:
			return lifts
		case !manager.Known:
			f := unread("the role of "+handle(d.User)+", who may have lifted the /no-go of "+handle(veto.User)+",", manager.Why)
			unclear.doubt = &f
		}
	}
	return unclear
}

// pressed reports whether a decision was made by a button: its event does not
// tell when.
func pressed(d gate.PersonDecision) bool { return d.Channel == "button" }

// replaced says what the same person said later, or "". A later GO that itself
// does not count replaces nothing: after a force-push back to an earlier head
// the GO for that head is good again. A GO by a button counts as said before all
// that its check run did not show.
func replaced(d gate.PersonDecision, later []judgment, all []gate.PersonDecision) lapse {
	for _, o := range all {
		if pressed(d) && o.Choice == gate.ChoiceNoGo && o.ID > d.SeenTo && o.User.Is(d.User) {
			return lapse{code: codeReplaced, text: "replaced by their /no-go, which the check run whose button was pressed did not show"}
		}
	}
	for _, l := range later {
		if l.User.Is(d.User) && (l.Choice == gate.ChoiceNoGo || l.Counts) {
			return lapse{code: codeReplaced, text: "replaced by their later " + strings.ToLower("/"+string(l.Choice))}
		}
	}
	return lapse{}
}

// lapsed says why a GO no longer counts.
func lapsed(q question, e DecisionEvidence, d gate.PersonDecision, all []gate.PersonDecision) lapse {
	switch {
	case d.Voided != "":
		return lapse{code: codeEdited, text: fmt.Sprintf("the comment with /go of %s was %s", handle(d.User), d.Voided)}
	case !q.isHead(d.For.HeadSHA):
		return lapse{code: "stale-go", text: fmt.Sprintf("/go by %s was for %s, head is %s", handle(d.User), gate.Short(d.For.HeadSHA), gate.Short(q.PR.HeadSHA))}
	case d.For.BaseRef != q.PR.BaseRef:
		return lapse{code: "base-changed", text: fmt.Sprintf("/go by %s was for a merge into %s, the pull request now targets %s", handle(d.User), gate.Quote(d.For.BaseRef), gate.Quote(q.PR.BaseRef))}
	case d.For.Policy != q.Policy.Digest():
		return lapse{code: "policy-changed", text: fmt.Sprintf("the policy changed after /go by %s", handle(d.User))}
	}
	if field := changedField(q, d, all); field != "" {
		return lapse{code: "record-changed", text: fmt.Sprintf("'%s' changed after /go by %s", field, handle(d.User))}
	}
	return disqualified(q, e, d.User)
}

// changedField returns the first field that was edited since a GO, or "".
// Naming somebody as final decision owner who has said /go on this head
// changes nothing about what was decided.
func changedField(q question, d gate.PersonDecision, all []gate.PersonDecision) gate.Field {
	for _, field := range d.For.Terms.Changed(q.terms) {
		if field == gate.FieldDecisionOwner && saidGo(q, all, q.Record.DecisionOwner) {
			continue
		}
		return field
	}
	return ""
}

func saidGo(q question, all []gate.PersonDecision, owner gate.Owner) bool {
	return owner.User != "" && slices.ContainsFunc(all, func(d gate.PersonDecision) bool {
		return d.Choice == gate.ChoiceGo && d.Voided == "" && q.isHead(d.For.HeadSHA) && strings.EqualFold(d.User.Login, owner.User)
	})
}

// disqualified says why a person may not decide on this pull request. A no that
// is certain goes before what could not be read, which is no answer and does not
// count either.
func disqualified(q question, e DecisionEvidence, u gate.User) lapse {
	if q.byOneAdmin() {
		return notAdmin(e, u)
	}
	commits := e.Commits()
	wrote := q.wrote(commits.Value)
	own := wrote.include(u)
	may := q.Policy.AuthorMayDecideOn(q.PR, e, q.class, u)
	roles := q.Policy.Deciders(q.Record, q.files)
	holds := q.Policy.Holds(e, roles, u)
	switch {
	case !holds.Known || holds.Value:
	case renamed(e, u) != "":
		return lapse{code: codeIdentity, text: renamed(e, u)}
	default:
		if fact, _ := q.Policy.Mistaken(e, roles, u); fact != "" {
			return lapse{code: codeIdentity, text: fact}
		}
	}
	switch {
	case own && may.Known && !may.Value:
		return lapse{code: codeSelf, text: handle(u) + " " + wrote.did(u) + " some of this pull request, and nobody decides on their own"}
	case holds.Known && !holds.Value && len(roles) == 1:
		return lapse{code: "authority-lost", text: handle(u) + " is no longer a release manager"}
	case holds.Known && !holds.Value:
		return lapse{code: "authority-lost", text: fmt.Sprintf("%s no longer holds a role that decides here (%s)", handle(u), gate.Quote(strings.Join(roles, ", ")))}
	case !commits.Known:
		return doubtful("the list of commits", commits.Why)
	case own && !may.Known:
		return doubtful("the list of people with write access", may.Why)
	case !holds.Known:
		return doubtful("the role of "+handle(u), holds.Why)
	}
	return lapse{}
}

// onlyLifts reports whether a judged GO was never more than the end of its own
// author's NO-GO: said by somebody who may not decide on what they wrote.
func onlyLifts(q question, e DecisionEvidence, judged []judgment, i int) bool {
	s := judged[i]
	if !s.LiftsOwn || disqualified(q, e, s.User).code != codeSelf {
		return false
	}
	for _, before := range slices.Backward(judged[:i]) {
		if before.User.Is(s.User) {
			return before.Choice == gate.ChoiceNoGo
		}
	}
	return false
}
