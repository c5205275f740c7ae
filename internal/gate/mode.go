package gate

import "slices"

// Mode says how much of a verdict is published.
type Mode string

// The modes, from the least said to the most.
const (
	Shadow  Mode = "shadow"  // the ledger only: nothing is written to GitHub
	Trial   Mode = "trial"   // a check of another name that always succeeds
	Enforce Mode = "enforce" // the check itself
)

// Modes lists all modes, the laxest first.
var Modes = [...]Mode{Shadow, Trial, Enforce}

// ParseMode returns the mode of that name, or "" when there is none.
func ParseMode(s string) Mode {
	if i := slices.Index(Modes[:], Mode(s)); i >= 0 {
		return Modes[i]
	}
	return ""
}

// Enforces reports whether verdicts of this mode can block a merge. The empty
// mode does: it is that of evaluations from before there were modes.
func (m Mode) Enforces() bool { return m != Shadow && m != Trial }
