-- What a session's timeline has beside its exchanges: tool calls and prompts, as events tell of them. Derived.

-- When the newest byte of a response arrived, as long as more may come.
ALTER TABLE exchanges ADD COLUMN last_byte_after_us INTEGER;

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
    child        TEXT                      -- the sub-agent's session
);
CREATE INDEX tools_by_session ON tools (session);

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

-- Of what was recorded before: the messages are here, what parts told is in events, which are read bit by bit
-- (octrace_store::Tape::derive_step) until this row goes.
INSERT INTO prompts (session, message, at_us)
SELECT session, id, created_us FROM messages WHERE role = 'user' ORDER BY created_us, id;
INSERT INTO derived SELECT 'tools and prompts', 0 WHERE EXISTS (SELECT 1 FROM events);
