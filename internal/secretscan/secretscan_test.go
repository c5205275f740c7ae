package secretscan

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"gonogo/internal/gate"
)

// Secrets are put together at run time, so that no scanner finds any here.

func random(seed uint64, alphabet string, n int) string {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func githubToken(seed uint64) string { return "gh" + "p_" + random(seed, alnum, 36) }

func awsKey(seed uint64) string {
	return "AK" + "IA" + random(seed, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)
}

func privateKey(seed uint64, bytes int) string {
	r := rand.New(rand.NewPCG(seed, 9))
	raw := make([]byte, bytes)
	for i := range raw {
		raw[i] = byte(r.IntN(256))
	}
	body := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	b.WriteString("-----BEGIN RSA " + "PRIVATE KEY-----\n")
	for len(body) > 64 {
		b.WriteString(body[:64] + "\n")
		body = body[64:]
	}
	b.WriteString(body + "\n-----END RSA " + "PRIVATE KEY-----\n")
	return b.String()
}

var newScanner = sync.OnceValue(func() *Scanner {
	s, err := New()
	if err != nil {
		panic(err)
	}
	return s
})

func noBlob(t *testing.T) func(context.Context, gate.File) ([]byte, error) {
	return func(_ context.Context, f gate.File) ([]byte, error) {
		t.Errorf("%s was read", f.Path)
		return nil, errors.New("not expected")
	}
}

func blobs(content map[string]string) func(context.Context, gate.File) ([]byte, error) {
	return func(_ context.Context, f gate.File) ([]byte, error) {
		c, ok := content[f.Path]
		if !ok {
			return nil, errors.New("no such blob")
		}
		return []byte(c), nil
	}
}

// added is a file whose lines are all new.
func added(path, text string) gate.File {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	patch := fmt.Sprintf("@@ -0,0 +1,%d @@\n+%s", len(lines), strings.Join(lines, "\n+"))
	if !strings.HasSuffix(text, "\n") {
		patch += "\n\\ No newline at end of file"
	}
	return gate.File{Path: path, Status: "added", Patch: patch, HasPatch: true, Additions: len(lines), ContentSHA: "1"}
}

func filler(lines int) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "func step%d() { println(\"this is line %d of many\") }\n", i, i)
	}
	return b.String()
}

// one expects exactly one leak on the given line and no other.
func one(t *testing.T, scan gate.LeakScan, path string, line int, start string) {
	t.Helper()
	if len(scan.Leaks) != 1 || len(scan.Skipped) != 0 {
		t.Fatalf("got %+v, want one leak in %s:%d", scan, path, line)
	}
	got := scan.Leaks[0]
	if got.Path != path || got.Line != line || got.Start != start {
		t.Errorf("got %+v, want %s:%d beginning with %q", got, path, line, start)
	}
}

func TestPlantedSecretIsFound(t *testing.T) {
	token := githubToken(1)
	use := `client := connect("` + token + `")`
	tests := map[string]struct {
		text string
		line int
	}{
		"alone":                     {use + "\n", 1},
		"last line without newline": {filler(3) + use, 4},
		"CRLF":                      {"a\r\n" + use + "\r\nb\r\n", 2},
		"behind an allow comment":   {use + " // gitleaks" + ":allow\n", 1},
		"after UTF-8":               {strings.Repeat("смертельно «опасно» 🔥\n", 900) + use + "\n", 901},
		"in a long line":            {strings.Repeat("🔥", 5000) + " " + use + " " + strings.Repeat("я", 9000) + "\n", 1},
		"far down":                  {filler(20_000) + use + "\n", 20_001},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			scan := newScanner().Scan(t.Context(), []gate.File{added("main.go", tt.text)}, noBlob(t))
			one(t, scan, "main.go", tt.line, "ghp_")
		})
	}
}

// Wherever a secret falls, no border of a piece hides it.
func TestSecretAtEveryBorder(t *testing.T) {
	token := githubToken(2)
	for _, sep := range []string{"\n", " "} {
		unit := strings.Repeat("x", 63) + sep
		for _, border := range []int{chunkSize, chunkSize - overlap, 2*chunkSize - overlap} {
			for shift := -60; shift <= 60; shift += 3 {
				before := strings.Repeat(unit, (border+shift)/64)
				before += strings.Repeat("y", (border+shift)%64) + " "
				text := before + token + " " + sep + strings.Repeat(unit, 600)
				scan := newScanner().Scan(t.Context(), []gate.File{added("a.txt", text)}, noBlob(t))
				if len(scan.Leaks) != 1 {
					t.Fatalf("separator %q, border %d%+d: %+v", sep, border, shift, scan)
				}
				if want := 1 + strings.Count(before, "\n"); scan.Leaks[0].Line != want {
					t.Fatalf("separator %q, border %d%+d: line %d, want %d", sep, border, shift, scan.Leaks[0].Line, want)
				}
			}
		}
	}
}

func TestLongPrivateKey(t *testing.T) {
	for _, size := range []int{1200, 2400, 4800, 20_000} {
		for lines := range 12 {
			text := filler(lines*10) + privateKey(uint64(size), size)
			scan := newScanner().Scan(t.Context(), []gate.File{added("id_rsa", text+filler(500))}, noBlob(t))
			one(t, scan, "id_rsa", lines*10+1, "----")
		}
	}
}

func TestOnlyAddedLinesCount(t *testing.T) {
	old, fresh := githubToken(3), githubToken(4)
	f := gate.File{
		Path: "config.yml", Status: "modified", HasPatch: true, Additions: 1, Deletions: 1,
		Patch: "@@ -10,3 +20,3 @@ section\n a: \"" + old + "\"\n-b: \"" + githubToken(5) + "\"\n+b: \"" + fresh + "\"\n c: 1",
	}
	one(t, newScanner().Scan(t.Context(), []gate.File{f}, noBlob(t)), "config.yml", 21, "ghp_")
	f.Patch = strings.Replace(f.Patch, fresh, "see vault", 1)
	if scan := newScanner().Scan(t.Context(), []gate.File{f}, noBlob(t)); len(scan.Leaks)+len(scan.Skipped) != 0 {
		t.Errorf("got %+v for context and removed lines", scan)
	}
}

func TestRotatedKeyBetweenUnchangedLines(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(privateKey(6, 300)), "\n")
	var patch strings.Builder
	body := lines[1 : len(lines)-1]
	fmt.Fprintf(&patch, "@@ -1,%d +1,%d @@\n %s\n", len(lines), len(lines), lines[0])
	for _, l := range body {
		patch.WriteString("-" + strings.ToLower(l) + "\n+" + l + "\n")
	}
	patch.WriteString(" " + lines[len(lines)-1])
	f := gate.File{Path: "key.pem", Status: "modified", HasPatch: true, Patch: patch.String(),
		Additions: len(body), Deletions: len(body)}
	one(t, newScanner().Scan(t.Context(), []gate.File{f}, noBlob(t)), "key.pem", 2, "----")
}

// Case 47: hollow, cut and missing patches are read whole or named.
func TestFilesWithoutUsablePatch(t *testing.T) {
	secret := "x = \"" + githubToken(7) + "\"\n"
	content := map[string]string{
		"bin": "\x00\x01" + secret, "large.sql": filler(10) + secret, "cut.go": secret, "zero.go": secret,
		"wide.txt": wide(secret), "big": strings.Repeat("a\n", maxFile), "moved.go": secret, "malformed": secret,
	}
	cut := added("cut.go", "a\nb\n")
	cut.Additions = 3
	malformed := added("malformed", "a\n")
	malformed.Patch = "+a"
	files := []gate.File{
		{Path: "bin", Status: "added", ContentSHA: "1"},
		{Path: "large.sql", Status: "modified", Additions: 20_000, ContentSHA: "1"},
		cut,
		{Path: "zero.go", Status: "modified", ContentSHA: "1"},
		{Path: "wide.txt", Status: "added", ContentSHA: "1"},
		{Path: "big", Status: "added", ContentSHA: "1"},
		{Path: "gone", Status: "added", ContentSHA: "1"},
		{Path: "removed", Status: "removed"},
		{Path: "empty", Status: "added", ContentSHA: emptyBlob},
		malformed,
	}
	scan := newScanner().Scan(t.Context(), files, blobs(content))
	if got, want := strings.Join(scan.Skipped, " "), "big gone"; got != want {
		t.Errorf("skipped %q, want %q", got, want)
	}
	var found []string
	for _, l := range scan.Leaks {
		found = append(found, fmt.Sprintf("%s:%d", l.Path, l.Line))
	}
	want := "bin:1 large.sql:11 cut.go:1 zero.go:1 wide.txt:1 malformed:1"
	if got := strings.Join(found, " "); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}

func wide(s string) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteRune(c)
		b.WriteByte(0)
	}
	return b.String()
}

func TestRenamed(t *testing.T) {
	moved := gate.File{Path: "new.go", Previous: "old.go", Status: "renamed", ContentSHA: "1"}
	if scan := newScanner().Scan(t.Context(), []gate.File{moved}, noBlob(t)); len(scan.Leaks)+len(scan.Skipped) != 0 {
		t.Errorf("got %+v for a pure rename", scan)
	}
	content := map[string]string{"new.go": githubToken(8) + "\n", "hollow.go": ""}
	hollow := gate.File{Path: "hollow.go", Status: "modified", ContentSHA: "2"}
	scan := newScanner().Scan(t.Context(), []gate.File{hollow, moved}, blobs(content))
	one(t, scan, "new.go", 1, "ghp_")
}

func TestFile3001(t *testing.T) {
	var files []gate.File
	for i := range 3000 {
		files = append(files, added(fmt.Sprintf("f%d.go", i), "package a\n"))
	}
	files = append(files, added("last.go", awsKey(9)+"\n"))
	one(t, newScanner().Scan(t.Context(), files, noBlob(t)), "last.go", 1, "AKIA")
}

// Paths that gitleaks passes over are searched, but for its generic rule.
func TestSparedPaths(t *testing.T) {
	hash := random(10, "0123456789abcdef", 40)
	text := "resolved \"https://x/y.tgz\"\nintegrity_key = \"" + hash + "\"\n"
	for _, path := range []string{"go.sum", "a/package-lock.json", "node_modules/a/b.js", "logo.svg", "gitleaks.toml"} {
		scan := newScanner().Scan(t.Context(), []gate.File{added(path, text)}, noBlob(t))
		if len(scan.Leaks) != 0 {
			t.Errorf("%s: %+v for a checksum", path, scan.Leaks)
		}
		scan = newScanner().Scan(t.Context(), []gate.File{added(path, text+githubToken(11)+"\n")}, noBlob(t))
		one(t, scan, path, 3, "ghp_")
	}
}

func TestNoFalseAlarm(t *testing.T) {
	hex := func(seed uint64, n int) string { return random(seed, "0123456789abcdef", n) }
	tests := map[string]string{
		"go.sum":            "golang.org/x/sync v0.1.0 h1:" + base64.StdEncoding.EncodeToString([]byte(hex(20, 32))) + "\n",
		"package-lock.json": "\"integrity\": \"sha512-" + base64.StdEncoding.EncodeToString([]byte(hex(21, 64))) + "\"\n",
		"uuid.txt":          "id: 3f2504e0-4f89-41d3-9a0c-0305e82c3301\n",
		"commit.md":         "reverts " + hex(22, 40) + "\n",
		"Dockerfile":        "FROM alpine@sha256:" + hex(23, 64) + "\n",
		"env.example":       "API_KEY=your-api-key-here\nPASSWORD=changeme\nTOKEN=${TOKEN}\nSECRET=<secret>\n",
		"workflow.yml":      "token: ${{ secrets.GITHUB_TOKEN }}\n",
		"code.go":           "func (a *authenticator) token(key string) (string, error) { return a.secretFor(key) }\n",
		"doc.md":            "Set `GONOGO_PRIVATE_KEY` to the key, beginning with `-----BEGIN RSA " + "PRIVATE KEY-----`.\n",
		"public.pem":        "-----BEGIN PUBLIC KEY-----\n" + base64.StdEncoding.EncodeToString([]byte(hex(24, 200))) + "\n-----END PUBLIC KEY-----\n",
	}
	for path, text := range tests {
		if scan := newScanner().Scan(t.Context(), []gate.File{added(path, text)}, noBlob(t)); len(scan.Leaks) != 0 {
			t.Errorf("%s: %+v", path, scan.Leaks)
		}
	}
}

// Case 86: no more than four characters come out, whatever happens.
func TestCanaryNeverLeaves(t *testing.T) {
	canary := random(30, alnum, 36)
	text := "ghp" + "_" + canary + "\npassword = \"" + canary + "\"\n" + privateKey(31, 900)
	failing := func(_ context.Context, f gate.File) ([]byte, error) { return nil, errors.New(canary) }
	files := []gate.File{added("a.go", text), {Path: "b", Status: "added", ContentSHA: "1"}}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{t.Context(), ended} {
		scan := newScanner().Scan(ctx, files, failing)
		for _, l := range scan.Leaks {
			if len([]rune(l.Start)) > 4 {
				t.Errorf("shows %d characters", len([]rune(l.Start)))
			}
		}
		if out := fmt.Sprintf("%+v", scan); strings.Contains(out, canary[:8]) {
			t.Error("the secret left the scanner")
		}
		if len(scan.Skipped) == 0 {
			t.Error("nothing was skipped")
		}
	}
}

func TestOrderIsTheSame(t *testing.T) {
	var files []gate.File
	for i := range 20 {
		files = append(files, added(fmt.Sprintf("f%02d.env", i),
			awsKey(uint64(i))+"\n"+githubToken(uint64(i))+"\n"+awsKey(uint64(i+50))+"\n"))
	}
	first := fmt.Sprint(newScanner().Scan(t.Context(), files, noBlob(t)))
	if n := strings.Count(first, "AKIA"); n != 40 {
		t.Errorf("%d keys found, want 40", n)
	}
	for range 5 {
		if again := fmt.Sprint(newScanner().Scan(t.Context(), files, noBlob(t))); again != first {
			t.Fatalf("got %s, then %s", first, again)
		}
	}
}

func TestPathAlone(t *testing.T) {
	f := gate.File{Path: "certs/prod.p12", Status: "added", ContentSHA: "1"}
	scan := newScanner().Scan(t.Context(), []gate.File{f}, blobs(map[string]string{f.Path: "\x30\x82\x00"}))
	one(t, scan, f.Path, 0, "")
}

// Pieces cover the whole text, in order and with true line numbers.
func FuzzChunks(f *testing.F) {
	f.Add("a\nb", 3)
	f.Add("я\n", 20_000)
	f.Add("\xbf\xbf", 30_000)
	f.Fuzz(func(t *testing.T, unit string, times int) {
		if unit == "" || times < 0 || times > 1<<20/len(unit) {
			return
		}
		text := strings.Repeat(unit, times)
		covered := 0
		for c := range chunks(chunk{text, 1}) {
			// The text may repeat itself: the last place that joins on counts.
			at := strings.LastIndex(text[:min(len(text), covered+len(c.text))], c.text)
			for at > 0 && 1+strings.Count(text[:at], "\n") > c.line {
				at = strings.LastIndex(text[:at+len(c.text)-1], c.text)
			}
			if at < 0 || 1+strings.Count(text[:at], "\n") != c.line {
				t.Fatalf("a piece of line %d is not where it should be", c.line)
			}
			covered = max(covered, at+len(c.text))
		}
		if covered != len(text) {
			t.Fatalf("%d of %d bytes covered", covered, len(text))
		}
	})
}

func FuzzPatch(f *testing.F) {
	f.Add("@@ -1,2 +1,2 @@\n a\n-b\n+c", 1, 1)
	f.Add("@@ -0,0 +1 @@\n+a\n\\ No newline at end of file", 1, 0)
	f.Fuzz(func(t *testing.T, patch string, plus, minus int) {
		src, ok := fromPatch(gate.File{Patch: patch, HasPatch: true, Additions: plus, Deletions: minus})
		if ok && len(src.added) > plus {
			t.Errorf("%d added lines, %d counted", len(src.added), plus)
		}
	})
}

// Code that speaks of keys and tokens wakes most of the rules.
func BenchmarkScan(b *testing.B) {
	var text strings.Builder
	for _, name := range []string{"secretscan.go", "source.go", "secretscan_test.go"} {
		content, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		for range 10 {
			text.Write(content)
		}
	}
	s := newScanner()
	for name, content := range map[string]string{"busy": text.String(), "plain": filler(10_000)} {
		files := []gate.File{added("main.go", content)}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(files[0].Patch)))
			for b.Loop() {
				s.Scan(b.Context(), files, nil)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := load(); err != nil {
			b.Fatal(err)
		}
	}
}
