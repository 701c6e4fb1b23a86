-- What was erased: the rows of verification and authorisation stay, overwritten with zeros, so that their ids say that
-- there was something; their keys are gone. A table of its own, because those rows must keep their length.
CREATE TABLE erasure (
    id        TEXT    NOT NULL PRIMARY KEY,
    erased_at INTEGER NOT NULL                  -- microseconds since 1970, UTC
) STRICT, WITHOUT ROWID;

-- The last day an authorisation holds, so that those that ended can be found without opening them. Not known of those
-- that were registered before; they are found once they are revoked, or erased by name.
ALTER TABLE authorisation ADD COLUMN valid_until TEXT;  -- YYYY-MM-DD
CREATE INDEX authorisation_valid_until ON authorisation (valid_until);
CREATE INDEX authorisation_revoked_at ON authorisation (revoked_at) WHERE revoked_at IS NOT NULL;
