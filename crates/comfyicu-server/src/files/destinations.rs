//! For which folders of models a run may bring files.

use comfyicu_model::DestPath;

/// The folders that ComfyUI has, and those of custom nodes that many use.
const FOLDERS: &[&str] = &[
    "animatediff_models",
    "animatediff_motion_lora",
    "audio_encoders",
    "checkpoints",
    "classifiers",
    "clip",
    "clip_vision",
    "configs",
    "controlnet",
    "detection",
    "diffusers",
    "diffusion_models",
    "embeddings",
    "facerestore_models",
    "frame_interpolation",
    "gligen",
    "hypernetworks",
    "insightface",
    "instantid",
    "ipadapter",
    "latent_upscale_models",
    "loras",
    "model_patches",
    "optical_flow",
    "photomaker",
    "pulid",
    "sams",
    "style_models",
    "t2i_adapter",
    "text_encoders",
    "ultralytics",
    "unet",
    "upscale_models",
    "vae",
    "vae_approx",
];

/// The folder of a model that is not one that runs may bring files for.
pub(super) fn unknown_folder<'a>(path: &'a DestPath, more: &[String]) -> Option<&'a str> {
    let (folder, _) = path.as_str().strip_prefix("/models/")?.split_once('/')?;
    let known = FOLDERS.binary_search(&folder).is_ok() || more.iter().any(|name| name == folder);
    (!known).then_some(folder)
}

/// Whether a page of the web can be what is meant for a destination.
pub(super) fn takes_pages(path: &DestPath) -> bool {
    let extension = path.as_str().rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| matches!(extension.as_str(), "html" | "htm" | "xhtml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_known_by_their_exact_name() {
        assert!(FOLDERS.is_sorted());
        let more = ["my_models".to_owned()];
        let unknown = |text: &str| {
            let path = DestPath::parse(text).unwrap();
            unknown_folder(&path, &more).map(str::to_owned)
        };
        for known in ["/input/a.png", "/models/loras/a/b.pt", "/models/my_models/x", "/models/clip/x"] {
            assert_eq!(unknown(known), None, "{known}");
        }
        for (path, folder) in [
            ("/models/Loras/x", "Loras"),
            ("/models/custom_nodes/x.py", "custom_nodes"),
            ("/models/.git/config", ".git"),
            ("/models/lora/x", "lora"),
        ] {
            assert_eq!(unknown(path).as_deref(), Some(folder));
        }
    }

    #[test]
    fn a_page_is_meant_only_where_the_name_says_so() {
        let takes = |text: &str| takes_pages(&DestPath::parse(text).unwrap());
        assert!(takes("/input/a.HTML") && !takes("/models/loras/a.safetensors") && !takes("/input/html"));
    }
}
