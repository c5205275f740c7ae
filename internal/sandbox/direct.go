package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Direct carries requests to a handler in the same process, without a network
// between them: for tests that send very many, and in which the network is not
// what is tested. A handler that panics with [http.ErrAbortHandler] breaks the
// connection, before or in the middle of its answer. It is an
// [http.RoundTripper].
type Direct struct{ Handler http.Handler }

// errBroken is what a client hears whose connection breaks before an answer.
var errBroken = errors.New("the connection was reset")

// RoundTrip has the handler answer the request.
func (d Direct) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	w := &recorder{header: http.Header{}}
	broken := w.serve(d.Handler, arriving(req))
	if req.Body != nil {
		_ = req.Body.Close()
	}
	if err := context.Cause(req.Context()); err != nil {
		return nil, err
	}
	if broken && w.status == 0 {
		return nil, errBroken
	}
	return w.answer(req, broken), nil
}

// arriving is a request as a server gets it.
func arriving(req *http.Request) *http.Request {
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	in.Host, in.RemoteAddr = req.URL.Host, "127.0.0.1:0"
	in.URL.Scheme, in.URL.Host = "", ""
	if in.Body == nil {
		in.Body = http.NoBody
	}
	return in
}

// recorder keeps what a handler answers.
type recorder struct {
	header http.Header
	sent   http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) serve(h http.Handler, r *http.Request) (broken bool) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler { //nolint:errorlint // it is panicked with as it is
			broken = true
		} else if v != nil {
			panic(v)
		}
	}()
	h.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
	return false
}

// Header implements [http.ResponseWriter].
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write implements [http.ResponseWriter].
func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// SetReadDeadline lets a handler set a time limit; what it reads is there
// already.
func (w *recorder) SetReadDeadline(time.Time) error { return nil }

func (w *recorder) answer(req *http.Request, broken bool) *http.Response {
	resp := &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, ContentLength: int64(w.body.Len()), Request: req, Body: io.NopCloser(&w.body),
	}
	if broken {
		resp.Body = io.NopCloser(io.MultiReader(&w.body, failing{io.ErrUnexpectedEOF}))
	}
	return resp
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
