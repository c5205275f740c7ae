package app

import (
	"slices"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// GitHub does not tell when a button was pressed, and its event may come late: a
// GO by a button lifts the NO-GOs that its check run showed, and no later one.
func TestButtonLiftsWhatItShowed(t *testing.T) {
	for _, tt := range []struct {
		name       string
		vetoed, by string // who says /no-go, and who presses GO
		before     bool   // the veto stood when the button was pressed
		title      string
	}{
		{"the veto was shown", "sam", "dana", true, "READY · medium"},
		{"their own was shown", "dana", "dana", true, "READY · medium"},
		{"the press is told after a later veto", "sam", "dana", false, "NOT READY · nogo-stands"},
		{"the press is told after their own later veto", "dana", "dana", false, "NOT READY · nogo-stands"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.ready()
			w.quiet()
			veto := func() {
				pr.Comment(tt.vetoed, "/no-go it leaks")
				w.later(2 * time.Second)
			}
			press := func() {
				if err := w.repo.Run(pr.Head(), checkName).Press(tt.by, "go"); err != nil {
					t.Fatal(err)
				}
			}
			if tt.before {
				veto()
				w.shows(pr, "NOT READY · nogo-stands")
				press()
			} else {
				w.gh.HoldWebhooks()
				press()
				pr.Comment(tt.vetoed, "/no-go it leaks")
				w.clock.advance(2 * time.Second)
				w.gh.ReleaseWebhooks(func(d []sandbox.Delivery) []sandbox.Delivery {
					slices.Reverse(d)
					return d
				})
			}
			w.stays(pr, tt.title)
			if !tt.before && tt.vetoed == tt.by { // another release manager lifts the veto, and their own GO is gone
				w.clock.advance(2 * time.Second)
				pr.Comment("sam", "/go "+pr.Head())
				w.quiet()
				w.stays(pr, "WAITING · wrong-owner")
			}
		})
	}
}
