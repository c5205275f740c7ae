package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSignedWebhook(t *testing.T) {
	var body []byte
	var head http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		head = r.Header
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	n := live("live/v1", "#one").tidy(t.Context(), asItIs)
	n.Data = map[string]any{"tag": "v1"}
	l := Letter{Key: "7/live/v1/webhook/", Via: "webhook", Notice: n}
	if err := NewWebhook(server.URL+"/hook", "k3y", Client(Loopback)).Carry(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	want := `{"key":"7/live/v1/webhook/","kind":"live","repository":{"id":7,"name":"acme/shop"},"channels":["#one"],"roles":[],` +
		`"lines":[[{"text":"RELEASE LIVE — "},{"text":"totals","user":true}]],"link":"https://github.com/acme/shop/releases/tag/v1",` +
		`"at":"2026-03-04T12:00:00Z","data":{"tag":"v1"}}`
	if string(body) != want {
		t.Errorf("body\n%s\nwant\n%s", body, want)
	}
	mac := hmac.New(sha256.New, []byte("k3y"))
	mac.Write(body)
	for header, want := range map[string]string{
		"X-Gonogo-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil)), "X-Gonogo-Delivery": l.Key, "X-Gonogo-Kind": "live", "Content-Type": "application/json",
	} {
		if got := head.Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
}

func TestWebhookAnswers(t *testing.T) {
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	status, header := 0, http.Header{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for k := range header {
			w.Header().Set(k, header.Get(k))
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	c := NewWebhook(server.URL+"/t0ken", "k3y", Client(Loopback))
	for _, tt := range []struct {
		status int
		header http.Header
		after  time.Duration
		ok     bool
	}{
		{status: 200, ok: true},
		{status: 204, ok: true},
		{status: 302, header: http.Header{"Location": {elsewhere.URL}}},
		{status: 307, header: http.Header{"Location": {elsewhere.URL}}},
		{status: 401},
		{status: 500},
		{status: 429, header: http.Header{"Retry-After": {"7"}}, after: 7 * time.Second},
		{status: 503, header: http.Header{"Retry-After": {"Wed, 21 Oct 2037 07:28:00 GMT"}}},
		{status: 503, header: http.Header{"Retry-After": {"-5"}}},
	} {
		status, header = tt.status, tt.header
		err := c.Carry(t.Context(), Letter{Key: "k", Notice: live("a", "#one")})
		var later *Later
		if (err == nil) != tt.ok || errors.As(err, &later) != (tt.after > 0) || later != nil && later.After != tt.after {
			t.Errorf("%d: %v", tt.status, err)
		}
		if err != nil && strings.Contains(err.Error(), "t0ken") {
			t.Errorf("%d: the error tells the address: %v", tt.status, err)
		}
	}
	if reached {
		t.Error("a redirect was followed")
	}
	server.Close()
	if err := c.Carry(t.Context(), Letter{Key: "k", Notice: live("a", "#one")}); err == nil || strings.Contains(err.Error(), "t0ken") {
		t.Errorf("no answer: %v", err)
	}
}

func TestWhoGetsTheWebhook(t *testing.T) {
	c := NewWebhook("https://example.com", "k", nil)
	for _, tt := range []struct {
		n    Notice
		want int
	}{{Notice{}, 0}, {Notice{To: []string{"#a", "#b"}}, 1}, {Notice{Roles: []string{"cdo"}}, 1}} {
		if got := c.Targets(tt.n); len(got) != tt.want {
			t.Errorf("%+v: %q", tt.n, got)
		}
	}
}

// Case 91: addresses.
func TestAddressesThatMayBeUsed(t *testing.T) {
	for a, least := range map[string]Network{
		"140.82.112.3": Public, "2606:50c0:8000::153": Public,
		"10.1.2.3": Private, "192.168.0.1": Private, "172.16.0.1": Private, "100.64.0.1": Private, "fd12::1": Private,
		"127.0.0.1": Loopback, "127.8.8.8": Loopback, "::1": Loopback, "::ffff:127.0.0.1": Loopback, "::ffff:10.0.0.1": Private,
		"169.254.169.254": "", "::ffff:169.254.169.254": "", "fe80::1": "", "0.0.0.0": "", "0.1.2.3": "", "::": "", "224.0.0.1": "", "ff02::1": "",
		"255.255.255.255": "", "fd00:ec2::254": "", "64:ff9b::a9fe:a9fe": "", "2002:7f00:1::": "",
	} {
		ip := netip.MustParseAddr(a)
		may := false
		for _, n := range []Network{Public, Private, Loopback} {
			may = may || n == least
			if n.allows(ip) != may {
				t.Errorf("%s on %s: %v", a, n, !may)
			}
		}
	}
}

// Case 91: what a name turns into is looked at when it is connected to.
func TestNamesThatLeadInside(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was reached") }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []Network{Public, Private} {
		err := NewWebhook("http://localhost:"+port+"/", "k", Client(n)).Carry(t.Context(), Letter{Key: "k", Notice: live("a", "#one")})
		if !errors.Is(err, errAddress) {
			t.Errorf("%s: %v", n, err)
		}
	}
}

func TestAddressesOfServices(t *testing.T) {
	for s, least := range map[string]Network{
		"https://hooks.example.com/x": Public, "https://10.0.0.1/x": Private, "http://hooks.internal/x": Private, "https://[::1]/x": Loopback,
		"http://127.0.0.1:8080": Loopback,
		"file:///etc/passwd":    "", "ftp://example.com": "", "example.com": "", "": "", "https://u:p@example.com": "", "https://169.254.169.254/latest": "",
		"https://[fe80::1]/": "", "https://example.com/#x": "", "gopher://example.com": "",
	} {
		may := false
		for _, n := range []Network{Public, Private, Loopback} {
			may = may || n == least
			if _, err := ParseURL(s, n); (err == nil) != may {
				t.Errorf("%s on %s: %v", s, n, err)
			}
		}
	}
	if _, err := ParseNetwork("everywhere"); err == nil {
		t.Error("there is no such network")
	}
}

func TestFilesForAgents(t *testing.T) {
	dir := t.TempDir()
	d, err := NewDrop(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := live("capabilities/v1", "#one").tidy(t.Context(), asItIs)
	n.Roles = []string{"code.platform"}
	if got := d.Targets(n); got != nil {
		t.Errorf("a release that went live is dropped for %q", got)
	}
	n.Kind = KindCapabilities
	if got := d.Targets(n); len(got) != 1 || got[0] != "code.platform" {
		t.Fatalf("it is dropped for %q", got)
	}
	for range 2 { // the second writes the same file
		if err := d.Carry(t.Context(), Letter{Key: "7/capabilities/v1/drop/code.platform", Target: "code.platform", Notice: n}); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(filepath.Join(dir, "code.platform"))
	if err != nil || len(files) != 1 || !strings.HasPrefix(files[0].Name(), "20260304T120000Z-capabilities-") || !strings.HasSuffix(files[0].Name(), ".json") {
		t.Fatalf("%v, %v", files, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "code.platform", files[0].Name()))
	var m Message
	if err != nil || json.Unmarshal(data, &m) != nil || m.Kind != KindCapabilities || m.Lines[0].String() != "RELEASE LIVE — totals" {
		t.Errorf("%s, %v", data, err)
	}
	for _, role := range []string{"", ".", "..", "../x", "a/b", `a\b`, ".hidden", "/etc", strings.Repeat("x", 200), "a\x00b"} {
		if err := d.Carry(t.Context(), Letter{Key: "k", Target: role, Notice: n}); err == nil {
			t.Errorf("%q names a directory", role)
		}
	}
	if all, _ := os.ReadDir(dir); len(all) != 1 {
		t.Errorf("%v", all)
	}
	if _, err := NewDrop(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that is not there was taken")
	}
}
