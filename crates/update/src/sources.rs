//! Where a feed's documents are: its URLs, with placeholders filled in, and those that lead to others followed.
//!
//! | written | means |
//! |---|---|
//! | `https://…` | the document |
//! | `latest+https://…` | a text with the name of the document, which lies beside it |
//! | `repository+https://…` | an rpm repository's `repomd.xml`, which names `updateinfo` and its checksum |
//! | `page+https://…` | a page for people: what it leads to is fetched by hand, for `db build` |
//! | `mirrors+https://…` | a list of addresses of such repositories, of which the first is taken |
//!
//! `{version}` stands for each release of the feed (`releases`), `{year}` for each year since `first_year`.

use imagescan_feeds::Description;
use imagescan_model::Release;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Which releases are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// All that the feed has.
    All,
    /// These.
    Releases(&'a [Release]),
}

/// How a URL leads to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Direct,
    Latest,
    Repository,
    Mirrors,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub how: How,
    pub url: String,
}

/// The documents of `feed`.
pub(crate) fn sources(feed: &Description, wanted: Wanted<'_>, as_of: Timestamp) -> Vec<Source> {
    let mut sources = Vec::new();
    for text in &feed.urls {
        let (how, url) = match text.split_once('+') {
            Some(("latest", url)) => (How::Latest, url),
            Some(("repository", url)) => (How::Repository, url),
            Some(("mirrors", url)) => (How::Mirrors, url),
            Some(("page", _)) => continue,
            _ => (How::Direct, text.as_str()),
        };
        sources.extend(filled(feed, url, wanted, as_of).into_iter().map(|url| Source { how, url }));
    }
    sources
}

fn filled(feed: &Description, url: &str, wanted: Wanted<'_>, as_of: Timestamp) -> Vec<String> {
    if url.contains("{year}") {
        let last = TimeZone::UTC.to_datetime(as_of).year();
        let years = feed.first_year.unwrap_or(last)..=last;
        return years.map(|year| url.replace("{year}", &year.to_string())).collect();
    }
    if !url.contains("{version}") {
        return vec![url.into()];
    }
    let releases: Vec<&Release> = match wanted {
        Wanted::All => feed.releases.iter().collect(),
        // Also one that is newer than the list.
        Wanted::Releases(wanted) => {
            wanted.iter().filter(|release| feed.distributions.contains(&release.distribution)).collect()
        }
    };
    releases.into_iter().map(|release| url.replace("{version}", &release.version)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(feed: &str, wanted: Wanted<'_>) -> Vec<String> {
        let text = format!(
            "id = \"x\"\ntitle = \"x\"\nparser = \"secdb\"\ndistributions = [\"alpine\"]\nlicence = \"x\"\n\
             cadence_hours = 1\nsilent = \"x\"\n{feed}"
        );
        let feed = Description::parse(&text).unwrap();
        sources(&feed, wanted, "2026-11-25T00:00:00Z".parse().unwrap())
            .into_iter()
            .map(|source| format!("{:?} {}", source.how, source.url))
            .collect()
    }

    #[test]
    fn placeholders_stand_for_releases_and_years() {
        let feed =
            "urls = [\"https://h/v{version}/main.json\"]\nreleases = [\"alpine:3.19\", \"alpine:3.20\"]";
        assert_eq!(
            urls(feed, Wanted::All),
            ["Direct https://h/v3.19/main.json", "Direct https://h/v3.20/main.json"]
        );
        let releases = ["alpine:3.20", "debian:12", "alpine:3.99"].map(|release| release.parse().unwrap());
        assert_eq!(
            urls(feed, Wanted::Releases(&releases)),
            ["Direct https://h/v3.20/main.json", "Direct https://h/v3.99/main.json"]
        );
        let feed = "urls = [\"https://h/{year}.gz\"]\nfirst_year = 2025";
        assert_eq!(
            urls(feed, Wanted::Releases(&[])),
            ["Direct https://h/2025.gz", "Direct https://h/2026.gz"]
        );
    }

    #[test]
    fn a_prefix_tells_how_a_url_leads_on() {
        let feed = "urls = [\"latest+https://h/a.txt\", \"repository+https://h/repomd.xml\", \"mirrors+https://h/m\", \"https://h/a+b\", \"page+https://h/\"]";
        assert_eq!(
            urls(feed, Wanted::All),
            [
                "Latest https://h/a.txt",
                "Repository https://h/repomd.xml",
                "Mirrors https://h/m",
                "Direct https://h/a+b"
            ]
        );
    }
}
