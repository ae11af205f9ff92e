-- Where records arrive, before they are taken apart. It empties itself at the end of each transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS agent_trace_incoming (
    id         uuid,
    root       text,
    document   jsonb,
    altered    boolean
) ON COMMIT DELETE ROWS
