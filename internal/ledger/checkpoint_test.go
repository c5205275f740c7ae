package ledger

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type notary struct {
	fixture
	key   ed25519.PrivateKey
	place *Place
	path  string
}

func openNotary(t *testing.T) notary {
	t.Helper()
	dir := t.TempDir()
	key, err := NewKey(filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "checkpoints.jsonl")
	return notary{open(t), key, must(ParsePlace(path)), path}
}

func (n notary) signs() {
	n.t.Helper()
	c, ok, err := n.Checkpoint(n.t.Context(), n.key, at)
	if err != nil || !ok {
		n.t.Fatal(ok, err)
	}
	if err := n.place.Put(n.t.Context(), c); err != nil {
		n.t.Fatal(err)
	}
}

func (n notary) against() Against {
	n.t.Helper()
	all, err := n.place.Read()
	if err != nil {
		n.t.Fatal(err)
	}
	return Against{all, n.key.Public().(ed25519.PublicKey)}
}

// older puts back the ledger as it was with fewer entries.
func (n notary) older(size int) {
	n.t.Helper()
	n.unguarded()
	n.exec("DELETE FROM words WHERE entry > $1", size)
	n.exec("DELETE FROM entry WHERE id > $1", size)
}

// Case 82: a cut tail leaves a chain that holds.
func TestACutTailIsFoundAgainstACheckpoint(t *testing.T) {
	n := openNotary(t)
	n.fills(20)
	n.signs()
	n.older(17)
	if p := n.verifies(Against{}); p.Fault != nil {
		t.Fatalf("the chain alone: %+v", p.Fault)
	}
	p := n.verifies(n.against())
	if p.Fault == nil || p.Fault.Index != 18 || !strings.Contains(p.Fault.What, "says 20 entries, found 17") {
		t.Errorf("%+v", p.Fault)
	}
}

// Case 82: whoever writes the whole chain anew cannot sign it.
func TestARewrittenChainIsFoundAgainstACheckpoint(t *testing.T) {
	n := openNotary(t)
	n.fills(10)
	n.signs()
	n.write10more()
	n.signs()
	n.unguarded()
	prev := origin[:]
	for _, r := range n.rows() {
		if r.id == 14 {
			r.actor = "eve"
		}
		sum, _ := r.sum(nil, prev)
		prev = sum[:]
		n.exec("UPDATE entry SET actor = $1, hash = $2 WHERE id = $3", r.actor, prev, r.id)
	}
	if p := n.verifies(Against{}); p.Fault != nil {
		t.Fatalf("the chain alone: %+v", p.Fault)
	}
	p := n.verifies(n.against())
	if p.Fault == nil || p.Fault.Index != 11 || !strings.Contains(p.Fault.What, "written anew") {
		t.Errorf("%+v", p.Fault)
	}
	var back *Setback
	if err := n.Held(t.Context(), n.against()); !errors.As(err, &back) || !strings.HasPrefix(err.Error(), "LEDGER REWRITTEN") {
		t.Errorf("%v", err)
	}
}

func (n notary) write10more() {
	n.t.Helper()
	for i := range 10 {
		n.says("GO", dana, "more/"+string(rune('a'+i)))
	}
}

// Case 81: a backup that is older than what was signed stops the server until
// an operator signs that it goes on.
func TestAnOlderLedgerIsRefusedUntilAnOperatorSigns(t *testing.T) {
	n := openNotary(t)
	n.fills(12)
	n.signs()
	n.write10more()
	n.signs()
	if err := n.Held(t.Context(), n.against()); err != nil {
		t.Fatal(err)
	}
	n.older(15)
	err := n.Held(t.Context(), n.against())
	if err == nil || !strings.HasPrefix(err.Error(), "LEDGER ROLLED BACK · checkpoint size 22, found 15 (they agree up to entry 12)") || !strings.Contains(err.Error(), "gonogo ledger restore --reason") {
		t.Fatalf("%v", err)
	}
	stranger, _ := NewKey(filepath.Join(t.TempDir(), "other.pem"))
	if _, err := n.Restore(t.Context(), n.against().Checkpoints, stranger, "eve", "hush", at); err == nil {
		t.Error("another key restored it")
	}
	done, err := n.Restore(t.Context(), n.against().Checkpoints, n.key, "ops", "disk lost", at)
	if !done || err != nil {
		t.Fatal(done, err)
	}
	if again, err := n.Restore(t.Context(), n.against().Checkpoints, n.key, "ops", "disk lost", at); again || err != nil {
		t.Errorf("a second RESTORE: %v %v", again, err)
	}
	n.write10more()
	n.signs()
	if err := n.Held(t.Context(), n.against()); err != nil {
		t.Errorf("after RESTORE: %v", err)
	}
	if p := n.verifies(n.against()); p.Fault != nil || p.Lapsed != 1 || p.Checkpoints != 3 || p.Size != 23 {
		t.Errorf("%+v %+v", p, p.Fault)
	}
	n.older(20) // the signature does not cover what came later
	if err := n.Held(t.Context(), n.against()); err == nil || !strings.HasPrefix(err.Error(), "LEDGER ROLLED BACK · checkpoint size 23, found 20") {
		t.Errorf("rolled back again: %v", err)
	}
}

// A RESTORE entry of somebody without the key explains nothing.
func TestAForgedRestoreExplainsNothing(t *testing.T) {
	n := openNotary(t)
	n.fills(12)
	n.signs()
	n.older(5)
	all := n.against().Checkpoints
	forged := Restore{Agreed: 0, Found: 5, Last: all[0], Key: all[0].Key, Signature: all[0].Signature}
	n.write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := Append(ctx, tx, Entry{At: at, Kind: KindRestore, Once: "restore/12", Data: forged})
		return err
	})
	if err := n.Held(t.Context(), n.against()); err == nil {
		t.Error("held")
	}
	if p := n.verifies(n.against()); p.Fault == nil {
		t.Error("verified")
	}
}

func TestAnAlteredCheckpointIsRefused(t *testing.T) {
	n := openNotary(t)
	n.fills(12)
	n.signs()
	a := n.against()
	a.Checkpoints[0].Size = 3
	if p := n.verifies(a); p.Fault == nil || !strings.Contains(p.Fault.What, "not signed by this key") {
		t.Errorf("%+v", p.Fault)
	}
	if err := n.Held(t.Context(), a); err == nil || !strings.Contains(err.Error(), "not signed by this server's key") {
		t.Errorf("%v", err)
	}
	if p := n.verifies(Against{Checkpoints: n.against().Checkpoints}); p.Fault == nil {
		t.Error("verified without a key")
	}
}

func TestCheckpointsAreReadLineByLine(t *testing.T) {
	n := openNotary(t)
	n.fills(3)
	n.signs()
	whole, err := os.ReadFile(n.path)
	if err != nil {
		t.Fatal(err)
	}
	torn := append(append([]byte{}, whole...), whole[:40]...)
	if err := os.WriteFile(n.path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	if all := n.against().Checkpoints; len(all) != 1 {
		t.Errorf("%d beside a torn line", len(all))
	}
	n.signs()
	if all := n.against().Checkpoints; len(all) != 2 {
		t.Errorf("%d after a torn line was replaced", len(all))
	}
	if _, err := ParseCheckpoints(append([]byte("nonsense\n"), whole...)); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("%v", err)
	}
}

func TestCheckpointsArePosted(t *testing.T) {
	n := openNotary(t)
	n.fills(3)
	var got Checkpoint
	status := http.StatusNoContent
	elsewhere := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere = true
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.Method != http.MethodPost {
			t.Errorf("%s: %v", r.Method, err)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer srv.Close()
	n.place = must(ParsePlace(srv.URL + "/in?token=s3cret"))
	n.signs()
	if got.Size != 3 || !got.signedBy(n.key.Public().(ed25519.PublicKey)) {
		t.Errorf("%+v", got)
	}
	for _, status = range []int{http.StatusTemporaryRedirect, http.StatusFound, http.StatusInternalServerError} {
		if err := n.place.Put(t.Context(), got); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%d: %v", status, err)
		}
	}
	if elsewhere {
		t.Error("a redirect was followed")
	}
	srv.Close()
	if err := n.place.Put(t.Context(), got); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestPlaces(t *testing.T) {
	for place, ok := range map[string]bool{
		"/var/lib/checkpoints.jsonl": true, "https://audit.example/in": true, "http://127.0.0.1:9/x": true, "http://[::1]/x": true, "http://localhost/x": true,
		"http://audit.example/in": false, "http://169.254.169.254/latest": false, "ftp://h/x": false, "file:///etc/x": false, "https://": false,
		"https://u:pass@h/x": false, "http://localhost.example/": false,
	} {
		if _, err := ParsePlace(place); (err == nil) != ok || err != nil && strings.Contains(err.Error(), "pass@") {
			t.Errorf("%s: %v", place, err)
		}
	}
}

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	key := must(NewKey(path))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if _, err := NewKey(path); err == nil {
		t.Error("a key was written over")
	}
	if again := must(ReadKey(path)); !again.Equal(key) {
		t.Error("another key was read")
	}
	if pub := must(ParsePublicKey(PublicKey(key) + "\n")); !pub.Equal(key.Public()) {
		t.Error("another public key was read")
	}
	for _, bad := range []string{"", "ed25519:AAAA", "AAAA"} {
		if _, err := ParsePublicKey(bad); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKey(path); err == nil || !strings.Contains(err.Error(), "gonogo ledger key") {
		t.Errorf("%v", err)
	}
}

func TestAnEmptyLedgerHasNoCheckpoint(t *testing.T) {
	n := openNotary(t)
	if _, ok, err := n.Checkpoint(t.Context(), n.key, time.Time{}); ok || err != nil {
		t.Error(ok, err)
	}
}
