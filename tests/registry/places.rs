//! Where an image is asked for: its name, and what registries.conf makes of it.

use crate::fixture::{APP, app, assert_failed, assert_pulled, fixture};
use crate::pull::{PASSWORD, Pull, USER, basic};
use crate::server::Server;
use crate::support::digest;
use std::time::{Duration, Instant};

/// Nobody listens there.
const DEAD: &str = "127.0.0.1:1";

#[test]
fn an_image_is_named_by_tag_by_digest_or_both() {
    let Some(fixture) = fixture() else { return };
    let (app, name) = (fixture.app(), fixture.app().replace(":1", ""));
    assert_ne!(app, name);
    let right = &fixture.digest;
    for target in [
        app.clone(),
        format!("docker://{app}"),
        format!("docker://{name}@{right}"),
        format!("{name}@{right}"),
        format!("{app}@{right}"),
        app.replace("127.0.0.1", "localhost"),
    ] {
        let said = Pull::new(&target).run();
        assert_pulled(&said);
        let image = &said.json()["images"][0];
        assert_eq!(image["digest"], **right, "{target}");
        assert_eq!(image["reference"], target.replace("docker://", ""));
    }
}

#[test]
fn what_the_registry_does_not_have_is_told_by_its_name() {
    let Some(fixture) = fixture() else { return };
    let host = &fixture.registry.host;
    let wrong = digest(b"nothing");
    for (name, shown) in [
        (format!("{APP}@{wrong}"), format!("`{host}` does not have `team/app@{wrong}`")),
        ("team/app:2".into(), format!("`{host}` does not have `team/app:2`")),
        ("team/other:1".into(), format!("`{host}` does not have `team/other:1`")),
    ] {
        let target = format!("{host}/{name}");
        let said = Pull::new(&target).run();
        assert_failed(&said, &[&format!("`{target}` cannot be pulled"), &shown]);
    }
}

#[test]
fn a_registry_that_is_not_there_is_told_soon() {
    let start = Instant::now();
    let said = Pull::new(&app(DEAD)).run();
    assert_failed(&said, &[&format!("cannot connect to `{DEAD}`"), "Connection refused"]);
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn a_mirror_is_asked_first_and_a_dead_one_is_passed_over() {
    let Some(fixture) = fixture() else { return };
    let host = &fixture.registry.host;
    let mirror = |location: &str| {
        format!(
            "[[registry]]\nprefix = \"registry.example\"\nlocation = \"{DEAD}\"\n[[registry.mirror]]\nlocation = \"{location}\"\n"
        )
    };
    assert_pulled(&Pull::new(&app("registry.example")).registries_conf(&mirror(host)).run());
    let dead = format!("[[registry]]\nlocation = \"{host}\"\n[[registry.mirror]]\nlocation = \"{DEAD}\"\n");
    assert_pulled(&Pull::new(&app(host)).registries_conf(&dead).run());
    // Where nobody has it, each says why.
    let said = Pull::new(&format!("{host}/team/app:2")).registries_conf(&dead).run();
    let absent = format!("`{host}` does not have `team/app:2`");
    assert_failed(&said, &[&format!("cannot connect to `{DEAD}`"), &absent]);
}

#[test]
fn a_name_is_rewritten_to_where_the_image_lies() {
    let Some(fixture) = fixture() else { return };
    let conf = format!(
        "[[registry]]\nprefix = \"registry.example/from\"\nlocation = \"{}/team\"\n",
        fixture.registry.host
    );
    let said = Pull::new("registry.example/from/app:1").registries_conf(&conf).run();
    assert_pulled(&said);
    assert_eq!(said.json()["images"][0]["reference"], "registry.example/from/app:1");
}

#[test]
fn a_blocked_registry_is_not_asked() {
    let Some(fixture) = fixture() else { return };
    let host = &fixture.registry.host;
    let conf = format!("[[registry]]\nlocation = \"{host}\"\nblocked = true\n");
    assert_failed(&fixture.pull().registries_conf(&conf).run(), &["is blocked", "registries.conf` blocks"]);
}

#[test]
fn a_short_name_that_could_mean_several_images_is_refused() {
    let conf = "unqualified-search-registries = [\"registry.example\", \"other.example\"]\n";
    let said = Pull::new("imagescan-tests-app:1").registries_conf(conf).run();
    let text = "searches `registry.example`, `other.example`; write the registry in front, as in \
                `registry.example/imagescan-tests-app:1`";
    assert_failed(&said, &["`imagescan-tests-app` is ambiguous", text]);
}

#[test]
fn a_short_name_is_completed_by_an_alias_or_the_only_registry() {
    let Some(fixture) = fixture() else { return };
    let host = &fixture.registry.host;
    let alias = format!("[aliases]\n\"imagescan-tests-app\" = \"{host}/team/app\"\n");
    assert_pulled(&Pull::new("imagescan-tests-app:1").registries_conf(&alias).run());
    let search = format!("unqualified-search-registries = [\"{host}\"]\n");
    assert_pulled(&Pull::new(APP).registries_conf(&search).run());
}

#[test]
fn nothing_is_pulled_offline() {
    let Some(fixture) = fixture() else { return };
    assert_failed(&fixture.pull().arguments(&["--offline"]).run(), &["is not pulled with --offline"]);
}

#[test]
fn the_proxies_of_the_environment_carry_what_they_are_for() {
    let Some(fixture) = fixture() else { return };
    let proxy = Server::before(&fixture.registry.host, |_, said| said);
    let address = format!("http://{USER}:{PASSWORD}@{}", proxy.host);
    let pull = || {
        let pull =
            Pull::new("registry.example/team/app:1").arguments(&["--insecure-registry", "registry.example"]);
        pull.variable("HTTPS_PROXY", &address).variable("http_proxy", &address)
    };
    assert_pulled(&pull().run());
    let asked = proxy.asked("http://registry.example/v2/team/app/blobs/");
    assert!(asked.len() >= 4, "{asked:?}");
    assert!(
        asked.iter().all(|request| request.header("proxy-authorization") == Some(&basic(USER, PASSWORD)))
    );
    let before = proxy.seen().len();
    assert_failed(&pull().variable("NO_PROXY", "registry.example").run(), &["registry.example"]);
    assert_eq!(proxy.seen().len(), before);
}
