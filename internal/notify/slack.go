package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// Limits of Slack: the text of a block has 3,000 characters, a message 50 blocks,
// and a channel takes about one message a second.
// https://docs.slack.dev/reference/block-kit/blocks/section-block/
// https://docs.slack.dev/apis/web-api/rate-limits/
const (
	maxBlock  = 3000
	maxText   = 4000
	slackPace = time.Second
)

// Slack brings notices to the channels that they name, as a bot that was invited
// there, or to the one channel of an incoming webhook.
//
// All text is of the kind that Slack shows as it is. Only the link at the end is
// markup, and is made by us. Where Slack asks for a text besides the blocks, for
// notifications, its control characters are escaped, and nothing is parsed in it.
type Slack struct {
	client *slack.Client
	hook   string // an incoming webhook's address: a secret
	http   *http.Client

	mu   sync.Mutex
	free map[string]time.Time // channel → when it takes the next message
}

// NewSlack returns a carrier with a bot's token. api is the root of Slack's API.
func NewSlack(api, token string, client *http.Client) *Slack {
	if !strings.HasSuffix(api, "/") {
		api += "/"
	}
	return &Slack{client: slack.New(token, slack.OptionAPIURL(api), slack.OptionHTTPClient(client)), http: client, free: map[string]time.Time{}}
}

// NewSlackWebhook returns a carrier with an incoming webhook's address.
func NewSlackWebhook(address string, client *http.Client) *Slack {
	return &Slack{hook: address, http: client, free: map[string]time.Time{}}
}

// Name is "slack".
func (s *Slack) Name() string { return "slack" }

// Targets are the notice's channels. An incoming webhook has one channel, and
// tells there for which the notice is.
func (s *Slack) Targets(n Notice) []string {
	if s.hook == "" || len(n.To) == 0 {
		return n.To
	}
	return []string{""}
}

// Carry posts a letter. It waits for its channel's turn.
func (s *Slack) Carry(ctx context.Context, l Letter) error {
	if err := s.turn(ctx, l.Target); err != nil {
		return err
	}
	err := s.post(ctx, l)
	var limited *slack.RateLimitedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limited):
		return &Later{After: limited.RetryAfter, Err: errors.New("Slack asks for patience")}
	}
	return s.said(bare(err))
}

// said makes a sentence for the log of Slack's answer. It names no address.
func (s *Slack) said(err error) error {
	var status slack.StatusCodeError
	if errors.As(err, &status) {
		return fmt.Errorf("Slack answers %d", status.Code)
	}
	switch err.Error() {
	case "not_in_channel", "channel_not_found":
		return fmt.Errorf("Slack says %w: invite the bot to the channel, or mend its name in the policy", err)
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope":
		return fmt.Errorf("Slack says %w: give GONOGO_SLACK_TOKEN a bot token with the scope chat:write", err)
	}
	return fmt.Errorf("post to Slack: %w", err)
}

// turn waits until a channel takes the next message.
func (s *Slack) turn(ctx context.Context, channel string) error {
	now := time.Now()
	s.mu.Lock()
	at := s.free[channel]
	if at.Before(now) {
		at = now
	}
	s.free[channel] = at.Add(slackPace)
	s.mu.Unlock()
	if at.Equal(now) {
		return nil
	}
	wait := time.NewTimer(at.Sub(now))
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return nil
	}
}

func (s *Slack) post(ctx context.Context, l Letter) error {
	text, blocks := slackText(l.Notice), slackBlocks(l.Notice, s.hook != "")
	if s.hook != "" {
		off := false
		return slack.PostWebhookCustomHTTPContext(ctx, s.hook, s.http, &slack.WebhookMessage{
			Text: text, Blocks: &slack.Blocks{BlockSet: blocks}, Parse: "none", UnfurlLinks: &off, UnfurlMedia: &off,
		})
	}
	_, _, err := s.client.PostMessageContext(ctx, l.Target,
		slack.MsgOptionText(text, false), slack.MsgOptionBlocks(blocks...), slack.MsgOptionParse(false), slack.MsgOptionLinkNames(false),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(), slack.MsgOptionDisableMarkdown())
	return err
}

// slackText is the message for where blocks are not shown.
func slackText(n Notice) string {
	lines := make([]string, len(n.Lines))
	for i, l := range n.Lines {
		lines[i] = l.Plain()
	}
	return escapeSlack(cut(strings.Join(lines, "\n"), maxText))
}

// escapeSlack escapes what Slack takes for control characters.
// https://docs.slack.dev/messaging/formatting-message-text/#escaping
func escapeSlack(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// slackBlocks is the message: its lines, whom it concerns and its link.
func slackBlocks(n Notice, namesChannels bool) []slack.Block {
	lines := n.Lines
	if l := n.concerns(); l != nil {
		lines = append(lines[:len(lines):len(lines)], l)
	}
	if namesChannels {
		lines = append(lines[:len(lines):len(lines)], Line{Ours("In "), Theirs(strings.Join(n.To, ", "))})
	}
	var blocks []slack.Block
	text := ""
	for _, l := range lines {
		line := cut(l.Plain(), maxBlock)
		if len([]rune(text))+1+len([]rune(line)) > maxBlock {
			blocks, text = append(blocks, plainSection(text)), ""
		}
		if text != "" {
			text += "\n"
		}
		text += line
	}
	blocks = append(blocks, plainSection(text))
	if link := n.link(); link != "" {
		safe := strings.NewReplacer("|", "%7C", "<", "%3C", ">", "%3E", "&", "&amp;").Replace(link)
		blocks = append(blocks, slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "<"+safe+"|Open>", false, true), nil, nil))
	}
	return blocks
}

// plainSection shows a text as it is; names of emoji stay words.
func plainSection(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, text, false, false), nil, nil)
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
