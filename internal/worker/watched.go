package worker

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/inbox"
	"gonogo/internal/ledger"
	"gonogo/internal/queue"
)

// watchedKey comes behind the key of a text that says that somebody watched.
const watchedKey = "/watched"

// watched hears that somebody watched a release of which this pull request is a
// part. It is said while the window is open, by those whom the records name, or
// by who decides here; where the records name nobody, by anybody with write
// access.
func (r *room) watched(ctx context.Context, c inbox.Command, cmd command.Command) ([]answer, error) {
	open, err := r.w.Ledger.OpenWindows(ctx, r.pr.Repo.ID)
	if err != nil {
		return nil, err
	}
	open = slices.DeleteFunc(open, func(win ledger.Window) bool { return !slices.Contains(win.Pulls, r.pr.Number) })
	return r.give(ctx, c, c.Key()+watchedKey, func() (string, *answer, error) { return r.mayWatch(ctx, c, cmd, open) },
		func(tx *sql.Tx, once string) error { return r.enterWatched(ctx, tx, c, cmd, open, once) })
}

func (r *room) enterWatched(ctx context.Context, tx *sql.Tx, c inbox.Command, cmd command.Command, open []ledger.Window, once string) error {
	known, err := r.w.Index.Repository(ctx, tx, r.pr.Repo.ID)
	if err != nil {
		return err
	}
	note, tags := r.w.Scanner.Redact(ctx, cmd.Rest), []string{}
	for _, win := range open {
		said, err := ledger.WatchedIn(ctx, tx, win.ID, once, gate.WindowWatch{User: c.User, Note: note, At: c.ReceivedAt})
		if err != nil {
			return err
		}
		if !said {
			continue // it was closed meanwhile
		}
		tags = append(tags, win.Tag)
		if err := r.w.Queue.Touch(ctx, tx, queue.ReleaseOf(win.RepoID, win.Tag).For(known.InstallationID)); err != nil {
			return err
		}
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{
		At: c.ReceivedAt, Kind: ledger.KindWatched, RepoID: r.pr.Repo.ID, Number: r.pr.Number, SHA: r.pr.HeadSHA, Actor: c.User,
		Once: heardPrefix + once, Data: map[string]any{"tags": tags, "channel": c.Source}, Texts: map[string]string{"note": note},
	})
	return err
}

// mayWatch settles whether somebody's word that they watched is taken.
func (r *room) mayWatch(ctx context.Context, c inbox.Command, cmd command.Command, open []ledger.Window) (code string, refusal *answer, err error) {
	const line = "/watched what you saw"
	if len(open) == 0 {
		return no(c, "not-monitored", "no release with this pull request is being monitored now: it is not live yet, or its window is closed; nothing was changed", "")
	}
	owners := r.watchers(open)
	read := &round{w: r.w}
	r.w.readOwners(ctx, read, r.repo, r.snap, owners)
	if err := read.wait(); err != nil {
		return "", nil, err
	}
	switch is := r.watches(c.User, owners); {
	case !is.Known:
		return r.unreadRole(c, cmd, "whether you are one of those who watch", is.Why)
	case !is.Value:
		return r.notAllowed(c, "that a release was watched is said by whom its records name for it, or by who decides here ("+r.whoDecides()+"); nothing was changed")
	case strings.TrimSpace(cmd.Rest) == "":
		return no(c, codeReason, "say what you saw; it goes into the status report", line)
	}
	return r.fresh(ctx, c, cmd, line)
}

// watchers are those whom the records of watched releases name.
func (r *room) watchers(open []ledger.Window) []gate.Owner {
	var owners []gate.Owner
	for _, win := range open {
		for _, text := range win.Watchers {
			owners = append(owners, r.policy.Watchers(text)...)
		}
	}
	return owners
}

// watches tells whether somebody's word counts.
func (r *room) watches(u gate.User, owners []gate.Owner) gate.Reading[bool] {
	answer := r.mayDecide(u)
	if answer.Known && answer.Value {
		return answer
	}
	if len(owners) == 0 {
		has := r.snap.Permission(u.Login)
		return gate.Reading[bool]{Known: has.Known, Why: has.Why, Value: has.Known && has.Value >= gate.PermissionWrite}
	}
	for _, o := range owners {
		is := r.isOwner(u, o)
		if is.Known && is.Value {
			return is
		}
		if !is.Known {
			answer = is
		}
	}
	return answer
}

func (r *room) isOwner(u gate.User, o gate.Owner) gate.Reading[bool] {
	switch {
	case o.User != "":
		account := r.snap.Account(o.User)
		if account.Known || !strings.EqualFold(o.User, u.Login) {
			return gate.Reading[bool]{Known: true, Value: account.Known && account.Value.Is(u)}
		}
		return gate.Reading[bool]{Why: account.Why}
	case o.Team != "":
		team := r.snap.Team(o.Team)
		return gate.Reading[bool]{Known: team.Known, Why: team.Why, Value: slices.ContainsFunc(team.Value, u.Is)}
	default:
		return r.policy.Authority(r.snap, o.Name, u)
	}
}

// afterward is how a command is heard on a merged pull request; nil for those that
// are not.
func (r *room) afterward(kind command.Kind) func(context.Context, inbox.Command, command.Command) ([]answer, error) {
	switch kind {
	case command.Rollback:
		return r.rollback
	case command.Watched:
		return r.watched
	}
	return nil
}
