-- One row a verification, written before any department is asked. `request` is sealed under the
-- verification's own data key, which `wrapped_key` holds under the configured key.
CREATE TABLE verification (
    id              TEXT    NOT NULL PRIMARY KEY,
    client_id       TEXT    NOT NULL,
    idempotency_key TEXT,
    request_digest  TEXT    NOT NULL,
    opened_at       INTEGER NOT NULL,          -- microseconds since 1970, UTC
    wrapped_key     BLOB    NOT NULL,
    request         BLOB    NOT NULL
) STRICT;                                       -- with rowid: bodies are large, and a key must not drag them along

CREATE UNIQUE INDEX verification_idempotency ON verification (client_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- The sealed outcome of a verification: answer, evidence and facts. A verification without one is still running.
CREATE TABLE outcome (
    verification_id TEXT    NOT NULL PRIMARY KEY,
    completed_at    INTEGER NOT NULL,
    body            BLOB    NOT NULL
) STRICT;

-- Access events, pseudonymous, in the order in which they became durable.
CREATE TABLE access_event (
    position INTEGER NOT NULL PRIMARY KEY,
    id       TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    body     TEXT    NOT NULL
) STRICT;
