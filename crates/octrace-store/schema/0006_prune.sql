-- What pruning needs to find, and what it has to remember.
CREATE INDEX exchanges_by_base ON exchanges (request_base) WHERE request_base IS NOT NULL;
CREATE INDEX messages_by_session ON messages (session);

-- Sessions that are gone for everybody; what they had up to these rows is taken away bit by bit. A session may
-- come back meanwhile, with rows after these.
CREATE TABLE doomed (
    session      TEXT    PRIMARY KEY,
    exchange     INTEGER NOT NULL,         -- the last one that goes
    event        INTEGER NOT NULL,         -- the last one that goes
    until_us     INTEGER NOT NULL          -- messages made up to then go
) WITHOUT ROWID;

-- One row. Writers forget what they remember of the tape when the generation changes, and no number is given
-- a second time.
CREATE TABLE pruned (
    generation   INTEGER NOT NULL,
    exchange     INTEGER NOT NULL,         -- the highest ids that ever went
    event        INTEGER NOT NULL,
    part         INTEGER NOT NULL
);
INSERT INTO pruned VALUES (0, 0, 0, 0);

-- What hangs on a row goes with it by a trigger like this; whoever adds a table adds its own.
CREATE TRIGGER spool_takes_its_intercepts AFTER DELETE ON spools BEGIN
    DELETE FROM intercepts WHERE spool = old.id;
    DELETE FROM anomalies WHERE spool = old.id;
END;
