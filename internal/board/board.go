// Package board serves what people and machines look at beside GitHub: health
// and metrics.
//
//	GET /healthz   200 while the process serves
//	GET /readyz    200 while the store can be written and its tables are current;
//	               GitHub's state is a field of the answer and decides nothing,
//	               because an outage there must not take the webhook's door away
//	GET /metrics   Prometheus
//
// It changes nothing and answers everything else with 404.
package board

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sirupsen/logrus"
)

// Config is what the board depends on. All fields are required.
type Config struct {
	// Check reports whether the store can be used.
	Check func(context.Context) error
	// GitHub says in a word how GitHub answered last: "ok", "unknown" or what is
	// wrong.
	GitHub   func() string
	Gatherer prometheus.Gatherer
	Version  string
	Log      *logrus.Entry
}

// New returns the board's handler.
func New(c Config) (http.Handler, error) {
	if c.Check == nil || c.GitHub == nil || c.Gatherer == nil || c.Log == nil {
		return nil, errors.New("board: check, GitHub's state, metrics and log are required")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok", "version": c.Version})
	})
	mux.HandleFunc("GET /readyz", c.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.Gatherer, promhttp.HandlerOpts{ErrorLog: c.Log}))
	return mux, nil
}

// checkTimeout is how long the store may take to answer.
const checkTimeout = 2 * time.Second

func (c Config) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	state := map[string]string{"status": "ok", "store": "ok", "github": c.GitHub()}
	status := http.StatusOK
	if err := c.Check(ctx); err != nil {
		c.Log.WithError(err).Warn("not ready")
		state["status"], state["store"], status = "not ready", "cannot be used; the log says why", http.StatusServiceUnavailable
	}
	answer(w, status, state)
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody to tell
}
