-- Everything between the door and the evaluation. All times are unix
-- milliseconds in UTC.

-- +goose Up

-- One row per delivery that was ever acknowledged, in the order in which they
-- came. "body" is a digest of the body; a repeated delivery has the same body,
-- so that one index finds repetitions and replays. "again" is set once a
-- repeated delivery was let through for a dead subject.
CREATE TABLE delivery (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    guid        BLOB    NOT NULL,
    body        BLOB    NOT NULL,
    received_at BIGINT  NOT NULL,
    again       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (body, guid)
);

-- Deliveries that were acknowledged and not dispatched yet, in order of id.
-- "dead_at" marks those that dispatching gave up on.
CREATE TABLE hint (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    body        BLOB    NOT NULL,
    received_at BIGINT  NOT NULL,
    dead_at     BIGINT,
    error       TEXT
);

-- What is looked at again: a pull request, a release, a repository, an
-- installation. A subject waits while generation > done: with a job, or held
-- until a time without one.
CREATE TABLE subject (
    name       TEXT    NOT NULL PRIMARY KEY,
    tenant     BIGINT  NOT NULL DEFAULT 0,
    generation BIGINT  NOT NULL DEFAULT 0,
    done       BIGINT  NOT NULL DEFAULT 0,
    job_id     BIGINT,
    attempts   INTEGER NOT NULL DEFAULT 0,
    failed_at  BIGINT,
    held_to    BIGINT,
    paused     INTEGER NOT NULL DEFAULT 0,
    early      INTEGER NOT NULL DEFAULT 0,
    wake_at    BIGINT,
    dead_at    BIGINT,
    error      TEXT
);
CREATE INDEX subject_waiting ON subject (tenant) WHERE generation > done;
CREATE INDEX subject_wake ON subject (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX subject_held ON subject (held_to) WHERE held_to IS NOT NULL;
CREATE INDEX subject_dead ON subject (dead_at) WHERE dead_at IS NOT NULL;

-- The mailbox of a subject.
CREATE TABLE message (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    body    BLOB    NOT NULL,
    at      BIGINT  NOT NULL,
    UNIQUE (subject, key)
);

CREATE TABLE installation (
    id              BIGINT  NOT NULL PRIMARY KEY,
    account_id      BIGINT  NOT NULL,
    account_login   TEXT    NOT NULL,
    account_is_user INTEGER NOT NULL DEFAULT 0,
    suspended_at    BIGINT,
    removed_at      BIGINT
);

-- "verified_at" is set by what was read from GitHub's API; rows without it rest
-- on a payload's word only.
CREATE TABLE repository (
    id              BIGINT  NOT NULL PRIMARY KEY,
    installation_id BIGINT  NOT NULL,
    owner           TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    owner_is_user   INTEGER NOT NULL DEFAULT 0,
    default_branch  TEXT    NOT NULL DEFAULT '',
    private         INTEGER NOT NULL DEFAULT 0,
    verified_at     BIGINT,
    removed_at      BIGINT
);
CREATE INDEX repository_installation ON repository (installation_id);

CREATE TABLE pull (
    repo_id      BIGINT  NOT NULL,
    number       BIGINT  NOT NULL,
    head_sha     TEXT    NOT NULL,
    head_ref     TEXT    NOT NULL,
    head_repo_id BIGINT  NOT NULL DEFAULT 0,
    base_ref     TEXT    NOT NULL,
    author_id    BIGINT  NOT NULL DEFAULT 0,
    open         INTEGER NOT NULL,
    draft        INTEGER NOT NULL DEFAULT 0,
    class        INTEGER NOT NULL DEFAULT 0,
    as_of        BIGINT  NOT NULL,
    PRIMARY KEY (repo_id, number)
);
CREATE INDEX pull_open ON pull (repo_id) WHERE open = 1;

-- Our own record of the head commits that we saw, in order of id. Rows are
-- never changed.
CREATE TABLE head (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    sha     TEXT   NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE INDEX head_sha ON head (repo_id, sha);
CREATE INDEX head_pull ON head (repo_id, number);

-- For which commit a review was given, by the event that told of it: the API has
-- been seen to move a review to a later head.
CREATE TABLE review (
    repo_id   BIGINT NOT NULL,
    review_id BIGINT NOT NULL,
    number    BIGINT NOT NULL,
    sha       TEXT   NOT NULL,
    PRIMARY KEY (repo_id, review_id)
);
CREATE INDEX review_pull ON review (repo_id, number);

-- +goose Down
DROP TABLE review;
DROP TABLE head;
DROP TABLE pull;
DROP TABLE repository;
DROP TABLE installation;
DROP TABLE message;
DROP TABLE subject;
DROP TABLE hint;
DROP TABLE delivery;
