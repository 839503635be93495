//! What the fuzz targets feed, behind the feature `fuzzing`: nothing here is for anybody else.

use comfyicu_model::json::Object;
use url::Url;

use crate::files::Source;
use crate::guard::Guard;
use crate::vault;

/// Whether a run may bring a file from a URL, as far as the URL alone tells, where nothing private is allowed.
pub fn takes_files_from(url: &Url) -> bool {
    Guard::new([]).check_url(url).is_ok() && Source::parse(url).is_ok()
}

/// What is stored of a submitted body.
pub fn stored(mut body: Object) -> Object {
    let _tokens = vault::take_tokens(&mut body);
    body
}
