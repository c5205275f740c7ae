package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/queue"
	"gonogo/internal/sandbox"
)

// routes are all that an evaluation reads.
var routes = []string{
	"/repos/{owner}/{repo}/pulls/{number}",
	"/repos/{owner}/{repo}/pulls/{number}/files",
	"/repos/{owner}/{repo}/pulls/{number}/commits",
	"/repos/{owner}/{repo}/pulls/{number}/reviews",
	"/repos/{owner}/{repo}/commits/{ref...}/check-runs",
	"/repos/{owner}/{repo}/commits/{ref...}/status",
	"/repos/{owner}/{repo}/issues",
	"/repos/{owner}/{repo}/issues/{number}/comments",
	"/repos/{owner}/{repo}/secret-scanning/alerts",
	"/repos/{owner}/{repo}/rules/branches/{branch...}",
	"/repos/{owner}/{repo}/contents/{path...}",
	"/repos/{owner}/{repo}/collaborators/{username}/permission",
	"/users/{username}",
}

// successes counts the check runs that were written as success.
func (w *world) successes() int {
	return w.gh.Count(func(r sandbox.Request) bool {
		return r.Method != http.MethodGet && strings.Contains(r.Path, "/check-runs") && strings.Contains(r.Body, `"conclusion":"success"`)
	})
}

// Case 66: a failed read never becomes a pass, and heals by itself.
func TestFailedReadIsNeverAPass(t *testing.T) {
	for _, route := range routes {
		for _, fault := range []sandbox.Fault{{Status: 500}, {Reset: true}, {Cut: true}} {
			t.Run(fmt.Sprintf("%s %d %v %v", route, fault.Status, fault.Reset, fault.Cut), func(t *testing.T) {
				w := newWorld(t)
				pr := w.opens("medium")
				pr.Approve("lee")
				w.shows(pr, "WAITING · go-missing")
				w.quiet()
				fault.Method, fault.Route = http.MethodGet, route
				w.gh.Fail(fault)
				seen := len(w.gh.Requests())
				pr.Comment("dana", "/go "+pr.Head())
				w.quiet()
				if n := w.matching(route, seen); n == 0 {
					t.Fatalf("no request asked %s: the fault was not met", route)
				}
				if w.successes() > 0 {
					t.Fatalf("READY was published while %s failed", route)
				}
				w.gh.Mend()
				w.heal()
				w.shows(pr, "READY · medium")
			})
		}
	}
}

// heal lets the time pass after which everything that failed is tried again.
func (w *world) heal() {
	w.t.Helper()
	w.quiet()
	w.clock.advance(2 * time.Minute)
	if err := w.app.queue.Poll(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) matching(route string, from int) int {
	n := 0
	for _, r := range w.gh.Requests()[from:] {
		if r.Route == route {
			n++
		}
	}
	return n
}

// Case 66: after 15 minutes the check says that it cannot verify.
func TestNotVerified(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}/reviews", Status: 502})
	pr.Label("kim", "x")
	v := w.shows(pr, "WAITING · github-down · cannot verify, retrying: the reviews")
	if v.Status != "in_progress" {
		t.Errorf("status %q", v.Status)
	}
	w.later(16 * time.Minute)
	v = w.stays(pr, "NOT VERIFIED · github-down · the reviews could not be read since ")
	if v.Conclusion != "failure" {
		t.Errorf("conclusion %q", v.Conclusion)
	}
	w.gh.Mend()
	w.later(time.Minute)
	w.stays(pr, "READY · medium")
}

func TestPullRequestItselfUnreadable(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}", Status: 503})
	pr.Label("kim", "x")
	w.shows(pr, "WAITING · github-down")
	w.gh.Mend()
	w.heal()
	w.shows(pr, "READY · medium")
}

// Case 67: no request inside a closed window.
func TestLimits(t *testing.T) {
	for _, l := range []sandbox.Limit{
		{For: 5 * time.Minute}, {For: 5 * time.Minute, Secondary: true}, {For: time.Minute, Secondary: true, Status: 429}, {For: 30 * time.Second, Secondary: true, Mute: true},
	} {
		t.Run(fmt.Sprintf("%+v", l), func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("medium")
			pr.Approve("lee")
			w.shows(pr, "WAITING · go-missing")
			w.quiet()
			w.gh.Limit(l)
			pr.Comment("dana", "/go "+pr.Head())
			w.quiet()
			closed := w.gh.Count(func(r sandbox.Request) bool { return r.Closed })
			pr.Label("kim", "x")
			w.quiet()
			if again := w.gh.Count(func(r sandbox.Request) bool { return r.Closed }); again != closed {
				t.Errorf("%d more requests inside the closed window", again-closed)
			}
			w.clock.advance(6 * time.Minute)
			w.gh.Mend()
			if err := w.app.queue.Poll(w.ctx); err != nil {
				t.Fatal(err)
			}
			pr.Label("kim", "y")
			w.shows(pr, "READY · medium")
		})
	}
}

// Bad input of issue and spec: each gives a named reason, none a pass.
func TestBadInput(t *testing.T) {
	hidden := func(s string) string { return "<!--\n" + s }
	tests := []struct {
		name  string
		setup func(*world) *sandbox.PullRequest
		title string
	}{
		{"two records", func(w *world) *sandbox.PullRequest { return w.says(body("low") + "\n" + body("low")) }, "WAITING · duplicate-block"},
		{"a hidden record", func(w *world) *sandbox.PullRequest { return w.says(hidden(body("low"))) }, "WAITING · no-block"},
		{"a fenced record", func(w *world) *sandbox.PullRequest { return w.says("```\n" + body("low") + "\n```") }, "WAITING · no-block"},
		{"a look-alike", func(w *world) *sandbox.PullRequest { return w.says(body("lоw")) }, "WAITING · confusable"},
		{"the record says NO-GO", func(w *world) *sandbox.PullRequest { return w.says(body("low", "- Decision: NO-GO")) }, "NOT READY · "},
		{"GO with a failed decision gate", func(w *world) *sandbox.PullRequest {
			return w.says(body("low", "  - decision gate: fail"))
		}, "NOT READY · "},
		{"64 KiB of nesting", func(w *world) *sandbox.PullRequest { return w.says(strings.Repeat("- ", 30_000) + "x") }, "WAITING · body-too-deep"},
		{"an invalid policy", func(w *world) *sandbox.PullRequest {
			w.repo.Commit("sam", "main", map[string]string{".github/gonogo.yml": "checks:\n  requird: [build]\n"})
			return w.says(body("low"))
		}, "NOT READY · policy-invalid"},
		{"an unreadable policy", func(w *world) *sandbox.PullRequest {
			w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/contents/{path...}", Status: 500})
			return w.says(body("low"))
		}, "WAITING · github-down"},
		{"a team that cannot be read", func(w *world) *sandbox.PullRequest {
			w.acme.Team("ops", "lee").Hide()
			return w.says(body("medium", "- Rollback owner: @acme/ops"))
		}, "WAITING · go-missing · no release manager has said /go on "}, // the team is for an administrator: it stands below
		{"an owner who does not exist", func(w *world) *sandbox.PullRequest {
			return w.says(body("medium", "- Rollback owner: @leee"))
		}, "WAITING · owner-unknown"},
		{"a low change to billing", func(w *world) *sandbox.PullRequest {
			return w.opened(body("low"), map[string]string{"billing/invoice.go": "package billing\n"})
		}, "NOT READY · risk-floor"},
		{"a committed key", func(w *world) *sandbox.PullRequest {
			return w.opened(body("low"), map[string]string{"a.go": "const k = \"ghp_" + "R7xq2mV9tLk4Zp8sWn3Yc6Hd1Jf5Gb0aTeUo\"\n"})
		}, "NOT READY · secret-found"},
		{"3,412 files", func(w *world) *sandbox.PullRequest {
			files := map[string]string{}
			for i := range 3412 {
				files[fmt.Sprintf("f%d.txt", i)] = "x\n"
			}
			return w.opened(body("low"), files)
		}, "NOT READY · too-large"},
		{"only a neutral result", func(w *world) *sandbox.PullRequest {
			pr := w.opened(body("low"), map[string]string{"a.go": "package a\n"})
			pr.Check("build", "neutral")
			return pr
		}, "WAITING · ci-neutral"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			pr := tt.setup(w)
			if tt.name != "only a neutral result" {
				pr.Check("build", "success")
			}
			pr.Approve("lee")
			v := w.shows(pr, tt.title)
			if strings.Contains(tt.name, "team") && !strings.Contains(v.Summary, "`cannot-read-team`") {
				t.Errorf("the unreadable team is not named:\n%s", v.Summary)
			}
			if w.successes() > 0 {
				t.Error("a pass was published")
			}
		})
	}
}

func (w *world) says(text string) *sandbox.PullRequest {
	return w.opened(text, map[string]string{"cart/total.go": "package cart\n"})
}

func (w *world) opened(text string, files map[string]string) *sandbox.PullRequest {
	return w.repo.Open("kim", sandbox.Change{Title: "A change", Branch: "change", Body: text, Files: files})
}

func TestSecretScanningNotAvailable(t *testing.T) {
	w := newWorld(t)
	w.repo.SecretScanning(false)
	pr := w.says(body("low"))
	pr.Check("build", "success")
	pr.Approve("lee")
	v := w.shows(pr, "READY · low")
	if !strings.Contains(v.Summary, "alerts-not-enabled") {
		t.Errorf("the summary does not say that alerts are not readable:\n%s", v.Summary)
	}
}

func TestDeletedFork(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("eve", sandbox.Change{Title: "From afar", Fork: true, Body: body("low"), Files: map[string]string{"a.go": "package a\n"}})
	pr.Check("build", "success")
	w.shows(pr, "WAITING · approvals-missing")
	pr.LoseFork()
	pr.Approve("lee")
	w.shows(pr, "READY · low")
}

// Case 73: a lost answer leaves one run, not two.
func TestLostAnswerToTheCheckRun(t *testing.T) {
	w := newWorld(t)
	w.gh.Fail(sandbox.Fault{Method: http.MethodPost, Route: "/repos/{owner}/{repo}/check-runs", Cut: true, Times: 1})
	pr := w.says(body("low"))
	w.heal()
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	w.quiet()
	n := 0
	for _, r := range w.repo.Runs(pr.Head()) {
		if r.Name == checkName {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d runs, want 1", n)
	}
}

// Case 12: what failed for the last time says so, and the next event revives it.
func TestDeadPullRequest(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.app.dead(w.ctx, queue.PR(w.repo.ID(), pr.Number()), errors.New("boom"))
	v := w.stays(pr, "NOT VERIFIED · internal · the evaluation failed 8 times")
	if v.Conclusion != "failure" {
		t.Errorf("conclusion %q", v.Conclusion)
	}
	pr.Label("kim", "x")
	w.shows(pr, "READY · medium")
}

// Case 8: a payload that claims a repository for another installation.
func TestForeignPayload(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	other := w.gh.Org("globex")
	globex := other.Repo("core")
	globex.Grant("mallory", "write")
	globex.Grant("eve", "write")
	theirs := globex.Open("mallory", sandbox.Change{Title: "Theirs", Body: "no record", Files: map[string]string{"a.go": "package a\n"}})
	w.shows(theirs, "WAITING · no-block")
	w.quiet()
	// acme's pull request, signed with the right secret, but claimed for globex's
	// installation.
	for i, d := range w.gh.Deliveries() {
		if d.Event != "pull_request" || !strings.Contains(string(d.Payload), `"acme/shop"`) {
			continue
		}
		forged := strings.ReplaceAll(string(d.Payload), fmt.Sprintf(`"id":%d`, w.acme.InstallationID()), fmt.Sprintf(`"id":%d`, other.InstallationID()))
		if status := w.deliver(d.Event, fmt.Sprintf("00000000-0000-4000-8000-%012d", i), []byte(forged)); status != http.StatusAccepted {
			t.Errorf("answered %d", status)
		}
	}
	w.quiet()
	for _, r := range w.gh.Requests() {
		if r.Method == http.MethodGet || !strings.Contains(r.Path, "/check-runs") {
			continue
		}
		if strings.Contains(r.Path, "globex") && strings.Contains(r.Body, pr.Head()) {
			t.Errorf("a write to the other tenant: %s", r.Path)
		}
	}
	w.stays(pr, "READY · medium")
}

// deliver sends a signed delivery to the door.
func (w *world) deliver(event, guid string, payload []byte) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.app.URL()+HookPath, bytes.NewReader(payload))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", event)
	req.Header.Set("X-GitHub-Delivery", guid)
	req.Header.Set("X-Hub-Signature-256", sandbox.Sign(secret, payload))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// Cases 5 and 7: repeated, replayed and shuffled deliveries change nothing.
func TestReplayChangesNothing(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	pr.Comment("sam", "/no-go wait")
	w.shows(pr, "NOT READY · nogo-stands")
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.quiet()
	comments := len(pr.Comments())
	decisions := w.decisions(pr)
	n := 0
	deliveries := w.gh.Deliveries()
	for i := range deliveries {
		d := deliveries[len(deliveries)-1-i]
		for range 2 {
			n++
			w.deliver(d.Event, fmt.Sprintf("00000000-0000-4000-8000-%012d", n), d.Payload)
		}
		w.deliver(d.Event, d.GUID, d.Payload)
	}
	w.stays(pr, "READY · medium")
	if got := w.decisions(pr); got != decisions {
		t.Errorf("decisions\n got %s\nwant %s", got, decisions)
	}
	if n := len(pr.Comments()); n != comments {
		t.Errorf("%d comments, want %d", n, comments)
	}
}

func (w *world) decisions(pr *sandbox.PullRequest) string {
	w.t.Helper()
	list, err := w.app.ledger.History(w.ctx, w.repo.ID(), pr.Number())
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := json.Marshal(list.Decisions)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// A late evaluation says that it is under way, and never leaves an old pass.
func TestSlowEvaluation(t *testing.T) {
	w := newWorld(t)
	w.repo.Require("main", sandbox.Required{Name: checkName, App: w.gh.AppID()})
	pr := w.opens("medium")
	w.shows(pr, "WAITING · approvals-missing")
	w.quiet()
	hold, release := make(chan struct{}), make(chan struct{})
	first := true
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}/reviews", Before: func(*http.Request) {
		if first {
			first = false
			close(hold)
			<-release
		}
	}})
	pr.Push("kim", map[string]string{"b.go": "package b\n"})
	<-hold
	v := w.shows(pr, "WAITING · evaluating")
	close(release)
	if v.Status != "in_progress" {
		t.Errorf("status %q", v.Status)
	}
	pr.Check("build", "success")
	w.shows(pr, "WAITING · approvals-missing")
}

// A conversation that cannot be written in never turns a verdict.
func TestAnswersThatCannotBeWritten(t *testing.T) {
	for _, status := range []int{403, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("medium")
			pr.Approve("lee")
			w.shows(pr, "WAITING · go-missing")
			w.quiet()
			w.gh.Fail(sandbox.Fault{Method: http.MethodPost, Route: "/repos/{owner}/{repo}/issues/comments/{id}/reactions", Status: status,
				Body: `{"message":"Resource not accessible by integration"}`})
			pr.Comment("dana", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
			for range 10 {
				w.later(2 * time.Hour)
			}
			w.stays(pr, "READY · medium")
		})
	}
}

func TestTransferredRepository(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.repo.Transfer("sam", w.gh.Org("globex"))
	w.quiet()
	pr.Push("kim", map[string]string{"b.go": "package b\n"})
	w.shows(pr, "WAITING · ")
}

func TestRenamedRepository(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.repo.Rename("sam", "store")
	w.quiet()
	pr.Push("kim", map[string]string{"b.go": "package b\n"})
	w.shows(pr, "WAITING · ")
}

// Case 69: suspended, nothing is asked; back again, everything is made up for.
func TestSuspendedInstallation(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.acme.Suspend()
	w.quiet()
	seen := len(w.gh.Requests())
	pr.Push("kim", map[string]string{"b.go": "package b\n"})
	w.quiet()
	if n := len(w.gh.Requests()) - seen; n > 3 {
		t.Errorf("%d requests for a suspended installation", n)
	}
	w.acme.Unsuspend()
	w.shows(pr, "WAITING · ")
}

// An event overtakes GitHub's own copies: the pull request is not there yet.
func TestPullRequestNotThereYet(t *testing.T) {
	w := newWorld(t)
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}", Status: 404, Times: 1})
	pr := w.says("no record")
	w.quiet()
	w.later(5 * time.Second)
	w.shows(pr, "WAITING · no-block")
}

// First contact while the pull request cannot be read: its check says so.
func TestFirstContactFails(t *testing.T) {
	w := newWorld(t)
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}", Status: 502})
	pr := w.says("no record")
	if v := w.shows(pr, "WAITING · github-down"); v.Status != "in_progress" {
		t.Errorf("status %q", v.Status)
	}
	w.gh.Mend()
	w.heal()
	w.shows(pr, "WAITING · no-block")
}

// A passing fault costs seconds, not half a minute.
func TestFirstRetryIsSoon(t *testing.T) {
	w := newWorld(t)
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}/reviews", Status: 502, Times: 1})
	pr := w.says("no record")
	w.quiet()
	w.later(3 * time.Second)
	w.shows(pr, "WAITING · no-block")
	if f := pr.Verdict(checkName); strings.Contains(f.Summary, "github-down") {
		t.Errorf("not read again:\n%s", f.Summary)
	}
}

// A client that never finishes its request neither keeps the server from
// stopping nor makes the stop a failure.
func TestStopWithAHangingClient(t *testing.T) {
	w := newWorld(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.app.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST "+HookPath+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	w.quiet()
	w.stop() // fails the test when the server ends with an error
}
