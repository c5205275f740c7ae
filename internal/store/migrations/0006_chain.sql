-- The ledger's chain. Another engine needs the same tables and, in its own
-- language, the same five triggers.

-- +goose Up

-- "hash" is over the row and the hash of the row before; it is empty in rows
-- from before the chain until the server takes them into it. "texts" names, as
-- canonical JSON, the row's free texts and their salted digests.
ALTER TABLE entry ADD COLUMN texts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE entry ADD COLUMN hash BLOB NOT NULL DEFAULT x'';

-- What people wrote in their own words, beside the chain: "text" and "salt" can
-- be erased, and nothing else can change.
CREATE TABLE words (
    entry BIGINT NOT NULL,
    name  TEXT   NOT NULL,
    salt  BLOB,
    text  TEXT,
    PRIMARY KEY (entry, name)
);

-- What the rules of a base branch last said of our check.
CREATE TABLE requirement (
    repo_id BIGINT NOT NULL,
    base    TEXT   NOT NULL,
    state   TEXT   NOT NULL,
    PRIMARY KEY (repo_id, base)
);

-- +goose StatementBegin
CREATE TRIGGER entry_follows BEFORE INSERT ON entry
WHEN length(NEW.hash) <> 32 OR NEW.id IS NULL OR NEW.id <> (SELECT COALESCE(MAX(id), 0) + 1 FROM entry)
    OR EXISTS (SELECT 1 FROM entry WHERE repo_id = NEW.repo_id AND once = NEW.once)
BEGIN
    SELECT RAISE(ABORT, 'the ledger takes entries at its end only, each once');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry WHEN length(OLD.hash) > 0
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entry_remains BEFORE DELETE ON entry
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER words_stay BEFORE UPDATE ON words
WHEN NEW.entry <> OLD.entry OR NEW.name <> OLD.name OR NEW.text IS NOT NULL OR NEW.salt IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a text of the ledger can be erased and not changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER words_remain BEFORE DELETE ON words
BEGIN
    SELECT RAISE(ABORT, 'a text of the ledger can be erased and not removed');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER words_remain;
DROP TRIGGER words_stay;
DROP TRIGGER entry_remains;
DROP TRIGGER entry_stays;
DROP TRIGGER entry_follows;
DROP TABLE requirement;
DROP TABLE words;
ALTER TABLE entry DROP COLUMN hash;
ALTER TABLE entry DROP COLUMN texts;
