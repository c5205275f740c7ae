package worker

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"gonogo/internal/decision"
	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/policy"
)

// organizationRepo is the repository in which an organization keeps what it
// says for all of its repositories.
const organizationRepo = policy.OrganizationRepo

// readOrganization reads the policy file of the organization. A user has none.
func (w *Worker) readOrganization(ctx context.Context, r *round, s *snapshot, installation int64, of gate.Repository) {
	if of.OwnerIsUser || of.Owner == "" {
		s.organization = gate.Unread[hub.File](gate.Unreadable{Cause: gate.CauseMissing}, w.now())
		return
	}
	if w.noOrganization(ctx, installation, of.Owner) {
		s.organization = gate.Unread[hub.File](gate.Unreadable{Cause: gate.CauseMissing}, w.now())
		return
	}
	from := w.Hub.Repo(installation, gate.Repository{Owner: of.Owner, Name: organizationRepo})
	into(ctx, r, func(ctx context.Context) (hub.File, error) { return from.File(ctx, policy.OrganizationPath, "") },
		func(v gate.Reading[hub.File]) {
			s.organization = v
			if v.Why.Cause == gate.CauseMissing {
				w.missing.Store(installation, v.At)
			}
		})
}

// missingFor is for how long a missing policy of an organization is believed to
// be so.
const missingFor = time.Minute

// noOrganization reports whether the organization was just seen to have no
// policy. That is believed only where its repository is none of ours: a push
// to one that is would tell that the file came.
func (w *Worker) noOrganization(ctx context.Context, installation int64, owner string) bool {
	at, ok := w.missing.Load(installation)
	if !ok || w.now().Sub(at.(time.Time)) >= missingFor {
		return false
	}
	covered, err := w.Index.Covers(ctx, nil, installation, owner, organizationRepo)
	return err == nil && !covered
}

func organizationFile(of gate.Repository) string {
	return of.Owner + "/" + organizationRepo + ": " + policy.OrganizationPath
}

// usePolicy settles the policy in force: the base branch's file, else the
// organization's, else the built-in one, and over them what the organization
// enforces. A file that is missing leaves the next one; one that cannot be read
// or is not valid never does so silently: it is a finding that blocks.
func (w *Worker) usePolicy(ctx context.Context, v *view) error {
	org, err := w.organizationPolicy(ctx, v)
	if err != nil {
		return err
	}
	heard := len(v.faults) == 0
	own := v.fileRead(v.snap.policy, policy.Path)
	found, err := policy.Combine(org, own)
	said := found // how to publish is for the organization to say, whatever is wrong with the rest
	if err != nil {
		if found, err = w.mending(ctx, v, org, own, err); err != nil {
			return err
		}
	} else if err := w.rememberValid(ctx, v, org, own); err != nil {
		return err
	}
	v.settled(found)
	if err := w.speak(ctx, v, said, heard && said.Heard); err != nil {
		return err
	}
	if !v.blocked() {
		w.policies.Store(v.pr.Repo.ID, v.policy)
	}
	if v.invalid || !v.snap.organization.Known {
		return nil
	}
	return w.rememberEnforced(ctx, v, found.Enforces || found.Mode != "" || !found.Modes.Empty())
}

// blocked reports whether a fault of what the evaluation is made from blocks it.
func (v *view) blocked() bool {
	return slices.ContainsFunc(v.faults, func(f gate.Finding) bool { return f.Status.Blocks() })
}

// settled takes a policy as the one in force.
func (v *view) settled(found policy.Effective) {
	v.policy = forRepository(found.Policy, v.pr.Repo)
	v.files = found.Files
	if v.snap.organization.Why.Cause == gate.CauseMissing && !v.pr.Repo.OwnerIsUser {
		v.files = append(v.files, gate.PolicyFile{Name: organizationFile(v.pr.Repo)})
	}
	v.faults = append(v.faults, found.Overruled...)
}

// forRepository fits a policy to where it is in force. A repository owned by a
// user knows no maintainers: write means release manager there. And the file
// that is every repository's policy is as risky as a repository's own.
func forRepository(p *policy.Policy, repo gate.Repository) *policy.Policy {
	if role := p.Roles[policy.ReleaseManager]; repo.OwnerIsUser && role.Permission == gate.PermissionMaintain.String() {
		role.Permission = gate.PermissionWrite.String()
		p.Roles[policy.ReleaseManager] = role
	}
	if policy.KeepsOrganization(repo) {
		p.Floors = append(slices.Clone(p.Floors), policy.Floor{Class: gate.High.String(), Paths: []string{policy.OrganizationPath}})
	}
	return p
}

// fileRead is a policy file for package policy: nil when there is none. One
// that could not be read is a finding.
func (v *view) fileRead(r gate.Reading[hub.File], name string) *policy.File {
	switch {
	case r.Known:
		return &policy.File{Name: name, SHA: r.Value.SHA, Data: r.Value.Content}
	case r.Why.Cause != gate.CauseMissing:
		v.faults = append(v.faults, policy.Unread("the policy "+name, r.Why))
	}
	return nil
}

// organizationPolicy is the organization's file. When it was seen to enforce
// something, and its repository can no longer be read, that blocks: it would be
// a way to get rid of the rules.
func (w *Worker) organizationPolicy(ctx context.Context, v *view) (*policy.File, error) {
	name := organizationFile(v.pr.Repo)
	r := v.snap.organization
	if r.Known || r.Why.Cause != gate.CauseMissing || v.pr.Repo.OwnerIsUser {
		return v.fileRead(r, name), nil
	}
	enforced, err := w.Index.Enforced(ctx, nil, v.installation)
	if err != nil || !enforced {
		return nil, err
	}
	_, err = w.Hub.Repo(v.installation, gate.Repository{Owner: v.pr.Repo.Owner, Name: organizationRepo}).Repository(ctx)
	if err == nil { // the file was taken away by people who may
		return nil, w.rememberEnforced(ctx, v, false)
	}
	if _, limited := hub.RetryAfter(err); limited {
		return nil, err
	}
	v.faults = append(v.faults, policy.Unread("what the organization enforces ("+name+")", hub.Unreadable(err)))
	return nil, nil
}

func (w *Worker) rememberEnforced(ctx context.Context, v *view, enforces bool) error {
	known, err := w.Index.Enforced(ctx, nil, v.installation)
	if err != nil || known == enforces || v.pr.Repo.OwnerIsUser {
		return err
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		return w.Index.SaveEnforced(ctx, tx, v.installation, enforces, w.now())
	})
}

func touches(files []gate.File, path string) bool { return slices.Contains(paths(files), path) }

func paths(files []gate.File) []string {
	var names []string
	for _, f := range files {
		names = append(names, f.Path)
		if f.Previous != "" {
			names = append(names, f.Previous)
		}
	}
	return names
}

// recordOf reads the record of the pull request. What a bot writes is never one:
// the change logs that it quotes belong to third parties. For its pull requests
// somebody with write access writes the record in a comment, which counts as long
// as nobody has edited it; who did counts as an author. Where it cannot be told
// which comment counts, none does: that is a fault, and commands wait.
func (w *Worker) recordOf(v *view) gate.Record {
	if !v.pr.Author.Bot {
		return decision.Parse(v.pr.Body)
	}
	if !v.snap.comments.Known {
		return v.withoutRecord("the comments", v.snap.comments.Why)
	}
	for _, c := range slices.Backward(v.snap.comments.Value) {
		if !mayRecord(c) {
			continue
		}
		r := decision.Parse(c.Body)
		if !r.Found {
			continue
		}
		has := v.snap.Permission(c.User.Login)
		switch {
		case !has.Known: // an older one may have been meant to be replaced by this
			return v.withoutRecord("the permission of "+gate.Quote("@"+c.User.Login)+", who wrote the record,", has.Why)
		case has.Value >= gate.PermissionWrite:
			v.pr.RecordBy, v.recordIn = c.User, c
			return r
		}
	}
	if what, why, unread := policy.UpdateUnread(v.policy, v.pr, v.snap); unread {
		return v.withoutRecord(what, why)
	}
	return policy.BotRecord(v.policy, v.pr, v.snap)
}

// withoutRecord is the record where what could not be read hides it.
func (v *view) withoutRecord(what string, why gate.Unreadable) gate.Record {
	v.faults = append(v.faults, policy.Unread(what, why))
	v.deaf = true
	return policy.UnreadRecord(why)
}

// mayRecord reports whether a comment may hold a record: of a person who is
// still there, and as it was written.
func mayRecord(c gate.Comment) bool { return !c.User.Bot && c.User.ID != 0 && !edited(c) }

// recordWriters lists the people whose comments may hold the record of a bot's
// pull request.
func recordWriters(v *view) []string {
	var logins []string
	for _, c := range v.snap.comments.Value {
		if v.pr.Author.Bot && mayRecord(c) && decision.Parse(c.Body).Found {
			logins = append(logins, c.User.Login)
		}
	}
	return logins
}

// readWriters reads who has write access, where that matters: when one person
// may work alone, when nobody else has approved, and when what CI does is changed.
func (w *Worker) readWriters(ctx context.Context, r *round, v *view) {
	approved := slices.ContainsFunc(v.snap.reviews.Value, func(review gate.ReviewOf) bool {
		return review.State == gate.Approved && !review.User.Is(v.pr.Author)
	})
	if approved && !v.policy.Solo && !v.policy.ChangesCI(v.snap) || v.snap.writers.Known {
		return
	}
	into(ctx, r, v.repo.Writers, func(got gate.Reading[[]gate.Collaborator]) { v.snap.writers = got })
}
