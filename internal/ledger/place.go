package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Place is where checkpoints go: a file, one JSON object a line, or a URL to
// which they are posted. Only a file can be read back.
type Place struct {
	path, url string
	client    *http.Client
}

// postTime is how long a place may take to accept a checkpoint.
const postTime = 10 * time.Second

// ParsePlace reads a path or an https URL; http is for this machine only, since
// on any other way somebody could keep checkpoints from arriving unseen. A
// redirect is not followed.
func ParsePlace(to string) (*Place, error) {
	if !strings.Contains(to, "://") {
		return &Place{path: to}, nil
	}
	u, err := url.Parse(to)
	if err != nil {
		return nil, errors.New("the place of the checkpoints is no URL; write a path or https://…")
	}
	if u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, fmt.Errorf("checkpoints cannot go to %s://%s; write a path, or an https URL without a name and password in it", u.Scheme, u.Host)
	}
	return &Place{url: to, client: &http.Client{
		Timeout:       postTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Read returns the checkpoints of a file, none when it does not exist yet, and
// none of a URL.
func (p *Place) Read() ([]Checkpoint, error) {
	if p.path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	return ParseCheckpoints(data)
}

// Put adds a checkpoint. When it returns nil, the checkpoint is on the disk or
// was accepted.
func (p *Place) Put(ctx context.Context, c Checkpoint) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if p.path != "" {
		err = p.add(append(line, '\n'))
	} else {
		err = p.post(ctx, line)
	}
	if err != nil {
		return fmt.Errorf("put checkpoint for %d entries: %w", c.Size, err)
	}
	return nil
}

func (p *Place) add(line []byte) (err error) {
	f, err := os.OpenFile(p.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644) // #nosec G302 -- auditors read it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := dropTorn(f); err != nil {
		return err
	}
	if _, err := f.Write(line); err != nil {
		return err
	}
	return f.Sync()
}

// longest is more than any checkpoint's line has.
const longest = 4096

// dropTorn removes a last line that a crash left without its end: whatever is
// written behind it would be lost with it.
func dropTorn(f *os.File) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return err
	}
	tail := make([]byte, min(size, longest))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return err
	}
	end := bytes.LastIndexByte(tail, '\n')
	switch {
	case end == len(tail)-1:
		return nil
	case end < 0 && size > longest:
		return errors.New("the file is none of checkpoints")
	}
	return f.Truncate(size - int64(len(tail)-1-end))
}

func (p *Place) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL cannot be used") // the error would show it whole
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := p.client.Do(req)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) {
			err = whole.Err // without the URL, which may hold a token
		}
		return err
	}
	defer func() { _ = res.Body.Close() }() // nothing is read from it
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("it was answered with %s", res.Status)
	}
	return nil
}
