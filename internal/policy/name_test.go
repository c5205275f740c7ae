package policy

import (
	"testing"

	"gonogo/internal/gate"
)

// Ruling 16: whom a policy names is looked up, every one of them. Those that are
// not might be anybody.
func TestWhoIsNotLookedUpHoldsThePolicyBack(t *testing.T) {
	for _, tt := range []struct {
		name   string
		look   LookUp
		status gate.Status
	}{
		{"more names than are looked up", LookUp{Unlooked: 1}, gate.Action},
		{"in a policy that was in force before", LookUp{Unlooked: 1, Advise: true}, gate.Advisory},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.look.Evidence = fine()
			found := tt.look.Findings(Path)
			if len(found) != 1 || found[0].Code != "policy-not-looked-up" || found[0].Status != tt.status {
				t.Errorf("%+v", found)
			}
		})
	}
}
