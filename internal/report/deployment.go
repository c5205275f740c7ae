package report

// deploymentLimit is the longest answer to a deployment, which GitHub counts in
// characters; what has no more bytes has no more of them.
// https://docs.github.com/en/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run
const deploymentLimit = 1024

// Deployment renders what a deployment that waits is told: one sentence, cut at
// the border of a character.
func Deployment(said string) string {
	text := markdown(said)
	if len(text) <= deploymentLimit {
		return text
	}
	const more = "…"
	end := deploymentLimit - len(more)
	for end > 0 && text[end]&0xC0 == 0x80 {
		end--
	}
	return text[:end] + more
}
