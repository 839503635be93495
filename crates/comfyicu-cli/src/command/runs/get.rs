//! `comfyicu runs get`.

use comfyicu_client::RunHandle;

use super::print;
use crate::command::{Context, outcome};
use crate::failure::Failure;

pub(super) async fn get(context: &Context, handles: &[RunHandle]) -> Result<(), Failure> {
    if let [handle] = handles {
        return print(context, handle.get().await?, true);
    }
    let mut first = None;
    for handle in handles {
        match handle.get().await {
            Ok(run) => print(context, run, false)?,
            Err(error) => context.tell(&error.into(), &mut first),
        }
    }
    outcome::of_several(first)
}
