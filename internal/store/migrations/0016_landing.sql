-- +goose Up

-- Groups of merge queues that wait for our answer or may still land. "verdict" is
-- what was said of a group last, "" before anything was.
CREATE TABLE merge_group (
    repo_id  BIGINT NOT NULL,
    head_sha TEXT   NOT NULL,
    head_ref TEXT   NOT NULL,
    base_ref TEXT   NOT NULL,
    asked_at BIGINT NOT NULL,
    verdict  TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (repo_id, head_sha)
);

-- Up to which commit it is known how what is on a gated branch got there.
CREATE TABLE branch_tip (
    repo_id BIGINT NOT NULL,
    branch  TEXT   NOT NULL,
    sha     TEXT   NOT NULL,
    PRIMARY KEY (repo_id, branch)
);

-- +goose Down
DROP TABLE branch_tip;
DROP TABLE merge_group;
