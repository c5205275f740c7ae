package sandbox_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"gonogo/internal/sandbox"
)

const greedyCheck = "release-readiness"

// The greedy merge in the very change that lets them.
func TestGreedyMerger(t *testing.T) {
	w := newWorld(t)
	w.repo.Require("main", sandbox.Required{Name: greedyCheck, App: sandbox.ActionsID})
	pr := w.repo.Open("kim", sandbox.Change{Title: "Greedy", Files: map[string]string{"g.go": "package g\n"}})
	w.repo.Watch(greedyCheck, "README.md")
	asked := 0
	w.repo.Greedy("lee", "squash", func(now sandbox.Moment, number int) bool {
		asked++
		return number == pr.Number() && len(now.Issues) == 0
	})
	w.repo.OpenIssue("dana", "Wait", "")
	pr.Check(greedyCheck, "failure")
	if asked != 0 {
		t.Error("asked although GitHub would not merge")
	}
	pr.Check(greedyCheck, "success")
	if _, merged := pr.Merged(); merged || asked == 0 {
		t.Errorf("merged %v, asked %d times", merged, asked)
	}
	w.repo.Greedy("lee", "squash", nil)
	if _, merged := pr.Merged(); !merged {
		t.Error("not merged at once")
	}
	film := w.repo.Film()
	last, before := film[len(film)-1], film[len(film)-2]
	if !last.Pulls[0].Merged || !before.Pulls[0].Mergeable || last.Number != len(film) {
		t.Errorf("the film ends with %+v, %+v", before.Pulls[0], last.Pulls[0])
	}
	if last.Files["main"] == "" || len(before.Pulls[0].Checks) != 2 || !slices.Contains(before.Pulls[0].Pushers, "kim") {
		t.Errorf("moment %+v", before)
	}
}

// What was done to a comment is known, however little REST shows of it.
func TestCommentHistory(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "Talk", Files: map[string]string{"t.go": "package t\n"}})
	w.repo.Watch(greedyCheck, "")
	c := pr.Comment("dana", "/go")
	c.Minimise("kim", "outdated")
	c.Edit("kim", "never mind")
	if h := c.History(); len(h) != 1 || h[0].By != "kim" || h[0].From != "/go" || c.Minimised() != "outdated" || c.DeletedBy() != "" {
		t.Errorf("history %+v, minimised %q", h, c.Minimised())
	}
	c.Delete("eve")
	film := w.repo.Film()
	if got := film[len(film)-1].Pulls[0].Comments[0]; got.Original != "/go" || !got.Edited || !got.Deleted || !got.Minimised || c.DeletedBy() != "eve" {
		t.Errorf("%+v, deleted by %q", got, c.DeletedBy())
	}
}

// The webhooks and faults of one repository leave the others alone.
func TestMailAndFaultsOfOneRepository(t *testing.T) {
	w := newWorld(t)
	other := w.acme.Repo("other")
	count := func() int {
		if err := w.Settle(context.Background()); err != nil {
			t.Fatal(err)
		}
		return len(w.Deliveries())
	}
	w.SendWebhooks("http://127.0.0.1:1/", secret)
	begun := count()
	w.repo.HoldWebhooks()
	w.repo.OpenIssue("kim", "held", "")
	if n := count(); n != begun {
		t.Errorf("%d deliveries although they are held", n-begun)
	}
	other.OpenIssue("kim", "sent", "")
	if n := count(); n != begun+1 {
		t.Errorf("%d deliveries of the other repository", n-begun)
	}
	w.repo.ReleaseWebhooks(func(list []sandbox.Delivery) []sandbox.Delivery { return append(list, list...) })
	if n := count(); n != begun+3 {
		t.Errorf("%d deliveries after the release, doubled", n-begun)
	}
	w.repo.LoseWebhooks(true)
	w.repo.OpenIssue("kim", "lost", "")
	if n := count(); n != begun+3 {
		t.Error("a lost webhook was delivered")
	}
	w.repo.Fail(sandbox.Fault{Status: http.StatusBadGateway})
	w.app().get("/repos/acme/other/issues", 200)
	w.app().get(shop+"/issues", http.StatusBadGateway)
	w.repo.Mend()
	w.app().get(shop+"/issues", 200)
}
