package policy

import (
	"cmp"
	"slices"
	"time"
)

// calendar: releases go out only while a window of the organization's and one
// of the repository's own are open, and in no freeze of either. What is enforced
// keeps the time zone of its own file.
func (t *tightening) calendar() {
	if !t.guards("operational/window") {
		return
	}
	p := t.policy
	enforced := t.by.Windows
	if zoneName(p) != zoneName(t.by) {
		enforced = slices.Clone(enforced)
		for i, w := range enforced {
			enforced[i].Zone = cmp.Or(w.Zone, zoneName(t.by))
		}
	}
	switch {
	case len(p.Windows) == 0:
		p.Windows = enforced
	case len(enforced) > 0 && !same(p.Windows, enforced):
		p.EnforcedWindows = enforced
	}
	p.Freezes = union(p.Freezes, t.freezes())
}

// freezes are those that are enforced, as times where a date would mean another
// day in the repository's zone.
func (t *tightening) freezes() []Freeze {
	zone, err := loadZone("zone", zoneName(t.by))
	if err != nil || zoneName(t.policy) == zoneName(t.by) {
		return t.by.Freezes // the organization's file was validated
	}
	freezes := slices.Clone(t.by.Freezes)
	for i, f := range freezes {
		if s, err := readFreeze("", f, zone); err == nil {
			freezes[i].From, freezes[i].To = s.from.Format(time.RFC3339), s.to.Format(time.RFC3339)
		}
	}
	return freezes
}

// zoneName is the time zone of windows that name none.
func zoneName(p *Policy) string { return cmp.Or(p.Zone, "UTC") }

func zoneOf(w Window, p *Policy) string { return cmp.Or(w.Zone, zoneName(p)) }
