//! Whom the credentials of the command line are for.

use crate::fixture::APP;
use crate::http::Answer;
use crate::pull::{PASSWORD, Pull, USER, WRONG_PASSWORD, basic, pair};
use crate::server::Server;
use serde_json::json;

/// A registry that wants a password, and takes none.
fn closed() -> Server {
    Server::open(|_| Answer::new("401 Unauthorized", "").with("WWW-Authenticate", "Basic realm=\"tests\""))
}

fn pull(server: &Server) -> Pull {
    Pull::new(&format!("{}/{APP}", server.host)).login(USER, PASSWORD)
}

/// What it was shown, by whoever showed something.
fn shown(server: &Server) -> Vec<String> {
    let shown = |request: &crate::http::Request| request.header("authorization").map(String::from);
    server.seen().iter().filter_map(shown).collect()
}

#[test]
fn a_password_is_for_all_targets_of_one_registry() {
    let server = closed();
    let said = pull(&server).arguments(&[&format!("{}/team/other:2", server.host)]).run();
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(shown(&server), [basic(USER, PASSWORD), basic(USER, PASSWORD)]);
}

#[test]
fn a_password_for_several_registries_is_an_error_before_anybody_is_asked() {
    let (one, other) = (closed(), closed());
    let said = pull(&one).arguments(&[&format!("{}/team/other:2", other.host)]).run();
    assert_eq!(said.code, 2, "{said:?}");
    for text in [&one.host, &other.host, "are for one registry", "log in to each with docker or skopeo"] {
        assert!(said.stderr.contains(text), "{}", said.stderr);
    }
    assert!(one.seen().is_empty() && other.seen().is_empty());
}

#[test]
fn a_mirror_is_not_shown_the_registrys_password() {
    let (registry, mirror) = (closed(), closed());
    let conf = format!(
        "[[registry]]\nlocation = \"{}\"\n[[registry.mirror]]\nlocation = \"{}/mirror\"\n",
        registry.host, mirror.host
    );
    let said = pull(&registry).registries_conf(&conf).run();
    assert_eq!(said.code, 3, "{said:?}");
    assert!(!mirror.seen().is_empty() && shown(&mirror).is_empty(), "{:?}", mirror.seen());
    assert_eq!(shown(&registry), [basic(USER, PASSWORD)]);
    // It is shown what the files have for it.
    let auths = json!({"auths": {&mirror.host: {"auth": pair(USER, WRONG_PASSWORD)}}}).to_string();
    pull(&registry).registries_conf(&conf).file("run/containers/auth.json", &auths).run();
    assert_eq!(shown(&mirror), [basic(USER, WRONG_PASSWORD)]);
}

#[test]
fn the_host_that_a_name_is_rewritten_to_is_not_shown_the_password() {
    let server = closed();
    let conf = format!("[[registry]]\nprefix = \"registry.example\"\nlocation = \"{}\"\n", server.host);
    let pull = Pull::new(&format!("registry.example/{APP}")).login(USER, PASSWORD);
    assert_eq!(pull.registries_conf(&conf).run().code, 3);
    assert!(!server.seen().is_empty() && shown(&server).is_empty(), "{:?}", server.seen());
}

#[test]
fn a_short_name_is_of_the_registry_that_it_is_completed_by() {
    let server = closed();
    let conf = format!("unqualified-search-registries = [\"{}\"]\n", server.host);
    assert_eq!(Pull::new(APP).login(USER, PASSWORD).registries_conf(&conf).run().code, 3);
    assert_eq!(shown(&server), [basic(USER, PASSWORD)]);
}
