-- The effective parameters of every pack that a verdict rests on, by their digest, so that the verdict can be
-- replayed after the pack's file was changed. Public figures, not sealed; a row is written once and never changed.
CREATE TABLE policy_pack (
    digest   TEXT    NOT NULL PRIMARY KEY,
    kept_at  INTEGER NOT NULL,                  -- microseconds since 1970, UTC
    body     TEXT    NOT NULL                   -- JSON: name, title, place, values and their sources
) STRICT, WITHOUT ROWID;
