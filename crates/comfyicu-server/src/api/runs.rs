//! `/api/v1/workflows/{workflow_id}/runs`: creating runs, looking at them, ending them.

pub(super) mod cancel;
pub(super) mod create;
pub(super) mod get;
mod idempotency;
pub(super) mod list;

pub(super) use get::find;
