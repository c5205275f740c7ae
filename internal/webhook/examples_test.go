package webhook_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonogo/internal/webhook"
)

// examples returns GitHub's own examples by event.
func examples(t testing.TB) map[string][]json.RawMessage {
	t.Helper()
	files, err := filepath.Glob("../../testdata/webhooks/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/webhooks holds no examples (%v)", err)
	}
	all := make(map[string][]json.RawMessage)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = list
	}
	return all
}

// Case 9: everything that GitHub sends is taken or ignored, never refused.
func TestGitHubsExamples(t *testing.T) {
	f := newFixture(t)
	sent := 0
	for event, list := range examples(t) {
		for n, body := range list {
			sent++
			if code, text := f.send(request(event, string(body))); code != http.StatusAccepted && code != http.StatusOK {
				t.Errorf("%s %d: got %d %q", event, n, code, text)
			}
		}
	}
	stored := make(map[string]int)
	for _, h := range f.hints() {
		stored[h.Event]++
	}
	// The examples of pushes and deletions are of tags, those of comments are not
	// on pull requests, and there is none of a found secret.
	for _, event := range []string{"pull_request", "pull_request_review", "issues", "check_run", "check_suite", "status", "release", "repository", "member", "membership", "team", "organization", "installation",
		"installation_repositories"} {
		if stored[event] == 0 {
			t.Errorf("no example of %s was stored", event)
		}
	}
	t.Logf("%d sent, stored %v", sent, stored)
}

// Case 5: an event's name is not signed. Under another name a payload is
// refused, ignored, or leads to no more than a look: it never brings a comment,
// a review or a button that it did not hold.
func TestEveryExampleUnderEveryName(t *testing.T) {
	f := newFixture(t)
	all := examples(t)
	names := []string{"pull_request", "pull_request_review", "issue_comment", "issues", "check_run", "check_suite", "status", "push",
		"delete", "release", "secret_scanning_alert", "repository", "member", "installation", "installation_repositories",
		"membership", "team", "organization"}
	taken := make(map[string]bool)
	for event, list := range all {
		for _, body := range list {
			for _, name := range names {
				if name == event {
					continue
				}
				code, text := f.send(request(name, string(body)))
				if code >= 500 {
					t.Errorf("%s as %s: got %d", event, name, code)
				}
				if code == http.StatusAccepted && text == "accepted" {
					taken[event+" as "+name] = true
				}
			}
		}
	}
	for _, h := range f.hints() {
		if h.Comment != nil || h.Review != nil || h.Button != nil {
			t.Errorf("a foreign payload became %s %s", h.Event, h.Action)
		}
	}
	t.Logf("taken: %v", taken)
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(opened))
	f.Add([]byte(commented(1, "/go \U0001F680 \\ \" \x00")))
	f.Add([]byte(`{"a":[1,-0.5e+7,true,false,null,{"b":{}}],"\ud83d\ude00":"\ud800"}`))
	f.Add([]byte(`{"a":1,"\u0061":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := webhook.Scan(data)
		if valid := json.Valid(data); err == nil && !valid {
			t.Fatalf("taken, but not JSON: %q", data)
		} else if valid && err != nil && webhook.IsSyntax(err) && strings.HasPrefix(strings.TrimLeft(string(data), " \t\r\n"), "{") {
			t.Fatalf("JSON, but refused: %q", data)
		}
	})
}
