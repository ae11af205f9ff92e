-- The tape, first version. Times are µs since the Unix epoch (…_us) or µs after the request was sent
-- (…_after_us). All text and all bodies are redacted before they come here.

-- One row per OpenCode process that was recorded, with the position up to which its spool is on
-- this tape. The position moves in the same transaction as what was read.
CREATE TABLE spools (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,  -- the spool folder's name, <pid>-<random>
    pid          INTEGER NOT NULL DEFAULT 0,
    run          TEXT,                     -- set by `octrace run`
    plugin       TEXT,                     -- the plugin's version
    cwd          TEXT,
    started_us   INTEGER NOT NULL,
    ended_us     INTEGER,                  -- once its writer is gone and all of it is here
    segment      INTEGER NOT NULL DEFAULT 1,
    offset       INTEGER NOT NULL DEFAULT 0,
    lost_frames  INTEGER NOT NULL DEFAULT 0, -- what the plugin had to drop, as it counted
    lost_bytes   INTEGER NOT NULL DEFAULT 0,
    torn_bytes   INTEGER NOT NULL DEFAULT 0, -- what could not be read as frames
    unknown_frames INTEGER NOT NULL DEFAULT 0
);

-- What OpenCode said of its sessions; sums come from the exchanges.
CREATE TABLE sessions (
    id           TEXT    PRIMARY KEY,
    parent       TEXT,
    title        TEXT,
    directory    TEXT,
    version      TEXT,                     -- OpenCode's
    created_us   INTEGER NOT NULL,
    updated_us   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_parent ON sessions (parent) WHERE parent IS NOT NULL;
CREATE INDEX sessions_by_update ON sessions (updated_us);

-- Which message answers which: ties exchanges to turns.
CREATE TABLE messages (
    id           TEXT    PRIMARY KEY,
    session      TEXT    NOT NULL,
    parent       TEXT,                     -- the user message that an assistant message answers
    role         TEXT    NOT NULL,
    agent        TEXT,
    created_us   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX messages_by_parent ON messages (parent, created_us) WHERE parent IS NOT NULL;

-- OpenCode's own events and the hook calls worth keeping, as sent.
CREATE TABLE events (
    id           INTEGER PRIMARY KEY,
    spool        INTEGER NOT NULL REFERENCES spools (id),
    session      TEXT,
    at_us        INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    size         INTEGER NOT NULL,         -- of the body before compression, in bytes
    codec        INTEGER NOT NULL,         -- see octrace_store::codec
    body         BLOB    NOT NULL          -- JSON: the event's `properties`, or the hook's input
);
CREATE INDEX events_by_session ON events (session, id);
CREATE INDEX events_by_spool ON events (spool);

-- Content-addressed pieces of bodies, each stored once.
CREATE TABLE parts (
    id           INTEGER PRIMARY KEY,
    hash         BLOB    NOT NULL UNIQUE,  -- BLAKE3, 32 bytes
    size         INTEGER NOT NULL,
    codec        INTEGER NOT NULL,
    data         BLOB    NOT NULL
);

-- One HTTP request with its response. A row from its request on, updated in place.
CREATE TABLE exchanges (
    id           INTEGER PRIMARY KEY,
    spool        INTEGER NOT NULL REFERENCES spools (id),
    number       INTEGER NOT NULL,         -- in its OpenCode process
    begin_segment INTEGER NOT NULL,        -- where its frames begin in the spool
    begin_offset INTEGER NOT NULL,

    session      TEXT    NOT NULL,
    message      TEXT,
    assistant    TEXT,
    agent        TEXT,
    purpose      TEXT    NOT NULL,
    provider     TEXT,
    model        TEXT,
    npm          TEXT,
    price        TEXT,                     -- OpenCode's JSON, as sent
    dialect      TEXT    NOT NULL,

    method       TEXT    NOT NULL,
    url          TEXT    NOT NULL,
    request_headers TEXT NOT NULL,         -- JSON [[name, value], …]
    request_bytes INTEGER NOT NULL,
    request_cut  INTEGER NOT NULL DEFAULT 0,
    request_layout BLOB,                   -- see octrace_store::body; NULL: not here (yet)
    request_base INTEGER,                  -- the exchange whose layout this one's is a splice of
    request_depth INTEGER NOT NULL DEFAULT 0, -- splices up to the next full layout

    status       INTEGER,
    status_text  TEXT,
    response_headers TEXT,
    response_bytes INTEGER NOT NULL DEFAULT 0,
    response_cut INTEGER NOT NULL DEFAULT 0,
    response_part INTEGER REFERENCES parts (id),
    chunks       INTEGER NOT NULL DEFAULT 0,

    outcome      TEXT    NOT NULL,
    error        TEXT,
    sent_us      INTEGER NOT NULL,
    sent_mono_us INTEGER NOT NULL,         -- the same on its process's own clock, which never jumps
    head_after_us INTEGER,
    first_byte_after_us INTEGER,
    first_content_after_us INTEGER,
    end_after_us INTEGER,
    longest_gap_us INTEGER,

    input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_write_tokens INTEGER,
    cost_usd     REAL,
    finish       TEXT,
    problems     TEXT    NOT NULL DEFAULT '[]', -- JSON array of sentences

    UNIQUE (spool, number)
);
CREATE INDEX exchanges_by_session ON exchanges (session, id);
CREATE INDEX exchanges_open ON exchanges (spool) WHERE outcome IN ('waiting', 'streaming');
