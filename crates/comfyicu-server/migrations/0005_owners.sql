-- Whose something is. Until now a server had one owner, who is called `local`; from here on two owners can
-- each have a workflow of the same id. The tables that named a workflow by its id alone are made anew; foreign
-- keys are off meanwhile, and are checked at the end.
CREATE TABLE owned_workflows (
    seq        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    owner      TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (owner, id)
) STRICT;
INSERT INTO owned_workflows (seq, owner, id, created_at, updated_at)
SELECT rowid, 'local', id, created_at, updated_at FROM workflows ORDER BY rowid;
DROP TABLE workflows;
ALTER TABLE owned_workflows RENAME TO workflows;
CREATE INDEX workflows_of_owner ON workflows (owner, seq);

CREATE TABLE owned_runs (
    seq          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    owner        TEXT    NOT NULL,
    workflow_id  TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    started_at   INTEGER,
    completed_at INTEGER,
    accelerator  TEXT    NOT NULL,
    device       TEXT,
    webhook      TEXT,
    api_key_id   TEXT,
    lease_until  INTEGER,
    not_before   INTEGER,
    FOREIGN KEY (owner, workflow_id) REFERENCES workflows (owner, id)
) STRICT;
INSERT INTO owned_runs (seq, id, owner, workflow_id, status, attempt, created_at, updated_at, started_at, completed_at,
                        accelerator, device, webhook, api_key_id, lease_until, not_before)
SELECT seq, id, 'local', workflow_id, status, attempt, created_at, updated_at, started_at, completed_at,
       accelerator, device, webhook, api_key_id, lease_until, not_before
FROM runs ORDER BY seq;
DROP TABLE runs;
ALTER TABLE owned_runs RENAME TO runs;
CREATE INDEX runs_waiting ON runs (seq) WHERE status = 'QUEUED';
CREATE INDEX runs_running ON runs (seq) WHERE status = 'STARTED';
CREATE INDEX runs_active_of_key ON runs (api_key_id) WHERE status IN ('QUEUED', 'STARTED');
CREATE INDEX runs_of_workflow ON runs (owner, workflow_id, seq);
CREATE INDEX runs_of_status ON runs (owner, workflow_id, status, seq);
CREATE INDEX runs_by_age ON runs (owner, workflow_id, created_at);

CREATE TABLE owned_events (
    seq         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id      TEXT    NOT NULL REFERENCES runs (id),
    owner       TEXT    NOT NULL,
    workflow_id TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    attempt     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    FOREIGN KEY (owner, workflow_id) REFERENCES workflows (owner, id)
) STRICT;
INSERT INTO owned_events (seq, run_id, owner, workflow_id, kind, attempt, created_at)
SELECT seq, run_id, 'local', workflow_id, kind, attempt, created_at FROM events ORDER BY seq;
DROP TABLE events;
ALTER TABLE owned_events RENAME TO events;
CREATE INDEX events_of_run ON events (run_id, seq);
CREATE INDEX events_of_workflow ON events (owner, workflow_id, seq);

CREATE TABLE owned_inputs (
    owner       TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    path        TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    PRIMARY KEY (owner, workflow_id, path),
    FOREIGN KEY (owner, workflow_id) REFERENCES workflows (owner, id)
) STRICT;
INSERT INTO owned_inputs (owner, workflow_id, path, sha256) SELECT 'local', workflow_id, path, sha256 FROM inputs;
DROP TABLE inputs;
ALTER TABLE owned_inputs RENAME TO inputs;

-- Whoever may not see that another one fetched a file must not find it here either.
CREATE TABLE owned_fetched_files (
    owner         TEXT    NOT NULL,
    url           TEXT    NOT NULL,
    sha256        TEXT    NOT NULL,
    bytes         INTEGER NOT NULL,
    etag          TEXT,
    last_modified TEXT,
    PRIMARY KEY (owner, url)
) STRICT;
INSERT INTO owned_fetched_files (owner, url, sha256, bytes, etag, last_modified)
SELECT 'local', url, sha256, bytes, etag, last_modified FROM fetched_files;
DROP TABLE fetched_files;
ALTER TABLE owned_fetched_files RENAME TO fetched_files;

-- Who uploaded which bytes: the same ones are kept once, and are there for those who sent them.
CREATE TABLE uploads (
    owner      TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (owner, sha256)
) STRICT, WITHOUT ROWID;
-- Earlier versions did not write uploads down; those that runs came with are known from them.
INSERT OR IGNORE INTO uploads (owner, sha256, created_at)
SELECT 'local', lower(substr(file.value, instr(file.value, '/api/v1/uploads/') + 16, 64)), runs.created_at
FROM run_documents JOIN runs ON runs.id = run_documents.run_id, json_each(run_documents.files) AS file
WHERE file.type = 'text' AND instr(file.value, '/api/v1/uploads/') > 0
  AND lower(substr(file.value, instr(file.value, '/api/v1/uploads/') + 16)) GLOB '[0-9a-f]*'
  AND length(substr(file.value, instr(file.value, '/api/v1/uploads/') + 16, 64)) = 64;

-- Before, these were claimed for a key and not for its owner.
UPDATE OR REPLACE idempotency_keys SET owner = 'local';

-- A key is who asks, for whom, for what and how much; what it is known by changes when it is rotated.
CREATE TABLE owned_api_keys (
    id                  TEXT    NOT NULL PRIMARY KEY,
    owner               TEXT    NOT NULL,
    name                TEXT    NOT NULL,
    scopes              TEXT    NOT NULL,
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER,
    revoked_at          INTEGER,
    last_used_at        INTEGER,
    requests_per_minute INTEGER,
    active_runs         INTEGER,
    gpu_seconds         INTEGER
) STRICT;
CREATE TABLE api_key_digests (
    sha256     TEXT    NOT NULL PRIMARY KEY,
    key_id     TEXT    NOT NULL REFERENCES api_keys (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO owned_api_keys (id, owner, name, scopes, created_at)
SELECT id, 'local', 'first', 'run,read,admin', created_at FROM api_keys;
INSERT INTO api_key_digests (sha256, key_id, created_at) SELECT sha256, id, created_at FROM api_keys;
DROP TABLE api_keys;
ALTER TABLE owned_api_keys RENAME TO api_keys;

-- What was used, summed up by day (since 1970, UTC), so that it outlives the runs.
CREATE TABLE usage (
    owner         TEXT    NOT NULL,
    api_key_id    TEXT    NOT NULL,
    day           INTEGER NOT NULL,
    workflow_id   TEXT    NOT NULL,
    accelerator   TEXT    NOT NULL,
    completed     INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    cancelled     INTEGER NOT NULL,
    gpu_ms        INTEGER NOT NULL,
    fetched_bytes INTEGER NOT NULL,
    PRIMARY KEY (owner, api_key_id, day, workflow_id, accelerator)
) STRICT, WITHOUT ROWID;
INSERT INTO usage (owner, api_key_id, day, workflow_id, accelerator, completed, failed, cancelled, gpu_ms, fetched_bytes)
SELECT owner, COALESCE(api_key_id, ''), completed_at / 86400000, workflow_id, accelerator,
       SUM(status = 'COMPLETED'), SUM(status = 'ERROR'), SUM(status = 'CANCELLED'),
       SUM(MAX(0, completed_at - COALESCE(started_at, completed_at))),
       SUM((SELECT COALESCE(SUM(json_extract(file.value, '$.bytes')), 0) FROM json_each(costs, '$.files') AS file
            WHERE NOT json_extract(file.value, '$.cache_hit')))
FROM runs JOIN run_documents ON run_id = id WHERE completed_at IS NOT NULL
GROUP BY 1, 2, 3, 4, 5;
