use super::super::helper::tests::write_helper;
use super::*;
use std::error::Error as _;
use std::fs;
use tempfile::TempDir;

/// `user:password`.
const PAIR: &str = "dXNlcjpwYXNzd29yZA==";

/// A home with files, which also is every other folder that is looked into.
struct Home(TempDir);

impl Home {
    fn new(files: &[(&str, &str)]) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            let path = home.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        home
    }

    fn sources(&self) -> Sources {
        let path = self.0.path();
        Sources {
            runtime_folder: Some(path.join("run")),
            home: Some(path.into()),
            search_path: path.into(),
            ..Sources::default()
        }
    }

    fn find(&self, reference: &str) -> String {
        find(&self.sources(), reference)
    }
}

/// A credential as text, or the chain of errors.
fn find(sources: &Sources, reference: &str) -> String {
    match sources.find(&reference.parse().unwrap()) {
        Ok(None) => "-".into(),
        Ok(Some(Credential::Password { username, password })) => format!("{username}:{}", password.expose()),
        Ok(Some(Credential::IdentityToken(token))) => format!("identity {}", token.expose()),
        Ok(Some(Credential::RegistryToken(token))) => format!("registry {}", token.expose()),
        Err(error) => {
            let causes = std::iter::successors(error.source(), |error| (*error).source());
            causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
        }
    }
}

fn entry(key: &str, user: &str) -> String {
    format!(r#"{{"auths": {{"{key}": {{"username": "{user}", "password": "p"}}}}}}"#)
}

fn docker(text: &str) -> Home {
    Home::new(&[(".docker/config.json", text)])
}

#[test]
fn the_first_file_that_has_any_decides() {
    let key = "registry.example";
    let files = ["run/containers/auth.json", ".config/containers/auth.json", ".docker/config.json"];
    for (first, _) in files.iter().enumerate() {
        let texts: Vec<(&str, String)> =
            files[first..].iter().map(|path| (*path, entry(key, path))).collect();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (*path, &**text)).collect();
        assert_eq!(Home::new(&texts).find("registry.example/a"), format!("{}:p", files[first]));
    }
    let legacy =
        Home::new(&[(".dockercfg", r#"{"https://registry.example/v1/": {"auth": "dXNlcjpwYXNzd29yZA=="}}"#)]);
    assert_eq!(legacy.find("registry.example/a"), "user:password");
    assert_eq!(Home::new(&[]).find("registry.example/a"), "-");
    assert_eq!(find(&Sources::default(), "a"), "-");
}

#[test]
fn folders_that_variables_name_stand_for_those_at_home() {
    let home = Home::new(&[
        (".config/containers/auth.json", &entry("a.example", "home")),
        (".docker/config.json", &entry("b.example", "home")),
        ("config/containers/auth.json", &entry("a.example", "variable")),
        ("docker/config.json", &entry("b.example", "variable")),
        ("file.json", &entry("a.example", "file")),
    ]);
    assert_eq!([home.find("a.example/x"), home.find("b.example/x")], ["home:p", "home:p"]);
    let path = home.0.path();
    let mut sources = home.sources();
    sources.config_folder = Some(path.join("config"));
    sources.docker_folder = Some(path.join("docker"));
    assert_eq!([find(&sources, "a.example/x"), find(&sources, "b.example/x")], ["variable:p", "variable:p"]);
    sources.registry_auth_file = Some(path.join("file.json"));
    assert_eq!([find(&sources, "a.example/x"), find(&sources, "b.example/x")], ["file:p", "-"]);
    sources.registry_auth_file = Some(path.join("none.json"));
    assert!(find(&sources, "a.example/x").ends_with("/none.json`, which REGISTRY_AUTH_FILE names"));
    let credential = Credential::RegistryToken(Secret::new("t"));
    sources.explicit = Some(Login { registry: "a.example".into(), credential });
    assert_eq!(find(&sources, "a.example/x"), "registry t");
    sources.registry_auth_file = None;
    assert_eq!([find(&sources, "b.example/x"), find(&sources, "a.example:5000/x")], ["variable:p", "-"]);
}

#[test]
fn the_longest_key_decides() {
    let user = |name: &str| format!(r#"{{"username": "{name}", "password": "p"}}"#);
    let home = docker(&format!(
        r#"{{"auths": {{"registry.example": {}, "registry.example/team": {}, "registry.example/team/app": {},
           "registry.example:5000": {}, "https://url.example/v1/": {}}}}}"#,
        user("host"),
        user("team"),
        user("app"),
        user("port"),
        user("url")
    ));
    for (reference, expected) in [
        ("registry.example/team/app:1", "app:p"),
        ("registry.example/team/app/x", "app:p"),
        ("registry.example/team/application", "team:p"),
        ("registry.example/teams/app", "host:p"),
        ("registry.example:5000/team/app", "port:p"),
        ("url.example/a", "url:p"),
        ("url.example:5000/a", "-"),
        ("other.example/a", "-"),
        ("alpine", "-"),
    ] {
        assert_eq!(home.find(reference), expected, "{reference}");
    }
}

#[test]
fn docker_hub_has_many_keys() {
    for key in [
        "docker.io",
        "index.docker.io",
        "https://index.docker.io/v1/",
        "registry-1.docker.io",
        "docker.io/library",
    ] {
        assert_eq!(docker(&entry(key, "hub")).find("alpine"), "hub:p", "{key}");
    }
    assert_eq!(docker(&entry("docker.io/team", "team")).find("alpine"), "-");
}

#[test]
fn the_strongest_field_of_an_entry_decides() {
    for (fields, expected) in [
        (format!(r#""auth": "{PAIR}""#), "user:password"),
        (format!(r#""auth": "{}""#, PAIR.trim_end_matches('=')), "user:password"),
        (r#""auth": "dXNlcjpwYXNzd29yZAAA""#.into(), "user:password"),
        (r#""auth": "dTpwOnE=", "username": "x", "password": "y""#.into(), "u:p:q"),
        (format!(r#""auth": "{PAIR}", "identitytoken": "i""#), "identity i"),
        (format!(r#""auth": "{PAIR}", "identitytoken": "i", "registrytoken": "r""#), "registry r"),
        (r#""auth": "", "identitytoken": "", "email": "x""#.into(), "-"),
        (r#""auth": null, "username": "x""#.into(), "-"),
    ] {
        let text = format!(r#"{{"auths": {{"registry.example": {{{fields}}}}}, "other": [1]}}"#);
        assert_eq!(docker(&text).find("registry.example/a"), expected, "{fields}");
    }
}

#[test]
fn an_auth_that_cannot_be_decoded_names_file_and_key_alone() {
    for auth in ["aHVudGVyMg==", "hunter2!", "/////w==", "="] {
        let text = format!(r#"{{"auths": {{"registry.example": {{"auth": "{auth}"}}}}}}"#);
        let message = docker(&text).find("registry.example/a");
        let end = "/.docker/config.json` is not the Base64 of user:password: log in again";
        assert!(
            message.starts_with("the `auth` of `registry.example` in `/") && message.ends_with(end),
            "{message}"
        );
        assert!(!message.contains(auth), "{message}");
    }
}

#[test]
fn a_broken_file_is_an_error_that_names_it_and_not_its_content() {
    let nested = format!(r#"{{"auths": {}"#, "[".repeat(500_000));
    for text in [
        "",
        "hunter2",
        r#"{"auths": {"a": "hunter2"}}"#,
        r#"{"auths": {"a": {"auth": ["hunter2"]}}}"#,
        "[]",
        &nested,
    ] {
        let message = docker(text).find("registry.example/a");
        assert!(
            message.contains("/.docker/config.json` are not understood: it breaks at line 1, column"),
            "{message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
    }
    let home = Home::new(&[]);
    fs::create_dir(home.0.path().join(".docker")).unwrap();
    fs::write(home.0.path().join(".docker/config.json"), [0xff, 0xfe, b'{']).unwrap();
    assert!(home.find("a").contains("breaks at line 1, column"));
    fs::write(home.0.path().join(".docker/config.json"), vec![b'['; (1 << 20) + 1]).unwrap();
    assert!(home.find("a").ends_with("/.docker/config.json` has more than 1048576 bytes"));
}

#[test]
fn a_registry_with_a_helper_of_its_own_has_no_entry() {
    let home = docker(
        r#"{"auths": {"registry.example": {"username": "x", "password": "p"}, "other.example": {"username": "y", "password": "p"}},
            "credHelpers": {"registry.example": "one", "https://index.docker.io/v1/": "one", "empty.example": "empty"}, "credsStore": "all"}"#,
    );
    fs::write(home.0.path().join(".dockercfg"), r#"{"empty.example": {"username": "z", "password": "p"}}"#)
        .unwrap();
    for name in ["one", "all"] {
        let script = format!("server=$(cat); echo '{{\"Username\":\"{name}\",\"Secret\":\"'$server'\"}}'");
        write_helper(home.0.path(), name, &script);
    }
    write_helper(home.0.path(), "empty", "echo credentials not found in native keychain; exit 1");
    for (reference, expected) in [
        ("registry.example/a", "one:registry.example"),
        ("alpine", "one:https://index.docker.io/v1/"),
        ("other.example/a", "y:p"),
        ("third.example:5000/a", "all:third.example:5000"),
        ("empty.example/a", "z:p"),
    ] {
        assert_eq!(home.find(reference), expected, "{reference}");
    }
}

#[test]
fn a_store_knows_docker_hub_by_its_url() {
    let home = docker(r#"{"auths": {"https://index.docker.io/v1/": {}}, "credsStore": "all"}"#);
    write_helper(
        home.0.path(),
        "all",
        "server=$(cat); echo '{\"Username\":\"all\",\"Secret\":\"'$server'\"}'",
    );
    assert_eq!(home.find("alpine"), "all:https://index.docker.io/v1/");
}

#[test]
fn a_missing_helper_is_an_error_that_names_the_file() {
    let message = docker(r#"{"credsStore": "none"}"#).find("alpine");
    assert!(message.contains("`docker-credential-none`, which `/"), "{message}");
    assert!(
        message.contains("/.docker/config.json` asks for, gave no credentials: there is no such program"),
        "{message}"
    );
}
