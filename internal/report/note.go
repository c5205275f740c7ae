package report

import "strings"

// Note renders lines for a comment on an issue. What users wrote stands quoted in
// them, and becomes code spans. The marker tells the comment from others.
func Note(lines []string, marker string) string {
	all := make([]string, len(lines))
	for i, l := range lines {
		all[i] = strings.TrimRight(markdown(l), " ")
	}
	return strings.Join(all, "  \n") + "\n\n" + marker + "\n"
}
