package report

import (
	"testing"

	"gonogo/internal/gate"
)

func TestNotesOnIssues(t *testing.T) {
	got := Note([]string{"RELEASE LIVE — " + gate.Quote("@kim <b>`x`</b>"), "For " + gate.Quote("cdo"), "https://github.com/acme/shop"}, Marker("notice", "a"))
	want := "RELEASE LIVE — `@kim <b>'x'</b>`  \nFor `cdo`  \nhttps://github.com/acme/shop\n\n<!-- gonogo {\"notice\":\"a\"} -->\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
