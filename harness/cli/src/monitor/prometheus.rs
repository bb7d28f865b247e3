//! The HTTP API of Prometheus (version 1, `/api/v1/query`), as much of it as is asked here.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde::Deserialize;

use super::counters::Counter;
use crate::http;

/// A Prometheus in the network of the calling thread.
pub(super) struct Prometheus {
    pub(super) address: SocketAddr,
    /// How long the answer to one question may take.
    pub(super) patience: Duration,
}

/// An answer: `data` where it succeeded, `error` where not.
#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Series>,
}

/// A series with its value now, or with its values over a range. Values stand in text after their time.
#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    metric: Metric,
    value: Option<(f64, String)>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

#[derive(Default, Deserialize)]
struct Metric {
    server: Option<String>,
}

impl Prometheus {
    /// The value of an expression that has one now.
    pub(super) fn value(&self, expression: &str) -> anyhow::Result<Option<f64>> {
        let series = self.query(expression)?.into_iter().next();
        series.and_then(|series| series.value).map(|(_, value)| number(&value)).transpose()
    }

    /// What was seen of each of the counters that `selector` selects in the time `back` from now: the samples
    /// themselves, since a function such as `increase` would already have extrapolated.
    pub(super) fn range(&self, selector: &str, back: Duration) -> anyhow::Result<Vec<Counter>> {
        let series = self.query(&format!("{selector}[{}s]", back.as_secs() + 1))?;
        series.into_iter().map(counter).collect()
    }

    fn query(&self, expression: &str) -> anyhow::Result<Vec<Series>> {
        let body = self.get(&format!("/api/v1/query?query={}", encoded(expression)))?;
        let asked = || format!("Prometheus was asked for {expression}");
        let answer: Answer = serde_json::from_slice(&body)
            .with_context(|| {
                format!("not an answer: {}", String::from_utf8_lossy(&body[..body.len().min(200)]))
            })
            .with_context(asked)?;
        match answer {
            Answer { data: Some(data), .. } => Ok(data.result),
            Answer { error, .. } => {
                Err(anyhow!(error.unwrap_or_else(|| "an answer without data".to_owned()))).with_context(asked)
            }
        }
    }

    /// The body of an answer, whatever its status: Prometheus tells its errors in the body.
    fn get(&self, target: &str) -> anyhow::Result<Vec<u8>> {
        let (_, body) = http::ask(self.address, "GET", target, "", self.patience)
            .with_context(|| format!("GET http://{}{target}", self.address))?;
        Ok(body)
    }
}

fn counter(series: Series) -> anyhow::Result<Counter> {
    let server = series.metric.server.context("a counter without the label `server`")?;
    let seen = series.values.into_iter().map(|(at_s, value)| Ok((at_s, number(&value)?)));
    Ok(Counter { server, seen: seen.collect::<anyhow::Result<_>>()? })
}

fn number(text: &str) -> anyhow::Result<f64> {
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| anyhow!("`{text}` is no number"))
}

/// `text` within the query of an address (RFC 3986, section 2).
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread::{self, JoinHandle};

    const MATRIX: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
        {"metric":{"server":"server1","code":"2xx"},"values":[[1795604112.301,"0"],[1795604113.301,"15"]]},
        {"metric":{"server":"server2","code":"2xx"},"values":[[1795604113.301,"7"]]}]}}"#;

    /// A server that answers one question; what it was asked is what it ends with.
    fn answering(status: &'static str, body: &'static str) -> (Prometheus, JoinHandle<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = Vec::new();
            while !question.ends_with(b"\r\n\r\n") {
                let mut byte = [0u8];
                stream.read_exact(&mut byte).unwrap();
                question.push(byte[0]);
            }
            write!(stream, "HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n{body}").unwrap();
            String::from_utf8(question).unwrap()
        });
        (Prometheus { address, patience: Duration::from_secs(20) }, server)
    }

    #[test]
    fn the_samples_of_a_range_are_asked_for_and_read() {
        let (prometheus, server) = answering("200 OK", MATRIX);
        let counters = prometheus.range("a{b=\"c\"}", Duration::from_millis(2500)).unwrap();
        assert_eq!(counters[0].server, "server1");
        assert_eq!(counters[0].seen, [(1795604112.301, 0.0), (1795604113.301, 15.0)]);
        assert_eq!(counters[1].seen, [(1795604113.301, 7.0)]);
        let asked = server.join().unwrap();
        assert!(
            asked.starts_with("GET /api/v1/query?query=a%7Bb%3D%22c%22%7D%5B3s%5D HTTP/1.0\r\n"),
            "{asked}"
        );
    }

    #[test]
    fn the_value_of_an_expression_is_there_or_not() {
        let (prometheus, _) = answering(
            "200 OK",
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[17.5,"16.25"]}]}}"#,
        );
        assert_eq!(prometheus.value("x").unwrap(), Some(16.25));
        let (prometheus, _) =
            answering("200 OK", r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#);
        assert_eq!(prometheus.value("x").unwrap(), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |status, body| {
            let (prometheus, _) = answering(status, body);
            format!("{:#}", prometheus.range("x", Duration::from_secs(1)).unwrap_err())
        };
        let refused = error("422 Unprocessable Entity", r#"{"status":"error","error":"too many samples"}"#);
        assert!(refused.contains("x[2s]") && refused.contains("too many samples"), "{refused}");
        assert!(error("200 OK", "<html>").contains("not an answer: <html>"));
        let unlabelled = r#"{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2"]]}]}}"#;
        assert!(error("200 OK", unlabelled).contains("without the label `server`"));
        let no_number =
            r#"{"status":"success","data":{"result":[{"metric":{"server":"a"},"values":[[1,"NaN"]]}]}}"#;
        assert!(error("200 OK", no_number).contains("`NaN` is no number"));
    }

    #[test]
    fn who_does_not_answer_is_given_up() {
        // A listener that nobody accepts from: the connection is made, an answer never comes.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let silent =
            Prometheus { address: listener.local_addr().unwrap(), patience: Duration::from_millis(50) };
        let error = format!("{:#}", silent.value("x").unwrap_err());
        assert!(error.contains("no whole answer within 50ms"), "{error}");
        drop(listener);
        let error = format!("{:#}", silent.value("x").unwrap_err());
        assert!(error.contains("refused"), "{error}");
    }
}
