//! Who is told when a design's own monitoring finds something wrong: a listener for the webhook of Alertmanager
//! (`webhook_config`, payload version 4), on the node of the monitor. What it is told becomes events on the run's clock.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use model::{Event, Reach, Sink, What};
use serde::Deserialize;

use crate::design::Design;
use crate::lab::UpError;
use crate::network::namespace_path;

/// The part whose webhook is listened to.
const PART: &str = "alertmanager";
/// Where it is listened to unless a setting says otherwise.
const WEBHOOK_PORT: u16 = 9099;
/// Alertmanager sends at once; only a stuck one takes this long.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than any number of alerts that a lab can raise.
const LARGEST: u64 = 1 << 20;

/// Listens on every node that runs an Alertmanager, for as long as the process lives.
pub(crate) fn listen(design: &Design, sink: &Arc<dyn Sink>) -> Result<(), UpError> {
    let nodes = design.topology.nodes.iter();
    for node in nodes.filter(|node| node.parts.iter().any(|plan| plan.part == PART)) {
        let error = |source| UpError::Alerts { node: node.name.clone(), source };
        let reach = Reach::Namespace { net: namespace_path(&node.name), cgroup_procs: Vec::new() };
        let port = design.port(&node.name, PART, "webhook_port").unwrap_or(WEBHOOK_PORT);
        // A socket stays in the network that it was made in.
        let listener = reach::within(&reach, || TcpListener::bind((Ipv4Addr::LOCALHOST, port)))
            .map_err(|failed| error(io::Error::other(failed)))?
            .map_err(error)?;
        let sink = Arc::clone(sink);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // One that says something else is no reason to stop listening.
                let _ = receive(connection, sink.as_ref());
            }
        });
    }
    Ok(())
}

/// The part of the payload that is of use here.
#[derive(Deserialize)]
struct Payload {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    status: String,
    labels: Labels,
}

#[derive(Deserialize)]
struct Labels {
    alertname: String,
    node: Option<String>,
    server: Option<String>,
}

fn receive(connection: TcpStream, sink: &dyn Sink) -> io::Result<()> {
    take_post(connection, |body| {
        let payload: Payload = serde_json::from_slice(&body)?;
        payload
            .alerts
            .into_iter()
            .for_each(|alert| sink.emit(Event { at: Instant::now(), what: told(alert) }));
        Ok(())
    })
}

/// Reads one request to the end of its body, gives the body to `keep` and only then answers it with 200: who has the
/// answer may look for what it sent. The sender closes or begins anew, as a connection carries one request.
///
/// # Errors
///
/// When the request does not come to its end within two seconds of silence, or `keep` refuses it.
pub fn take_post(mut connection: TcpStream, keep: impl FnOnce(Vec<u8>) -> io::Result<()>) -> io::Result<()> {
    connection.set_nonblocking(false)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(&connection).take(LARGEST);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    keep(body)?;
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn told(alert: Alert) -> What {
    What::AlertReceived {
        alert: alert.labels.alertname,
        about: alert.labels.node.or(alert.labels.server),
        firing: alert.status == "firing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_webhook_call_becomes_an_event_for_each_alert() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let sender = thread::spawn(move || {
            let body = r#"{"version":"4","alerts":[
                {"status":"firing","labels":{"alertname":"DatabaseDown","node":"db1","job":"mysqld"}},
                {"status":"resolved","labels":{"alertname":"ErrorsServed"}}]}"#;
            let mut stream = TcpStream::connect(address).unwrap();
            write!(
                stream,
                "POST /alerts HTTP/1.1\r\nHost: x\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let words = Mutex::new(Vec::new());
        let sink = |event: Event| match event.what {
            What::AlertReceived { alert, about, firing } => {
                words.lock().unwrap().push((alert, about, firing));
            }
            other => panic!("{other:?}"),
        };
        receive(listener.accept().unwrap().0, &sink).unwrap();
        assert!(sender.join().unwrap().starts_with("HTTP/1.1 200"));
        assert_eq!(
            *words.lock().unwrap(),
            [("DatabaseDown".into(), Some("db1".into()), true), ("ErrorsServed".into(), None, false)]
        );
    }
}
