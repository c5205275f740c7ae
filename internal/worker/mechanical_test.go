package worker

import (
	"testing"

	"gonogo/internal/hub"
)

// A merge is what its parents alone give when every path of it is that of the
// side which alone changed it.
func TestIsMechanical(t *testing.T) {
	type tree = map[string]hub.Entry
	file := func(sha string) hub.Entry { return hub.Entry{Mode: "100644", SHA: sha} }
	for _, tt := range []struct {
		name                      string
		merge, ours, theirs, base tree
		want                      bool
	}{
		{"each side changed one file", tree{"a": file("2"), "b": file("2")}, tree{"a": file("2"), "b": file("1")}, tree{"a": file("1"), "b": file("2")}, tree{"a": file("1"), "b": file("1")}, true},
		{"both made the same change", tree{"a": file("2")}, tree{"a": file("2")}, tree{"a": file("2")}, tree{"a": file("1")}, true},
		{"the base added a file", tree{"n": file("1")}, tree{}, tree{"n": file("1")}, tree{}, true},
		{"the base removed a file", tree{}, tree{"a": file("1")}, tree{}, tree{"a": file("1")}, true},
		{"the base's change was left out", tree{"a": file("1")}, tree{"a": file("1")}, tree{"a": file("2")}, tree{"a": file("1")}, false},
		{"our change was left out", tree{"a": file("1")}, tree{"a": file("2")}, tree{"a": file("1")}, tree{"a": file("1")}, false},
		{"a file that the base removed was kept", tree{"a": file("1")}, tree{"a": file("1")}, tree{}, tree{"a": file("1")}, false},
		{"a line was smuggled in", tree{"a": file("3")}, tree{"a": file("1")}, tree{"a": file("2")}, tree{"a": file("1")}, false},
		{"a file was smuggled in", tree{"a": file("2"), "evil": file("1")}, tree{"a": file("1")}, tree{"a": file("2")}, tree{"a": file("1")}, false},
		{"both changed a file", tree{"a": file("3")}, tree{"a": file("3")}, tree{"a": file("2")}, tree{"a": file("1")}, false},
		{"a file became a link", tree{"a": {Mode: "120000", SHA: "1"}}, tree{"a": file("1")}, tree{"a": file("1")}, tree{"a": file("1")}, false},
		{"a file became executable on the base", tree{"a": {Mode: "100755", SHA: "1"}}, tree{"a": file("1")}, tree{"a": {Mode: "100755", SHA: "1"}}, tree{"a": file("1")}, true},
	} {
		if got := isMechanical(tt.merge, tt.ours, tt.theirs, tt.base); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
