-- The access log becomes a Merkle tree (RFC 6962). An entry's position is its index in the tree: it begins
-- at 0, has no gaps and is never used again. `leaf` is SHA-256 of a zero byte and the body.
CREATE TABLE access_entry (
    position INTEGER NOT NULL PRIMARY KEY,
    id       TEXT    NOT NULL,
    at       INTEGER NOT NULL,          -- microseconds since 1970, UTC
    body     TEXT    NOT NULL,          -- canonical JSON (RFC 8785), at most 65,535 bytes
    leaf     BLOB    NOT NULL
) STRICT;

-- Entries of before have no leaf hash yet; it is computed when the log is opened for the first time.
INSERT INTO access_entry (position, id, at, body, leaf)
    SELECT row_number() OVER (ORDER BY position) - 1, id, at, body, x'' FROM access_event;
DROP TABLE access_event;
ALTER TABLE access_entry RENAME TO access_event;
CREATE UNIQUE INDEX access_event_id ON access_event (id);

-- Tiles that are full (C2SP tlog-tiles): 256 hashes of 32 bytes, and the root over them, which is a hash of
-- the level above. They never change. Unfinished tiles are made from the entries and the tiles below.
CREATE TABLE access_tile (
    level  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB    NOT NULL,
    root   BLOB    NOT NULL,
    PRIMARY KEY (level, number)
) STRICT;

-- The last head that was signed. It is replaced only by one that goes on from it, in one step with the
-- comparison, before the new one is shown to anybody.
CREATE TABLE access_head (
    only_row   INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    size       INTEGER NOT NULL,
    root       BLOB    NOT NULL,
    checkpoint TEXT    NOT NULL,        -- C2SP tlog-checkpoint, signed
    key        TEXT    NOT NULL         -- the public key that verifies it
) STRICT;
