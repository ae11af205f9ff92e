-- What is on its way to other systems. What goes where was decided by the settings of the process that was recorded.

-- Where recorded things are delivered to: kind, endpoint and every option that shapes content, never a key.
CREATE TABLE destinations (
    id           INTEGER PRIMARY KEY,
    kind         TEXT    NOT NULL,         -- 'postgres'
    name         TEXT    NOT NULL,         -- for people
    options      TEXT    NOT NULL,         -- JSON; with kind and name, its identity
    attempts     INTEGER NOT NULL DEFAULT 0, -- in a row that failed
    retry_us     INTEGER,                  -- not before
    error        TEXT,                     -- why the last one failed
    UNIQUE (kind, name, options)
);

-- Which destinations the settings of a process name, since when: decided when it was recorded.
CREATE TABLE spool_destinations (
    spool        INTEGER NOT NULL REFERENCES spools (id),
    destination  INTEGER NOT NULL REFERENCES destinations (id),
    PRIMARY KEY (spool, destination)
) WITHOUT ROWID;

-- What is not delivered yet, or never will be. What was accepted has no row any more.
CREATE TABLE deliveries (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    destination  INTEGER NOT NULL REFERENCES destinations (id),
    spool        INTEGER NOT NULL,
    session      TEXT,
    kind         TEXT    NOT NULL,         -- 'event', 'record'
    item         TEXT    NOT NULL,         -- the event's id on this tape; the record's
    queued_us    INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0, -- that blame this item
    dead_us      INTEGER,                  -- since when it is a dead letter
    reason       TEXT,
    UNIQUE (destination, kind, item)
);
CREATE INDEX deliveries_waiting ON deliveries (destination, id) WHERE dead_us IS NULL;

-- What hangs on a row goes with it.
CREATE TRIGGER spool_takes_its_destinations AFTER DELETE ON spools BEGIN
    DELETE FROM spool_destinations WHERE spool = old.id;
END;
