package policy

import (
	"time"

	"gonogo/internal/gate"
)

// unreadEvidence stands for evidence that nobody has gathered: nothing of it is
// known.
type unreadEvidence struct{}

func (unreadEvidence) Files() (r gate.Reading[[]gate.File])                   { return }
func (unreadEvidence) Commits() (r gate.Reading[[]gate.Commit])               { return }
func (unreadEvidence) Reviews() (r gate.Reading[[]gate.ReviewOf])             { return }
func (unreadEvidence) Checks() (r gate.Reading[[]gate.Check])                 { return }
func (unreadEvidence) WorkflowRuns() (r gate.Reading[[]gate.WorkflowRun])     { return }
func (unreadEvidence) LastRelease() (r gate.Reading[time.Time])               { return }
func (unreadEvidence) RequiredChecks() (r gate.Reading[[]gate.RequiredCheck]) { return }
func (unreadEvidence) Leaks() (r gate.Reading[gate.LeakScan])                 { return }
func (unreadEvidence) Alerts() (r gate.Reading[[]gate.Alert])                 { return }
func (unreadEvidence) DanglingBranches() (r gate.Reading[[]gate.Branch])      { return }
func (unreadEvidence) SevereIssues(string) (r gate.Reading[[]gate.Issue])     { return }
func (unreadEvidence) Permission(string) (r gate.Reading[gate.Permission])    { return }
func (unreadEvidence) Account(string) (r gate.Reading[gate.User])             { return }
func (unreadEvidence) Bearer(string) (r gate.Reading[gate.User])              { return }
func (unreadEvidence) Meant(string) (r gate.Reading[gate.User])               { return }
func (unreadEvidence) Team(string) (r gate.Reading[[]gate.User])              { return }
func (unreadEvidence) Behind() (r gate.Reading[gate.Behind])                  { return }
func (unreadEvidence) Writers() (r gate.Reading[[]gate.Collaborator])         { return }
func (unreadEvidence) Decisions() []gate.PersonDecision                       { return nil }
func (unreadEvidence) Signoffs() []gate.Signoff                               { return nil }
func (unreadEvidence) Labeller(int, string) (r gate.Reading[gate.Labelling])  { return }
func (unreadEvidence) Accepted() []gate.Acceptance                            { return nil }
func (unreadEvidence) Overrides() []gate.PersonDecision                       { return nil }
func (unreadEvidence) CodeOwners() (r gate.Reading[string])                   { return }
func (unreadEvidence) TrackerItem(gate.TrackerRef) (r gate.Reading[gate.TrackerItem]) {
	return
}
