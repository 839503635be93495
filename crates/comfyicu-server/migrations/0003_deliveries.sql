-- One row a message, written in the transaction of the change that it tells of; `step` is its place in the
-- schedule of attempts, and `next_at` is null when there will be no more.
CREATE TABLE messages (
    seq        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    run_id     TEXT    NOT NULL REFERENCES runs (id),
    event      TEXT    NOT NULL,
    url        TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    step       INTEGER NOT NULL DEFAULT 0,
    next_at    INTEGER
) STRICT;

-- Earlier versions tried each message once.
INSERT INTO messages (seq, id, run_id, event, url, body, created_at, state, step, next_at)
SELECT seq,
       'msg_' || lower(hex(randomblob(12))),
       run_id,
       lower(json_extract(body, '$.status')),
       url,
       body,
       created_at,
       CASE WHEN attempted_at IS NULL THEN 'pending' WHEN outcome GLOB '2[0-9][0-9]' THEN 'delivered' ELSE 'failed' END,
       attempted_at IS NOT NULL,
       CASE WHEN attempted_at IS NULL THEN created_at END
FROM deliveries ORDER BY seq;

-- The log: one row an attempt, with the status of the answer or the reason why there was none.
CREATE TABLE delivery_attempts (
    delivery    INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    duration_ms INTEGER,
    status      INTEGER,
    error       TEXT,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

INSERT INTO delivery_attempts (delivery, number, at, status, error)
SELECT seq,
       1,
       attempted_at,
       CASE WHEN outcome GLOB '[1-5][0-9][0-9]' THEN CAST(outcome AS INTEGER) END,
       CASE WHEN outcome GLOB '[1-5][0-9][0-9]' THEN NULL ELSE outcome END
FROM deliveries WHERE attempted_at IS NOT NULL;

DROP TABLE deliveries;
ALTER TABLE messages RENAME TO deliveries;

CREATE INDEX deliveries_pending ON deliveries (seq) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_of_run ON deliveries (run_id, seq);
