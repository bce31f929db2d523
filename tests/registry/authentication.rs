//! What a registry is shown, and where that comes from.

use crate::docker_registry::Registry;
use crate::fixture::{Fixture, app, assert_failed, assert_pulled, fixture};
use crate::identity::Identity;
use crate::pull::{IDENTITY_TOKEN, PASSWORD, Pull, USER, WRONG_PASSWORD, pair};
use crate::token_server::{self, TokenServer};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

/// Of [`PASSWORD`], by bcrypt.
const HTPASSWD: &str = "tester:$2b$05$abcdefghijklmnopqrstuuSnF5tLPqPFqc0z9CY0HcSLFbSRlL67u\n";

/// A registry with TLS that wants to know who asks.
struct Closed {
    registry: Registry,
    identity: Arc<Identity>,
    tokens: Option<TokenServer>,
    _folder: tempfile::TempDir,
}

impl Closed {
    /// One that asks for user name and password.
    fn basic(fixture: &Fixture) -> Self {
        let identity = Arc::new(Identity::new());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("htpasswd");
        std::fs::write(&file, HTPASSWD).unwrap();
        let auth = json!({"htpasswd": {"realm": "tests", "path": file}});
        let registry = Registry::start(&fixture.storage, tls(&identity), auth).unwrap();
        Self { registry, identity, tokens: None, _folder: folder }
    }

    /// One that asks for a token of the token server, which is called `name`.
    fn bearer(fixture: &Fixture, name: &str) -> Self {
        let identity = Arc::new(Identity::new());
        let tokens = TokenServer::start(&identity);
        let auth = tokens.configuration(name);
        let registry = Registry::start(&fixture.storage, tls(&identity), auth).unwrap();
        Self { registry, identity, tokens: Some(tokens), _folder: tempfile::tempdir().unwrap() }
    }

    /// A pull by somebody who trusts the certificates, and lets the registry send him to this machine.
    fn pull(&self) -> Pull {
        let pull = Pull::new(&app(&self.registry.host));
        let pull = pull.arguments(&["--ca-file", self.identity.certificate().to_str().unwrap()]);
        match &self.tokens {
            Some(tokens) => pull.config(&format!("allow = [\"{}\"]", tokens.server.host)),
            None => pull,
        }
    }

    /// As [`Closed::pull`], with this entry for the registry in `config.json`.
    fn entry(&self, entry: serde_json::Value) -> Pull {
        self.auths(json!({&self.registry.host: entry}))
    }

    fn auths(&self, auths: serde_json::Value) -> Pull {
        let pull = self.pull();
        let folder = pull.path("docker");
        pull.file("docker/config.json", &json!({"auths": auths}).to_string())
            .variable("DOCKER_CONFIG", folder)
    }
}

fn tls(identity: &Identity) -> serde_json::Value {
    json!({"tls": {"certificate": identity.certificate(), "key": identity.key()}})
}

#[test]
fn a_password_may_come_from_standard_input_or_any_file() {
    let Some(fixture) = fixture() else { return };
    let auth = json!({"auth": pair(USER, PASSWORD)});
    for closed in [Closed::basic(fixture), Closed::bearer(fixture, "127.0.0.1")] {
        let host = &closed.registry.host;
        assert_pulled(&closed.pull().login(USER, PASSWORD).run());
        assert_pulled(&closed.entry(auth.clone()).run());
        let text = json!({"auths": {host: &auth}}).to_string();
        let pull = closed.pull().file("named.json", &text);
        let named = pull.path("named.json");
        assert_pulled(&pull.variable("REGISTRY_AUTH_FILE", named).run());
        assert_pulled(&closed.pull().file("run/containers/auth.json", &text).run());
        assert_pulled(&closed.pull().file("home/.config/containers/auth.json", &text).run());
        assert_pulled(&closed.pull().file("home/.docker/config.json", &text).run());
    }
}

#[test]
fn the_longest_entry_for_a_repository_counts() {
    let Some(fixture) = fixture() else { return };
    let closed = Closed::basic(fixture);
    let host = &closed.registry.host;
    let (right, wrong) = (json!({"auth": pair(USER, PASSWORD)}), json!({"auth": pair(USER, WRONG_PASSWORD)}));
    let of = |repository: &str| format!("{host}/{repository}");
    let auths = json!({host: wrong, of("team"): wrong, of("team/app"): right, of("team/app/x"): wrong});
    let said = closed.pull().file("run/containers/auth.json", &json!({"auths": auths}).to_string()).run();
    assert_pulled(&said);
    let auths = json!({host: right, of("team"): wrong});
    assert_failed(&closed.auths(auths).run(), &["refuses the credentials for `team/app`"]);
}

/// A pull with this `config.json` by somebody who has `docker-credential-tests`, if it `is_there`.
fn with_helper(closed: &Closed, config: &serde_json::Value, is_there: bool) -> Pull {
    let (host, pull) = (&closed.registry.host, closed.pull());
    let program = pull.path("bin/docker-credential-tests");
    let search = format!("{}:/usr/bin:/bin", pull.path("bin").display());
    let pull = pull.file("home/.docker/config.json", &config.to_string()).variable("PATH", search);
    if !is_there {
        return pull;
    }
    let answer = json!({"ServerURL": host, "Username": USER, "Secret": PASSWORD});
    let pull = pull.file(
        "bin/docker-credential-tests",
        &format!("#!/bin/sh\nread -r server\n[ \"$1 $server\" = 'get {host}' ] && echo '{answer}'\n"),
    );
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    pull
}

#[test]
fn a_helper_is_asked_for_the_registry_it_is_named_for() {
    let Some(fixture) = fixture() else { return };
    for closed in [Closed::basic(fixture), Closed::bearer(fixture, "127.0.0.1")] {
        let config = json!({"credHelpers": {&closed.registry.host: "tests"}});
        let said = with_helper(&closed, &config, false).run();
        assert_failed(&said, &["docker-credential-tests", "no such program in PATH"]);
        assert_pulled(&with_helper(&closed, &config, true).run());
    }
}

#[test]
fn the_credential_store_is_asked_for_every_registry_without_a_helper() {
    let Some(fixture) = fixture() else { return };
    for closed in [Closed::basic(fixture), Closed::bearer(fixture, "127.0.0.1")] {
        // Docker leaves an empty entry where it has put the password into the store.
        let config = json!({"auths": {&closed.registry.host: {}}, "credsStore": "tests",
            "credHelpers": {"registry.example": "other"}});
        let said = with_helper(&closed, &config, false).run();
        assert_failed(&said, &["docker-credential-tests", "no such program in PATH"]);
        assert_pulled(&with_helper(&closed, &config, true).run());
    }
}

#[test]
fn an_identity_token_is_traded_and_a_registry_token_is_shown_as_it_is() {
    let Some(fixture) = fixture() else { return };
    let closed = Closed::bearer(fixture, "127.0.0.1");
    assert_pulled(&closed.entry(json!({"identitytoken": IDENTITY_TOKEN})).run());
    let tokens = closed.tokens.as_ref().unwrap();
    assert_eq!(tokens.server.asked("/token").last().unwrap().method, "POST");
    let before = tokens.server.seen().len();
    let ready = token_server::token(&closed.identity, &["team/app"]);
    assert_pulled(&closed.entry(json!({"registrytoken": ready})).run());
    assert_eq!(tokens.server.seen().len(), before, "nobody has to be asked");
}

#[test]
fn one_token_serves_a_whole_pull() {
    let Some(fixture) = fixture() else { return };
    let closed = Closed::bearer(fixture, "127.0.0.1");
    assert_pulled(&closed.pull().login(USER, PASSWORD).run());
    assert_eq!(closed.tokens.unwrap().server.seen().len(), 1);
}

#[test]
fn a_wrong_password_is_told_as_such() {
    let Some(fixture) = fixture() else { return };
    let basic = Closed::basic(fixture);
    let said = basic.pull().login(USER, WRONG_PASSWORD).run();
    let refused = format!("`{}` refuses the credentials for `team/app`", basic.registry.host);
    assert_failed(&said, &[&refused, "UNAUTHORIZED: authentication required"]);
    let bearer = Closed::bearer(fixture, "127.0.0.1");
    for said in [
        bearer.pull().login(USER, WRONG_PASSWORD).run(),
        bearer.entry(json!({"identitytoken": "not-the-one"})).run(),
    ] {
        let refused = format!("`{}` refuses the credentials for `team/app`", bearer.registry.host);
        let realm = format!(
            "the token server https://{}/token says 401",
            bearer.tokens.as_ref().unwrap().server.host
        );
        assert_failed(&said, &[&refused, &realm]);
    }
}

#[test]
fn who_has_no_credentials_is_told_to_log_in() {
    let Some(fixture) = fixture() else { return };
    let basic = Closed::basic(fixture);
    // With an anonymous token, too, that opens nothing.
    let bearer = Closed::bearer(fixture, "127.0.0.1");
    for closed in [basic, bearer] {
        let said = closed.pull().run();
        let wants =
            format!("`{}` wants credentials for `team/app`, and none are known", closed.registry.host);
        assert_failed(
            &said,
            &[&wants, "log in with docker or skopeo, or give --username and --password-stdin"],
        );
        assert!(!said.stderr.contains("refuses"), "{}", said.stderr);
    }
}

#[test]
fn credentials_for_another_registry_are_not_shown() {
    let Some(fixture) = fixture() else { return };
    let closed = Closed::basic(fixture);
    let auth = json!({"auth": pair(USER, PASSWORD)});
    let auths = json!({"registry.example": auth, "127.0.0.1": auth, "localhost": auth, "127.0.0.1:1": auth});
    assert_failed(&closed.auths(auths).run(), &["none are known"]);
}

#[test]
fn a_token_server_of_another_name_sees_credentials_only_if_it_may() {
    let Some(fixture) = fixture() else { return };
    let closed = Closed::bearer(fixture, "localhost");
    let server = &closed.tokens.as_ref().unwrap().server;
    let elsewhere = server.host.replace("127.0.0.1", "localhost");
    let allow = format!("allow = [\"{elsewhere}\"]");
    let said = closed.pull().config(&allow).login(USER, PASSWORD).run();
    let text = format!("sends the credentials to `https://{elsewhere}/token`");
    assert_failed(&said, &[&text, "add the host to `token_hosts` under [registries] in config.toml"]);
    assert!(server.seen().is_empty());
    let pull = closed.pull().config(&format!("{allow}\ntoken_hosts = [\"LocalHost\"]"));
    assert_pulled(&pull.login(USER, PASSWORD).run());
}

#[test]
fn a_token_server_on_an_internal_address_is_asked_only_if_it_may_be() {
    let Some(fixture) = fixture() else { return };
    let closed = Closed::bearer(fixture, "127.0.0.1");
    let pull = closed.pull().config("");
    let said = pull.login(USER, PASSWORD).run();
    assert_failed(&said, &["`127.0.0.1` is at 127.0.0.1, which is loopback", "config.toml"]);
    assert!(closed.tokens.as_ref().unwrap().server.seen().is_empty());
    let pull = closed.pull().config("allow_addresses = [\"127.0.0.0/8\"]");
    assert_pulled(&pull.login(USER, PASSWORD).run());
}
