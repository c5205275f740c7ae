-- +goose Up

-- The latest READY evaluation of each pull request, with the rules by which it
-- was made and all commits that it was made from, a JSON list.
CREATE TABLE ready (
    repo_id    BIGINT  NOT NULL,
    number     BIGINT  NOT NULL,
    evaluation BIGINT  NOT NULL,
    rules      TEXT    NOT NULL,
    commits    TEXT    NOT NULL,
    PRIMARY KEY (repo_id, number)
);

-- Commits that landed through a pull request which was READY when it was merged.
-- "tip" is 1 for its head and for what it was merged as.
CREATE TABLE landed (
    repo_id   BIGINT  NOT NULL,
    sha       TEXT    NOT NULL,
    number    BIGINT  NOT NULL,
    tip       INTEGER NOT NULL,
    rules     TEXT    NOT NULL,
    merged_by BIGINT  NOT NULL,
    PRIMARY KEY (repo_id, sha, number)
);

-- +goose Down
DROP TABLE landed;
DROP TABLE ready;
