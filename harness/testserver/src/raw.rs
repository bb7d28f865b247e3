//! A server that knows nothing of HTTP and answers as bad servers do.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt;

use crate::listen;

/// What a connection gets before it is closed.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// The request is read, then this is written.
    Bytes(&'static [u8]),
    /// The request is read, then this is written byte by byte with this pause between them.
    Drip(&'static [u8], Duration),
    /// The request is read, then this is written in two parts with this pause between them: after the first byte for the
    /// first request, after the second for the next, and so on around.
    Split(&'static [u8], Duration),
    /// The request is read, this is written and nothing more will be; the other direction stays open until the client
    /// closes it.
    HalfClose(&'static [u8]),
    /// The request is read, this is written, and the connection is reset.
    Abort(&'static [u8]),
    /// Nothing is read and nothing is written: the connection is reset when a request has come.
    Reset,
    /// It is closed as soon as it is accepted.
    Close,
}

/// A server that runs until it is dropped.
pub struct RawServer {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RawServer {
    /// Starts a server that gives every connection this answer.
    ///
    /// # Panics
    ///
    /// When no loopback port can be had: a test cannot go on without it.
    #[must_use]
    pub fn start(answer: Answer) -> Self {
        let (listener, address) = listen();
        let stop = Arc::new(AtomicBool::new(false));
        let accepted = Arc::new(AtomicUsize::new(0));
        let (stopped, counter) = (Arc::clone(&stop), Arc::clone(&accepted));
        let requests = Arc::new(AtomicUsize::new(0));
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                counter.fetch_add(1, Ordering::Relaxed);
                let requests = Arc::clone(&requests);
                thread::spawn(move || respond(stream, answer, &requests));
            }
        });
        Self { address, accepted, stop, thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Errors are of no interest: the client may be gone at any time.
fn respond(mut stream: TcpStream, answer: Answer, requests: &AtomicUsize) {
    let _ = stream.set_nodelay(true);
    match answer {
        Answer::Close => {}
        Answer::Reset => {
            // A close with unread bytes is a reset.
            let _ = stream.peek(&mut [0]);
        }
        Answer::Bytes(bytes) => {
            if read_request(&mut stream) {
                let _ = stream.write_all(bytes);
            }
        }
        Answer::Drip(bytes, pause) => {
            if !read_request(&mut stream) {
                return;
            }
            for byte in bytes.chunks(1) {
                if stream.write_all(byte).is_err() {
                    return;
                }
                thread::sleep(pause);
            }
        }
        Answer::Split(bytes, pause) => {
            if read_request(&mut stream) {
                let place = requests.fetch_add(1, Ordering::Relaxed) % (bytes.len() - 1) + 1;
                let (first, second) = bytes.split_at(place);
                let _ = stream.write_all(first);
                thread::sleep(pause);
                let _ = stream.write_all(second);
            }
        }
        Answer::HalfClose(bytes) => {
            if read_request(&mut stream) {
                let _ = stream.write_all(bytes);
                let _ = stream.shutdown(Shutdown::Write);
                while stream.read(&mut [0; 1024]).is_ok_and(|read| read > 0) {}
            }
        }
        Answer::Abort(bytes) => {
            if read_request(&mut stream) {
                let _ = stream.write_all(bytes);
                // A close that does not linger is a reset.
                let _ = sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
            }
        }
    }
}

/// Reads to the end of a request's head; `false` when it does not come.
fn read_request(stream: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    let mut buffer = [0u8; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return false,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    true
}
