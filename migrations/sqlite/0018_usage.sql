-- What each department was asked and what it was spared, counted by day in China, by the organisation that asked and by
-- purpose. Nothing of it is told by this table alone: it is counted from the access log, in the same transaction as how far
-- the log was read.
CREATE TABLE department_usage (
    department   TEXT    NOT NULL,
    day          TEXT    NOT NULL,              -- YYYY-MM-DD
    organisation TEXT    NOT NULL,
    purpose      TEXT    NOT NULL,
    what         TEXT    NOT NULL,              -- questions, people, cached, joined, outcome:timeout, …
    count        INTEGER NOT NULL,
    PRIMARY KEY (department, day, organisation, purpose, what)
) STRICT, WITHOUT ROWID;

-- The first index of the log that was not counted yet. Entries of before do not tell what was asked.
CREATE TABLE usage_cursor (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    next     INTEGER NOT NULL
) STRICT;
INSERT INTO usage_cursor (only_row, next) SELECT 1, COALESCE(MAX(position) + 1, 0) FROM access_event;
