package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// Marker identifies a comment of ours by what it answers. It is an HTML
// comment, which readers do not see.
func Marker(kind, key string) string {
	data, err := json.Marshal(map[string]string{kind: key})
	if err != nil {
		panic(err) // a map of strings always marshals
	}
	return "<!-- gonogo " + string(data) + " -->"
}

// Reply renders the short answer to a command that was refused or not
// understood: one sentence, and the line to type where there is one. No line of
// it starts with a slash, so that nobody's robot takes it for a command.
func Reply(login, sentence, line, key string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s.", value("@"+login), strings.TrimRight(markdown(sentence), ". "))
	if line != "" {
		fmt.Fprintf(&b, " Type %s.", value(line))
	}
	fmt.Fprintf(&b, "\n\n%s\n", Marker("reply", key))
	return b.String()
}

// SignoffOf is a sign-off that a policy asks for, and the role that gives it.
type SignoffOf struct{ Name, Role string }

// OverrideOf is who may override, in words, and for how long; the zero value is
// nobody.
type OverrideOf struct {
	Who string
	For time.Duration
}

// Help renders the commands that apply to a pull request and who may use them.
// deciders are the roles whose people decide.
func Help(ev gate.Evaluation, deciders []string, signoffs []SignoffOf, override OverrideOf, key string) string {
	sha := gate.Short(ev.PR.HeadSHA)
	who := "release managers"
	if len(deciders) > 1 {
		who = "people with one of the roles " + cell(gate.Quote(strings.Join(deciders, ", ")))
	}
	rows := [][3]string{
		{"/go " + sha + " [reason]", who + " who wrote none of it", "a GO for this commit, base branch, policy and record"},
		{"/no-go [reason]", who, "nothing merges until the same person or another release manager says /go"},
	}
	for _, s := range signoffs {
		rows = append(rows, [3]string{"/signoff " + s.Name, "people with the role " + cell(gate.Quote(s.Role)) + " who wrote none of it", "signs off this commit, base branch, policy and record"})
	}
	rows = append(rows, [3]string{"/accept-secret FINGERPRINT reason", "release managers who wrote none of it", "says that a finding of code/secrets is no credential; the check shows the line"})
	if override.For > 0 {
		rows = append(rows, [3]string{
			"/override reason", cell(override.Who),
			fmt.Sprintf("lets this commit pass against the verdict for %d minutes, in everybody's sight; not against a /no-go, and by two people where a credential is found", int(override.For.Minutes())),
		})
	}
	rows = append(rows, [][3]string{
		{"/rollback #123 reason", "release managers", "calls the rollback of a merged pull request; on that one itself without its number"},
		{"/recheck", "anyone with write access", "reads all evidence again"},
		{"/gonogo help", "anyone", "shows this table"},
	}...)
	var b strings.Builder
	b.WriteString("| command | who | what it does |\n|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(gate.Quote(r[0])), r[1], r[2])
	}
	fmt.Fprintf(&b, "\nA command is a line of its own in a new comment; edited text is never a command.\n\n%s\n", Marker("reply", key))
	return b.String()
}

// maxAsked is how many people one comment asks.
const maxAsked = 3

// Ask renders the comment that asks for a decision. It is the one text in which
// people are mentioned so that GitHub notifies them: logins read from the API,
// three at most. For an author without write access, who can do nothing about it,
// it says that the maintainers must.
func Ask(ev gate.Evaluation, deciders []gate.User, lapsed string, outsider bool) string {
	var names []string
	for _, u := range deciders[:min(len(deciders), maxAsked)] {
		if isLogin(u.Login) {
			names = append(names, "@"+u.Login)
		}
	}
	who := strings.Join(names, ", ")
	if who == "" {
		who = "Release managers"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: this %s-risk pull request waits for your decision on `%s`.", who, ev.Class, gate.Short(ev.PR.HeadSHA))
	if outsider {
		b.WriteString(" Its author has no write access here: what is still to do is the maintainers'.")
	}
	if lapsed != "" {
		fmt.Fprintf(&b, " An earlier GO no longer counts: %s.", strings.TrimRight(markdown(lapsed), ". "))
	}
	fmt.Fprintf(&b, "\n\nTo release it, comment %s. To stop it, comment %s. What was verified stands in the check run.\n\n%s\n",
		codeSpan("/go "+gate.Short(ev.PR.HeadSHA)), codeSpan("/no-go reason"), Marker("ask", fmt.Sprint(ev.PR.Number)))
	return b.String()
}

// isLogin reports whether s can be an account's login, which nothing else
// would be safe to mention.
func isLogin(s string) bool {
	return s != "" && len(s) <= 60 && !slices.ContainsFunc([]rune(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}
