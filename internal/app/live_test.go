package app

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/sandbox"
)

// told returns the notices of a kind that were posted, the oldest first.
func (w *world) told(kind notify.Kind) []notify.Notice {
	w.t.Helper()
	rows, err := w.app.store.Read().QueryContext(w.ctx, `SELECT body FROM notice WHERE kind = $1 ORDER BY id`, string(kind))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() {
		if err := rows.Close(); err != nil {
			w.t.Error(err)
		}
	}()
	var list []notify.Notice
	for rows.Next() {
		var body string
		var n notify.Notice
		if err := rows.Scan(&body); err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(body), &n); err != nil {
			w.t.Fatal(err)
		}
		list = append(list, n)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return list
}

// once returns the only notice of a kind.
func (w *world) once(kind notify.Kind) notify.Notice {
	w.t.Helper()
	list := w.told(kind)
	if len(list) != 1 {
		w.t.Fatalf("%d notices of kind %s: %v", len(list), kind, list)
	}
	return list[0]
}

func textOfNotice(n notify.Notice) string {
	var lines []string
	for _, l := range n.Lines {
		lines = append(lines, l.String())
	}
	return strings.Join(lines, "\n")
}

// howMany counts the ledger's entries of a kind.
func (w *world) howMany(kind ledger.Kind) (n int) {
	w.t.Helper()
	err := w.app.store.Read().QueryRowContext(w.ctx, `SELECT COUNT(*) FROM entry WHERE kind = $1`, string(kind)).Scan(&n)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// windowOf returns the only window of a release.
func (w *world) windowOf(tag string) ledger.Window {
	w.t.Helper()
	all, err := w.app.ledger.WindowsOf(w.ctx, w.repo.ID(), tag)
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%d windows of %s: %v", len(all), tag, err)
	}
	return all[0]
}

// under commits a policy to the default branch.
func (w *world) under(policy string) {
	w.t.Helper()
	w.repo.Commit("sam", "main", map[string]string{".github/gonogo.yml": policy})
	w.quiet()
}

// ships merges a medium pull request that is READY; more replaces lines of its
// record.
func (w *world) ships(more ...string) *sandbox.PullRequest {
	w.t.Helper()
	pr := w.opens("medium", more...)
	pr.Approve("lee")
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.merges(pr, "squash")
	return pr
}

// publishes publishes a release, and lets everything settle.
func (w *world) publishes(tag string) {
	w.t.Helper()
	w.repo.Release("sam", sandbox.ReleaseSpec{Tag: tag})
	w.quiet()
}

func TestReleaseGoesLiveByItsDeployment(t *testing.T) {
	w := newWorld(t)
	w.under("smoke: {environment: production}\nask: none\n")
	w.ships()
	w.publishes("v1.0.0")
	if list := w.told(notify.KindLive); len(list) != 0 {
		t.Fatalf("it was announced before its smoke test: %v", list)
	}
	d := w.repo.Deploy("sam", "production", "main")
	d.Status("sam", "in_progress")
	w.quiet()
	if list := w.told(notify.KindLive); len(list) != 0 {
		t.Fatalf("it was announced while it was deployed: %v", list)
	}
	d.Status("sam", "success")
	w.quiet()
	d.Status("sam", "inactive") // another took its place
	d.Status("sam", "success")
	w.repo.Deploy("sam", "production", "main").Status("sam", "failure")
	w.quiet()
	n, win := w.once(notify.KindLive), w.windowOf("v1.0.0")
	want := "✅ RELEASE LIVE — cart — " + win.Opened.Format("2006-01-02 15:04 UTC") + " — smoke test: PASS"
	if got := n.Lines[0].String(); got != want {
		t.Errorf("announced as\n%q, want\n%q", got, want)
	}
	if !slices.Equal(n.To, []string{"#agent-handoffs"}) {
		t.Errorf("announced to %q", n.To)
	}
	if i := slices.IndexFunc(n.Lines[0], func(p notify.Piece) bool { return p.Text == "cart" }); i < 0 || !n.Lines[0][i].User {
		t.Errorf("the feature's name is a user's text: %v", n.Lines[0])
	}
	if win.Ends.Sub(win.Opened) != 24*time.Hour || w.howMany(ledger.KindLive) != 1 {
		t.Errorf("window %v to %v, %d entries", win.Opened, win.Ends, w.howMany(ledger.KindLive))
	}
	if v := w.repo.Run(w.repo.Tip("main"), checkName).View(); !strings.Contains(v.Text, "Monitoring window: open until "+win.Ends.Format(time.RFC3339)) {
		t.Errorf("the release's check does not show its window:\n%s", v.Text)
	}
}

func TestReleaseGoesLiveByACheck(t *testing.T) {
	w := newWorld(t)
	w.under("smoke: {check: smoke}\nannounce: '#ship'\nask: none\n")
	w.ships()
	w.publishes("v1.0.0")
	if list := w.told(notify.KindLive); len(list) != 0 {
		t.Fatalf("it was announced before its smoke test: %v", list)
	}
	w.repo.Check(w.repo.Tip("main"), sandbox.Check{Name: "smoke", Conclusion: "failure"})
	w.quiet()
	n := w.once(notify.KindLive)
	if got := n.Lines[0].String(); !strings.HasSuffix(got, " — smoke test: FAIL") || n.To[0] != "#ship" {
		t.Errorf("announced as %q to %q", got, n.To)
	}
}

func TestWithoutAPolicyNobodyIsToldAndTheWindowExists(t *testing.T) {
	w := newWorld(t)
	w.ships()
	w.publishes("v1.0.0")
	for _, kind := range notify.Kinds {
		for _, n := range w.told(kind) {
			if len(n.To)+len(n.Roles)+len(n.Items) > 0 {
				t.Errorf("%s is told to %q, %q, %v", kind, n.To, n.Roles, n.Items)
			}
		}
	}
	if win := w.windowOf("v1.0.0"); win.Smoke != gate.SmokeNotRun || win.Channel != "" {
		t.Errorf("%+v", win)
	}
}

func TestAReleaseThatIsEditedLaterAnnouncesNothing(t *testing.T) {
	w := newWorld(t)
	w.under("smoke: {environment: production}\nask: none\n")
	w.ships()
	rel := w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.0.0"})
	d := w.repo.Deploy("sam", "production", "main")
	w.down()
	d.Status("sam", "success")
	w.clock.advance(30 * 24 * time.Hour)
	w.up()
	w.quiet()
	rel.Edit("sam", "typo")
	w.quiet()
	if list := w.told(notify.KindLive); len(list) != 0 {
		t.Errorf("last month's release was announced: %v", list)
	}
}

func TestTheAuthorizationTableIsTold(t *testing.T) {
	w := newWorld(t)
	w.under(`roles: {CEO: {users: [sam]}, CRO: {users: [lee]}, CDO: {users: [dana]}}
authorization:
  - {types: [hotfix], approve: [CDO], notify: [CEO], channel: "#exec-checkins"}
  - {notify: [CRO], channel: "#agent-handoffs"}
  - {notify: [CDO], channel: "#exec-checkins"}
capabilities: {paths: ["cart/**"], notify: [CDO]}
ask: none
`)
	w.ships("- Risk class: medium\n- Release type: hotfix")
	hotfix := map[string]string{}
	for _, n := range w.told(notify.KindAuthorized) {
		hotfix[strings.Join(n.Roles, ", ")] = n.Lines[0].String()
	}
	if !strings.HasPrefix(hotfix["CEO"], "HOTFIX AUTHORIZED — acme/shop#1 ") || len(hotfix) != 3 {
		t.Errorf("told before it is released: %v", hotfix)
	}
	w.publishes("v1.0.0")
	to := map[string][]string{}
	for _, n := range w.told(notify.KindAuthorized) {
		if len(n.To) == 1 && strings.HasPrefix(n.Lines[0].String(), "Released: v1.0.0") {
			to[n.To[0]] = n.Roles
			if !strings.Contains(textOfNotice(n), "Release-Authorized-By: @dana (GO on ") {
				t.Errorf("who authorized it is not told:\n%s", textOfNotice(n))
			}
		}
	}
	if !slices.Equal(to["#exec-checkins"], []string{"CDO", "CEO"}) || !slices.Equal(to["#agent-handoffs"], []string{"CRO"}) {
		t.Errorf("told: %v", to)
	}
	if n := w.once(notify.KindCapabilities); !slices.Equal(n.Roles, []string{"CDO"}) {
		t.Errorf("agents are told as %v", n.Roles)
	}
	if win := w.windowOf("v1.0.0"); win.Ends.Sub(win.Opened) != 4*time.Hour {
		t.Errorf("a hotfix is watched for %s", win.Ends.Sub(win.Opened))
	}
}
