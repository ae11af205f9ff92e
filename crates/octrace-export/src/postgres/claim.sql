-- Notes the ids of a batch, and says which of them are to be left out: those that were noted before, and those that are
-- there although somebody took the note away. In the order of the ids, so that two who send the same wait for each other
-- instead of blocking each other.
WITH asked AS (
    SELECT DISTINCT unnest($1::text[])::uuid AS id
), fresh AS (
    INSERT INTO agent_trace_dedupe (event_id) SELECT id FROM asked ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING event_id
)
SELECT id::text FROM (SELECT id FROM asked EXCEPT SELECT event_id FROM fresh) AS noted
UNION ALL
SELECT event_id::text FROM agent_trace_events WHERE event_id = ANY ($1::text[]::uuid[])
