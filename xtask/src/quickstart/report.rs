//! What came out of the run, and how long each part of it took.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::failure::Failure;

/// A run that ended well.
#[derive(Debug)]
pub(crate) struct Report {
    run_id: String,
    queue: Option<Duration>,
    download: Option<Duration>,
    execution: Option<Duration>,
    files: Vec<FetchedFile>,
    whole: Duration,
    images: Vec<PathBuf>,
}

/// A file that the run asked for.
#[derive(Debug)]
struct FetchedFile {
    path: String,
    bytes: Option<u64>,
    cache_hit: bool,
}

impl Report {
    /// Reads the run that the command line printed.
    pub(crate) fn new(json: &str, whole: Duration, images: Vec<PathBuf>) -> Result<Self, Failure> {
        let printed: Value = serde_json::from_str(json)
            .map_err(|error| Failure::new(format!("`comfyicu run --json` printed no JSON: {error}")))?;
        let run = printed.get("run").unwrap_or(&Value::Null);
        let Some(run_id) = run.get("id").and_then(Value::as_str) else {
            return Err(Failure::new("`comfyicu run --json` printed no run"));
        };
        let costs = run.get("x").unwrap_or(&Value::Null);
        let duration = |key: &str| costs.get(key).and_then(Value::as_u64).map(Duration::from_millis);
        let files = costs.get("files").and_then(Value::as_object);
        Ok(Self {
            run_id: run_id.to_owned(),
            queue: duration("queue_ms"),
            download: duration("download_ms"),
            execution: duration("execution_ms"),
            files: files.into_iter().flatten().map(|(path, file)| FetchedFile::new(path, file)).collect(),
            whole,
            images,
        })
    }

    /// The run's id.
    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }
}

impl FetchedFile {
    fn new(path: &str, file: &Value) -> Self {
        Self {
            path: path.to_owned(),
            bytes: file.get("bytes").and_then(Value::as_u64),
            cache_hit: file.get("cache_hit").and_then(Value::as_bool).unwrap_or(false),
        }
    }
}

impl fmt::Display for FetchedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(bytes) = self.bytes {
            write!(f, ", {bytes} bytes")?;
        }
        f.write_str(if self.cache_hit { ", was there already" } else { "" })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nRun {} is complete. The images:\n", self.run_id)?;
        for image in &self.images {
            writeln!(f, "    {}", image.display())?;
        }
        let files: Vec<String> = self.files.iter().map(ToString::to_string).collect();
        writeln!(f, "\nHow long it took:\n")?;
        writeln!(f, "    queueing   {}", Shown(self.queue))?;
        writeln!(f, "    download   {}   ({})", Shown(self.download), files.join("; "))?;
        writeln!(f, "    execution  {}", Shown(self.execution))?;
        writeln!(f, "    the whole  {}   (from the command to the images on disk)", Shown(Some(self.whole)))
    }
}

/// A duration with a unit that fits.
struct Shown(Option<Duration>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.pad("unknown"),
            Some(duration) if duration < Duration::from_secs(1) => {
                write!(f, "{:>7} ms", duration.as_millis())
            }
            Some(duration) => write!(f, "{:>7.2} s ", duration.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::Report;

    #[test]
    fn each_part_is_shown_with_its_unit() {
        let json = r#"{"run": {"id": "r1", "x": {"queue_ms": 3, "download_ms": 12, "execution_ms": 1250,
            "files": {"/input/photo.jpg": {"bytes": 140957, "cache_hit": true}}}}, "downloaded": ["/t/a.png"]}"#;
        let report = Report::new(json, Duration::from_millis(1900), vec![PathBuf::from("/t/a.png")]).unwrap();
        let text = report.to_string();
        for part in ["3 ms", "12 ms", "1.25 s", "1.90 s", "/t/a.png", "140957 bytes, was there already", "r1"]
        {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }

    #[test]
    fn an_answer_without_costs_is_reported_as_such() {
        let report = Report::new(r#"{"run": {"id": "r1"}}"#, Duration::ZERO, Vec::new()).unwrap();
        assert_eq!(report.to_string().matches("unknown").count(), 3);
        assert!(Report::new("{}", Duration::ZERO, Vec::new()).is_err());
    }
}
