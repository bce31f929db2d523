use crate::server::{Server, answer, redirect};
use crate::{chain, client, get, message, patient, settings};
use imagescan_fetch::{FetchError, Secret};

#[test]
fn this_machine_is_refused_by_any_of_its_names() {
    let server = Server::start(|_| answer("200 OK", "", b""));
    let port = server.host.rsplit_once(':').unwrap().1;
    let client = client(&[]);
    for (host, shown, address) in [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1", "127.0.0.1"),
        ("%31%32%37.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]", "::1"),
        ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "::ffff:127.0.0.1"),
        ("[::127.0.0.1]", "[::7f00:1]", "::127.0.0.1"),
        ("[64:ff9b::7f00:1]", "[64:ff9b::7f00:1]", "64:ff9b::7f00:1"),
    ] {
        assert_eq!(
            message(get(&client, &format!("http://{host}:{port}/"))),
            format!(
                "`{shown}` is at {}, which is loopback, which is this machine: nothing is fetched from there unless \
                 `allow_addresses` in config.toml lists it",
                address.parse::<std::net::IpAddr>().unwrap()
            )
        );
    }
    assert!(matches!(get(&client, &format!("http://0.0.0.0:{port}/")), Err(FetchError::Refused(_))));
    assert!(server.seen().is_empty());
}

#[test]
fn a_name_is_judged_by_where_it_leads() {
    let server = Server::start(|_| answer("200 OK", "", b""));
    let port = server.host.rsplit_once(':').unwrap().1;
    let (client, waits) = patient(settings(&[]));
    let error = get(&client, &format!("http://localhost:{port}/")).unwrap_err();
    assert!(
        matches!(&error, FetchError::Refused(refusal) if refusal.host == "localhost"),
        "{}",
        chain(&error)
    );
    assert!(waits.lock().unwrap().is_empty());
    assert!(server.seen().is_empty());
}

#[test]
fn a_redirect_passes_the_guard_as_well() {
    let inner = Server::start(|_| answer("200 OK", "", b"inside"));
    let port = inner.host.rsplit_once(':').unwrap().1.to_string();
    let by_name = format!("http://localhost:{port}/");
    let outer = Server::start(move |seen| match seen.path() {
        "/name" => redirect("302 Found", &by_name),
        "/metadata" => redirect("302 Found", "http://169.254.169.254/latest/meta-data/"),
        "/private" => redirect("302 Found", "https://10.1.2.3/"),
        _ => redirect("307 Temporary Redirect", "http://[::ffff:a9fe:a9fe]/"),
    });
    let client = client(&[&outer]);
    for (path, host) in [
        ("/name", "localhost"),
        ("/metadata", "169.254.169.254"),
        ("/private", "10.1.2.3"),
        ("/mapped", "[::ffff:a9fe:a9fe]"),
    ] {
        let error = get(&client, &outer.url(path)).unwrap_err();
        assert!(matches!(&error, FetchError::Refused(refusal) if refusal.host == host), "{}", chain(&error));
    }
    assert!(inner.seen().is_empty());
}

#[test]
fn behind_a_proxy_names_are_the_proxys_and_addresses_are_still_judged() {
    let proxy = Server::start(|seen| match seen.path() {
        "http://far.example/by-address" => redirect("302 Found", "http://169.254.169.254/latest/meta-data/"),
        "http://far.example/by-name" => redirect("302 Found", "http://localhost.example/"),
        _ => answer("200 OK", "", b"resolved by the proxy"),
    });
    let mut settings = settings(&[]);
    let hosts = ["far.example", "localhost.example", "10.1.2.3", "169.254.169.254"];
    settings.insecure_hosts = hosts.map(|host| host.parse().unwrap()).into();
    settings.proxies.http = Some(Secret::new(proxy.url("")));
    let (client, _) = patient(settings);
    // Neither name is looked up here: they lead nowhere.
    let got = get(&client, "http://far.example/by-name").unwrap();
    assert_eq!((got.url().as_str(), got.status()), ("http://localhost.example/", 200));
    for (url, host) in
        [("http://10.1.2.3/", "10.1.2.3"), ("http://far.example/by-address", "169.254.169.254")]
    {
        let error = get(&client, url).unwrap_err();
        assert!(matches!(&error, FetchError::Refused(refusal) if refusal.host == host), "{}", chain(&error));
    }
    let asked: Vec<_> = proxy.seen().iter().map(|seen| seen.path().to_string()).collect();
    assert_eq!(
        asked,
        ["by-name", "", "by-address"].map(|path| match path {
            "" => "http://localhost.example/".into(),
            path => format!("http://far.example/{path}"),
        })
    );
}

#[test]
fn networks_and_hosts_that_the_user_lists_are_fetched_from() {
    let server = Server::start(|_| answer("200 OK", "", b""));
    let port = server.host.rsplit_once(':').unwrap().1;
    let mut settings = settings(&[]);
    settings.allow_addresses = vec!["127.0.0.0/8".parse().unwrap()];
    get(&patient(settings.clone()).0, &server.url("/")).unwrap();
    settings.allow_addresses = Vec::new();
    settings.allow_hosts = vec![format!("localhost:{port}").parse().unwrap()];
    let (client, _) = patient(settings);
    get(&client, &format!("http://localhost:{port}/")).unwrap();
    // The exemption is the name's, not the address's; and the port's.
    assert!(matches!(get(&client, &server.url("/")), Err(FetchError::Refused(_))));
    assert!(matches!(get(&client, "http://localhost:1/"), Err(FetchError::Refused(_))));
}

#[test]
fn plain_http_crosses_no_wire_unasked() {
    assert_eq!(
        message(get(&client(&[]), "http://far.example/p?signature=1")),
        "`http://far.example/p` is plain HTTP, which is for this machine and for hosts that are named as insecure"
    );
}
