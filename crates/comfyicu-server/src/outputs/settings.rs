//! How outputs are kept and shown.

use std::time::Duration;

use clap::Args;

use super::OutputsLocation;
use crate::args::parse_interval;

/// How outputs are kept and shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutputSettings {
    /// Keep outputs in this S3 bucket, `s3://BUCKET/PREFIX`; keys, region and endpoint come from the usual variables,
    /// such as `AWS_ACCESS_KEY_ID` [default: the data directory]
    #[arg(long, value_name = "URL")]
    pub(crate) outputs: Option<OutputsLocation>,

    /// How long the signed address of an output opens it, such as 12h; every answer with a run has fresh ones
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = parse_interval)]
    pub(crate) output_url_lifetime: Duration,
}
