package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
	"gonogo/internal/tracker"
)

const board = 1234567890

var byNote = tracker.Columns{Status: "status", Done: func(label string) bool { return label == "Done" }, Note: "note"}

type mondayWorld struct {
	*sandbox.Monday
	client *tracker.Monday
	now    time.Time
}

func newMonday(t *testing.T) *mondayWorld {
	t.Helper()
	w := &mondayWorld{Monday: sandbox.NewMonday("t0ken"), now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(w.Monday)
	t.Cleanup(server.Close)
	var err error
	w.client, err = tracker.NewMonday(tracker.MondayConfig{
		URL: server.URL, Token: "t0ken", Version: "2026-10", Boards: []int64{board}, Client: http.DefaultClient, Now: func() time.Time { return w.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestItemsOfMonday(t *testing.T) {
	w := newMonday(t)
	w.Item(101, board, "Totals", map[string]string{"status": "Done", "note": "rolled out, watched"})
	w.Item(102, board, "Taxes", map[string]string{"status": "Working on it", "note": ""})
	w.Item(103, board, "Blank", map[string]string{"status": "", "note": " "})
	w.Item(104, 99, "Secret", map[string]string{"status": "Done", "note": "x"})
	w.Item(105, board, "Old", map[string]string{"status": "Done", "note": "x"})
	w.State(105, "deleted")
	w.Item(106, board, "Archived", map[string]string{"status": "Done", "note": "x"})
	w.State(106, "archived")
	got, err := w.client.Items(t.Context(), []int64{101, 102, 103, 104, 105, 106, 999}, byNote)
	if err != nil {
		t.Fatal(err)
	}
	is := func(id int, title, status string, completed, noted bool) gate.TrackerItem {
		return gate.TrackerItem{
			Title: title, URL: fmt.Sprintf("https://acme.monday.com/boards/%d/pulses/%d", board, id), Open: !completed, Completed: completed, Noted: noted,
			Board: board, Status: status,
		}
	}
	want := map[int64]gate.TrackerItem{
		101: is(101, "Totals", "Done", true, true), 102: is(102, "Taxes", "Working on it", false, false),
		103: is(103, "Blank", "", false, false), 106: is(106, "Archived", "Done", true, true),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	seen := w.Requests()
	if len(seen) != 1 || seen[0].Version != "2026-10" {
		t.Fatalf("%d requests: %+v", len(seen), seen)
	}
	if want := `{"query":"query ($ids: [ID!], $columns: [String!]) { items(ids: $ids, limit: 100, exclude_nonactive: false) ` +
		`{ id name url state board { id } column_values(ids: $columns) { id text } } }",` +
		`"variables":{"columns":["status","note"],"ids":["101","102","103","104","105","106","999"]}}`; seen[0].Body != want {
		t.Errorf("it was asked\n%s\nwant\n%s", seen[0].Body, want)
	}
}

// Without a note column, an update of a person is the note, and none of ours.
func TestUpdatesAsNotes(t *testing.T) {
	w := newMonday(t)
	by := byNote
	by.Note = ""
	for id := int64(101); id <= 104; id++ {
		w.Item(id, board, "Totals", map[string]string{"status": "Done"})
	}
	w.Say(102, w.User, "authorized by dana")
	w.Say(103, "8", "   ")
	w.Say(104, "8", "rolled out")
	got, err := w.client.Items(t.Context(), []int64{101, 102, 103, 104}, by)
	if err != nil {
		t.Fatal(err)
	}
	for id, noted := range map[int64]bool{101: false, 102: false, 103: false, 104: true} {
		if got[id].Noted != noted {
			t.Errorf("%d: %+v", id, got[id])
		}
	}
}

// Case 56: nothing is done because it could not be read.
func TestMondayThatDoesNotAnswer(t *testing.T) {
	says := func(status int, body string, header ...string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	item := `{"id":"101","name":"x","state":"active","board":{"id":"1234567890"},"column_values":[{"id":"status","text":"Done"},{"id":"note","text":"y"}]}`
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter) bool
		after  time.Duration
	}{
		{"failing", says(500, "oops"), 0},
		{"failing with data", says(500, `{"data":{"items":[`+item+`]}}`), 0},
		{"not signed in", says(401, `{"errors":["Not Authenticated"]}`), 0},
		{"nonsense", says(200, "<html>"), 0},
		{"empty", says(200, ""), 0},
		{"no data", says(200, `{"data":null}`), 0},
		{"another form", says(200, `{"data":{"items":{}}}`), 0},
		{"an error beside the data", says(200, `{"data":{"items":[`+item+`]},"errors":[{"message":"x","extensions":{"code":"InternalServerError","status_code":500}}]}`), 0},
		{"an error of older versions beside the data", says(200, `{"data":{"items":[`+item+`]},"error_code":"UserUnauthorizedException","status_code":403}`), 0},
		{"no board", says(200, `{"data":{"items":[{"id":"101","state":"active"}]}}`), 0},
		{"no status column", says(200, `{"data":{"items":[{"id":"101","state":"active","board":{"id":"1234567890"},"column_values":[{"id":"note","text":"y"}]}]}}`), 0},
		{"no note column", says(200, `{"data":{"items":[{"id":"101","state":"active","board":{"id":"1234567890"},"column_values":[{"id":"status","text":"Done"}]}]}}`), 0},
		{"too many requests", says(429, `{"errors":[]}`, "Retry-After", "45"), 45 * time.Second},
		{"too many requests, without a time", says(429, "slow down"), 10 * time.Second},
		{"complexity", says(200, `{"errors":[{"message":"x","extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED","retry_in_seconds":33,"status_code":429}}]}`), 33 * time.Second},
		{"complexity, by its code alone", says(200, `{"errors":[{"message":"x","extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED","error_data":{"retry_in_seconds":12}}}]}`), 12 * time.Second},
		{"complexity of older versions", says(200, `{"error_code":"ComplexityException","error_message":"x","error_data":{"retry_in_seconds":20}}`), 20 * time.Second},
		{"the day's calls", says(200, `{"errors":[{"message":"x","extensions":{"code":"DAILY_LIMIT_EXCEEDED"}}]}`, "Retry-After", "80000"), time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newMonday(t)
			w.Item(101, board, "Totals", map[string]string{"status": "Done", "note": "x"})
			w.Answer(tt.answer)
			got, err := w.client.Items(t.Context(), []int64{101}, byNote)
			if err == nil || len(got) > 0 {
				t.Fatalf("%+v, %v", got, err)
			}
			if strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("the error tells too much: %v", err)
			}
			var limited *tracker.Limited
			if errors.As(err, &limited) != (tt.after > 0) || tt.after > 0 && limited.After != tt.after {
				t.Fatalf("%v", err)
			}
			w.Answer(nil)
			before := len(w.Requests())
			_, err = w.client.Items(t.Context(), []int64{101}, byNote)
			if (err != nil) != (tt.after > 0) || (len(w.Requests()) == before) != (tt.after > 0) {
				t.Errorf("the next one: %v", err)
			}
			w.now = w.now.Add(tt.after)
			if got, err := w.client.Items(t.Context(), []int64{101}, byNote); err != nil || !got[101].Completed {
				t.Errorf("after that: %+v, %v", got, err)
			}
		})
	}
}

func TestUpdatesAreWrittenOnce(t *testing.T) {
	w := newMonday(t)
	w.Item(101, board, "Totals", map[string]string{"status": "Done"})
	for range 2 {
		if err := w.client.Update(t.Context(), 101, []string{"Authorized by dana", `<a href="http://evil.example">READY</a> & "more"`}, "gonogo-abc"); err != nil {
			t.Fatal(err)
		}
	}
	got := w.Updates(101)
	want := []sandbox.MondayUpdate{{ID: "501", Creator: "7001", Body: `Authorized by dana<br>&lt;a href=&#34;http://evil.example&#34;&gt;READY&lt;/a&gt; &amp; &#34;more&#34;<br>gonogo-abc`}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUpdatesGoToListedBoardsOnly(t *testing.T) {
	w := newMonday(t)
	w.Item(104, 99, "Secret", nil)
	for _, id := range []int64{104, 999} {
		if err := w.client.Update(t.Context(), id, []string{"x"}, "gonogo-abc"); err == nil {
			t.Errorf("%d got an update", id)
		}
	}
	for _, r := range w.Requests() {
		if strings.Contains(r.Body, "mutation") {
			t.Errorf("it was asked %s", r.Body)
		}
	}
}

// Mutations are made one after another.
func TestMutationsOneAfterAnother(t *testing.T) {
	var mu sync.Mutex
	under, most := 0, 0
	fake := sandbox.NewMonday("t0ken")
	for id := int64(101); id < 111; id++ {
		fake.Item(id, board, "x", nil)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		under++
		most = max(most, under)
		mu.Unlock()
		for range 10_000 { // lets the others come, if they may
			runtime.Gosched()
		}
		fake.ServeHTTP(rw, r)
		mu.Lock()
		under--
		mu.Unlock()
	}))
	defer server.Close()
	client, err := tracker.NewMonday(tracker.MondayConfig{URL: server.URL, Token: "t0ken", Version: "2026-10", Boards: []int64{board}, Client: http.DefaultClient, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for id := int64(101); id < 111; id++ {
		wg.Go(func() {
			if err := client.Update(context.WithoutCancel(t.Context()), id, []string{"x"}, "gonogo-abc"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most != 1 {
		t.Errorf("%d at once", most)
	}
	for id := int64(101); id < 111; id++ {
		if n := len(fake.Updates(id)); n != 1 {
			t.Errorf("%d has %d updates", id, n)
		}
	}
}

func TestFakeMondayKnowsItsSchema(t *testing.T) {
	w := newMonday(t)
	for _, query := range []string{"query { items { secret } }", "query { boards { id } }", "query { items }", "mutation { delete_item { id } }", "{ me { id }", "query { me { id } } x"} {
		res, err := http.Post(signedIn(t, w), "application/json", strings.NewReader(fmt.Sprintf(`{"query":%q}`, query)))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != 200 || !strings.Contains(string(body), `"errors"`) {
			t.Errorf("%s: %d %s", query, res.StatusCode, body)
		}
	}
}

// signedIn is where the fake takes requests without a token.
func signedIn(t *testing.T, w *mondayWorld) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "t0ken")
		w.Monday.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
