package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
)

// What we write into one conversation is bounded: somebody's robot may answer
// every answer of ours. After more than a few comments within minutes we write
// and react no more there for an hour; verdicts and entries go on.
const (
	talkative     = 5 // comments
	talkativeTime = 10 * time.Minute
	silenceTime   = time.Hour
)

// talk is what we wrote into one conversation.
type talk struct {
	comments []gate.Comment // of the conversation, as they were read
	wrote    []time.Time    // when we wrote a comment, the oldest first
}

// newTalk reads from the ledger when we wrote comments: silence outlives a
// restart.
func newTalk(entries []ledger.Entry, comments []gate.Comment) (*talk, error) {
	t := &talk{comments: comments}
	for _, e := range entries {
		if e.Kind != ledger.KindTold && e.Kind != ledger.KindCommented {
			continue
		}
		var effect struct {
			Comment int64 `json:"comment"`
			Edited  bool  `json:"edited"`
		}
		if err := json.Unmarshal(e.Data.(json.RawMessage), &effect); err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.ID, err)
		}
		if effect.Comment != 0 && !effect.Edited {
			t.wrote = append(t.wrote, e.At)
		}
	}
	return t, nil
}

// silent reports whether nothing is to be said at this time.
func (t *talk) silent(now time.Time) bool {
	for i := talkative; i < len(t.wrote); i++ {
		if last := t.wrote[i]; last.Sub(t.wrote[i-talkative]) <= talkativeTime && now.Sub(last) < silenceTime {
			return true
		}
	}
	return false
}

// written notes that a comment was written, and raises the alarm when it was one
// too many.
func (w *Worker) written(ctx context.Context, t *talk) {
	now := w.now()
	before := t.silent(now)
	t.wrote = append(t.wrote, now)
	if !before && t.silent(now) {
		w.log(ctx).WithField("silence", silenceTime.String()).Warn("too many comments of ours in this conversation: silent for a while; somebody's robot may be answering us")
		w.Silenced()
	}
}
