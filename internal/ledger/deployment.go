package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/store"
)

// Deployment is a deployment that asks whether it may go on.
type Deployment struct {
	RepoID      int64
	Run         int64 // of GitHub Actions
	Environment string
	SHA         string
	AskedAt     time.Time
	State       string // "" while it waits; else "approved", "rejected" or "gone"
	Reports     int    // how often it was told why it waits
	Said        string // what it was told last
}

const deploymentColumns = `repo_id, run, environment, sha, asked_at, state, reports, said`

func scanDeployment(row interface{ Scan(...any) error }) (Deployment, error) {
	var d Deployment
	var asked int64
	err := row.Scan(&d.RepoID, &d.Run, &d.Environment, &d.SHA, &asked, &d.State, &d.Reports, &d.Said)
	d.AskedAt = store.Time(asked)
	return d, err
}

// AskDeployment records that a deployment waits for an answer. One that is known
// already stays as it is.
func AskDeployment(ctx context.Context, tx *sql.Tx, d Deployment) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO deployment (repo_id, run, environment, sha, asked_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (repo_id, run, environment) DO NOTHING`, d.RepoID, d.Run, d.Environment, d.SHA, store.Millis(d.AskedAt))
	if err != nil {
		return fmt.Errorf("save the deployment of run %d: %w", d.Run, err)
	}
	return nil
}

// DeploymentOf returns a deployment, and false when it never asked.
func (l *Ledger) DeploymentOf(ctx context.Context, repoID, run int64, environment string) (Deployment, bool, error) {
	d, err := scanDeployment(l.db.Read().QueryRowContext(ctx, `SELECT `+deploymentColumns+` FROM deployment
		WHERE repo_id = $1 AND run = $2 AND environment = $3`, repoID, run, environment))
	found, err := none(err)
	if err != nil {
		err = fmt.Errorf("look up the deployment of run %d: %w", run, err)
	}
	return d, found, err
}

// SaveDeployment records what a deployment was told, and its answer.
func SaveDeployment(ctx context.Context, tx *sql.Tx, d Deployment) error {
	_, err := tx.ExecContext(ctx, `UPDATE deployment SET state = $1, reports = $2, said = $3
		WHERE repo_id = $4 AND run = $5 AND environment = $6`, d.State, d.Reports, d.Said, d.RepoID, d.Run, d.Environment)
	if err != nil {
		return fmt.Errorf("save the deployment of run %d: %w", d.Run, err)
	}
	return nil
}

// Approved reports whether any deployment of a commit to an environment was ever
// approved.
func (l *Ledger) Approved(ctx context.Context, repoID int64, environment, sha string) (approved bool, err error) {
	err = l.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deployment
		WHERE repo_id = $1 AND environment = $2 AND sha = $3 AND state = 'approved')`, repoID, environment, sha).Scan(&approved)
	if err != nil {
		return false, fmt.Errorf("look up what was approved for %s: %w", environment, err)
	}
	return approved, nil
}

// DeploymentsWaiting lists the deployments of a commit that wait for an answer.
func DeploymentsWaiting(ctx context.Context, tx *sql.Tx, repoID int64, sha string) (_ []Deployment, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+deploymentColumns+` FROM deployment WHERE repo_id = $1 AND sha = $2 AND state = ''`, repoID, sha)
	if err != nil {
		return nil, fmt.Errorf("list deployments: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []Deployment
	for rows.Next() {
		d, err := scanDeployment(rows)
		if err != nil {
			return nil, fmt.Errorf("list deployments: %w", err)
		}
		list = append(list, d)
	}
	return list, rows.Err()
}
