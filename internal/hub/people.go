package hub

import (
	"context"
	"errors"
	"net/url"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

var (
	actPermission = act{"read permission", "the permission of an account", "Metadata: read"}
	actWriters    = act{"list collaborators", "the list of people with write access", "Metadata: read"}
	actTeam       = act{"read team", "the team", "Members: read"}
	actMembers    = act{"list team members", "the members of the team", "Members: read"}
)

// Permission reads what the account that has this login now may do in the
// repository. Where GitHub knows no such account, the answer names none, and no
// permission.
func (r *Repo) Permission(ctx context.Context, login string) (gate.Collaborator, error) {
	k := r.call(actPermission, " for "+login, "collaborators/"+url.PathEscape(login)+"/permission")
	var wire struct {
		Permission *string      `json:"permission"`
		Role       string       `json:"role_name"`
		User       *github.User `json:"user"`
	}
	err := r.c.read(ctx, k, &wire)
	if IsMissing(err) {
		return gate.Collaborator{}, nil
	}
	if err != nil {
		return gate.Collaborator{}, err
	}
	legacy, ok := gate.ParsePermission(deref(wire.Permission))
	if !ok {
		return gate.Collaborator{}, k.fault(errors.New("the answer lacks permission"))
	}
	u := gate.User{ID: wire.User.GetID(), Login: wire.User.GetLogin(), Bot: wire.User.GetType() == "Bot"}
	return gate.Collaborator{User: u, Permission: permission(wire.Role, wire.User, legacy)}, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// permission judges by the role's name; a custom role by the standard one that
// it includes, which is the highest in the account's map; else by GitHub's
// legacy word, which knows neither maintain nor triage.
func permission(role string, u *github.User, legacy gate.Permission) gate.Permission {
	if p, ok := gate.ParsePermission(role); ok {
		return p
	}
	best, known := gate.PermissionNone, false
	for word, granted := range u.GetPermissions() {
		if p, ok := gate.ParsePermission(word); ok && granted {
			best, known = max(best, p), true
		}
	}
	if known {
		return best
	}
	return legacy
}

// Writers lists everyone with write access or more, bots too.
func (r *Repo) Writers(ctx context.Context) ([]gate.Collaborator, error) {
	k := r.call(actWriters, "", "collaborators").with("permission", "push")
	wire, err := readAll(ctx, r.c, k, bare[github.User])
	if err != nil {
		return nil, err
	}
	return each(k, wire, func(w *wants, u *github.User) gate.Collaborator {
		if len(u.Permissions) == 0 && u.GetRoleName() == "" {
			w.missing = append(w.missing, "permissions")
		}
		return gate.Collaborator{User: wantUser(w, "user", u), Permission: permission(u.GetRoleName(), u, gate.PermissionNone)}
	})
}

// Team lists the accepted members of a team, those of its child teams too. The
// team itself is read first: a 404 there means that it does not exist or that
// the App cannot see it, which is [KindMissing] with a sentence that says so,
// and never an empty team.
func (r *Repo) Team(ctx context.Context, org, slug string) ([]gate.User, error) {
	base := "orgs/" + url.PathEscape(org) + "/teams/" + url.PathEscape(slug)
	k := call{act: actTeam, of: org + "/" + slug, path: base}
	var wire struct {
		ID      *int64 `json:"id"`
		Members *int   `json:"members_count"`
	}
	if err := r.c.read(ctx, k, &wire); err != nil {
		return nil, unseenTeam(err, k.of)
	}
	var w wants
	wantSome(&w, "id", wire.ID)
	counted := want(&w, "members_count", wire.Members)
	if err := w.err(); err != nil {
		return nil, k.fault(err)
	}
	k = call{act: actMembers, of: k.of, path: base + "/members"}
	found, err := readAll(ctx, r.c, k, bare[github.User])
	if err != nil {
		return nil, unseenTeam(err, k.of)
	}
	if counted > 0 && len(found) == 0 {
		return nil, unseenTeam(k.fail(&Error{Kind: KindPermission, Message: "the team has members, none is shown"}), k.of)
	}
	return each(k, found, func(w *wants, u *github.User) gate.User { return wantUser(w, "member", u) })
}

func unseenTeam(err error, team string) error {
	var e *Error
	if errors.As(err, &e) && (e.Kind == KindMissing || e.Kind == KindPermission) {
		e.fact = "the team " + gate.Quote(team) + " cannot be read: check its name, or have an administrator grant this App \"Members: read\"."
	}
	return err
}

// User reads an account by its login, as it is called now; [KindMissing] when
// there is none.
func (r *Repo) User(ctx context.Context, login string) (gate.User, error) {
	k := call{act: actUser, of: login, path: "users/" + url.PathEscape(login)}
	var wire github.User
	if err := r.c.read(ctx, k, &wire); err != nil {
		return gate.User{}, err
	}
	return one(k, wire, func(w *wants, u *github.User) gate.User { return wantUser(w, "user", u) })
}
