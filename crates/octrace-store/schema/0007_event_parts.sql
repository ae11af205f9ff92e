-- Long strings of events are parts: a tool's output stands in the event, and in the requests after it.

-- What was set aside from the body, see octrace_store::event; NULL: nothing. `size` is that of what is left.
ALTER TABLE events ADD COLUMN layout BLOB;

-- Which event has which part.
CREATE TABLE event_uses (
    part         INTEGER NOT NULL REFERENCES parts (id),
    event        INTEGER NOT NULL REFERENCES events (id),
    PRIMARY KEY (part, event)
) WITHOUT ROWID;
CREATE INDEX event_uses_by_event ON event_uses (event);
CREATE TRIGGER event_is_pruned AFTER DELETE ON events BEGIN
    DELETE FROM event_uses WHERE event = old.id;
END;

-- Search is over exchanges. A part that an event brought may be used by one later: so what the search index has to
-- look at yet is no longer told by a part's number.
CREATE TABLE unindexed (
    part         INTEGER PRIMARY KEY REFERENCES parts (id)
);
INSERT INTO unindexed SELECT DISTINCT part FROM uses
    WHERE part > (SELECT upto FROM derived WHERE what = 'part_words');
DELETE FROM derived WHERE what = 'part_words';
CREATE TRIGGER part_is_used AFTER INSERT ON uses BEGIN
    INSERT OR IGNORE INTO unindexed (part) VALUES (new.part);
END;
DROP TRIGGER part_is_pruned;
CREATE TRIGGER part_is_pruned AFTER DELETE ON parts BEGIN
    DELETE FROM part_words WHERE rowid = old.id;
    DELETE FROM unindexed WHERE part = old.id;
END;
