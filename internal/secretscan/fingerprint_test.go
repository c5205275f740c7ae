package secretscan

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"gonogo/internal/gate"
)

// fingerprints searches a file with these lines, the first of which is numbered
// from.
func fingerprints(t *testing.T, path string, from int, lines ...string) []gate.Leak {
	t.Helper()
	patch := "@@ -0,0 +" + strconv.Itoa(from) + "," + strconv.Itoa(len(lines)) + " @@\n"
	for _, l := range lines {
		patch += "+" + l + "\n"
	}
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	f := gate.File{Path: path, Status: "modified", Patch: patch, HasPatch: true, Additions: len(lines)}
	scan := s.Scan(t.Context(), []gate.File{f}, func(context.Context, gate.File) ([]byte, error) { return nil, errors.New("not asked") })
	if len(scan.Skipped) > 0 {
		t.Fatal(scan.Skipped)
	}
	return scan.Leaks
}

func TestFingerprintsNameRuleFileAndLine(t *testing.T) {
	const token = "ghp_" + "R7xq2mV9tLk4Zp8sWn3Yc6Hd1Jf5Gb0aTeUo"
	const other = "ghp_" + "Q8yr3nW0uMl5Aq9tXo4Zd7Ie2Kg6Hc1bUfVp"
	of := func(path string, from int, lines ...string) string {
		leaks := fingerprints(t, path, from, lines...)
		if len(leaks) != 1 {
			t.Fatalf("%s: %d findings", lines, len(leaks))
		}
		if f := leaks[0].Fingerprint; len(f) != 32 || strings.Contains(token+other, f) {
			t.Errorf("fingerprint %q", f)
		}
		return leaks[0].Fingerprint
	}
	line := `const k = "` + token + `"`
	same := of("a.go", 1, line)
	for name, got := range map[string]string{
		"further down": of("a.go", 70, "package a", "", line), "with another line end": of("a.go", 1, line+"\r"),
	} {
		if got != same {
			t.Errorf("%s it has another fingerprint", name)
		}
	}
	for name, got := range map[string]string{
		"another file": of("b.go", 1, line), "another secret": of("a.go", 1, strings.Replace(line, token, other, 1)), "another line": of("a.go", 1, line+" // real"),
	} {
		if got == same {
			t.Errorf("%s has the same fingerprint", name)
		}
	}
}

// Of a secret of many lines all count.
func TestFingerprintOfAKey(t *testing.T) {
	key := func(middle string) string {
		leaks := fingerprints(t, "a.pem", 1, "-----BEGIN RSA PRIVATE KEY-----", strings.Repeat(middle, 16), strings.Repeat("Zz9k", 16), "-----END RSA PRIVATE KEY-----")
		if len(leaks) == 0 {
			t.Fatal("no key was found")
		}
		return leaks[0].Fingerprint
	}
	if key("Ab3d") == key("Ef4h") {
		t.Error("two keys have one fingerprint")
	}
}
