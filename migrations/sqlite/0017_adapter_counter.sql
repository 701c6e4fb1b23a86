-- What is counted of adapters and must outlive a restart: questions of a quota's time, and how often a shadow agreed.
-- Numbers only; nothing in it is about a person.
CREATE TABLE adapter_counter (
    owner     TEXT    NOT NULL,                 -- a department, or an adapter
    name      TEXT    NOT NULL,
    starts_at INTEGER NOT NULL,                 -- when the counted time began, seconds since 1970, UTC; 0: for ever
    value     INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
