//! A server that speaks HTTP/1.1 and HTTP/2 by the book, over TLS too, on hyper.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request as HyperRequest, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::listen;

/// How the server answers.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// How long every answer takes.
    pub service_time: Duration,
    /// From when to when it answers nothing; what is ready meanwhile is answered at the end of it.
    pub stall: Option<(Instant, Instant)>,
    /// Value of `X-Served-By`.
    pub served_by: Option<String>,
    /// Closes the connection after each answer, and says so.
    pub close: bool,
    /// Speaks TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

/// A request that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// When its head had been read.
    pub arrived: Instant,
    /// When it was answered; `None` when it has not been.
    pub answered: Option<Instant>,
    /// "GET /path?query".
    pub line: String,
}

/// A server that runs until it is dropped. The path `/status/NNN` is answered with that status, all others with 200.
pub struct TestServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    behaviour: Behaviour,
    requests: Mutex<Vec<Request>>,
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
        Self::serve_on(listener, address, behaviour)
    }

    /// Starts a server on an address that nobody listens on (yet), as when a dead one comes back.
    ///
    /// # Errors
    ///
    /// When the address is taken.
    pub fn start_at(address: SocketAddr, behaviour: Behaviour) -> std::io::Result<Self> {
        Ok(Self::serve_on(TcpListener::bind(address)?, address, behaviour))
    }

    fn serve_on(listener: TcpListener, address: SocketAddr, behaviour: Behaviour) -> Self {
        let shared = Arc::new(Shared { behaviour, requests: Mutex::default() });
        let (stop, stopped) = oneshot::channel();
        let to_serve = Arc::clone(&shared);
        let thread = thread::spawn(move || serve(listener, &to_serve, stopped));
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has arrived so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests have arrived so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).len()
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
fn serve(listener: TcpListener, shared: &Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    listener.set_nonblocking(true).expect("a listener that does not block");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let accept = async {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let _ = stream.set_nodelay(true);
                let shared = Arc::clone(shared);
                tokio::spawn(converse(stream, shared));
            }
        };
        tokio::select! {
            () = accept => {}
            _ = stopped => {}
        }
    });
}

/// A client that goes away in the middle, or does not like the certificate, is a part of some tests.
async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let tls = shared.behaviour.tls.clone();
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { answer(request, &shared).await }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    match tls {
        None => {
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        }
        Some(tls) => {
            let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else { return };
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        }
    }
}

async fn answer(
    request: HyperRequest<Incoming>,
    shared: &Shared,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let behaviour = &shared.behaviour;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let number = {
        let line = format!("{} {path}", request.method());
        let mut requests = shared.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(Request { arrived: Instant::now(), answered: None, line });
        requests.len() - 1
    };
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
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner)[number].answered = Some(Instant::now());
    Ok(response.body(Full::new(Bytes::from_static(b"hello"))).unwrap_or_default())
}
