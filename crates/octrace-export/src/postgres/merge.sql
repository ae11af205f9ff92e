-- From the records that arrived to the tables.
WITH arrived AS (
    SELECT i.*, i.document -> 'metadata' AS metadata FROM pg_temp.agent_trace_incoming i
), records AS (
    INSERT INTO agent_trace_records (
        id, version, timestamp, session_id, parent_session_id, message_id, call_id, tool, model_id, agent,
        root, vcs_type, revision, record, altered
    )
    SELECT id,
           document ->> 'version',
           (document ->> 'timestamp')::timestamptz,
           metadata ->> 'io.opencode.session_id',
           metadata ->> 'io.opencode.parent_session_id',
           metadata ->> 'io.opencode.message_id',
           metadata ->> 'io.opencode.call_id',
           metadata ->> 'io.opencode.tool',
           jsonb_path_query_first(document, '$.files[*].conversations[*].contributor.model_id') #>> '{}',
           metadata ->> 'io.opencode.agent',
           root,
           document #>> '{vcs,type}',
           document #>> '{vcs,revision}',
           document,
           altered
      FROM arrived
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO agent_trace_ranges (
    record_id, position, path, start_line, end_line, content_hash, contributor_type, model_id, evidence,
    session_id, revision, timestamp
)
SELECT a.id,
       row_number() OVER (PARTITION BY a.id ORDER BY f.place, c.place, r.place),
       f.file ->> 'path',
       (r.range ->> 'start_line')::integer,
       (r.range ->> 'end_line')::integer,
       r.range ->> 'content_hash',
       coalesce(r.range #>> '{contributor,type}', c.conversation #>> '{contributor,type}'),
       coalesce(r.range #>> '{contributor,model_id}', c.conversation #>> '{contributor,model_id}'),
       -- For each file the words for all its ranges.
       a.metadata -> 'io.opencode.evidence' -> (f.place - 1)::integer -> 'ranges' ->> (
           row_number() OVER (PARTITION BY a.id, f.place ORDER BY c.place, r.place) - 1
       )::integer,
       a.metadata ->> 'io.opencode.session_id',
       a.document #>> '{vcs,revision}',
       (a.document ->> 'timestamp')::timestamptz
  FROM arrived a
  JOIN records ON records.id = a.id
 CROSS JOIN jsonb_array_elements(a.document -> 'files') WITH ORDINALITY AS f (file, place)
 CROSS JOIN jsonb_array_elements(f.file -> 'conversations') WITH ORDINALITY AS c (conversation, place)
 CROSS JOIN jsonb_array_elements(c.conversation -> 'ranges') WITH ORDINALITY AS r (range, place)
ON CONFLICT DO NOTHING
