//! Whom we believe to be the registry, and what we show of ourselves.

use crate::docker_registry::Registry;
use crate::fixture::{Fixture, app, assert_failed, assert_pulled, fixture};
use crate::identity::Identity;
use crate::pull::Pull;
use crate::server::Server;
use serde_json::{Value, json};

fn secure(fixture: &Fixture, identity: &Identity, visitor: Option<&Identity>) -> Registry {
    let authorities: Vec<_> = visitor.iter().map(|visitor| visitor.certificate()).collect();
    let tls = json!({"certificate": identity.certificate(), "key": identity.key(), "clientcas": authorities});
    Registry::start(&fixture.storage, json!({"tls": tls}), Value::Null).unwrap()
}

/// The text of a file of certificates.
fn text(path: std::path::PathBuf) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn an_authority_is_an_option_a_setting_or_a_file_of_certs_d() {
    let Some(fixture) = fixture() else { return };
    let identity = Identity::new();
    let registry = secure(fixture, &identity, None);
    let pull = || Pull::new(&app(&registry.host));
    let file = identity.certificate().display().to_string();
    let said = pull().arguments(&["--ca-file", &file]).run();
    assert_pulled(&said);
    assert!(said.stderr.contains("200 over HTTP/2"), "{}", said.stderr);
    assert_pulled(&pull().config(&format!("ca_files = [\"{file}\"]")).run());
    let folder = format!("home/.config/containers/certs.d/{}", registry.host);
    assert_pulled(&pull().file(&format!("{folder}/ca.crt"), &text(identity.certificate())).run());
    // Another's certificate is no help.
    let other = text(Identity::new().certificate());
    let said = pull().file(&format!("{folder}/ca.crt"), &other).run();
    assert_failed(&said, &[&format!("no secure connection to `{}`", registry.host), "certificate"]);
}

#[test]
fn the_systems_authorities_are_believed() {
    let Some(fixture) = fixture() else { return };
    let (identity, other) = (Identity::new(), Identity::new());
    let registry = secure(fixture, &identity, None);
    let pull = |file| {
        let pull = Pull::new(&app(&registry.host)).variable("SSL_CERT_DIR", "/nowhere");
        pull.variable("SSL_CERT_FILE", file).run()
    };
    assert_pulled(&pull(identity.certificate()));
    assert_failed(&pull(other.certificate()), &[&format!("no secure connection to `{}`", registry.host)]);
}

#[test]
fn a_registry_named_insecure_may_show_any_certificate_or_none() {
    let Some(fixture) = fixture() else { return };
    let identity = Identity::new();
    let registry = secure(fixture, &identity, None);
    let pull = || Pull::new(&app(&registry.host));
    assert_pulled(&pull().arguments(&["--insecure-registry", &registry.host]).run());
    assert_pulled(&pull().config(&format!("insecure = [\"{}\"]", registry.host)).run());
    let conf = format!("[[registry]]\nlocation = \"{}\"\ninsecure = true\n", registry.host);
    assert_pulled(&pull().registries_conf(&conf).run());
    // This machine may always be asked without any, also where there is nothing to judge one by.
    let nobody = fixture.pull().variable("SSL_CERT_FILE", "/dev/null").variable("SSL_CERT_DIR", "/nowhere");
    assert_pulled(&nobody.run());
    assert_pulled(&Pull::new(&app(&Server::curt(&fixture.registry.host).host)).run());
}

#[test]
fn our_own_certificate_is_shown_to_the_registry_it_is_for() {
    let Some(fixture) = fixture() else { return };
    let (identity, visitor) = (Identity::new(), Identity::new());
    let registry = secure(fixture, &identity, Some(&visitor));
    let folder = format!("home/.config/containers/certs.d/{}", registry.host);
    let pull =
        Pull::new(&app(&registry.host)).file(&format!("{folder}/ca.crt"), &text(identity.certificate()));
    // The registry's alert may come before or after it hangs up: TLS 1.3 is done before our certificate is.
    assert_failed(&pull.run(), &[&registry.host, "a client certificate was asked for"]);
    let pull = pull.file(&format!("{folder}/client.cert"), &text(visitor.certificate()));
    let said = pull.run();
    assert!(said.stderr.contains("client.cert` has no key beside it"), "{}", said.stderr);
    assert_pulled(&pull.file(&format!("{folder}/client.key"), &text(visitor.key())).run());
}
