package hub

import (
	"context"
	"net/url"
	"strings"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

// Repo is one repository seen with its installation's permissions. It holds no
// state and is safe for concurrent use.
type Repo struct {
	hub  *Hub
	c    *client
	repo gate.Repository
}

// Repo returns a view of the repository. Owner and Name must be set; with ID
// set, answers from another repository that took over the name are refused as
// missing.
func (h *Hub) Repo(installationID int64, repo gate.Repository) *Repo {
	return &Repo{hub: h, c: h.client(installationID), repo: repo}
}

// Sibling returns a view of another repository with the permissions of the
// same installation.
func (r *Repo) Sibling(owner, name string) *Repo {
	if strings.EqualFold(owner, r.repo.Owner) && strings.EqualFold(name, r.repo.Name) {
		return r
	}
	return &Repo{hub: r.hub, c: r.c, repo: gate.Repository{Owner: owner, Name: name}}
}

var actRepository = act{"read repository", "the repository", "Metadata: read"}

// call starts a call below the repository. The path must be escaped.
func (r *Repo) call(a act, of, path string) call {
	base := "repos/" + url.PathEscape(r.repo.Owner) + "/" + url.PathEscape(r.repo.Name)
	if path != "" {
		base += "/" + path
	}
	return call{act: a, of: r.repo.FullName() + of, path: base, repo: r.repo.ID}
}

func (k call) with(pairs ...string) call {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	k.query = query
	return k
}

func (k call) send(method string, body any) call {
	k.method, k.body = method, body
	return k
}

// Repository reads the repository itself: its name, default branch and owner
// as they are now.
func (r *Repo) Repository(ctx context.Context) (gate.Repository, error) {
	k := r.call(actRepository, "", "")
	var wire github.Repository
	if err := r.c.read(ctx, k, &wire); err != nil {
		return gate.Repository{}, err
	}
	now, err := one(k, wire, convertRepository)
	if err != nil {
		return gate.Repository{}, err
	}
	if err := r.same(k, now.ID); err != nil {
		return gate.Repository{}, err
	}
	return now, nil
}

// same refuses what belongs to another repository of the same name: state is
// keyed by id, and a new repository inherits nothing.
func (r *Repo) same(k call, id int64) error {
	if r.repo.ID != 0 && id != r.repo.ID {
		return k.fail(&Error{Kind: KindMissing, Err: errOtherRepository})
	}
	return nil
}
