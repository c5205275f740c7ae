-- +goose Up

-- Installations whose organization's policy file was last seen with a part that
-- is enforced: should the file no longer be readable, nothing passes there.
CREATE TABLE enforcement (
    installation_id BIGINT NOT NULL PRIMARY KEY,
    seen_at         BIGINT NOT NULL
);

-- +goose Down
DROP TABLE enforcement;
