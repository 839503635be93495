//! The colours of links, by their types.

/// Types that ComfyUI's own nodes link, with colours that are told apart on a dark ground.
const KNOWN: [(&str, &str); 16] = [
    ("CLIP", "#ffd500"),
    ("CLIP_VISION", "#a8dadc"),
    ("CLIP_VISION_OUTPUT", "#c58f66"),
    ("CONDITIONING", "#ffa931"),
    ("CONTROL_NET", "#6ee7b7"),
    ("GUIDER", "#66ffff"),
    ("IMAGE", "#64b5f6"),
    ("LATENT", "#ff9cf9"),
    ("MASK", "#81c784"),
    ("MODEL", "#b39ddb"),
    ("NOISE", "#b0b0b0"),
    ("SAMPLER", "#ecb4b4"),
    ("SIGMAS", "#cdffcd"),
    ("STYLE_MODEL", "#c2ffae"),
    ("UPSCALE_MODEL", "#d1a6ff"),
    ("VAE", "#ff6e6e"),
];

/// Where the type is not known.
const UNKNOWN: &str = "#9aa0a6";

/// The colour of a type: others than ComfyUI's own have one of a few, always the same.
pub(super) fn of(type_name: &str) -> String {
    if matches!(type_name, "" | "*") {
        return UNKNOWN.to_owned();
    }
    if let Some((_, color)) = KNOWN.iter().find(|(known, _)| *known == type_name) {
        return (*color).to_owned();
    }
    let sum = type_name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    hue(sum % 360)
}

/// A light colour of a hue, in degrees.
fn hue(degrees: u32) -> String {
    // From red over green to blue and back, in six stretches, between 0x80 and 0xf0.
    let (stretch, along) = (degrees / 60, (degrees % 60) * 0x70 / 60);
    let (up, down) = (0x80 + along, 0xf0 - along);
    let [red, green, blue] = match stretch {
        0 => [0xf0, up, 0x80],
        1 => [down, 0xf0, 0x80],
        2 => [0x80, 0xf0, up],
        3 => [0x80, down, 0xf0],
        4 => [up, 0x80, 0xf0],
        _ => [0xf0, 0x80, down],
    };
    format!("#{red:02x}{green:02x}{blue:02x}")
}
