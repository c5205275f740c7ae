package secretscan

import (
	"context"
	"strings"
)

// unsearched stands for a text in which credentials could not be looked for.
const unsearched = "[not kept: it could not be searched for credentials]"

// Redact returns a text that is to be kept without the credentials in it: where
// one stood, the rule that found it is named. A text that cannot be searched is
// not kept.
func (s *Scanner) Redact(ctx context.Context, text string) string {
	if text == "" {
		return ""
	}
	kept := text
	for c := range chunks(chunk{text, 1}) {
		found, ok := find(ctx, s.full, "", c)
		if !ok {
			return unsearched
		}
		for _, f := range found {
			if f.Secret != "" {
				kept = strings.ReplaceAll(kept, f.Secret, "["+f.RuleID+"]")
			}
		}
	}
	return kept
}
