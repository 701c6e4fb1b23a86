-- Alerts that the rules raised over the access log. They hold pseudonyms and names of accounts, no person's number.
CREATE TABLE alert (
    id         TEXT    NOT NULL PRIMARY KEY,
    key        TEXT    NOT NULL,                -- rule, actor and window: findings of one key are one alert
    number     INTEGER NOT NULL,                -- how many alerts of the key were closed before
    rule       TEXT    NOT NULL,
    severity   TEXT    NOT NULL,
    score      INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    division   TEXT,                            -- GB/T 2260; absent for matters of the whole country
    actor      TEXT,                            -- whom it is about; absent where it is about the log itself
    raised_at  INTEGER NOT NULL,                -- microseconds since 1970, UTC
    body       TEXT    NOT NULL,                -- JSON: words, arithmetic, evidence
    steps      TEXT    NOT NULL                 -- JSON: what was done with it, by whom, why
) STRICT;
CREATE UNIQUE INDEX alert_key ON alert (key, number);
CREATE INDEX alert_rank ON alert (state, score DESC, id);

-- How far the rules have read the log.
CREATE TABLE alert_cursor (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    next     INTEGER NOT NULL                   -- the first index that they have not read
) STRICT;
