-- Workflows come into being with their first run.
CREATE TABLE workflows (
    id         TEXT    NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- What lists and the scheduler read. `seq` is the order of acceptance; `attempt` counts the executions
-- that were begun, and fences off the workers of earlier ones. Times are milliseconds since 1970.
CREATE TABLE runs (
    seq          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    workflow_id  TEXT    NOT NULL REFERENCES workflows (id),
    status       TEXT    NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    started_at   INTEGER,
    completed_at INTEGER,
    accelerator  TEXT    NOT NULL,
    device       TEXT,
    webhook      TEXT,
    api_key_id   TEXT
) STRICT;

CREATE INDEX runs_waiting ON runs (seq) WHERE status = 'QUEUED';
CREATE INDEX runs_running ON runs (seq) WHERE status = 'STARTED';
CREATE INDEX runs_of_workflow ON runs (workflow_id, seq);

-- What only one run's page reads, as JSON.
CREATE TABLE run_documents (
    run_id TEXT NOT NULL PRIMARY KEY REFERENCES runs (id),
    data   TEXT NOT NULL,
    files  TEXT NOT NULL,
    output TEXT,
    costs  TEXT NOT NULL
) STRICT;

-- One row a message: written in the transaction of the change that it tells of.
CREATE TABLE deliveries (
    seq          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id       TEXT    NOT NULL REFERENCES runs (id),
    url          TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    attempted_at INTEGER,
    outcome      TEXT
) STRICT;

CREATE INDEX deliveries_waiting ON deliveries (seq) WHERE attempted_at IS NULL;

-- Which bytes each input of a workflow's latest run had, so that inputs stay viewable.
CREATE TABLE inputs (
    workflow_id TEXT NOT NULL REFERENCES workflows (id),
    path        TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    PRIMARY KEY (workflow_id, path)
) STRICT;

-- What was fetched from where, to be asked for again only if it changed.
CREATE TABLE fetched_files (
    url           TEXT    NOT NULL PRIMARY KEY,
    sha256        TEXT    NOT NULL,
    bytes         INTEGER NOT NULL,
    etag          TEXT,
    last_modified TEXT
) STRICT;

-- Keys are kept as the SHA-256 of their text.
CREATE TABLE api_keys (
    id         TEXT    NOT NULL PRIMARY KEY,
    sha256     TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;
