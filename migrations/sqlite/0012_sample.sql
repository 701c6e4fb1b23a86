-- Double-random samples of the access log: the plan as it was frozen, the dice, and the manifest once it is drawn.
CREATE TABLE sample (
    id        TEXT    NOT NULL PRIMARY KEY,
    frozen_at INTEGER NOT NULL,                 -- microseconds since 1970, UTC
    body      TEXT    NOT NULL                  -- JSON
) STRICT;
