package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/gate"
)

// TrackerEvidence is what operational/tracker asks.
type TrackerEvidence interface {
	// TrackerItem is an item as its tracker shows it now; cause missing when
	// there is none, or the App may not see it.
	TrackerItem(gate.TrackerRef) gate.Reading[gate.TrackerItem]
}

// trackerNone is the kind of a policy without a tracker, trackerGitHub that of
// GitHub's issues.
const (
	trackerNone   = "none"
	trackerGitHub = "github"
)

// trackerItem matches "#12", "owner/name#12" and an issue's address.
var trackerItem = regexp.MustCompile(`(?i)https?://[^\s/]+/([\w.-]+/[\w.-]+)/issues/(\d{1,9})(?:[?#][^\s,;)]*)?|(?:\b([\w.-]+/[\w.-]+))?#(\d{1,9})\b`)

// trackerTalk is what may stand beside items.
var trackerTalk = regexp.MustCompile(`(?i)\b(?:and|see|closes|fixes|done|items?|issues?)\b|[\s,;.:()\[\]*-]+`)

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

func (p *Policy) trackerItems(pr gate.PullRequest, r gate.Record) (refs []gate.TrackerRef, rest string) {
	text := r.More[gate.FieldTracker]
	for _, m := range trackerItem.FindAllStringSubmatch(text, -1) {
		ref := gate.TrackerRef{Repo: m[1] + m[3]}
		if ref.Repo == "" {
			ref.Repo = pr.Repo.FullName()
		}
		ref.Number, _ = strconv.Atoi(m[2] + m[4])
		if !slices.ContainsFunc(refs, func(o gate.TrackerRef) bool {
			return o.Number == ref.Number && strings.EqualFold(o.Repo, ref.Repo)
		}) {
			refs = append(refs, ref)
		}
	}
	rest = trackerTalk.ReplaceAllString(trackerItem.ReplaceAllString(text, " "), " ")
	return refs, strings.TrimSpace(rest)
}

// tracks reports whether the policy lets items of this repository be looked up.
func (p *Policy) tracks(pr gate.PullRequest, ref gate.TrackerRef) bool {
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
	refs, _ := q.Policy.trackerItems(q.PR, q.Record)
	if len(refs) == 0 || len(refs) > maxItems {
		f := gate.Finding{
			Status: gate.Action, Code: "tracker-missing", By: gate.ByAuthor, Field: gate.FieldTracker,
			Fact: "the record names no tracker items", Fix: "name the issues of this release",
			Type: "- Tracker items: #12, " + q.PR.Repo.FullName() + "#34",
		}
		if len(refs) > 0 {
			f.Fact = fmt.Sprintf("the record names %d tracker items; %d are looked up at most", len(refs), maxItems)
		}
		return one(f)
	}
	found := unclearItems(q)
	for _, ref := range refs {
		found = append(found, trackerFinding(q, e, ref)...)
	}
	return found
}

// unclearItems: what stands beside the items and may be one in another form is
// not passed over.
func unclearItems(q question) []gate.Finding {
	_, rest := q.Policy.trackerItems(q.PR, q.Record)
	var odd []string
	for _, word := range strings.Fields(rest) {
		if strings.ContainsAny(word, "0123456789") {
			odd = append(odd, gate.Quote(word))
		}
	}
	if len(odd) == 0 {
		return nil
	}
	return one(gate.Finding{
		Status: gate.Action, Code: "tracker-unclear", By: gate.ByAuthor, Field: gate.FieldTracker,
		Fact: "the tracker items hold what is no issue: " + strings.Join(odd, ", "),
		Fix:  "write each item as #12, owner/name#12 or the issue's address",
	})
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
		return one(unread("the tracker item "+name, item.Why))
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
	if p.Tracker.Kind != trackerGitHub && p.Tracker.Kind != trackerNone {
		return at.errorf("tracker.kind", "%q is not one of github, none", p.Tracker.Kind)
	}
	for i, name := range p.Tracker.Repositories {
		if !fullName.MatchString(name) {
			return at.errorf(fmt.Sprintf("tracker.repositories[%d]", i), "write the repository as owner/name: %q", name)
		}
	}
	return nil
}
