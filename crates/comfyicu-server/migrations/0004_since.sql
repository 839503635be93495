-- Lists from a moment on begin at the first run that is not older, and do not look at all that are. Runs of a
-- workflow are never older than those before them: see the insert.
DROP INDEX runs_of_workflow;
CREATE INDEX runs_of_workflow ON runs (workflow_id, seq);
CREATE INDEX runs_by_age ON runs (workflow_id, created_at);
