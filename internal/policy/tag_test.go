package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPredecessors(t *testing.T) {
	tags := []string{"v1.0.0", "v1.9.0", "v1.10.0", "v1.10.0-rc.1", "v2.0.0", "cart/v1.9.9", "cart-v0.1", "nightly", "release-2026-01-02", "release-2025-12-31", "1.9.1"}
	for _, tt := range []struct {
		tag  string
		want []string
	}{
		{"v1.10.1", []string{"v1.10.0", "1.9.1", "v1.9.0", "v1.0.0", "v2.0.0"}},
		{"v1.10.0", []string{"1.9.1", "v1.9.0", "v1.0.0", "v2.0.0"}},
		{"v1.10.0-rc.2", []string{"v1.10.0-rc.1", "1.9.1", "v1.9.0", "v1.0.0", "v2.0.0", "v1.10.0"}},
		{"cart/v2.0.0", []string{"cart/v1.9.9"}},
		{"cart-v0.1", nil},
		{"release-2026-01-03", []string{"release-2026-01-02", "release-2025-12-31"}},
		{"nightly", []string{"release-2026-01-02", "release-2025-12-31", "v2.0.0", "v1.10.0", "cart/v1.9.9", "1.9.1", "v1.9.0", "v1.0.0", "cart-v0.1"}},
	} {
		if diff := cmp.Diff(tt.want, Predecessors(tt.tag, tags)); diff != "" {
			t.Errorf("%s:\n%s", tt.tag, diff)
		}
	}
}

func TestVersions(t *testing.T) {
	for tag, is := range map[string]bool{
		"v1.2.3": true, "1.2.3-rc.1+5": true, "cart/v1.0": true, "2026-01-02": true, "v7": true,
		"nightly": false, "v1.2.x": false, "backup-foo": false, "": false,
	} {
		if got := IsVersion(tag); got != is {
			t.Errorf("%q is a version: %t", tag, got)
		}
	}
}
