package report

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// CheckRun is a check run ready to be written: within GitHub's limits, with
// nothing in it that a user could have made into markup.
type CheckRun struct {
	Name       string
	HeadSHA    string
	ExternalID string
	DetailsURL string
	Conclusion Conclusion // "" while it is in progress
	StartedAt  time.Time
	Title      string
	Summary    string // at most 65,535 bytes, as is Text
	Text       string
	Actions    []Button // at most three

	// lasting is the text without the times at which it was read.
	lasting string
}

// Digest identifies what a reader would notice: the times of readings and the
// evaluation's number are left out, so that an evaluation that found nothing
// new writes nothing.
func (c CheckRun) Digest() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{c.Name, c.DetailsURL, string(c.Conclusion), c.Title, c.Summary, c.lasting}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// Conclusion is the outcome of a completed check run. GitHub lets "neutral" and
// "skipped" through, so there are no such values.
type Conclusion string

// The conclusions. InProgress means that the run is not completed.
const (
	InProgress     Conclusion = ""
	Success        Conclusion = "success"
	Failure        Conclusion = "failure"
	ActionRequired Conclusion = "action_required"
)

// Button is a button of a check run. GitHub allows 20 characters of label and
// identifier and 40 of description.
type Button struct{ Label, Description, Identifier string }
