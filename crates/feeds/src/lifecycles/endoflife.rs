//! endoflife.date: its API (`/api/v1/products/full`, or one product), and the files of its release data, which do
//! not say of which product they are: their name does.
//!
//! Its columns mean what each product's page says. Of Red Hat and its kin `eoas` ends full support and `eol` the
//! maintenance that follows; elsewhere `eol` is the end, and `eoes` what follows: for everybody (Debian LTS), or
//! for money.

use super::dated;
use crate::document::Document;
use crate::entries::Entries;
use crate::error::FeedError;
use crate::reader::Out;
use imagescan_model::Release;
use serde::Deserialize;

/// Who says it.
const SOURCE: &str = "endoflife.date";

/// The API has `result`, a file of release data `releases`.
#[derive(Deserialize)]
struct Either {
    #[serde(default)]
    result: Option<Products>,
    #[serde(default)]
    releases: Option<Entries<String, Cycle>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Products {
    All(Vec<Product>),
    One(Product),
}

#[derive(Deserialize)]
struct Product {
    name: String,
    #[serde(default)]
    releases: Vec<Cycle>,
}

#[derive(Deserialize)]
struct Cycle {
    name: String,
    #[serde(default, rename = "releaseDate")]
    released: Option<Day>,
    #[serde(default, alias = "eoasFrom")]
    eoas: Option<Day>,
    #[serde(default, alias = "eolFrom")]
    eol: Option<Day>,
    #[serde(default, alias = "eoesFrom")]
    eoes: Option<Day>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Day {
    /// Whether it is over, or ever will be.
    #[expect(dead_code, reason = "it is no day")]
    Told(bool),
    Dated(String),
}

/// Which columns are which ends: standard, extended, paid.
type Ends = fn(&Cycle) -> [&Option<Day>; 3];

/// Distribution and columns of a product.
fn product(name: &str) -> Option<(&'static str, Ends)> {
    let kin: Ends = |cycle| [&cycle.eoas, &cycle.eol, &cycle.eoes];
    let paid: Ends = |cycle| [&cycle.eol, &None, &cycle.eoes];
    let free: Ends = |cycle| [&cycle.eol, &cycle.eoes, &None];
    Some(match name {
        "almalinux" => ("almalinux", kin),
        "alpine-linux" => ("alpine", free),
        "amazon-linux" => ("amzn", kin),
        "centos" => ("centos", kin),
        "debian" => ("debian", free),
        "fedora" => ("fedora", free),
        "opensuse" => ("opensuse-leap", free),
        "oracle-linux" => ("ol", paid),
        "photon" | "vmware-photon" => ("photon", free),
        "rhel" => ("rhel", kin),
        "rocky-linux" => ("rocky", kin),
        "sles" => ("sles", paid),
        "ubuntu" => ("ubuntu", paid),
        _ => return None,
    })
}

pub(super) fn read(document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
    let what = "product of endoflife.date";
    let either: Either = document.json(what)?;
    match either {
        Either { result: Some(Products::All(products)), releases: None } => {
            products.iter().try_for_each(|product| cycles(document, &product.name, &product.releases, out))
        }
        Either { result: Some(Products::One(product)), releases: None } => {
            cycles(document, &product.name, &product.releases, out)
        }
        Either { result: None, releases: Some(Entries(releases)) } => {
            let file = document.name().rsplit('/').next().unwrap_or_default();
            let name = file.split('.').next().unwrap_or_default();
            let releases: Vec<Cycle> = releases.into_iter().map(|(_, cycle)| cycle).collect();
            cycles(document, name, &releases, out)
        }
        _ => Err(document.value("neither API nor release data of", SOURCE)),
    }
}

fn cycles(document: &Document<'_>, name: &str, cycles: &[Cycle], out: &mut Out<'_>) -> Result<(), FeedError> {
    let Some((distribution, ends)) = product(name) else {
        out.dropped("a product that is no distribution of ours");
        return Ok(());
    };
    for cycle in cycles {
        let Some(release) = release(distribution, &cycle.name) else {
            out.dropped("a release that advisories do not tell apart");
            continue;
        };
        let of = |day: &Option<Day>| match day {
            Some(Day::Dated(text)) => dated(document, Some(text)),
            Some(Day::Told(_)) | None => Ok(None),
        };
        let [standard, extended, paid] = ends(cycle).map(of);
        super::give(release, SOURCE, [of(&cycle.released)?, standard?, extended?, paid?], out);
    }
    Ok(())
}

/// A cycle as os-release names it: `15.0` of SLES is 15. What is counted by a part of its number alone, as the
/// images of Amazon's first Linux, is no release of its own.
fn release(distribution: &str, cycle: &str) -> Option<Release> {
    let version = match distribution {
        "sles" if matches!(cycle, "10.0" | "11.0" | "12.0" | "15.0") => cycle.trim_end_matches(".0"),
        _ => cycle,
    };
    let release: Release = format!("{distribution}:{version}").parse().ok()?;
    (release.version == version).then_some(release)
}
