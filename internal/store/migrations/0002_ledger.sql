-- +goose Up

-- What was decided and done, append-only: rows are never changed or removed.
CREATE TABLE entry (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    repo_id  BIGINT NOT NULL,
    number   BIGINT NOT NULL, -- of the pull request, 0 for none
    sha      TEXT   NOT NULL,
    actor_id BIGINT NOT NULL, -- 0 for ourselves
    actor    TEXT   NOT NULL,
    once     TEXT   NOT NULL, -- what this entry may be made for only once
    data     BLOB   NOT NULL  -- JSON
);
CREATE UNIQUE INDEX entry_once ON entry (repo_id, once);
CREATE INDEX entry_pull ON entry (repo_id, number, id);

-- One row per evaluation; its number is taken before anything is read, so
-- that a higher number means fresher evidence.
CREATE TABLE evaluation (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id  BIGINT NOT NULL,
    pull     BIGINT NOT NULL,
    head_sha TEXT   NOT NULL,
    verdict  TEXT   NOT NULL, -- '' until it is finished
    at       BIGINT NOT NULL,
    kept     INTEGER NOT NULL, -- 1: never pruned
    data     BLOB   NOT NULL  -- JSON
);
CREATE INDEX evaluation_pull ON evaluation (repo_id, pull, number);

-- The check run that stands on a head commit.
CREATE TABLE published (
    repo_id    BIGINT NOT NULL,
    sha        TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    run_id     BIGINT NOT NULL, -- 0: none is known yet
    pending    INTEGER NOT NULL, -- 1: a run was written, and the answer not seen
    conclusion TEXT   NOT NULL, -- '' while in progress
    digest     TEXT   NOT NULL, -- of all that was written
    evaluation BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (repo_id, sha, name)
);

-- The comment that asks for a pull request's decision.
CREATE TABLE ask (
    repo_id    BIGINT NOT NULL,
    pull       BIGINT NOT NULL,
    comment_id BIGINT NOT NULL,
    head_sha   TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    lapsed_go  BIGINT NOT NULL, -- the entry whose lapse was last told
    PRIMARY KEY (repo_id, pull)
);

-- +goose Down
DROP TABLE ask;
DROP TABLE published;
DROP TABLE evaluation;
DROP TABLE entry;
