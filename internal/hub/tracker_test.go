package hub_test

import (
	"testing"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
)

func TestTrackerItems(t *testing.T) {
	w := newWorld(t)
	is := func(what string, n int, want gate.TrackerItem) {
		t.Helper()
		got, err := w.repo.TrackerItem(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		want.Title, want.URL = got.Title, got.URL
		if got != want {
			t.Errorf("%s is %+v, want %+v", what, got, want)
		}
	}
	issue := w.shop.OpenIssue("kim", "Slow", "")
	is("an open issue", issue.Number(), gate.TrackerItem{Open: true})
	issue.Close("kim")
	is("one closed in silence", issue.Number(), gate.TrackerItem{Completed: true})
	issue.Reopen("kim")
	issue.Comment("kim", "done")
	issue.Close("kim")
	is("one closed with a comment", issue.Number(), gate.TrackerItem{Completed: true, Noted: true})
	if _, err := w.repo.TrackerItem(t.Context(), 999); !hub.IsMissing(err) {
		t.Errorf("an issue that is not there: %v", err)
	}
	other := w.org.Repo("plans")
	if i, err := w.repo.Sibling("acme", "plans").TrackerItem(t.Context(), other.OpenIssue("kim", "Roadmap", "").Number()); err != nil || i.Title != "Roadmap" {
		t.Errorf("%+v, %v", i, err)
	}
	if w.repo.Sibling("ACME", "Shop") != w.repo {
		t.Error("a repository is no sibling of its own")
	}
}

func TestFirstFile(t *testing.T) {
	w := newWorld(t)
	paths := []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}
	if _, err := w.repo.FirstFile(t.Context(), "main", paths...); !hub.IsMissing(err) {
		t.Errorf("no file: %v", err)
	}
	w.shop.Commit("kim", "main", map[string]string{"CODEOWNERS": "* @kim\n", "docs/CODEOWNERS": "* @lee\n"})
	file, err := w.repo.FirstFile(t.Context(), "main", paths...)
	if err != nil || string(file.Content) != "* @kim\n" {
		t.Errorf("%q, %v", file.Content, err)
	}
	w.shop.Commit("kim", "main", map[string]string{".github/CODEOWNERS/x": "a directory"})
	if _, err := w.repo.FirstFile(t.Context(), "main", paths...); err == nil {
		t.Error("what lies at the first place could not be read, and the second was taken")
	}
}
