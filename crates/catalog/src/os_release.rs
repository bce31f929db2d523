//! Which system this is: os-release(5), and the files of times and systems without it.

use crate::problem;
use crate::text::{lines, some, text};
use imagescan_image::{ReadAt, View};
use imagescan_model::{Incomplete, IncompleteKind, System};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Files asked for, the first that is there and says an `ID` decides.
pub(crate) const PATHS: [&str; 9] = [
    "etc/os-release",
    "usr/lib/os-release",
    "etc/lsb-release",
    "etc/debian_version",
    "etc/alpine-release",
    "etc/redhat-release",
    "etc/centos-release",
    "etc/system-release",
    "etc/fedora-release",
];

/// Bytes of such a file; real ones have less than a thousand.
const LONGEST: u64 = 64 << 10;

/// The system that the files of `view` describe.
pub(crate) fn system(view: View<'_>, problems: &mut Vec<Incomplete>) -> System {
    let mut unread = Vec::new();
    for path in PATHS {
        let Some(file) = problem::file(view, path, IncompleteKind::System, &mut unread) else { continue };
        if file.len() > LONGEST {
            let why = format!("it is longer than {LONGEST} bytes: it is damaged");
            unread.push(problem::incomplete(IncompleteKind::System, path, why));
            continue;
        }
        let Some(bytes) = problem::bytes(&file, IncompleteKind::System, &mut unread) else { continue };
        let name = path.rsplit('/').next().unwrap_or(path);
        let found = match name {
            "os-release" => from_os_release(&bytes),
            "lsb-release" => from_lsb_release(&bytes),
            "debian_version" => from_debian_version(&bytes),
            "alpine-release" => from_alpine_release(&bytes),
            _ => from_red_hat_release(&bytes),
        };
        if found.id.is_some() {
            return found;
        }
    }
    let why = "no file says which system this is (os-release, lsb-release, debian_version, alpine-release, \
               redhat-release): its packages are listed, and cannot be judged";
    problems.append(&mut unread);
    problems.push(Incomplete { what: IncompleteKind::System, path: None, why: why.into() });
    System::default()
}

/// The day that os-release says its system, or the image of it, was built on, and the file that says so. Many write
/// something else into these fields, which is no date and says nothing.
pub(crate) fn build_day(view: View<'_>) -> Option<(&'static str, Timestamp)> {
    for path in ["etc/os-release", "usr/lib/os-release"] {
        let Some(file) = view.file(path).ok().flatten().filter(|file| file.len() <= LONGEST) else {
            continue;
        };
        let fields = assignments(&file.bytes().ok()?);
        let days = ["BUILD_ID", "IMAGE_VERSION"].into_iter().filter_map(|name| day(fields.get(name)?));
        return days.max().map(|day| (path, day));
    }
    None
}

/// `YYYYMMDD` or `YYYY-MM-DD`, also with the number of that day's build behind a full stop.
fn day(value: &str) -> Option<Timestamp> {
    let (date, number) = value.split_once('.').unwrap_or((value, "0"));
    let digits: String = match date.len() {
        8 => date.into(),
        10 => date.split('-').map(|part| part.to_string()).collect(),
        _ => return None,
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.len() != 8 || !is_number(&digits) || !is_number(number) {
        return None;
    }
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    let written = format!("{year}-{month}-{day}");
    (date.len() == 8 || date == written).then(|| format!("{written}T00:00:00Z").parse().ok())?
}

/// os-release(5): shell assignments without expansion. The last of a name counts.
fn from_os_release(bytes: &[u8]) -> System {
    let mut fields = assignments(bytes);
    let mut take = |name: &str| fields.remove(name).filter(|value| !value.is_empty());
    System {
        id: take("ID").map(|id| id.to_ascii_lowercase()),
        id_like: take("ID_LIKE")
            .map(|like| like.split_whitespace().map(String::from).collect())
            .unwrap_or_default(),
        version_id: take("VERSION_ID"),
        codename: take("VERSION_CODENAME"),
        pretty_name: take("PRETTY_NAME"),
        cpe_name: take("CPE_NAME"),
        platform_id: take("PLATFORM_ID"),
        ..System::default()
    }
}

fn from_lsb_release(bytes: &[u8]) -> System {
    let mut fields = assignments(bytes);
    System {
        id: fields.remove("DISTRIB_ID").filter(|id| !id.is_empty()).map(|id| id.to_ascii_lowercase()),
        version_id: fields.remove("DISTRIB_RELEASE"),
        codename: fields.remove("DISTRIB_CODENAME"),
        pretty_name: fields.remove("DISTRIB_DESCRIPTION"),
        ..System::default()
    }
}

/// `12.5`, or `trixie/sid` before a release.
fn from_debian_version(bytes: &[u8]) -> System {
    let version = first_line(bytes);
    let numeric = version.starts_with(|first: char| first.is_ascii_digit());
    System {
        id: Some("debian".into()),
        version_id: numeric.then(|| version.split('.').next().unwrap_or_default().into()),
        codename: (!numeric && !version.is_empty()).then(|| version.clone()),
        pretty_name: Some(format!("Debian {version}")),
        ..System::default()
    }
}

fn from_alpine_release(bytes: &[u8]) -> System {
    let version = first_line(bytes);
    System {
        id: Some("alpine".into()),
        pretty_name: Some(format!("Alpine Linux {version}")),
        version_id: Some(version).filter(|version| !version.is_empty()),
        ..System::default()
    }
}

/// `NAME release VERSION (CODENAME)`.
fn from_red_hat_release(bytes: &[u8]) -> System {
    const IDS: [(&str, &str); 8] = [
        ("Red Hat Enterprise Linux", "rhel"),
        ("CentOS", "centos"),
        ("Fedora", "fedora"),
        ("AlmaLinux", "almalinux"),
        ("Rocky Linux", "rocky"),
        ("Oracle Linux", "ol"),
        ("Amazon Linux", "amzn"),
        ("CBL-Mariner", "mariner"),
    ];
    let line = first_line(bytes);
    let id = IDS.iter().find(|(name, _)| line.starts_with(name)).map(|(_, id)| String::from(*id));
    let version = line.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    System {
        id,
        version_id: version.map(String::from),
        pretty_name: some(line.as_bytes()),
        ..System::default()
    }
}

fn first_line(bytes: &[u8]) -> String {
    lines(bytes).map(text).find(|line| !line.is_empty()).unwrap_or_default().chars().take(256).collect()
}

fn assignments(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for line in lines(bytes).map(text) {
        if let Some((name, value)) = line.split_once('=')
            && !line.starts_with('#')
            && value.len() <= 1024
        {
            fields.insert(name.trim().to_string(), unquoted(value.trim()));
        }
    }
    fields
}

/// A shell word: single quotes keep all, double quotes and the bare word know the backslash.
fn unquoted(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'') {
        return inner.strip_suffix('\'').unwrap_or(inner).into();
    }
    let inner = value.strip_prefix('"').map_or(value, |inner| inner.strip_suffix('"').unwrap_or(inner));
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_image::TreeBuilder;
    use proptest::prelude::*;

    fn of(files: &[(&str, &str)]) -> (System, Vec<Incomplete>) {
        let tree = files
            .iter()
            .fold(TreeBuilder::new().layer(), |tree, (path, content)| tree.file(path, content.as_bytes(), 0));
        let tree = tree.build();
        let mut problems = Vec::new();
        (system(tree.top(), &mut problems), problems)
    }

    #[test]
    fn os_release_is_read_as_a_shell_would() {
        let text = "# a comment\nID=debian\nID='alpine'\nVERSION_ID=\"3.20\\\"x\"\nID_LIKE=\"a b\"\r\nPRETTY_NAME=A\\ B\nNO\n";
        let (system, problems) = of(&[("etc/os-release", text)]);
        assert_eq!(system.id.as_deref(), Some("alpine"));
        assert_eq!(system.version_id.as_deref(), Some("3.20\"x"));
        assert_eq!(system.id_like, ["a", "b"]);
        assert_eq!(system.pretty_name.as_deref(), Some("A B"));
        assert!(problems.is_empty());
    }

    #[test]
    fn older_files_say_it_where_os_release_is_missing() {
        for (path, content, release) in [
            ("etc/debian_version", "12.5\n", "debian:12"),
            ("etc/debian_version", "trixie/sid\n", "debian:sid"),
            ("etc/alpine-release", "3.20.3\n", "alpine:3.20"),
            ("etc/redhat-release", "CentOS Linux release 7.9.2009 (Core)\n", "centos:7"),
            ("etc/redhat-release", "Red Hat Enterprise Linux release 9.4 (Plow)", "rhel:9"),
            ("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n", "ubuntu:22.04"),
        ] {
            let (system, _) = of(&[(path, content)]);
            assert_eq!(
                system.release().map(|release| release.to_string()).as_deref(),
                Some(release),
                "{content}"
            );
        }
    }

    #[test]
    fn a_build_id_counts_where_it_is_a_day() {
        let built = |text: &str| {
            let tree = TreeBuilder::new().layer().file("usr/lib/os-release", text.as_bytes(), 0).build();
            build_day(tree.top()).map(|(_, day)| day.to_string())
        };
        for text in
            ["BUILD_ID=20240102", "IMAGE_VERSION=\"20240102.3\"", "BUILD_ID=2024-01-02.1\nIMAGE_VERSION=7"]
        {
            assert_eq!(built(text).as_deref(), Some("2024-01-02T00:00:00Z"), "{text}");
        }
        for text in [
            "rolling",
            "17800.66.27",
            "20241302",
            "2024010",
            "202401023",
            "2024-1-002",
            "20240102.",
            "+2024010",
            "",
        ] {
            assert_eq!(built(&format!("BUILD_ID={text}")), None, "{text}");
        }
        let both = "IMAGE_VERSION=20240301\nBUILD_ID=20240102\n";
        assert_eq!(built(both).as_deref(), Some("2024-03-01T00:00:00Z"));
    }

    #[test]
    fn an_unknown_system_is_said() {
        let (system, problems) =
            of(&[("etc/os-release", "NAME=x\n"), ("etc/redhat-release", "Something 3\n")]);
        assert_eq!(system, System::default());
        assert_eq!(problems[0].what, IncompleteKind::System);
    }

    #[test]
    fn a_file_that_is_absurdly_long_is_said() {
        let long = format!("ID=debian\n{}", "#\n".repeat(1 << 16));
        let (system, problems) = of(&[("etc/os-release", &long)]);
        assert_eq!((system, problems.len()), (System::default(), 2));
        let (system, _) = of(&[("etc/os-release", &long), ("usr/lib/os-release", "ID=alpine\n")]);
        assert_eq!(system.id.as_deref(), Some("alpine"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, file in 0..PATHS.len(), line in "[A-Z_]{0,3}ID=[\"'\\\\a-z]{0,9}") {
            of(&[(PATHS[file], &text)]);
            of(&[("etc/os-release", &line)]);
        }
    }
}
