-- +goose Up

-- The policy file that was last seen to be valid at each place where one is in
-- force: should a later one not be valid, whoever mends it is judged by this.
CREATE TABLE valid_policy (
    place   TEXT   NOT NULL PRIMARY KEY, -- a base branch of a repository, or an installation's organization
    sha     TEXT   NOT NULL, -- of the blob; '' where there was no file
    content BLOB   NOT NULL,
    seen_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE valid_policy;
