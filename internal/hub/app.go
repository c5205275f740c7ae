package hub

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

// Self is the App as GitHub knows it.
type Self struct {
	ID   int64
	Slug string // its bot's login is Slug + "[bot]"
	Name string
	// Permissions are what the App asks for: "checks" → "write".
	Permissions map[string]string
	Events      []string
}

// Installation is one of the App's installations.
type Installation struct {
	ID          int64
	Account     gate.User
	AccountKind string // "User" or "Organization"
	Suspended   bool
	CreatedAt   time.Time // zero where it was not told
	// Permissions are what the installation's owner granted.
	Permissions map[string]string
	Events      []string
}

var (
	actSelf          = act{"read the App", "this App's registration", ""}
	actInstallations = act{"list installations", "the list of installations", ""}
	actInstallation  = act{"find installation", "this App's installation", ""}
	actRepositories  = act{"list repositories", "the list of repositories", "Metadata: read"}
	actUser          = act{"read user", "the account", ""}
)

// Self reads the App's registration; the answer is kept for the life of h.
func (h *Hub) Self(ctx context.Context) (Self, error) {
	h.mu.Lock()
	kept := h.self
	h.mu.Unlock()
	if kept != nil {
		return *kept, nil
	}
	k := call{act: actSelf, path: "app"}
	var wire struct {
		ID          *int64            `json:"id"`
		Slug        *string           `json:"slug"`
		Name        *string           `json:"name"`
		Permissions map[string]string `json:"permissions"`
		Events      []string          `json:"events"`
	}
	if err := h.app.read(ctx, k, &wire); err != nil {
		return Self{}, err
	}
	var w wants
	self := Self{
		ID: wantSome(&w, "id", wire.ID), Slug: wantSome(&w, "slug", wire.Slug), Name: want(&w, "name", wire.Name),
		Permissions: wire.Permissions, Events: wire.Events,
	}
	if err := w.err(); err != nil {
		return Self{}, k.fault(err)
	}
	h.mu.Lock()
	h.self = &self
	h.mu.Unlock()
	return self, nil
}

// wireInstallation is read by ourselves: the library's list of permissions is a
// struct that knows those of its own day.
type wireInstallation struct {
	ID          *int64            `json:"id"`
	Account     *github.User      `json:"account"`
	TargetType  *string           `json:"target_type"`
	SuspendedAt *time.Time        `json:"suspended_at"`
	CreatedAt   time.Time         `json:"created_at"`
	Permissions map[string]string `json:"permissions"`
	Events      []string          `json:"events"`
}

func convertInstallation(w *wants, i *wireInstallation) Installation {
	return Installation{
		ID: wantSome(w, "id", i.ID), Account: wantUser(w, "account", i.Account),
		AccountKind: wantSome(w, "target_type", i.TargetType), Suspended: i.SuspendedAt != nil, CreatedAt: i.CreatedAt,
		Permissions: i.Permissions, Events: i.Events,
	}
}

// Installations lists all installations of the App, suspended ones too.
func (h *Hub) Installations(ctx context.Context) ([]Installation, error) {
	k := call{act: actInstallations, path: "app/installations"}
	wire, err := readAll(ctx, h.app, k, bare[wireInstallation])
	if err != nil {
		return nil, err
	}
	return each(k, wire, convertInstallation)
}

// Installation reads one installation; [KindMissing] when it is gone.
func (h *Hub) Installation(ctx context.Context, id int64) (Installation, error) {
	of := strconv.FormatInt(id, 10)
	return h.readInstallation(ctx, call{act: actInstallation, of: of, path: "app/installations/" + of})
}

// InstallationOf asks GitHub, as the App, which installation covers a
// repository. It is the only ground on which a delivery's claim may be
// believed; [KindMissing] means that none does.
func (h *Hub) InstallationOf(ctx context.Context, owner, name string) (Installation, error) {
	return h.readInstallation(ctx, call{
		act: actInstallation, of: owner + "/" + name,
		path: "repos/" + url.PathEscape(owner) + "/" + url.PathEscape(name) + "/installation",
	})
}

func (h *Hub) readInstallation(ctx context.Context, k call) (Installation, error) {
	var wire wireInstallation
	if err := h.app.read(ctx, k, &wire); err != nil {
		return Installation{}, err
	}
	return one(k, wire, convertInstallation)
}

// Repositories lists the repositories that an installation covers.
func (h *Hub) Repositories(ctx context.Context, installationID int64) ([]gate.Repository, error) {
	k := call{act: actRepositories, path: "installation/repositories"}
	wire, err := readAll(ctx, h.client(installationID), k, field[github.Repository]("repositories"))
	if err != nil {
		return nil, err
	}
	return each(k, wire, convertRepository)
}

// wantUser converts an account that must be there.
func wantUser(w *wants, name string, u *github.User) gate.User {
	if u == nil {
		w.missing = append(w.missing, name)
		return gate.User{}
	}
	return gate.User{
		ID:    wantSome(w, name+".id", u.ID),
		Login: wantSome(w, name+".login", u.Login),
		Bot:   u.GetType() == "Bot",
	}
}

// mayUser converts an account that GitHub leaves out when it was deleted: then
// it is the zero user, who is nobody.
func mayUser(w *wants, name string, u *github.User) gate.User {
	if u == nil {
		return gate.User{}
	}
	return wantUser(w, name, u)
}

func convertRepository(w *wants, r *github.Repository) gate.Repository {
	if r == nil {
		w.missing = append(w.missing, "repository")
		return gate.Repository{}
	}
	return gate.Repository{
		ID:            wantSome(w, "id", r.ID),
		Owner:         wantUser(w, "owner", r.Owner).Login,
		Name:          wantSome(w, "name", r.Name),
		OwnerIsUser:   r.GetOwner().GetType() == "User",
		DefaultBranch: wantSome(w, "default_branch", r.DefaultBranch),
		Private:       want(w, "private", r.Private),
	}
}
