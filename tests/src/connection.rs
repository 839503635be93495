//! A connection that is kept, for many requests one after the other.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use crate::http::header;
use crate::wait::PATIENCE;

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    authority: String,
}

impl Connection {
    pub(crate) fn open(base_url: &str) -> io::Result<Self> {
        let authority = base_url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&authority)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), authority })
    }

    /// Asks the API for a path below `/api/v1`, and gives the status and the body of the answer.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str) -> io::Result<(u16, Vec<u8>)> {
        self.fetch(method, &format!("/api/v1{path}"), body)
    }

    /// Sends a request, and gives the status and the body of the answer.
    pub(crate) fn fetch(&mut self, method: &str, path: &str, body: &str) -> io::Result<(u16, Vec<u8>)> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.authority,
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes())?;
        let status = self.line()?.split(' ').nth(1).and_then(|word| word.parse().ok());
        let mut length = 0;
        while let Some((name, value)) = header(&self.line()?) {
            if name == "content-length" {
                length = value.parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status.ok_or(io::ErrorKind::InvalidData)?, body))
    }

    /// Asks for a stream of events; what follows is read line by line.
    pub(crate) fn listen(mut self, path: &str) -> io::Result<Self> {
        let head = format!("GET /api/v1{path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.authority);
        self.stream.get_mut().write_all(head.as_bytes())?;
        let _status = self.line()?;
        while header(&self.line()?).is_some() {}
        Ok(self)
    }

    /// Reads a line.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line)
    }
}
