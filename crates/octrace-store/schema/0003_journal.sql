-- The order of things, for what follows the tape: files that are written as it grows, and files that are made
-- from it later, have the same lines in the same order.

-- The exchange's number in its session, from 1.
ALTER TABLE exchanges ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0;

-- The file that it goes to as well, by the settings of the process that it was recorded from.
ALTER TABLE exchanges ADD COLUMN file INTEGER REFERENCES files (id);

CREATE INDEX exchanges_by_ordinal ON exchanges (session, ordinal);
CREATE INDEX exchanges_by_file ON exchanges (file) WHERE file IS NOT NULL;

-- What happened to exchanges, in the order in which it came onto the tape.
CREATE TABLE journal (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice, whatever is pruned
    session      TEXT    NOT NULL,
    exchange     INTEGER NOT NULL REFERENCES exchanges (id),
    step         TEXT    NOT NULL          -- 'begin' or 'end'
);
CREATE INDEX journal_by_session ON journal (session, seq);
CREATE INDEX journal_by_exchange ON journal (exchange);

-- JSONL files that follow the tape: one for each folder and session.
CREATE TABLE files (
    id           INTEGER PRIMARY KEY,
    folder       TEXT    NOT NULL,
    session      TEXT    NOT NULL,
    name         TEXT    COLLATE NOCASE,   -- once it has one
    seq          INTEGER NOT NULL DEFAULT 0, -- the journal's up to here is in it
    size         INTEGER NOT NULL DEFAULT 0, -- its bytes then
    due          INTEGER NOT NULL DEFAULT 0, -- the newest of the journal that belongs in it
    error        TEXT,                     -- why the last try to write it failed
    UNIQUE (folder, session),
    UNIQUE (folder, name)
);
CREATE INDEX files_behind ON files (id) WHERE due > seq;

-- What the plugin decided, and what became of files: counts for each process.
CREATE TABLE diagnostics (
    spool        INTEGER NOT NULL REFERENCES spools (id),
    event        TEXT    NOT NULL,         -- such as 'fetch.skipped'
    reason       TEXT    NOT NULL DEFAULT '',
    count        INTEGER NOT NULL,
    PRIMARY KEY (spool, event, reason)
) WITHOUT ROWID;

-- The options beside the plugin's name in OpenCode's configuration, for each directory that it worked in.
CREATE TABLE instances (
    spool        INTEGER NOT NULL REFERENCES spools (id),
    directory    TEXT    NOT NULL,
    options      TEXT    NOT NULL,         -- a JSON object
    PRIMARY KEY (spool, directory)
) WITHOUT ROWID;

-- Exchanges of earlier versions: in the order of their times.
UPDATE exchanges SET ordinal = numbered.ordinal FROM (
    SELECT id, row_number() OVER (PARTITION BY session ORDER BY id) AS ordinal FROM exchanges
) AS numbered WHERE exchanges.id = numbered.id;

INSERT INTO journal (session, exchange, step)
SELECT session, id, step FROM (
    SELECT session, id, sent_us AS at_us, 'begin' AS step FROM exchanges
    UNION ALL
    SELECT session, id,
        sent_us + coalesce(end_after_us, first_content_after_us, first_byte_after_us, head_after_us, 0), 'end'
    FROM exchanges WHERE outcome NOT IN ('waiting', 'streaming')
) ORDER BY at_us, id, step;

-- The tape itself sees to it that nothing is forgotten, whichever statement does what.
CREATE TRIGGER exchange_begins AFTER INSERT ON exchanges BEGIN
    UPDATE exchanges SET ordinal =
        (SELECT coalesce(max(ordinal), 0) + 1 FROM exchanges WHERE session = new.session)
    WHERE id = new.id;
    INSERT INTO journal (session, exchange, step) VALUES (new.session, new.id, 'begin');
END;

CREATE TRIGGER exchange_ends AFTER UPDATE OF outcome ON exchanges
WHEN old.outcome IN ('waiting', 'streaming') AND new.outcome NOT IN ('waiting', 'streaming') BEGIN
    INSERT INTO journal (session, exchange, step) VALUES (new.session, new.id, 'end');
    UPDATE files SET due = (SELECT max(seq) FROM journal) WHERE id = new.file;
END;

CREATE TRIGGER exchange_goes_to_file AFTER UPDATE OF file ON exchanges BEGIN
    UPDATE files SET due = max(due, (SELECT max(seq) FROM journal WHERE exchange = new.id)) WHERE id = new.file;
END;

CREATE TRIGGER exchange_is_pruned AFTER DELETE ON exchanges BEGIN
    DELETE FROM journal WHERE exchange = old.id;
END;

CREATE TRIGGER session_is_pruned AFTER DELETE ON sessions BEGIN
    DELETE FROM files WHERE session = old.id;
END;

CREATE TRIGGER spool_is_pruned AFTER DELETE ON spools BEGIN
    DELETE FROM diagnostics WHERE spool = old.id;
    DELETE FROM instances WHERE spool = old.id;
END;
