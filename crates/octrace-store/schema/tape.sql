-- The schema of a tape, as this build writes it. A new tape is made of this; an older one becomes it by the steps beside it, and a
-- test says that both are the same.

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
    unknown_frames INTEGER NOT NULL DEFAULT 0,
    labels       TEXT                      -- JSON: what its Agent Trace records are to say; NULL: none are wanted
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
CREATE INDEX messages_by_session ON messages (session);

-- Content-addressed pieces of bodies, each stored once: whoever puts one down looks for it first, in the same transaction. It is
-- found by the begin of its hash, and then by all of it.
CREATE TABLE parts (
    id           INTEGER PRIMARY KEY,
    hash         BLOB    NOT NULL,         -- BLAKE3, 32 bytes
    size         INTEGER NOT NULL,
    codec        INTEGER NOT NULL,         -- see octrace_store::codec
    data         BLOB    NOT NULL          -- or a number: see `packs`
);
CREATE INDEX parts_by_hash ON parts (substr(hash, 1, 6));

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
    dialect      TEXT    NOT NULL,

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

    ordinal      INTEGER NOT NULL DEFAULT 0, -- in its session, from 1
    file         INTEGER REFERENCES files (id), -- the JSONL file that it goes to
    last_byte_after_us INTEGER,
    npm          INTEGER REFERENCES names (id), -- the provider's package
    price        INTEGER REFERENCES names (id), -- JSON
    method       INTEGER REFERENCES names (id),
    url          INTEGER REFERENCES names (id),
    request_headers INTEGER REFERENCES names (id), -- JSON

    UNIQUE (spool, number)
);
CREATE INDEX exchanges_by_session ON exchanges (session, id);
CREATE INDEX exchanges_open ON exchanges (spool) WHERE outcome IN ('waiting', 'streaming');
CREATE INDEX exchanges_by_file ON exchanges (file) WHERE file IS NOT NULL;
CREATE INDEX exchanges_failed ON exchanges (id) WHERE error IS NOT NULL;
CREATE INDEX exchanges_by_base ON exchanges (request_base) WHERE request_base IS NOT NULL;
-- What a turn consists of is found without looking at the rest of its session: its requests, and those that nobody knows
-- the message of.
CREATE INDEX exchanges_by_message ON exchanges (message) WHERE message IS NOT NULL;
CREATE INDEX exchanges_of_no_message ON exchanges (session, sent_us) WHERE message IS NULL;
-- Headers have ids of sessions: they go with the last request that has them, like the session's name.
CREATE INDEX exchanges_by_headers ON exchanges (request_headers);

-- Which exchange used which part first in its session: where a part that was found belongs, and which parts
-- nobody needs once a session is pruned. What comes later in the session and has the part, too, adds no row;
-- so for every part of an exchange there is a row of this exchange or of one before it in the same session.
CREATE TABLE uses (
    part         INTEGER NOT NULL REFERENCES parts (id),
    exchange     INTEGER NOT NULL REFERENCES exchanges (id),
    PRIMARY KEY (part, exchange)
) WITHOUT ROWID;
CREATE INDEX uses_by_exchange ON uses (exchange);

-- What happened to exchanges, in the order in which it came onto the tape.
CREATE TABLE journal (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice, whatever is pruned
    exchange     INTEGER NOT NULL REFERENCES exchanges (id),
    step         TEXT    NOT NULL          -- 'begin' or 'end'
);
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
    worktree     TEXT    NOT NULL DEFAULT '',
    project      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (spool, directory)
) WITHOUT ROWID;

-- How it stands in each OpenCode process; no row while nobody asked.
CREATE TABLE intercepts (
    spool        INTEGER PRIMARY KEY REFERENCES spools (id),
    enabled      INTEGER NOT NULL DEFAULT 0,
    token        TEXT    NOT NULL DEFAULT '', -- of the last `/intercept`
    session      TEXT    NOT NULL DEFAULT '', -- where it was typed
    control      TEXT    NOT NULL DEFAULT '', -- the token of the last `octrace intercept on` or `off`
    captures     INTEGER NOT NULL DEFAULT 0,  -- dumps that were written
    total_bytes  INTEGER NOT NULL DEFAULT 0,  -- of their requests and responses
    swept_us     INTEGER                      -- when old dumps were deleted for this process
);

-- The exchanges that are dumped: those that began while it was on.
CREATE TABLE dumps (
    exchange     INTEGER PRIMARY KEY REFERENCES exchanges (id),
    spool        INTEGER NOT NULL REFERENCES spools (id),
    session      TEXT    NOT NULL,
    number       INTEGER,                  -- in its session, fixed before a file is written
    name         TEXT,                     -- what its files' names begin with, likewise
    state        TEXT    NOT NULL DEFAULT 'due' -- 'due', 'written', 'failed'
);
CREATE INDEX dumps_due ON dumps (spool) WHERE state = 'due';
CREATE INDEX dumps_by_session ON dumps (session, number);

-- What went wrong beside the recording, and did it no harm.
CREATE TABLE anomalies (
    id           INTEGER PRIMARY KEY,
    spool        INTEGER NOT NULL REFERENCES spools (id),
    at_us        INTEGER NOT NULL,
    phase        TEXT    NOT NULL,         -- such as 'capture/dump-write'
    message      TEXT    NOT NULL
);
CREATE INDEX anomalies_by_spool ON anomalies (spool);

-- Which words occur in which part; the rowid is the part's id. Neither text nor places are kept: where a word
-- is found, the part is read (octrace_core::search). The words are cut and put into lower case before they come
-- here, so that the tokenizer has nothing left to do.
CREATE VIRTUAL TABLE part_words USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);

-- How far something derived has come.
CREATE TABLE derived (
    what         TEXT    PRIMARY KEY,
    upto         INTEGER NOT NULL          -- the id of the last row that was looked at
) WITHOUT ROWID;
INSERT INTO derived VALUES ('packed parts', 0), ('packed events', 0);

-- Sessions that are gone for everybody; what they had up to these rows is taken away bit by bit. A session may
-- come back meanwhile, with rows after these.
CREATE TABLE doomed (
    session      TEXT    PRIMARY KEY,
    exchange     INTEGER NOT NULL,         -- the last one that goes
    event        INTEGER NOT NULL,         -- the last one that goes
    until_us     INTEGER NOT NULL          -- messages made up to then go
) WITHOUT ROWID;

-- One row. Writers forget what they remember of the tape when the generation changes, and no number is given
-- a second time.
CREATE TABLE pruned (
    generation   INTEGER NOT NULL,
    exchange     INTEGER NOT NULL,         -- the highest ids that ever went
    event        INTEGER NOT NULL,
    part         INTEGER NOT NULL
);
INSERT INTO pruned VALUES (0, 0, 0, 0);

-- What the search index has to look at yet. It is over exchanges: a part that an event brought may be used by one later.
CREATE TABLE unindexed (
    part         INTEGER PRIMARY KEY REFERENCES parts (id)
);

-- Of each session: what its exchanges come to, and what it can be found by in a list.
CREATE TABLE sums (
    session      TEXT    PRIMARY KEY,
    requests     INTEGER NOT NULL,
    errors       INTEGER NOT NULL,
    open         INTEGER NOT NULL,         -- that are under way
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    priced       INTEGER NOT NULL,         -- whose cost is known
    cost_nanos   INTEGER NOT NULL,
    wire_bytes   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE facets (
    session      TEXT    NOT NULL,
    name         TEXT    NOT NULL,         -- 'model', 'agent', 'status', 'tool', 'failed tool'
    value        TEXT    NOT NULL,
    count        INTEGER NOT NULL,
    PRIMARY KEY (session, name, value)
) WITHOUT ROWID;

-- A row for each tool call, updated in place. It gets its number once, and no other call ever gets it.
CREATE TABLE tools (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    session      TEXT    NOT NULL,
    part         TEXT    NOT NULL UNIQUE,  -- OpenCode's id of it
    message      TEXT    NOT NULL,         -- the assistant's, that asked for it
    at_us        INTEGER NOT NULL,         -- when it was first heard of
    tool         TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    status       TEXT    NOT NULL,         -- 'running', 'completed', 'failed'
    exit         INTEGER,
    error        TEXT,                     -- its begin
    started_us   INTEGER,
    ended_us     INTEGER,
    child        TEXT,                     -- the sub-agent's session
    call         TEXT,
    event        INTEGER                   -- the newest that told of it
);
CREATE INDEX tools_by_session ON tools (session);
CREATE INDEX tools_by_time ON tools (at_us);
CREATE INDEX tools_by_call ON tools (session, call);
CREATE INDEX tools_by_child ON tools (child, at_us) WHERE child IS NOT NULL;

-- A row for each user message. A part may come before the message that it belongs to: until that is known to be a
-- user's, there is no time.
CREATE TABLE prompts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    session      TEXT    NOT NULL,
    message      TEXT    NOT NULL UNIQUE,
    at_us        INTEGER,
    part         TEXT,                     -- whose text it is: of several, the first that tells most
    weight       INTEGER NOT NULL DEFAULT 0, -- how much it tells
    text         TEXT                      -- its begin
);
CREATE INDEX prompts_by_session ON prompts (session);

-- Files that calls or steps changed: absolute paths, links followed, as redacted.
CREATE TABLE traced_files (
    id           INTEGER PRIMARY KEY,
    path         TEXT    NOT NULL UNIQUE
);

-- What files contained, each content once. Parts are cut at ends of lines (octrace_store::text), so that what an edit
-- leaves as it was is stored once.
CREATE TABLE file_states (
    id           INTEGER PRIMARY KEY,
    hash         BLOB    NOT NULL,         -- BLAKE3 of the bytes here, then of `exact`
    size         INTEGER NOT NULL,         -- of the bytes here
    exact        INTEGER NOT NULL,         -- 0: a secret was blanked in it
    parts        BLOB    NOT NULL          -- a list, as of a request's body (octrace_store::body)
);
CREATE INDEX file_states_by_hash ON file_states (substr(hash, 1, 6));

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

-- Of which time and in which directory something is gone for ever: nobody can say that no call was at work then and there.
CREATE TABLE pruned_places (
    directory    TEXT    PRIMARY KEY,      -- '': nobody knows, it may be anywhere
    from_us      INTEGER NOT NULL,
    until_us     INTEGER NOT NULL
) WITHOUT ROWID;

-- Where recorded things are delivered to: kind, endpoint and every option that shapes content, never a key.
CREATE TABLE destinations (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL,         -- 'postgres'
    name         TEXT    NOT NULL,         -- for people
    options      TEXT    NOT NULL,         -- JSON; with kind and name, its identity
    attempts     INTEGER NOT NULL DEFAULT 0, -- in a row that failed
    retry_us     INTEGER,                  -- not before
    error        TEXT,                     -- why the last one failed
    rules        TEXT    NOT NULL DEFAULT '{}', -- JSON: what is kept back, and how it is delivered
    retry_is_asked INTEGER NOT NULL DEFAULT 0,
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
    bytes        INTEGER NOT NULL DEFAULT 0,
    packed       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, item, destination)
);
CREATE INDEX deliveries_waiting ON deliveries (destination, id) WHERE dead_us IS NULL;
CREATE INDEX deliveries_refused ON deliveries (destination, retry_us) WHERE dead_us IS NULL AND retry_us IS NOT NULL;
CREATE INDEX deliveries_dead ON deliveries (destination, dead_us) WHERE dead_us IS NOT NULL;

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

-- What is in which parcel.
CREATE TABLE parcel_items (
    delivery     INTEGER NOT NULL,
    parcel       INTEGER NOT NULL REFERENCES parcels (id),
    PRIMARY KEY (delivery, parcel)
) WITHOUT ROWID;
CREATE INDEX parcel_items_by_parcel ON parcel_items (parcel);

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

-- What is in no pack yet. It lies in a table of its own because it goes again: in `parts` and `events` it would leave
-- pages behind that are mostly empty.
CREATE TABLE loose (
    id           INTEGER PRIMARY KEY,      -- less than zero where it is named
    data         BLOB    NOT NULL
);

-- What stands in many rows stands there as a number: sessions and kinds of events; what requests of a conversation have in
-- common.
CREATE TABLE names (
    id           INTEGER PRIMARY KEY,
    what         TEXT    NOT NULL,         -- 'session', 'kind' (of events); 'headers' (of requests), 'word'
    name         TEXT,                     -- NULL: of 0, which stands for no session
    UNIQUE (name, what),
    CHECK ((name IS NULL) = (id = 0))
);
INSERT INTO names VALUES (0, 'session', NULL);

-- OpenCode's own events and the hook calls worth keeping, as sent.
CREATE TABLE event_rows (
    id           INTEGER PRIMARY KEY,
    spool        INTEGER NOT NULL REFERENCES spools (id),
    session      INTEGER NOT NULL REFERENCES names (id),
    at_us        INTEGER NOT NULL,
    kind         INTEGER NOT NULL REFERENCES names (id),
    size         INTEGER NOT NULL,         -- of the body before compression, without what was set aside, in bytes
    codec        INTEGER NOT NULL,         -- see octrace_store::codec
    body         BLOB    NOT NULL,         -- JSON: the event's `properties`, or the hook's input; or a number: see `packs`
    layout       BLOB                      -- what was set aside from the body, see octrace_store::event; NULL: nothing
);
CREATE INDEX events_by_session ON event_rows (session);
CREATE INDEX events_by_spool ON event_rows (spool);

-- Which event has which part.
CREATE TABLE event_uses (
    part         INTEGER NOT NULL REFERENCES parts (id),
    event        INTEGER NOT NULL REFERENCES event_rows (id),
    PRIMARY KEY (part, event)
) WITHOUT ROWID;
CREATE INDEX event_uses_by_event ON event_uses (event);

-- Exchanges but for those that are being pruned.
CREATE VIEW staying_exchanges AS SELECT * FROM exchanges WHERE NOT EXISTS (SELECT 1 FROM doomed
    WHERE doomed.session = exchanges.session AND exchanges.id <= doomed.exchange);

-- What an exchange counts for. Costs are whole nano-dollars, so that what is added and taken away again leaves
-- nothing behind; what no provider can mean is cut down to where sums of it stay whole numbers.
-- What an error is, is octrace_core::exchange::Outcome::is_error's to say.
CREATE VIEW exchange_sums AS SELECT
    id, session,
    1 AS requests,
    outcome IN ('failed', 'cut') OR coalesce(status >= 400, 0)
        OR (outcome = 'complete' AND error IS NOT NULL) AS errors,
    outcome IN ('waiting', 'streaming') AS open,
    min(coalesce(input_tokens, 0), 1000000000000) AS input_tokens,
    min(coalesce(output_tokens, 0), 1000000000000) AS output_tokens,
    min(coalesce(reasoning_tokens, 0), 1000000000000) AS reasoning_tokens,
    min(coalesce(cache_read_tokens, 0), 1000000000000) AS cache_read_tokens,
    min(coalesce(cache_write_tokens, 0), 1000000000000) AS cache_write_tokens,
    cost_usd IS NOT NULL AS priced,
    coalesce(CAST(round(max(min(cost_usd, 1000000), -1000000) * 1000000000) AS INTEGER), 0) AS cost_nanos,
    min(request_bytes, 1000000000000) + min(response_bytes, 1000000000000) AS wire_bytes
FROM staying_exchanges;

-- What it can be found by in a list.
CREATE VIEW exchange_facets AS
    SELECT id, session, 'model' AS name, coalesce(provider || '/', '') || model AS value
    FROM staying_exchanges WHERE model IS NOT NULL
    UNION ALL
    SELECT id, session, 'agent', agent
    FROM staying_exchanges WHERE agent IS NOT NULL
    UNION ALL
    SELECT id, session, 'status', CAST(status AS TEXT)
    FROM staying_exchanges WHERE status IS NOT NULL;

-- Counting an exchange in (sign 1) or out (-1) is an INSERT into one of these two.
CREATE VIEW summing AS SELECT 0 AS exchange, 0 AS sign;
CREATE VIEW faceting AS SELECT 0 AS exchange, 0 AS sign;

-- But for those of sessions that are being pruned.
CREATE VIEW staying_tools AS SELECT * FROM tools WHERE NOT EXISTS (SELECT 1 FROM doomed
    WHERE doomed.session = tools.session AND tools.at_us <= doomed.until_us);

-- What a session can be found by for them. What failed is octrace_core::session::ToolStatus::is_error's to say.
CREATE VIEW tool_facets AS
    SELECT id, session, 'tool' AS name, tool AS value FROM staying_tools
    UNION ALL
    SELECT id, session, 'failed tool', tool FROM staying_tools WHERE status = 'failed' OR coalesce(exit, 0) != 0;

-- Counting a tool call in (sign 1) or out (-1) is an INSERT into this.
CREATE VIEW tooling AS SELECT 0 AS tool, 0 AS sign;

-- Events with their names.
CREATE VIEW events AS
    SELECT event_rows.id, spool, sessions.name AS session, at_us, kinds.name AS kind, size, codec, body, layout
    FROM event_rows JOIN names AS sessions ON sessions.id = event_rows.session AND sessions.what = 'session'
        JOIN names AS kinds ON kinds.id = event_rows.kind;

-- In this order: SQLite calls them by it. What hangs on a row goes with it; whoever adds a table adds its own.

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
CREATE TRIGGER dump_is_pruned AFTER DELETE ON exchanges BEGIN
    INSERT INTO anomalies (spool, at_us, phase, message)
        SELECT spool, old.sent_us, 'capture/dump-write', 'the request was pruned before its dump was written'
        FROM dumps WHERE exchange = old.id AND state = 'due';
    DELETE FROM dumps WHERE exchange = old.id;
END;
CREATE TRIGGER spool_takes_its_intercepts AFTER DELETE ON spools BEGIN
    DELETE FROM intercepts WHERE spool = old.id;
    DELETE FROM anomalies WHERE spool = old.id;
END;
CREATE TRIGGER part_is_used AFTER INSERT ON uses BEGIN
    INSERT OR IGNORE INTO unindexed (part) VALUES (new.part);
END;

CREATE TRIGGER sums_change INSTEAD OF INSERT ON summing BEGIN
    INSERT INTO sums
        SELECT session, new.sign * requests, new.sign * errors, new.sign * open, new.sign * input_tokens,
            new.sign * output_tokens, new.sign * reasoning_tokens, new.sign * cache_read_tokens,
            new.sign * cache_write_tokens, new.sign * priced, new.sign * cost_nanos, new.sign * wire_bytes
        FROM exchange_sums WHERE id = new.exchange
    ON CONFLICT (session) DO UPDATE SET
        requests = requests + excluded.requests,
        errors = errors + excluded.errors,
        open = open + excluded.open,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
        cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
        cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
        priced = priced + excluded.priced,
        cost_nanos = cost_nanos + excluded.cost_nanos,
        wire_bytes = wire_bytes + excluded.wire_bytes;
END;
CREATE TRIGGER facets_change INSTEAD OF INSERT ON faceting BEGIN
    INSERT INTO facets SELECT session, name, value, new.sign FROM exchange_facets WHERE id = new.exchange
    ON CONFLICT (session, name, value) DO UPDATE SET count = count + excluded.count;
    DELETE FROM facets WHERE count = 0 AND session = (SELECT session FROM exchanges WHERE id = new.exchange);
END;
CREATE TRIGGER exchange_is_counted AFTER INSERT ON exchanges BEGIN
    INSERT INTO summing VALUES (new.id, 1);
    INSERT INTO faceting VALUES (new.id, 1);
END;
CREATE TRIGGER exchange_is_counted_out BEFORE DELETE ON exchanges BEGIN
    INSERT INTO summing VALUES (old.id, -1);
    INSERT INTO faceting VALUES (old.id, -1);
END;

-- The rows of exchanges under way are updated a few times a second; most of these updates change no sum.
CREATE TRIGGER sums_lose_the_old BEFORE UPDATE OF outcome, status, error, input_tokens, output_tokens, reasoning_tokens,
    cache_read_tokens, cache_write_tokens, cost_usd, request_bytes, response_bytes ON exchanges
WHEN (old.outcome, old.status, old.error, old.input_tokens, old.output_tokens, old.reasoning_tokens,
        old.cache_read_tokens, old.cache_write_tokens, old.cost_usd, old.request_bytes, old.response_bytes)
    IS NOT (new.outcome, new.status, new.error, new.input_tokens, new.output_tokens, new.reasoning_tokens,
        new.cache_read_tokens, new.cache_write_tokens, new.cost_usd, new.request_bytes, new.response_bytes) BEGIN
    INSERT INTO summing VALUES (old.id, -1);
END;
CREATE TRIGGER sums_gain_the_new AFTER UPDATE OF outcome, status, error, input_tokens, output_tokens, reasoning_tokens,
    cache_read_tokens, cache_write_tokens, cost_usd, request_bytes, response_bytes ON exchanges
WHEN (old.outcome, old.status, old.error, old.input_tokens, old.output_tokens, old.reasoning_tokens,
        old.cache_read_tokens, old.cache_write_tokens, old.cost_usd, old.request_bytes, old.response_bytes)
    IS NOT (new.outcome, new.status, new.error, new.input_tokens, new.output_tokens, new.reasoning_tokens,
        new.cache_read_tokens, new.cache_write_tokens, new.cost_usd, new.request_bytes, new.response_bytes) BEGIN
    INSERT INTO summing VALUES (new.id, 1);
END;
CREATE TRIGGER facets_lose_the_old BEFORE UPDATE OF provider, model, agent, status ON exchanges
WHEN (old.provider, old.model, old.agent, old.status) IS NOT (new.provider, new.model, new.agent, new.status) BEGIN
    INSERT INTO faceting VALUES (old.id, -1);
END;
CREATE TRIGGER facets_gain_the_new AFTER UPDATE OF provider, model, agent, status ON exchanges
WHEN (old.provider, old.model, old.agent, old.status) IS NOT (new.provider, new.model, new.agent, new.status) BEGIN
    INSERT INTO faceting VALUES (new.id, 1);
END;
CREATE TRIGGER session_takes_its_sums AFTER DELETE ON sessions BEGIN
    DELETE FROM sums WHERE session = old.id;
    DELETE FROM facets WHERE session = old.id;
END;
CREATE TRIGGER tool_facets_change INSTEAD OF INSERT ON tooling BEGIN
    INSERT INTO facets SELECT session, name, value, new.sign FROM tool_facets WHERE id = new.tool
    ON CONFLICT (session, name, value) DO UPDATE SET count = count + excluded.count;
    DELETE FROM facets WHERE count = 0 AND session = (SELECT session FROM tools WHERE id = new.tool);
END;
CREATE TRIGGER tool_is_counted AFTER INSERT ON tools BEGIN
    INSERT INTO tooling VALUES (new.id, 1);
END;
CREATE TRIGGER tool_is_counted_out BEFORE DELETE ON tools BEGIN
    INSERT INTO tooling VALUES (old.id, -1);
END;

-- Most of what is told of a call changes none of that.
CREATE TRIGGER tool_was_another BEFORE UPDATE OF tool, status, exit ON tools
WHEN (old.tool, old.status = 'failed', old.exit) IS NOT (new.tool, new.status = 'failed', new.exit) BEGIN
    INSERT INTO tooling VALUES (old.id, -1);
END;
CREATE TRIGGER tool_is_another AFTER UPDATE OF tool, status, exit ON tools
WHEN (old.tool, old.status = 'failed', old.exit) IS NOT (new.tool, new.status = 'failed', new.exit) BEGIN
    INSERT INTO tooling VALUES (new.id, 1);
END;
CREATE TRIGGER message_takes_its_prompt AFTER DELETE ON messages BEGIN
    DELETE FROM prompts WHERE message = old.id;
END;
CREATE TRIGGER session_takes_its_prompts AFTER DELETE ON sessions BEGIN
    DELETE FROM prompts WHERE session = old.id;
END;
CREATE TRIGGER spool_takes_its_steps AFTER DELETE ON spools BEGIN
    DELETE FROM steps WHERE spool = old.id;
    DELETE FROM agent_trace_records WHERE spool = old.id;
END;
CREATE TRIGGER spool_takes_its_destinations AFTER DELETE ON spools BEGIN
    DELETE FROM spool_destinations WHERE spool = old.id;
END;
CREATE TRIGGER delivery_takes_its_parcels AFTER DELETE ON deliveries BEGIN
    DELETE FROM parcel_items WHERE delivery = old.id;
END;
CREATE TRIGGER parcel_goes_with_its_last_item AFTER DELETE ON parcel_items BEGIN
    DELETE FROM parcels WHERE id = old.parcel
        AND NOT EXISTS (SELECT 1 FROM parcel_items WHERE parcel = old.parcel);
END;

-- What is gone before it was delivered never will be. What is packed is whole.
CREATE TRIGGER turn_is_pruned_undelivered AFTER DELETE ON turns BEGIN
    UPDATE deliveries SET dead_us = CAST(unixepoch('subsec') * 1000000 AS INTEGER),
        retry_us = NULL, reason = 'it was pruned from the tape before it could be delivered'
    WHERE kind = 'turn' AND item = old.session || '/' || old.message AND dead_us IS NULL AND packed = 0;
END;

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
CREATE TRIGGER exchange_takes_its_headers AFTER DELETE ON exchanges
WHEN NOT EXISTS (SELECT 1 FROM exchanges WHERE request_headers = old.request_headers) BEGIN
    UPDATE pruned SET generation = generation + 1;
    DELETE FROM names WHERE id = old.request_headers;
END;

-- The tape itself sees to it that nothing is forgotten, whichever statement does what.
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

-- What is gone cannot be found.
CREATE TRIGGER part_is_pruned AFTER DELETE ON parts BEGIN
    DELETE FROM part_words WHERE rowid = old.id;
    DELETE FROM unindexed WHERE part = old.id;
END;
CREATE TRIGGER part_takes_its_bytes AFTER DELETE ON parts WHEN typeof(old.data) = 'integer' BEGIN
    DELETE FROM loose WHERE id = -old.data;
    UPDATE packs SET live = live - 1 WHERE id = old.data >> 20;
    DELETE FROM packs WHERE id = old.data >> 20 AND live <= 0;
END;
