//! What a ComfyUI is and has: `/system_stats`, `/object_info`, `/features`, `/models`, `/free`, `/api/jobs`.

use comfyicu_model::ObjectInfo;
use comfyicu_model::json::{Number, Object, Value};

use super::super::{ComfyError, limit};
use super::{ComfyClient, object, texts};

/// What a ComfyUI runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemStats {
    /// ComfyUI's version, such as `0.3.75`; empty where it does not say.
    pub version: String,
    /// The memory of the machine, in bytes.
    pub ram_total_bytes: u64,
    /// How much of it is free.
    pub ram_free_bytes: u64,
    /// The devices; the first one is used.
    pub devices: Vec<ComfyDevice>,
}

/// A device of a ComfyUI.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ComfyDevice {
    /// What PyTorch calls it: `cpu`, `cuda:0 NVIDIA L4 : cudaMallocAsync`.
    pub name: String,
    /// `cpu`, `cuda`, `mps`, …
    pub kind: String,
    /// Its memory, in bytes.
    pub vram_total_bytes: u64,
    /// How much of it is free.
    pub vram_free_bytes: u64,
}

impl ComfyDevice {
    /// The name of the product alone, such as `NVIDIA L4`; `CPU` for a processor.
    pub fn product(&self) -> &str {
        if self.kind == "cpu" {
            return "CPU";
        }
        // `cuda:0 NAME : allocator`
        let name = self.name.split(" : ").next().unwrap_or_default();
        let begins_with_index = name.split(' ').next().is_some_and(|word| word.contains(':'));
        let name = if begins_with_index { name.split_once(' ').map_or(name, |(_, rest)| rest) } else { name };
        name.trim()
    }

    fn parse(device: &Object) -> Self {
        let text = |key| limit::excerpt(device.get_str(key).unwrap_or_default(), limit::QUOTED_CHARS);
        let (vram_total_bytes, vram_free_bytes) = (bytes(device, "vram_total"), bytes(device, "vram_free"));
        Self { name: text("name"), kind: text("type"), vram_total_bytes, vram_free_bytes }
    }
}

fn bytes(object: &Object, key: &str) -> u64 {
    object.get(key).and_then(Value::as_number).and_then(Number::as_u64).unwrap_or(0)
}

impl ComfyClient {
    /// What it is, and on what it runs.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn system_stats(&self) -> Result<SystemStats, ComfyError> {
        const CALL: &str = "GET /system_stats";
        let stats = object(CALL, self.get(CALL, &["system_stats"], &[]).await?)?;
        let problem = ComfyError::Shape { call: CALL, problem: "no system" };
        let system = stats.get("system").and_then(Value::as_object).ok_or(problem)?;
        let devices = stats.get("devices").and_then(Value::as_array).unwrap_or_default();
        Ok(SystemStats {
            version: limit::excerpt(system.get_str("comfyui_version").unwrap_or_default(), 64),
            ram_total_bytes: bytes(system, "ram_total"),
            ram_free_bytes: bytes(system, "ram_free"),
            devices: devices.iter().filter_map(Value::as_object).map(ComfyDevice::parse).collect(),
        })
    }

    /// The node definitions, with the files that are there just now. It takes ComfyUI a while.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn object_info(&self) -> Result<ObjectInfo, ComfyError> {
        const CALL: &str = "GET /object_info";
        let definitions = object(CALL, self.get(CALL, &["object_info"], &[]).await?)?;
        let shape = |_| ComfyError::Shape { call: CALL, problem: "no node definitions" };
        ObjectInfo::try_from(definitions).map_err(shape)
    }

    /// What this version can do beyond others, such as `max_upload_size`.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should; a version without this answers 404.
    pub async fn features(&self) -> Result<Object, ComfyError> {
        const CALL: &str = "GET /features";
        object(CALL, self.get(CALL, &["features"], &[]).await?)
    }

    /// The folders of models, such as `checkpoints`.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn model_folders(&self) -> Result<Vec<String>, ComfyError> {
        Ok(texts(Some(&self.get("GET /models", &["models"], &[]).await?)))
    }

    /// The models in a folder.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should; it answers 404 where there is no such folder.
    pub async fn models(&self, folder: &str) -> Result<Vec<String>, ComfyError> {
        Ok(texts(Some(&self.get("GET /models/{folder}", &["models", folder], &[]).await?)))
    }

    /// Gives memory back: unloads the models, and forgets the results that were kept for later prompts.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn free(&self, unload_models: bool, free_memory: bool) -> Result<(), ComfyError> {
        const CALL: &str = "POST /free";
        let body = Object::from_iter([("unload_models", unload_models), ("free_memory", free_memory)]);
        self.post(CALL, &["free"], body).await?.good(CALL).map(drop)
    }

    /// What `/api/jobs` says of a prompt (0.21 and later); `None` where there is no such job, or no such call.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn job(&self, prompt_id: &str) -> Result<Option<Object>, ComfyError> {
        const CALL: &str = "GET /api/jobs/{prompt_id}";
        match self.get(CALL, &["api", "jobs", prompt_id], &[]).await {
            Ok(job) => object(CALL, job).map(Some),
            Err(ComfyError::Status { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
