//! `/api/v1/workflows/{workflow_id}/runs`: creating runs and looking at them.

mod create;
mod get;
mod list;

pub(super) use create::{MAX_BODY, create};
pub(super) use get::get;
pub(super) use list::list;
