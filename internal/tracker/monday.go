package tracker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gonogo/internal/gate"
)

// Monday reads items of Monday.com and writes updates into them, on the boards of
// its list only. It is safe for concurrent use.
//
// Monday.com answers mistakes with status 200 and a list of errors, beside data
// that may be there in part: an answer with an error in it is none. While it asks
// for patience, nothing is asked. Mutations are made one after another.
//
// https://developer.monday.com/api-reference/docs/error-handling
// https://developer.monday.com/api-reference/docs/rate-limits
type Monday struct {
	cfg     MondayConfig
	writing chan struct{} // holds a token while a mutation is made

	mu    sync.Mutex
	until time.Time // before which nothing is asked
}

// MondayConfig is what a Monday depends on; all of it is needed.
type MondayConfig struct {
	URL     string // of the API
	Token   string
	Version string // of the API: "2026-10"
	Boards  []int64
	Client  *http.Client
	Now     func() time.Time
}

// NewMonday returns a client of Monday.com.
func NewMonday(c MondayConfig) (*Monday, error) {
	switch {
	case c.URL == "" || c.Token == "" || c.Version == "" || c.Client == nil || c.Now == nil:
		return nil, errors.New("tracker: Monday.com's address, token, version, client and clock are required")
	case len(c.Boards) == 0:
		return nil, errors.New("tracker: no boards of Monday.com are listed")
	}
	return &Monday{cfg: c, writing: make(chan struct{}, 1)}, nil
}

// Columns say by which columns an item is judged.
type Columns struct {
	Status string                  // its column's id
	Done   func(label string) bool // whether a status means done
	Note   string                  // its column's id; "": an update of somebody else than the token's user
}

// Limited is an error of a service that asks for patience.
type Limited struct{ After time.Duration }

// Error tells for how long.
func (l *Limited) Error() string {
	return fmt.Sprintf("Monday.com asks to be left alone for %s", l.After.Round(time.Second))
}

// most is how many items one query may name.
const most = 100

// itemsQuery asks for what an item is judged by: by its note column, or by its
// updates when there is none.
func itemsQuery(note bool) string {
	if note {
		return `query ($ids: [ID!], $columns: [String!]) { items(ids: $ids, limit: 100, exclude_nonactive: false) ` +
			`{ id name url state board { id } column_values(ids: $columns) { id text } } }`
	}
	return `query ($ids: [ID!], $columns: [String!]) { me { id } items(ids: $ids, limit: 100, exclude_nonactive: false) ` +
		`{ id name url state board { id } column_values(ids: $columns) { id text } updates(limit: 100) { creator_id text_body } } }`
}

type mondayAnswer struct {
	Me *struct {
		ID string `json:"id"`
	} `json:"me"`
	Items []mondayItem `json:"items"`
}

type mondayItem struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	URL   string `json:"url"`
	State string `json:"state"`
	Board *struct {
		ID string `json:"id"`
	} `json:"board"`
	Columns []struct {
		ID   string  `json:"id"`
		Text *string `json:"text"`
	} `json:"column_values"`
	Updates []struct {
		Creator string `json:"creator_id"`
		Text    string `json:"text_body"`
	} `json:"updates"`
}

// Items reads items, all with one query. Those that are gone, or lie on boards
// that are not on the list, are not among them.
func (m *Monday) Items(ctx context.Context, ids []int64, c Columns) (map[int64]gate.TrackerItem, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > most {
		return nil, fmt.Errorf("read items of Monday.com: %d are more than one query may name", len(ids))
	}
	columns := []string{c.Status}
	if c.Note != "" {
		columns = append(columns, c.Note)
	}
	var a mondayAnswer
	if err := m.ask(ctx, itemsQuery(c.Note != ""), map[string]any{"ids": texts(ids), "columns": columns}, &a); err != nil {
		return nil, fmt.Errorf("read items of Monday.com: %w", err)
	}
	found := map[int64]gate.TrackerItem{}
	for _, i := range a.Items {
		id, item, err := m.item(i, a, c)
		if err != nil {
			return nil, fmt.Errorf("read item %s of Monday.com: %w", i.ID, err)
		}
		if item != nil && slices.Contains(ids, id) {
			found[id] = *item
		}
	}
	return found, nil
}

// item reads one item of an answer; nil when it is not to be seen.
func (m *Monday) item(i mondayItem, a mondayAnswer, c Columns) (int64, *gate.TrackerItem, error) {
	id, err := strconv.ParseInt(i.ID, 10, 64)
	if err != nil || i.Board == nil || i.State == "" {
		return 0, nil, errors.New("the answer is not whole")
	}
	board, err := strconv.ParseInt(i.Board.ID, 10, 64)
	if err != nil {
		return 0, nil, errors.New("the answer is not whole")
	}
	if i.State == "deleted" || !slices.Contains(m.cfg.Boards, board) {
		return id, nil, nil
	}
	status, ok := i.column(c.Status)
	if !ok {
		return 0, nil, fmt.Errorf("its board has no column %q", c.Status)
	}
	item := &gate.TrackerItem{Title: i.Name, URL: webLink(i.URL), Board: board, Status: status, Completed: status != "" && c.Done(status)}
	item.Open = !item.Completed
	if c.Note == "" {
		if a.Me == nil || a.Me.ID == "" {
			return 0, nil, errors.New("the answer does not tell whose the token is")
		}
		for _, u := range i.Updates {
			item.Noted = item.Noted || u.Creator != "" && u.Creator != a.Me.ID && strings.TrimSpace(u.Text) != ""
		}
		return id, item, nil
	}
	note, ok := i.column(c.Note)
	if !ok {
		return 0, nil, fmt.Errorf("its board has no column %q", c.Note)
	}
	item.Noted = strings.TrimSpace(note) != ""
	return id, item, nil
}

// webLink is an address that may be shown, "" for any other.
func webLink(s string) string {
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return s
}

func (i mondayItem) column(id string) (string, bool) {
	for _, c := range i.Columns {
		if c.ID == id {
			if c.Text == nil {
				return "", true
			}
			return *c.Text, true
		}
	}
	return "", false
}

const (
	updatesQuery = `query ($ids: [ID!]) { items(ids: $ids, limit: 1) { id state board { id } updates(limit: 100) { creator_id text_body } } }`
	updateQuery  = `mutation ($item: ID!, $body: String!) { create_update(item_id: $item, body: $body) { id } }`
)

// Update writes an update into an item: lines of plain text. mark is a word that
// tells it from all others: an update with that mark is not written again.
func (m *Monday) Update(ctx context.Context, item int64, lines []string, mark string) error {
	select {
	case m.writing <- struct{}{}:
		defer func() { <-m.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	written, err := m.marked(ctx, item, mark)
	if err != nil || written {
		return err
	}
	body := make([]string, 0, len(lines)+1)
	for _, l := range append(slices.Clone(lines), mark) {
		body = append(body, html.EscapeString(l))
	}
	var a struct {
		Created *struct {
			ID string `json:"id"`
		} `json:"create_update"`
	}
	err = m.ask(ctx, updateQuery, map[string]any{"item": strconv.FormatInt(item, 10), "body": strings.Join(body, "<br>")}, &a)
	if err == nil && (a.Created == nil || a.Created.ID == "") {
		err = errors.New("the answer names no update")
	}
	if err != nil {
		return fmt.Errorf("write an update into item %d of Monday.com: %w", item, err)
	}
	return nil
}

// marked reports whether an item has an update with a mark already. It refuses
// items on boards that are not on the list: what a record names is anybody's word.
func (m *Monday) marked(ctx context.Context, item int64, mark string) (bool, error) {
	var a mondayAnswer
	if err := m.ask(ctx, updatesQuery, map[string]any{"ids": texts([]int64{item})}, &a); err != nil {
		return false, fmt.Errorf("read item %d of Monday.com: %w", item, err)
	}
	for _, i := range a.Items {
		if i.ID != strconv.FormatInt(item, 10) || i.Board == nil {
			continue
		}
		if board, err := strconv.ParseInt(i.Board.ID, 10, 64); err != nil || !slices.Contains(m.cfg.Boards, board) {
			return false, fmt.Errorf("item %d of Monday.com lies on a board that GONOGO_MONDAY_BOARDS does not list", item)
		}
		for _, u := range i.Updates {
			if strings.Contains(u.Text, mark) {
				return true, nil
			}
		}
		return false, nil
	}
	return false, fmt.Errorf("there is no item %d at Monday.com, or this token may not see it", item)
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 20

// ask posts a query and decodes the data of its answer.
func (m *Monday) ask(ctx context.Context, query string, variables map[string]any, data any) error {
	if wait := m.pause(); wait > 0 {
		return &Limited{After: wait}
	}
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", m.cfg.Token)
	req.Header.Set("API-Version", m.cfg.Version)
	res, err := m.cfg.Client.Do(req)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) {
			err = whole.Err
		}
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	return m.read(res, answer, data)
}

// mondayEnvelope is an answer of any version of the API: errors stand in a list,
// and in older ones beside the data.
type mondayEnvelope struct {
	Data   json.RawMessage `json:"data"`
	Errors []struct {
		Message    string      `json:"message"`
		Extensions mondayFault `json:"extensions"`
	} `json:"errors"`
	ErrorMessage string `json:"error_message"`
	ErrorCode    string `json:"error_code"`
	ErrorData    wait   `json:"error_data"`
	StatusCode   int    `json:"status_code"`
}

type mondayFault struct {
	Code       string `json:"code"`
	StatusCode int    `json:"status_code"`
	RetryIn    int    `json:"retry_in_seconds"`
	ErrorData  wait   `json:"error_data"`
}

type wait struct {
	RetryIn int `json:"retry_in_seconds"`
}

// limits are the codes of errors that ask for patience.
var limits = []string{
	"COMPLEXITY_BUDGET_EXHAUSTED", "ComplexityException", "DAILY_LIMIT_EXCEEDED", "FIELD_LIMIT_EXCEEDED", "IP_RATE_LIMIT_EXCEEDED",
	"RateLimitExceeded", "Rate Limit Exceeded", "maxConcurrencyExceeded", "CONCURRENCY_LIMIT_EXCEEDED", "FIELD_MINUTE_RATE_LIMIT_EXCEEDED",
}

func (m *Monday) read(res *http.Response, answer []byte, data any) error {
	var e mondayEnvelope
	err := json.Unmarshal(answer, &e)
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
	limited := res.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusTooManyRequests || slices.Contains(limits, e.ErrorCode)
	seconds = max(seconds, e.ErrorData.RetryIn)
	code := e.ErrorCode
	for _, f := range e.Errors {
		x := f.Extensions
		limited = limited || x.StatusCode == http.StatusTooManyRequests || slices.Contains(limits, x.Code)
		seconds = max(seconds, x.RetryIn, x.ErrorData.RetryIn)
		if code == "" {
			code = x.Code
		}
	}
	switch {
	case limited:
		return &Limited{After: m.rest(seconds)}
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("the answer is %d", res.StatusCode)
	case err != nil:
		return errors.New("the answer is no JSON")
	case len(e.Errors) > 0 || e.ErrorCode != "" || e.ErrorMessage != "":
		return fmt.Errorf("the answer is an error (%s)", known(code))
	case len(e.Data) == 0 || string(e.Data) == "null":
		return errors.New("the answer has no data")
	}
	if err := json.Unmarshal(e.Data, data); err != nil {
		return errors.New("the answer's data has another form")
	}
	return nil
}

// known is a code as it may be shown.
func known(code string) string {
	if code == "" || len(code) > 60 || strings.ContainsFunc(code, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "without a code"
	}
	return code
}

const (
	leastRest = 10 * time.Second // when Monday.com does not say for how long
	mostRest  = time.Hour
)

// rest has nothing asked for a while.
func (m *Monday) rest(seconds int) time.Duration {
	d := min(max(time.Duration(min(seconds, 3600))*time.Second, leastRest), mostRest)
	m.mu.Lock()
	defer m.mu.Unlock()
	if until := m.cfg.Now().Add(d); until.After(m.until) {
		m.until = until
	}
	return d
}

func (m *Monday) pause() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.until.Sub(m.cfg.Now())
}

func texts(ids []int64) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = strconv.FormatInt(id, 10)
	}
	return all
}
