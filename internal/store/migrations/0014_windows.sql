-- +goose Up

-- The stretches of time in which releases that went live are watched. "ends_at"
-- is a stored moment: moving the clock of the machine does not move it. "data" is
-- what was known of the release when it went live.
CREATE TABLE windows (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id   BIGINT NOT NULL,
    tag       TEXT   NOT NULL,
    sha       TEXT   NOT NULL,
    opened_at BIGINT NOT NULL,
    ends_at   BIGINT NOT NULL,
    closed_at BIGINT,
    data      TEXT   NOT NULL,
    UNIQUE (repo_id, tag, sha)
);
CREATE INDEX windows_open ON windows (repo_id) WHERE closed_at IS NULL;

-- What happened in a window, once for each key: the severe issues that were open
-- before it ("before"), those found inside it ("finding"), and who watched
-- ("watched").
CREATE TABLE window_note (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    of     BIGINT NOT NULL,
    kind   TEXT   NOT NULL,
    key    TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    data   TEXT   NOT NULL,
    UNIQUE (of, kind, key)
);

-- +goose Down
DROP TABLE window_note;
DROP TABLE windows;
