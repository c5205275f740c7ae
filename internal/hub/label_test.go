package hub_test

import (
	"testing"

	"gonogo/internal/gate"
)

// The last word on a label counts: put on, taken off, put on by another.
func TestLabeller(t *testing.T) {
	w := newWorld(t)
	issue := w.shop.OpenIssue("kim", "Payments are down", "", "bug")
	of := func(label string) string {
		t.Helper()
		return must[gate.Labelling](t)(w.repo.Labeller(t.Context(), issue.Number(), label)).By.Login
	}
	if got := of("bug") + of("SEV1"); got != "kim" {
		t.Errorf("labelled by %q", got)
	}
	issue.Label("lee", "SEV1")
	if got := of("sev1"); got != "lee" {
		t.Errorf("labelled by %q", got)
	}
	issue.Unlabel("dana", "SEV1")
	if got := of("SEV1"); got != "" {
		t.Errorf("labelled by %q", got)
	}
	issue.Label("dana", "SEV1")
	if got := of("SEV1"); got != "dana" {
		t.Errorf("labelled by %q", got)
	}
	if _, err := w.repo.Labeller(t.Context(), 999, "SEV1"); err == nil {
		t.Error("an issue that does not exist")
	}
}
