package policy

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/gate"
)

var (
	// mondayItem matches an item's id as it stands alone.
	mondayItem = regexp.MustCompile(`^\d{6,18}$`)
	// mondayAddress matches the path of an item's address.
	mondayAddress = regexp.MustCompile(`^/boards/\d{1,18}(?:/views/\d{1,18})?/pulses/(\d{1,18})/?$`)
	// columnID matches the ids of columns.
	columnID = regexp.MustCompile(`^[\w-]{1,100}$`)
)

// trackerRef reads one word as an item of the policy's tracker.
func (p *Policy) trackerRef(pr gate.PullRequest, word string) (ref gate.TrackerRef, ok bool) {
	if p.Tracker.Kind != trackerMonday {
		return trackerRef(pr, word)
	}
	id := word
	if !mondayItem.MatchString(word) {
		address, err := url.Parse(word)
		if err != nil || address.Scheme != "https" || address.User != nil || !strings.HasSuffix(strings.ToLower(address.Host), ".monday.com") {
			return gate.TrackerRef{}, false
		}
		m := mondayAddress.FindStringSubmatch(address.Path)
		if m == nil {
			return gate.TrackerRef{}, false
		}
		id = m[1]
	}
	ref.Item, _ = strconv.ParseInt(id, 10, 64) // 18 digits at most
	return ref, ref.Item > 0
}

// trackerLine is a line of a record that names items.
func (q question) trackerLine() string {
	if q.Policy.Tracker.Kind != trackerMonday {
		return "- Tracker items: #12, " + q.PR.Repo.FullName() + "#34"
	}
	board := 1234567890
	if len(q.Policy.Tracker.Boards) > 0 {
		board = q.Policy.Tracker.Boards[0]
	}
	return fmt.Sprintf("- Tracker items: https://YOURS.monday.com/boards/%d/pulses/9876543210", board)
}

// mondayFinding judges an item of Monday.com that was read. What lies on other
// boards than the policy's is not shown.
func (q question) mondayFinding(f gate.Finding, name string, i gate.TrackerItem) []gate.Finding {
	done := q.Policy.Tracker.Status.Done
	if !slices.Contains(q.Policy.Tracker.Boards, int(i.Board)) {
		f.Code, f.Fact = "tracker-unclear", name+" lies on a board that the policy does not list as a tracker"
		f.Fix = "name items of the policy's own boards, or add the board under `tracker` in " + Path
		return one(f)
	}
	f.Link = i.URL
	title := name + " (" + gate.Quote(i.Title) + ")"
	switch {
	case !i.Completed:
		f.Code, f.Fact = "tracker-open", title+" has the status "+gate.Quote(i.Status)
		if i.Status == "" {
			f.Fact = title + " has no status"
		}
		f.Fix = "set it to " + gate.Quote(done[0]) + " once it is done"
	case !i.Noted:
		f.Code, f.Fact, f.Fix = "tracker-note", title+" is done without a completion note", "write an update in it that says what was done"
		if q.Policy.Tracker.Note.Column != "" {
			f.Fix = "write what was done into its column " + gate.Quote(q.Policy.Tracker.Note.Column)
		}
	default:
		return nil
	}
	return one(f)
}

// DoneLabel reports whether a status of Monday.com means done.
func (s StatusColumn) DoneLabel(label string) bool {
	return slices.ContainsFunc(s.Done, func(d string) bool { return strings.EqualFold(strings.TrimSpace(d), strings.TrimSpace(label)) })
}

func (p *Policy) validateMonday(at places) *Error {
	t := p.Tracker
	switch {
	case len(t.Boards) == 0:
		return at.errorf("tracker.kind", "name the boards: boards: [1234567890]; the id stands in a board's address")
	case !columnID.MatchString(t.Status.Column):
		return at.errorf("tracker.status.column", "%q is no id of a column; the column's menu at Monday.com shows it", t.Status.Column)
	case len(t.Status.Done) == 0:
		return at.errorf("tracker.status", "name the labels that mean done: done: [Done]")
	case t.Note.Column != "" && !columnID.MatchString(t.Note.Column):
		return at.errorf("tracker.note.column", "%q is no id of a column; the column's menu at Monday.com shows it", t.Note.Column)
	}
	for i, b := range t.Boards {
		if b <= 0 {
			return at.errorf(fmt.Sprintf("tracker.boards[%d]", i), "%d is no id of a board; it stands in the board's address", b)
		}
	}
	for i, d := range t.Status.Done {
		if strings.TrimSpace(d) == "" {
			return at.errorf(fmt.Sprintf("tracker.status.done[%d]", i), "a label cannot be empty: an item without a status would be done")
		}
	}
	return nil
}
