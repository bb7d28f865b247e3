//! A programmable HTTP server for the tool's own tests: it answers as told, after the time it is told, and remembers what
//! arrived when. It listens on loopback, on a port of its own, and ends when it is dropped.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

/// How the server answers.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// How long every answer takes.
    pub service_time: Duration,
    /// From when to when it answers nothing; what arrived meanwhile is answered at the end of it.
    pub stall: Option<(Instant, Instant)>,
    /// Value of `X-Served-By`.
    pub served_by: Option<String>,
    /// Closes the connection after each answer.
    pub close: bool,
}

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// When.
    pub at: Instant,
    /// "GET /path?query".
    pub request: String,
}

/// A server that runs until it is dropped. The path `/status/NNN` is answered with that status, all others with 200.
pub struct TestServer {
    address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    /// Starts a server.
    ///
    /// # Panics
    ///
    /// When no loopback port can be had: a test cannot go on without it.
    #[must_use]
    pub fn start(behaviour: Behaviour) -> Self {
        let (listener, address) = listen();
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = oneshot::channel();
        let log = Arc::clone(&arrived);
        let thread = thread::spawn(move || serve(listener, &Arc::new(behaviour), &log, stopped));
        Self { address, arrived, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has arrived so far, in order.
    #[must_use]
    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[expect(clippy::expect_used, reason = "a test cannot go on without its server")]
fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    let address = listener.local_addr().expect("the port's number");
    (listener, address)
}

#[expect(clippy::expect_used, reason = "a test cannot go on without its server")]
fn serve(
    listener: TcpListener,
    behaviour: &Arc<Behaviour>,
    log: &Arc<Mutex<Vec<Arrived>>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    listener.set_nonblocking(true).expect("a listener that does not block");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let accept = async {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let _ = stream.set_nodelay(true);
                let (behaviour, log) = (Arc::clone(behaviour), Arc::clone(log));
                tokio::spawn(async move {
                    let service = service_fn(|request| answer(request, &behaviour, &log));
                    // A client that goes away in the middle is a part of some tests.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        };
        tokio::select! {
            () = accept => {}
            _ = stopped => {}
        }
    });
}

async fn answer(
    request: Request<Incoming>,
    behaviour: &Behaviour,
    log: &Mutex<Vec<Arrived>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let at = Instant::now();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let arrived = Arrived { at, request: format!("{} {path}", request.method()) };
    log.lock().unwrap_or_else(PoisonError::into_inner).push(arrived);
    if !behaviour.service_time.is_zero() {
        tokio::time::sleep(behaviour.service_time).await;
    }
    if let Some((_, end)) = behaviour.stall.filter(|(from, to)| (*from..*to).contains(&Instant::now())) {
        tokio::time::sleep_until(end.into()).await;
    }
    let status = path.strip_prefix("/status/").and_then(|code| code.parse::<u16>().ok()).unwrap_or(200);
    let mut response = Response::builder().status(status);
    if let Some(way) = &behaviour.served_by {
        response = response.header("X-Served-By", way);
    }
    if behaviour.close {
        response = response.header("Connection", "close");
    }
    Ok(response.body(Full::new(Bytes::from_static(b"hello"))).unwrap_or_default())
}

/// A server that speaks no good HTTP: for every connection it reads a request, writes `bytes` and closes.
pub struct RawServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RawServer {
    /// Starts a server that answers with `bytes`, or closes without a word when there are none.
    ///
    /// # Panics
    ///
    /// When no loopback port can be had: a test cannot go on without it.
    #[must_use]
    pub fn start(bytes: &'static [u8]) -> Self {
        let (listener, address) = listen();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                thread::spawn(move || respond(stream, bytes));
            }
        });
        Self { address, stop, thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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

fn respond(mut stream: TcpStream, bytes: &[u8]) {
    let mut request = Vec::new();
    let mut buffer = [0u8; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    // The client may be gone.
    let _ = stream.write_all(bytes);
}
