package policy

import "testing"

func TestRootCause(t *testing.T) {
	for text, want := range map[string]bool{
		"Root cause: https://wiki.acme.example/rca/12":          true,
		"- **Root cause analysis:** the cache was never warmed": true,
		"We looked.\nroot cause: a null":                        true,
		"Root cause: <the analysis, or a link to it>":           false,
		"Root cause: TBD":              false,
		"Root cause: unknown":          false,
		"Root cause:":                  false,
		"the root cause: nobody knows": false,
		"Root cause:\nLanding it again waits until the line is written": false,
	} {
		if got := RootCause(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestIncidentNamed(t *testing.T) {
	for text, want := range map[string]string{"x\n- Incident: #45\n": "45", "Incident: none": "", "an incident: #45": "", "**Incident:** #7": "7"} {
		if got := IncidentNamed(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
