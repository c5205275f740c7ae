package board

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

func TestBoard(t *testing.T) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	fails := errors.New("disk full at /secret/path")
	tests := []struct {
		name, method, path string
		store              error
		status             int
		body               string
	}{
		{"alive", "GET", "/healthz", fails, 200, `"version":"v1"`},
		{"ready", "GET", "/readyz", nil, 200, `"store":"ok"`},
		{"GitHub is down: still ready", "GET", "/readyz", nil, 200, `"github":"down"`},
		{"the store refuses", "GET", "/readyz", fails, 503, `"status":"not ready"`},
		{"metrics", "GET", "/metrics", nil, 200, ""},
		{"nothing is changed here", "POST", "/healthz", nil, 405, ""},
		{"no page", "GET", "/", nil, 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := New(Config{
				Check: func(context.Context) error { return tt.store }, GitHub: func() string { return "down" },
				Gatherer: prometheus.NewRegistry(), Version: "v1", Log: logrus.NewEntry(log),
			})
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, http.NoBody))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}
