//! Trust, for an agent behind https.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use s3_credential_core::names::AWS_CA_BUNDLE;
use s3_credential_core::{Environment, ErrorKind, Failure};
use s3_credential_files as files;

/// More than any bundle of root certificates has.
const CA_BUNDLE_LIMIT: usize = 4 << 20;

/// TLS that trusts the certificates of `AWS_CA_BUNDLE`, and where that is unset, the system's.
pub(crate) fn config(environment: &Environment) -> Result<Arc<ClientConfig>, Failure> {
    let roots = match environment.get(AWS_CA_BUNDLE) {
        Some(path) => bundle(path)?,
        None => system()?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            Failure::new(ErrorKind::Internal, "TLS cannot be set up").with_cause(error)
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn bundle(path: &str) -> Result<RootCertStore, Failure> {
    let unusable = |problem: &str| {
        Failure::new(ErrorKind::Misconfigured, format!("{AWS_CA_BUNDLE} {problem}"))
            .with_help(format!("let {AWS_CA_BUNDLE} name a file of PEM certificates, or remove it"))
    };
    let pem = files::read(path, CA_BUNDLE_LIMIT)
        .map_err(|error| unusable(&format!("names a file that {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.expose().as_bytes()) {
        certificate
            .ok()
            .and_then(|certificate| roots.add(certificate).ok())
            .ok_or_else(|| unusable("names a file with a broken certificate"))?;
    }
    if roots.is_empty() {
        return Err(unusable("names a file without a certificate"));
    }
    Ok(roots)
}

fn system() -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Failure::new(
            ErrorKind::Misconfigured,
            "the system has no root certificates, so the certificate of an agent behind https cannot be checked",
        )
        .with_help(format!("install the CA certificates in the driver's image, or name a PEM file in {AWS_CA_BUNDLE}")));
    }
    Ok(roots)
}
