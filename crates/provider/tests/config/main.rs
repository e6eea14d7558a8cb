use s3_credential_provider::{Config, Registry};
#[test]
fn x() {
    let text = std::fs::read_to_string("/tmp/try.yaml").unwrap();
    match Config::parse(&Registry::default(), "try.yaml", &text) {
        Ok(c) => println!("{}", c.report()),
        Err(r) => {
            println!("{r}\n{:?}", r.failure())
        }
    }
    std::fs::write(
        "/tmp/schema.json",
        serde_json::to_string_pretty(&Config::schema(&Registry::default())).unwrap(),
    )
    .unwrap();
    match Config::parse(&Registry::default(), "default.yaml", Config::DEFAULT_YAML) {
        Ok(c) => println!("{}", c.report()),
        Err(r) => {
            println!("{r}\n{:?}", r.failure())
        }
    }
    let t = std::time::Instant::now();
    for _ in 0..100 {
        Config::default_of(&Registry::default()).unwrap();
    }
    println!("{:?}", t.elapsed() / 100);
}
