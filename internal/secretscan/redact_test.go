package secretscan

import (
	"context"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	token := "ghp_" + strings.Repeat("aB3dE5gH7jK9", 3)
	got := s.Redact(t.Context(), "go, it works with "+token+" and again "+token+" fine")
	if got != "go, it works with [github-pat] and again [github-pat] fine" {
		t.Errorf("%q", got)
	}
	for _, harmless := range []string{"", "ship it", "waits for #12, see https://example.com/a?b=c"} {
		if got := s.Redact(t.Context(), harmless); got != harmless {
			t.Errorf("%q became %q", harmless, got)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if got := s.Redact(over, "password "+token); got != unsearched {
		t.Errorf("what could not be searched was kept: %q", got)
	}
}
