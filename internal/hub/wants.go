package hub

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
)

// wants collects the fields that an answer lacks.
type wants struct{ missing []string }

// want returns what p points to; a missing value is noted under its name.
func want[T any](w *wants, name string, p *T) T {
	if p == nil {
		w.missing = append(w.missing, name)
		var zero T
		return zero
	}
	return *p
}

// wantSome is want for values that are never zero: ids, names, SHAs.
func wantSome[T comparable](w *wants, name string, p *T) T {
	var zero T
	value := want(w, name, p)
	if p != nil && value == zero {
		w.missing = append(w.missing, name)
	}
	return value
}

// wantList notes a list that is not there; an empty one is.
func wantList[T any](w *wants, name string, list []T) []T {
	if list == nil {
		w.missing = append(w.missing, name)
	}
	return list
}

func wantTime(w *wants, name string, t *github.Timestamp) time.Time {
	return wantSome(w, name, t).Time
}

func (w *wants) err() error {
	if len(w.missing) == 0 {
		return nil
	}
	return fmt.Errorf("the answer lacks %s", strings.Join(w.missing, ", "))
}

// each turns the items of an answer into the gate's types.
func each[From, To any](k call, from []From, convert func(*wants, *From) To) ([]To, error) {
	to := make([]To, 0, len(from))
	for _, item := range from {
		var w wants
		converted := convert(&w, &item)
		if err := w.err(); err != nil {
			return nil, k.fault(err)
		}
		to = append(to, converted)
	}
	return to, nil
}

// one is each for a single item.
func one[From, To any](k call, from From, convert func(*wants, *From) To) (To, error) {
	var w wants
	to := convert(&w, &from)
	if err := w.err(); err != nil {
		var zero To
		return zero, k.fault(err)
	}
	return to, nil
}
