package policy

import (
	"strings"
	"testing"

	"gonogo/internal/gate"
)

// A head that is behind its base is held up at high only, and only by paths that
// both changed.
func TestBehindBase(t *testing.T) {
	base := func(commits int, paths ...string) gate.Behind {
		b := gate.Behind{Commits: commits}
		for _, p := range paths {
			b.Files = append(b.Files, gate.File{Path: p})
		}
		return b
	}
	cut := base(400, "docs/a.md")
	cut.FilesCut = true
	for _, tt := range []struct {
		name   string
		class  func(*world)
		behind gate.Reading[gate.Behind]
		want   string
		fact   string
	}{
		{"up to date", (*world).high, read(gate.Behind{}), "", ""},
		{"behind in other paths", (*world).high, read(base(4, "cart/other.go", "docs/a.md")), "", ""},
		{"one commit in the same path", (*world).high, read(base(1, "cart/total.go")), "action code/base behind-base",
			"1 commit behind main; main changed cart/total.go, which this pull request changes too"},
		{"four in the same path and others", (*world).high, read(base(4, "a", "cart/total.go", "z")), "action code/base behind-base", "4 commits behind main"},
		{"the base renamed the path", (*world).high, read(gate.Behind{Commits: 1, Files: []gate.File{{Path: "cart/sum.go", Previous: "cart/total.go"}}}), "action code/base behind-base", "changed cart/total.go"},
		{"more than GitHub lists", (*world).high, read(cut), "action code/base behind-base", "more files than GitHub lists"},
		{"it cannot be read now", (*world).high, unreadable[gate.Behind](gate.CauseFault), "unknown code/base github-down", ""},
		{"GitHub does not know the base", (*world).high, unreadable[gate.Behind](gate.CauseMissing), "action code/base not-visible", ""},
		{"it was never read", (*world).high, gate.Reading[gate.Behind]{}, "unknown code/base github-down", ""},

		{"the same path at medium", func(*world) {}, read(base(4, "cart/total.go")), "", ""},
		{"it cannot be read at medium", func(*world) {}, unreadable[gate.Behind](gate.CauseFault), "", ""},
		{"the same path at low", (*world).low, read(base(4, "cart/total.go")), "", ""},
		{"it cannot be read at low", (*world).low, gate.Reading[gate.Behind]{}, "", ""},
	} {
		w := fine()
		tt.class(w)
		w.behind = tt.behind
		ev := w.judge()
		if got := codes(ev); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		for _, f := range ev.Findings {
			if f.Requirement == "code/base" && !strings.Contains(unquoted(f.Fact), tt.fact) {
				t.Errorf("%s: %q lacks %q", tt.name, f.Fact, tt.fact)
			}
		}
	}
}

func unquoted(s string) string { return strings.NewReplacer("\u2068", "", "\u2069", "").Replace(s) }

// Paths are the same when people see the same.
func TestSamePath(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"caf\u00e9/a.go", "cafe\u0301/a.go", true},
		{"a.go", "a.go", true},
		{"\xff/a.go", "\xff/a.go", true},
		{"Auth/a.go", "auth/a.go", false},
		{"\u0430uth/a.go", "auth/a.go", false},
	} {
		if got := samePath(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %t", tt.a, tt.b, got)
		}
		if got := matchAny([]string{tt.a}, tt.b); got != tt.want {
			t.Errorf("the glob %q on %q: %t", tt.a, tt.b, got)
		}
	}
	if samePath("\xff/a.go", "\xfe/a.go") {
		t.Error("bytes that are no text are not compared")
	}
	for glob, name := range map[string]string{"./auth/**": "auth/x.go", "caf\u00e9/**": "cafe\u0301/x.go"} {
		if !matchAny([]string{glob}, name) {
			t.Errorf("%q does not match %q", glob, name)
		}
	}
}
