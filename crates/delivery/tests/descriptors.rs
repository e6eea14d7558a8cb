//! The endpoint of a process that may open 1,024 files. The limit belongs to the whole process, so
//! that the endpoint runs in a child.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail loudly, its helpers too; the child answers by lines"
)]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _, stdin};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, setrlimit};
use s3_credential_core::{Keys, SystemClock};
use s3_credential_delivery::{Endpoint, EndpointSettings, Grants, new_token};
use tokio::runtime::Runtime;

const LIMIT: u64 = 1024;

/// The test that runs in the child, where this further argument makes it the server. The harness
/// takes it for a test that does not exist.
const CHILD: &str = "connections_without_a_token_take_neither_the_keys_nor_the_files_of_others";
const SERVES: &str = "child=serve";

/// The endpoint in its child process, and the lines between the two.
struct Server {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    address: SocketAddr,
    token: String,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--nocapture", SERVES])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let (address, token) = (SocketAddr::from(([127, 0, 0, 1], 0)), String::new());
        let mut server = Self { child, commands, answers, address, token };
        server.address = server.answer("address").parse().unwrap();
        server.token = server.answer("token");
        server
    }

    /// The value of the next line that begins with this word.
    fn answer(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "the child has ended");
            if let Some((_, value)) = line.split_once(&format!("{word}=")) {
                return value.trim().to_owned();
            }
        }
    }

    /// How many of so many files the child could open; it keeps them open.
    fn open_files(&mut self, count: usize) -> usize {
        writeln!(self.commands, "{count}").unwrap();
        self.answer("opened").parse().unwrap()
    }

    fn status(&self) -> String {
        let mut client = TcpStream::connect(self.address).unwrap();
        let token = &self.token;
        let request = format!(
            "GET /v1/volumes/v HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: {token}\r\n\r\n"
        );
        client.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn serve_with_few_descriptors() {
    let limit = Rlimit { current: Some(LIMIT / 2), maximum: Some(LIMIT) };
    setrlimit(Resource::Nofile, limit).unwrap();
    let runtime = Runtime::new().unwrap();
    let grants = Grants::default();
    let settings = EndpointSettings {
        address: Some(([127, 0, 0, 1], 0).into()),
        ..EndpointSettings::default()
    };
    let clock = Arc::new(SystemClock);
    let endpoint = Endpoint::bind(&settings, grants.clone(), clock, runtime.handle()).unwrap();
    let token = new_token().unwrap();
    let keys = Arc::new(Arc::new(Keys::new("AKIAV", "secret")));
    grants.insert("v", token.clone(), keys).unwrap();
    println!("\naddress={}\ntoken={}", endpoint.address(), token.expose());
    let mut files = Vec::new();
    for line in stdin().lines() {
        let count = line.unwrap().parse().unwrap();
        let opened = (0..count).map_while(|_| File::open("/dev/null").ok());
        let before = files.len();
        files.extend(opened);
        println!("opened={}", files.len() - before);
    }
}

#[test]
fn connections_without_a_token_take_neither_the_keys_nor_the_files_of_others() {
    if std::env::args().any(|argument| argument == SERVES) {
        return serve_with_few_descriptors();
    }
    let mut server = Server::start();
    let mut strangers = Vec::new();
    for _ in 0..6 {
        for _ in 0..256 {
            strangers.push(TcpStream::connect(server.address).unwrap());
        }
        assert_eq!(server.status(), "200");
    }
    assert_eq!(server.open_files(400), 400, "the driver can open files");
    assert_eq!(server.status(), "200");
}

#[test]
fn where_the_process_has_no_descriptor_left_a_connection_without_a_token_gives_its_own() {
    let mut server = Server::start();
    let _strangers: Vec<_> = (0..64).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    assert_eq!(server.status(), "200", "all of them are accepted");
    let opened = server.open_files(2048);
    assert!(opened > 512, "the soft limit is raised to the hard one: {opened}");
    for _ in 0..8 {
        assert_eq!(server.status(), "200");
    }
}
