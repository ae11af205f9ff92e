-- Full-text search: derived from the parts, and rebuilt by `octrace rebuild`.

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
INSERT INTO derived (what, upto) VALUES ('part_words', 0);

-- What is gone cannot be found. Until 0006 the number of the newest part is given again: the index looks there again.
CREATE TRIGGER part_is_pruned AFTER DELETE ON parts BEGIN
    DELETE FROM part_words WHERE rowid = old.id;
    UPDATE derived SET upto = min(upto, (SELECT coalesce(max(id), 0) FROM parts)) WHERE what = 'part_words';
END;

CREATE INDEX exchanges_failed ON exchanges (id) WHERE error IS NOT NULL;
