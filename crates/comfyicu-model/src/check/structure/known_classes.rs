//! What the names of classes tell, where there are no definitions.

/// Words in the names of output nodes, in small letters: of ComfyUI's own, and of common custom nodes.
const OUTPUT_WORDS: &[&str] =
    &["save", "preview", "videocombine", "show", "display", "send", "export", "websocket"];

/// Output nodes of ComfyUI (0.33) whose names have none of these words, sorted.
const OTHER_OUTPUTS: &[&str] = &[
    "CreateBoundingBoxes",
    "ImageCompare",
    "ImageCompositor",
    "LossGraphNode",
    "MeshyAnimateModelNode",
    "MeshyImageToModelNode",
    "MeshyMultiImageToModelNode",
    "MeshyRefineNode",
    "MeshyRigModelNode",
    "MeshyTextToModelNode",
    "MeshyTextureNode",
    "TencentImageToModelNode",
    "TencentTextToModelNode",
    "TripoConversionNode",
    "TripoImageToModelNode",
    "TripoMultiviewToModelNode",
    "TripoRefineNode",
    "TripoRetargetNode",
    "TripoRigNode",
    "TripoTextToModelNode",
    "TripoTextureNode",
];

/// Classes of ComfyUI (0.33) that are no output nodes: those that most prompts are made of, sorted.
const NO_OUTPUTS: &[&str] = &[
    "AddNoise",
    "BasicGuider",
    "BasicScheduler",
    "BatchImagesNode",
    "BatchLatentsNode",
    "BatchMasksNode",
    "BetaSamplingScheduler",
    "CFGGuider",
    "CFGOverride",
    "CLIPLoader",
    "CLIPSetLastLayer",
    "CLIPTextEncode",
    "CLIPTextEncodeFlux",
    "CLIPTextEncodeSD3",
    "CLIPVisionEncode",
    "CLIPVisionLoader",
    "Canny",
    "CheckpointLoader",
    "CheckpointLoaderSimple",
    "ColorTransfer",
    "ConditioningAverage",
    "ConditioningCombine",
    "ConditioningConcat",
    "ConditioningMultiply",
    "ConditioningSetArea",
    "ConditioningSetAreaPercentage",
    "ConditioningSetAreaStrength",
    "ConditioningSetMask",
    "ConditioningSetTimestepRange",
    "ConditioningZeroOut",
    "ControlNetApply",
    "ControlNetApplyAdvanced",
    "ControlNetApplySD3",
    "ControlNetLoader",
    "CropMask",
    "DiffControlNetLoader",
    "DiffusersLoader",
    "DisableNoise",
    "DualCFGGuider",
    "DualCLIPLoader",
    "DualModelGuider",
    "EmptyFlux2LatentImage",
    "EmptyImage",
    "EmptyLatentImage",
    "EmptySD3LatentImage",
    "ExponentialScheduler",
    "ExtendIntermediateSigmas",
    "FeatherMask",
    "FlipSigmas",
    "Flux2Scheduler",
    "FluxDisableGuidance",
    "FluxGuidance",
    "FluxKVCache",
    "FluxKontextImageScale",
    "FluxKontextMultiReferenceLatentMethod",
    "GLIGENLoader",
    "GLIGENTextBoxApply",
    "GetImageSize",
    "GrowMask",
    "ImageAddNoise",
    "ImageBatch",
    "ImageBlend",
    "ImageBlur",
    "ImageColorToMask",
    "ImageCompositeMasked",
    "ImageCrop",
    "ImageCropToMask",
    "ImageCropV2",
    "ImageFlip",
    "ImageFromBatch",
    "ImageInvert",
    "ImageMergeTileList",
    "ImagePadForOutpaint",
    "ImageQuantize",
    "ImageRotate",
    "ImageScale",
    "ImageScaleBy",
    "ImageScaleToMaxDimension",
    "ImageScaleToTotalPixels",
    "ImageSharpen",
    "ImageStitch",
    "ImageToMask",
    "ImageUpscaleWithModel",
    "InpaintModelConditioning",
    "InvertMask",
    "JoinImageWithAlpha",
    "KSampler",
    "KSamplerAdvanced",
    "KSamplerSelect",
    "KarrasScheduler",
    "LaplaceScheduler",
    "LatentBlend",
    "LatentComposite",
    "LatentCompositeMasked",
    "LatentCrop",
    "LatentFlip",
    "LatentFromBatch",
    "LatentRotate",
    "LatentUpscale",
    "LatentUpscaleBy",
    "LoadImage",
    "LoadImageMask",
    "LoadImageOutput",
    "LoadLatent",
    "LoraLoader",
    "LoraLoaderModelOnly",
    "ManualSigmas",
    "MaskComposite",
    "MaskToImage",
    "ModelAttentionBackend",
    "ModelComputeDtype",
    "ModelNoiseScale",
    "ModelSamplingAuraFlow",
    "ModelSamplingContinuousEDM",
    "ModelSamplingContinuousV",
    "ModelSamplingDiscrete",
    "ModelSamplingFlux",
    "ModelSamplingSD3",
    "ModelSamplingStableCascade",
    "PolyexponentialScheduler",
    "PorterDuffImageComposite",
    "PrimitiveBoolean",
    "PrimitiveBoundingBox",
    "PrimitiveFloat",
    "PrimitiveInt",
    "PrimitiveString",
    "PrimitiveStringMultiline",
    "RandomNoise",
    "RepeatImageBatch",
    "RepeatLatentBatch",
    "RescaleCFG",
    "ResizeAndPadImage",
    "ResizeImageMaskNode",
    "SDTurboScheduler",
    "SamplerCustom",
    "SamplerCustomAdvanced",
    "SamplerDPMAdaptative",
    "SamplerDPMPP_2M_SDE",
    "SamplerDPMPP_2S_Ancestral",
    "SamplerDPMPP_3M_SDE",
    "SamplerDPMPP_SDE",
    "SamplerER_SDE",
    "SamplerEulerAncestral",
    "SamplerEulerAncestralCFGPP",
    "SamplerLMS",
    "SamplerSASolver",
    "SamplerSEEDS2",
    "SamplingPercentToSigma",
    "SetFirstSigma",
    "SetLatentNoiseMask",
    "SkipLayerGuidanceSD3",
    "SolidMask",
    "SplitImageToTileList",
    "SplitImageWithAlpha",
    "SplitSigmas",
    "SplitSigmasDenoise",
    "StyleModelApply",
    "StyleModelLoader",
    "ThresholdMask",
    "TripleCLIPLoader",
    "UNETLoader",
    "UpscaleModelLoader",
    "VAEDecode",
    "VAEDecodeTiled",
    "VAEEncode",
    "VAEEncodeForInpaint",
    "VAEEncodeTiled",
    "VAELoader",
    "VPScheduler",
    "unCLIPCheckpointLoader",
    "unCLIPConditioning",
];

/// Whether a class is an output node, as far as its name tells.
pub(super) fn looks_like_output(class_type: &str) -> bool {
    if is_known_not_to_be_output(class_type) {
        return false;
    }
    let name = class_type.to_lowercase();
    OTHER_OUTPUTS.binary_search(&class_type).is_ok() || OUTPUT_WORDS.iter().any(|word| name.contains(word))
}

/// Whether a class is known not to be an output node.
pub(super) fn is_known_not_to_be_output(class_type: &str) -> bool {
    NO_OUTPUTS.binary_search(&class_type).is_ok()
}

/// Whether what the class puts out is for the editor only: temporary files, and texts.
pub(super) fn is_preview(class_type: &str) -> bool {
    class_type.starts_with("Preview")
        || matches!(class_type, "MaskPreview" | "ImageCompare" | "SAM3_TrackPreview")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_can_be_searched() {
        assert!(OTHER_OUTPUTS.is_sorted() && NO_OUTPUTS.is_sorted());
    }

    #[test]
    fn names_tell_outputs_from_others() {
        for class in
            ["SaveImage", "VHS_VideoCombine", "easy showAnything", "ETN_SendImageWebSocket", "TripoRigNode"]
        {
            assert!(looks_like_output(class), "{class}");
        }
        for class in ["ConditioningCombine", "LoadImageOutput", "KSampler", "PassthroughText"] {
            assert!(!looks_like_output(class), "{class}");
        }
        assert!(is_preview("PreviewImage") && !is_preview("SaveImage"));
    }
}
