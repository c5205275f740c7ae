package worker

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/inbox"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
	"gonogo/internal/report"
)

// readCodeOwners reads CODEOWNERS of the base branch, where it is asked for.
func (w *Worker) readCodeOwners(ctx context.Context, r *round, repo *hub.Repo, s *snapshot, asked bool, base string) {
	if base == "" || s.ownersOn == base || !asked {
		return
	}
	s.ownersOn = base
	into(ctx, r, func(ctx context.Context) (string, error) {
		file, err := repo.FirstFile(ctx, base, policy.CodeOwnersPaths[:]...)
		return string(file.Content), err
	}, func(v gate.Reading[string]) { s.codeOwners = v })
}

// readOwnerTeams reads the teams that CODEOWNERS names for what is touched.
func (w *Worker) readOwnerTeams(ctx context.Context, r *round, repo *hub.Repo, s *snapshot) {
	if !s.codeOwners.Known || !s.files.Known {
		return
	}
	for _, team := range policy.OwnerTeams(s.codeOwners.Value, s.files.Value) {
		w.readTeam(ctx, r, repo, s, team)
	}
}

// signoffKey stands between the key of a text and the name of a sign-off in it.
const signoffKey = "/signoff/"

// signoff hears a sign-off. It is bound like a GO, and given like one: by
// somebody with its role who wrote none of the change, for the head that they
// saw.
func (r *room) signoff(ctx context.Context, c inbox.Command, cmd command.Command) ([]answer, error) {
	name := r.policy.SignoffNamed(cmd.Rest)
	may := func() (string, *answer, error) {
		if name == "" {
			a := r.unknownSignoff(c, cmd.Rest)
			return "no-such-signoff", &a, nil
		}
		return r.maySign(ctx, c, cmd, name)
	}
	return r.give(ctx, c, c.Key()+signoffKey+name, may, func(tx *sql.Tx, once string) error {
		_, err := ledger.AppendSignoff(ctx, tx, r.pr, gate.Signoff{Name: name, PersonDecision: r.given(ctx, c, "")}, once)
		return err
	})
}

func (r *room) unknownSignoff(c inbox.Command, word string) answer {
	names := r.policy.SignoffNames()
	if len(names) == 0 {
		return refuse(c, "the policy of this repository asks for no sign-off; nothing was changed", "")
	}
	what := "a sign-off has a name"
	if word != "" {
		what = gate.Quote(word) + " is no sign-off of this repository's policy"
	}
	return refuse(c, what+"; it has "+gate.Quote(strings.Join(names, ", ")), "/signoff "+names[0])
}

// maySign settles whether somebody may give a sign-off now.
func (r *room) maySign(ctx context.Context, c inbox.Command, cmd command.Command, name string) (code string, refusal *answer, err error) {
	line, role := "/signoff "+name, r.policy.Signoffs[name].Role
	no := func(code, sentence, line string) (string, *answer, error) {
		a := refuse(c, sentence, line)
		return code, &a, nil
	}
	holds := r.policy.Authority(r.snap, role, c.User)
	switch {
	case !holds.Known && holds.Why.Cause == gate.CauseFault:
		r.wait(c, cmd, "the role of "+gate.Quote("@"+c.User.Login), holds.Why)
		return codeWait, nil, nil
	case !holds.Known:
		return no("unreadable-role", "whether you hold the role "+gate.Quote(role)+" cannot be read: "+holds.Why.Fact, "")
	case !holds.Value:
		a := refuse(c, fmt.Sprintf("the sign-off %s is given by people with the role %s (%s); nothing was changed", gate.Quote(name), gate.Quote(role), r.whoIs(role)), "")
		a.quiet = r.turned[c.User.ID]
		return notAuthorized, &a, nil
	}
	switch code, err := r.stillThere(ctx, c); {
	case err != nil:
		r.wait(c, cmd, "the comment", hub.Unreadable(err))
		return codeWait, nil, nil
	case code == codeGone:
		return code, nil, nil
	case code != "":
		return no(code, unsaid(code), line)
	}
	switch known, stale := r.named(c, command.Command{Kind: cmd.Kind}, &gate.PersonDecision{}); {
	case stale != "":
		return no("stale-signoff", stale, line)
	case !known:
		return no("stale-signoff", "the head may have moved since you wrote; look at it again", line)
	}
	if code, moved, err := r.moved(ctx, c); err != nil || code != "" {
		if err != nil {
			return "", nil, err
		}
		return no(code, moved+" since you wrote; if it still holds, say it again", line)
	}
	commits := r.snap.commits
	switch {
	case !commits.Known && commits.Why.Cause == gate.CauseFault:
		r.wait(c, cmd, "the list of commits", commits.Why)
		return codeWait, nil, nil
	case !commits.Known:
		return no("too-large", "who wrote this pull request cannot be read: "+commits.Why.Fact, "")
	case policy.Contributed(r.pr, commits.Value, c.User):
		return no("self-signoff", "you wrote some of this pull request, and nobody signs off their own; another with the role "+gate.Quote(role)+" may", "")
	}
	return "", nil, nil
}

// helpText shows the commands of this pull request.
func (r *room) helpText(c inbox.Command) string {
	var signoffs []report.SignoffOf
	for _, name := range r.policy.SignoffNames() {
		signoffs = append(signoffs, report.SignoffOf{Name: name, Role: r.policy.Signoffs[name].Role})
	}
	override := report.OverrideOf{Who: r.whoOverrides(), For: r.policy.OverrideLasts()}
	return report.Help(gate.Evaluation{PR: r.pr}, r.deciding(), signoffs, override, c.Key())
}

// said are the decisions, sign-offs and whatever else rests on comments.
func (r *room) said() []gate.PersonDecision { return r.snap.said() }

func (s *snapshot) said() []gate.PersonDecision {
	said := slices.Concat(s.history.Decisions, s.history.Overrides)
	for _, given := range s.history.Signoffs {
		said = append(said, given.PersonDecision)
	}
	for _, a := range s.history.Acceptances {
		said = append(said, a.PersonDecision)
	}
	return said
}

// readSaid reads what people have said on a pull request, as the ledger has it.
func (w *Worker) readSaid(ctx context.Context, s *snapshot, pr gate.PullRequest) error {
	history, err := w.Ledger.History(ctx, pr.Repo.ID, pr.Number)
	if err == nil {
		s.history = history
	}
	return err
}

// candidates lists the people who may hold one of the roles: who can write, the
// roles' own users and the members of their teams, each once.
func (w *Worker) candidates(ctx context.Context, v *view, writers []gate.Collaborator, roles []string) []gate.User {
	var users []gate.User
	add := func(u gate.User) {
		if u.ID != 0 && !slices.ContainsFunc(users, u.Is) {
			users = append(users, u)
		}
	}
	for _, c := range writers {
		add(c.User)
	}
	r := &round{w: w}
	var named []gate.Owner
	for _, role := range v.policy.ActingFor(roles...) {
		for _, login := range v.policy.Roles[role].Logins() {
			named = append(named, gate.Owner{User: login})
		}
		for _, team := range v.policy.Roles[role].Teams {
			for _, u := range v.snap.Team(team).Value {
				add(u)
			}
		}
	}
	w.readOwners(ctx, r, v.repo, v.snap, named)
	if err := r.wait(); err != nil {
		return users // the question matters more than the names in it
	}
	for _, o := range named {
		add(v.snap.Account(o.User).Value)
	}
	return users
}
