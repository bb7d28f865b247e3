//! One request of a scenario, or one step of a session: they are written alike.

use std::ops::Range;
use std::sync::Arc;

use model::{Credential, Method, Objective, Piece, Request, Scenario, Table, Template};
use toml::Spanned;

use super::file::FileRequest;
use super::{Surroundings, Wrong, credential};

/// Header fields that the generator sets itself.
const OWN: [&str; 4] = ["host", "content-length", "connection", "transfer-encoding"];

/// What all requests of a file have in common.
pub(super) struct Context<'a> {
    pub(super) credential: Option<&'a Credential>,
    pub(super) surroundings: &'a Surroundings<'a>,
}

/// A weight, which is 1 when it is not given.
pub(super) fn weight(read: Option<&Spanned<f64>>) -> Result<f64, Wrong> {
    let Some(weight) = read else { return Ok(1.0) };
    if *weight.get_ref() > 0.0 && weight.get_ref().is_finite() {
        return Ok(*weight.get_ref());
    }
    Err(Wrong::new(weight.span(), format!("weight = {}: use a number above 0", weight.get_ref())))
}

/// Refuses what only a session's step has.
pub(super) fn no_step(read: &FileRequest) -> Result<(), Wrong> {
    let span = read.think.as_ref().map(|think| (think.span(), "think"));
    match span.or(read.capture.as_ref().map(|capture| (capture.span(), "capture"))) {
        Some((span, key)) => {
            Err(Wrong::new(span, format!("{key}: only the [[session.step]] of a session has one")))
        }
        None => Ok(()),
    }
}

/// Reads a request and adds it to `scenario`. `captured` are the names that earlier steps of its session have captured.
pub(super) fn read(
    read: &FileRequest,
    weight: f64,
    captured: &[&str],
    context: &Context<'_>,
    scenario: &mut Scenario,
) -> Result<usize, Wrong> {
    let name = read.name.get_ref().clone();
    if name.is_empty() || scenario.requests.iter().any(|other| other.name == name) {
        let message = format!("name = \"{name}\": every request and step has a name of its own");
        return Err(Wrong::new(read.name.span(), message));
    }
    let known = Known { tables: &scenario.tables, captured };
    let method: Method = match &read.method {
        Some(method) => method.get_ref().parse().map_err(|why: String| Wrong::new(method.span(), why))?,
        None => Method::Get,
    };
    let (body, body_file) = body(read, &known, context.surroundings)?;
    let credential = match &read.auth {
        Some(auth) => Some(credential::read(auth, context.surroundings)?),
        None => context.credential.cloned(),
    };
    let request = Request {
        weight,
        method,
        path: path(&read.path, &known)?,
        headers: headers(read, &known, credential.is_some())?,
        credential,
        body,
        body_file,
        write: read.write.unwrap_or(!matches!(method, Method::Get | Method::Head)),
        name,
    };
    let objectives = objectives(read)?;
    scenario.objectives.extend(objectives);
    scenario.requests.push(request);
    Ok(scenario.requests.len() - 1)
}

/// What templates may name beside sequence, uuid and random.
struct Known<'a> {
    tables: &'a [Arc<Table>],
    captured: &'a [&'a str],
}

impl Known<'_> {
    fn template(&self, text: &str, span: Range<usize>) -> Result<Template, Wrong> {
        Template::parse_with(text, |name| self.piece(name)).map_err(|why| Wrong::new(span, why.to_string()))
    }

    fn piece(&self, name: &str) -> Result<Piece, String> {
        if let Some((table, column)) = name.split_once('.')
            && let Some(known) = self.tables.iter().find(|known| known.name == table)
        {
            if known.columns().iter().any(|other| other == column) {
                return Ok(Piece::Column { table: table.to_owned(), column: column.to_owned() });
            }
            return Err(format!(", or a column of {table}: {}", known.columns().join(", ")));
        }
        if self.captured.contains(&name) {
            return Ok(Piece::Captured(name.to_owned()));
        }
        let mut others = String::new();
        if !self.tables.is_empty() {
            let tables: Vec<&str> = self.tables.iter().map(|table| table.name.as_str()).collect();
            others.push_str(&format!(", a column of {}", tables.join(" or ")));
        }
        if !self.captured.is_empty() {
            others.push_str(&format!(", or what an earlier step captured: {}", self.captured.join(", ")));
        }
        Err(others)
    }
}

fn path(read: &Spanned<String>, known: &Known<'_>) -> Result<Template, Wrong> {
    let written = read.get_ref();
    let template = known.template(written, read.span())?;
    let begins = written.starts_with('/');
    // Blanks stand within the braces of values and nowhere else.
    let plain = template.0.iter().all(|piece| match piece {
        Piece::Text(text) => !text.chars().any(|c| c.is_ascii_control() || c == ' '),
        _ => true,
    });
    if !begins || !plain {
        let why = if begins { "a path has no blanks; write %20" } else { "a path begins with /" };
        return Err(Wrong::new(read.span(), format!("path = \"{}\": {why}", written.escape_debug())));
    }
    Ok(template)
}

fn headers(
    read: &FileRequest,
    known: &Known<'_>,
    authorized: bool,
) -> Result<Vec<(String, Template)>, Wrong> {
    let mut headers = Vec::new();
    for (name, value) in &read.headers.0 {
        let wrong =
            |why: &str| Wrong::new(name.span(), format!("headers.{}: {why}", name.get_ref().escape_debug()));
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.get_ref().is_empty() || !name.get_ref().chars().all(token) {
            return Err(wrong("that is no name of a header field"));
        }
        if OWN.iter().any(|own| name.get_ref().eq_ignore_ascii_case(own)) {
            return Err(wrong("the generator sets this one itself"));
        }
        if authorized && name.get_ref().eq_ignore_ascii_case("authorization") {
            return Err(wrong("the credential of `auth` sets this one; use one or the other"));
        }
        if value.get_ref().chars().any(|c| c.is_ascii_control() && c != '\t') {
            return Err(wrong("use one line of text"));
        }
        headers.push((name.get_ref().clone(), known.template(value.get_ref(), value.span())?));
    }
    Ok(headers)
}

fn body(
    read: &FileRequest,
    known: &Known<'_>,
    surroundings: &Surroundings<'_>,
) -> Result<(Template, Option<String>), Wrong> {
    if let (None, Some(templated)) = (&read.body_file, &read.templated) {
        return Err(Wrong::new(
            templated.span(),
            "templated: it says how body_file is read, and there is none",
        ));
    }
    let file = match (&read.body, &read.body_file) {
        (Some(_), Some(file)) => {
            return Err(Wrong::new(file.span(), "body_file: there is a body as well; use one of them"));
        }
        (Some(text), None) => return Ok((known.template(text.get_ref(), text.span())?, None)),
        (None, None) => return Ok((Template::default(), None)),
        (None, Some(file)) => file,
    };
    let name = file.get_ref();
    let wrong =
        |why: String| Wrong::new(file.span(), format!("body_file = \"{}\": {why}", name.escape_debug()));
    let bytes = (surroundings.read)(name).map_err(|error| wrong(format!("cannot read it: {error}")))?;
    let template = if read.templated.as_ref().is_some_and(|templated| *templated.get_ref()) {
        let text = String::from_utf8(bytes).map_err(|_| wrong("a template is text in UTF-8".to_owned()))?;
        Template::parse_with(&text, |name| known.piece(name)).map_err(|why| wrong(why.to_string()))?
    } else if bytes.is_empty() {
        Template::default()
    } else {
        Template(vec![Piece::Bytes(bytes.into())])
    };
    Ok((template, Some(name.clone())))
}

fn objectives(read: &FileRequest) -> Result<Vec<Objective>, Wrong> {
    let of_request = |text: &Spanned<String>| {
        let objective: Objective =
            text.get_ref().parse().map_err(|why| Wrong::new(text.span(), format!("objectives: {why}")))?;
        if objective.request.is_some() {
            let why = "objectives: leave the name out: here they are about this request";
            return Err(Wrong::new(text.span(), why));
        }
        Ok(Objective { request: Some(read.name.get_ref().clone()), ..objective })
    };
    read.objectives.iter().map(of_request).collect()
}
