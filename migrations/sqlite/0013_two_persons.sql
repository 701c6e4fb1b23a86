-- Changes that count only when two persons agreed to them, with what they agreed to word by word. A row is never deleted.
CREATE TABLE proposal (
    id          TEXT    NOT NULL PRIMARY KEY,
    body        TEXT    NOT NULL,               -- JSON: the change
    digest      TEXT    NOT NULL,               -- SHA-256 of the body, hexadecimal: what the persons sign
    proposed_by TEXT    NOT NULL,
    proposed_at INTEGER NOT NULL,               -- microseconds since 1970, UTC
    expires_at  INTEGER NOT NULL,               -- microseconds since 1970, UTC
    ended_as    TEXT,                           -- made, or refused; absent while it is open
    ended_at    INTEGER
) STRICT, WITHOUT ROWID;

-- What one person said of a proposal, with the signature that proves it.
CREATE TABLE decision (
    proposal_id TEXT    NOT NULL,
    person      TEXT    NOT NULL,               -- a registered client
    agrees      INTEGER NOT NULL,
    decided_at  INTEGER NOT NULL,               -- microseconds since 1970, UTC
    statement   TEXT    NOT NULL,               -- compact JWS by a key that the person had in use
    PRIMARY KEY (proposal_id, person)
) STRICT, WITHOUT ROWID;

-- Every set of settings that a hub of this database ran with, the newest last.
CREATE TABLE settings_version (
    number        INTEGER NOT NULL PRIMARY KEY,
    digest        TEXT    NOT NULL,
    in_force_from INTEGER NOT NULL,             -- microseconds since 1970, UTC
    needs_two     INTEGER NOT NULL,             -- what comes after it needs two persons
    body          TEXT    NOT NULL              -- JSON; secrets are named by file in it
) STRICT;

-- Registrations as they were before they were changed.
CREATE TABLE former_client (
    id          TEXT    NOT NULL,
    replaced_at INTEGER NOT NULL,               -- microseconds since 1970, UTC
    body        TEXT    NOT NULL                -- JSON
) STRICT;
