//! The nodes, one file a family. A node is its definition and its code, and one line in the registry.

pub(super) mod alpha;
pub(super) mod batch;
pub(super) mod blend;
pub(super) mod blur;
pub(super) mod canny;
pub(super) mod composite;
pub(super) mod dataset;
pub(super) mod empty;
pub(super) mod invert;
pub(super) mod load;
pub(super) mod mask;
pub(super) mod morphology;
pub(super) mod noise;
pub(super) mod pad;
pub(super) mod porter_duff;
pub(super) mod primitive;
pub(super) mod quantize;
pub(super) mod save;
pub(super) mod scale;
pub(super) mod show;
pub(super) mod stitch;
pub(super) mod switch;
pub(super) mod text;
pub(super) mod transform;
pub(super) mod yuv;

/// The classes that load files; images that a run saves carry the hashes of what it loaded.
pub(super) const LOADERS: [&str; 2] = [LOAD_IMAGE, LOAD_IMAGE_MASK];

const LOAD_IMAGE: &str = "LoadImage";
const LOAD_IMAGE_MASK: &str = "LoadImageMask";
