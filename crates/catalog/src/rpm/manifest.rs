//! `container-manifest-2` of CBL-Mariner and Azure Linux distroless images: the database itself is not shipped,
//! but a list of it, one package a line, separated by tabs.
//!
//! Columns, from the query format that their build uses: name, version-release, install time, build time,
//! vendor, epoch (`(none)` where it is missing), size, architecture, epoch once more (0 where it is missing),
//! source rpm.

use super::header::RpmPackage;
use crate::text::{lines, text};

/// The packages of a manifest; a line that is none is a problem.
pub(crate) fn read(bytes: &[u8]) -> (Vec<RpmPackage>, Vec<String>) {
    let mut packages = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(lines(bytes)) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match package(&text(line)) {
            Some(package) => packages.push(package),
            None => problems.push(format!("line {number} is no package: it is damaged")),
        }
    }
    if packages.is_empty() && problems.is_empty() {
        problems.push("it names no package".into());
    }
    (packages, problems)
}

fn package(line: &str) -> Option<RpmPackage> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [name, evr, install, build, vendor, epoch, _, arch, _, source, ..] = columns[..] else { return None };
    let (version, release) = evr.rsplit_once('-')?;
    let known = |text: &str| Some(String::from(text)).filter(|text| !text.is_empty() && text != "(none)");
    if name.is_empty() || version.is_empty() || release.is_empty() {
        return None;
    }
    Some(RpmPackage {
        name: name.into(),
        version: version.into(),
        release: release.into(),
        epoch: epoch.parse().ok(),
        arch: known(arch),
        source_rpm: known(source),
        vendor: known(vendor),
        install_time: install.parse().ok(),
        build_time: build.parse().ok(),
        ..RpmPackage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_packages_and_anything_else_is_said() {
        let text = "filesystem\t1.1-9.cm2\t1653816591\t1653753130\tMicrosoft Corporation\t(none)\t7596\tx86_64\t0\tfilesystem-1.1-9.cm2.src.rpm\nbroken\n";
        let (packages, problems) = read(text.as_bytes());
        assert_eq!((packages[0].version.as_str(), packages[0].release.as_str()), ("1.1", "9.cm2"));
        assert_eq!(packages[0].build_time, Some(1_653_753_130));
        assert_eq!(problems.len(), 1);
        // A missing epoch is none, though rpm's number for it is 0.
        assert_eq!(packages[0].epoch, None);
        let epoch = |first: &str, second: &str| {
            let line = format!(
                "bind\t9.16.44-1.cm2\t1\t1\tv\t{first}\t1\tx86_64\t{second}\tbind-9.16.44-1.cm2.src.rpm\n"
            );
            read(line.as_bytes()).0[0].epoch
        };
        assert_eq!((epoch("32", "32"), epoch("0", "0")), (Some(32), Some(0)));
        assert_eq!(read(b"\n").1.len(), 1);
    }
}
