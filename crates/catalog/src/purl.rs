//! Package URLs (ECMA-427; types deb, rpm and apk of the purl specification).

use imagescan_model::{Package, PackageType, System};

/// Sets the purl of `package`, as installed on `system`.
pub(crate) fn set(package: &mut Package, system: &System) {
    let mut purl = format!("pkg:{}/", package.package_type);
    if let Some(id) = &system.id {
        encode(&mut purl, id, b"");
        purl.push('/');
    }
    encode(&mut purl, &package.name, b"");
    purl.push('@');
    let (epoch, version) = match package.package_type {
        // rpm's epoch is a qualifier of its own.
        PackageType::Rpm => split_epoch(&package.version),
        _ => (None, package.version.as_str()),
    };
    encode(&mut purl, version, b":");
    let distro = system.id.as_ref().map(|id| match system.version_id.as_ref().or(system.codename.as_ref()) {
        Some(version) => format!("{id}-{version}"),
        None => id.clone(),
    });
    let upstream = package.source.as_ref().filter(|source| {
        source.name != package.name
            || source.version.as_ref().is_some_and(|version| *version != package.version)
    });
    let upstream = upstream.map(|source| match &source.version {
        Some(version) => format!("{}@{version}", source.name),
        None => source.name.clone(),
    });
    let qualifiers = [
        ("arch", package.architecture.as_deref()),
        ("distro", distro.as_deref()),
        ("epoch", epoch),
        ("rpmmod", package.module.as_deref()),
        ("upstream", upstream.as_deref()),
    ];
    let mut separator = '?';
    for (name, value) in qualifiers {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            purl.push(separator);
            purl.push_str(name);
            purl.push('=');
            encode(&mut purl, value, b":/");
            separator = '&';
        }
    }
    package.purl = purl;
}

fn split_epoch(version: &str) -> (Option<&str>, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (Some(epoch), rest),
        _ => (None, version),
    }
}

/// Percent-encoding of all but letters, digits, `.-_~` and `also`.
fn encode(out: &mut String, text: &str, also: &[u8]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~".contains(&byte) || also.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_model::SourcePackage;

    #[test]
    fn purls_name_type_distribution_and_qualifiers_in_order() {
        let system = System { id: Some("debian".into()), version_id: Some("12".into()), ..System::default() };
        let mut package = Package::new(PackageType::Deb, "libstdc++6", "1:12.2.0-14~x");
        package.architecture = Some("amd64".into());
        package.source = Some(SourcePackage { name: "gcc-12".into(), version: None });
        set(&mut package, &system);
        assert_eq!(
            package.purl,
            "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14~x?arch=amd64&distro=debian-12&upstream=gcc-12"
        );
        let mut package = Package::new(PackageType::Rpm, "bind", "32:9.16.23-1.el9");
        package.module = Some("a:b".into());
        set(&mut package, &System::default());
        assert_eq!(package.purl, "pkg:rpm/bind@9.16.23-1.el9?epoch=32&rpmmod=a:b");
    }
}
