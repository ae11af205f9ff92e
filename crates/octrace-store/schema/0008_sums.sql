-- What each session adds up to, so that a list of sessions looks at no exchange. All of it is derived: triggers keep
-- it, and `octrace rebuild` makes it again (octrace_store::sums).

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

-- Counting an exchange in (sign 1) or out (-1) is an INSERT into one of these two.
CREATE VIEW summing AS SELECT 0 AS exchange, 0 AS sign;
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

CREATE VIEW faceting AS SELECT 0 AS exchange, 0 AS sign;
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
