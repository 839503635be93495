//! Saves the outputs of a run: what `cargo xtask bench client` measures beside curl.
//!
//! `download_many ADDRESS FOLDER OUTPUTS BYTES`; the outputs are at `ADDRESS/files/BYTES/NUMBER`.

use std::error::Error;

use comfyicu_client::{Capabilities, Client};
use comfyicu_model::Run;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(address), Some(folder), Some(outputs), Some(bytes)) =
        (args.next(), args.next(), args.next(), args.next())
    else {
        return Err("download_many ADDRESS FOLDER OUTPUTS BYTES".into());
    };
    let output = |number: usize| {
        format!(
            r#"{{"filename": "/workflows/w/output/r/{number}", "url": "{address}/files/{bytes}/{number}"}}"#
        )
    };
    let outputs: Vec<String> = (0..outputs.parse()?).map(output).collect();
    let run = format!(r#"{{"id": "r", "status": "COMPLETED", "output": [{}]}}"#, outputs.join(","));
    let client = Client::builder().base_url(address).capabilities(Capabilities::none()).build()?;
    client.download(Run::parse(run.as_bytes())?, folder).await?;
    Ok(())
}
