package gate

import (
	"fmt"
	"slices"
	"time"
)

// Smoke is how the smoke test of a release ended.
type Smoke string

// The outcomes of a smoke test, as an announcement spells them.
const (
	SmokePassed Smoke = "PASS"
	SmokeFailed Smoke = "FAIL"
	SmokeNotRun Smoke = "NOT RUN" // the policy names none
)

// Monitoring is the stretch of time in which a release that went live is
// watched. It belongs to a tag and the commit to which that led.
type Monitoring struct {
	RepoID int64
	Tag    string
	SHA    string
	Opened time.Time // when the release went live
	Ends   time.Time
	Closed time.Time // when it was closed, later than Ends where nobody was there to do it; zero while it is open

	Smoke    Smoke
	Features []string // what the records of its pull requests say of their scope
	Pulls    []int
	Watchers []string // who watches what for how long, as the records say
	Channel  string   // where its notices go, "" for nowhere
	Roles    []string // whom they concern: the watchers as the policy knows them
	Items    []TrackerRef

	Findings []WindowFinding
	Watched  []WindowWatch
}

// Middle is when its watcher is reminded for the second time.
func (m Monitoring) Middle() time.Time { return m.Opened.Add(m.Ends.Sub(m.Opened) / 2) }

// Last is when its watcher is reminded for the last time: a little before its
// end, while there is time to answer.
func (m Monitoring) Last() time.Time {
	return m.Ends.Add(-min(30*time.Minute, m.Ends.Sub(m.Opened)/8))
}

// WindowFinding is a severe issue that came up while a release was watched.
type WindowFinding struct {
	Issue int
	Label string
	Title string
	URL   string
	At    time.Time // when it was found
}

// WindowWatch is the word of somebody who watched.
type WindowWatch struct {
	User User
	Note string
	At   time.Time
}

// AuthorizedBy are the trailers that say in a commit message who authorized what
// it brings: one line for each /go that counts.
func (e Evaluation) AuthorizedBy() []string {
	var lines []string
	for _, s := range e.Decisions {
		if s.Choice == ChoiceGo && s.Counts {
			lines = append(lines, fmt.Sprintf("Release-Authorized-By: @%s (GO on %s, %s)", s.User.Login, Short(s.For.HeadSHA), s.At.UTC().Format(time.RFC3339)))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
