package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// What stands where there is nothing to tell: never 0, never empty.
const (
	notKept   = "not kept"
	notKnown  = "not known"
	noVerdict = "none" // no verdict was made for what was merged
)

// Line is an entry as an auditor gets it.
type Line struct {
	Index      int64             `json:"index"`
	Time       time.Time         `json:"time"`
	Kind       Kind              `json:"kind"`
	Repository string            `json:"repository,omitempty"`
	RepoID     int64             `json:"repository_id,omitempty"`
	Number     int64             `json:"pull_request,omitempty"`
	SHA        string            `json:"commit,omitempty"`
	Person     string            `json:"person"`
	PersonID   int64             `json:"person_id,omitempty"`
	Verdict    string            `json:"verdict,omitempty"` // as entered, also when the evaluation is not kept
	Class      string            `json:"class,omitempty"`
	Base       string            `json:"base,omitempty"`
	Rules      string            `json:"rules,omitempty"`
	Texts      map[string]string `json:"texts,omitempty"`
	Data       json.RawMessage   `json:"data"`
	Evaluation *Evidence         `json:"evaluation,omitempty"`
	Hash       string            `json:"hash"`
}

// Evidence is what an evaluation rested on.
type Evidence struct {
	Number    int64                `json:"number"`
	Kept      bool                 `json:"kept"` // false: it was superseded and pruned, the rest is not known
	Verdict   gate.Verdict         `json:"verdict,omitempty"`
	Class     string               `json:"class,omitempty"`
	Base      string               `json:"base,omitempty"`
	Policy    string               `json:"policy,omitempty"`
	Rules     string               `json:"rules,omitempty"`
	Exempt    string               `json:"exempt,omitempty"`
	Findings  []Finding            `json:"findings,omitempty"`
	Decisions []Said               `json:"decisions,omitempty"`
	Read      map[string]time.Time `json:"read,omitempty"` // when each kind of evidence was read
}

// Finding is a requirement's answer.
type Finding struct {
	Requirement gate.Requirement `json:"requirement"`
	Status      string           `json:"status"`
	Code        string           `json:"code,omitempty"`
	Fact        string           `json:"fact,omitempty"`
}

// Said is a decision or sign-off as it was judged.
type Said struct {
	What   string    `json:"what"`
	Person string    `json:"person"`
	ID     int64     `json:"person_id"`
	At     time.Time `json:"time"`
	Counts bool      `json:"counts"`
	Lapsed string    `json:"lapsed,omitempty"`
}

// Exporter writes the parts of an export in their order.
type Exporter interface {
	Coverage(Coverage) error
	Line(Line) error
	Close() error
}

// Export writes a part of the ledger as of one moment, line by line.
func Export(ctx context.Context, db *store.Store, asked Selection, to Exporter) error {
	tx, err := db.Read().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	s, err := newSelection(ctx, tx, asked)
	if err != nil {
		return err
	}
	c, err := cover(ctx, tx, s)
	if err != nil {
		return err
	}
	if err := to.Coverage(c); err != nil {
		return err
	}
	err = each(ctx, tx, s, "", func(r *row) error {
		line, err := lineOf(ctx, tx, r, s.name(r.repoID))
		if err != nil {
			return fmt.Errorf("export entry %d: %w", r.id, err)
		}
		return to.Line(line)
	})
	return errors.Join(err, to.Close())
}

func lineOf(ctx context.Context, q querier, r *row, repository string) (Line, error) {
	line := Line{
		Index: r.id, Time: store.Time(r.at), Kind: Kind(r.kind), Repository: repository, RepoID: r.repoID, Number: r.number, SHA: r.sha,
		Person: r.actor, PersonID: r.actorID, Data: r.data, Hash: hex.EncodeToString(r.hash),
	}
	if line.Person == "" {
		line.Person = "gonogo"
	}
	if r.texts != "{}" {
		texts, err := wordsOf(ctx, q, `e.id = $1`, r.id)
		if err != nil {
			return line, err
		}
		line.Texts = texts[r.id]
	}
	if err := line.judge(ctx, q, r); err != nil {
		return line, err
	}
	return line, nil
}

// judge adds the verdict that an entry holds, and the evaluation on which it
// rests.
func (l *Line) judge(ctx context.Context, q querier, r *row) (err error) {
	switch l.Kind {
	case KindVerdict, KindMerged, KindExempt, KindRevert, KindOverride, KindRelease:
	default:
		return nil
	}
	var data struct {
		Verdict, Class, Base, Policy string
		Evaluation                   int64
	}
	if err := json.Unmarshal(r.data, &data); err != nil {
		return err
	}
	l.Verdict, l.Class, l.Base, l.Rules = data.Verdict, data.Class, data.Base, data.Policy
	if l.Verdict == "" && l.Kind == KindMerged {
		l.Verdict = noVerdict
	}
	if data.Evaluation == 0 {
		return nil
	}
	l.Evaluation, err = evidenceOf(ctx, q, data.Evaluation)
	if e := l.Evaluation; err == nil && e.Kept && l.Class == "" {
		l.Class, l.Rules = e.Class, e.Rules
	}
	return err
}

// evidenceOf returns what an evaluation rested on, as far as it is kept.
func evidenceOf(ctx context.Context, q querier, number int64) (*Evidence, error) {
	e := &Evidence{Number: number}
	var stored []byte
	found, err := none(q.QueryRowContext(ctx, `SELECT data FROM evaluation WHERE number = $1 AND verdict <> ''`, e.Number).Scan(&stored))
	if err != nil || !found {
		return e, err
	}
	var ev gate.Evaluation
	if err := json.Unmarshal(stored, &ev); err != nil {
		return nil, fmt.Errorf("read evaluation %d: %w", e.Number, err)
	}
	e.fill(ev)
	return e, nil
}

func (e *Evidence) fill(ev gate.Evaluation) {
	e.Kept, e.Verdict, e.Class, e.Base = true, ev.Verdict, ev.Class.String(), ev.PR.BaseRef
	e.Policy, e.Rules, e.Exempt, e.Read = ev.PolicySource, ev.PolicySHA, ev.Exempt, ev.Readings
	for _, f := range ev.Findings {
		e.Findings = append(e.Findings, Finding{f.Requirement, f.Status.String(), f.Code, gate.PlainText(f.Fact)})
	}
	said := func(what string, s gate.PersonDecision, counts bool, lapsed string) {
		e.Decisions = append(e.Decisions, Said{what, s.User.Login, s.User.ID, s.At, counts, gate.PlainText(lapsed)})
	}
	for _, d := range ev.Decisions {
		said(string(d.Choice), d.PersonDecision, d.Counts, d.Lapsed)
	}
	for _, s := range ev.Signoffs {
		said("sign-off "+s.Name, s.PersonDecision, s.Counts, s.Lapsed)
	}
}

// NewJSON exports one JSON object with a coverage and a list of entries.
func NewJSON(w io.Writer) Exporter { return &jsonExporter{w: w} }

type jsonExporter struct {
	w     io.Writer
	lines int
}

func (x *jsonExporter) Coverage(c Coverage) error {
	return x.write("{\"coverage\":", c, "")
}

func (x *jsonExporter) Line(l Line) error {
	before := ",\n"
	if x.lines == 0 {
		before = ",\n\"entries\":[\n"
	}
	x.lines++
	return x.write(before, l, "")
}

func (x *jsonExporter) Close() error {
	end := "\n]}\n"
	if x.lines == 0 {
		end = ",\n\"entries\":[]}\n"
	}
	_, err := io.WriteString(x.w, end)
	return err
}

func (x *jsonExporter) write(before string, v any, after string) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(x.w, "%s%s%s", before, b, after)
	}
	return err
}

// NewCSV exports a table: rows of coverage first, then the entries. No cell can
// become a formula.
func NewCSV(w io.Writer) Exporter { return &csvExporter{csv.NewWriter(w)} }

type csvExporter struct{ w *csv.Writer }

var csvColumns = []string{
	"row", "index", "time", "kind", "repository", "pull_request", "commit", "person", "person_id", "verdict", "class", "base",
	"policy", "rules", "evaluation", "evidence", "decisions", "texts", "data", "hash",
}

func (x *csvExporter) row(cells ...string) error {
	for i := range cells {
		cells[i] = harmless(cells[i])
	}
	return x.w.Write(append(cells, make([]string, len(csvColumns)-len(cells))...))
}

func (x *csvExporter) Coverage(c Coverage) error {
	if err := x.row(slices.Clone(csvColumns)...); err != nil {
		return err
	}
	facts := []string{
		fmt.Sprintf("entries: %d", c.Entries),
		fmt.Sprintf("merges: %d = READY %d + override %d + exempt %d + bypass %d + before-gate %d + ungated %d + not known %d",
			c.Merges, c.Ready, c.Overridden, c.Exempt, c.Bypassed, c.BeforeGate, c.Ungated, c.NotKnown),
	}
	if len(c.Periods) == 0 {
		facts = append(facts, "check required: "+notKnown)
	}
	for _, p := range c.Periods {
		to := "now"
		if p.To != nil {
			to = p.To.Format(time.RFC3339)
		}
		facts = append(facts, fmt.Sprintf("check %s: %s %s from %s to %s", p.State, p.Repository, p.Base, p.From.Format(time.RFC3339), to))
	}
	for _, f := range append(facts, c.Limitations...) {
		if err := x.row("coverage", "", "", f); err != nil {
			return err
		}
	}
	return nil
}

func (x *csvExporter) Line(l Line) error {
	cells := []string{
		"entry", strconv.FormatInt(l.Index, 10), l.Time.Format(time.RFC3339Nano), string(l.Kind), l.Repository, number(l.Number), l.SHA,
		l.Person, number(l.PersonID),
	}
	cells = append(cells, l.Verdict, l.Class, l.Base)
	switch e := l.Evaluation; {
	case e == nil:
		cells = append(cells, "", l.Rules, "", "", "")
	case !e.Kept:
		cells = append(cells, notKept, cmp.Or(l.Rules, notKept), number(e.Number), notKept, notKept)
	default:
		cells = append(cells, e.Policy, l.Rules, number(e.Number), e.findings(), e.decisions())
	}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(l.Texts)) {
		texts = append(texts, name+": "+l.Texts[name])
	}
	return x.row(append(cells, strings.Join(texts, "\n"), string(l.Data), l.Hash)...)
}

func (x *csvExporter) Close() error {
	x.w.Flush()
	return x.w.Error()
}

func (e *Evidence) findings() string {
	var lines []string
	for _, f := range e.Findings {
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", f.Requirement, f.Status, f.Code, f.Fact)), " "))
	}
	return strings.Join(lines, "\n")
}

func (e *Evidence) decisions() string {
	var lines []string
	for _, s := range e.Decisions {
		counts := "counts"
		if !s.Counts {
			counts = "does not count: " + s.Lapsed
		}
		lines = append(lines, fmt.Sprintf("%s by %s (%d) at %s %s", s.What, s.Person, s.ID, s.At.Format(time.RFC3339), counts))
	}
	return strings.Join(lines, "\n")
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// harmless makes a cell that no spreadsheet takes for a formula and no terminal
// for a command.
func harmless(cell string) string {
	shown := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, cell)
	if strings.IndexAny(shown, "=+-@\t\r\n＝＋－＠") == 0 {
		return "'" + shown
	}
	return shown
}
