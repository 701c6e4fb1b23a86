-- The hubs of other regions that this one asked under a household's authorisation: those that are told when it is revoked.
CREATE TABLE asked_hub (
    client_id    TEXT    NOT NULL,              -- whose authorisation it is
    number       TEXT    NOT NULL,              -- canonical number of the form
    hub          TEXT    NOT NULL,
    organisation TEXT    NOT NULL,              -- as the hub was told it
    division     TEXT    NOT NULL,              -- the client's, as the hub was told it
    asked_at     INTEGER NOT NULL,              -- last, microseconds since 1970, UTC
    revoked_at   INTEGER,                       -- microseconds since 1970, UTC; absent while the authorisation was not revoked
    attempts     INTEGER NOT NULL DEFAULT 0,    -- how often the hub could not be told
    due_at       INTEGER,                       -- when it is told next, microseconds since 1970, UTC
    PRIMARY KEY (client_id, number, hub, organisation)
) STRICT, WITHOUT ROWID;
CREATE INDEX asked_hub_due ON asked_hub (due_at) WHERE due_at IS NOT NULL;

-- The hubs of other regions that asked this one, under which authorisation and about whom, by the log's pseudonyms.
CREATE TABLE asking_hub (
    hub          TEXT    NOT NULL,
    organisation TEXT    NOT NULL,              -- whose authorisation it is, as the hub told it
    number       TEXT    NOT NULL,              -- canonical number of the form
    subject      TEXT    NOT NULL,
    division     TEXT    NOT NULL,              -- of the person
    asked_at     INTEGER NOT NULL,              -- last, microseconds since 1970, UTC
    revoked_at   INTEGER,                       -- microseconds since 1970, UTC
    PRIMARY KEY (hub, organisation, number, subject)
) STRICT, WITHOUT ROWID;
