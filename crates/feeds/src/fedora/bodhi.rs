//! An update as Bodhi's pages have it.

use super::{NO_PACKAGES, Place, place, published, url};
use crate::announced::{self, Announced, Built};
use crate::cve;
use crate::error::{FeedError, refused};
use crate::reader::{Out, title};
use imagescan_model::{MatchedBy, Severity};
use jiff::Timestamp;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Update {
    alias: String,
    status: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    notes: Option<String>,
    #[serde(default)]
    date_stable: Option<String>,
    release: Named,
    builds: Vec<Build>,
    #[serde(default)]
    bugs: Vec<Bug>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Build {
    nvr: String,
    #[serde(default)]
    epoch: Option<u32>,
}

#[derive(Deserialize)]
struct Bug {
    #[serde(default)]
    title: Option<String>,
}

pub(super) fn update(
    feed: &str,
    document: &str,
    update: &Update,
    out: &mut Out<'_>,
) -> Result<(), FeedError> {
    let refused = |why, value: &str| refused(document, why, value);
    let security = match update.kind.as_str() {
        "security" => true,
        "bugfix" | "enhancement" | "newpackage" | "unspecified" => false,
        kind => return Err(refused("unknown type of update", kind)),
    };
    let place = place(document, &update.release.name)?;
    place.cover(out);
    if !published(document, &update.status, security, out)? {
        return Ok(());
    }
    let (release, stream) = match place {
        Place::Packages(release, stream) => (release, stream),
        Place::Modules(_) | Place::Else(_) => {
            out.dropped(if let Place::Else(reason) = place { reason } else { NO_PACKAGES });
            return Ok(());
        }
    };
    let texts = [update.title.as_deref(), update.notes.as_deref()];
    let bugs = update.bugs.iter().map(|bug| bug.title.as_deref());
    let packages: Option<Vec<Built>> = update.builds.iter().map(built).collect();
    let title = update.title.as_deref().and_then(title);
    let announced = Announced {
        feed,
        release: &release,
        stream: stream.as_deref(),
        matched_by: MatchedBy::Source,
        id: &update.alias,
        cves: &cve::ids(texts.into_iter().chain(bugs).flatten()),
        title: title.as_deref(),
        url: Some(url(&update.alias)),
        severity: severity(update).map_err(|word| refused("unknown severity", word))?,
        issued: issued(update).map_err(|date| refused("no date", date))?,
        disclosed: None,
    };
    announced.records(&packages.ok_or_else(|| refused("a build without version in", &update.alias))?, out);
    Ok(())
}

fn severity(update: &Update) -> Result<Severity, &str> {
    let word = update.severity.as_deref().unwrap_or_default();
    announced::severity(word).ok_or(word)
}

fn issued(update: &Update) -> Result<Option<Timestamp>, &str> {
    let date = |text| announced::instant(text).ok_or(text);
    update.date_stable.as_deref().map(date).transpose()
}

/// The source package of a build `name-version-release`, of all architectures.
fn built(build: &Build) -> Option<Built> {
    let (rest, release) = build.nvr.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let epoch = build.epoch.unwrap_or_default().to_string();
    Some(Built {
        name: name.into(),
        version: announced::evr(Some(&epoch), version, release),
        module: None,
        architecture: String::new(),
    })
}
