//! The nodes that are measured, with what stands at their inputs.

/// A node between the image `["1", 0]` and what is looked at. Its red channel is the mask `["5", 0]`, and `["6", 0]` the
/// list of its single images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::bench) struct Node {
    /// Its class, and perhaps a word more.
    pub(super) name: &'static str,
    /// `SIDE` stands for that of the image, `HALF` for half of it, `PART` for a number below 1 that is another one each
    /// time.
    pub(super) inputs: &'static str,
    pub(super) gives: Gives,
    /// How many images of its size it reads and writes at least, where that is what bounds it.
    pub(super) moves: Option<f64>,
}

/// What a node gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench) enum Gives {
    Image,
    Mask,
    File,
}

pub(super) const fn image(name: &'static str, inputs: &'static str) -> Node {
    Node { name, inputs, gives: Gives::Image, moves: None }
}

const fn mask(name: &'static str, inputs: &'static str) -> Node {
    Node { gives: Gives::Mask, ..image(name, inputs) }
}

const fn file(name: &'static str, inputs: &'static str) -> Node {
    Node { gives: Gives::File, ..image(name, inputs) }
}

impl Node {
    const fn moves(self, images: f64) -> Self {
        Self { moves: Some(images), ..self }
    }

    pub(super) fn class(self) -> &'static str {
        self.name.split(' ').next().unwrap_or(self.name)
    }
}

/// All whose time is that of their pixels.
pub(super) const NODES: [Node; 57] = [
    image("ImageInvert", r#""image": ["1", 0]"#).moves(2.0),
    image("ImageScale area", r#""image": ["1", 0], "upscale_method": "area", "width": HALF, "height": HALF, "crop": "disabled""#).moves(1.25),
    image("ImageScale bilinear", r#""image": ["1", 0], "upscale_method": "bilinear", "width": HALF, "height": HALF, "crop": "disabled""#).moves(1.25),
    image("ImageScale bicubic", r#""image": ["1", 0], "upscale_method": "bicubic", "width": HALF, "height": HALF, "crop": "disabled""#).moves(1.25),
    image("ImageScale lanczos", r#""image": ["1", 0], "upscale_method": "lanczos", "width": HALF, "height": HALF, "crop": "disabled""#).moves(1.25),
    image("ImageScale nearest", r#""image": ["1", 0], "upscale_method": "nearest-exact", "width": HALF, "height": HALF, "crop": "disabled""#),
    image("ImageBlur", r#""image": ["1", 0], "blur_radius": 5, "sigma": 2.0"#),
    image("ImageSharpen", r#""image": ["1", 0], "sharpen_radius": 2, "sigma": 1.0, "alpha": 1.0"#),
    image("ImageBlend overlay", r#""image1": ["1", 0], "image2": ["1", 0], "blend_factor": 0.5, "blend_mode": "overlay""#).moves(3.0),
    image("ImageBlend soft_light", r#""image1": ["1", 0], "image2": ["1", 0], "blend_factor": 0.5, "blend_mode": "soft_light""#),
    image("ImageCompositeMasked", r#""destination": ["1", 0], "source": ["1", 0], "x": 9, "y": 9, "resize_source": false"#).moves(3.0),
    image("ImageFlip", r#""image": ["1", 0], "flip_method": "y-axis: horizontally""#).moves(2.0),
    image("ImageRotate", r#""image": ["1", 0], "rotation": "90 degrees""#).moves(2.0),
    image("ImageCrop", r#""image": ["1", 0], "x": 8, "y": 8, "width": HALF, "height": HALF"#).moves(0.5),
    image("ImageBatch", r#""image1": ["1", 0], "image2": ["1", 0]"#),
    image("RepeatImageBatch", r#""image": ["1", 0], "amount": 2"#).moves(3.0),
    image("ImagePadForOutpaint", r#""image": ["1", 0], "left": 8, "top": 8, "right": 8, "bottom": 8, "feathering": 40"#),
    image("ImageStitch", r#""image1": ["1", 0], "image2": ["1", 0], "direction": "right", "match_image_size": false, "spacing_width": 0, "spacing_color": "white""#),
    image("ImageQuantize", r#""image": ["1", 0], "colors": 16, "dither": "none""#),
    image("ImageQuantize dithered", r#""image": ["1", 0], "colors": 16, "dither": "floyd-steinberg""#),
    image("ImageRGBToYUV", r#""image": ["1", 0]"#),
    image("Canny", r#""image": ["1", 0], "low_threshold": 0.2, "high_threshold": 0.5"#),
    image("Morphology", r#""image": ["1", 0], "operation": "dilate", "kernel_size": 5"#),
    image("ImageScaleBy lanczos", r#""image": ["1", 0], "upscale_method": "lanczos", "scale_by": 0.75"#),
    image("SplitImageWithAlpha", r#""image": ["1", 0]"#),
    image("AdjustContrast", r#""images": ["1", 0], "factor": 1.5"#).moves(2.0),
    image("ImageAddNoise", r#""image": ["1", 0], "seed": 7, "strength": 0.3"#),
    image("AdjustBrightness", r#""images": ["1", 0], "factor": 1.5"#).moves(2.0),
    image("NormalizeImages", r#""images": ["1", 0], "mean": 0.5, "std": 0.5"#).moves(2.0),
    image("CenterCropImages", r#""images": ["6", 0], "width": HALF, "height": HALF"#).moves(0.5),
    image("ResizeImagesByLongerEdge", r#""images": ["6", 0], "longer_edge": HALF"#),
    image("ResizeImagesByShorterEdge", r#""images": ["6", 0], "shorter_edge": HALF"#),
    image("ImageGrid", r#""images": ["6", 0], "columns": 2, "cell_width": HALF, "cell_height": HALF, "padding": 4"#),
    image("ImageScaleToMaxDimension lanczos", r#""image": ["1", 0], "upscale_method": "lanczos", "largest_size": HALF"#).moves(1.25),
    image("ImageScaleToTotalPixels", r#""image": ["1", 0], "upscale_method": "bilinear", "megapixels": 1.0"#),
    image("FluxKontextImageScale", r#""image": ["1", 0]"#),
    image("ResizeAndPadImage", r#""image": ["1", 0], "target_width": SIDE, "target_height": HALF, "padding_color": "white", "interpolation": "bilinear""#),
    image("ImageFromBatch", r#""image": ["1", 0], "batch_index": 0, "length": 4"#),
    image("RebatchImages", r#""images": ["1", 0], "batch_size": 1"#),
    image("MergeImageLists", r#""images": ["1", 0]"#),
    image("ImageYUVToRGB", r#""Y": ["1", 0], "U": ["1", 0], "V": ["1", 0]"#),
    image("JoinImageWithAlpha", r#""image": ["1", 0], "alpha": ["5", 0]"#),
    image("PorterDuffImageComposite", r#""source": ["1", 0], "source_alpha": ["5", 0], "destination": ["1", 0], "destination_alpha": ["5", 0], "mode": "SRC_OVER""#),
    image("MaskToImage", r#""mask": ["5", 0]"#),
    mask("ImageToMask", r#""image": ["1", 0], "channel": "red""#),
    mask("ImageColorToMask", r#""image": ["1", 0], "color": 1"#),
    mask("SolidMask", r#""value": PART, "width": SIDE, "height": SIDE"#),
    mask("InvertMask", r#""mask": ["5", 0]"#),
    mask("ThresholdMask", r#""mask": ["5", 0], "value": 0.5"#),
    mask("CropMask", r#""mask": ["5", 0], "x": 8, "y": 8, "width": HALF, "height": HALF"#),
    mask("FeatherMask", r#""mask": ["5", 0], "left": 40, "top": 40, "right": 40, "bottom": 40"#),
    mask("GrowMask", r#""mask": ["5", 0], "expand": 5, "tapered_corners": true"#),
    mask("MaskComposite", r#""destination": ["5", 0], "source": ["5", 0], "x": 9, "y": 9, "operation": "add""#),
    mask("LoadImageMask", r#""image": "bench.png", "channel": "red""#),
    file("MaskPreview", r#""mask": ["5", 0]"#),
    file("SaveAnimatedPNG", r#""images": ["1", 0], "filename_prefix": "bench", "fps": 6.0, "compress_level": 4"#),
    file("SaveAnimatedWEBP", r#""images": ["1", 0], "filename_prefix": "bench", "fps": 6.0, "lossless": true, "quality": 80, "method": "default""#),
];
