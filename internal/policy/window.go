package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// weekdays are the words of a window's days.
var weekdays = map[string]time.Weekday{
	"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday,
	"fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
}

// span is a stretch of time, its end excluded.
type span struct {
	from, to time.Time
	name     string
}

func (s span) holds(t time.Time) bool { return !t.Before(s.from) && t.Before(s.to) }

// window: a window of the policy is open and no freeze is on, or somebody with
// the role for exceptions has said /go on this head while it was shut.
func window(q question, e DecisionEvidence) []gate.Finding {
	c, err := q.Policy.calendar()
	if err != nil { // a policy from anywhere but a file
		return one(gate.Finding{
			Status: gate.Fail, Code: "policy-invalid", By: gate.ByAdmin,
			Fact: "windows or freezes of the policy cannot be read: " + gate.Quote(err.Error()), Fix: "mend " + Path,
		})
	}
	freeze, shut := c.shut(q.Now)
	if !shut {
		return nil
	}
	fact, code := "no release window is open", "window-closed"
	if freeze != "" {
		fact, code = "the freeze "+gate.Quote(freeze)+" is on", "freeze"
	}
	by, unread := exception(q, e, c)
	if by != "" {
		return one(gate.Finding{
			Status: gate.Advisory, Code: "window-exception", By: gate.ByDecider,
			Fact: fmt.Sprintf("%s; %s let this head out by /go", fact, by),
		})
	}
	f := gate.Finding{Status: gate.Pending, Code: code, By: gate.ByItself, Fact: fact, Fix: "nothing to do"}
	if opens, ok := c.opens(q.Now); ok {
		f.Fact += "; it opens " + moment(opens, q.Now, c.zone)
		f.Fix = "nothing to do: it is looked at again when it opens"
	} else {
		f.Status, f.By, f.Fix = gate.Action, gate.ByAdmin, "no window opens within a year; look at windows and freezes in "+Path+", and at those of the organization"
	}
	if role := q.Policy.Exceptions; role != "" {
		f.Fix += fmt.Sprintf("; in an emergency somebody with the role %s comments", gate.Quote(role))
		f.Type = "/go " + gate.Short(q.PR.HeadSHA)
	}
	return append(unread, f)
}

// exception returns who has let this head out, or "". A GO lets out of what was
// shut when it was said; it says nothing of a freeze that came later.
func exception(q question, e DecisionEvidence, c calendar) (string, []gate.Finding) {
	if q.Policy.Exceptions == "" {
		return "", nil
	}
	var unreadable []gate.Finding
	for _, s := range judgments(q, e) {
		if s.Choice != gate.ChoiceGo || !s.Counts && s.doubt == nil {
			continue
		}
		if !c.shutAlike(s.At, q.Now) {
			continue
		}
		switch holds := q.Policy.Authority(e, q.Policy.Exceptions, s.User); {
		case !holds.Known:
			unreadable = append(unreadable, unread("the role of "+handle(s.User), holds.Why))
		case holds.Value && s.doubt != nil:
			unreadable = append(unreadable, *s.doubt)
		case holds.Value:
			return handle(s.User), nil
		}
	}
	return "", unreadable
}

// windowEdge is when releases may begin or cease to go out; zero when that
// does not change, or does not matter at this class.
func windowEdge(q question) time.Time {
	if !q.Policy.mentions("operational/window", q.class) {
		return time.Time{}
	}
	c, err := q.Policy.calendar()
	if err != nil {
		return time.Time{}
	}
	if _, shut := c.shut(q.Now); shut {
		at, _ := c.opens(q.Now)
		return at
	}
	return c.shuts(q.Now)
}

// calendar is the policy's windows and freezes with their zones.
type calendar struct {
	windows [][]weekly // of each list one must be open
	freezes []span
	zone    *time.Location
}

// weekly is one window, its times as minutes after midnight.
type weekly struct {
	days     []time.Weekday
	from, to int
	zone     *time.Location
}

// on returns the window on the day on which t falls in its zone, days later.
// Hours are put together by the calendar, so that a day of 23 or 25 hours opens
// and closes by the clock on the wall.
func (w weekly) on(t time.Time, days int) (span, bool) {
	local := t.In(w.zone)
	at := func(minutes int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, minutes/60, minutes%60, 0, 0, w.zone)
	}
	noon := at(12 * 60)
	return span{from: at(w.from), to: at(w.to)}, slices.Contains(w.days, noon.Weekday())
}

// inWindow returns until when a window of each list is open at t, zero when one
// of the lists has none.
func (c calendar) inWindow(t time.Time) time.Time {
	var end time.Time
	for i, list := range c.windows {
		open := openUntil(list, t)
		if i == 0 || open.Before(end) {
			end = open
		}
	}
	return end
}

// openUntil returns the end of the latest window that holds t, zero for none.
func openUntil(list []weekly, t time.Time) time.Time {
	var end time.Time
	for _, w := range list {
		if s, ok := w.on(t, 0); ok && s.holds(t) && s.to.After(end) {
			end = s.to
		}
	}
	return end
}

func (c calendar) frozen(t time.Time) (span, bool) {
	var last span
	for _, f := range c.freezes {
		if f.holds(t) && f.to.After(last.to) {
			last = f
		}
	}
	return last, !last.to.IsZero()
}

// shut reports whether nothing may go out at t, and the freeze that is on.
func (c calendar) shut(t time.Time) (freeze string, shut bool) {
	if f, on := c.frozen(t); on {
		return cmp.Or(f.name, "without a name"), true
	}
	return "", len(c.windows) > 0 && c.inWindow(t).IsZero()
}

// shutAlike reports whether something keeps releases in at now, and all that does
// so did already when something was said.
func (c calendar) shutAlike(said, now time.Time) bool {
	if _, shut := c.shut(now); !shut {
		return false
	}
	for _, f := range c.freezes {
		if f.holds(now) && !f.holds(said) {
			return false
		}
	}
	return !slices.ContainsFunc(c.windows, func(list []weekly) bool { return openUntil(list, now).IsZero() && !openUntil(list, said).IsZero() })
}

// horizon is how far ahead an opening is looked for.
const horizon = 366 * day

// opens returns when releases may go out after t, at which they may not.
func (c calendar) opens(t time.Time) (time.Time, bool) {
	for at := t; at.Sub(t) < horizon; {
		if f, on := c.frozen(at); on {
			at = f.to
			continue
		}
		if len(c.windows) == 0 || !c.inWindow(at).IsZero() {
			return at, true
		}
		next := c.nextWindow(at)
		if next.IsZero() {
			break
		}
		at = next
	}
	return time.Time{}, false
}

// nextWindow is a time after t before which no window of each list is open,
// whatever freezes say: zero when there is none.
func (c calendar) nextWindow(t time.Time) time.Time {
	var next time.Time
	for _, list := range c.windows {
		if !openUntil(list, t).IsZero() {
			continue
		}
		begins := nextOf(list, t)
		if begins.IsZero() {
			return begins
		}
		if begins.After(next) {
			next = begins
		}
	}
	return next
}

// nextOf is when the next window of a list begins.
func nextOf(list []weekly, t time.Time) time.Time {
	var next time.Time
	for _, w := range list {
		for days := range 9 {
			if s, ok := w.on(t, days); ok && s.from.After(t) && s.from.Before(s.to) && (next.IsZero() || s.from.Before(next)) {
				next = s.from
			}
		}
	}
	return next
}

// shuts returns when releases cease to go out after t, at which they may; zero
// when they never do.
func (c calendar) shuts(t time.Time) time.Time {
	var end time.Time
	if len(c.windows) > 0 {
		for at := t; ; { // windows that touch are one
			next := c.inWindow(at)
			if next.IsZero() || next.Sub(t) > 8*day {
				break
			}
			end, at = next, next
		}
	}
	for _, f := range c.freezes {
		if f.from.After(t) && (end.IsZero() || f.from.Before(end)) {
			end = f.from
		}
	}
	return end
}

// moment tells a time in UTC, in the policy's zone, and how far off it is.
func moment(t, now time.Time, zone *time.Location) string {
	text := t.UTC().Format("2006-01-02 15:04") + " UTC"
	if zone != nil && zone.String() != "UTC" {
		text += fmt.Sprintf(" (%s %s)", t.In(zone).Format("Mon 15:04"), zone)
	}
	return text + ", in " + distanceOf(t.Sub(now))
}

// distanceOf rounds a distance in time up to what people plan by.
func distanceOf(d time.Duration) string {
	up := func(unit time.Duration) int { return int((d + unit - 1) / unit) }
	switch {
	case d <= time.Hour:
		return fmt.Sprintf("%d min", up(time.Minute))
	case d <= 2*day:
		return fmt.Sprintf("%d h", int((d+30*time.Minute)/time.Hour))
	default:
		return fmt.Sprintf("%d days", int((d+12*time.Hour)/day))
	}
}

// calendar reads windows, freezes and zones; its error names the key.
func (p *Policy) calendar() (calendar, error) {
	c, err := p.readCalendar()
	if err != nil {
		return calendar{}, fmt.Errorf("%s: %s", err.path, err.text)
	}
	return c, nil
}

// keyError is a fault of a key's value.
type keyError struct{ path, text string }

func keyErrorf(path, format string, args ...any) *keyError {
	return &keyError{path, fmt.Sprintf(format, args...)}
}

func (p *Policy) readCalendar() (calendar, *keyError) {
	zone, err := loadZone("zone", cmp.Or(p.Zone, "UTC"))
	if err != nil {
		return calendar{}, err
	}
	c := calendar{zone: zone}
	for _, set := range [][]Window{p.Windows, p.EnforcedWindows} {
		var list []weekly
		for i, w := range set {
			read, err := readWindow(fmt.Sprintf("windows[%d]", i), w, zone)
			if err != nil {
				return calendar{}, err
			}
			list = append(list, read)
		}
		if len(list) > 0 {
			c.windows = append(c.windows, list)
		}
	}
	for i, f := range p.Freezes {
		read, err := readFreeze(fmt.Sprintf("freezes[%d]", i), f, zone)
		if err != nil {
			return calendar{}, err
		}
		c.freezes = append(c.freezes, read)
	}
	return c, nil
}

func loadZone(path, name string) (*time.Location, *keyError) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return nil, keyErrorf(path, "%q is no time zone; write its IANA name, such as Europe/Berlin or UTC", name)
	}
	return zone, nil
}

func readWindow(path string, w Window, zone *time.Location) (weekly, *keyError) {
	read := weekly{zone: zone}
	if w.Zone != "" {
		own, err := loadZone(path+".zone", w.Zone)
		if err != nil {
			return read, err
		}
		read.zone = own
	}
	if len(w.Days) == 0 {
		return read, keyErrorf(path, "say on which days: days: [mon, tue, wed, thu]")
	}
	for i, word := range w.Days {
		d, ok := weekdays[strings.ToLower(word)]
		if !ok {
			return read, keyErrorf(fmt.Sprintf("%s.days[%d]", path, i), "%q is not one of mon, tue, wed, thu, fri, sat, sun", word)
		}
		read.days = append(read.days, d)
	}
	var okFrom, okTo bool
	if read.from, okFrom = minutesOf(w.From); !okFrom || read.from == 24*60 {
		return read, keyErrorf(path+".from", "%q is no time of day; write it in quotes as \"09:00\"", w.From)
	}
	if read.to, okTo = minutesOf(w.To); !okTo {
		return read, keyErrorf(path+".to", "%q is no time of day; write it in quotes as \"16:30\"", w.To)
	}
	if read.to <= read.from {
		return read, keyErrorf(path+".to", "%s is not later than %s; a window that passes midnight is two: until \"24:00\" and from \"00:00\"", w.To, w.From)
	}
	return read, nil
}

// minutesOf reads "09:00"; "24:00" is the end of the day.
func minutesOf(s string) (int, bool) {
	h, m, ok := strings.Cut(s, ":")
	hour, errHour := strconv.Atoi(h)
	minute, errMinute := strconv.Atoi(m)
	if !ok || errHour != nil || errMinute != nil || len(m) != 2 || len(h) > 2 || hour < 0 || minute < 0 || minute > 59 {
		return 0, false
	}
	total := hour*60 + minute
	return total, total <= 24*60
}

func readFreeze(path string, f Freeze, zone *time.Location) (span, *keyError) {
	s := span{name: f.Name}
	var ok bool
	if s.from, ok = freezeTime(f.From, zone, 0); !ok {
		return s, keyErrorf(path+".from", "%q is no time; write a date such as 2026-12-20, or 2026-12-20T18:00:00+01:00", f.From)
	}
	if s.to, ok = freezeTime(f.To, zone, 1); !ok {
		return s, keyErrorf(path+".to", "%q is no time; write a date such as 2027-01-03, or 2027-01-03T08:00:00+01:00", f.To)
	}
	if !s.to.After(s.from) {
		return s, keyErrorf(path+".to", "the freeze ends (%s) before it begins (%s)", f.To, f.From)
	}
	return s, nil
}

// freezeTime reads a date, which means its first moment in the zone plus days,
// or a time with its offset.
func freezeTime(s string, zone *time.Location, days int) (time.Time, bool) {
	if t, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		return time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, zone), true
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

func (p *Policy) validateCalendar(at places) *Error {
	if _, err := p.readCalendar(); err != nil {
		return at.errorf(err.path, "%s", err.text)
	}
	if p.Exceptions == "" {
		return nil
	}
	return p.roleExists(at, "exceptions", p.Exceptions)
}
