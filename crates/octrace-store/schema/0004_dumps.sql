-- `/intercept`: whether requests are dumped as files, and which were.

-- How it stands in each OpenCode process; no row while nobody asked.
CREATE TABLE intercepts (
    spool        INTEGER PRIMARY KEY REFERENCES spools (id),
    enabled      INTEGER NOT NULL DEFAULT 0,
    token        TEXT    NOT NULL DEFAULT '', -- of the last `/intercept`
    session      TEXT    NOT NULL DEFAULT '', -- where it was typed
    control      TEXT    NOT NULL DEFAULT '', -- the token of the last `octrace intercept on` or `off`
    captures     INTEGER NOT NULL DEFAULT 0,  -- dumps that were written
    total_bytes  INTEGER NOT NULL DEFAULT 0,  -- of their requests and responses
    swept_us     INTEGER                      -- when old dumps were deleted for this process
);

-- The exchanges that are dumped: those that began while it was on.
CREATE TABLE dumps (
    exchange     INTEGER PRIMARY KEY REFERENCES exchanges (id),
    spool        INTEGER NOT NULL REFERENCES spools (id),
    session      TEXT    NOT NULL,
    number       INTEGER,                  -- in its session, fixed before a file is written
    name         TEXT,                     -- what its files' names begin with, likewise
    state        TEXT    NOT NULL DEFAULT 'due' -- 'due', 'written', 'failed'
);
CREATE INDEX dumps_due ON dumps (spool) WHERE state = 'due';
CREATE INDEX dumps_by_session ON dumps (session, number);
CREATE TRIGGER dump_is_pruned AFTER DELETE ON exchanges BEGIN
    INSERT INTO anomalies (spool, at_us, phase, message)
        SELECT spool, old.sent_us, 'capture/dump-write', 'the request was pruned before its dump was written'
        FROM dumps WHERE exchange = old.id AND state = 'due';
    DELETE FROM dumps WHERE exchange = old.id;
END;

-- What went wrong beside the recording, and did it no harm.
CREATE TABLE anomalies (
    id           INTEGER PRIMARY KEY,
    spool        INTEGER NOT NULL REFERENCES spools (id),
    at_us        INTEGER NOT NULL,
    phase        TEXT    NOT NULL,         -- such as 'capture/dump-write'
    message      TEXT    NOT NULL
);
CREATE INDEX anomalies_by_spool ON anomalies (spool);
