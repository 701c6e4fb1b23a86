-- An outcome has versions: the first, and one for each time that a department answered later what it owed. The newest is in
-- `outcome`; the ones before stay readable here, sealed under the same data key.
ALTER TABLE outcome ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
CREATE TABLE earlier_outcome (
    verification_id TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    completed_at    INTEGER NOT NULL,           -- microseconds since 1970, UTC
    body            BLOB    NOT NULL,
    PRIMARY KEY (verification_id, version)
) STRICT;

-- Verifications whose verdict is open because departments did not answer. `body`, sealed, holds what the others answered,
-- so that they are not asked again.
CREATE TABLE follow_up (
    verification_id TEXT    NOT NULL PRIMARY KEY,
    attempts        INTEGER NOT NULL,           -- how often the hub has asked again by itself
    due_at          INTEGER,                    -- when it does so next, microseconds since 1970, UTC; absent: never by itself
    body            BLOB    NOT NULL
) STRICT;
CREATE INDEX follow_up_due ON follow_up (due_at) WHERE due_at IS NOT NULL;
