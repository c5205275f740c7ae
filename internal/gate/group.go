package gate

import "time"

// QueueGroup is a merge queue's group: pull requests joined to their base, one
// after the other, and tested together.
type QueueGroup struct {
	Repo    Repository
	HeadSHA string
	HeadRef string // without refs/heads/
	BaseRef string
	AskedAt time.Time // when its checks were asked for
}

// GroupPatience is how long it may be open whether a group may merge before that
// is answered with a failure: a queue that hears nothing stands still.
const GroupPatience = 5 * time.Minute

// QueuedPull is a pull request of a group, and what is known of it.
type QueuedPull struct {
	Number  int
	HeadSHA string // that was joined
	Title   string
	Verdict Verdict // that stands for that head; "" for none
	// Passes: the verdict, or an override, stands, and GitHub shows it.
	Passes  bool
	Landing Landing // how what was joined stands to the head; "" while that is not read
	Paths   []string
	// Pending says what is waited for; "" when all is known.
	Pending string
}

// GroupEvaluation is whether a group may merge.
type GroupEvaluation struct {
	Number   int64
	At       time.Time
	Group    QueueGroup
	Pulls    []QueuedPull // in the order in which they were joined
	Verdict  Verdict
	Status   Status
	Findings []Finding // the gravest first
}

// Blockers returns the findings that keep the group from merging.
func (e GroupEvaluation) Blockers() []Finding { return blockers(e.Findings) }
