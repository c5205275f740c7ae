package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// Kind tells apart why GitHub could not be asked or did not answer.
type Kind string

// The kinds of errors.
const (
	KindPrimaryLimit   Kind = "limit-primary"   // the hour's budget is spent
	KindSecondaryLimit Kind = "limit-secondary" // too much at once; also our own pacing of comments
	KindPermission     Kind = "permission"      // the installation lacks one
	KindSuspended      Kind = "suspended"       // the installation is suspended
	KindUnauthorized   Kind = "unauthorized"    // App id and key do not fit, or the clock is wrong
	KindMissing        Kind = "missing"         // gone, renamed, or not visible
	KindDisabled       Kind = "disabled"        // the feature is not switched on
	KindInvalid        Kind = "invalid"         // GitHub refused what was sent
	KindConflict       Kind = "conflict"
	KindTruncated      Kind = "truncated" // the list stops before its end
	KindFault          Kind = "fault"     // time-outs, 5xx, resets, half or malformed answers
)

// Kinds lists all kinds.
var Kinds = [...]Kind{
	KindPrimaryLimit, KindSecondaryLimit, KindPermission, KindSuspended, KindUnauthorized, KindMissing,
	KindDisabled, KindInvalid, KindConflict, KindTruncated, KindFault,
}

func (k Kind) limit() bool { return k == KindPrimaryLimit || k == KindSecondaryLimit }

// Error is what every method of this package returns when it fails. It holds no
// secrets and may be logged.
type Error struct {
	Kind   Kind
	Status int    // of the answer, 0 when there was none
	Op     string // the act and what it was done to: "list reviews of o/r#7"
	// Until and Wait tell when a limit ends, by our clock and from the moment
	// of the answer; both are zero for other kinds.
	Until time.Time
	Wait  time.Duration
	// Needs names the permission that is missing ("Checks: write"), when the
	// kind is KindPermission and GitHub or we know it.
	Needs string
	// Message is GitHub's, redacted and cut. It is for logs, not for people.
	Message string
	Err     error // what lies below, when it is not an answer of GitHub

	noun string // "the reviews"
	fact string // the sentence for people, when it is a special one
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op + ": " + string(e.Kind))
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d)", e.Status)
	}
	if e.Needs != "" {
		b.WriteString(", needs " + e.Needs)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + redact(e.Err.Error()))
	}
	return b.String()
}

// Unwrap returns the error below.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err; an error that is not this package's is a
// fault. It returns "" for nil.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	default:
		return KindFault
	}
}

// IsMissing reports whether err says that something is gone, renamed or not
// visible.
func IsMissing(err error) bool { return KindOf(err) == KindMissing }

// RetryAfter returns how long to leave the installation alone, and whether err
// is about a limit at all.
func RetryAfter(err error) (time.Duration, bool) {
	var e *Error
	if errors.As(err, &e) && e.Kind.limit() {
		return e.Wait, true
	}
	return 0, false
}

// Unreadable turns err into a sentence that is fit for a check run.
func Unreadable(err error) gate.Unreadable {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Kind: KindFault, Err: err}
	}
	noun := e.noun
	if noun == "" {
		noun = "the evidence"
	}
	cause, fact := e.explain(noun)
	if e.fact != "" {
		fact = e.fact
	}
	return gate.Unreadable{Cause: cause, Fact: strings.ToUpper(fact[:1]) + fact[1:]}
}

func (e *Error) explain(noun string) (gate.Cause, string) {
	switch e.Kind {
	case KindPrimaryLimit, KindSecondaryLimit:
		return gate.CauseFault, noun + " could not be read: GitHub's rate limit is reached until " +
			e.Until.UTC().Format("15:04:05") + " UTC."
	case KindPermission:
		if e.Needs == "" {
			return gate.CausePermission, noun + " cannot be read: GitHub does not let this App see it; an administrator must grant access."
		}
		return gate.CausePermission, noun + " cannot be read: an administrator must grant this App \"" + e.Needs + "\"."
	case KindSuspended:
		return gate.CausePermission, noun + " cannot be read: the installation of this App is suspended; an owner can unsuspend it."
	case KindUnauthorized:
		return gate.CausePermission, noun + " cannot be read: GitHub refuses this App's key; its operator must check the App id, the key and the clock."
	case KindMissing:
		return gate.CauseMissing, noun + " cannot be found: gone, renamed, or not visible to this App."
	case KindDisabled:
		return gate.CauseDisabled, noun + " cannot be read: the feature is not switched on here."
	case KindInvalid:
		return gate.CauseMissing, noun + " cannot be read: GitHub has something else there than was expected."
	case KindTruncated:
		return gate.CauseTruncated, noun + " cannot be read whole: GitHub's list stops before its end."
	default:
		if e.Status != 0 {
			return gate.CauseFault, fmt.Sprintf("%s could not be read: GitHub's answer was not usable (HTTP %d).", noun, e.Status)
		}
		if errors.Is(e.Err, context.DeadlineExceeded) {
			return gate.CauseFault, noun + " could not be read: GitHub did not answer in time."
		}
		return gate.CauseFault, noun + " could not be read: the connection to GitHub failed."
	}
}

// verdict is what an answer's status, headers and message mean.
type verdict struct {
	kind    Kind // "" for a success
	wait    time.Duration
	spent   time.Duration // a success that used the budget up: until it is new
	needs   string
	message string
}

// classify is the one place in which answers become kinds. See "Rate limits for
// the REST API" and "Troubleshooting the REST API" in GitHub's documentation:
// a 403 may be a limit, a suspension, a feature that is off or a permission; a
// 404 may be gone, not visible or off.
func classify(status int, h http.Header, body []byte, now time.Time) verdict {
	if status < 300 {
		return verdict{spent: budgetSpent(h, now)}
	}
	var answer struct {
		Message string `json:"message"`
		Docs    string `json:"documentation_url"`
	}
	spoken := json.Unmarshal(body, &answer) == nil && answer.Message != ""
	v := verdict{message: redact(answer.Message)}
	said := strings.ToLower(answer.Message)
	switch {
	case status == http.StatusUnauthorized:
		v.kind = KindUnauthorized
	case status == http.StatusForbidden || status == http.StatusTooManyRequests ||
		status == http.StatusUnprocessableEntity && strings.Contains(said, "submitted too quickly"):
		v.kind, v.wait = classifyRefusal(status, h, said, answer.Docs, now)
		if v.kind == KindPermission && !spoken {
			// Somebody on the way, not the API.
			v.kind = KindFault
		}
		if v.kind == KindPermission {
			v.needs = accepted(h.Get("X-Accepted-Github-Permissions"))
		}
	case status == http.StatusNotFound || status == http.StatusGone:
		v.kind = KindMissing
		if contains(said, "disabled", "not enabled", "must be enabled") {
			v.kind = KindDisabled
		}
	case status == http.StatusUnavailableForLegalReasons:
		v.kind = KindDisabled
	case status == http.StatusConflict:
		v.kind = KindConflict
	case status == http.StatusUnprocessableEntity && strings.Contains(said, "no commit found"):
		v.kind = KindMissing
	case status == http.StatusUnprocessableEntity, status == http.StatusBadRequest:
		v.kind = KindInvalid
	default:
		v.kind = KindFault
	}
	return v
}

func classifyRefusal(status int, h http.Header, said, docs string, now time.Time) (Kind, time.Duration) {
	after := retryAfter(h, now)
	spent := budgetSpent(h, now)
	secondary := contains(said, "secondary rate limit", "abuse detection", "submitted too quickly") ||
		contains(strings.ToLower(docs), "secondary-rate-limit", "abuse-rate-limit")
	switch {
	case secondary, after > 0 && spent == 0:
		return KindSecondaryLimit, max(after, spent)
	case spent > 0, contains(said, "rate limit exceeded"):
		return KindPrimaryLimit, max(after, spent)
	case status == http.StatusTooManyRequests:
		return KindSecondaryLimit, after
	case contains(said, "suspended"):
		return KindSuspended, 0
	case contains(said, "disabled", "not enabled", "must be enabled", "upgrade to github", "archived"):
		return KindDisabled, 0
	default:
		return KindPermission, 0
	}
}

func contains(s string, words ...string) bool {
	for _, word := range words {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}

// serverNow is the time by GitHub's own clock, to which its limits refer.
func serverNow(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

// budgetSpent tells how long there is no budget left, 0 when there is some.
func budgetSpent(h http.Header, now time.Time) time.Duration {
	if h.Get("X-Ratelimit-Remaining") != "0" {
		return 0
	}
	if resource := h.Get("X-Ratelimit-Resource"); resource != "" && resource != "core" {
		return 0
	}
	reset, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	return clamp(time.Unix(reset, 0).Sub(serverNow(h, now)) + time.Second)
}

func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return clamp(time.Duration(seconds) * time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return clamp(at.Sub(serverNow(h, now)))
	}
	return 0
}

// clamp keeps a wait between one second and a day: a limit is never over
// already, and a nonsensical date shall not close an installation for ever.
func clamp(d time.Duration) time.Duration {
	return min(max(d, time.Second), 24*time.Hour)
}

// accepted turns GitHub's list of permissions that would have done
// ("pull_requests=read,checks=write; …") into its people's words.
func accepted(header string) string {
	first, _, _ := strings.Cut(header, ";")
	var names []string
	for _, pair := range strings.Split(first, ",") {
		name, level, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || !plainWord(name) || !plainWord(level) {
			continue
		}
		name = strings.ReplaceAll(name, "_", " ")
		names = append(names, strings.ToUpper(name[:1])+name[1:]+": "+level)
	}
	return strings.Join(names, " and ")
}

func plainWord(s string) bool {
	return s != "" && len(s) <= 60 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// Tokens as they occur in messages: GitHub's own, JWTs, keys, credentials in
// addresses and in headers.
var secretShapes = regexp.MustCompile(`gh[a-z]_[A-Za-z0-9_]{8,}|github_pat_[A-Za-z0-9_]+|` +
	`eyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*|\bv1\.[0-9a-f]{40}\b|` +
	`-----BEGIN[^-]*-----[^-]*(?:-----END[^-]*-----)?|` +
	`(?i:bearer|token|basic) [A-Za-z0-9._~+/=-]{12,}|//[^/\s@]+@`)

// redact removes what looks like a secret and cuts the text.
func redact(s string) string {
	s = secretShapes.ReplaceAllString(s, "[redacted]")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	const longest = 300
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "…"
	}
	return s
}
