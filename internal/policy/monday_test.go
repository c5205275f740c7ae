package policy

import (
	"strings"
	"testing"

	"gonogo/internal/gate"
)

const byMonday = "tracker: {kind: monday, boards: [1234567890], status: {column: status, done: [Done, Shipped]}, note: {column: note}}\n"

func TestWhatIsAnItemOfMonday(t *testing.T) {
	pr := gate.PullRequest{Repo: gate.Repository{Owner: "acme", Name: "shop"}, URL: "https://github.com/acme/shop/pull/7"}
	p, err := Parse(Path, []byte(byMonday))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, text, refs, odd string }{
		{"its address", "https://acme.monday.com/boards/1234567890/pulses/9876543210", "9876543210", ""},
		{"its address in a view", "https://acme.monday.com/boards/1234567890/views/12/pulses/9876543210?x=1#y", "9876543210", ""},
		{"its id", "9876543210", "9876543210", ""},
		{"the same one twice", "9876543210, https://acme.monday.com/boards/1/pulses/9876543210", "9876543210", ""},
		{"several, as people write", "- 9876543210 (totals)\n- and 9876543211;", "9876543210 9876543211", ""},
		{"an issue", "#12", "", "#12"},
		{"another host", "https://monday.com.evil.example/boards/1/pulses/9876543210", "", "https://monday.com.evil.example/boards/1/pulses/9876543210"},
		{"a host that ends alike", "https://evilmonday.com/boards/1/pulses/9876543210", "", "https://evilmonday.com/boards/1/pulses/9876543210"},
		{"a name in the address", "https://acme.monday.com@evil.example/boards/1/pulses/9", "", "https://acme.monday.com@evil.example/boards/1/pulses/9"},
		{"a board", "https://acme.monday.com/boards/1234567890", "", "https://acme.monday.com/boards/1234567890"},
		{"a number that is no id", "12", "", "12"},
		{"a number too long", "1234567890123456789", "", "1234567890123456789"},
		{"only talk", "see the board", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refs, odd := p.trackerItems(pr, gate.Record{More: map[gate.Field]string{gate.FieldTracker: tt.text}})
			var names []string
			for _, r := range refs {
				names = append(names, r.String())
			}
			if got := strings.Join(names, " "); got != tt.refs || strings.Join(odd, " ") != tt.odd {
				t.Errorf("items %q, odd %q", got, odd)
			}
		})
	}
}

func TestItemsOfMonday(t *testing.T) {
	byMonday, err := Parse(Path, []byte(byMonday))
	if err != nil {
		t.Fatal(err)
	}
	done := gate.TrackerItem{Title: "Totals", Board: 1234567890, Status: "Done", Completed: true, Noted: true}
	for _, tt := range []struct {
		name   string
		change func(*gate.TrackerItem)
		want   string
		says   string
	}{
		{"done with a note", func(*gate.TrackerItem) {}, "", ""},
		{"working on it", func(i *gate.TrackerItem) { i.Completed, i.Status = false, "Working on it" }, "action operational/tracker tracker-open", "'Working on it'"},
		{"no status", func(i *gate.TrackerItem) { i.Completed, i.Status = false, "" }, "action operational/tracker tracker-open", "has no status"},
		{"done without a note", func(i *gate.TrackerItem) { i.Noted = false }, "action operational/tracker tracker-note", "without a completion note"},
		{"on another board", func(i *gate.TrackerItem) { i.Board = 8 }, "action operational/tracker tracker-unclear", "lies on a board"},
		{"on no board", func(i *gate.TrackerItem) { i.Board = 0 }, "action operational/tracker tracker-unclear", "lies on a board"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			item := done
			tt.change(&item)
			w.under(blocking("operational/tracker"))
			w.tracks(gate.TrackerRef{Item: 9876543210}, item)
			w.under(func(p *Policy) { p.Tracker = byMonday.Tracker })
			w.fills(gate.FieldTracker, "https://acme.monday.com/boards/1234567890/pulses/9876543210")
			ev := w.judge()
			if got := codes(ev); got != tt.want {
				t.Fatalf("%s", got)
			}
			if tt.want == "" {
				return
			}
			f := ev.Blockers()[0]
			fact := gate.PlainText(f.Fact)
			if !strings.Contains(fact, tt.says) {
				t.Errorf("it says %s", fact)
			}
			if item.Board != 1234567890 && strings.Contains(fact, "Totals") {
				t.Errorf("an item of another board is shown: %s", fact)
			}
		})
	}
}

func TestPoliciesForMonday(t *testing.T) {
	if _, err := Parse(Path, []byte(byMonday)); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"tracker: {kind: monday}":                                                  "name the boards",
		"tracker: {kind: monday, boards: [0]}":                                     "no id of a board",
		"tracker: {kind: monday, boards: [7], status: {done: []}}":                 "name the labels",
		"tracker: {kind: monday, boards: [7], status: {done: ['']}}":               "cannot be empty",
		"tracker: {kind: monday, boards: [7], status: {column: ''}}":               "no id of a column",
		"tracker: {kind: monday, boards: [7], status: {column: 'a b'}}":            "no id of a column",
		"tracker: {kind: monday, boards: [7], note: {column: 'text) { secret }'}}": "no id of a column",
	} {
		if _, err := Parse(Path, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
