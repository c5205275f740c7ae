package worker

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMergedLineByLine(t *testing.T) {
	const base = "a\nb\nc\nd\ne\nf\n"
	tests := []struct{ name, ours, theirs, want string }{
		{"one side", base, "a\nb\nC\nd\ne\nf\n", "a\nb\nC\nd\ne\nf\n"},
		{"both sides, apart", "A\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\ne\nF\n", "A\nb\nc\nd\ne\nF\n"},
		{"both sides alike", "a\nb\nX\nd\ne\nf\n", "a\nb\nX\nd\ne\nf\n", "a\nb\nX\nd\ne\nf\n"},
		{"lines put in and taken out", "a\nb\nc\nd\ne\nf\ng\n", "b\nc\nd\ne\nf\n", "b\nc\nd\ne\nf\ng\n"},
		{"the same line", "a\nX\nc\nd\ne\nf\n", "a\nY\nc\nd\ne\nf\n", ""},
		{"lines that touch", "a\nX\nc\nd\ne\nf\n", "a\nb\nY\nd\ne\nf\n", ""},
		{"no text", "a\x00\n", base, ""},
		{"no end of line", "a\nb\nc\nd\ne\nf", "A\nb\nc\nd\ne\nf\n", "A\nb\nc\nd\ne\nf"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := merged([]byte(base), []byte(tt.ours), []byte(tt.theirs))
			if string(got) != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %t", got, ok)
			}
		})
	}
}

// Whatever the texts, the edits of one turn it into the other, and merging with a
// side that changed nothing gives the other side.
func TestEditsLeadFromOneTextToTheOther(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) []byte {
		return []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "{\n", "}\n"}), 0, 40).Draw(t, "lines"), ""))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		for _, side := range [][2][]byte{{a, b}, {b, a}} {
			if got, ok := merged(a, side[0], side[1]); !ok || string(got) != string(b) {
				t.Fatalf("%q, %t", got, ok)
			}
		}
	})
}
