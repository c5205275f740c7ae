package hub

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// answers is a handler of one text.
func answers(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// A tree is read whole or not at all: what is missing in an answer is no file
// that is missing.
func TestTree(t *testing.T) {
	const (
		blob = `{"path":"a.go","mode":"100644","type":"blob","sha":"1"}`
		dir  = `{"path":"lib","mode":"040000","type":"tree","sha":"2"}`
		link = `{"path":"lib/b","mode":"120000","type":"blob","sha":"3"}`
		sub  = `{"path":"vendor/c","mode":"160000","type":"commit","sha":"4"}`
	)
	for _, tt := range []struct {
		name, body string
		want       map[string]Entry
		kind       Kind
	}{
		{"files, links and submodules", `{"truncated":false,"tree":[` + blob + "," + dir + "," + link + "," + sub + `]}`,
			map[string]Entry{"a.go": {"100644", "1"}, "lib/b": {"120000", "3"}, "vendor/c": {"160000", "4"}}, ""},
		{"nothing in it", `{"truncated":false,"tree":[]}`, map[string]Entry{}, ""},
		{"more than GitHub lists", `{"truncated":true,"tree":[` + blob + `]}`, nil, KindTruncated},
		{"it does not say whether that is all", `{"tree":[` + blob + `]}`, nil, KindFault},
		{"no list", `{"truncated":false}`, nil, KindFault},
		{"no list but null", `{"truncated":false,"tree":null}`, nil, KindFault},
		{"an entry without its mode", `{"truncated":false,"tree":[{"path":"a.go","type":"blob","sha":"1"}]}`, nil, KindFault},
		{"an entry without its type", `{"truncated":false,"tree":[{"path":"a.go","mode":"100644","sha":"1"}]}`, nil, KindFault},
		{"an entry without its path", `{"truncated":false,"tree":[{"mode":"100644","type":"blob","sha":"1"}]}`, nil, KindFault},
		{"an entry without its content", `{"truncated":false,"tree":[{"path":"a.go","mode":"100644","type":"blob"}]}`, nil, KindFault},
		{"a path twice", `{"truncated":false,"tree":[` + blob + "," + blob + `]}`, nil, KindFault},
	} {
		f := newFake(t, map[string]http.HandlerFunc{"GET /repos/acme/shop/git/trees/abc": answers(tt.body)})
		got, err := newRepo(t, f, nil).Tree(t.Context(), "abc")
		if (err != nil) != (tt.kind != "") || err != nil && KindOf(err) != tt.kind {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.kind)
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// How far commits lie apart takes one request, and says when it does not know all
// files.
func TestDiverge(t *testing.T) {
	file := func(n int) string {
		return fmt.Sprintf(`{"filename":"f%d","status":"added","additions":1,"deletions":0,"sha":"s"}`, n)
	}
	body := func(files int, leave ...string) string {
		parts := []string{`"ahead_by":4`, `"base_commit":{"sha":"b"}`, `"merge_base_commit":{"sha":"m"}`}
		list := make([]string, files)
		for i := range list {
			list[i] = file(i)
		}
		parts = append(parts, `"files":[`+strings.Join(list, ",")+`]`)
		var kept []string
		for _, p := range parts {
			if len(leave) == 0 || !strings.HasPrefix(p, `"`+leave[0]+`"`) {
				kept = append(kept, p)
			}
		}
		return "{" + strings.Join(kept, ",") + "}"
	}
	for _, tt := range []struct {
		name, body string
		files      int
		cut, fails bool
	}{
		{"no files", body(0), 0, false, false},
		{"one short of the cap", body(maxCompareFiles - 1), maxCompareFiles - 1, false, false},
		{"at the cap there may be more", body(maxCompareFiles), maxCompareFiles, true, false},
		{"no count", body(1, "ahead_by"), 0, false, true},
		{"no base", body(1, "base_commit"), 0, false, true},
		{"no merge base", body(1, "merge_base_commit"), 0, false, true},
		{"no list of files", body(1, "files"), 0, false, true},
		{"a file without its name", strings.ReplaceAll(body(1), "filename", "name"), 0, false, true},
	} {
		f := newFake(t, map[string]http.HandlerFunc{"GET /repos/acme/shop/compare/release%2F1...abc": answers(tt.body)})
		got, err := newRepo(t, f, nil).Diverge(t.Context(), "release/1", "abc")
		if (err != nil) != tt.fails || err != nil && KindOf(err) != KindFault {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if !tt.fails && (got.AheadBy != 4 || got.BaseSHA != "b" || got.MergeBase != "m" || len(got.Files) != tt.files || got.FilesCut != tt.cut) {
			t.Errorf("%s: %d ahead, %d files, cut %t", tt.name, got.AheadBy, len(got.Files), got.FilesCut)
		}
		if f.count() != 1 {
			t.Errorf("%s: %d requests", tt.name, f.count())
		}
	}
}
