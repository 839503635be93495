//! The sockets of a fake ComfyUI.

use std::io::{self, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};

use serde_json::{Value, json};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use super::multipart;
use super::recording::ComfyMessage;
use super::state::{State, Submission};
use crate::host::{Received, read_request};
use crate::wait::PATIENCE;

/// What a client says first on its WebSocket.
const FEATURES: &str = r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#;

pub(super) fn serve(stream: TcpStream, state: &Arc<State>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let request = read_request(&mut reader)?;
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        if request.header("origin").is_some() || request.header("sec-fetch-site").is_some() {
            state.complain("a browser's header: ComfyUI answers 403");
        }
        let fails = state.note(format!("{} {path}", request.method), &path);
        if path == "/ws" && !fails {
            return listen(reader.into_inner(), &request, &query, state);
        }
        let trouble = || (500, b"500 Internal Server Error\n\nServer got itself in trouble".to_vec());
        let answered = if fails {
            Some(trouble())
        } else if state.is_too_large(&path) {
            Some((413, b"413: Request Entity Too Large".to_vec()))
        } else {
            respond(&request, &path, &query, state)
        };
        let Some((status, body)) = answered else { return Ok(()) };
        answer(reader.get_mut(), status, &body, request.is_kept)?;
        if !request.is_kept {
            return Ok(());
        }
    }
}

/// What is answered; nothing where the connection breaks instead.
fn respond(request: &Received, path: &str, query: &str, state: &Arc<State>) -> Option<(u16, Vec<u8>)> {
    let document = |value: &Value| Some((200, value.to_string().into_bytes()));
    let nothing = Some((200, Vec::new()));
    match (request.method.as_str(), path) {
        ("GET", "/system_stats") => document(&json!({
            "system": {"os": "posix", "comfyui_version": "0.3.75", "ram_total": 1},
            "devices": [{"name": "cpu", "type": "cpu", "index": null, "vram_total": 1, "vram_free": 1}]
        })),
        ("GET", "/object_info") => Some((200, state.definitions.clone().into_bytes())),
        ("GET", "/queue") => document(&state.queue()),
        ("POST", "/queue") => {
            if let Some(id) = request.json()["delete"][0].as_str() {
                state.delete(id);
            }
            nothing
        }
        ("POST", "/free" | "/history") => nothing,
        ("POST", "/interrupt") => {
            state.interrupt(request.json()["prompt_id"].as_str());
            nothing
        }
        ("POST", "/prompt") => match state.submit(&request.json()) {
            Submission::Answer(status, text) => Some((status, text.into_bytes())),
            Submission::Lost => None,
        },
        ("POST", "/upload/image") => match upload(request, state) {
            Some(stored) => document(&stored),
            None => Some((400, Vec::new())),
        },
        ("GET", "/view") => {
            let part = |name: &str| parameter(query, name);
            let file = state.view(&part("filename"), &part("subfolder"));
            file.filter(|_| part("type") == "output")
                .map_or(Some((404, Vec::new())), |file| Some((200, file)))
        }
        ("GET", _) if path.starts_with("/history/") => {
            let id = path.trim_start_matches("/history/");
            Some((200, state.history(id).into_bytes()))
        }
        _ => {
            state.complain(format!("there is no {} {path}", request.method));
            Some((404, Vec::new()))
        }
    }
}

fn upload(request: &Received, state: &State) -> Option<Value> {
    let fields = multipart::fields(request)?;
    let text = |name: &str| {
        let field = fields.iter().find(|(field, ..)| field == name);
        field.map(|(.., bytes)| String::from_utf8_lossy(bytes).into_owned())
    };
    let (_, name, bytes) = fields.iter().find(|(field, ..)| field == "image")?;
    let subfolder = text("subfolder").unwrap_or_default();
    if text("type").as_deref() != Some("input") {
        state.complain("an upload to another folder than input");
    }
    let name = name.as_deref()?;
    let whole = if subfolder.is_empty() { name.to_owned() } else { format!("{subfolder}/{name}") };
    let stored = state.upload(&whole, bytes.clone());
    let stored = stored.rsplit('/').next()?;
    Some(json!({"name": stored, "subfolder": subfolder, "type": "input"}))
}

/// A part of a query, decoded.
fn parameter(query: &str, name: &str) -> String {
    let value = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    let mut bytes = Vec::new();
    let mut rest = value.map(|(_, value)| value).unwrap_or_default().bytes();
    while let Some(byte) = rest.next() {
        let digits =
            |first: u8, second: u8| u8::from_str_radix(&format!("{}{}", first as char, second as char), 16);
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                digits(rest.next().unwrap_or_default(), rest.next().unwrap_or_default()).unwrap_or_default()
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn answer(stream: &mut TcpStream, status: u16, body: &[u8], is_kept: bool) -> io::Result<()> {
    let connection = if is_kept { "keep-alive" } else { "close" };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} Answer\r\nconnection: {connection}\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat())
}

/// A WebSocket: what is told to its client goes out, until nobody tells anything any more.
fn listen(mut stream: TcpStream, request: &Received, query: &str, state: &State) -> io::Result<()> {
    if !state.has_sockets() {
        return answer(&mut stream, 404, b"", false);
    }
    let key = request.header("sec-websocket-key").unwrap_or_default();
    let accept = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    match socket.read() {
        Ok(Message::Text(text)) if text.as_str() == FEATURES => {}
        other => state.complain(format!("the first message is {other:?}")),
    }
    let (sender, receiver) = mpsc::channel();
    state.listen(parameter(query, "clientId"), sender);
    for message in receiver {
        let message = match message {
            ComfyMessage::Text(text) => Message::text(text),
            ComfyMessage::Binary(frame) => Message::binary(frame),
        };
        if socket.send(message).is_err() {
            break;
        }
    }
    Ok(())
}
