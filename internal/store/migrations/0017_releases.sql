-- +goose Up

-- Tags that were seen. "sha" is the commit to which one led when it was seen
-- last, '' once it is gone; "first" that to which it led when its release was
-- first judged. "target" is what a draft release says that its tag will be made
-- from. "judged" is the newest readiness of the release.
CREATE TABLE tag (
    repo_id BIGINT NOT NULL,
    name    TEXT   NOT NULL,
    sha     TEXT   NOT NULL,
    first   TEXT   NOT NULL DEFAULT '',
    target  TEXT   NOT NULL DEFAULT '',
    number  BIGINT NOT NULL DEFAULT 0,
    judged  TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (repo_id, name)
);
CREATE INDEX tag_sha ON tag (repo_id, sha);

-- When the tags of a repository were first listed: those from before are not
-- judged.
CREATE TABLE swept (
    repo_id BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL
);

-- Deployments that wait for our answer, or had it. "state" is '' while one
-- waits, "reports" how often it was told why.
CREATE TABLE deployment (
    repo_id     BIGINT  NOT NULL,
    run         BIGINT  NOT NULL,
    environment TEXT    NOT NULL,
    sha         TEXT    NOT NULL,
    asked_at    BIGINT  NOT NULL,
    state       TEXT    NOT NULL DEFAULT '',
    reports     INTEGER NOT NULL DEFAULT 0,
    said        TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (repo_id, run, environment)
);
CREATE INDEX deployment_waiting ON deployment (repo_id, sha) WHERE state = '';

-- +goose Down
DROP TABLE deployment;
DROP TABLE swept;
DROP TABLE tag;
