//! The one request of a load without a scenario, on the command line.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use model::{Method, Request, Scenario, Template};

use crate::failure::{Code, Failure, OrFail};

/// The one request of a load without a scenario
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Request")]
pub(crate) struct SingleArgs {
    /// Method of the request
    #[arg(short, long, value_name = "METHOD", conflicts_with_all = ["scenario", "replay"])]
    method: Option<Method>,
    /// Header field of the request, or of every request of a log that is replayed; repeated for more
    #[arg(short = 'H', long, value_name = "NAME: VALUE", conflicts_with = "scenario")]
    header: Vec<String>,
    /// Body of the request, which may hold values as a scenario's does; the message of a WebSocket load
    #[arg(short, long, value_name = "TEXT", conflicts_with_all = ["scenario", "replay", "body_file"])]
    body: Option<String>,
    /// Body of the request from a file, sent as it stands
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenario", "replay"])]
    body_file: Option<PathBuf>,
}

impl SingleArgs {
    /// An option that was given, if there is one.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let options = [
            ("--method", self.method.is_some()),
            ("--header", !self.header.is_empty()),
            ("--body", self.body.is_some()),
            ("--body-file", self.body_file.is_some()),
        ];
        options.iter().find(|(_, given)| *given).map(|(option, _)| *option)
    }

    pub(crate) fn headers(&self) -> Result<Vec<(String, Template)>, Failure> {
        self.header.iter().map(|text| header(text)).collect()
    }

    /// One request of `path`; `message` is the body when none is given.
    pub(crate) fn scenario(&self, path: &str, message: &str) -> Result<Scenario, Failure> {
        let body = match (&self.body, &self.body_file) {
            (Some(text), _) => Template::parse(text).or_fail(Code::Input)?,
            (None, Some(file)) => {
                let bytes = std::fs::read(file)
                    .with_context(|| format!("cannot read the body {}", file.display()))
                    .or_fail(Code::Input)?;
                Template(vec![model::Piece::Bytes(bytes.into())])
            }
            (None, None) => Template::parse(message).or_fail(Code::Input)?,
        };
        let given = if self.body.is_some() || self.body_file.is_some() { Method::Post } else { Method::Get };
        let method = self.method.unwrap_or(given);
        let headers = self.headers()?;
        // A path that is no template is sent as it stands: addresses may hold braces.
        let path = Template::parse(path).unwrap_or_else(|_| Template::fixed(path));
        let write = !matches!(method, Method::Get | Method::Head);
        let name = method.as_str().to_ascii_lowercase();
        let body_file = self.body_file.as_ref().map(|file| file.display().to_string());
        let request = Request {
            name,
            weight: 1.0,
            method,
            path,
            headers,
            body,
            body_file,
            write,
            ..Request::default()
        };
        Ok(Scenario { requests: vec![request], ..Scenario::default() })
    }
}

fn header(text: &str) -> Result<(String, Template), Failure> {
    let wrong = |why: &str| Failure::new(Code::Input, anyhow!("--header '{text}': {why}"));
    let (name, value) = text.split_once(':').ok_or_else(|| wrong("write 'NAME: VALUE'"))?;
    let (name, value) = (name.trim(), value.trim());
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return Err(wrong("that is no name of a header field"));
    }
    if value.contains(['\r', '\n']) {
        return Err(wrong("a value is one line"));
    }
    let own = ["host", "content-length", "connection", "transfer-encoding"];
    if own.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err(wrong("the generator sets this one itself"));
    }
    Ok((name.to_owned(), Template::fixed(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[arg(long)]
        scenario: Option<String>,
        #[arg(long)]
        replay: Option<String>,
        #[command(flatten)]
        single: SingleArgs,
    }

    fn request(args: &[&str]) -> Result<Request, String> {
        let line = Line::try_parse_from([&["x"], args].concat()).map_err(|error| error.to_string())?;
        let scenario = line.single.scenario("/a", "").map_err(|failure| failure.to_string())?;
        Ok(scenario.requests[0].clone())
    }

    #[test]
    fn a_body_makes_it_a_post_unless_a_method_is_given() {
        assert_eq!(request(&[]).unwrap().method, Method::Get);
        let post = request(&["-b", "{{uuid}}", "-H", "X-A: b:c"]).unwrap();
        assert_eq!((post.method, post.body.is_fixed(), post.write), (Method::Post, false, true));
        assert_eq!(post.headers, [("X-A".to_owned(), Template::fixed("b:c"))]);
        assert_eq!(request(&["-m", "put", "-b", "x"]).unwrap().method, Method::Put);
    }

    #[test]
    fn what_is_no_request_is_named() {
        for (args, expected) in [
            (&["-H", "nonsense"][..], "NAME: VALUE"),
            (&["-H", "a b: c"], "no name"),
            (&["-H", "Host: x"], "itself"),
            (&["-m", "BREW"], "BREW"),
            (&["--body-file", "/nowhere/b"], "/nowhere/b"),
            (&["-b", "{{nope}}"], "nope"),
            (&["-b", "x", "--scenario", "s"], "--scenario"),
        ] {
            let error = request(args).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
