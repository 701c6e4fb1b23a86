-- Households that were looked up in an emergency without every member's signature, and must be told afterwards
-- (个人信息保护法 第十八条). Nothing in it names a person; it outlives its verification.
CREATE TABLE household_notice (
    verification_id TEXT    NOT NULL PRIMARY KEY,
    client_id       TEXT    NOT NULL,
    division        TEXT    NOT NULL,           -- of the application, GB/T 2260
    opened_at       INTEGER NOT NULL,           -- microseconds since 1970, UTC
    due_at          INTEGER NOT NULL,           -- microseconds since 1970, UTC
    given_at        INTEGER,                    -- when the household was told, microseconds since 1970, UTC
    given_by        TEXT,                       -- the client that recorded it
    channel         TEXT                        -- how
) STRICT, WITHOUT ROWID;
CREATE INDEX household_notice_owed ON household_notice (due_at) WHERE given_at IS NULL;

-- The latest time that the clock was believed to show. A clock that is far ahead of it may be wrong, and what is erased by
-- a wrong clock does not come back.
CREATE TABLE clock_mark (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    at       INTEGER NOT NULL                   -- microseconds since 1970, UTC
) STRICT;
