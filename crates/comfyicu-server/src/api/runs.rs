//! `/api/v1/workflows/{workflow_id}/runs`: creating runs, looking at them, ending them.

mod cancel;
mod create;
mod get;
mod idempotency;
mod list;

pub(super) use cancel::cancel;
pub(super) use create::create;
pub(super) use get::{find, get};
pub(super) use list::list;
