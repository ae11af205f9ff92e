-- octrace, Agent Trace in Postgres, version 1: the tables.
--
-- Run by `octrace migrate`, by octrace itself on first use, or by hand: psql "$URL" -f 001_agent_trace_tables.sql
-- It may be repeated at any time, by many at once, and deletes nothing. Tables come into the first schema of the search path.

BEGIN;

-- One at a time: IF NOT EXISTS alone fails when two create the same table.
DO $$ BEGIN PERFORM pg_advisory_xact_lock(7236568402); END $$;

-- Which of these files were run.
CREATE TABLE IF NOT EXISTS agent_trace_migrations (
    version           integer     PRIMARY KEY,
    applied_at        timestamptz NOT NULL DEFAULT now()
);

-- Everything that ever arrived. What is in here is not taken a second time, also when its row elsewhere was deleted.
CREATE TABLE IF NOT EXISTS agent_trace_dedupe (
    event_id          uuid        PRIMARY KEY, -- of an event, or of a record
    received_at       timestamptz NOT NULL DEFAULT now()
);

-- One record for each tool call that changed files, as in https://agent-trace.dev.
CREATE TABLE IF NOT EXISTS agent_trace_records (
    id                uuid        PRIMARY KEY,
    version           text        NOT NULL, -- of the specification
    timestamp         timestamptz NOT NULL, -- when the call had ended
    session_id        text,
    parent_session_id text,                 -- of a sub-agent: who asked it
    message_id        text,                 -- the assistant message that made the call
    call_id           text,
    tool              text,                 -- 'edit', 'write', 'bash', …
    model_id          text,                 -- provider/model
    agent             text,
    root              text,                 -- paths are relative to it
    vcs_type          text,                 -- 'git', 'jj'
    revision          text,                 -- what the work tree stood on; the lines are not committed in it yet
    record            jsonb       NOT NULL, -- all of it
    altered           boolean     NOT NULL DEFAULT false, -- jsonb cannot hold it as it was
    received_at       timestamptz NOT NULL DEFAULT now()
);

-- The lines of these records: lines of a file that a call wrote, numbered as they stood after it.
CREATE TABLE IF NOT EXISTS agent_trace_ranges (
    record_id         uuid        NOT NULL REFERENCES agent_trace_records (id) ON DELETE CASCADE,
    position          integer     NOT NULL, -- in the record, from 1
    path              text        NOT NULL,
    start_line        integer     NOT NULL, -- from 1
    end_line          integer     NOT NULL, -- itself included
    content_hash      text,
    contributor_type  text,                 -- 'ai', 'human', 'mixed', 'unknown'
    model_id          text,
    evidence          text,                 -- how it is known: 'bytes', 'step_trees', …
    session_id        text,
    revision          text,
    timestamp         timestamptz NOT NULL,
    PRIMARY KEY (record_id, position)
);

-- What happened: tool.execute.before, session.created, message.updated, …
CREATE TABLE IF NOT EXISTS agent_trace_events (
    event_id          uuid        PRIMARY KEY,
    event_name        text        NOT NULL,
    session_id        text,
    message_id        text,
    call_id           text,
    at                timestamptz NOT NULL,
    payload           jsonb       NOT NULL,
    altered           boolean     NOT NULL DEFAULT false, -- jsonb cannot hold it as it was
    received_at       timestamptz NOT NULL DEFAULT now()
);

INSERT INTO agent_trace_migrations (version) VALUES (1) ON CONFLICT DO NOTHING;

COMMIT;
