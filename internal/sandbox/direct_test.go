package sandbox_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"gonogo/internal/sandbox"
)

// What is carried without a network arrives as over one, and breaks as one does.
func TestDirect(t *testing.T) {
	client := &http.Client{Transport: sandbox.Direct{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Host != "" || r.Host != "api.test" {
			t.Errorf("body %v, host %q %q", err, r.URL.Host, r.Host)
		}
		switch r.URL.Path {
		case "/reset":
			panic(http.ErrAbortHandler)
		case "/cut":
			w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(w, "ha")
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Path", r.RequestURI)
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("X-Late", "too late")
		_, _ = w.Write(body)
	})}}
	resp, err := client.Post("http://api.test/a?b=c", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil || string(text) != "hello" || resp.StatusCode != http.StatusCreated || resp.Header.Get("X-Path") != "/a?b=c" || resp.Header.Get("X-Late") != "" {
		t.Errorf("%q, %v, %d, %v", text, err, resp.StatusCode, resp.Header)
	}
	if resp, err := client.Get("http://api.test/reset"); err == nil {
		t.Errorf("a broken connection answered %d", resp.StatusCode)
	}
	if resp, err = client.Get("http://api.test/cut"); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); string(text) != "ha" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half an answer: %q, %v", text, err)
	}
}
