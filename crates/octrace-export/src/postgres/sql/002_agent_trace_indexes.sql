-- octrace, Agent Trace in Postgres, version 2: what questions need.
--
-- Who wrote line 42 of this file, as it then stood in the work tree on top of this revision?
--     SELECT r.timestamp, r.model_id, r.session_id, x.tool, x.call_id
--       FROM agent_trace_ranges r JOIN agent_trace_records x ON x.id = r.record_id
--      WHERE r.path = 'src/main.rs' AND r.revision = '…' AND 42 BETWEEN r.start_line AND r.end_line
--      ORDER BY r.timestamp DESC LIMIT 1;

BEGIN;

DO $$ BEGIN PERFORM pg_advisory_xact_lock(7236568402); END $$;

-- In the order in which rows are written, so that who writes meanwhile waits, and nothing more.
CREATE INDEX IF NOT EXISTS agent_trace_records_by_session ON agent_trace_records (session_id, timestamp);
CREATE INDEX IF NOT EXISTS agent_trace_records_by_model ON agent_trace_records (model_id, timestamp);
CREATE INDEX IF NOT EXISTS agent_trace_records_by_time ON agent_trace_records (timestamp);
CREATE INDEX IF NOT EXISTS agent_trace_records_by_revision ON agent_trace_records (revision);

CREATE INDEX IF NOT EXISTS agent_trace_ranges_by_line ON agent_trace_ranges (path, revision, start_line, end_line);
CREATE INDEX IF NOT EXISTS agent_trace_ranges_by_hash ON agent_trace_ranges (content_hash);
CREATE INDEX IF NOT EXISTS agent_trace_ranges_by_session ON agent_trace_ranges (session_id, timestamp);
CREATE INDEX IF NOT EXISTS agent_trace_ranges_by_model ON agent_trace_ranges (model_id, timestamp);

CREATE INDEX IF NOT EXISTS agent_trace_events_by_session ON agent_trace_events (session_id, at);
CREATE INDEX IF NOT EXISTS agent_trace_events_by_name ON agent_trace_events (event_name, at);
CREATE INDEX IF NOT EXISTS agent_trace_events_by_time ON agent_trace_events (at);

INSERT INTO agent_trace_migrations (version) VALUES (2) ON CONFLICT DO NOTHING;

COMMIT;
