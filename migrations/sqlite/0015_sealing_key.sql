-- The sealing keys that something in this database is wrapped under, by their ids, which tell nothing about the keys.
-- Start refuses while one that is not retired is missing.
CREATE TABLE sealing_key (
    id            TEXT    NOT NULL PRIMARY KEY,  -- eight hexadecimal digits
    suite         TEXT    NOT NULL,              -- intl or sm
    first_used_at INTEGER NOT NULL,              -- microseconds since 1970, UTC
    retired_at    INTEGER                        -- since then nothing is wrapped under it
) STRICT, WITHOUT ROWID;

-- What pseudonyms come from, wrapped under a sealing key. It never changes, so that entries of the access log about one
-- person can be joined whatever became of the keys.
CREATE TABLE pseudonym_root (
    only_row    INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    wrapped_key BLOB    NOT NULL
) STRICT;
