package worker

import (
	"slices"
	"time"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/inbox"
)

// lateness is how long a comment's own event is waited for before the comment
// counts as missed.
const lateness = time.Minute

// missed returns the decisions, sign-offs and the like in comments and reviews of which no
// event came: the server was down, or GitHub lost it. A NO-GO is always taken.
// All else only in a pull request that we knew before it was written, and
// without a SHA only if no head but the present one was ever known; in a review
// it is refused, see reviewStands.
func (r *room) missed() []inbox.Command {
	var texts []inbox.Command
	for _, c := range r.snap.comments.Value {
		if !edited(c) {
			texts = append(texts, inbox.Command{Source: inbox.FromComment, Action: "created", CommentID: c.ID, Body: c.Body, User: c.User, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt})
		}
	}
	for _, v := range r.snap.reviews.Value {
		if v.State != gate.Dismissed {
			texts = append(texts, inbox.Command{Source: inbox.FromReview, Action: "submitted", ReviewID: v.ID, ReviewSHA: v.CommitSHA, Body: v.Body, User: v.User, CreatedAt: v.At, UpdatedAt: v.At})
		}
	}
	inMail := map[string]bool{}
	for _, m := range r.job.Messages {
		inMail[m.Key] = true
	}
	now := r.w.now()
	var found []inbox.Command
	for _, c := range texts {
		if c.User.Bot || !inbox.MayCommand(c.Body) || r.made[c.Key()] || inMail[c.Key()] || now.Sub(c.CreatedAt) < lateness {
			continue
		}
		said := command.Parse(c.Body)
		d, decides := command.Decisive(said)
		signs := slices.ContainsFunc(said, func(c command.Command) bool { return r.further(c.Kind) != nil })
		if !decides && r.signed[c.Key()] || !decides && !signs || d.Kind != command.NoGo && c.CreatedAt.Before(r.since.Truncate(time.Second)) {
			continue
		}
		c.Sender, c.ReceivedAt = c.User, now
		if !slices.ContainsFunc(r.heads, func(h string) bool { return h != r.pr.HeadSHA }) {
			c.KnownHead = r.pr.HeadSHA
		}
		found = append(found, c)
	}
	return found
}
