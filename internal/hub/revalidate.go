package hub

import (
	"bytes"
	"container/list"
	"io"
	"net/http"
	"reflect"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// revalidator makes reads conditional. It always asks GitHub, and only spares
// the body and, as a 304 costs nothing of the primary limit, the budget. The
// token is no part of the key: it changes hourly and an installation's answers
// do not depend on which one is used.
type revalidator struct {
	next         http.RoundTripper
	memory       *memory
	installation int64
}

// RoundTrip implements [http.RoundTripper].
func (v *revalidator) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet || req.Header.Get("If-None-Match") != "" {
		return v.next.RoundTrip(req)
	}
	slot, _ := req.Context().Value(slotKey{}).(*slot)
	slot.set(nil)
	key := memoryKey{v.installation, req.URL.String(), req.Header.Get("Accept")}
	kept, known := v.memory.get(key)
	if known {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", kept.header.Get("ETag"))
	}
	resp, err := v.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode == http.StatusNotModified && known:
		_, _ = readBody(resp)
		slot.set(kept)
		return kept.answer(resp), nil
	case resp.StatusCode == http.StatusOK && resp.Header.Get("ETag") != "":
		return v.keep(key, resp)
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		v.memory.remove(key)
	}
	return resp, nil
}

// keep stores an answer once it was read to its end; a half one is an error
// and is not kept.
func (v *revalidator) keep(key memoryKey, resp *http.Response) (*http.Response, error) {
	body, err := readBody(resp)
	if err != nil {
		return nil, err
	}
	v.memory.put(key, &kept{header: resp.Header.Clone(), body: body})
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp, nil
}

// kept is an answer with its ETag. It does not change.
type kept struct {
	header http.Header
	body   []byte
}

// answer is the kept answer with the headers of the 304 over its own: limits
// and date are new, Link is mostly the old.
func (k *kept) answer(fresh *http.Response) *http.Response {
	header := k.header.Clone()
	for name, values := range fresh.Header {
		switch name {
		case "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding":
		default:
			header[name] = values
		}
	}
	resp := *fresh
	resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
	resp.Header = header
	resp.Body = io.NopCloser(bytes.NewReader(k.body))
	resp.ContentLength = int64(len(k.body))
	resp.TransferEncoding = nil
	return &resp
}

// slot is where a request learns that its answer is a kept one, so that it need
// not be read and decoded again.
type slot struct{ kept *kept }

type slotKey struct{}

func (s *slot) set(k *kept) {
	if s != nil {
		s.kept = k
	}
}

// body returns the body of the answer that came.
func (s *slot) body(resp *http.Response) ([]byte, error) {
	if s.kept == nil {
		return readBody(resp)
	}
	return s.kept.body, resp.Body.Close()
}

// decodedKept is of how many kept answers the decoded form is kept too, over all
// installations.
const decodedKept = 2048

// decoded is the decoded form of kept answers. Who gets one shares it, and must
// not change what it points to.
type decoded = lru.Cache[*kept, any]

// decodeOnce decodes an answer to a value of a type, or returns what that came to
// before.
func decodeOnce(memory *decoded, a *answer, to reflect.Type, decode func([]byte) (any, error)) (any, error) {
	if a.kept != nil {
		if form, ok := memory.Get(a.kept); ok && reflect.TypeOf(form) == to {
			return form, nil
		}
	}
	form, err := decode(a.body)
	if err == nil && a.kept != nil {
		memory.Add(a.kept, form)
	}
	return form, err
}

type memoryKey struct {
	installation int64
	url, accept  string
}

// memory keeps the answers used last, up to a number of bytes.
type memory struct {
	mu    sync.Mutex
	limit int
	size  int
	order *list.List // of *entry, the newest first
	byKey map[memoryKey]*list.Element
}

type entry struct {
	key  memoryKey
	kept *kept
}

// overhead is about what an entry costs beside its body.
const overhead = 2 << 10

func (e *entry) size() int { return len(e.kept.body) + len(e.key.url) + overhead }

func newMemory(limit int) *memory {
	return &memory{limit: limit, order: list.New(), byKey: map[memoryKey]*list.Element{}}
}

func (m *memory) get(key memoryKey) (*kept, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.byKey[key]
	if !ok {
		return nil, false
	}
	m.order.MoveToFront(at)
	return at.Value.(*entry).kept, true
}

// put keeps an answer, unless it would push out a good part of the others.
func (m *memory) put(key memoryKey, k *kept) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(m.byKey[key])
	e := &entry{key, k}
	if e.size() > m.limit/8 {
		return
	}
	m.byKey[key] = m.order.PushFront(e)
	m.size += e.size()
	for m.size > m.limit {
		m.drop(m.order.Back())
	}
}

func (m *memory) remove(key memoryKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(m.byKey[key])
}

func (m *memory) forget(installation int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, at := range m.byKey {
		if key.installation == installation {
			m.drop(at)
		}
	}
}

func (m *memory) drop(at *list.Element) {
	if at == nil {
		return
	}
	e := m.order.Remove(at).(*entry)
	delete(m.byKey, e.key)
	m.size -= e.size()
}
