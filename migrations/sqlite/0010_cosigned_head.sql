-- For each witness the newest head of the access log that it cosigned. A witness does not cosign every head,
-- so this is often an earlier one than the log's own.
CREATE TABLE access_cosigned (
    witness    TEXT    NOT NULL PRIMARY KEY,    -- its public key, name and all
    size       INTEGER NOT NULL,
    checkpoint TEXT    NOT NULL                 -- C2SP tlog-checkpoint, signed, with the witness's cosignature
) STRICT, WITHOUT ROWID;
