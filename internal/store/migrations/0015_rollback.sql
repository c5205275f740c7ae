-- +goose Up

-- Merged pull requests of which the rollback was called, once each. "content" is
-- what they made of their paths, by which landing them again is recognised; NULL
-- until it was read. "incident" is the issue of the incident, "done" when
-- everything was written that follows a call.
CREATE TABLE rollback (
    repo_id  BIGINT  NOT NULL,
    pull     INTEGER NOT NULL,
    base     TEXT    NOT NULL,
    cause    INTEGER NOT NULL,
    caller   TEXT    NOT NULL,
    at       BIGINT  NOT NULL,
    content  TEXT,
    incident INTEGER NOT NULL DEFAULT 0,
    done     BIGINT,
    PRIMARY KEY (repo_id, pull)
);

-- +goose Down
DROP TABLE rollback;
