package policy

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gonogo/internal/gate"
)

// TrackerEvidence is what operational/tracker asks.
type TrackerEvidence interface {
	LinkEvidence
	// TrackerItem is an item as its tracker shows it now; cause missing when
	// there is none, or the App may not see it.
	TrackerItem(gate.TrackerRef) gate.Reading[gate.TrackerItem]
}

// The kinds of trackers: trackerNone is that of a policy without one,
// trackerGitHub that of GitHub's issues.
const (
	trackerNone   = "none"
	trackerGitHub = "github"
	trackerMonday = "monday" // that of Monday.com's items
)

var (
	// trackerItem matches "#12" and "owner/name#12".
	trackerItem = regexp.MustCompile(`^([\w.-]+/[\w.-]+)?#(\d{1,9})$`)
	// trackerAddress matches the path of an issue's address. GitHub leads one of a
	// pull request to it too, which is no item.
	trackerAddress = regexp.MustCompile(`^/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d{1,9})/?$`)
	// trackerOther matches what is an item in the way of other trackers.
	trackerOther = regexp.MustCompile(`#|://|\d`)
)

// TrackerItems returns the items that a record names and the policy lets be
// looked up, each once; none where they are more than are looked up.
func (p *Policy) TrackerItems(pr gate.PullRequest, r gate.Record) []gate.TrackerRef {
	refs, _ := p.trackerItems(pr, r)
	if len(refs) > maxItems {
		return nil
	}
	return slices.DeleteFunc(refs, func(ref gate.TrackerRef) bool { return !p.tracks(pr, ref) })
}

// maxItems is how many items of one record are looked up.
const maxItems = 20

// trackerItems returns the items of a record, each once, and the words that may
// be items and are none of this GitHub's issues. Words in which is neither a
// number nor a reference are talk.
func (p *Policy) trackerItems(pr gate.PullRequest, r gate.Record) (refs []gate.TrackerRef, odd []string) {
	for _, word := range trackerWords(r.More[gate.FieldTracker]) {
		ref, ok := p.trackerRef(pr, word)
		same := func(o gate.TrackerRef) bool {
			return o.Number == ref.Number && o.Item == ref.Item && strings.EqualFold(o.Repo, ref.Repo)
		}
		switch {
		case ok && !slices.ContainsFunc(refs, same):
			refs = append(refs, ref)
		case !ok && trackerOther.MatchString(word):
			odd = append(odd, word)
		}
	}
	return refs, odd
}

// trackerWords splits a text at white space and at what people set between
// items; brackets and the like around a word are not part of it.
func trackerWords(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;|、，；", r) })
	for i, w := range words {
		words[i] = strings.TrimRight(strings.TrimLeft(w, "([<*-–—"), ")]>*.:-–—")
	}
	return words
}

// trackerRef reads one word as an issue of this GitHub: "#12", "owner/name#12"
// or its address.
func trackerRef(pr gate.PullRequest, word string) (ref gate.TrackerRef, ok bool) {
	m := trackerItem.FindStringSubmatch(word)
	if m == nil {
		address, err := url.Parse(word)
		if err != nil || address.Scheme != "https" && address.Scheme != "http" || !sameHost(pr, address) {
			return gate.TrackerRef{}, false
		}
		if m = trackerAddress.FindStringSubmatch(address.Path); m == nil {
			return gate.TrackerRef{}, false
		}
	}
	ref.Repo = m[1]
	if ref.Repo == "" {
		ref.Repo = pr.Repo.FullName()
	}
	ref.Number, _ = strconv.Atoi(m[2]) // nine digits at most
	return ref, true
}

// sameHost reports whether an address is on the GitHub of the pull request: the
// issues of another one cannot be read.
func sameHost(pr gate.PullRequest, address *url.URL) bool {
	here, err := url.Parse(pr.URL)
	return err == nil && here.Host != "" && strings.EqualFold(here.Host, address.Host)
}

// tracks reports whether the policy lets items of this repository be looked up.
func (p *Policy) tracks(pr gate.PullRequest, ref gate.TrackerRef) bool {
	if p.Tracker.Kind == trackerMonday {
		return true // the board is known once it was looked up
	}
	if len(p.Tracker.Repositories) == 0 {
		return strings.EqualFold(ref.Repo, pr.Repo.FullName())
	}
	return slices.ContainsFunc(p.Tracker.Repositories, func(name string) bool { return strings.EqualFold(name, ref.Repo) })
}

// tracker: every tracker item of the record is done, with a note.
func tracker(q question, e TrackerEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	refs, odd := q.Policy.trackerItems(q.PR, q.Record)
	strange := strayLinks(q, e, gate.FieldTracker, q.trackerLine())
	odd = slices.DeleteFunc(odd, func(word string) bool {
		return slices.ContainsFunc(strange, func(f gate.Finding) bool { return strings.Contains(f.Fact, word) })
	})
	if len(refs) == 0 && len(odd)+len(strange) > 0 {
		return append(strange, unclearItems(q, odd)...)
	}
	if len(refs) == 0 || len(refs) > maxItems {
		f := gate.Finding{
			Status: gate.Action, Code: "tracker-missing", By: gate.ByAuthor, Field: gate.FieldTracker,
			Fact: "the record names no tracker items", Fix: "name the issues of this release",
			Type: q.trackerLine(),
		}
		if len(refs) > 0 {
			f.Fact = fmt.Sprintf("the record names %d tracker items; %d are looked up at most", len(refs), maxItems)
		}
		return one(f)
	}
	found := append(strange, unclearItems(q, odd)...)
	for _, ref := range refs {
		found = append(found, trackerFinding(q, e, ref)...)
	}
	return found
}

// unclearItems: what stands beside the items and may be one in another form is
// not passed over.
func unclearItems(q question, odd []string) []gate.Finding {
	if len(odd) == 0 {
		return nil
	}
	f := gate.Finding{
		Status: gate.Action, Code: "tracker-unclear", By: gate.ByAuthor, Field: gate.FieldTracker,
		Fact: "the tracker items hold what is no issue of this GitHub: " + firstFew(odd),
		Fix:  "write each item as #12 (of this repository), owner/name#12 or the issue's address, and leave out what is none",
		Type: q.trackerLine(),
	}
	if q.Policy.Tracker.Kind == trackerMonday {
		f.Fact = "the tracker items hold what is no item of Monday.com: " + firstFew(odd)
		f.Fix = "write each item's address or id, and leave out what is none"
	}
	return one(f)
}

func trackerFinding(q question, e TrackerEvidence, ref gate.TrackerRef) []gate.Finding {
	name := gate.Quote(ref.String())
	f := gate.Finding{Status: gate.Action, By: gate.ByAuthor, Field: gate.FieldTracker}
	if !q.Policy.tracks(q.PR, ref) {
		f.Code, f.Fact = "tracker-unclear", fmt.Sprintf("%s lies in a repository that the policy does not list as a tracker", name)
		f.Fix = "name items of the policy's own repositories, or add it under `tracker` in " + Path
		return one(f)
	}
	item := e.TrackerItem(ref)
	if !item.Known {
		unread := unread("the tracker item "+name, item.Why)
		if unread.Code == "github-down" && q.Policy.Tracker.Kind == trackerMonday {
			unread.Code = "tracker-down"
			unread.Fact += " from Monday.com"
		}
		return one(unread)
	}
	if q.Policy.Tracker.Kind == trackerMonday {
		return q.mondayFinding(f, name, item.Value)
	}
	f.Link = item.Value.URL
	title := name + " (" + gate.Quote(item.Value.Title) + ")"
	switch i := item.Value; {
	case i.Other:
		f.Code, f.Fact, f.Fix = "tracker-unclear", name+" is a pull request, no issue", "name the issue that it belongs to"
	case i.Open:
		f.Code, f.Fact, f.Fix = "tracker-open", title+" is open", "close it as completed, with a comment that says what was done"
	case !i.Completed:
		f.Code, f.Fact = "tracker-open", title+" was closed, but not as completed"
		f.Fix = "close it as completed, or take it out of the record"
	case !i.Noted:
		f.Code, f.Fact = "tracker-note", title+" was closed without a comment"
		f.Fix = "open it again and close it with a comment that says what was done"
	default:
		return nil
	}
	return one(f)
}

var fullName = regexp.MustCompile(`^[\w.-]+/[\w.-]+$`)

func (p *Policy) validateTracker(at places) *Error {
	switch p.Tracker.Kind {
	case trackerGitHub, trackerNone:
	case trackerMonday:
		if err := p.validateMonday(at); err != nil {
			return err
		}
	default:
		return at.errorf("tracker.kind", "%q is not one of github, monday, none", p.Tracker.Kind)
	}
	for i, name := range p.Tracker.Repositories {
		if !fullName.MatchString(name) {
			return at.errorf(fmt.Sprintf("tracker.repositories[%d]", i), "write the repository as owner/name: %q", name)
		}
	}
	return nil
}
