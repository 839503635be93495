-- When the source of a file was last asked whether it has changed.
ALTER TABLE fetched_files ADD COLUMN checked_at INTEGER NOT NULL DEFAULT 0;
