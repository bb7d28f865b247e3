//! A lab's own certificate authority, and a certificate for each node that asks for one. Both are made anew for every
//! lab and vanish with it.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use thiserror::Error;
use time::{Duration, OffsetDateTime};

use crate::seal::RUN_DIR;
use crate::topology::Topology;

/// A lab lives for minutes; a machine whose clock is a day off still takes its certificates.
const VALID: Duration = Duration::days(2);

/// Why a design has no certificates.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The names cannot stand in a certificate, or the key could not be made.
    #[error("cannot make the certificate of {node}: {source}")]
    Make {
        /// The node, or "the authority".
        node: String,
        /// What is wrong.
        source: rcgen::Error,
    },
    /// A file could not be written.
    #[error("cannot write the certificate {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// Where the authority's certificate (PEM) is: what clients verify with.
pub(crate) fn authority_file() -> PathBuf {
    Path::new(RUN_DIR).join("tls/authority.pem")
}

/// The files (PEM) of a node's certificate.
pub(crate) struct CertificateFiles {
    /// The certificate. The authority signs it itself, so the chain is one long.
    pub(crate) chain: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// Both, as HAProxy wants them.
    pub(crate) both: PathBuf,
}

impl CertificateFiles {
    pub(crate) fn of(node: &str) -> Self {
        let dir = Path::new(RUN_DIR).join("tls").join(node);
        Self { chain: dir.join("chain.pem"), key: dir.join("key.pem"), both: dir.join("both.pem") }
    }
}

/// Makes the authority and the certificates that `topology` asks for; nothing when it asks for none.
pub(crate) fn issue(topology: &Topology) -> Result<(), CertificateError> {
    if topology.nodes.iter().all(|node| node.certificate.is_none()) {
        return Ok(());
    }
    let made = |node: &str, source| CertificateError::Make { node: node.to_owned(), source };
    let (authority, own) = authority().map_err(|source| made("the authority", source))?;
    write(&authority_file(), &own)?;
    for node in &topology.nodes {
        let Some(extra) = &node.certificate else { continue };
        let moving = topology.virtual_addresses.iter().filter(|moving| moving.nodes.contains(&node.name));
        let addresses = node.addresses.iter().copied().chain(moving.map(|moving| moving.address));
        let (chain, key) = certificate(&authority, &node.name, extra, addresses)
            .map_err(|source| made(&node.name, source))?;
        let files = CertificateFiles::of(&node.name);
        write(&files.chain, &chain)?;
        write(&files.key, &key)?;
        write(&files.both, &(chain + &key))?;
    }
    Ok(())
}

/// The authority and its own certificate (PEM).
fn authority() -> Result<(Issuer<'static, KeyPair>, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = params(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "Brownout lab authority");
    let own = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), own))
}

/// A node's certificate and key (PEM). It serves both ends: a node's server may be another's client.
fn certificate(
    authority: &Issuer<'static, KeyPair>,
    node: &str,
    extra: &[String],
    addresses: impl Iterator<Item = IpAddr>,
) -> Result<(String, String), rcgen::Error> {
    let mut names = vec![node.to_owned()];
    names.extend_from_slice(extra);
    let mut params = params(names)?;
    params.subject_alt_names.extend(addresses.map(SanType::IpAddress));
    params.distinguished_name.push(DnType::CommonName, node);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, authority)?.pem(), key.serialize_pem()))
}

fn params(names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::days(1);
    params.not_after = now + VALID;
    Ok(params)
}

fn write(path: &Path, text: &str) -> Result<(), CertificateError> {
    let error = |source| CertificateError::Write { path: path.to_owned(), source };
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(error)?;
    }
    fs::write(path, text).map_err(error)?;
    // Servers that care refuse a key that others may read.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Design;

    #[test]
    fn a_certificate_comes_with_its_key_and_its_authority() {
        let design = Design::find("4-resilient").unwrap();
        let (authority, own) = authority().unwrap();
        assert!(own.starts_with("-----BEGIN CERTIFICATE-----"));
        let lb1 = design.topology.nodes.iter().find(|node| node.name == "lb1").unwrap();
        let extra = lb1.certificate.clone().unwrap();
        let (chain, key) = certificate(&authority, "lb1", &extra, lb1.addresses.iter().copied()).unwrap();
        assert!(chain.contains("BEGIN CERTIFICATE") && key.contains("PRIVATE KEY"));
    }

    #[test]
    fn a_certificate_that_cannot_be_written_is_named() {
        let error = write(Path::new("/proc/no/chain.pem"), "").unwrap_err().to_string();
        assert!(error.contains("cannot write the certificate /proc/no/chain.pem"), "{error}");
    }
}
