package webhook

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// firstBuffer holds most payloads; buffers of this size are used again.
const firstBuffer = 32 << 10

var buffers = sync.Pool{New: func() any { return new([firstBuffer]byte) }}

// body is a request's body in memory. Its memory is taken from the room that
// all bodies share, as far as bytes really arrive: announcing a large body
// costs nothing.
type body struct {
	room  *atomic.Int64
	first *[firstBuffer]byte
	taken int64
	bytes []byte
}

// read reads the whole body, or returns the answer that refuses it.
func (b *body) read(w http.ResponseWriter, r *http.Request, within time.Duration) *answer {
	// A recorder in a test has no deadline to set.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within))
	if !b.take(firstBuffer) {
		return &crowded
	}
	b.first = buffers.Get().(*[firstBuffer]byte)
	b.bytes = b.first[:0]
	for {
		if len(b.bytes) == cap(b.bytes) && !b.grow(r.ContentLength) {
			return &crowded
		}
		n, err := r.Body.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case len(b.bytes) > MaxBody:
			return &tooLarge
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return &tooSlow
		case err != nil:
			return &malformed
		}
	}
}

// grow doubles the buffer, but not beyond what was announced.
func (b *body) grow(announced int64) bool {
	size := 2 * int64(cap(b.bytes))
	if announced >= int64(len(b.bytes)) {
		size = min(size, announced+1) // one more byte, to see the end
	}
	if !b.take(size) {
		return false
	}
	larger := make([]byte, len(b.bytes), size)
	copy(larger, b.bytes)
	old := int64(cap(b.bytes))
	if b.first != nil {
		buffers.Put(b.first)
		b.first = nil
	}
	b.bytes = larger
	b.give(old)
	return true
}

func (b *body) take(n int64) bool {
	if b.room.Add(-n) < 0 {
		b.room.Add(n)
		return false
	}
	b.taken += n
	return true
}

func (b *body) give(n int64) {
	b.taken -= n
	b.room.Add(n)
}

// free gives everything back. The bytes must not be used afterwards.
func (b *body) free() {
	if b.first != nil {
		buffers.Put(b.first)
	}
	b.give(b.taken)
	b.first, b.bytes = nil, nil
}
