package worker

import (
	"bytes"
	"slices"
)

// These bound what a file may cost that is merged line by line: beyond them it is
// not known how it would merge.
const (
	maxMergeBytes = 1 << 20
	maxMergeEdits = 4000
)

// merged is how a file of ours and one of theirs join that both come from base,
// as git joins them: each region that only one side changed is that side's. It
// reports false where both changed the same lines or lines that touch each other,
// where one of them is no text, and where that would cost too much to tell.
func merged(base, ours, theirs []byte) ([]byte, bool) {
	for _, content := range [][]byte{base, ours, theirs} {
		if len(content) > maxMergeBytes || bytes.IndexByte(content, 0) >= 0 {
			return nil, false
		}
	}
	b := lines(base)
	left, ok := edits(b, lines(ours))
	if !ok {
		return nil, false
	}
	right, ok := edits(b, lines(theirs))
	if !ok {
		return nil, false
	}
	var out []byte
	at := 0
	for len(left)+len(right) > 0 {
		next, rest := &left, &right
		if len(left) == 0 || len(right) > 0 && right[0].from < left[0].from {
			next, rest = &right, &left
		}
		e := (*next)[0]
		*next = (*next)[1:]
		if len(*rest) > 0 && (*rest)[0].from <= e.to {
			other := (*rest)[0]
			if other.from != e.from || other.to != e.to || !slices.Equal(other.with, e.with) {
				return nil, false
			}
			*rest = (*rest)[1:]
		}
		out = appendLines(out, b[at:e.from])
		out = appendLines(out, e.with)
		at = e.to
	}
	return appendLines(out, b[at:]), true
}

func appendLines(out []byte, lines []string) []byte {
	for _, l := range lines {
		out = append(out, l...)
	}
	return out
}

// lines cuts a text after its line ends.
func lines(content []byte) []string {
	var all []string
	for l := range bytes.Lines(content) {
		all = append(all, string(l))
	}
	return all
}

// edit puts lines in the place of those from (included) to (left out).
type edit struct {
	from, to int
	with     []string
}

// edits turns a into b by the fewest lines taken out and put in (Myers, "An O(ND)
// Difference Algorithm and Its Variations", 1986). It reports false when those
// are too many.
func edits(a, b []string) ([]edit, bool) {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	a, b = a[head:len(a)-tail], b[head:len(b)-tail]
	trace, ok := furthest(a, b)
	if !ok {
		return nil, false
	}
	var found []edit // the last first
	x, y := len(a), len(b)
	for d := len(trace) - 1; d >= 0 && (x > 0 || y > 0); d-- {
		v, k := trace[d], x-y
		down := k == -d || k != d && v.at(k-1) < v.at(k+1)
		was := k - 1
		if down {
			was = k + 1
		}
		px := v.at(was)
		py := px - was
		if d == 0 {
			break // the rest is the same
		}
		one := edit{from: px + head, to: px + 1 + head}
		if down {
			one = edit{from: px + head, to: px + head, with: []string{b[py]}}
		}
		if n := len(found); n > 0 && found[n-1].from == one.to {
			found[n-1] = edit{one.from, found[n-1].to, append(one.with, found[n-1].with...)}
		} else {
			found = append(found, one)
		}
		x, y = px, py
	}
	slices.Reverse(found)
	return found, true
}

// frontier holds for each diagonal how far it was come along a.
type frontier struct {
	d       int
	reached []int
}

func (f frontier) at(k int) int { return f.reached[k+f.d+1] }

// furthest walks until both ends are reached, and keeps the frontier before each
// step.
func furthest(a, b []string) ([]frontier, bool) {
	reached := map[int]int{1: 0}
	var trace []frontier
	for d := range min(len(a)+len(b), maxMergeEdits) + 1 {
		f := frontier{d: d, reached: make([]int, 2*d+3)}
		for k := -d - 1; k <= d+1; k++ {
			f.reached[k+d+1] = reached[k]
		}
		trace = append(trace, f)
		for k := -d; k <= d; k += 2 {
			x := reached[k-1] + 1
			if k == -d || k != d && reached[k-1] < reached[k+1] {
				x = reached[k+1]
			}
			y := x - k
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			reached[k] = x
			if x >= len(a) && y >= len(b) {
				return trace, true
			}
		}
	}
	return nil, false
}
