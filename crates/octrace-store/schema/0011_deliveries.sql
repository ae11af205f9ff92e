-- What is on its way to other systems. What goes where was decided by the settings of the process that was recorded.

-- Where recorded things are delivered to: kind, endpoint and every option that shapes content, never a key.
CREATE TABLE destinations (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL,         -- 'postgres'
    name         TEXT    NOT NULL,         -- for people
    options      TEXT    NOT NULL,         -- JSON; with kind and name, its identity
    attempts     INTEGER NOT NULL DEFAULT 0, -- in a row that failed
    retry_us     INTEGER,                  -- not before
    error        TEXT,                     -- why the last one failed
    UNIQUE (kind, name, options)
);

-- Which destinations the settings of a process name now: what is recorded from now on goes there.
CREATE TABLE spool_destinations (
    spool        INTEGER NOT NULL REFERENCES spools (id),
    destination  INTEGER NOT NULL REFERENCES destinations (id),
    PRIMARY KEY (spool, destination)
) WITHOUT ROWID;

-- What is not delivered yet, or never will be. What was accepted has no row any more.
CREATE TABLE deliveries (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- another one when an item is to be delivered again
    destination  INTEGER NOT NULL REFERENCES destinations (id),
    spool        INTEGER NOT NULL,
    session      TEXT,
    kind         TEXT    NOT NULL,         -- 'event', 'record'
    item         TEXT    NOT NULL,         -- the event's id on this tape; the record's
    queued_us    INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0, -- that blame this item
    retry_us     INTEGER,                  -- not before
    dead_us      INTEGER,                  -- since when it is a dead letter
    reason       TEXT,                     -- why it was refused, or is a dead letter
    UNIQUE (kind, item, destination)
);
CREATE INDEX deliveries_waiting ON deliveries (destination, id) WHERE dead_us IS NULL;
CREATE INDEX deliveries_refused ON deliveries (destination, retry_us) WHERE dead_us IS NULL AND retry_us IS NOT NULL;
CREATE INDEX deliveries_dead ON deliveries (destination, dead_us) WHERE dead_us IS NOT NULL;

-- What hangs on a row goes with it.
CREATE TRIGGER spool_takes_its_destinations AFTER DELETE ON spools BEGIN
    DELETE FROM spool_destinations WHERE spool = old.id;
END;

-- What is gone before it was delivered never will be. Records are not looked after here: `octrace rebuild` makes them
-- again.
CREATE TRIGGER event_is_pruned_undelivered AFTER DELETE ON events BEGIN
    UPDATE deliveries SET dead_us = CAST(unixepoch('subsec') * 1000000 AS INTEGER),
        retry_us = NULL, reason = 'it was pruned from the tape before it could be delivered'
    WHERE kind = 'event' AND item = CAST(old.id AS TEXT) AND dead_us IS NULL;
END;
