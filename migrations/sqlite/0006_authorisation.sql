-- Registered authorisations of households (核对授权书), sealed; and their revocation.
CREATE TABLE authorisation (
    id            TEXT    NOT NULL PRIMARY KEY,
    client_id     TEXT    NOT NULL,
    division_code TEXT    NOT NULL,          -- the client's, GB/T 2260
    number        TEXT    NOT NULL,
    digest        TEXT    NOT NULL,          -- SHA-256 of the registered document, hexadecimal
    registered_at INTEGER NOT NULL,          -- microseconds since 1970, UTC
    wrapped_key   BLOB    NOT NULL,
    body          BLOB    NOT NULL,
    revoked_at    INTEGER                    -- microseconds since 1970, UTC
) STRICT;

CREATE UNIQUE INDEX authorisation_number ON authorisation (client_id, division_code, number);
