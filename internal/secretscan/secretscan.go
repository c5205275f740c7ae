// Package secretscan searches the added lines of a diff for credentials, with
// the rules of gitleaks.
//
// # What is searched
//
// A patch is searched with its context, hunk by hunk, and a finding counts when
// it touches an added line: so the middle of a key that was rotated is found
// though its first and last lines stayed. A file without a usable patch (binary,
// too large, cut, or hollow because the whole diff is too large) is read and
// searched whole. For a changed file that means old lines too: a false alarm is
// better than a miss. A file that cannot be read, or is larger than 5 MB, is
// named in Skipped; it is never passed over in silence. Removed files and pure
// renames add nothing. The insides of archives are not unpacked.
//
// # What cannot silence it
//
// Whoever writes the diff writes its comments, file names and ignore files too.
// So gitleaks:allow comments and .gitleaksignore have no effect, and the paths
// that gitleaks leaves out (lock files, vendored code, images) are only spared
// its generic rule, which takes checksums for keys.
//
// # What leaves the package
//
// Of a credential its first four characters, and a digest of the whole lines by
// which people name it, never more; not in errors and not in logs, the library's
// own included.
package secretscan

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/rs/zerolog"
	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/logging"
	"github.com/zricethezav/gitleaks/v8/report"

	"gonogo/internal/gate"
)

const (
	// maxFile is up to which size a file without a patch is searched.
	maxFile = 5 << 20
	// maxShown is how much of a credential may be shown.
	maxShown = 4
	// maxReads bounds how many files are read at once.
	maxReads = 8
	// emptyBlob is git's name for no content.
	emptyBlob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
)

// Scanner holds the compiled rules. It is safe for concurrent use.
type Scanner struct {
	full   *detect.Detector
	exact  *detect.Detector // without the generic rule
	spared []*regexp.Regexp // paths that only exact searches
}

// New returns the scanner. The rules are the same for the whole process, and are
// loaded at the first call, in tens of milliseconds.
func New() (*Scanner, error) { return loaded() }

var loaded = sync.OnceValues(load)

func load() (*Scanner, error) {
	logging.Logger = zerolog.Nop() // at its trace level the library logs what it finds
	v := viper.New()
	v.SetConfigType("toml")
	if err := v.ReadConfig(strings.NewReader(config.DefaultConfig)); err != nil {
		return nil, fmt.Errorf("read gitleaks' rules: %w", err)
	}
	var raw config.ViperConfig
	if err := v.Unmarshal(&raw); err != nil {
		return nil, fmt.Errorf("decode gitleaks' rules: %w", err)
	}
	cfg, err := raw.Translate()
	if err != nil {
		return nil, fmt.Errorf("compile gitleaks' rules: %w", err)
	}
	s := &Scanner{}
	for i, list := range cfg.Allowlists {
		for _, path := range list.Paths {
			s.spared = append(s.spared, regexp.MustCompile(path.String()))
		}
		if cfg.Allowlists[i], err = withoutPaths(list); err != nil {
			return nil, fmt.Errorf("compile gitleaks' rules: %w", err)
		}
	}
	s.full = newDetector(cfg)
	cfg.Rules = maps.Clone(cfg.Rules)
	maps.DeleteFunc(cfg.Rules, func(id string, _ config.Rule) bool { return strings.Contains(id, "generic") })
	s.exact = newDetector(cfg)
	return s, nil
}

func newDetector(cfg config.Config) *detect.Detector {
	d := detect.NewDetector(cfg)
	d.IgnoreGitleaksAllow = true
	return d
}

// withoutPaths copies a global allow list without its paths.
func withoutPaths(list *config.Allowlist) (*config.Allowlist, error) {
	kept := &config.Allowlist{
		Description: list.Description, MatchCondition: list.MatchCondition, Commits: list.Commits,
		RegexTarget: list.RegexTarget, Regexes: slices.Clone(list.Regexes), StopWords: list.StopWords,
	}
	for i, re := range kept.Regexes {
		// As it stands it allows all that contains "false", or begins with
		// "true".
		if re.String() == `(?i)^true|false|null$` {
			kept.Regexes[i] = regexp.MustCompile(`(?i)^(?:true|false|null)$`)
		}
	}
	if err := kept.Validate(); err != nil {
		return nil, err
	}
	return kept, nil
}

// Scan searches the changed files of a pull request. Blob reads the new content
// of a file and is called, from several goroutines, only for files whose patch
// does not do; its errors put the file among the skipped, as does the end of
// ctx. The order of the answer is that of files.
func (s *Scanner) Scan(ctx context.Context, files []gate.File, blob func(context.Context, gate.File) ([]byte, error)) gate.LeakScan {
	results := make([]result, len(files))
	hollow := slices.ContainsFunc(files, isHollow)
	cpus := make(chan struct{}, runtime.GOMAXPROCS(0))
	reads := make(chan struct{}, maxReads)
	var wg sync.WaitGroup
	for i, f := range files {
		src, ok := fromPatch(f)
		if !ok && addsNothing(f, hollow) {
			continue
		}
		if ok {
			cpus <- struct{}{}
		} else {
			reads <- struct{}{}
		}
		wg.Go(func() {
			if !ok {
				content, err := read(ctx, f, blob)
				<-reads
				if err != nil {
					results[i].skipped = true
					return
				}
				src = fromContent(content)
				cpus <- struct{}{}
			}
			defer func() { <-cpus }()
			results[i] = s.search(ctx, f, src)
		})
	}
	wg.Wait()
	var scan gate.LeakScan
	for i, r := range results {
		scan.Leaks = append(scan.Leaks, r.leaks...)
		if r.skipped {
			scan.Skipped = append(scan.Skipped, files[i].Path)
		}
	}
	return scan
}

type result struct {
	leaks   []gate.Leak
	skipped bool
}

// isHollow reports whether GitHub tells nothing of what changed in a file. It
// does so for binary files, and for every file behind the first 20,000 or so
// lines of a diff.
func isHollow(f gate.File) bool {
	return f.Status != "renamed" && f.Status != "removed" && !f.HasPatch && f.Additions == 0 && f.Deletions == 0
}

// addsNothing reports whether a file without a usable patch needs no reading. A
// renamed file without counts is unchanged, unless counts cannot be believed.
func addsNothing(f gate.File, hollow bool) bool {
	if f.Status == "removed" || f.ContentSHA == emptyBlob {
		return true
	}
	return f.Status == "renamed" && !f.HasPatch && f.Additions == 0 && f.Deletions == 0 && !hollow
}

func read(ctx context.Context, f gate.File, blob func(context.Context, gate.File) ([]byte, error)) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	content, err := blob(ctx, f)
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("read %s: larger than %d bytes", f.Path, maxFile)
	}
	return content, err
}

// sighting tells one credential of a file from another.
type sighting struct {
	rule   string
	line   int
	secret string
}

// search looks through one file's new text.
func (s *Scanner) search(ctx context.Context, file gate.File, src source) result {
	var r result
	path := file.Path
	seen := map[sighting]bool{}
	d := s.full
	if slices.ContainsFunc(s.spared, func(re *regexp.Regexp) bool { return re.MatchString(path) }) {
		d = s.exact
	}
	for _, text := range src.texts {
		for c := range chunks(text) {
			found, ok := find(ctx, d, path, c)
			if !ok {
				// What was found stands; the file was not searched whole.
				r.skipped = true
			}
			for _, f := range found {
				leak, ok := src.leak(file, text, f)
				// Pieces overlap, and where a line is longer than one, its digests differ.
				same := sighting{leak.Rule, leak.Line, f.Secret}
				if ok && !seen[same] {
					seen[same] = true
					r.leaks = append(r.leaks, leak)
				}
			}
		}
	}
	slices.SortFunc(r.leaks, func(a, b gate.Leak) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Start, b.Start), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return r
}

// find runs the rules over a piece. Whoever writes the text shall not be able
// to end the process: should the library panic, the file was not searched.
func find(ctx context.Context, d *detect.Detector, path string, c chunk) (found []report.Finding, ok bool) {
	defer func() {
		if recover() != nil {
			found, ok = nil, false
		}
	}()
	//lint:ignore SA1019 v8 has no other way: its successor comes with v9.
	return d.DetectContext(ctx, detect.Fragment{Raw: c.text, FilePath: path, StartLine: c.line}), ctx.Err() == nil
}

// leak reduces a finding in text to what may be shown, and reports whether it
// touches an added line.
func (src source) leak(file gate.File, text chunk, f report.Finding) (gate.Leak, bool) {
	leak := gate.Leak{Rule: f.RuleID, Path: file.Path}
	if f.Secret == "" { // the file's name gave it away
		leak.Fingerprint = fingerprint(f.RuleID, file.Path, "file", file.ContentSHA)
		return leak, true
	}
	leak.Start = start(f.Secret)
	leak.Fingerprint = fingerprint(f.RuleID, file.Path, "lines", text.lines(f.StartLine, f.EndLine), f.Secret)
	for line := f.StartLine; line <= max(f.StartLine, f.EndLine); line++ {
		if src.added == nil || src.added[line] {
			leak.Line = line
			return leak, true
		}
	}
	return leak, false
}

// fingerprint is a digest of what a finding is bound to. It is long enough that
// nobody makes a second text with the same.
func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// start returns the first characters of a secret, printable ones only.
func start(secret string) string {
	shown := []rune(secret)
	if len(shown) > maxShown {
		shown = shown[:maxShown]
	}
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, string(shown))
}
