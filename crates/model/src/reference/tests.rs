use super::*;
use proptest::prelude::*;

const HEX: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// What is written, and its domain, path, tag and digest's algorithm. The cases follow Distribution's
/// `reference_test.go` and `normalize_test.go`; HEX stands for 64 digits.
const VALID: &str = "
    test_com                                  docker.io            library/test_com    -                -
    test.example:tag                              docker.io            library/test.example    tag              -
    test.example:5000                             docker.io            library/test.example    5000             -
    test.example/repo:tag                         test.example             repo                tag              -
    test:5000/repo                            test:5000            repo                -                -
    test:5000/repo:tag                        test:5000            repo                tag              -
    test:5000/repo@sha256:HEX                 test:5000            repo                -                sha256
    test:5000/repo:tag@sha256:HEX             test:5000            repo                tag              sha256
    busybox:latest@sha256:HEX                 docker.io            library/busybox     latest           sha256
    lowercase:Uppercase                       docker.io            library/lowercase   Uppercase        -
    sub-dom1.foo.example/bar/baz/quux             sub-dom1.foo.example     bar/baz/quux        -                -
    b.registry.example/test.host.example/my-app:test.host.example  b.registry.example    test.host.example/my-app  test.host.example  -
    xn--n3h.example/myimage:xn--n3h.example           xn--n3h.example          myimage             xn--n3h.example      -
    xn--7o8h.example/myimage@sha512:HEXHEX        xn--7o8h.example         myimage             -                sha512
    foo_bar.example:8080                          docker.io            library/foo_bar.example 8080             -
    foo/foo_bar.example:8080                      docker.io            foo/foo_bar.example     8080             -
    192.168.1.1                               docker.io            library/192.168.1.1 -                -
    192.168.1.1:5000                          docker.io            library/192.168.1.1 5000             -
    192.168.1.1/repo                          192.168.1.1          repo                -                -
    192.168.1.1:5000/repo:5050                192.168.1.1:5000     repo                5050             -
    [2001:db8::1]/repo                        [2001:db8::1]        repo                -                -
    [2001:db8:1:2:3:4:5:6]/repo:tag           [2001:db8:1:2:3:4:5:6]  repo             tag              -
    [2001:db8::1]:5000/repo:tag@sha256:HEX    [2001:db8::1]:5000   repo                tag              sha256
    [::1]:5000/repo                           [::1]:5000           repo                -                -
    localhost/repo                            localhost            repo                -                -
    localhost:5000                            docker.io            library/localhost   5000             -
    docker/docker                             docker.io            docker/docker       -                -
    docker.io/debian                          docker.io            library/debian      -                -
    docker.io/library/foo/bar                 docker.io            library/foo/bar     -                -
    index.docker.io/debian                    docker.io            library/debian      -                -
    index.docker.io/docker/docker             docker.io            docker/docker       -                -
    docker.io/HEX                             docker.io            library/HEX         -                -
    HEX:1                                     docker.io            library/HEX         1                -
    Docker/docker                             Docker               docker              -                -
    docker---rules/docker                     docker.io            docker---rules/docker  -             -
    dock__er/docker                           docker.io            dock__er/docker     -                -
    jess/t:_x.-                               docker.io            jess/t              _x.-             -
";

/// What is written, and what the message says.
const INVALID: &str = "
    :justtag                                  has no repository
    @sha256:HEX                               has no repository
    docker.io/                                has no repository
    repo@sha256:ffffffffffffffffffffffffffffffffff   has an invalid digest
    validname@invaliddigest:HEX               has an invalid digest
    repo@                                     has an invalid digest
    repo@sha256:HEX@sha256:HEX                has an invalid digest
    Uppercase:tag                             must be lower case: `Uppercase` is not
    test:5000/Uppercase/lowercase:tag         must be lower case
    docker/Docker                             must be lower case
    aa/asdf$$^/aa                             has an invalid part `asdf$$^`
    [2001:db8::1]                             has an invalid part `[2001`
    [2001:db8::1]:5000                        has an invalid part
    [fe80::1%eth0]:5000/repo                  has no valid registry
    [fe80::1%@invalidzone]:5000/repo          has an invalid digest
    [2001:db8:3:4::192.0.2.33]:5000/debian    has no valid registry
    []/debian                                 has an invalid part `[]`
    fc00::1:5000/debian                       has no valid registry
    test:/repo                                has no valid registry
    test:port/repo                            has no valid registry
    foo_bar.example/repo                          has no valid registry
    ./repo                                    has no valid registry
    a..b/repo                                 has no valid registry
    -docker.io/docker/docker                  has no valid registry
    https://registry.example/docker/docker          has no valid registry
    HEX                                       is an image id
    -docker                                   has an invalid part `-docker`
    docker-/docker                            has an invalid part `docker-`
    ____/____                                 has an invalid part
    _docker/_docker                           has an invalid part
    dock..er                                  has an invalid part
    dock_.er                                  has an invalid part
    dock-.er                                  has an invalid part
    dock___er                                 has an invalid part
    docker///docker                           has an invalid part ``
    docker/                                   has an invalid part ``
    a/../../b                                 has an invalid part `..`
    repo:                                     has an invalid tag ``
    repo:-foo                                 has an invalid tag `-foo`
    repo:a/b                                  has no valid registry
    repo/x:a/b                                has an invalid tag `a/b`
    repo:a:b                                  has an invalid tag `a:b`
";

fn lines(table: &str) -> impl Iterator<Item = (String, String)> {
    table.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let line = line.replace("HEX", HEX);
        let (input, rest) = line.split_once(' ').unwrap();
        (input.into(), rest.trim().into())
    })
}

fn message(text: &str) -> String {
    text.parse::<ImageReference>().unwrap_err().to_string()
}

#[test]
fn a_reference_has_domain_path_tag_and_digest() {
    for (input, expected) in lines(VALID) {
        let reference: ImageReference = input.parse().unwrap_or_else(|error| panic!("{error}"));
        let digest = reference.digest().map(|digest| digest.algorithm().name());
        let got = [
            reference.registry(),
            reference.repository(),
            reference.tag().unwrap_or("-"),
            digest.unwrap_or("-"),
        ];
        assert_eq!(got.as_slice(), expected.split_whitespace().collect::<Vec<_>>(), "{input}");
    }
}

#[test]
fn a_wrong_text_is_refused_for_the_right_reason() {
    for (input, expected) in lines(INVALID) {
        let got = message(&input);
        assert!(got.contains(&expected), "{input}: {got}");
    }
    assert_eq!(message(""), "image reference `` has no repository");
    assert_eq!(
        message("a\u{1b}[2j"),
        "image reference `a\\u{1b}[2j` has an invalid part `a\\u{1b}[2j`: lower-case letters and digits, \
         separated by `.`, `_`, `__` or dashes"
    );
}

#[test]
fn a_path_ends_at_255_characters_and_a_tag_at_128() {
    let path = "a/".repeat(127) + "a";
    assert!(format!("registry.example/{path}:tag-puts-this-over-max").parse::<ImageReference>().is_ok());
    let longer = message(&format!("registry.example/{path}a"));
    assert!(longer.ends_with("has 256 characters, 255 are allowed"), "{longer}");
    assert!(message(&"a".repeat(248)).contains("has 256 characters"), "`library/` counts");
    assert!(format!("a:{}", "t".repeat(128)).parse::<ImageReference>().is_ok());
    assert!(message(&format!("a:{}", "t".repeat(129))).contains("up to 128 letters"));
    assert!(message(&"A".repeat(1 << 20)).len() < 600, "an error repeats the beginning only");
}

#[test]
fn the_familiar_form_drops_what_docker_adds() {
    for (input, expected) in [
        ("docker.io/library/redis:7", "redis:7"),
        ("docker.io/library/foo/bar", "library/foo/bar"),
        ("index.docker.io/team/app", "team/app"),
        ("127.0.0.1:8000/privatebase", "127.0.0.1:8000/privatebase"),
        ("registry.example/library/redis", "registry.example/library/redis"),
    ] {
        assert_eq!(input.parse::<ImageReference>().unwrap().familiar(), expected);
    }
}

#[test]
fn a_name_without_a_registry_is_short() {
    for (text, short) in [
        ("alpine", true),
        ("alpine:3.20", true),
        ("team/app@sha256:0", true),
        ("docker.io/alpine", false),
        ("localhost/app", false),
        ("host:5000/app", false),
    ] {
        assert_eq!(ImageReference::is_short(text), short, "{text}");
    }
}

#[test]
fn latest_is_the_tag_of_a_reference_without_one() {
    let reference: ImageReference = "registry.example/app".parse().unwrap();
    assert_eq!((reference.tag(), reference.tag_or_latest()), (None, "latest"));
    assert_eq!(reference.to_string(), "registry.example/app");
}

#[test]
fn it_is_a_string_in_json_and_checked() {
    let reference: ImageReference = serde_json::from_str("\"alpine:3\"").unwrap();
    assert_eq!(serde_json::to_string(&reference).unwrap(), "\"docker.io/library/alpine:3\"");
    assert!(serde_json::from_str::<ImageReference>("\"../etc\"").is_err());
}

proptest! {
    #[test]
    fn what_it_prints_is_read_as_the_same(
        text in "(([A-Za-z0-9-]{1,4}\\.){0,2}[a-z0-9-]{1,6}(:[0-9]{1,4})?/)?([a-z0-9]{1,3}[._-]{0,3}[a-z0-9]{1,3}/?){1,4}(:[A-Za-z0-9_.-]{1,5})?",
        digest in prop::option::of(Just(format!("@sha256:{HEX}"))),
    ) {
        if let Ok(reference) = (text + &digest.unwrap_or_default()).parse::<ImageReference>() {
            prop_assert_eq!(reference.to_string().parse(), Ok(reference));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text: String, near in "[a-zA-Z0-9/:@._\\[\\]-]{0,80}") {
        for text in [text, near] {
            drop(text.parse::<ImageReference>());
            let _ = ImageReference::is_short(&text);
        }
    }
}
