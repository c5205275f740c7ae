package notify

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Network is which addresses may be connected to.
type Network string

// The networks, each with those before it.
const (
	Public   Network = "public"   // the internet
	Private  Network = "private"  // besides, the addresses of private networks
	Loopback Network = "loopback" // besides, this machine
)

// ParseNetwork reads a network's name.
func ParseNetwork(s string) (Network, error) {
	switch n := Network(s); n {
	case Public, Private, Loopback:
		return n, nil
	}
	return "", fmt.Errorf("%q is no network; write public, private or loopback", s)
}

// shared is the address space of carriers (RFC 6598), translated and relayed
// are addresses that stand for IPv4 ones.
var (
	shared     = netip.MustParsePrefix("100.64.0.0/10")
	translated = netip.MustParsePrefix("64:ff9b::/96")
	relayed    = netip.MustParsePrefix("2002::/16")
	metadata6  = netip.MustParsePrefix("fd00:ec2::/32") // of a cloud's machines
	zero       = netip.MustParsePrefix("0.0.0.0/8")
)

// allows reports whether an address may be connected to. Addresses that only
// mean something on one link, where clouds keep their machines' credentials, are
// never allowed.
func (n Network) allows(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case !a.IsValid(), a.Zone() != "", a.IsUnspecified(), a.IsMulticast(), a.IsLinkLocalUnicast(), zero.Contains(a),
		translated.Contains(a), relayed.Contains(a), metadata6.Contains(a):
		return false
	case a.IsLoopback():
		return n == Loopback
	case a.IsPrivate(), shared.Contains(a):
		return n != Public
	}
	return a.IsGlobalUnicast()
}

// errAddress does not name the address: what a name resolves to inside is
// nobody's business who reads the error.
var errAddress = errors.New("the host's address is not on the network that may be used; if it should be, set GONOGO_NOTIFY_NETWORK")

// control refuses an address when it is about to be connected to, after the name
// was looked up: a name that turns into another address later gains nothing.
func (n Network) control(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !n.allows(a.Addr()) {
		return errAddress
	}
	return nil
}

// Client returns an HTTP client for addresses on the network. It follows no
// redirects, so that what it sends goes where it is addressed to and nowhere
// else. A proxy of the environment is used, and must be on the network itself.
func Client(n Network) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: n.control}
	return &http.Client{
		Timeout:       attemptTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// ParseURL reads the address of a service. Only https will do, and http where
// other networks than the internet are allowed.
func ParseURL(s string, n Network) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" { // the error would show it whole
		return nil, errors.New("this is no address of a service; write https://HOST/PATH, without a name and password in it")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || n == Public) {
		return nil, fmt.Errorf("%s:// cannot be used; write https://", u.Scheme)
	}
	if a, err := netip.ParseAddr(strings.Trim(u.Hostname(), "[]")); err == nil && !n.allows(a) {
		return nil, errAddress
	}
	return u, nil
}

// bare returns an error of an HTTP client without the address, which may hold a
// secret.
func bare(err error) error {
	var whole *url.Error
	if errors.As(err, &whole) {
		return whole.Err
	}
	return err
}
