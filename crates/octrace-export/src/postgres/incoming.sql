-- Where a batch arrives, before it is known what of it is new. It empties itself at the end of each transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS agent_trace_incoming (
    kind       text,
    id         uuid,
    name       text,
    session_id text,
    message_id text,
    call_id    text,
    at_us      bigint,
    root       text,
    document   jsonb,
    altered    boolean
) ON COMMIT DELETE ROWS
