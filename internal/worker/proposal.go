package worker

import (
	"context"
	"database/sql"
	"slices"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/index"
	"gonogo/internal/policy"
)

// mending settles by what a pull request is judged where a policy file in force
// is not valid. All but those that touch nothing but the policy wait until
// somebody has mended it; who mends it is judged by the file that was valid
// last, else by what holds without one.
func (w *Worker) mending(ctx context.Context, v *view, org, own *policy.File, broken error) (policy.Effective, error) {
	v.invalid = true
	path, place := policy.Path, index.PlaceOf(v.pr.Repo.ID, v.pr.BaseRef)
	ofOrganization := policy.FileOf(broken) == organizationFile(v.pr.Repo)
	if ofOrganization {
		path, place = policy.OrganizationPath, index.PlaceOfOrganization(v.installation)
	}
	stays := func() (policy.Effective, error) {
		v.faults = append(v.faults, policy.Invalid(broken))
		return policy.Effective{Policy: policy.BuiltIn()}, nil
	}
	if !policy.PolicyAlone(v.pr.Repo, v.snap.files) || !touches(v.snap.files.Value, path) || !v.inForceHere(path) {
		return stays()
	}
	last, seen, err := w.Index.LastValid(ctx, nil, place)
	if err != nil {
		return policy.Effective{}, err
	}
	var before *policy.File
	if seen && last.SHA != "" {
		before = &policy.File{Name: policy.FileOf(broken), SHA: last.SHA, Data: last.Content}
	}
	for _, file := range []*policy.File{before, nil} {
		if file == nil && ofOrganization { // what it enforced must not be lost with it
			if enforced, err := w.Index.Enforced(ctx, nil, v.installation); err != nil || enforced {
				found, _ := stays()
				return found, err
			}
		}
		o, r := org, file
		if ofOrganization {
			o, r = file, own
		}
		if found, err := policy.Combine(o, r); err == nil {
			v.faults = append(v.faults, policy.Mending(broken, file))
			if seen && (file != nil || last.SHA == "") {
				v.last = &last
			}
			return found, nil
		}
	}
	return stays()
}

// inForceHere reports whether the policy at path is in force where the pull
// request leads: an organization's only on the default branch.
func (v *view) inForceHere(path string) bool {
	return path != policy.OrganizationPath || v.pr.BaseRef == v.pr.Repo.DefaultBranch
}

// rememberValid keeps the files in force that are valid, should a later one not
// be.
func (w *Worker) rememberValid(ctx context.Context, v *view, org, own *policy.File) error {
	err := error(nil)
	if org != nil {
		err = w.rememberFile(ctx, index.PlaceOfOrganization(v.installation), org)
	}
	if r := v.snap.policy; err == nil && (r.Known || r.Why.Cause == gate.CauseMissing) {
		err = w.rememberFile(ctx, index.PlaceOf(v.pr.Repo.ID, v.pr.BaseRef), own)
	}
	return err
}

func (w *Worker) rememberFile(ctx context.Context, at index.Place, f *policy.File) error {
	var now index.ValidPolicy
	if f != nil {
		now = index.ValidPolicy{SHA: f.SHA, Content: f.Data}
	}
	last, seen, err := w.Index.LastValid(ctx, nil, at)
	if err != nil || seen && last.SHA == now.SHA {
		return err
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error { return w.Index.SaveValid(ctx, tx, at, now, w.now()) })
}

// propose judges what the pull request itself makes of the policy: what is
// proposed is never in force for it, but a file that is not valid cannot land,
// nor one that names people or teams who are not there. An organization's own
// repository holds two: the organization's, and one for itself.
func (w *Worker) propose(ctx context.Context, v *view, record gate.Record) error {
	quiet := &view{pr: v.pr, snap: v.snap} // what could not be read was told already
	org, own := quiet.fileRead(v.snap.organization, organizationFile(v.pr.Repo)), quiet.fileRead(v.snap.policy, policy.Path)
	var changed []*policy.File
	for _, path := range v.proposes() {
		v.change = v.changeOf(path)
		proposed, read, err := w.proposed(ctx, v, path)
		if err != nil || !read {
			return err
		}
		name, place := path, &own
		if path == policy.OrganizationPath {
			name, place = organizationFile(v.pr.Repo), &org
		}
		*place = quiet.fileRead(proposed, name)
		if *place != nil {
			changed = append(changed, *place)
		}
	}
	if len(v.proposes()) == 0 {
		return nil
	}
	after, invalid := policy.Combine(org, own)
	if invalid == nil {
		after.Policy = forRepository(after.Policy, v.pr.Repo)
		v.foresee(after.Policy)
	}
	class := policy.ClassOf(v.policy, v.pr, record, v.snap.files)
	c := policy.Case{Class: class, Type: record.Type, Paths: paths(v.snap.files.Value)}
	v.faults = append(v.faults, policy.Proposed(v.policy, after, invalid, c))
	for _, f := range changed {
		if invalid == nil {
			if err := w.lookUp(ctx, v, *f); err != nil {
				return err
			}
		} else if policy.FileOf(invalid) == f.Name {
			v.faults = append(v.faults, policy.FurtherFaults(*f, invalid)...)
		}
	}
	return nil
}

// foresee tells of a proposed policy that would exclude the very branch that it
// goes into while that requires the check: who came to mend it could not merge.
func (v *view) foresee(after *policy.Policy) {
	named := *after
	named.Check, named.Former = v.policy.Check, v.policy.Former
	if locked := named.Locked(v.pr.BaseRef, v.snap.required.Value); locked != nil {
		v.faults = append(v.faults, *locked)
	}
}

// proposes lists the policy files that the pull request touches.
func (v *view) proposes() []string {
	var touched []string
	for _, path := range []string{policy.Path, policy.OrganizationPath} {
		if touches(v.snap.files.Value, path) && (path == policy.Path || policy.KeepsOrganization(v.pr.Repo)) {
			touched = append(touched, path)
		}
	}
	return touched
}

// changeOf tells what the pull request does to the policy at path, if to nothing
// else.
func (v *view) changeOf(path string) policy.Change {
	if !policy.PolicyAlone(v.pr.Repo, v.snap.files) {
		return policy.ChangeNone
	}
	f := v.snap.files.Value[0]
	inForce := v.snap.policy
	if path == policy.OrganizationPath {
		inForce = v.snap.organization
	}
	alone := len(v.snap.files.Value) == 1 && f.Path == path && f.Previous == "" && v.inForceHere(path)
	switch {
	case !alone:
		return policy.ChangeRules
	case v.last != nil && v.last.SHA == "" && f.Status != "removed": // the one in force was never valid
		return policy.ChangeFirst
	case v.last != nil && v.last.SHA != "" && f.ContentSHA == v.last.SHA && f.Status != "removed":
		return policy.ChangeBack
	case v.last != nil && v.last.SHA == "" && f.Status == "removed":
		return policy.ChangeBack
	case f.Status == "added" && !inForce.Known && inForce.Why.Cause == gate.CauseMissing:
		return policy.ChangeFirst
	}
	return policy.ChangeRules
}

// proposed reads a policy file as it is at the head; missing means that it is
// taken away. One that is listed and cannot be found blocks; soon after a push
// GitHub may just not have it everywhere yet, which passes. What is listed of a
// link is where it leads, and what will be read of it on the base branch is the
// file there, which is then changed without touching the policy: no link lands.
func (w *Worker) proposed(ctx context.Context, v *view, path string) (_ gate.Reading[hub.File], read bool, _ error) {
	gone := gate.Unread[hub.File](gate.Unreadable{Cause: gate.CauseMissing}, w.now())
	i := slices.IndexFunc(v.snap.files.Value, func(f gate.File) bool { return f.Path == path && f.Status != "removed" })
	if i < 0 {
		return gone, true, nil
	}
	sha := v.snap.files.Value[i].ContentSHA
	content, err := v.repo.Blob(ctx, sha)
	if _, limited := hub.RetryAfter(err); limited {
		return gone, false, err
	}
	r := reading(hub.File{Path: path, Content: content, SHA: sha}, err, w.now())
	if r.Known {
		at, err := v.repo.File(ctx, path, v.pr.HeadSHA)
		if _, limited := hub.RetryAfter(err); limited {
			return gone, false, err
		}
		if err == nil && at.SHA == sha {
			return r, true, nil
		}
		if err == nil || hub.KindOf(err) == hub.KindInvalid {
			v.faults = append(v.faults, policy.Linked(path))
			return gone, false, nil
		}
		r = reading(at, err, w.now())
	}
	if r.Why.Cause == gate.CauseMissing {
		fresh, err := w.freshHead(ctx, v.pr)
		if err != nil {
			return gone, false, err
		}
		if fresh {
			r.Why.Cause = gate.CauseFault
		}
	}
	v.faults = append(v.faults, policy.Unread("the proposed policy "+path, r.Why))
	return gone, false, nil
}

// freshHead reports whether a head was seen so lately that GitHub may not show
// all of it yet.
func (w *Worker) freshHead(ctx context.Context, pr gate.PullRequest) (bool, error) {
	heads, err := w.Index.Heads(ctx, nil, pr.Repo.ID, pr.Number)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(heads, func(h index.Head) bool { return h.SHA == pr.HeadSHA && w.now().Sub(h.Seen) < lag }), nil
}

// maxLookedUp is how many people and teams of a proposed policy are looked up at
// most: whoever opens a pull request chooses how many it names, and each costs a
// request or two.
const maxLookedUp = 50

// lookUp holds what a proposed policy names against what is there. It reads for
// pull requests that propose one only.
func (w *Worker) lookUp(ctx context.Context, v *view, f policy.File) error {
	names := policy.NamedBy(f)
	few, more := policy.LookedUp(names, maxLookedUp)
	r := &round{w: w}
	for _, n := range few {
		w.readOwners(ctx, r, v.repo, v.snap, []gate.Owner{n.Owner})
	}
	seen := gate.Reading[[]gate.Check]{}
	if slices.ContainsFunc(few, func(n policy.Name) bool { return n.Check != "" }) {
		into(ctx, r, func(ctx context.Context) ([]gate.Check, error) {
			tip, _, err := v.repo.Branch(ctx, v.pr.BaseRef)
			if err != nil || tip == "" {
				return nil, err
			}
			return v.repo.Checks(ctx, tip)
		}, func(got gate.Reading[[]gate.Check]) { seen = got })
	}
	if err := r.wait(); err != nil {
		return err
	}
	who := policy.LookUp{
		Evidence: v.snap, Names: few, Unlooked: more, OnBase: seen, Organization: v.pr.Repo.Owner, Advise: v.change == policy.ChangeBack,
	}
	if who.TeamsMissing() {
		granted, err := w.Hub.Installation(ctx, v.installation)
		if _, limited := hub.RetryAfter(err); limited {
			return err
		}
		who.SeesTeams = err == nil && granted.Permissions["members"] != ""
	}
	v.faults = append(v.faults, who.Findings(f.Name)...)
	return nil
}
