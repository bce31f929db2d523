use super::*;
use proptest::prelude::*;
use std::error::Error;
use std::fs;
use tempfile::TempDir;

const DIGEST: &str = "@sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read(folder: &TempDir) -> Result<RegistriesConf, RegistriesError> {
    let path = folder.path();
    RegistriesConf::read(&RegistriesPaths {
        explicit: None,
        user_folder: Some(path.join("user")),
        system_folder: path.join("etc"),
    })
}

fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The places, comma separated, an insecure one with `!`; or the message.
fn places(conf: &RegistriesConf, text: &str) -> String {
    let reference = text.replace("@DIGEST", DIGEST).parse().unwrap();
    match conf.resolve(&reference, ImageReference::is_short(text)) {
        Ok(endpoints) => {
            let place = |endpoint: &Endpoint| {
                let mark = if endpoint.insecure { "!" } else { "" };
                format!("{}{mark}", endpoint.reference).replace(DIGEST, "@DIGEST")
            };
            endpoints.iter().map(place).collect::<Vec<_>>().join(", ")
        }
        Err(error) => chain(&error),
    }
}

fn conf(text: &str) -> RegistriesConf {
    read(&folder(&[("etc/registries.conf", text)])).unwrap()
}

/// A table of cases: what is asked for, and what `places` says.
fn check(conf: &RegistriesConf, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(places(conf, text), *expected, "{text}");
    }
}

#[test]
fn without_files_an_image_lies_where_it_says() {
    let conf = read(&folder(&[])).unwrap();
    check(
        &conf,
        &[
            ("alpine", "docker.io/library/alpine:latest"),
            ("registry.example/app:1", "registry.example/app:1"),
            ("registry.example/app:1@DIGEST", "registry.example/app@DIGEST"),
        ],
    );
    let endpoint = &conf.resolve(&"alpine".parse().unwrap(), true).unwrap()[0];
    assert_eq!(
        [endpoint.host(), endpoint.server(), endpoint.repository()],
        ["docker.io", "registry-1.docker.io", "library/alpine"]
    );
}

#[test]
fn mirrors_come_in_order_and_the_location_last() {
    // The example of containers-registries.conf(5).
    let conf = conf(
        r#"
        unknown-key = 1
        [[registry]]
        prefix = "example.com/foo"
        location = "internal.example/bar/"
        proxy = "http://proxy.example"
        [[registry.mirror]]
        location = "mirror-0.example/mirror-for-foo"
        [[registry.mirror]]
        location = "mirror-1.example/mirrors/foo"
        insecure = true
        [[registry]]
        location = "plain.example:5000"
        insecure = true
        "#,
    );
    check(
        &conf,
        &[
            (
                "example.com/foo/image:1",
                "mirror-0.example/mirror-for-foo/image:1, mirror-1.example/mirrors/foo/image:1!, internal.example/bar/image:1",
            ),
            (
                "example.com/foo:1",
                "mirror-0.example/mirror-for-foo:1, mirror-1.example/mirrors/foo:1!, internal.example/bar:1",
            ),
            ("example.com/foobar:1", "example.com/foobar:1"),
            ("plain.example:5000/a", "plain.example:5000/a:latest!"),
            ("plain.example/a", "plain.example/a:latest"),
        ],
    );
}

#[test]
fn the_longest_prefix_decides() {
    let conf = conf(
        r#"
        [[registry]]
        prefix = "a.example"
        location = "host.example"
        [[registry]]
        prefix = "a.example/team"
        location = "team.example"
        [[registry]]
        prefix = "a.example/team/app"
        blocked = true
        location = "x.example"
        [[registry]]
        prefix = "a.example/team/other:2"
        location = "tagged.example/other:3"
        [[registry]]
        prefix = "docker.io/library"
        location = "hub.example/official"
        [[registry]]
        prefix = "back.example"
        location = "docker.io"
        "#,
    );
    check(
        &conf,
        &[
            ("a.example/x:1", "host.example/x:1"),
            ("a.example:5000/x:1", "host.example:5000/x:1"),
            ("a.example/team/x", "team.example/x:latest"),
            ("a.example/team/other:2", "tagged.example/other:3"),
            ("a.example/team/other:1", "team.example/other:1"),
            ("alpine:3", "hub.example/official/alpine:3"),
            ("back.example/alpine:3", "docker.io/library/alpine:3"),
            ("ba.example/x:1", "ba.example/x:1"),
        ],
    );
    let blocked = places(&conf, "a.example/team/app:1");
    assert!(blocked.starts_with("`a.example/team/app:1` is blocked: `/"), "{blocked}");
    assert!(blocked.ends_with("/etc/registries.conf` blocks `a.example/team/app`"), "{blocked}");
}

#[test]
fn a_wildcard_stands_for_subdomains() {
    let conf = conf(
        r#"
        [[registry]]
        prefix = "*.example"
        insecure = true
        [[registry]]
        prefix = "*.b.example"
        location = "elsewhere.test/b"
        [[registry.mirror]]
        location = "mirror.test"
        "#,
    );
    check(
        &conf,
        &[
            ("a.example/x:1", "a.example/x:1!"),
            ("a.example:5000/x:1", "a.example:5000/x:1!"),
            ("b.example/x:1", "b.example/x:1!"),
            ("c.b.example/x:1", "mirror.test/x:1, elsewhere.test/b/x:1"),
            ("d.c.b.example/x:1", "mirror.test/x:1, elsewhere.test/b/x:1"),
            ("a.example.test/x:1", "a.example.test/x:1"),
            ("host.test/a.example/x:1", "host.test/a.example/x:1"),
        ],
    );
}

#[test]
fn a_mirror_may_serve_digests_or_tags_only() {
    let mirrors = r#"
        [[registry.mirror]]
        location = "digest.test"
        pull-from-mirror = "digest-only"
        [[registry.mirror]]
        location = "tag.test"
        pull-from-mirror = "tag-only"
        [[registry.mirror]]
        location = "all.test"
        pull-from-mirror = "all"
        "#;
    check(
        &conf(&format!("[[registry]]\nlocation = \"a.example\"\n{mirrors}")),
        &[
            ("a.example/x:1", "tag.test/x:1, all.test/x:1, a.example/x:1"),
            ("a.example/x:1@DIGEST", "digest.test/x@DIGEST, all.test/x@DIGEST, a.example/x@DIGEST"),
        ],
    );
    let by_digest = "[[registry]]\nlocation = \"a.example\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"m.test\"";
    check(
        &conf(by_digest),
        &[("a.example/x:1", "a.example/x:1"), ("a.example/x@DIGEST", "m.test/x@DIGEST, a.example/x@DIGEST")],
    );
}

#[test]
fn a_short_name_is_completed_by_alias_or_search_list() {
    let aliases = r#"
        short-name-mode = "enforcing"
        [aliases]
        "app" = "alias.example/team/app"
        "library/x" = "alias.example/never"
        "team/app" = "docker.io/app"
        "gone" = ""
        [[registry]]
        prefix = "alias.example"
        location = "moved.example"
        "#;
    let searching = |list: &str| conf(&format!("unqualified-search-registries = {list}\n{aliases}"));
    check(
        &searching("[]"),
        &[
            ("app:1", "moved.example/team/app:1"),
            ("app@DIGEST", "moved.example/team/app@DIGEST"),
            ("team/app", "docker.io/library/app:latest"),
            ("gone:1", "docker.io/library/gone:1"),
            ("docker.io/app:1", "docker.io/library/app:1"),
        ],
    );
    check(
        &searching(r#"["search.example:5000/"]"#),
        &[
            ("app:1", "moved.example/team/app:1"),
            ("alpine:1", "search.example:5000/alpine:1"),
            ("team/x:1", "search.example:5000/team/x:1"),
            ("docker.io/alpine:1", "docker.io/library/alpine:1"),
        ],
    );
    let several = searching(r#"["a.example", "docker.io"]"#);
    check(&several, &[("app:1", "moved.example/team/app:1")]);
    let ambiguous = places(&several, "alpine:1");
    assert!(ambiguous.starts_with("`alpine` is ambiguous: `/"), "{ambiguous}");
    let end = "/registries.conf` searches `a.example`, `docker.io`; write the registry in front, as in `a.example/alpine:1`";
    assert!(ambiguous.ends_with(end), "{ambiguous}");
}

#[test]
fn later_files_win_table_by_table_and_alias_by_alias() {
    let table = |prefix: &str, location: &str| {
        format!("[[registry]]\nprefix = \"{prefix}\"\nlocation = \"{location}\"\n")
    };
    let folder = folder(&[
        (
            "etc/registries.conf",
            &format!(
                "unqualified-search-registries = [\"etc.example\"]\n[aliases]\na = \"a.example/etc\"\nb = \"b.example/etc\"\n{}{}{}",
                table("x.example", "etc.example"),
                table("x.example", "second.example"),
                table("y.example", "etc.example")
            ),
        ),
        ("etc/registries.conf.d/20.conf", &table("x.example", "twenty.example")),
        (
            "etc/registries.conf.d/10.conf",
            &format!("[aliases]\na = \"\"\n{}", table("x.example", "ten.example")),
        ),
        ("etc/registries.conf.d/30.conf.off", "not toml"),
        ("etc/registries.conf.d/40.conf/x.conf", "not toml"),
        ("user/registries.conf.d/05.conf", "unqualified-search-registries = [\"user.example\"]"),
    ]);
    let cases = [
        ("x.example/a:1", "twenty.example/a:1"),
        ("y.example/a:1", "etc.example/a:1"),
        ("a:1", "user.example/a:1"),
        ("b:1", "b.example/etc:1"),
    ];
    check(&read(&folder).unwrap(), &cases);
    fs::write(folder.path().join("user/registries.conf"), table("z.example", "user.example")).unwrap();
    let hidden = [
        ("x.example/a:1", "x.example/a:1"),
        ("z.example/a:1", "user.example/a:1"),
        ("b:1", "user.example/b:1"),
    ];
    check(&read(&folder).unwrap(), &hidden);
    let explicit = |name: &str| {
        let path = folder.path();
        RegistriesConf::read(&RegistriesPaths {
            explicit: Some(path.join(name)),
            user_folder: Some(path.join("user")),
            system_folder: path.join("etc"),
        })
    };
    check(&explicit("etc/registries.conf").unwrap(), &cases);
    assert!(
        explicit("none").unwrap_err().to_string().ends_with("/none`, which CONTAINERS_REGISTRIES_CONF names")
    );
}

#[test]
fn a_wrong_file_is_an_error_that_names_it_and_the_reason() {
    let table = |keys: &str| format!("[[registry]]\n{keys}");
    for (text, expected) in [
        ("[registries.search]\nregistries = ['a.example']".into(), "it is in version 1 of the format"),
        ("a = 1\nb = ".into(), "line 2: "),
        ("unqualified-search-registries = 'a'".into(), "line 1: invalid type"),
        ("short-name-mode = 'ask\u{7f}'".into(), "line 1: "),
        ("short-name-mode = 'ask'".into(), "line 1: unknown variant `ask`"),
        (
            "unqualified-search-registries = ['a.example/team']".into(),
            "`a.example/team` in unqualified-search-registries is no host[:port]",
        ),
        ("unqualified-search-registries = ['']".into(), "`` in unqualified-search-registries"),
        ("unqualified-search-registries = ['../x']".into(), "`../x` in unqualified-search-registries"),
        (table("location = 'https://a.example'"), "the location `https://a.example` is a URL"),
        (table("insecure = true"), "prefix `` has no location"),
        (table("prefix = 'a.example'"), "prefix `a.example` has no location"),
        (table("prefix = '*.example/a'"), "the prefix `*.example/a` has a wildcard and a port or path"),
        (table("location = 'a.example'\npull-from-mirror = 'all'"), "`pull-from-mirror` of `a.example`"),
        (
            table("location = 'a.example'\nmirror = [{location = ''}]"),
            "a mirror of `a.example` has no location",
        ),
        (
            table("location = 'a.example'\nmirror = [{location = 'b', pull-from-mirror = 'x'}]"),
            "unknown variant `x`",
        ),
        (
            table(
                "location = 'a.example'\nmirror-by-digest-only = true\nmirror = [{location = 'b', pull-from-mirror = 'all'}]",
            ),
            "`pull-from-mirror` of `a.example`",
        ),
        ("[aliases]\n'a:1' = 'b.example/a'".into(), "the alias `a:1` is no name"),
        ("[aliases]\n'a.example/a' = 'b.example/a'".into(), "the alias `a.example/a` is no name"),
        ("[aliases]\na = 'team/a'".into(), "the alias `a` means `team/a`"),
        ("[aliases]\na = 'b.example/a:1'".into(), "the alias `a` means `b.example/a:1`"),
        (format!("a = {}", "[".repeat(500_000)), "line 1: "),
    ] {
        let message = chain(&read(&folder(&[("etc/registries.conf.d/a.conf", &text)])).unwrap_err());
        assert!(message.contains("/etc/registries.conf.d/a.conf` is not understood: "), "{message}");
        assert!(message.contains(expected), "{message}");
    }
    let folder = folder(&[("etc/registries.conf", "")]);
    fs::write(folder.path().join("etc/registries.conf"), [0xff]).unwrap();
    assert!(chain(&read(&folder).unwrap_err()).ends_with("it is not UTF-8"));
    fs::write(folder.path().join("etc/registries.conf"), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(chain(&read(&folder).unwrap_err()).ends_with("has more than 1048576 bytes"));
}

#[test]
fn a_location_that_leads_nowhere_is_an_error() {
    let conf = conf(
        "[[registry]]\nprefix = 'a.example'\nlocation = 'team'\n[[registry]]\nprefix = 'b.example'\nlocation = 'c.example/../d'",
    );
    let short = places(&conf, "a.example/x:1");
    assert!(
        short.ends_with("/etc/registries.conf` sends us to `team/x:1`, which names no registry"),
        "{short}"
    );
    let wrong = places(&conf, "b.example/x:1");
    assert!(
        wrong.contains("sends us to no image: image reference `c.example/../d/x:1` has an invalid part `..`"),
        "{wrong}"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, near in "(\\[\\[registry\\]\\]\n|(prefix|location) = '[a*./:@]{0,9}'\n){0,6}") {
        drop(document::Document::parse(&bytes));
        if let Ok(document) = document::Document::parse(near.as_bytes()) {
            let tables = document.tables.into_iter().map(|(prefix, table)| (prefix, (table, PathBuf::new())));
            let conf = RegistriesConf { tables: tables.collect(), ..RegistriesConf::default() };
            drop(conf.resolve(&"a.a/a:a".parse().unwrap(), false));
        }
    }
}
