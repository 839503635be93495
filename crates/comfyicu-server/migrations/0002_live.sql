-- Until when the current attempt is its worker's, unless the worker says that it still lives; and before
-- which moment a run that waits again is not begun.
ALTER TABLE runs ADD COLUMN lease_until INTEGER;
ALTER TABLE runs ADD COLUMN not_before INTEGER;

DROP INDEX runs_of_workflow;
CREATE INDEX runs_of_workflow ON runs (workflow_id, seq, created_at);
CREATE INDEX runs_of_status ON runs (workflow_id, status, seq);

-- One row a change of a run, in the order of the commits: what a reader that was away reads up on.
CREATE TABLE events (
    seq         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id      TEXT    NOT NULL REFERENCES runs (id),
    workflow_id TEXT    NOT NULL REFERENCES workflows (id),
    kind        TEXT    NOT NULL,
    attempt     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX events_of_run ON events (run_id, seq);
CREATE INDEX events_of_workflow ON events (workflow_id, seq);

-- What earlier versions did not write down, as far as the runs still say it.
INSERT INTO events (run_id, workflow_id, kind, attempt, created_at)
SELECT id, workflow_id, 'queued', 0, created_at FROM runs ORDER BY seq;
INSERT INTO events (run_id, workflow_id, kind, attempt, created_at)
SELECT id, workflow_id, 'started', attempt, started_at FROM runs WHERE started_at IS NOT NULL ORDER BY seq;
INSERT INTO events (run_id, workflow_id, kind, attempt, created_at)
SELECT id, workflow_id, lower(status), attempt, completed_at FROM runs WHERE completed_at IS NOT NULL ORDER BY seq;

-- Which run an `Idempotency-Key` made, and of which request.
CREATE TABLE idempotency_keys (
    owner          TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    request_sha256 TEXT    NOT NULL,
    run_id         TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
