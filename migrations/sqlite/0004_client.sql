-- The clients registered at this hub: who they are, what they may do, their public keys. No secret is in it.
CREATE TABLE client (
    id         TEXT    NOT NULL PRIMARY KEY,
    changed_at INTEGER NOT NULL,                -- microseconds since 1970, UTC
    body       TEXT    NOT NULL                 -- JSON
) STRICT, WITHOUT ROWID;

-- The keys that sign the hub's access tokens. The secret is sealed under the row's own data key, which
-- `wrapped_key` holds under the configured key.
CREATE TABLE signing_key (
    number      INTEGER NOT NULL PRIMARY KEY,
    made_at     INTEGER NOT NULL,               -- microseconds since 1970, UTC
    retires_at  INTEGER,                        -- its tokens are believed until then; absent while it signs
    wrapped_key BLOB    NOT NULL,
    secret      BLOB    NOT NULL
) STRICT;

-- What an operator asks the running hub to change: the hub is the only writer of its log, so it makes the change
-- and its log entry in one transaction, and answers here.
CREATE TABLE change_request (
    number   INTEGER NOT NULL PRIMARY KEY,
    asked_at INTEGER NOT NULL,                  -- microseconds since 1970, UTC
    body     TEXT    NOT NULL,                  -- JSON
    answer   TEXT                               -- JSON; absent until the hub has taken it up
) STRICT;

-- Client assertions that were used, so that none is used twice. `jti` is the SHA-256 of the assertion's id.
CREATE TABLE client_assertion (
    client_id  TEXT    NOT NULL,
    jti        BLOB    NOT NULL,
    keep_until INTEGER NOT NULL,                -- seconds since 1970, UTC
    PRIMARY KEY (client_id, jti)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_assertion_keep_until ON client_assertion (keep_until);
