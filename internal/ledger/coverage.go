package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// Coverage says of how much an export tells: every merge that the ledger knows
// is in exactly one of the counts.
type Coverage struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	Entries     int       `json:"entries"`
	Merges      int       `json:"merges"`
	Ready       int       `json:"ready"`
	Overridden  int       `json:"override"`
	Exempt      int       `json:"exempt"`
	Bypassed    int       `json:"bypass"`
	BeforeGate  int       `json:"before_gate"`
	Ungated     int       `json:"ungated"`
	NotKnown    int       `json:"not_known"`
	Periods     []Period  `json:"check_required"`
	Limitations []string  `json:"limitations"`
}

// Period is for how long a branch's rules said the same of the check, as it was
// seen. A zero To means that they do still.
type Period struct {
	Repository string      `json:"repository"`
	Base       string      `json:"base"`
	State      Requirement `json:"state"`
	From       time.Time   `json:"from"`
	To         *time.Time  `json:"to"`

	repoID int64
}

// limitations are what no ledger can know by itself.
var limitations = []string{
	"A merge is known when its event or the next reconcile showed it; pushes without a pull request are not in the count of merges.",
	"Whether a check was required is known from the evaluations of pull requests: a period begins when it was first seen, and before that it is not known.",
}

// cover counts the merges of a selection. It reads what it needs of the ledger
// and keeps no more than the periods.
func cover(ctx context.Context, q querier, s *selection) (Coverage, error) {
	c := Coverage{Limitations: limitations, Periods: []Period{}}
	if err := each(ctx, q, s, string(KindRequired), func(r *row) error { return c.period(r, s.name(r.repoID)) }); err != nil {
		return c, err
	}
	err := each(ctx, q, s, "", func(r *row) error {
		at := store.Time(r.at)
		if c.Entries++; c.Entries == 1 {
			c.From = at
		}
		c.To = at
		if Kind(r.kind) != KindMerged {
			return nil
		}
		var m Merge
		if err := json.Unmarshal(r.data, &m); err != nil {
			return fmt.Errorf("entry %d: %w", r.id, err)
		}
		c.Merges++
		*c.countOf(r.repoID, m)++
		return nil
	})
	return c, err
}

// period adds what a required entry says.
func (c *Coverage) period(r *row, name string) error {
	var data requirement
	if err := json.Unmarshal(r.data, &data); err != nil {
		return fmt.Errorf("entry %d: %w", r.id, err)
	}
	at := store.Time(r.at)
	for i := range c.Periods {
		if p := &c.Periods[i]; p.repoID == r.repoID && p.Base == data.Base && p.To == nil {
			p.To = &at
		}
	}
	c.Periods = append(c.Periods, Period{Repository: name, Base: data.Base, State: data.State, From: at, repoID: r.repoID})
	return nil
}

// countOf is the count into which a merge belongs.
func (c *Coverage) countOf(repoID int64, m Merge) *int {
	switch {
	case m.Override != "":
		return &c.Overridden
	case m.Verdict == gate.Ready && m.Exempt != "":
		return &c.Exempt
	case m.Verdict == gate.Ready:
		return &c.Ready
	}
	var now Requirement
	was, will := false, false
	for _, p := range c.Periods {
		if p.repoID != repoID || p.Base != m.Base {
			continue
		}
		switch {
		case p.From.After(m.At):
			will = will || p.State == Required
		case p.To == nil || p.To.After(m.At):
			now = p.State
		default:
			was = was || p.State == Required
		}
	}
	switch {
	case now == "" || m.At.IsZero():
		return &c.NotKnown
	case now == Required:
		return &c.Bypassed
	case will && !was:
		return &c.BeforeGate
	default:
		return &c.Ungated
	}
}

// selection is which entries are exported.
type selection struct {
	Selection

	pulls []int64
}

// Selection is which part of the ledger is exported; its zero value is all of
// it.
type Selection struct {
	Repos   []int64 // none: all
	Number  int     // of a pull request, 0: all
	Release string  // a tag: its entries, and those of the pull requests in it
	Name    func(repoID int64) string
}

func (s *selection) name(repoID int64) string {
	if s.Name == nil || repoID == 0 {
		return ""
	}
	return s.Name(repoID)
}

// newSelection finds the pull requests of a release: those that its newest
// judgement names.
func newSelection(ctx context.Context, q querier, asked Selection) (*selection, error) {
	s := &selection{Selection: asked}
	if asked.Release == "" {
		return s, nil
	}
	found := false
	err := each(ctx, q, &selection{Selection: Selection{Repos: asked.Repos}}, string(KindRelease), func(r *row) error {
		tag, pulls, err := releaseOf(r)
		if err == nil && tag == asked.Release {
			found, s.pulls = true, pulls
		}
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("the ledger knows no release %q there", asked.Release)
	}
	return s, err
}

func releaseOf(r *row) (tag string, pulls []int64, err error) {
	var data struct {
		Tag   string
		Pulls []struct{ Number int64 }
	}
	if err := json.Unmarshal(r.data, &data); err != nil {
		return "", nil, fmt.Errorf("entry %d: %w", r.id, err)
	}
	for _, p := range data.Pulls {
		pulls = append(pulls, p.Number)
	}
	return data.Tag, pulls, nil
}

// wants reports whether an entry belongs to the selection. What is about a
// branch or the ledger as a whole belongs to every selection of its repository.
func (s *selection) wants(r *row) (bool, error) {
	switch {
	case len(s.Repos) > 0 && !slices.Contains(s.Repos, r.repoID):
		return false, nil
	case Kind(r.kind) == KindRequired:
		return true, nil
	case s.Number > 0 && r.number != int64(s.Number):
		return false, nil
	case s.Release == "" || slices.Contains(s.pulls, r.number) && r.number > 0:
		return true, nil
	case Kind(r.kind) != KindRelease:
		return false, nil
	}
	tag, _, err := releaseOf(r)
	return tag == s.Release, err
}

// page is how many entries are read at once: f of each may ask the same
// connection for more.
const page = 500

// each calls f for every entry of a selection in order, of one kind or, for "",
// of all.
func each(ctx context.Context, q querier, s *selection, kind string, f func(*row) error) error {
	for last := int64(0); ; {
		rows, err := pageOf(ctx, q, kind, last)
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		for i := range rows {
			wanted, err := s.wants(&rows[i])
			if err == nil && wanted {
				err = f(&rows[i])
			}
			if err != nil {
				return err
			}
		}
		if len(rows) < page {
			return nil
		}
		last = rows[len(rows)-1].id
	}
}

func pageOf(ctx context.Context, q querier, kind string, last int64) (_ []row, err error) {
	rows, err := q.QueryContext(ctx, `SELECT `+rowColumns+` FROM entry WHERE id > $1 AND ($2 = '' OR kind = $2) ORDER BY id LIMIT $3`, last, kind, page)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.at, &r.kind, &r.repoID, &r.number, &r.sha, &r.actorID, &r.actor, &r.once, &r.data, &r.texts, &r.hash); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
