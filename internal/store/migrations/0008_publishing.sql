-- +goose Up

-- How a repository's verdicts are published: one row for the name that the check
-- has ("left_at" is null) with the mode, and one for each name under which it was
-- published before, with when it had it no more.
CREATE TABLE check_name (
    repo_id BIGINT NOT NULL,
    name    TEXT   NOT NULL, -- without what a trial adds
    mode    TEXT   NOT NULL,
    left_at BIGINT,
    PRIMARY KEY (repo_id, name)
);
INSERT INTO check_name (repo_id, name, mode, left_at)
SELECT p.repo_id, MIN(p.name), 'enforce', NULL FROM published p
WHERE p.evaluation = (SELECT MAX(q.evaluation) FROM published q WHERE q.repo_id = p.repo_id)
GROUP BY p.repo_id;

-- Since when an installation covers a repository, by GitHub's word or by the event
-- that told of it.
CREATE TABLE joined (
    repo_id         BIGINT NOT NULL PRIMARY KEY,
    installation_id BIGINT NOT NULL,
    at              BIGINT NOT NULL
);

-- Open pull requests from before their repository was covered, of which no event
-- came since: they are known, and not judged before one comes.
CREATE TABLE dormant (
    repo_id BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    PRIMARY KEY (repo_id, number)
);

-- +goose Down
DROP TABLE dormant;
DROP TABLE joined;
DROP TABLE check_name;
