//! What TLS needs to know before the first connection.

use std::path::Path;
use std::sync::Arc;

use model::{Identity, Protocol, Tls, Transport};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::LoadError;

/// Begins TLS sessions.
#[derive(Debug, Clone)]
pub(crate) struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsClient {
    /// Reads certificates and keys; `None` when no TLS is asked for.
    pub(crate) fn new(transport: &Transport) -> Result<Option<Self>, LoadError> {
        let Some(tls) = &transport.tls else { return Ok(None) };
        let name = ServerName::try_from(tls.server_name.clone()).map_err(|_| {
            LoadError::Plan(format!("`{}` cannot be a server's name in TLS", tls.server_name))
        })?;
        let mut config = config(tls)?;
        config.alpn_protocols = match transport.protocol {
            Protocol::Http1 | Protocol::WebSocket => vec![b"http/1.1".to_vec()],
            Protocol::Http2 { .. } => vec![b"h2".to_vec()],
        };
        Ok(Some(Self { config: Arc::new(config), name }))
    }

    pub(crate) fn session(&self) -> Result<ClientConnection, Error> {
        ClientConnection::new(Arc::clone(&self.config), self.name.clone())
    }
}

fn config(tls: &Tls) -> Result<ClientConfig, LoadError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(plan("TLS cannot be set up"))?;
    let builder = if tls.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(TakeAny(provider)))
    } else {
        let roots = Arc::new(authorities(tls.authorities.as_deref())?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(plan("the authorities cannot be used"))?;
        builder.with_webpki_verifier(verifier)
    };
    match &tls.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(Identity { certificate, key }) => {
            let chain = certificates(certificate)?;
            let key_der = PrivateKeyDer::from_pem_file(key).map_err(file(key, "a private key"))?;
            builder.with_client_auth_cert(chain, key_der).map_err(plan(&format!(
                "the certificate {} and the key {} do not go together",
                certificate.display(),
                key.display()
            )))
        }
    }
}

fn authorities(path: Option<&Path>) -> Result<RootCertStore, LoadError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = path {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(plan(&format!("{} holds no authority", path.display())))?;
        }
    } else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(LoadError::Plan(
                "this system has no certificate authorities: name a file of them with --ca, or take any certificate \
                 with --insecure"
                    .to_owned(),
            ));
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(file(path, "certificates"))?;
    if certificates.is_empty() {
        return Err(LoadError::Plan(format!("{} holds no certificate in PEM", path.display())));
    }
    Ok(certificates)
}

fn plan<E: std::fmt::Display>(what: &str) -> impl Fn(E) -> LoadError {
    move |error| LoadError::Plan(format!("{what}: {error}"))
}

fn file<E: std::fmt::Display>(path: &Path, what: &str) -> impl Fn(E) -> LoadError {
    move |error| LoadError::Plan(format!("cannot read {what} from {}: {error}", path.display()))
}

/// Takes any certificate, as long as its owner has its key.
#[derive(Debug)]
struct TakeAny(Arc<CryptoProvider>);

impl ServerCertVerifier for TakeAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
