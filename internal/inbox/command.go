package inbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"gonogo/internal/gate"
)

// Worsens begins the key of the message that an event leaves which can make a
// verdict worse. Only such an event, or a command, takes a standing READY back
// while it is being looked at; a remark in the conversation does not.
const Worsens = "worsens"

// Rerun is the key of the message that says that somebody had our check run, or
// all of our checks on a commit, run again.
const Rerun = "rerun"

// Source is where a command came from.
type Source string

// The sources of commands.
const (
	FromComment Source = "comment"
	FromReview  Source = "review"
	FromButton  Source = "button"
)

// Command is the body of a message in a pull request's mailbox: a text that may
// hold a command, a note that such a text was changed, or a pressed button.
// What it says of people's authority is nothing: that is read anew.
type Command struct {
	Source Source `json:"source"`
	// Action is "created", "edited" or "deleted" for comments; "submitted",
	// "edited" or "dismissed" for reviews; "pressed" for buttons.
	Action string `json:"action"`

	CommentID int64  `json:"comment,omitempty"`
	ReviewID  int64  `json:"review,omitempty"`
	ReviewSHA string `json:"review_sha,omitempty"` // the commit that the review was given for
	Body      string `json:"body,omitempty"`       // "" when no line of it begins with a slash

	User   gate.User `json:"user"`   // who wrote it, or pressed
	Sender gate.User `json:"sender"` // who caused the event: the editor, the deleter

	Button     string `json:"button,omitempty"`      // the identifier of the action
	CheckRunID int64  `json:"check_run,omitempty"`   // whose button it was
	ExternalID string `json:"external_id,omitempty"` // of that check run
	ButtonSHA  string `json:"button_sha,omitempty"`  // the head that the check run was for

	// Terms is the hash of the record's terms in the description when the text was
	// written, "" when no event told.
	Terms string `json:"terms,omitempty"`

	// KnownHead is the pull request's head as far as we knew it when the event
	// was dispatched, "" when we knew none. Events are dispatched in the order
	// in which they came.
	KnownHead string `json:"known_head,omitempty"`
	// KnownBase is the base branch as far as we knew it then.
	KnownBase string `json:"known_base,omitempty"`

	CreatedAt  time.Time `json:"created_at"` // by GitHub's clock
	UpdatedAt  time.Time `json:"updated_at"`
	ReceivedAt time.Time `json:"received_at"` // by ours
	URL        string    `json:"url,omitempty"`
	GUID       string    `json:"guid"` // of the delivery
}

// Key returns the key of the command's message. A text has one key for its
// creation whatever delivery brings it, so that a replay adds nothing while the
// first still lies in the mailbox.
func (c Command) Key() string {
	switch {
	case c.Source == FromComment && c.Action == "created":
		return "comment/" + strconv.FormatInt(c.CommentID, 10)
	case c.Source == FromReview && c.Action == "submitted":
		return "review/" + strconv.FormatInt(c.ReviewID, 10)
	case c.Source == FromComment:
		return fmt.Sprintf("comment/%d/%s/%s", c.CommentID, c.Action, c.GUID)
	case c.Source == FromReview:
		return fmt.Sprintf("review/%d/%s/%s", c.ReviewID, c.Action, c.GUID)
	default:
		return fmt.Sprintf("button/%d/%s", c.CheckRunID, c.GUID)
	}
}

// Encode returns the body of the command's message.
func (c Command) Encode() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("a command is made of strings, numbers and times: %v", err))
	}
	return b
}

// ParseCommand returns the command of a message's body.
func ParseCommand(body []byte) (Command, error) {
	var c Command
	if err := json.Unmarshal(body, &c); err != nil {
		return Command{}, fmt.Errorf("parse command: %w", err)
	}
	switch c.Source {
	case FromComment, FromReview, FromButton:
		return c, nil
	default:
		return Command{}, fmt.Errorf("parse command: unknown source %q", c.Source)
	}
}
