//! Where it listens, and that it comes back there.

use std::io::ErrorKind::PermissionDenied;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;

use rustix::process::geteuid;
use s3_credential_core::{ErrorKind, SystemClock};
use s3_credential_delivery::{Endpoint, EndpointSettings, Grants};
use s3_credential_testkit::clock::ManualClock;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use crate::support::{Client, Site, bind, keys, now, settings};

#[tokio::test]
async fn an_endpoint_that_comes_back_serves_the_same_mounts() {
    let site = Site::new();
    let volume = site.volume("v");
    let mut client = site.client().await;
    assert_eq!(client.ask(&volume.request()).await.status, 200);
    let address = site.endpoint.address();
    site.endpoint.shutdown().await;
    client.is_closed().await;
    TcpStream::connect(address).await.unwrap_err();

    let grants = Grants::default();
    let again = EndpointSettings { address: Some(address), ..settings() };
    let endpoint = bind(&again, &grants, &ManualClock::new(now())).unwrap();
    assert_eq!(endpoint.address(), address);
    grants.insert("v", volume.token.clone(), Arc::new(Arc::new(keys("resumed")))).unwrap();
    let answer = Client::connect(address).await.ask(&volume.request()).await;
    assert_eq!(answer.field("AccessKeyId"), "AKIAresumed");
}

#[tokio::test]
async fn what_is_being_answered_is_answered_before_the_end() {
    let site = Site::new();
    let volume = site.volume("v");
    volume.keys.hold(None);
    let mut client = site.client().await;
    client.say(&volume.request()).await;
    while volume.keys.loads() == 0 {
        tokio::task::yield_now().await;
    }
    let shutdown = site.endpoint.shutdown();
    let (answer, (), ()) =
        tokio::join!(client.answer(), shutdown, async { volume.keys.upstream(Ok(keys("late"))) });
    assert_eq!(answer.unwrap().field("AccessKeyId"), "AKIAlate");
    client.is_closed().await;
}

#[tokio::test]
async fn what_hangs_does_not_keep_the_driver_from_ending() {
    let site = Site::new();
    let volume = site.volume("v");
    volume.keys.hold(None);
    let mut client = site.client().await;
    client.say(&volume.request()).await;
    while volume.keys.loads() == 0 {
        tokio::task::yield_now().await;
    }
    site.endpoint.shutdown().await;
    assert!(client.answer().await.is_none());
}

#[tokio::test]
async fn an_endpoint_that_is_dropped_is_gone() {
    let site = Site::new();
    let mut client = site.client().await;
    let address = site.endpoint.address();
    drop(site.endpoint);
    client.is_closed().await;
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let site = Site::new();
    let taken = EndpointSettings { address: Some(site.endpoint.address()), ..settings() };
    let failure = bind(&taken, &site.grants, &site.clock).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert!(failure.is_retryable());
    assert!(failure.message().contains(&site.endpoint.address().to_string()), "{failure}");
}

#[tokio::test]
async fn only_the_loopback_is_listened_on() {
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let settings = EndpointSettings { address: Some(address.parse().unwrap()), ..settings() };
        let failure = bind(&settings, &Grants::default(), &ManualClock::new(now())).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Misconfigured);
        assert!(failure.message().contains("loopback"), "{failure}");
    }
}

#[tokio::test]
async fn the_default_port_is_one_that_no_other_user_can_take() {
    may_bind_what_it_chooses();
}

#[test]
fn without_privileges_the_default_port_is_a_free_one() {
    let acting = thread::spawn(|| {
        if geteuid().is_root() {
            let nobody = rustix::fs::Uid::from_raw(65_534);
            // Of this thread only: the system call, without what a C library adds.
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { may_bind_what_it_chooses() });
    });
    acting.join().unwrap();
}

/// Two at a time: the second finds the first one's port taken.
fn may_bind_what_it_chooses() {
    let privileged = !TcpListener::bind((Ipv4Addr::LOCALHOST, 979))
        .is_err_and(|error| error.kind() == PermissionDenied);
    let bind = || {
        let clock = Arc::new(SystemClock);
        Endpoint::bind(&EndpointSettings::default(), Grants::default(), clock, &Handle::current())
            .unwrap()
    };
    let (first, second) = (bind(), bind());
    assert_ne!(first.address(), second.address());
    for address in [first.address(), second.address()] {
        assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
        assert_eq!(address.port() < 1024, privileged);
    }
}
