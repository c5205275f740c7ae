-- +goose Up

-- How many times something was to be shown on a head commit: each verdict takes
-- the next turn in the transaction that enters it.
CREATE TABLE outbox (
    repo_id BIGINT NOT NULL,
    sha     TEXT   NOT NULL,
    turn    BIGINT NOT NULL,
    PRIMARY KEY (repo_id, sha)
);

-- The newest turn that began to be written, and when it was last found that
-- another one may stand on top of it.
ALTER TABLE published ADD COLUMN claimed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE published ADD COLUMN doubted_at BIGINT;

-- When a pull request is looked at because somebody pressed Re-run or Re-check,
-- or was last.
CREATE TABLE press (
    repo_id BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (repo_id, number)
);

-- +goose Down
DROP TABLE press;
ALTER TABLE published DROP COLUMN doubted_at;
ALTER TABLE published DROP COLUMN claimed;
DROP TABLE outbox;
