-- +goose Up

-- Which account a login of a repository's policy meant when it was first
-- resolved; 0: there was none. Rows are never changed: a login can change hands.
CREATE TABLE pin (
    repo_id   BIGINT NOT NULL,
    login     TEXT   NOT NULL, -- in small letters
    user_id   BIGINT NOT NULL,
    pinned_at BIGINT NOT NULL,
    PRIMARY KEY (repo_id, login)
);

-- Who pushed which head of a pull request, as events told. "merge" is 1 once the
-- commit was seen to be a merge that GitHub made itself: whoever pressed its
-- button wrote none of it.
CREATE TABLE push (
    repo_id BIGINT  NOT NULL,
    number  BIGINT  NOT NULL,
    sha     TEXT    NOT NULL,
    user_id BIGINT  NOT NULL,
    login   TEXT    NOT NULL,
    merge   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (repo_id, number, sha, user_id)
);

-- +goose Down
DROP TABLE push;
DROP TABLE pin;
