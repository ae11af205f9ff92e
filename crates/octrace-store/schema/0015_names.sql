-- What stands in many rows stands there as a number.

CREATE TABLE names (
    id           INTEGER PRIMARY KEY,
    what         TEXT    NOT NULL,         -- 'session', 'kind' (of events); 'headers' (of requests), 'word'
    name         TEXT,                     -- NULL: of 0, which stands for no session
    UNIQUE (name, what),
    CHECK ((name IS NULL) = (id = 0))
);
INSERT INTO names VALUES (0, 'session', NULL);

CREATE TABLE event_rows (
    id           INTEGER PRIMARY KEY,
    spool        INTEGER NOT NULL REFERENCES spools (id),
    session      INTEGER NOT NULL REFERENCES names (id),
    at_us        INTEGER NOT NULL,
    kind         INTEGER NOT NULL REFERENCES names (id),
    size         INTEGER NOT NULL,         -- of the body before compression, without what was set aside, in bytes
    codec        INTEGER NOT NULL,         -- see octrace_store::codec
    body         BLOB    NOT NULL,         -- JSON: the event's `properties`, or the hook's input; or a number: see 0014
    layout       BLOB                      -- what was set aside from the body, see octrace_store::event; NULL: nothing
);
-- Of the rows themselves: an index may lack some, where it is damaged.
INSERT INTO names (what, name) SELECT DISTINCT 'session', session FROM events NOT INDEXED WHERE session IS NOT NULL;
INSERT INTO names (what, name) SELECT DISTINCT 'kind', kind FROM events NOT INDEXED;
INSERT INTO event_rows SELECT events.id, spool, sessions.id, at_us, kinds.id, size, codec, body, layout
    FROM events NOT INDEXED JOIN names AS sessions ON sessions.name IS session AND sessions.what = 'session'
        JOIN names AS kinds ON kinds.name = kind AND kinds.what = 'kind'
    ORDER BY events.id;
CREATE TABLE moved (are_all INTEGER CHECK (are_all));
INSERT INTO moved SELECT (SELECT count(*) FROM event_rows) = (SELECT count(*) FROM events NOT INDEXED);
DROP TABLE moved;
DROP TABLE events;
CREATE INDEX events_by_session ON event_rows (session);
CREATE INDEX events_by_spool ON event_rows (spool);

ALTER TABLE event_uses RENAME TO event_uses_before;
CREATE TABLE event_uses (
    part         INTEGER NOT NULL REFERENCES parts (id),
    event        INTEGER NOT NULL REFERENCES event_rows (id),
    PRIMARY KEY (part, event)
) WITHOUT ROWID;
INSERT INTO event_uses SELECT part, event FROM event_uses_before;
DROP TABLE event_uses_before;
CREATE INDEX event_uses_by_event ON event_uses (event);

-- OpenCode's own events and the hook calls worth keeping, as sent, with their names.
CREATE VIEW events AS
    SELECT event_rows.id, spool, sessions.name AS session, at_us, kinds.name AS kind, size, codec, body, layout
    FROM event_rows JOIN names AS sessions ON sessions.id = event_rows.session AND sessions.what = 'session'
        JOIN names AS kinds ON kinds.id = event_rows.kind;

-- What hangs on an event goes with it. The name of its session, too: whoever remembers its number has to look again.
CREATE TRIGGER event_is_pruned AFTER DELETE ON event_rows BEGIN
    DELETE FROM event_uses WHERE event = old.id;
    DELETE FROM turns WHERE session = (SELECT name FROM names WHERE id = old.session) AND began = old.id;
    UPDATE deliveries SET dead_us = CAST(unixepoch('subsec') * 1000000 AS INTEGER),
        retry_us = NULL, reason = 'it was pruned from the tape before it could be delivered'
    WHERE kind = 'event' AND item = CAST(old.id AS TEXT) AND dead_us IS NULL;
    UPDATE pruned SET generation = generation + 1
    WHERE old.session > 0 AND NOT EXISTS (SELECT 1 FROM event_rows WHERE session = old.session);
    DELETE FROM names
    WHERE id = old.session AND id > 0 AND NOT EXISTS (SELECT 1 FROM event_rows WHERE session = old.session);
END;
CREATE TRIGGER event_takes_its_bytes AFTER DELETE ON event_rows WHEN typeof(old.body) = 'integer' BEGIN
    DELETE FROM loose WHERE id = -old.body;
    UPDATE packs SET live = live - 1 WHERE id = old.body >> 20;
    DELETE FROM packs WHERE id = old.body >> 20 AND live <= 0;
END;

-- What requests of a conversation have in common: their headers and where they went, with what OpenCode says of the
-- provider.
ALTER TABLE exchanges RENAME COLUMN npm TO npm_name;
ALTER TABLE exchanges RENAME COLUMN price TO price_name;
ALTER TABLE exchanges RENAME COLUMN method TO method_name;
ALTER TABLE exchanges RENAME COLUMN url TO url_name;
ALTER TABLE exchanges RENAME COLUMN request_headers TO request_headers_name;
ALTER TABLE exchanges ADD COLUMN npm INTEGER REFERENCES names (id);
ALTER TABLE exchanges ADD COLUMN price INTEGER REFERENCES names (id);
ALTER TABLE exchanges ADD COLUMN method INTEGER REFERENCES names (id);
ALTER TABLE exchanges ADD COLUMN url INTEGER REFERENCES names (id);
ALTER TABLE exchanges ADD COLUMN request_headers INTEGER REFERENCES names (id);
INSERT INTO names (what, name) SELECT 'word', name FROM (
    SELECT npm_name AS name FROM exchanges UNION SELECT price_name FROM exchanges
    UNION SELECT method_name FROM exchanges UNION SELECT url_name FROM exchanges
) WHERE name IS NOT NULL;
INSERT INTO names (what, name) SELECT DISTINCT 'headers', request_headers_name FROM exchanges;
UPDATE exchanges SET npm = (SELECT id FROM names WHERE name = npm_name AND what = 'word'),
    price = (SELECT id FROM names WHERE name = price_name AND what = 'word'),
    method = (SELECT id FROM names WHERE name = method_name AND what = 'word'),
    url = (SELECT id FROM names WHERE name = url_name AND what = 'word'),
    request_headers = (SELECT id FROM names WHERE name = request_headers_name AND what = 'headers');
ALTER TABLE exchanges DROP COLUMN npm_name;
ALTER TABLE exchanges DROP COLUMN price_name;
ALTER TABLE exchanges DROP COLUMN method_name;
ALTER TABLE exchanges DROP COLUMN url_name;
ALTER TABLE exchanges DROP COLUMN request_headers_name;

-- Headers have ids of sessions: they go with the last request that has them, like the session's name.
CREATE INDEX exchanges_by_headers ON exchanges (request_headers);
CREATE TRIGGER exchange_takes_its_headers AFTER DELETE ON exchanges
WHEN NOT EXISTS (SELECT 1 FROM exchanges WHERE request_headers = old.request_headers) BEGIN
    UPDATE pruned SET generation = generation + 1;
    DELETE FROM names WHERE id = old.request_headers;
END;

-- The session of the journal's entries is that of their exchanges.
DROP TRIGGER exchange_begins;
DROP TRIGGER exchange_ends;
DROP INDEX journal_by_session;
ALTER TABLE journal DROP COLUMN session;

-- Of a session, later exchanges have higher numbers on the tape, and higher ones in the session.
DROP INDEX exchanges_by_ordinal;
CREATE TRIGGER exchange_begins AFTER INSERT ON exchanges BEGIN
    UPDATE exchanges SET ordinal = 1 + coalesce(
        (SELECT ordinal FROM exchanges WHERE session = new.session AND id < new.id ORDER BY id DESC LIMIT 1), 0)
    WHERE id = new.id;
    INSERT INTO journal (exchange, step) VALUES (new.id, 'begin');
END;

CREATE TRIGGER exchange_ends AFTER UPDATE OF outcome ON exchanges
WHEN old.outcome IN ('waiting', 'streaming') AND new.outcome NOT IN ('waiting', 'streaming') BEGIN
    INSERT INTO journal (exchange, step) VALUES (new.id, 'end');
    UPDATE files SET due = (SELECT max(seq) FROM journal) WHERE id = new.file;
END;
