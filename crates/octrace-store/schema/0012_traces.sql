-- What tracing backends are sent: turns, and the requests they are sent in.

-- Turns of sessions: from a prompt until OpenCode is idle again. An ended one is to be delivered.
CREATE TABLE turns (
    session      TEXT    NOT NULL,
    message      TEXT    NOT NULL,         -- the user message
    spool        INTEGER NOT NULL,         -- of the process that it began in
    began        INTEGER NOT NULL,         -- the event that told of it first
    number       INTEGER NOT NULL,         -- how many messages of the session there were before it
    ended        INTEGER,                  -- the event by which OpenCode was idle; NULL: it goes on
    PRIMARY KEY (session, message)
) WITHOUT ROWID;
CREATE INDEX turns_open ON turns (spool, session) WHERE ended IS NULL;
CREATE INDEX turns_by_begin ON turns (session, began);

-- What a turn consists of is found without looking at the rest of its session: its requests, those that nobody knows
-- the message of, and the call that started it.
CREATE INDEX exchanges_by_message ON exchanges (message) WHERE message IS NOT NULL;
CREATE INDEX exchanges_of_no_message ON exchanges (session, sent_us) WHERE message IS NULL;
CREATE INDEX tools_by_child ON tools (child, at_us) WHERE child IS NOT NULL;

-- How a destination is to be served, as JSON, by the settings of the process that named it last; nothing in it shapes
-- what is sent. And whether `retry_us` is what the destination itself asked for.
ALTER TABLE destinations ADD COLUMN rules TEXT NOT NULL DEFAULT '{}';
ALTER TABLE destinations ADD COLUMN retry_is_asked INTEGER NOT NULL DEFAULT 0;

-- How many bytes an item is, as recorded; and whether all of its parcels are here.
ALTER TABLE deliveries ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN packed INTEGER NOT NULL DEFAULT 0;

-- Requests as they are sent, until all that is in them is settled: whoever sends one again sends the same bytes.
CREATE TABLE parcels (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    destination  INTEGER NOT NULL REFERENCES destinations (id),
    head         TEXT    NOT NULL,         -- JSON: what goes with the body
    size         INTEGER NOT NULL,         -- of the body before compression, in bytes
    codec        INTEGER NOT NULL,         -- see octrace_store::codec
    body         BLOB,                     -- NULL: it was accepted
    reason       TEXT                      -- why it was refused the last time
);
CREATE TABLE parcel_items (
    delivery     INTEGER NOT NULL,
    parcel       INTEGER NOT NULL REFERENCES parcels (id),
    PRIMARY KEY (delivery, parcel)
) WITHOUT ROWID;
CREATE INDEX parcel_items_by_parcel ON parcel_items (parcel);

-- What hangs on a row goes with it.
CREATE TRIGGER delivery_takes_its_parcels AFTER DELETE ON deliveries BEGIN
    DELETE FROM parcel_items WHERE delivery = old.id;
END;
CREATE TRIGGER parcel_goes_with_its_last_item AFTER DELETE ON parcel_items BEGIN
    DELETE FROM parcels WHERE id = old.parcel
        AND NOT EXISTS (SELECT 1 FROM parcel_items WHERE parcel = old.parcel);
END;

CREATE TRIGGER event_takes_its_turn AFTER DELETE ON events BEGIN
    DELETE FROM turns WHERE session = old.session AND began = old.id;
END;

-- What is gone before it was delivered never will be. What is packed is whole.
CREATE TRIGGER turn_is_pruned_undelivered AFTER DELETE ON turns BEGIN
    UPDATE deliveries SET dead_us = CAST(unixepoch('subsec') * 1000000 AS INTEGER),
        retry_us = NULL, reason = 'it was pruned from the tape before it could be delivered'
    WHERE kind = 'turn' AND item = old.session || '/' || old.message AND dead_us IS NULL AND packed = 0;
END;
