package app

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"gonogo/internal/dispatch"
	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/notify"
	"gonogo/internal/webhook"
)

// metrics are the server's own figures. All labels come from closed sets.
type metrics struct {
	registry    *prometheus.Registry
	deliveries  *prometheus.CounterVec
	hints       *prometheus.CounterVec
	evaluations *prometheus.CounterVec
	durations   prometheus.Histogram
	calls       *prometheus.CounterVec
	silences    prometheus.Counter
	around      *prometheus.CounterVec
	notices     *prometheus.CounterVec
	lastCall    atomic.Value // string: how GitHub answered last
}

func newMetrics(a *App) *metrics {
	m := &metrics{
		registry:    prometheus.NewRegistry(),
		deliveries:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gonogo_deliveries_total", Help: "Webhook deliveries by what became of them."}, []string{"result"}),
		hints:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gonogo_hints_total", Help: "Stored deliveries by what the dispatcher did with them."}, []string{"result"}),
		evaluations: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gonogo_evaluations_total", Help: "Evaluations of pull requests by verdict."}, []string{"verdict"}),
		durations: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gonogo_evaluation_seconds", Help: "Time from the start of an evaluation to its verdict.",
			Buckets: []float64{.025, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60},
		}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gonogo_github_requests_total", Help: "Requests to GitHub by act and status."}, []string{"act", "status"}),
	}
	m.silences = prometheus.NewCounter(prometheus.CounterOpts{Name: "gonogo_silences_total", Help: "Conversations that had more comments of ours than is polite: an hour of silence each."})
	m.notices = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gonogo_notices_total", Help: "Notices by kind and by what became of them: sent or dead (given up after a day)."}, []string{"kind", "result"})
	m.around = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gonogo_landings_total", Help: "What got onto gated branches without READY (bypass, ungated, before-gate), and how merges landed (landed same, landed differs, landed cannot tell)."}, []string{"what"})
	m.lastCall.Store("unknown")
	m.registry.MustRegister(m.deliveries, m.hints, m.evaluations, m.durations, m.calls, m.silences, m.around, m.notices, waitingNotices{a},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.gauge("gonogo_subjects_waiting", "Pull requests, releases, repositories and installations that wait to be looked at.", func(ctx context.Context) (int, error) {
		d, err := a.queue.Depth(ctx)
		return d.Waiting, err
	})
	m.gauge("gonogo_subjects_dead", "Subjects that failed for the last time; the log names them.", func(ctx context.Context) (int, error) {
		d, err := a.queue.Depth(ctx)
		return d.Dead, err
	})
	m.gauge("gonogo_hints_waiting", "Stored deliveries that are not dispatched yet.", func(ctx context.Context) (int, error) {
		d, err := a.inbox.Depth(ctx)
		return d.Waiting, err
	})
	return m
}

// gaugeTimeout is how long a figure from the database may take.
const gaugeTimeout = 2 * time.Second

// gauge registers a figure that is read from the database when asked; -1 means
// that it could not be read.
func (m *metrics) gauge(name, help string, read func(context.Context) (int, error)) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), gaugeTimeout)
		defer cancel()
		n, err := read(ctx)
		if err != nil {
			return -1
		}
		return float64(n)
	}))
}

func (m *metrics) delivery(r webhook.Result) { m.deliveries.WithLabelValues(string(r)).Inc() }

func (m *metrics) hint(r dispatch.Result) { m.hints.WithLabelValues(string(r)).Inc() }

func (m *metrics) evaluation(v gate.Verdict, took time.Duration) {
	m.evaluations.WithLabelValues(string(v)).Inc()
	m.durations.Observe(took.Seconds())
}

func (m *metrics) call(c hub.Call) {
	m.calls.WithLabelValues(c.Act, strconv.Itoa(c.Status)).Inc()
	switch {
	case c.Status == 0:
		m.lastCall.Store("no answer")
	case c.Status >= 500:
		m.lastCall.Store("failing")
	default:
		m.lastCall.Store("ok")
	}
}

func (m *metrics) github() string { return m.lastCall.Load().(string) }

func (m *metrics) notice(k notify.Kind, s notify.State) {
	m.notices.WithLabelValues(string(k), string(s)).Inc()
}

// waitingNotices reads from the database, when asked, how many notices of each
// kind are in which state.
type waitingNotices struct{ a *App }

var noticesDesc = prometheus.NewDesc("gonogo_notices", "Notices in the database by kind and state.", []string{"kind", "state"}, nil)

// Describe implements prometheus.Collector.
func (waitingNotices) Describe(to chan<- *prometheus.Desc) { to <- noticesDesc }

// Collect implements prometheus.Collector. What could not be read is left out.
func (w waitingNotices) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), gaugeTimeout)
	defer cancel()
	all, err := w.a.outbox.Tally(ctx)
	if err != nil {
		return
	}
	for _, t := range all {
		to <- prometheus.MustNewConstMetric(noticesDesc, prometheus.GaugeValue, float64(t.N), string(t.Kind), string(t.State))
	}
}
