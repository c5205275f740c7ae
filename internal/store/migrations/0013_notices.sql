-- +goose Up

-- What people and systems are told, once per key. "body" is the notice; it is
-- emptied when a notice is old, and the row stays, so that the key stays taken.
CREATE TABLE notice (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id BIGINT NOT NULL,
    key     TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    body    TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    UNIQUE (repo_id, key)
);

-- One row for each place that a notice goes to. "due" is when it is tried next,
-- "ended" when it was sent or given up.
CREATE TABLE letter (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    notice   BIGINT  NOT NULL,
    via      TEXT    NOT NULL,
    target   TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due      BIGINT  NOT NULL,
    ended    BIGINT,
    error    TEXT,
    UNIQUE (notice, via, target)
);
CREATE INDEX letter_waiting ON letter (via, due) WHERE state = 'waiting';
CREATE INDEX letter_dead ON letter (ended) WHERE state = 'dead';

-- +goose Down
DROP TABLE letter;
DROP TABLE notice;
