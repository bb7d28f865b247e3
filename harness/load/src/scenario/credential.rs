//! `auth`: who asks. The secret itself comes from the environment or from a file and never stands in the scenario.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Credential, Secret};
use toml::Spanned;

use super::file::FileAuth;
use super::{Surroundings, Wrong};

/// Reads an `auth` table.
pub(super) fn read(auth: &Spanned<FileAuth>, surroundings: &Surroundings<'_>) -> Result<Credential, Wrong> {
    match (&auth.get_ref().basic, &auth.get_ref().bearer) {
        (Some(basic), None) => {
            let read = basic.get_ref();
            let user = read.user.get_ref();
            // RFC 7617, section 2: the first colon ends the user's name.
            if user.contains(':') || user.chars().any(char::is_control) {
                return Err(Wrong::new(read.user.span(), "auth.basic.user: a user's name has no colon"));
            }
            let secret = Source { kind: "basic", env: &read.env, file: &read.file, span: basic.span() };
            let (password, place) = secret.read(surroundings)?;
            let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            Ok(Credential { source: format!("basic, the password {place}"), value: Secret::new(value) })
        }
        (None, Some(bearer)) => {
            let read = bearer.get_ref();
            let secret = Source { kind: "bearer", env: &read.env, file: &read.file, span: bearer.span() };
            let (token, place) = secret.read(surroundings)?;
            let value = format!("Bearer {token}");
            Ok(Credential { source: format!("bearer, the token {place}"), value: Secret::new(value) })
        }
        _ => Err(Wrong::new(auth.span(), "auth: use one of basic and bearer")),
    }
}

/// Where a secret is.
struct Source<'a> {
    kind: &'static str,
    env: &'a Option<Spanned<String>>,
    file: &'a Option<Spanned<String>>,
    span: std::ops::Range<usize>,
}

impl Source<'_> {
    /// The secret, and in words where it was. No message names the secret itself.
    fn read(&self, surroundings: &Surroundings<'_>) -> Result<(String, String), Wrong> {
        let kind = self.kind;
        let (text, place, span) = match (self.env, self.file) {
            (Some(name), None) => {
                let variable = name.get_ref();
                let value = (surroundings.variable)(variable).filter(|value| !value.is_empty());
                let value = value.ok_or_else(|| {
                    let why = format!("auth.{kind}.env: the environment variable {variable} is not set");
                    Wrong::new(name.span(), why)
                })?;
                (value, format!("from the environment variable {variable}"), name.span())
            }
            (None, Some(name)) => {
                let file = name.get_ref();
                let wrong =
                    |why: &str| Wrong::new(name.span(), format!("auth.{kind}.file = \"{file}\": {why}"));
                let bytes =
                    (surroundings.read)(file).map_err(|error| wrong(&format!("cannot read it: {error}")))?;
                let text = String::from_utf8(bytes).map_err(|_| wrong("it is not text"))?;
                // Editors end a file with a line break.
                let text = text.trim_end_matches(['\r', '\n']).to_owned();
                if text.is_empty() {
                    return Err(wrong("it is empty"));
                }
                (text, format!("from the file {file}"), name.span())
            }
            _ => {
                let why = format!("auth.{kind}: use one of env (the name of a variable) and file");
                return Err(Wrong::new(self.span.clone(), why));
            }
        };
        if text.chars().any(char::is_control) {
            return Err(Wrong::new(span, format!("auth.{kind}: the secret {place} is more than one line")));
        }
        Ok((text, place))
    }
}
