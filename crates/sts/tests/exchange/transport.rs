//! The way to STS: certificates and proxies.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use s3_credential_core::{ErrorKind, ExchangeRequest, Failure, Keys, Secret, SessionSettings};
use s3_credential_testkit::server::TlsIdentity;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::world::World;

/// A PEM file of this test.
fn pem_file(name: &str, pem: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sts-{name}.pem"));
    std::fs::write(&path, pem).unwrap();
    path
}

async fn exchange(world: &World) -> Result<Keys, Failure> {
    world.exchange(world.identity(), &ExchangeRequest::default()).await
}

#[tokio::test]
async fn the_named_authority_is_trusted() {
    let tls = TlsIdentity::generate();
    let mut world = World::start_with_tls(tls.clone()).await;
    let bundle = format!("{}{}", TlsIdentity::generate().ca_pem(), tls.ca_pem());
    world.settings.ca_bundle = Some(pem_file("trusted", &bundle));
    exchange(&world).await.unwrap();
}

#[tokio::test]
async fn another_authority_is_not_trusted() {
    let mut world = World::start_with_tls(TlsIdentity::generate()).await;
    let bundle = pem_file("other", TlsIdentity::generate().ca_pem());
    world.settings.ca_bundle = Some(bundle);
    let failure = exchange(&world).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Misconfigured, "{failure}");
    assert!(failure.message().contains("certificate"), "{failure}");
    assert!(failure.help().contains("AWS_CA_BUNDLE"));
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn a_ca_bundle_that_is_none_is_named() {
    let mut world = World::start_with_tls(TlsIdentity::generate()).await;
    let broken = "-----BEGIN CERTIFICATE-----\nQ0FOQVJZ\n-----END CERTIFICATE-----\n";
    let torn = "-----BEGIN CERTIFICATE-----\nQ0FO";
    for (bundle, problem) in [
        (PathBuf::from("/no/such/CANARY.pem"), "does not exist"),
        (PathBuf::from("/dev/zero"), "not a regular file"),
        (pem_file("empty", ""), "without a certificate"),
        (pem_file("text", "CANARY"), "without a certificate"),
        (pem_file("broken", broken), "broken certificate"),
        (pem_file("torn", torn), "broken certificate"),
    ] {
        world.settings.ca_bundle = Some(bundle);
        let failure = exchange(&world).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Misconfigured);
        assert!(
            failure.message().contains("AWS_CA_BUNDLE") && failure.message().contains(problem),
            "{failure}"
        );
        assert!(!format!("{failure:?}").contains("CANARY"), "{failure:?}");
    }
}

/// A bundle that is put right later is found: a failure to build the client is not kept.
#[tokio::test]
async fn a_ca_bundle_that_appears_later_is_read_then() {
    let tls = TlsIdentity::generate();
    let mut world = World::start_with_tls(tls.clone()).await;
    let path = pem_file("later", "");
    world.settings.ca_bundle = Some(path);
    let sts = world.sts();
    let request = ExchangeRequest::default();
    let early = crate::world::exchange(&sts, world.identity(), &request).await;
    assert_eq!(early.unwrap_err().kind(), ErrorKind::Misconfigured);
    pem_file("later", tls.ca_pem());
    crate::world::exchange(&sts, world.identity(), &request).await.unwrap();
}

/// A proxy that leads every connection to one place, whatever it was asked for.
struct Proxy {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn to(target: std::net::SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let mut client = BufReader::new(stream);
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") {
                        if client.read_line(&mut head).await.unwrap() == 0 {
                            return;
                        }
                    }
                    seen.lock().unwrap().push(head);
                    let mut server = TcpStream::connect(target).await.unwrap();
                    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                    // Either side may hang up: that ends the tunnel.
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { url, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// What it was asked to connect to.
    fn targets(&self) -> Vec<String> {
        self.heads().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect()
    }
}

async fn behind_a_proxy() -> (World, Proxy) {
    let tls = TlsIdentity::generate();
    let mut world = World::start_with_tls(tls.clone()).await;
    let name = format!("proxied-{}", world.emulator.address().port());
    world.settings.ca_bundle = Some(pem_file(&name, tls.ca_pem()));
    let proxy = Proxy::to(world.emulator.address()).await;
    world.settings.https_proxy = Some(Secret::new(format!("http://{}", proxy.url)));
    (world, proxy)
}

#[tokio::test]
async fn https_goes_through_the_proxy() {
    let (mut world, proxy) = behind_a_proxy().await;
    for url in [
        format!("http://{}", proxy.url),
        // Without a scheme, as curl and Go take it.
        proxy.url.clone(),
    ] {
        world.settings.https_proxy = Some(Secret::new(url));
        exchange(&world).await.unwrap();
    }
    let address = world.emulator.address().to_string();
    assert_eq!(proxy.targets(), [address.clone(), address]);
}

#[tokio::test]
async fn the_proxy_gets_its_password() {
    let (mut world, proxy) = behind_a_proxy().await;
    world.settings.https_proxy = Some(Secret::new(format!("http://user:CANARY@{}", proxy.url)));
    exchange(&world).await.unwrap();
    let head = proxy.heads().pop().unwrap();
    // base64 of user:CANARY
    assert!(head.contains("Basic dXNlcjpDQU5BUlk="), "{head}");
    assert!(!format!("{:?}", world.sts()).contains("CANARY"));
}

#[tokio::test]
async fn hosts_of_no_proxy_are_reached_directly() {
    let (mut world, proxy) = behind_a_proxy().await;
    for hosts in ["127.0.0.1", "example.com,127.0.0.0/8", "*"] {
        world.settings.no_proxy = Some(hosts.to_owned());
        exchange(&world).await.unwrap();
    }
    assert_eq!(proxy.heads(), [""; 0]);
}

#[tokio::test]
async fn plain_http_needs_no_proxy_and_no_certificates() {
    let mut world = World::start().await;
    // No service listens on port 1.
    world.settings.https_proxy = Some(Secret::new("http://127.0.0.1:1"));
    exchange(&world).await.unwrap();
}

#[tokio::test]
async fn a_proxy_that_is_none_is_named_without_its_password() {
    let (mut world, _proxy) = behind_a_proxy().await;
    for url in ["socks5://user:CANARY@proxy:1080", "http://us er:CANARY@proxy"] {
        world.settings.https_proxy = Some(Secret::new(url));
        let failure = exchange(&world).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Misconfigured, "{url}");
        assert!(failure.message().contains("HTTPS_PROXY"), "{failure}");
        assert!(!format!("{failure:?}").contains("CANARY"), "{failure:?}");
    }
}

/// The proxy sees the host that would have been called.
#[tokio::test]
async fn the_regional_endpoint_is_called_and_the_identitys_own_region_goes_first() {
    let (mut world, proxy) = behind_a_proxy().await;
    world.settings.endpoint_url = None;
    let request = ExchangeRequest {
        region: Some("eu-north-1".parse().unwrap()),
        ..ExchangeRequest::default()
    };
    let mut own_region = world.identity();
    own_region.region = Some("cn-north-1".parse().unwrap());
    let legacy = world.identity().with_session(SessionSettings {
        regional_endpoints: Some("legacy".to_owned()),
        ..SessionSettings::default()
    });
    for (identity, host) in [
        (world.identity(), "sts.eu-north-1.amazonaws.com:443"),
        (own_region, "sts.cn-north-1.amazonaws.com.cn:443"),
        (legacy, "sts.amazonaws.com:443"),
    ] {
        // The certificate of what the proxy leads to is for another host.
        let failure = world.exchange(identity, &request).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Misconfigured, "{failure}");
        assert_eq!(proxy.targets().pop().unwrap(), host);
    }
    assert_eq!(world.calls(), 0);
}
