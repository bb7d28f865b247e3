//! The state of a load for Prometheus to scrape while it goes on: OpenMetrics 1.0 over HTTP.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use load::{Detail, Kind, Live, Snapshot};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::failure::{Code, Failure, OrFail};

/// What OpenMetrics 1.0 calls its text format.
const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bounds of the latency histogram, in seconds: those that Prometheus' own clients use, and a few on each side.
const BUCKETS_S: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Bound, in the network that this process began in. Nobody is answered before [`Listening::serve`].
pub(crate) struct Listening(std::net::TcpListener);

/// Answers until it is dropped.
pub(crate) struct Serving {
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

/// Binds `address`; port 0 takes any, and what was taken is said.
pub(crate) fn listen(address: SocketAddr) -> Result<Listening, Failure> {
    let bound = std::net::TcpListener::bind(address).and_then(|socket| {
        socket.set_nonblocking(true)?;
        let taken = socket.local_addr()?;
        Ok((socket, taken))
    });
    let (socket, taken) = bound
        .map_err(|error| anyhow::anyhow!("--metrics {address}: cannot listen there: {error}"))
        .or_fail(Code::Environment)?;
    eprintln!("metrics at http://{taken}/metrics");
    Ok(Listening(socket))
}

impl Listening {
    /// Answers what `live` knows, on a thread of its own. `requests` are the scenario's names in order.
    pub(crate) fn serve(&self, live: &Arc<Live>, requests: Vec<String>) -> Result<Serving, Failure> {
        let socket = self.0.try_clone().or_fail(Code::Environment)?;
        let (live, stop) = (Arc::clone(live), Arc::new(Notify::new()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().or_fail(Code::Bug)?;
        let asked = Arc::clone(&stop);
        let thread = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            let requests: Arc<[String]> = requests.into();
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(socket) else { return };
                tokio::select! {
                    () = asked.notified() => {}
                    () = accept(listener, live, requests) => {}
                }
            });
        });
        Ok(Serving { stop, thread: Some(thread.or_fail(Code::Environment)?) })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            // A scrape less is no reason to fail.
            let _ = thread.join();
        }
    }
}

/// One connection at a time: a scraper has one, and the load keeps the machine.
async fn accept(listener: TcpListener, live: Arc<Live>, requests: Arc<[String]>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let answer = |request: Request<Incoming>| {
            let response = respond(&request, &live, &requests);
            async move { Ok::<_, Infallible>(response) }
        };
        let connection = http1::Builder::new()
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        // A scraper that goes away is none of ours.
        let _ = connection.await;
    }
}

fn respond(request: &Request<Incoming>, live: &Live, requests: &[String]) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
    } else if request.uri().path() == "/metrics" {
        response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(TYPE));
        *response.body_mut() = Full::from(exposition(&live.snapshot(), &live.detail(), requests));
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        *response.body_mut() = Full::from("the metrics are at /metrics\n");
    }
    response
}

/// The exposition, by the OpenMetrics specification 1.0.0.
fn exposition(now: &Snapshot, detail: &Detail, requests: &[String]) -> String {
    let mut lines = Vec::new();
    lines.push("# TYPE brownout_requests counter".to_owned());
    lines.push(
        "# HELP brownout_requests Arrivals that are settled, by request and by what became of them."
            .to_owned(),
    );
    for (name, tally) in requests.iter().zip(&detail.by_request) {
        for (kind, count) in Kind::ALL.iter().zip(tally) {
            let (name, outcome) = (escape(name), kind.as_str());
            lines
                .push(format!("brownout_requests_total{{request=\"{name}\",outcome=\"{outcome}\"}} {count}"));
        }
    }
    for (name, help, value) in [
        ("brownout_due", "Arrivals that fell due.", now.due),
        ("brownout_sent", "Requests that were sent.", now.sent),
    ] {
        lines.push(format!("# TYPE {name} counter\n# HELP {name} {help}\n{name}_total {value}"));
    }
    if !detail.backends.is_empty() {
        lines.push("# TYPE brownout_answers counter\n# HELP brownout_answers Answers by backend.".to_owned());
        for (name, count) in &detail.backends {
            lines.push(format!("brownout_answers_total{{backend=\"{}\"}} {count}", escape(name)));
        }
    }
    lines.extend(latency(detail));
    for (name, help, unit, value) in [
        ("brownout_offered_rate", "Arrivals per second, of the last second.", "", now.offered_hz),
        ("brownout_throughput_rate", "Answers per second, of the last second.", "", now.throughput_hz),
        ("brownout_goodput_rate", "Good answers per second, of the last second.", "", now.goodput_hz),
        (
            "brownout_send_lag_max_seconds",
            "Longest time from due to sent in the last second.",
            "seconds",
            now.send_lag_us / 1e6,
        ),
        (
            "brownout_generator_limited",
            "1 when the generator and not the target was the limit of the last second: its figures are not the target's.",
            "",
            f64::from(u8::from(now.generator_limited)),
        ),
    ] {
        lines.push(format!("# TYPE {name} gauge"));
        if !unit.is_empty() {
            lines.push(format!("# UNIT {name} {unit}"));
        }
        lines.push(format!("# HELP {name} {help}\n{name} {value}"));
    }
    lines.push("# EOF\n".to_owned());
    lines.join("\n")
}

fn latency(detail: &Detail) -> Vec<String> {
    let name = "brownout_latency_seconds";
    let mut lines = vec![format!(
        "# TYPE {name} histogram\n# UNIT {name} seconds\n# HELP {name} From due to done, failures and unsent arrivals included."
    )];
    let (mut counts, mut sum_us) = ([0u64; BUCKETS_S.len()], 0.0);
    for step in detail.latency.iter_recorded() {
        let (us, count) = (step.value_iterated_to() as f64, step.count_since_last_iteration());
        sum_us += us * count as f64;
        if let Some(bucket) = BUCKETS_S.iter().position(|bound| us <= bound * 1e6 * 1.001) {
            counts[bucket] += count;
        }
    }
    let mut below = 0;
    for (bound, count) in BUCKETS_S.iter().zip(counts) {
        below += count;
        lines.push(format!("{name}_bucket{{le=\"{bound:?}\"}} {below}"));
    }
    let all = detail.latency.len();
    lines
        .push(format!("{name}_bucket{{le=\"+Inf\"}} {all}\n{name}_sum {}\n{name}_count {all}", sum_us / 1e6));
    lines
}

/// A label's value, as the specification escapes it.
fn escape(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exposition_is_what_a_scraper_reads() {
        let mut detail = Detail { by_request: vec![[0; 10]], ..Detail::default() };
        detail.by_request[0][Kind::Good as usize] = 7;
        detail.by_request[0][Kind::TimedOut as usize] = 2;
        detail.backends = vec![("a\"b".to_owned(), 7)];
        detail.latency.record_n(1_000, 7).unwrap();
        detail.latency.record_n(70_000_000, 2).unwrap();
        let now = Snapshot { due: 9, generator_limited: true, ..Snapshot::default() };
        let text = exposition(&now, &detail, &["read".to_owned()]);
        for line in [
            "# TYPE brownout_requests counter",
            "brownout_requests_total{request=\"read\",outcome=\"good\"} 7",
            "brownout_requests_total{request=\"read\",outcome=\"timed_out\"} 2",
            "brownout_due_total 9",
            "brownout_generator_limited 1",
            "brownout_answers_total{backend=\"a\\\"b\"} 7",
            "brownout_latency_seconds_bucket{le=\"0.0005\"} 0",
            "brownout_latency_seconds_bucket{le=\"0.001\"} 7",
            "brownout_latency_seconds_bucket{le=\"60.0\"} 7",
            "brownout_latency_seconds_bucket{le=\"+Inf\"} 9",
            "brownout_latency_seconds_count 9",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n") && !text.contains("\n\n"));
    }
}
