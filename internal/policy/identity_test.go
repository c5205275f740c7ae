package policy

import (
	"strings"
	"testing"

	"gonogo/internal/gate"
)

// Case 20: a login of the policy means the account that had it when it was first
// resolved.
func TestWhomALoginMeans(t *testing.T) {
	stranger := gate.User{ID: 999, Login: "dana"}
	renamedDana := gate.User{ID: dana.ID, Login: "dana-d"}
	gone := gate.Reading[gate.User]{Why: gate.Unreadable{Cause: gate.CauseFault, Fact: "GitHub answers 502."}}
	for name, c := range map[string]struct {
		entry string
		meant *gate.Reading[gate.User]
		u     gate.User
		known bool
		holds bool
		says  string
	}{
		"the one who was meant":                      {"dana", nil, dana, true, true, ""},
		"in other letters":                           {"Dana", nil, dana, true, true, ""},
		"a stranger who took the login":              {"dana", ptr(read(dana)), stranger, true, false, "is now user 999, was 3"},
		"who was meant, under another login":         {"dana", ptr(read(dana)), renamedDana, true, false, "is now called " + gate.Quote("@dana-d")},
		"a stranger under a login that nobody had":   {"dana", ptr(read(gate.User{Login: "dana"})), stranger, true, false, "was nobody when the policy was first read"},
		"a stranger whom the policy names by number": {"dana#999", ptr(read(dana)), stranger, true, true, ""},
		"the former one, no longer named":            {"dana#999", ptr(read(dana)), dana, true, false, "is now user 3, was 999"},
		"whom it means could not be read":            {"dana", &gone, dana, false, false, ""},
		"somebody else":                              {"dana", nil, lee, true, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := fine()
			w.meant = map[string]gate.Reading[gate.User]{}
			if c.meant != nil {
				w.meant[strings.TrimRight(strings.Split(c.entry, "#")[0], " ")] = *c.meant
			}
			w.Policy.Roles[ReleaseManager] = Role{Users: []string{c.entry}}
			got := w.Policy.Authority(w, ReleaseManager, c.u)
			if got.Known != c.known || got.Value != c.holds {
				t.Errorf("known %t, holds %t", got.Known, got.Value)
			}
			fact, fix := w.Policy.Mistaken(w, []string{ReleaseManager}, c.u)
			if c.says == "" && fact != "" || !strings.Contains(fact, c.says) || (fact == "") != (fix == "") {
				t.Errorf("fact %q, fix %q", fact, fix)
			}
		})
	}
}

// A permission that GitHub tells of a login is that of whoever has it now.
func TestPermissionOfALoginThatChangedHands(t *testing.T) {
	w := fine()
	former := gate.User{ID: 42, Login: "sam"} // sam, an administrator, is user 4 by now
	if got := w.Policy.Authority(w, ReleaseManager, former); !got.Known || got.Value {
		t.Errorf("user 42 has what user 4 may do: %+v", got)
	}
	if got := Administers(w, former); !got.Known || got.Value {
		t.Errorf("user 42 administers: %+v", got)
	}
	w.decisions = []gate.PersonDecision{{ID: 1, Choice: gate.ChoiceGo, User: former, At: now, SaidAt: now,
		For: gate.Binding{HeadSHA: head, BaseRef: "main", Policy: w.Policy.Digest(), Terms: w.Record.Terms()}}}
	w.Evidence = w
	ev := Evaluate(w.Input)
	for _, f := range ev.Blockers() {
		if f.Code == codeIdentity && strings.Contains(f.Fact, "is now user 4, was 42") {
			return
		}
	}
	t.Errorf("not told: %+v", ev.Blockers())
}

func TestEntriesOfUsers(t *testing.T) {
	for entry, ok := range map[string]bool{
		"alice": true, "alice#42": true, "": false, "#42": false, "alice#": false, "alice#x": false, "alice#-1": false, "alice#0": false,
		"@alice": false, "acme/alice": false, "alice #42": false,
	} {
		if _, got := parsePerson(entry); got != ok {
			t.Errorf("%q: %t", entry, got)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// Case 17: who wrote it must be known at high, and is shown below.
func TestUnattributedCommits(t *testing.T) {
	nobody := gate.Commit{SHA: head, Parents: 1, Committer: &kim, AuthorEmail: "somebody@example.com"}
	for name, c := range map[string]struct {
		class  gate.Class
		commit gate.Commit
		blocks bool
		told   bool
	}{
		"high":                               {gate.High, nobody, true, true},
		"medium":                             {gate.Medium, nobody, false, true},
		"high, the committer":                {gate.High, gate.Commit{SHA: head, Parents: 1, Author: &kim, CommitterEmail: "x@example.com"}, true, true},
		"high, GitHub's address":             {gate.High, gate.Commit{SHA: head, Parents: 1, AuthorEmail: "9+eve@users.noreply.github.com", Committer: &kim}, false, false},
		"high, a co-author who is not known": {gate.High, gate.Commit{SHA: head, Parents: 1, Author: &kim, Committer: &kim, CoAuthors: []gate.CoAuthor{{Name: "x", Email: "x@example.com"}}}, false, true},
		"high, all known":                    {gate.High, gate.Commit{SHA: head, Parents: 1, Author: &kim, Committer: &kim}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := fine()
			if c.class == gate.High {
				w.high()
			}
			w.commits = read([]gate.Commit{c.commit})
			told, blocks := false, false
			for _, f := range w.judge().Findings {
				if f.Code == "unattributed-commits" {
					told, blocks = true, blocks || f.Status.Blocks()
				}
			}
			if told != c.told || blocks != c.blocks {
				t.Errorf("told %t, blocks %t", told, blocks)
			}
		})
	}
}

// Case 17: who only pushed what others wrote neither approves nor decides.
func TestWhoPushedDoesNotDecide(t *testing.T) {
	w := fine()
	w.PR.Pushers = []gate.User{dana}
	if got := codes(w.judge()); !strings.Contains(got, "self-go") {
		t.Errorf("dana pushed and decides: %s", got)
	}
	w = fine()
	w.PR.Pushers = []gate.User{lee}
	if got := codes(w.judge()); !strings.Contains(got, "approvals-missing") {
		t.Errorf("lee pushed and approves: %s", got)
	}
}
