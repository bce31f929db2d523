//! Where an engine is asked: `DOCKER_HOST`, TLS, and the sockets that nobody has to name.

use crate::engine::{Engine, NAME, answer, image, pong};
use crate::http::Request;
use crate::identity::Identity;
use crate::pull::Pull;
use crate::server::{Server, Step};
use crate::support::{Said, assert_failed};
use std::path::Path;

fn target() -> String {
    format!("docker-daemon:{NAME}")
}

fn at(host: &str) -> Pull {
    Pull::new(&target()).variable("DOCKER_HOST", host)
}

/// What an engine answers that has the image of `engine`.
fn same(engine: &Engine) -> impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static {
    let archive = std::fs::read(&engine.archive).unwrap();
    move |request| answer(request, |_| image(&archive))
}

#[track_caller]
fn assert_read(said: &Said) {
    assert_eq!((said.code, said.packages()), (0, vec!["bash".to_string(), "curl".to_string()]), "{said:?}");
}

#[test]
fn docker_host_is_a_socket_or_an_address() {
    let engine = Engine::start();
    let server = Server::open(same(&engine));
    let host = &server.host;
    for place in [
        format!("unix://{}", engine.server.host),
        format!("tcp://{host}"),
        format!("tcp://{host}/"),
        format!("http://{host}"),
        format!("tcp://{}", host.replace("127.0.0.1", "localhost")),
    ] {
        assert_read(&at(&place).run());
    }
    for (place, part) in [
        ("ssh://engine.example", "ssh -nNT -L"),
        ("npipe:////./pipe/docker_engine", "pipes are Windows'"),
        ("fd://", "unix:///var/run/docker.sock"),
        ("engine.example:2375", "write unix://PATH"),
    ] {
        assert_failed(&at(place).run(), &[&format!("DOCKER_HOST is `{place}`"), part]);
    }
}

#[test]
fn tls_is_spoken_as_dockers_variables_say() {
    let engine = Engine::start();
    let (identity, visitor) = (Identity::new(), Identity::new());
    let server = Server::secure_for(&identity, Some(&visitor), same(&engine));
    let text = |path| std::fs::read_to_string(path).unwrap();
    let secure = |host: String| {
        let pull = at(&host).file("certs/ca.pem", &text(identity.certificate()));
        let folder = pull.path("certs");
        pull.variable("DOCKER_CERT_PATH", folder)
    };
    let whole = |pull: Pull| {
        let pull = pull.file("certs/cert.pem", &text(visitor.certificate()));
        pull.file("certs/key.pem", &text(visitor.key()))
    };
    let tcp = || secure(format!("tcp://{}", server.host)).variable("DOCKER_TLS_VERIFY", "1");
    assert_read(&whole(tcp()).run());
    assert_read(&whole(secure(format!("https://{}", server.host))).run());
    // Docker's own folder, where no other is named.
    let home = at(&format!("tcp://{}", server.host))
        .variable("DOCKER_TLS_VERIFY", "1")
        .file("home/.docker/ca.pem", &text(identity.certificate()))
        .file("home/.docker/cert.pem", &text(visitor.certificate()))
        .file("home/.docker/key.pem", &text(visitor.key()));
    assert_read(&home.run());
    assert_failed(&tcp().run(), &["asks for a client certificate", "DOCKER_CERT_PATH"]);
    let half = tcp().file("certs/cert.pem", &text(visitor.certificate()));
    assert_failed(&half.run(), &["certs/key.pem"]);
    let stranger = whole(tcp()).file("certs/ca.pem", &text(visitor.certificate()));
    assert_failed(
        &stranger.run(),
        &["ca.pem in the folder DOCKER_CERT_PATH", "no secure connection to", "certificate"],
    );
}

#[test]
fn an_engine_that_wants_tls_is_told_from_a_stranger() {
    let server = Server::open(|_| {
        crate::http::Answer::new("400 Bad Request", "Client sent an HTTP request to an HTTPS server.\n")
    });
    let said = at(&format!("tcp://{}", server.host)).run();
    assert_failed(&said, &["it answered 400", "DOCKER_TLS_VERIFY=1"]);
}

/// Whether a real engine would be asked first.
fn is_occupied() -> bool {
    let socket =
        ["/var/run/docker.sock", "/run/podman/podman.sock"].into_iter().find(|path| Path::new(path).exists());
    if let Some(socket) = socket {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "skipped: there is {socket}");
    }
    socket.is_some()
}

#[test]
fn podmans_socket_is_found_without_being_named() {
    if is_occupied() {
        return;
    }
    let engine = Engine::start();
    let archive = std::fs::read(&engine.archive).unwrap();
    // The folder of a user who logged in.
    let pull = Pull::new(&target());
    let server =
        Server::at_socket(&pull.path("run/podman/podman.sock"), move |request| match request.path.as_str() {
            "/_ping" => pong("1.41"),
            _ => image(&archive),
        });
    assert_read(&pull.run());
    assert_eq!(server.asked(&format!("/v1.41/images/{NAME}/get")).len(), 1);
    assert_read(&pull.arguments(&["--offline"]).run());
}

#[test]
fn where_no_engine_is_all_places_are_told() {
    if is_occupied() {
        return;
    }
    let pull = Pull::new(&target()).file("run/podman/podman.sock", "");
    let socket = pull.path("run/podman/podman.sock").display().to_string();
    let refused = format!("`{socket}` (Connection refused (os error 111), where nobody listens any more)");
    let said = pull.run();
    assert_failed(
        &said,
        &["`/var/run/docker.sock` (No such file", "`/run/podman/podman.sock` (No such", &refused],
    );
    assert_failed(&said, &["DOCKER_HOST=unix://PATH"]);
    let named = at("unix:///nowhere/docker.sock").run();
    assert_failed(
        &named,
        &["cannot connect to the container engine at `unix:///nowhere/docker.sock`", "No such file"],
    );
    let dead = at("tcp://127.0.0.1:1").run();
    assert_failed(&dead, &["the container engine at `tcp://127.0.0.1:1` cannot be asked", "refused"]);
}

#[test]
fn offline_forbids_other_machines_only() {
    let engine = Engine::start();
    let server = Server::open(same(&engine));
    assert_read(&engine.run(&target()).arguments(&["--offline"]).run());
    assert_read(&at(&format!("tcp://{}", server.host)).arguments(&["--offline"]).run());
    let said = at("tcp://192.0.2.1:2375").arguments(&["--offline"]).run();
    assert_failed(&said, &["`tcp://192.0.2.1:2375` is on another machine", "--offline"]);
}

#[test]
fn a_proxy_is_no_business_of_a_socket() {
    let engine = Engine::start();
    let dead = "http://127.0.0.1:1";
    assert_read(&engine.run(&target()).variable("HTTP_PROXY", dead).variable("ALL_PROXY", dead).run());
}
