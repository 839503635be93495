-- What the outputs of a completed run take; null where an earlier version did not count. `outputs_removed_at` says
-- that they were removed, though the run is kept.
ALTER TABLE runs ADD COLUMN output_bytes INTEGER;
ALTER TABLE runs ADD COLUMN outputs_removed_at INTEGER;

-- What the rules for runs that have ended read, oldest first, without the runs themselves.
CREATE INDEX runs_ended ON runs (completed_at, seq, output_bytes) WHERE completed_at IS NOT NULL;
CREATE INDEX runs_with_outputs ON runs (completed_at, seq, output_bytes)
    WHERE completed_at IS NOT NULL AND outputs_removed_at IS NULL AND output_bytes > 0;
CREATE INDEX runs_unmeasured ON runs (seq)
    WHERE status = 'COMPLETED' AND output_bytes IS NULL AND outputs_removed_at IS NULL;

-- Outputs of these runs are still to be removed from where they lie: written in the transaction that removes the
-- run, or says that its outputs are gone, and taken out when that is done. After a crash it is done at the next
-- occasion.
CREATE TABLE removals (
    run_id     TEXT    NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
