-- +goose Up

-- Heads of which it is known who brought them. "told" is 1 once an event told of
-- the push, "logged" once GitHub's log of pushes was read that ends with it.
CREATE TABLE brought (
    repo_id BIGINT  NOT NULL,
    number  BIGINT  NOT NULL,
    sha     TEXT    NOT NULL,
    told    INTEGER NOT NULL DEFAULT 0,
    logged  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (repo_id, number, sha)
);
INSERT INTO brought (repo_id, number, sha, told) SELECT DISTINCT repo_id, number, sha, 1 FROM push;

-- +goose Down
DROP TABLE brought;
