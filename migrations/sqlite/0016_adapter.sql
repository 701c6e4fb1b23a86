-- Adapters that departments registered themselves: each version a row, which is never deleted.
CREATE TABLE adapter (
    id         TEXT    NOT NULL PRIMARY KEY,    -- department and number of the version: hrss-2
    department TEXT    NOT NULL,
    changed_at INTEGER NOT NULL,                -- microseconds since 1970, UTC
    body       TEXT    NOT NULL                 -- JSON
) STRICT, WITHOUT ROWID;

-- Invitations to register one, each for once. The code itself is nowhere; `digest` is its SHA-256.
CREATE TABLE adapter_invitation (
    digest     TEXT    NOT NULL PRIMARY KEY,
    department TEXT    NOT NULL,
    invited_by TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,                -- microseconds since 1970, UTC
    used_at    INTEGER,                         -- microseconds since 1970, UTC
    used_for   TEXT                             -- the adapter that was registered with it
) STRICT, WITHOUT ROWID;
