package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/policy"
	"gonogo/internal/sandbox"
)

// rules commits a policy, and other files of the base branch, and lets the
// people of its roles read.
func (w *world) rules(yaml string, files ...string) {
	w.t.Helper()
	for _, login := range []string{"cleo", "devi", "carl", "mona", "quinn", "wren"} {
		w.repo.Grant(login, "read")
	}
	all := map[string]string{policy.Path: yaml}
	for i := 0; i+1 < len(files); i += 2 {
		all[files[i]] = files[i+1]
	}
	w.repo.Commit("sam", "main", all)
	w.quiet()
}

// reviewed opens a medium pull request that lee has approved; lines are added
// to its record.
func (w *world) reviewed(lines ...string) *sandbox.PullRequest {
	w.t.Helper()
	return w.reviewedWith(map[string]string{"cart/total.go": "package cart\n"}, body("medium"), lines...)
}

func (w *world) reviewedWith(files map[string]string, record string, lines ...string) *sandbox.PullRequest {
	w.t.Helper()
	for _, l := range lines {
		record += l + "\n"
	}
	pr := w.repo.Open("kim", sandbox.Change{Title: "Faster totals", Branch: "faster", Body: record, Files: files})
	pr.Check("build", "success")
	pr.Approve("lee")
	return pr
}

// says asserts that a text holds all of the words.
func says(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("it does not say %q:\n%s", word, text)
		}
	}
}

func TestWindowOpensAndShutsByItself(t *testing.T) {
	w := newWorld(t)
	opens := w.clock.now().UTC().Add(2 * time.Hour)
	w.rules(fmt.Sprintf("windows: [{days: [%s], from: %q, to: \"24:00\"}]\n", strings.ToLower(opens.Weekday().String()[:3]), opens.Format("15:04")))
	pr := w.reviewed()
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	v := w.shows(pr, "WAITING · window-closed")
	says(t, v.Summary, opens.Format("2006-01-02 15:04")+" UTC", "in 2 h")
	w.later(2*time.Hour + time.Minute)
	w.stays(pr, "READY · medium")
	shuts := opens.Truncate(24 * time.Hour).Add(24 * time.Hour)
	w.later(shuts.Sub(w.clock.now()) + time.Second)
	w.stays(pr, "WAITING · window-closed")
}

func TestFreezeLetsOutWhomItsExceptionNames(t *testing.T) {
	w := newWorld(t)
	now := w.clock.now().UTC()
	w.rules(fmt.Sprintf("roles: {CDO: {users: [cleo]}}\nexceptions: CDO\nfreezes: [{name: year's end, from: %q, to: %q}]\n",
		now.Add(-time.Hour).Format(time.RFC3339), now.Add(72*time.Hour).Format(time.RFC3339)))
	pr := w.reviewed()
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	v := w.shows(pr, "WAITING · freeze")
	says(t, v.Summary, "year's end", "in 3 days", "CDO")
	pr.Comment("cleo", "/go "+pr.Head()+" the checkout is down")
	v = w.shows(pr, "READY · medium")
	says(t, v.Summary, "let this head out", "cleo")
	pr.Push("kim", map[string]string{"cart/b.go": "package cart\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · stale-go")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "WAITING · freeze")
}

func TestQASignsOff(t *testing.T) {
	w := newWorld(t)
	w.rules("roles: {QA: {users: [quinn]}}\nsignoffs: {qa: {role: QA}}\ngo: {medium: 0}\n")
	pr := w.reviewed()
	v := w.shows(pr, "WAITING · signoff-missing")
	says(t, v.Summary, "/signoff qa")
	w.quiet()
	pr.Comment("lee", "/signoff qa")
	w.stays(pr, "WAITING · signoff-missing")
	pr.Comment("quinn", "/signoff security")
	w.stays(pr, "WAITING · signoff-missing")
	replies := strings.Join(w.replies(pr), "\n")
	says(t, replies, "is given by people with the role `QA`", "is no sign-off", "Type `/signoff qa`")
	signed := pr.Comment("quinn", "/signoff qa")
	v = w.shows(pr, "READY · medium")
	says(t, v.Text, "### Sign-offs", "| `@quinn` | `qa` |")
	signed.Delete("lee")
	v = w.shows(pr, "WAITING · signoff-lapsed")
	says(t, v.Summary, "deleted by")
	pr.Comment("quinn", "/sign-off QA")
	w.shows(pr, "READY · medium")
	pr.Push("kim", map[string]string{"cart/b.go": "package cart\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · signoff-lapsed")
}

func TestNobodySignsOffTheirOwn(t *testing.T) {
	w := newWorld(t)
	w.rules("roles: {QA: {users: [kim, quinn]}}\nsignoffs: {qa: {role: QA}}\ngo: {medium: 0}\n")
	pr := w.reviewed()
	w.shows(pr, "WAITING · signoff-missing")
	w.quiet()
	pr.Comment("kim", "/signoff qa")
	w.stays(pr, "WAITING · signoff-missing")
	says(t, strings.Join(w.replies(pr), "\n"), "nobody signs off their own")
}

func TestCodeOwnersApprove(t *testing.T) {
	w := newWorld(t)
	w.acme.Team("payments", "pat").Grant(w.repo, "write")
	w.rules("requirements: {review/owners: {blocks: low}}\ngo: {medium: 0}\n", "CODEOWNERS", "* @lee\n[oops\ncart/ @acme/payments\n")
	pr := w.reviewed()
	v := w.shows(pr, "WAITING · owners-missing")
	says(t, v.Summary, "@acme/payments", "cart/total.go")
	pr.Approve("pat")
	w.shows(pr, "READY · medium")
	pr.Push("kim", map[string]string{"cart/b.go": "package cart\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · owners-missing")
}

func TestTrackerItemsAreDone(t *testing.T) {
	w := newWorld(t)
	w.rules("requirements: {operational/tracker: {blocks: low}}\ngo: {medium: 0}\n")
	issue := w.repo.OpenIssue("bob", "Totals are slow", "")
	pr := w.reviewed(fmt.Sprintf("- Tracker items: #%d", issue.Number()))
	w.shows(pr, "WAITING · tracker-open")
	issue.Close("bob")
	w.shows(pr, "WAITING · tracker-note")
	issue.Reopen("bob")
	w.shows(pr, "WAITING · tracker-open")
	issue.Comment("bob", "Shipped in #2, measured at 40 ms.")
	issue.Close("bob")
	w.shows(pr, "READY · medium")
	pr.Edit("kim", body("medium")+"- Tracker items: other/secret#1\n")
	w.shows(pr, "WAITING · tracker-unclear")
	for _, r := range w.gh.Requests() {
		if strings.Contains(r.Path, "other/secret") {
			t.Errorf("a repository that the policy does not list was read: %s", r.Path)
		}
	}
}

func TestCompanionsChangeTogether(t *testing.T) {
	w := newWorld(t)
	w.rules("roles: {writer: {users: [wren]}}\nsignoffs: {agent docs: {role: writer}}\ngo: {medium: 0}\n" +
		"companions: [{name: the agent contracts, when: [\"agents/**\"], then: [\"contracts/**\"], or: agent docs}]\n")
	pr := w.reviewedWith(map[string]string{"agents/a.go": "package agents\n"}, body("medium"))
	v := w.shows(pr, "WAITING · companion-missing")
	says(t, v.Summary, "the agent contracts", "/signoff agent docs")
	signed := pr.Comment("wren", "/signoff agent docs")
	w.shows(pr, "READY · medium")
	signed.Edit("wren", "no, wait")
	v = w.shows(pr, "WAITING · companion-missing")
	says(t, v.Summary, "was edited by `@wren`")
	pr.Push("kim", map[string]string{"contracts/a.md": "# a\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "READY · medium")
}

const sop = `roles:
  CDO: {users: [cleo], delegates: [deputy]}
  deputy: {users: [devi]}
  CEO: {users: [carl]}
  CMO: {users: [mona]}
authorization:
  - {types: [hotfix], approve: [CDO], notify: [CEO], channel: "#exec-checkins"}
  - {paths: ["pricing/**"], approve: [CMO, CEO]}
`

func TestHotfixIsApprovedByItsRole(t *testing.T) {
	w := newWorld(t)
	w.rules(sop)
	pr := w.reviewedWith(map[string]string{"cart/total.go": "package cart\n"}, body("medium", "- Final decision owner: CDO"), "- Release type: hotfix")
	v := w.shows(pr, "WAITING · authorization-missing")
	says(t, v.Summary, "`CDO`", "/go")
	says(t, v.Text, "### Told of this release", "`CEO` in `#exec-checkins`")
	w.quiet()
	asked := ""
	for _, c := range pr.Comments() {
		asked += c.Body
	}
	says(t, asked, "@cleo")
	pr.Comment("dana", "/go "+pr.Head())
	w.stays(pr, "WAITING · authorization-missing")
	pr.Comment("lee", "/go "+pr.Head())
	w.stays(pr, "WAITING · authorization-missing")
	says(t, strings.Join(w.replies(pr), "\n"), "only people with one of these roles decide here", "CDO")
	pr.Comment("cleo", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	pr.Comment("cleo", "/no-go the numbers are off")
	w.shows(pr, "NOT READY · nogo-stands")
}

func TestDelegateApproves(t *testing.T) {
	w := newWorld(t)
	w.rules(sop)
	pr := w.reviewedWith(map[string]string{"cart/total.go": "package cart\n"}, body("medium", "- Final decision owner: @devi"), "- Release type: hotfix")
	w.shows(pr, "WAITING · authorization-missing")
	pr.Comment("devi", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}

func TestPricingNeedsBoth(t *testing.T) {
	w := newWorld(t)
	w.rules(sop)
	pr := w.reviewedWith(map[string]string{"pricing/page.go": "package pricing\n"}, body("medium", "- Final decision owner: @carl"), "- Release type: routine")
	w.shows(pr, "WAITING · authorization-missing")
	pr.Comment("carl", "/go "+pr.Head())
	v := w.stays(pr, "WAITING · authorization-missing")
	says(t, v.Summary, "needs `CMO`")
	pr.Comment("mona", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}

func TestUndeclaredTypeChoosesNoLighterRule(t *testing.T) {
	w := newWorld(t)
	w.rules(sop)
	pr := w.reviewed()
	w.shows(pr, "WAITING · type-missing")
	pr.Edit("kim", body("medium")+"- Release type: routine\n")
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}

func TestEmptyRoleBlocks(t *testing.T) {
	w := newWorld(t)
	w.rules("roles: {CDO: {users: []}}\nauthorization: [{approve: [CDO]}]\n")
	pr := w.reviewed()
	v := w.shows(pr, "WAITING · role-empty")
	says(t, v.Summary, "nobody holds the role `CDO`")
	pr.Comment("dana", "/go "+pr.Head())
	w.stays(pr, "WAITING · role-empty")
}

func TestChangeOutsideOfItsScope(t *testing.T) {
	w := newWorld(t)
	w.rules("components: {cart: [\"cart/**\"], search: [\"search/**\"]}\ngo: {medium: 0}\n")
	pr := w.reviewedWith(map[string]string{"cart/a.go": "package cart\n", "search/a.go": "package search\n"}, body("medium"))
	v := w.shows(pr, "NOT READY · scope-exceeded")
	says(t, v.Summary, "`search`", "search/a.go")
	pr.Edit("kim", body("medium", "- Release scope: cart, search"))
	w.shows(pr, "READY · medium · "+gate.Short(pr.Head()))
}
