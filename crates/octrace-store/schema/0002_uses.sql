-- Which exchange used which part first in its session: where a part that was found belongs, and which parts
-- nobody needs once a session is pruned. What comes later in the session and has the part, too, adds no row;
-- so for every part of an exchange there is a row of this exchange or of one before it in the same session.
CREATE TABLE uses (
    part         INTEGER NOT NULL REFERENCES parts (id),
    exchange     INTEGER NOT NULL REFERENCES exchanges (id),
    PRIMARY KEY (part, exchange)
) WITHOUT ROWID;
CREATE INDEX uses_by_exchange ON uses (exchange);
