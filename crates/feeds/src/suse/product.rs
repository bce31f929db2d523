//! SUSE's products by name, as releases.
//!
//! `SUSE Linux Enterprise Server 15 SP5` is `sles:15.5`, the first of a line without a service pack `sles:15`.
//! Modules and extensions bring packages to a server of the same service pack, so they are that release. What
//! only some subscribers get, or what was built for a purpose, is a stream of it: `ltss`, `espos`, `sap`,
//! `teradata`. Products that have their own system, or none, are left out with a reason.

use imagescan_model::Release;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Product {
    /// Releases, and the part of them.
    Of(Vec<Release>, Option<String>),
    /// Nothing that images are judged by, and why.
    Other(&'static str),
}

/// Extensions of the server: their packages are installed beside its own.
const EXTENSIONS: [&str; 6] = [
    "SUSE Linux Enterprise High Availability Extension ",
    "SUSE Linux Enterprise Live Patching ",
    "SUSE Linux Enterprise Software Development Kit ",
    "SUSE Linux Enterprise Workstation Extension ",
    "SUSE Real Time Module ",
    MODULE,
];
const MODULE: &str = "SUSE Linux Enterprise Module for ";
const SERVER: &str = "SUSE Linux Enterprise Server ";

/// Left out, by what the name begins with; the first that fits.
const OTHERS: [(&str, &str); 15] = [
    ("Container ", IMAGE),
    ("Image ", IMAGE),
    ("SUSE Linux Enterprise Base Container Images", IMAGE),
    ("SUSE Linux Enterprise Desktop", "SUSE Linux Enterprise Desktop"),
    ("SUSE Linux Enterprise High Performance Computing", "SUSE Linux Enterprise High Performance Computing"),
    ("SUSE Linux Enterprise Micro for Rancher", "SUSE Linux Enterprise Micro for Rancher"),
    ("SUSE Linux Enterprise Module for SUSE Manager", "SUSE Manager"),
    ("SUSE Linux Enterprise Real Time", "SUSE Linux Enterprise Real Time"),
    ("SUSE Linux Enterprise Storage", STORAGE),
    ("SUSE Enterprise Storage", STORAGE),
    ("SUSE Storage", STORAGE),
    ("SUSE Manager", "SUSE Manager"),
    ("SUSE Multi-Linux Manager", "SUSE Manager"),
    ("SUSE OpenStack Cloud", "SUSE OpenStack Cloud"),
    ("Open Enterprise Server", "Open Enterprise Server"),
];
const IMAGE: &str = "a container or machine image";
const STORAGE: &str = "SUSE Enterprise Storage";

/// What `name` stands for; `None`: a server, module or Leap whose name has no version that one can read.
pub(super) fn of(name: &str) -> Option<Product> {
    if let Some((_, why)) = OTHERS.iter().find(|(start, _)| name.starts_with(start)) {
        return Some(Product::Other(why));
    }
    if let Some(rest) = name.strip_prefix("openSUSE ") {
        return open(rest);
    }
    if let Some(rest) = name.strip_prefix(SERVER) {
        return Version::parse(rest)?.of_server();
    }
    if let Some(extension) = EXTENSIONS.iter().find(|start| name.starts_with(*start)) {
        let version = Version::parse(name.get(extension.len()..)?)?;
        return Some(Product::Of(version.releases(*extension == MODULE)?, version.suffix));
    }
    if let Some(rest) = name.strip_prefix("SUSE Package Hub ") {
        let version = Version::parse(rest)?;
        return Some(Product::Of(version.releases(false)?, Some("packagehub".into())));
    }
    let micro = ["SUSE Linux Enterprise Micro ", "SUSE Linux Micro "];
    if let Some(rest) = micro.iter().find_map(|start| name.strip_prefix(start)) {
        let version = Version::parse(rest)?;
        // It was renamed, also in os-release, with its sixth version.
        let id = if version.major().starts_with('5') { "sle-micro" } else { "sl-micro" };
        return Some(Product::Of(vec![Release::new(id, version.number)], version.suffix));
    }
    Some(Product::Other("another product of SUSE"))
}

fn open(rest: &str) -> Option<Product> {
    if rest == "Tumbleweed" {
        return Some(Product::Of(vec![Release::new("opensuse-tumbleweed", "")], None));
    }
    let ids = [("Leap Micro ", "opensuse-leap-micro"), ("Leap ", "opensuse-leap"), ("", "opensuse")];
    let (id, rest) = ids.iter().find_map(|(start, id)| Some((*id, rest.strip_prefix(start)?)))?;
    if id == "opensuse" && !rest.starts_with(|first: char| first.is_ascii_digit()) {
        return Some(Product::Other("another product of openSUSE"));
    }
    let version = Version::parse(rest)?;
    // Updates are of the distribution itself.
    let stream = version.suffix.filter(|suffix| suffix != "update");
    Some(Product::Of(vec![Release::new(id, version.number)], stream))
}

/// `for SAP Applications 15 SP3-LTSS`, in parts.
struct Version {
    /// `15.3`.
    number: String,
    has_service_pack: bool,
    /// Before the number: `sap`.
    prefix: Option<String>,
    /// Behind the service pack: `ltss`.
    suffix: Option<String>,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let words: Vec<String> =
            text.split([' ', '-']).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        let starts_with_digit = |word: &String| word.starts_with(|first: char| first.is_ascii_digit());
        // The last: there is a module for Python 3.
        let at = words.iter().rposition(starts_with_digit)?;
        let (before, rest) = words.split_at_checked(at)?;
        let (number, behind) = rest.split_first()?;
        if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return None;
        }
        let pack = behind.first().and_then(|word| word.strip_prefix("sp"));
        let pack = pack.filter(|pack| !pack.is_empty() && pack.bytes().all(|byte| byte.is_ascii_digit()));
        let suffix = if pack.is_some() { behind.get(1..)? } else { behind };
        let number = match pack {
            None | Some("0") => number.clone(),
            Some(pack) => format!("{number}.{pack}"),
        };
        let prefix: Vec<&str> = before
            .iter()
            .map(String::as_str)
            .filter(|word| !matches!(*word, "for" | "applications"))
            .collect();
        let joined = |words: String| Some(words).filter(|words| !words.is_empty());
        let (prefix, suffix) = (joined(prefix.join("-")), joined(suffix.join("-")));
        Some(Self { number, has_service_pack: pack.is_some(), prefix, suffix })
    }

    fn major(&self) -> &str {
        self.number.split('.').next().unwrap_or_default()
    }

    fn of_server(self) -> Option<Product> {
        let stream: Vec<&str> =
            [&self.prefix, &self.suffix].into_iter().flatten().map(String::as_str).collect();
        let stream = Some(stream.join("-")).filter(|stream| !stream.is_empty());
        Some(Product::Of(self.releases(false)?, stream))
    }

    /// The releases of the server. Modules of 12 have no service pack: they are for all.
    fn releases(&self, is_module: bool) -> Option<Vec<Release>> {
        let lines = 9..=99;
        self.major().parse::<u32>().ok().filter(|major| lines.contains(major))?;
        let mut releases = vec![Release::new("sles", self.number.as_str())];
        if is_module && self.number == "12" && !self.has_service_pack {
            releases.extend((1..=5).map(|pack| Release::new("sles", format!("12.{pack}"))));
        }
        Some(releases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> String {
        match of(name) {
            None => "unreadable".into(),
            Some(Product::Other(why)) => why.into(),
            Some(Product::Of(releases, stream)) => {
                let releases: Vec<String> = releases.iter().map(Release::to_string).collect();
                [releases.join(" "), stream.unwrap_or_default()].join(" ").trim_end().into()
            }
        }
    }

    #[test]
    fn service_packs_never_speak_for_each_other() {
        for (name, expected) in [
            ("SUSE Linux Enterprise Server 15", "sles:15"),
            ("SUSE Linux Enterprise Server 15 SP5", "sles:15.5"),
            ("SUSE Linux Enterprise Server 16.0", "sles:16.0"),
            ("SUSE Linux Enterprise Server 11 SP4", "sles:11.4"),
            ("SUSE Linux Enterprise Module for Basesystem 15", "sles:15"),
            ("SUSE Linux Enterprise Module for Python 3 15 SP6", "sles:15.6"),
            ("SUSE Linux Enterprise Module for Server Applications 15 SP4", "sles:15.4"),
            (
                "SUSE Linux Enterprise Module for Public Cloud 12",
                "sles:12 sles:12.1 sles:12.2 sles:12.3 sles:12.4 sles:12.5",
            ),
            ("SUSE Linux Enterprise Software Development Kit 12", "sles:12"),
            ("SUSE Linux Enterprise High Availability Extension 15 SP1", "sles:15.1"),
            ("SUSE Real Time Module 15 SP5", "sles:15.5"),
            ("SUSE Package Hub 15 SP5", "sles:15.5 packagehub"),
        ] {
            assert_eq!(text(name), expected, "{name}");
        }
    }

    #[test]
    fn what_only_some_get_is_a_stream() {
        for (name, expected) in [
            ("SUSE Linux Enterprise Server 15 SP4-LTSS", "sles:15.4 ltss"),
            ("SUSE Linux Enterprise Server 15-LTSS", "sles:15 ltss"),
            ("SUSE Linux Enterprise Server 11 SP4 LTSS", "sles:11.4 ltss"),
            ("SUSE Linux Enterprise Server 12 SP4-ESPOS", "sles:12.4 espos"),
            ("SUSE Linux Enterprise Server 12 SP2-BCL", "sles:12.2 bcl"),
            ("SUSE Linux Enterprise Server 11 SP1-TERADATA", "sles:11.1 teradata"),
            ("SUSE Linux Enterprise Server Teradata 12 SP3-LTSS", "sles:12.3 teradata-ltss"),
            (
                "SUSE Linux Enterprise Server LTSS Extended Security 12 SP5",
                "sles:12.5 ltss-extended-security",
            ),
            ("SUSE Linux Enterprise Server for SAP Applications 15 SP3", "sles:15.3 sap"),
            ("openSUSE Leap 15.5 NonFree", "opensuse-leap:15.5 nonfree"),
        ] {
            assert_eq!(text(name), expected, "{name}");
        }
    }

    #[test]
    fn each_system_has_its_own_name() {
        for (name, expected) in [
            ("openSUSE Leap 15.5", "opensuse-leap:15.5"),
            ("openSUSE Leap Micro 5.2", "opensuse-leap-micro:5.2"),
            ("openSUSE Tumbleweed", "opensuse-tumbleweed"),
            ("openSUSE 13.2", "opensuse:13.2"),
            ("openSUSE 12.1 Update", "opensuse:12.1"),
            ("SUSE Linux Enterprise Micro 5.5", "sle-micro:5.5"),
            ("SUSE Linux Enterprise Micro 6.0", "sl-micro:6.0"),
            ("SUSE Linux Micro 6.1", "sl-micro:6.1"),
        ] {
            assert_eq!(text(name), expected, "{name}");
        }
    }

    #[test]
    fn other_products_are_left_out_and_unreadable_names_are_not() {
        for (name, expected) in [
            ("SUSE Manager Server 4.3", "SUSE Manager"),
            ("SUSE Linux Enterprise Module for SUSE Manager Server 4.3", "SUSE Manager"),
            ("SUSE Linux Enterprise Module for Something 4.3", "unreadable"),
            ("SUSE Enterprise Storage 7.1", "SUSE Enterprise Storage"),
            ("Open Enterprise Server 23.4", "Open Enterprise Server"),
            ("Container bci/bci-base:latest", "a container or machine image"),
            ("SUSE Linux Enterprise Desktop 15 SP4", "SUSE Linux Enterprise Desktop"),
            ("SUSE CaaS Platform 4.0", "another product of SUSE"),
            ("openSUSE Evergreen 11.4", "another product of openSUSE"),
            ("SUSE Linux Enterprise Server", "another product of SUSE"),
            ("SUSE Linux Enterprise Server next", "unreadable"),
            ("SUSE Linux Enterprise Server 15x", "unreadable"),
            ("openSUSE Leap x", "unreadable"),
            ("", "another product of SUSE"),
        ] {
            assert_eq!(text(name), expected, "{name}");
        }
    }
}
