-- Which lines the agent wrote: what was seen of files (the evidence), and the Agent Trace records that follow from it.

-- Files that calls or steps changed: absolute paths, links followed, as redacted.
CREATE TABLE traced_files (
    id           INTEGER PRIMARY KEY,
    path         TEXT    NOT NULL UNIQUE
);

-- What files contained, each content once. Parts are cut at ends of lines (octrace_store::text), so that what an edit
-- leaves as it was is stored once.
CREATE TABLE file_states (
    id           INTEGER PRIMARY KEY,
    hash         BLOB    NOT NULL UNIQUE,  -- BLAKE3 of the bytes here, then of `exact`
    size         INTEGER NOT NULL,         -- of the bytes here
    exact        INTEGER NOT NULL,         -- 0: a secret was blanked in it
    parts        BLOB    NOT NULL          -- a list, as of a request's body (octrace_store::body)
);

-- Which state has which part. Found by the part only: what parts a state has, it says itself.
CREATE TABLE state_uses (
    part         INTEGER NOT NULL REFERENCES parts (id),
    state        INTEGER NOT NULL REFERENCES file_states (id),
    PRIMARY KEY (part, state)
) WITHOUT ROWID;

-- A file as it was at a moment.
CREATE TABLE observations (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    spool        INTEGER NOT NULL REFERENCES spools (id),
    session      TEXT    NOT NULL,
    subject      TEXT    NOT NULL,         -- the call's id; of 'start' and 'finish', the assistant message's
    moment       TEXT    NOT NULL,         -- 'before', 'permitted', 'after'; 'start', 'finish'
    file         INTEGER NOT NULL REFERENCES traced_files (id),
    named        TEXT,                     -- as the tool named it, where that is another path
    at_us        INTEGER NOT NULL,
    found        TEXT    NOT NULL,         -- 'text', 'absent', 'large', 'other', 'unreadable'
    state        INTEGER REFERENCES file_states (id), -- of 'text'
    mark         TEXT    NOT NULL DEFAULT '', -- the plugin's hash, by which it says that nothing changed
    changed_us   INTEGER                   -- when the file system says that it was last changed
);
CREATE INDEX observations_by_file ON observations (file, at_us, id);
CREATE INDEX observations_by_session ON observations (session, at_us);
CREATE INDEX observations_by_spool ON observations (spool);
CREATE INDEX observations_by_state ON observations (state) WHERE state IS NOT NULL;

-- When calls were at work: from hooks and permissions. The rest of a call is in `tools`. Which came first is said by the
-- events' numbers: clocks jump.
CREATE TABLE call_times (
    session      TEXT    NOT NULL,
    call         TEXT    NOT NULL,
    at_us        INTEGER NOT NULL,         -- when it was first heard of
    request      TEXT,                     -- the question of the newest event by which a person is asked
    asked        INTEGER NOT NULL DEFAULT 0, -- that event
    ran          INTEGER NOT NULL DEFAULT 0, -- the newest event by which it goes on; before `asked`: it waits
    ran_us       INTEGER,                  -- when that was
    after_us     INTEGER,                  -- it had ended well
    PRIMARY KEY (session, call)
) WITHOUT ROWID;
ALTER TABLE tools ADD COLUMN call TEXT;
ALTER TABLE tools ADD COLUMN event INTEGER; -- the newest that tells of it: its input and what came of it
CREATE INDEX tools_by_time ON tools (at_us);
CREATE INDEX tools_by_call ON tools (session, call);

-- Steps: one model call's answer, with OpenCode's snapshots of the work tree before and after (ids of git trees).
CREATE TABLE steps (
    message      TEXT    PRIMARY KEY,
    spool        INTEGER NOT NULL REFERENCES spools (id),
    session      TEXT    NOT NULL,
    started_us   INTEGER,
    before       TEXT,
    ended_us     INTEGER,
    after        TEXT,
    trees        TEXT    NOT NULL DEFAULT 'due', -- 'due', 'read', 'same', 'gone': what became of reading them
    traced       INTEGER NOT NULL DEFAULT 0      -- 1: its records are made
) WITHOUT ROWID;
CREATE INDEX steps_by_session ON steps (session, started_us);
CREATE INDEX steps_due ON steps (spool) WHERE traced = 0;

-- The repository as it was when a call had ended.
CREATE TABLE revisions (
    session      TEXT    NOT NULL,
    call         TEXT    NOT NULL,
    at_us        INTEGER NOT NULL,
    root         TEXT    NOT NULL,         -- paths in the call's record are relative to it
    type         TEXT,                     -- 'git', 'jj'; NULL: none
    revision     TEXT,                     -- NULL: no commit yet
    PRIMARY KEY (session, call)
) WITHOUT ROWID;

-- Where an instance of OpenCode works.
ALTER TABLE instances ADD COLUMN worktree TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN project TEXT NOT NULL DEFAULT '';

-- Agent Trace records: derived, `octrace rebuild` makes them again with the same ids.
CREATE TABLE agent_trace_records (
    id           TEXT    PRIMARY KEY,      -- UUID, from session and call
    spool        INTEGER NOT NULL REFERENCES spools (id),
    session      TEXT    NOT NULL,
    call         TEXT    NOT NULL,
    at_us        INTEGER NOT NULL,
    record       TEXT    NOT NULL          -- JSON, as exported
);
CREATE INDEX agent_trace_records_by_session ON agent_trace_records (session, at_us);

-- What hangs on a row goes with it.
CREATE TRIGGER spool_takes_its_steps AFTER DELETE ON spools BEGIN
    DELETE FROM steps WHERE spool = old.id;
    DELETE FROM agent_trace_records WHERE spool = old.id;
END;

-- Of which time and in which directory something is gone for ever: nobody can say that no call was at work then and there.
CREATE TABLE pruned_places (
    directory    TEXT    PRIMARY KEY,      -- '': nobody knows, it may be anywhere
    from_us      INTEGER NOT NULL,
    until_us     INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO pruned_places SELECT '', 0, CAST(unixepoch('subsec') * 1000000 AS INTEGER) FROM pruned WHERE generation > 0;

-- Of what was recorded before, events tell the rest (octrace_store::Tape::derive_step).
INSERT OR REPLACE INTO derived SELECT 'tools and prompts', 0 WHERE EXISTS (SELECT 1 FROM events);

-- What Agent Trace records of the process say of where they come from: JSON; NULL: none are made of it.
ALTER TABLE spools ADD COLUMN labels TEXT;
