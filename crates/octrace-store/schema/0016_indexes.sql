-- Indexes have no more than is looked for.

-- A part and a file's state are found by the first bytes of their hash, and then by all of it: an index of whole hashes
-- had each of them a second time. No two have the same hash, because whoever puts one down looks for it first, in the
-- same transaction.
CREATE TABLE parts_now (
    id           INTEGER PRIMARY KEY,
    hash         BLOB    NOT NULL,         -- BLAKE3, 32 bytes
    size         INTEGER NOT NULL,
    codec        INTEGER NOT NULL,         -- see octrace_store::codec
    data         BLOB    NOT NULL          -- or a number: see 0014
);
INSERT INTO parts_now SELECT * FROM parts;
DROP TABLE parts;
ALTER TABLE parts_now RENAME TO parts;
CREATE INDEX parts_by_hash ON parts (substr(hash, 1, 6));
CREATE TRIGGER part_is_pruned AFTER DELETE ON parts BEGIN
    DELETE FROM part_words WHERE rowid = old.id;
    DELETE FROM unindexed WHERE part = old.id;
END;
CREATE TRIGGER part_takes_its_bytes AFTER DELETE ON parts WHEN typeof(old.data) = 'integer' BEGIN
    DELETE FROM loose WHERE id = -old.data;
    UPDATE packs SET live = live - 1 WHERE id = old.data >> 20;
    DELETE FROM packs WHERE id = old.data >> 20 AND live <= 0;
END;

CREATE TABLE file_states_now (
    id           INTEGER PRIMARY KEY,
    hash         BLOB    NOT NULL,         -- BLAKE3 of the bytes here, then of `exact`
    size         INTEGER NOT NULL,         -- of the bytes here
    exact        INTEGER NOT NULL,         -- 0: a secret was blanked in it
    parts        BLOB    NOT NULL          -- a list, as of a request's body (octrace_store::body)
);
INSERT INTO file_states_now SELECT * FROM file_states;
DROP TABLE file_states;
ALTER TABLE file_states_now RENAME TO file_states;
CREATE INDEX file_states_by_hash ON file_states (substr(hash, 1, 6));

-- The answer to a message is mostly the newest message of its session.
DROP INDEX messages_by_parent;
