-- What came onto the tape one after the other lies together in packs, compressed as one (octrace_store::pack). A part's
-- `data` and an event's `body` are bytes, or a number, which says where the bytes are: below zero, in `loose`; else in the
-- pack with the number `data >> 20`, from the byte that the rest says.
CREATE TABLE packs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: a place is the same for ever
    size         INTEGER NOT NULL,         -- before compression, in bytes
    codec        INTEGER NOT NULL,
    items        INTEGER NOT NULL,         -- that were put into it
    live         INTEGER NOT NULL,         -- of these, those that are still here
    first_part   INTEGER NOT NULL,         -- no part of it is before this one,
    last_part    INTEGER NOT NULL,         -- and none after this one
    first_event  INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,
    data         BLOB    NOT NULL
);
-- What is here already stays where it is: without its bytes, its rows would leave pages behind that are mostly empty.
INSERT INTO derived (what, upto) VALUES ('packed parts', (SELECT coalesce(max(id), 0) FROM parts)),
    ('packed events', (SELECT coalesce(max(id), 0) FROM events));

-- What is in no pack yet. It lies in a table of its own because it goes again: in `parts` and `events` it would leave
-- pages behind that are mostly empty.
CREATE TABLE loose (
    id           INTEGER PRIMARY KEY,      -- less than zero where it is named
    data         BLOB    NOT NULL
);

CREATE TRIGGER part_takes_its_bytes AFTER DELETE ON parts WHEN typeof(old.data) = 'integer' BEGIN
    DELETE FROM loose WHERE id = -old.data;
    UPDATE packs SET live = live - 1 WHERE id = old.data >> 20;
    DELETE FROM packs WHERE id = old.data >> 20 AND live <= 0;
END;
CREATE TRIGGER event_takes_its_bytes AFTER DELETE ON events WHEN typeof(old.body) = 'integer' BEGIN
    DELETE FROM loose WHERE id = -old.body;
    UPDATE packs SET live = live - 1 WHERE id = old.body >> 20;
    DELETE FROM packs WHERE id = old.body >> 20 AND live <= 0;
END;
