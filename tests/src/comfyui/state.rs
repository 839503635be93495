//! What a fake ComfyUI remembers: its queue, its history, its files, and who listens.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::{Value, json};

use super::fault::ComfyFault;
use super::recording::{ComfyMessage, RecordedPrompt};
use crate::wait::PATIENCE;

#[derive(Debug)]
pub(super) struct State {
    memory: Mutex<Memory>,
    changed: Condvar,
    pub(super) definitions: String,
}

/// A recorded prompt that was submitted.
#[derive(Debug)]
struct Job {
    recorded: RecordedPrompt,
    client_id: String,
    /// The folder that the run saves to; empty for none.
    folder: String,
    history: Option<String>,
    is_interrupted: bool,
    is_played: bool,
}

#[derive(Debug)]
struct Memory {
    prompts: Vec<RecordedPrompt>,
    fault: ComfyFault,
    is_released: bool,
    /// Whether a prompt waits to be released.
    is_holding: bool,
    jobs: BTreeMap<String, Job>,
    sockets: HashMap<String, Sender<ComfyMessage>>,
    /// Those that stay open, and are sent nothing.
    silenced: Vec<Sender<ComfyMessage>>,
    seen: Vec<String>,
    submitted: Vec<Value>,
    uploads: Vec<(String, Vec<u8>)>,
    complaints: Vec<String>,
}

/// How a submission goes.
pub(super) enum Submission {
    Answer(u16, String),
    /// The connection breaks before the answer.
    Lost,
}

impl State {
    pub(super) fn new(prompts: Vec<RecordedPrompt>, definitions: &Value, fault: ComfyFault) -> Self {
        let memory = Memory {
            prompts,
            fault,
            is_released: false,
            is_holding: false,
            jobs: BTreeMap::new(),
            sockets: HashMap::new(),
            silenced: Vec::new(),
            seen: Vec::new(),
            submitted: Vec::new(),
            uploads: Vec::new(),
            complaints: Vec::new(),
        };
        Self { memory: Mutex::new(memory), changed: Condvar::new(), definitions: definitions.to_string() }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.lock().seen.clone()
    }

    pub(super) fn submitted(&self) -> Vec<Value> {
        self.lock().submitted.clone()
    }

    pub(super) fn uploads(&self) -> Vec<(String, Vec<u8>)> {
        self.lock().uploads.clone()
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.lock().complaints.clone()
    }

    pub(super) fn complain(&self, complaint: impl Into<String>) {
        self.lock().complaints.push(complaint.into());
    }

    pub(super) fn is_holding(&self) -> bool {
        self.lock().is_holding
    }

    pub(super) fn release(&self) {
        self.lock().is_released = true;
        self.changed.notify_all();
    }

    /// Notes a request, and says whether it is to fail.
    pub(super) fn note(&self, line: String, path: &str) -> bool {
        let mut memory = self.lock();
        memory.seen.push(line);
        let ComfyFault::Trouble(failing, left) = memory.fault else { return false };
        if failing != path || left == 0 {
            return false;
        }
        memory.fault = ComfyFault::Trouble(failing, left - 1);
        true
    }

    pub(super) fn has_sockets(&self) -> bool {
        self.lock().has_sockets()
    }

    /// Whether what comes to this path is too large.
    pub(super) fn is_too_large(&self, path: &str) -> bool {
        matches!(self.lock().fault, ComfyFault::TooLarge(refusing) if refusing == path)
    }

    /// Somebody listens, in place of whoever had this id.
    pub(super) fn listen(&self, client_id: String, sender: Sender<ComfyMessage>) {
        self.lock().sockets.insert(client_id, sender);
        self.changed.notify_all();
    }

    pub(super) fn upload(&self, name: &str, bytes: Vec<u8>) -> String {
        let mut memory = self.lock();
        let differs = memory.uploads.iter().any(|(other, there)| other == name && *there != bytes);
        let name = if differs { renamed(name) } else { name.to_owned() };
        memory.uploads.push((name.clone(), bytes));
        name
    }

    /// Takes a prompt, and begins to play what was recorded of it.
    pub(super) fn submit(self: &Arc<Self>, body: &Value) -> Submission {
        let mut memory = self.lock();
        let found =
            memory.prompts.iter().position(|recorded| folder(&recorded.prompt, &body["prompt"]).is_some());
        memory.submitted.push(body.clone());
        let Some(found) = found else {
            memory.complaints.push(format!("no recorded prompt is {}", body["prompt"]));
            return Submission::Answer(
                400,
                json!({"error": {"type": "unknown", "message": "?"}}).to_string(),
            );
        };
        let recorded = if memory.prompts.len() > 1 {
            memory.prompts.remove(found)
        } else {
            memory.prompts[found].clone()
        };
        if recorded.status != 200 {
            return Submission::Answer(recorded.status, recorded.answer);
        }
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let (prompt_id, client_id) = (text("prompt_id"), text("client_id"));
        if prompt_id.len() != 36 || client_id.len() != 36 || memory.jobs.contains_key(&prompt_id) {
            memory.complaints.push(format!("no ids of its own: {prompt_id:?}, {client_id:?}"));
        }
        let folder = folder(&recorded.prompt, &body["prompt"]).unwrap_or_default();
        let answer = recorded.answer.replace(&recorded.prompt_id, &prompt_id);
        let job = Job { recorded, client_id, folder, history: None, is_interrupted: false, is_played: false };
        memory.jobs.insert(prompt_id.clone(), job);
        let fault = memory.fault;
        if fault == ComfyFault::LostAnswer {
            memory.fault = ComfyFault::None;
        }
        drop(memory);
        if fault != ComfyFault::Pending {
            let (state, played) = (Arc::clone(self), prompt_id.clone());
            thread::spawn(move || state.play(&played));
        }
        if fault == ComfyFault::LateAnswer {
            let is_played = |memory: &mut Memory| {
                memory.jobs.get(&prompt_id).is_some_and(|job| job.history.is_none() || !job.is_played)
            };
            drop(self.wait(self.lock(), is_played));
        }
        if fault == ComfyFault::LostAnswer { Submission::Lost } else { Submission::Answer(200, answer) }
    }

    /// Sends what was recorded, and ends.
    fn play(&self, prompt_id: &str) {
        let mut memory = self.lock();
        let fault = memory.fault;
        let Some(job) = memory.jobs.get(prompt_id) else { return };
        let (messages, client_id) = (job.messages(prompt_id, fault), job.client_id.clone());
        if memory.has_sockets() {
            let is_there = |memory: &mut Memory| !memory.sockets.contains_key(&client_id);
            memory = self.wait(memory, is_there);
        }
        for (index, message) in messages.into_iter().enumerate() {
            match memory.fault {
                ComfyFault::DropSocket(at) if at == index => {
                    memory.fault = ComfyFault::None;
                    memory.sockets.clear();
                }
                ComfyFault::SilentSocket(at) if at == index => {
                    memory.fault = ComfyFault::None;
                    let sockets = std::mem::take(&mut memory.sockets);
                    memory.silenced.extend(sockets.into_values());
                }
                ComfyFault::Restart(at) if at == index => {
                    memory.fault = ComfyFault::None;
                    memory.sockets.clear();
                    memory.jobs.clear();
                    return;
                }
                ComfyFault::Hold if index == 1 => {
                    let goes_on = |memory: &mut Memory| {
                        !memory.is_released
                            && memory.jobs.get(prompt_id).is_some_and(|job| !job.is_interrupted)
                    };
                    memory = self.wait(memory, goes_on);
                }
                ComfyFault::HoldEnd if is_end(&message) => {
                    memory.is_holding = true;
                    memory = self.wait(memory, |memory| !memory.is_released);
                }
                _ => {}
            }
            if memory.jobs.get(prompt_id).is_some_and(|job| job.is_interrupted) {
                break;
            }
            // Before the message that says so, the history is there.
            if is_end(&message) {
                memory.finish(prompt_id);
            }
            memory.send(&client_id, message);
        }
        memory.finish(prompt_id);
        memory.interrupted(prompt_id, &client_id);
        if let Some(job) = memory.jobs.get_mut(prompt_id) {
            job.is_played = true;
        }
        drop(memory);
        self.changed.notify_all();
    }

    fn wait<'a>(
        &self,
        memory: MutexGuard<'a, Memory>,
        condition: impl FnMut(&mut Memory) -> bool,
    ) -> MutexGuard<'a, Memory> {
        let waited = self.changed.wait_timeout_while(memory, PATIENCE, condition);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn queue(&self) -> Value {
        let memory = self.lock();
        let entries = memory.jobs.iter().filter(|(_, job)| job.history.is_none());
        let entries: Vec<Value> = entries.map(|(id, _)| json!([1, id, {}, {}, []])).collect();
        match memory.fault {
            ComfyFault::Pending => {
                json!({"queue_running": [[0, "somebody-elses", {}, {}, []]], "queue_pending": entries})
            }
            ComfyFault::Busy(others) => {
                let others: Vec<Value> = (0..others)
                    .map(|other| json!([other, format!("somebody-elses-{other}"), {}, {}, []]))
                    .collect();
                json!({"queue_running": entries, "queue_pending": others})
            }
            _ => json!({"queue_running": entries, "queue_pending": []}),
        }
    }

    pub(super) fn delete(&self, prompt_id: &str) {
        let mut memory = self.lock();
        if memory.fault == ComfyFault::Pending {
            memory.jobs.remove(prompt_id);
        }
    }

    pub(super) fn interrupt(&self, prompt_id: Option<&str>) {
        let mut memory = self.lock();
        match prompt_id.and_then(|id| memory.jobs.get_mut(id)) {
            Some(job) => job.is_interrupted = true,
            None => memory.complaints.push(format!("interrupted what is not there: {prompt_id:?}")),
        }
        self.changed.notify_all();
    }

    pub(super) fn history(&self, prompt_id: &str) -> String {
        let mut memory = self.lock();
        let entry = memory.jobs.get(prompt_id).and_then(|job| job.history.clone());
        match (entry, memory.fault) {
            (None, _) | (_, ComfyFault::NoHistory) => "{}".to_owned(),
            (Some(_), ComfyFault::LateHistory(left)) if left > 0 => {
                memory.fault = ComfyFault::LateHistory(left - 1);
                "{}".to_owned()
            }
            (Some(_), ComfyFault::NoSocketAndLateHistory(left)) if left > 0 => {
                memory.fault = ComfyFault::NoSocketAndLateHistory(left - 1);
                "{}".to_owned()
            }
            (Some(entry), _) => format!("{{\"{prompt_id}\": {entry}}}"),
        }
    }

    /// A file that some prompt saved: its recorded bytes, or its name where they were not recorded.
    pub(super) fn view(&self, name: &str, subfolder: &str) -> Option<Vec<u8>> {
        let memory = self.lock();
        memory.jobs.values().find_map(|job| {
            let own = if job.folder.is_empty() { subfolder } else { subfolder.strip_prefix(&job.folder)? };
            let history = job.recorded.history.as_deref()?;
            let is_there = history.contains(&format!(
                "\"filename\": \"{name}\", \"subfolder\": \"{}\"",
                own.trim_start_matches('/')
            ));
            let recorded = job.recorded.files.get(name).cloned();
            is_there.then(|| recorded.unwrap_or_else(|| name.as_bytes().to_vec()))
        })
    }
}

impl Memory {
    const fn has_sockets(&self) -> bool {
        !matches!(self.fault, ComfyFault::NoSocket | ComfyFault::NoSocketAndLateHistory(_))
    }

    fn send(&mut self, client_id: &str, message: ComfyMessage) {
        if let Some(sender) = self.sockets.get(client_id) {
            // Whoever does not listen any more misses it.
            sender.send(message).ok();
        }
    }

    fn finish(&mut self, prompt_id: &str) {
        if let Some(job) = self.jobs.get_mut(prompt_id) {
            let history = job.recorded.history.clone().unwrap_or_default();
            job.history.get_or_insert(job.own(prompt_id, &history));
        }
    }

    /// Ends a prompt that was told to stop.
    fn interrupted(&mut self, prompt_id: &str, client_id: &str) {
        let Some(job) = self.jobs.get_mut(prompt_id).filter(|job| job.is_interrupted) else { return };
        let status = json!({"status_str": "error", "completed": false, "messages": [["execution_interrupted",
            {"prompt_id": prompt_id, "node_id": "1", "node_type": "X", "executed": []}]]});
        job.history = Some(json!({"prompt": [], "outputs": {}, "status": status}).to_string());
        let ended = json!({"type": "executing", "data": {"node": null, "prompt_id": prompt_id}});
        self.send(client_id, ComfyMessage::Text(ended.to_string()));
    }
}

impl Job {
    /// A recorded text, with what this run has of its own.
    fn own(&self, prompt_id: &str, text: &str) -> String {
        let text = text.replace(&self.recorded.prompt_id, prompt_id);
        if self.folder.is_empty() {
            return text;
        }
        text.replace("\"subfolder\": \"rec", &format!("\"subfolder\": \"{}/rec", self.folder))
    }

    fn messages(&self, prompt_id: &str, fault: ComfyFault) -> Vec<ComfyMessage> {
        let own = |message: &ComfyMessage| match message {
            ComfyMessage::Text(text) => ComfyMessage::Text(self.own(prompt_id, text)),
            ComfyMessage::Binary(frame) => ComfyMessage::Binary(replaced(
                frame,
                self.recorded.prompt_id.as_bytes(),
                prompt_id.as_bytes(),
            )),
        };
        let mut messages: Vec<_> = self.recorded.messages.iter().map(own).collect();
        match fault {
            ComfyFault::Double => {
                let twice = messages.into_iter().flat_map(|message| [message.clone(), message]);
                messages = twice.collect();
            }
            ComfyFault::Reorder => messages.chunks_exact_mut(2).for_each(<[_]>::reverse),
            _ => {}
        }
        messages
    }
}

fn is_end(message: &ComfyMessage) -> bool {
    matches!(message, ComfyMessage::Text(text) if text.starts_with("{\"type\": \"executing\", \"data\": {\"node\": null"))
}

/// Two ids have the same length.
fn replaced(frame: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if let Some(at) = frame.windows(from.len()).position(|window| window == from)
        && from.len() == to.len()
    {
        frame[at..at + to.len()].copy_from_slice(to);
    }
    frame
}

fn renamed(name: &str) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    format!("{stem} (1).{ending}")
}

/// Whether a prompt is the recorded one but for the names that a run has of its own: then the folder that it
/// saves to.
fn folder(recorded: &Value, sent: &Value) -> Option<String> {
    let mut folder = String::new();
    is_same(recorded, sent, "", &mut folder).then_some(folder)
}

fn is_same(recorded: &Value, sent: &Value, key: &str, folder: &mut String) -> bool {
    match (recorded, sent) {
        (Value::String(recorded), Value::String(sent)) => {
            if key == "filename_prefix"
                && let Some(own) = sent.strip_suffix(recorded.as_str()).and_then(|own| own.strip_suffix('/'))
            {
                let is_one = folder.is_empty() || folder == own;
                own.clone_into(folder);
                return is_one;
            }
            let placed = sent.split_once('_').filter(|(digest, _)| digest.len() == 16);
            let is_placed = |name: &str| name.replacen(" (1).", ".", 1) == recorded.replace('/', "_");
            recorded == sent || placed.is_some_and(|(_, name)| is_placed(name))
        }
        (Value::Array(recorded), Value::Array(sent)) => {
            let mut pairs = recorded.iter().zip(sent);
            recorded.len() == sent.len() && pairs.all(|(recorded, sent)| is_same(recorded, sent, key, folder))
        }
        (Value::Object(recorded), Value::Object(sent)) => {
            recorded.len() == sent.len()
                && recorded
                    .iter()
                    .all(|(key, value)| sent.get(key).is_some_and(|sent| is_same(value, sent, key, folder)))
        }
        (recorded, sent) => recorded == sent,
    }
}
