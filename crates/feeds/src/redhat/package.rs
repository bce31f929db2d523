//! A package in a product, as the product tree has it.

use super::cpe;
use crate::csaf::{Leaf, Meaning, Purl};
use crate::document::Document;
use crate::error::FeedError;
use imagescan_model::{MatchedBy, Release};
use std::borrow::Cow;

/// What a statement is about.
pub(super) struct Package<'t> {
    pub(super) release: Release,
    pub(super) name: Cow<'t, str>,
    /// `[epoch:]version-release`.
    pub(super) version: Option<String>,
    /// `None`: it names all.
    pub(super) architecture: Option<Cow<'t, str>>,
    pub(super) matched_by: MatchedBy,
    pub(super) module: Option<String>,
    pub(super) cpe: &'t str,
    pub(super) product: &'t str,
}

/// A package, or why there is none.
pub(super) fn of<'t>(
    document: &Document<'_>,
    meaning: &Meaning<'t>,
) -> Result<Result<Package<'t>, &'static str>, FeedError> {
    let (package, module, product) = match meaning {
        Meaning::Component { package, module, product } => (package, module, product),
        Meaning::Alone(leaf) if leaf.category == "vendor" => return Ok(Err("all products of the vendor")),
        Meaning::Alone(_) => return Ok(Err("a product without its packages")),
    };
    let Some(text) = package.purl else { return Ok(Err("a part that is no package")) };
    let purl = parsed(document, text)?;
    match purl.kind {
        "rpm" => {}
        "oci" => return Ok(Err("a container image")),
        "rpmmod" => return Ok(Err("a module without its packages")),
        _ => return Ok(Err("a package that is no rpm")),
    }
    let Some(cpe) = product.cpe else { return Ok(Err("a product without a CPE")) };
    let module = match (purl.qualifier("rpmmod"), module) {
        (Some(label), _) => name_and_stream(&label, ':'),
        (None, Some(module)) => of_module(document, module)?,
        (None, None) => Some(None),
    };
    let Some(module) = module else { return Ok(Err("a module without a stream")) };
    let architecture = purl.qualifier("arch");
    let matched_by = match (&purl.version, architecture.as_deref()) {
        (_, Some("src")) => MatchedBy::Source,
        // A build without an architecture is that of the source package (vex-feed).
        (Some(_), None) => MatchedBy::Source,
        _ => MatchedBy::Binary,
    };
    let epoch = purl.qualifier("epoch").filter(|epoch| epoch != "0");
    let version = purl.version.map(|version| match epoch {
        Some(epoch) => format!("{epoch}:{version}"),
        None => version.into_owned(),
    });
    let Some(release) = cpe::release(cpe, version.as_deref()) else {
        return Ok(Err("a product that names no release of Red Hat Enterprise Linux"));
    };
    Ok(Ok(Package {
        release,
        name: purl.name,
        version,
        architecture: architecture.filter(|name| name != "src"),
        matched_by,
        module,
        cpe,
        product: product.id,
    }))
}

fn parsed<'t>(document: &Document<'_>, text: &'t str) -> Result<Purl<'t>, FeedError> {
    Purl::parse(text).ok_or_else(|| document.value("no package URL:", text))
}

/// The module that a package stands in (`pkg:rpmmod/redhat/ruby@2.5:8010020200101:abcd`).
#[expect(clippy::option_option, reason = "no module, and a module that is not told, differ")]
fn of_module(document: &Document<'_>, module: &Leaf<'_>) -> Result<Option<Option<String>>, FeedError> {
    let purl = parsed(document, module.purl.unwrap_or(module.id))?;
    let stream = purl.version.as_deref().and_then(|version| version.split(':').next());
    Ok(stream.map(|stream| Some(format!("{}:{stream}", purl.name))))
}

/// `ruby:2.7` of `ruby:2.7:8080020230427102918:63b34585`; `None` where the stream is missing.
#[expect(clippy::option_option, reason = "as above")]
fn name_and_stream(label: &str, separator: char) -> Option<Option<String>> {
    let mut parts = label.split(separator).filter(|part| !part.is_empty());
    Some(Some(format!("{}:{}", parts.next()?, parts.next()?)))
}

impl Package<'_> {
    /// Why its version is none that packages are compared with.
    pub(super) fn unusable(&self) -> Option<&'static str> {
        let Some(version) = &self.version else { return Some("fixed, in no version that is told") };
        let release = version.rsplit_once('-').map_or("", |(_, release)| release);
        if is_of_a_module(release) {
            return Some("a build of a module, whose version no package has");
        }
        let modular = release.contains(".module+") || release.contains(".module_");
        (modular && self.module.is_none()).then_some("a package of a module that is not told")
    }
}

/// `8100020240826142629.d47b87a4`: the version and the context of a module's own build.
fn is_of_a_module(release: &str) -> bool {
    release.split_once('.').is_some_and(|(version, context)| {
        version.len() >= 16
            && version.bytes().all(|byte| byte.is_ascii_digit())
            && context.len() == 8
            && context.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
