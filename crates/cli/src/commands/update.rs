//! `imagescan db update`: fetch, build, swap.

use super::db::{described, known_feeds, unknown};
use crate::arguments::DbUpdate;
use crate::failure::{Usage, note};
use crate::{clock, config, folders, output};
use anyhow::{Context as _, Result, anyhow};
use imagescan_feeds::Description;
use imagescan_fetch::{Client, Host, Network, Proxies, Settings, Url};
use imagescan_knowledge::{Knowledge, KnowledgeError};
use imagescan_model::{ExitCode, KnowledgeInfo, Release};
use imagescan_update::{Allowance, Event, Fate, Update, Wanted};
use std::collections::BTreeMap;

use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) fn run(arguments: &DbUpdate) -> Result<ExitCode> {
    let known = known_feeds(arguments.feeds.as_deref())?;
    let folder = match &arguments.database.db {
        Some(folder) => folder.clone(),
        None => folders::database(&arguments.database, &arguments.cache)?,
    };
    let stands = match Knowledge::open(&folder) {
        Err(KnowledgeError::Missing { .. }) => None,
        opened => Some(opened.with_context(|| format!("database `{}`", folder.display()))?.info().clone()),
    };
    let feeds = chosen(arguments, &known, stands.as_ref())?;
    let releases: Vec<Release> = stands.iter().flat_map(covered).collect();
    // Of a feed that is named, and not yet here, everything.
    let wanted = if arguments.all || releases.is_empty() { Wanted::All } else { Wanted::Releases(&releases) };
    let config = config::read(&arguments.cache.config)?;
    let client = client(&feeds, arguments.feeds.is_some(), config)?;
    let spool = folders::cache(&arguments.cache)?.join("spill");
    std::fs::create_dir_all(&spool).with_context(|| format!("cannot make `{}`", spool.display()))?;
    let bytes = AtomicU64::new(0);
    let tell = |event: Event<'_>| told(event, &bytes, arguments.quiet);
    let outcome = Update {
        feeds: &feeds,
        wanted,
        client: &client,
        folder: &folder,
        spool: &spool,
        now: clock::now(),
        allowance: &Allowance::new(arguments.max_download, None),
        jobs: arguments.jobs.get(),
        tell: &tell,
    }
    .run()
    .context("the database is what it was")?;
    let mut code = ExitCode::Passed;
    for (feed, fate) in &outcome.fates {
        match fate {
            Fate::New => {}
            Fate::Unchanged if !arguments.quiet => note(&format!("feed {feed}: nothing changed")),
            Fate::Unchanged => {}
            Fate::Failed(why) => {
                code = ExitCode::Inconclusive;
                note(&format!("feed {feed} keeps what it had: {why}"));
            }
        }
    }
    output::print(&described(&outcome.info))?;
    Ok(code)
}

/// The feeds that were named, or all, or those of the database.
fn chosen(
    arguments: &DbUpdate,
    known: &BTreeMap<String, Description>,
    stands: Option<&KnowledgeInfo>,
) -> Result<Vec<Description>> {
    if arguments.all {
        let is_fetched = |feed: &&Description| feed.urls.iter().any(|url| !url.starts_with("page+"));
        return Ok(known.values().filter(is_fetched).cloned().collect());
    }
    let named: Vec<&str> = match (arguments.feed.as_slice(), stands) {
        ([], Some(info)) => info.feeds.iter().map(|feed| feed.id.as_str()).collect(),
        ([], None) => {
            let why = "there is no database yet: name the feeds that it shall have, or say --all";
            return Err(Usage::of(anyhow!(why)));
        }
        (named, _) => named.iter().map(String::as_str).collect(),
    };
    // One that the database has and nobody describes any more stays as it is.
    let described = |id: &&str| known.contains_key(*id) || !arguments.feed.is_empty();
    named
        .into_iter()
        .filter(described)
        .map(|id| known.get(id).cloned().ok_or_else(|| unknown(id, known)))
        .collect()
}

fn covered(info: &KnowledgeInfo) -> Vec<Release> {
    info.feeds.iter().flat_map(|feed| &feed.coverage).map(|covered| covered.release.clone()).collect()
}

/// What fetches feeds. Hosts of descriptions that the user gave are allowed wherever they are.
fn client(feeds: &[Description], is_own: bool, config: config::File) -> Result<Client> {
    let mut allow_hosts: Vec<Host> = Vec::new();
    for url in feeds.iter().filter(|_| is_own).flat_map(|feed| &feed.urls) {
        let url = url.split_once("+http").map_or(url.clone(), |(_, rest)| format!("http{rest}"));
        if let Some(host) = Url::parse(&url).ok().and_then(|url| host(&url)) {
            allow_hosts.push(host);
        }
    }
    let registries = config.registries;
    let parse =
        |text: &String| text.parse::<Network>().context("[registries] allow_addresses").map_err(Usage::of);
    let settings = Settings {
        authorities: registries.ca_files,
        allow_hosts,
        allow_addresses: registries.allow_addresses.iter().map(parse).collect::<Result<_>>()?,
        proxies: Proxies::from_variables(|name| std::env::var(name).ok()),
        ..Settings::default()
    };
    Ok(Client::new(settings)?)
}

fn host(url: &Url) -> Option<Host> {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str()?).parse().ok()
}

fn told(event: Event<'_>, bytes: &AtomicU64, quiet: bool) {
    match event {
        Event::Bytes(count) => drop(bytes.fetch_add(count, Ordering::Relaxed)),
        Event::Asked { feed, url } if !quiet => note(&format!("feed {feed}: {url}")),
        Event::Reads(feed) if !quiet => {
            let mebibytes = bytes.load(Ordering::Relaxed) as f64 / f64::from(1 << 20);
            note(&format!("reading feed {feed} ({mebibytes:.1} MiB fetched so far)"));
        }
        Event::Asked { .. } | Event::Reads(_) => {}
    }
}
