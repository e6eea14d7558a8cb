//! The way to STS: proxy, trust, connections.

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use s3_credential_core::{ErrorKind, Failure, Secret, names};
use s3_credential_files as files;

use crate::settings::StsSettings;

/// More than any answer needs: keys are a few kilobytes.
const BODY_LIMIT: usize = 256 << 10;

/// More than any bundle of root certificates has.
const CA_BUNDLE_LIMIT: usize = 4 << 20;

/// A client whose connections are shared by all regions.
pub(crate) fn client(settings: &StsSettings) -> Result<SharedHttpClient, Failure> {
    let tls = TlsContext::builder()
        .with_trust_store(trust(settings)?)
        .build()
        .map_err(|_| unusable(names::AWS_CA_BUNDLE, "cannot be used for TLS"))?;
    let connector = Connector::builder()
        .sleep_impl(TokioSleep::new())
        .connector_settings(
            HttpConnectorSettings::builder().connect_timeout(settings.connect_timeout).build(),
        )
        .proxy_config(proxy(settings)?)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build();
    let connector = SharedHttpConnector::new(Bounded(SharedHttpConnector::new(connector)));
    Ok(http_client_fn(move |_, _| connector.clone()))
}

/// Ends an answer that does not end by itself; the SDK would collect all of it.
#[derive(Debug)]
struct Bounded(SharedHttpConnector);

impl HttpConnector for Bounded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            Ok(answer.await?.map(|body| SdkBody::from_body_1_x(Limited::new(body, BODY_LIMIT))))
        })
    }
}

fn proxy(settings: &StsSettings) -> Result<ProxyConfig, Failure> {
    let exceptions = settings.no_proxy.as_deref().unwrap_or_default();
    let url = settings.https_proxy.as_ref().map(Secret::expose);
    // The matcher of the HTTP client does not know the star, which means every host.
    let all_hosts = exceptions.split(',').any(|host| host.trim() == "*");
    let Some(url) = url.filter(|_| !all_hosts) else {
        return Ok(ProxyConfig::disabled());
    };
    let proxy = if url.contains("://") {
        ProxyConfig::https(url)
    } else {
        ProxyConfig::https(format!("http://{url}"))
    };
    // The error of the parser repeats the URL, and that may hold a password.
    let proxy = proxy.map_err(|_| unusable(names::HTTPS_PROXY, "is not the URL of a proxy"))?;
    Ok(proxy.no_proxy(exceptions))
}

/// The HTTP client takes certificates on trust and panics at bad ones, so they are looked at here.
fn trust(settings: &StsSettings) -> Result<TrustStore, Failure> {
    if let Some(path) = &settings.ca_bundle {
        let pem = files::read(path, CA_BUNDLE_LIMIT).map_err(|error| {
            unusable(names::AWS_CA_BUNDLE, &format!("names a file that {error}"))
        })?;
        let pem = pem.expose().as_bytes();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            certificate.ok().and_then(|certificate| roots.add(certificate).ok()).ok_or_else(
                || unusable(names::AWS_CA_BUNDLE, "names a file with a broken certificate"),
            )?;
        }
        if roots.is_empty() {
            return Err(unusable(names::AWS_CA_BUNDLE, "names a file without a certificate"));
        }
        return Ok(TrustStore::empty().with_pem_certificate(pem));
    }
    let speaks_tls = settings.endpoint_url.as_ref().is_none_or(|url| !url.starts_with("http://"));
    if !speaks_tls {
        return Ok(TrustStore::empty());
    }
    if rustls_native_certs::load_native_certs().certs.is_empty() {
        return Err(Failure::new(
            ErrorKind::Misconfigured,
            "the system has no root certificates, so the certificate of STS cannot be checked",
        )
        .with_help("install the CA certificates in the driver's image, or name a PEM file in AWS_CA_BUNDLE"));
    }
    Ok(TrustStore::default())
}

fn unusable(variable: &str, problem: &str) -> Failure {
    Failure::new(ErrorKind::Misconfigured, format!("{variable} {problem}"))
        .with_help(format!("correct or unset {variable}"))
}
