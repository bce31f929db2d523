//! Red Hat: CSAF VEX, one document for each CVE.

use crate::common::{Files, Random, Verdicts, all, database_of, ours, ours_with, shared, system};
use crate::kin::of_id;
use crate::plain::{Asked, Said, by_id, draw, plain_epoch};
use imagescan_knowledge::Knowledge;
use imagescan_model::AdvisoryState;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

mod generated;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The product tree: what helps to identify each product, and what is a part of what.
struct Tree<'a> {
    helpers: BTreeMap<&'a str, &'a Value>,
    parts: BTreeMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> Tree<'a> {
    fn new(document: &'a Value) -> Self {
        let mut tree = Tree { helpers: BTreeMap::new(), parts: BTreeMap::new() };
        let mut branches: Vec<&Value> = list(&document["product_tree"]["branches"]).iter().collect();
        while let Some(branch) = branches.pop() {
            branches.extend(list(&branch["branches"]));
            let product = &branch["product"];
            if product.is_object() {
                tree.helpers.insert(text(&product["product_id"]), &product["product_identification_helper"]);
            }
        }
        for relation in list(&document["product_tree"]["relationships"]) {
            let parts =
                (text(&relation["product_reference"]), text(&relation["relates_to_product_reference"]));
            tree.parts.insert(text(&relation["full_product_name"]["product_id"]), parts);
        }
        tree
    }

    fn helper(&self, id: &str, name: &str) -> &'a str {
        self.helpers.get(id).map_or("", |helper| text(&helper[name]))
    }

    /// What a product id of a statement is about; `None`: no rpm of a release of the system.
    fn said(&self, id: &str) -> Option<Said> {
        let (package, mut product) = *self.parts.get(id)?;
        let purl = self.helper(package, "purl").strip_prefix("pkg:rpm/redhat/")?;
        let (path, query) = purl.split_once('?').unwrap_or((purl, ""));
        let decoded = |text: &str| text.replace("%2B", "+").replace("%2b", "+");
        let query = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
        };
        let mut module = query("rpmmod");
        // A package in a module in a product.
        if let Some((inner, outer)) = self.parts.get(product) {
            let purl = self.helper(inner, "purl").strip_prefix("pkg:rpmmod/redhat/")?;
            module = Some(purl.replace('@', ":"));
            product = outer;
        }
        let module = match module.map(|module| module.split(':').take(2).collect::<Vec<_>>().join(":")) {
            Some(module) if !module.contains(':') => return None,
            module => module.unwrap_or_default(),
        };
        let (name, version) = path.split_once('@').unwrap_or((path, ""));
        let version = format!("{}:{}", query("epoch").unwrap_or("0".into()), decoded(version));
        let version = Some(plain_epoch(&version)).filter(|version| !version.is_empty());
        let cpe = self.helper(product, "cpe");
        let architecture = query("arch");
        let of_source = match architecture.as_deref() {
            None => version.is_some(),
            Some(architecture) => architecture == "src",
        };
        Some(Said {
            release: format!("rhel:{}", major(cpe, version.as_deref().unwrap_or_default())?),
            package: name.into(),
            of_source,
            fix: version,
            architectures: architecture.into_iter().filter(|name| name != "src").collect(),
            module,
            stream: cpe.into(),
            ..Said::default()
        })
    }
}

/// Which Red Hat Enterprise Linux a product is for.
fn major(cpe: &str, version: &str) -> Option<String> {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    if let Some((_, edition)) = cpe.rsplit_once(":el") {
        return Some(digits(edition));
    }
    let parts: Vec<&str> = cpe.split(':').collect();
    let own = |product: &str| {
        product.starts_with("enterprise_linux")
            || ["rhel_eus", "rhel_aus", "rhel_tus", "rhel_e4s", "rhel_els"].contains(&product)
    };
    if parts.len() > 4 && own(parts[3]) {
        return Some(digits(parts[4]));
    }
    let release = version.rsplit_once('-')?.1;
    release.split(['.', '+', '_']).find_map(|part| part.strip_prefix("el")).map(digits)
}

/// All statements of a document.
fn vex(document: &Value) -> Vec<Said> {
    let tree = Tree::new(document);
    let vulnerability = &document["vulnerabilities"][0];
    if document["document"]["tracking"]["status"] == "deleted" {
        return Vec::new();
    }
    let mut said: Vec<Said> = Vec::new();
    for (status, ids) in vulnerability["product_status"].as_object().into_iter().flatten() {
        for id in list(ids).iter().map(text) {
            let Some(mut found) = tree.said(id) else { continue };
            found.id = text(&vulnerability["cve"]).into();
            found.state = match status.as_str() {
                "fixed" => AdvisoryState::Affected,
                "known_not_affected" => AdvisoryState::NotAffected,
                "under_investigation" => AdvisoryState::UnderInvestigation,
                "known_affected" => remediation(vulnerability, id),
                other => panic!("{other}"),
            };
            if status != "fixed" {
                (found.fix, found.architectures) = (None, BTreeSet::new());
            } else if found.fix.as_deref().is_none_or(is_build_of_a_module) {
                continue;
            }
            said.push(found);
        }
    }
    let all = said.clone();
    // A source package of a product stands for its binaries, where they are not listed.
    said.retain(|said| {
        let same = |other: &&Said| (&other.stream, &other.fix) == (&said.stream, &said.fix);
        let listed = all.iter().filter(same).any(|other| !other.of_source);
        !(said.of_source && said.fix.is_some() && listed)
    });
    // Of the same package of the same product, 'not affected' is said of builds that do not count.
    let key = |said: &Said| (said.package.clone(), said.of_source, said.module.clone(), said.stream.clone());
    let others = all.iter().filter(|said| said.state != AdvisoryState::NotAffected).map(key);
    let others: BTreeSet<_> = others.collect();
    said.retain(|said| said.state != AdvisoryState::NotAffected || !others.contains(&key(said)));
    said
}

/// `3.9-8100020240826142629.d47b87a4` is a module, which is no package.
fn is_build_of_a_module(version: &str) -> bool {
    version.rsplit('-').next().unwrap().split('.').next().unwrap().len() > 15
}

fn remediation(vulnerability: &Value, id: &str) -> AdvisoryState {
    let of = |fix: &&Value| list(&fix["product_ids"]).iter().any(|product| product == id);
    let about = list(&vulnerability["remediations"]).iter().filter(of);
    let mut about = about.map(|fix| (text(&fix["category"]), text(&fix["details"]).trim()));
    match about.find(|(category, _)| ["none_available", "no_fix_planned"].contains(category)) {
        Some(("none_available", "Deferred" | "Fix deferred")) => AdvisoryState::FixDeferred,
        Some(("no_fix_planned", "Will not fix")) => AdvisoryState::WillNotFix,
        Some(("no_fix_planned", "Out of support scope")) => AdvisoryState::EndOfLife,
        _ => AdvisoryState::Affected,
    }
}

/// Whether an image of these CPEs has what a statement is about: one that names none has the system itself.
fn has(image: &[&str], stream: &str, major: &str) -> bool {
    let parts = |cpe: &str| {
        let parts: Vec<String> = cpe.split(':').map(String::from).collect();
        let part = |at: usize| parts.get(at).cloned().unwrap_or_default();
        (part(3), part(4), part(6))
    };
    let first = |version: &str| version.split('.').next().unwrap().to_owned();
    let (product, version, edition) = parts(stream);
    let is_system = product == "enterprise_linux";
    if image.is_empty() {
        return is_system && first(&version) == major;
    }
    image.iter().map(|cpe| parts(cpe)).any(|(own, number, part)| {
        let versions = if is_system { first(&number) == first(&version) } else { number == version };
        own == product && versions && (part.is_empty() || edition.is_empty() || part == edition)
    })
}

/// Statements on the binary go before those on its source; fixes of a repository before words on the whole product.
fn expected(asked: &Asked, image: &[&str], said: &[&Said]) -> Verdicts {
    let major = asked.release.split_once(':').unwrap().1;
    let counts = |said: &&&Said| asked.is_among(&said.architectures) && has(image, &said.stream, major);
    let counting: Vec<&Said> = said.iter().filter(counts).copied().collect();
    by_id(&counting, |said| {
        let about = |said: &&&Said| of_id(asked, &[**said]).is_some();
        let mut about: Vec<&Said> = said.iter().filter(about).copied().collect();
        if about.iter().any(|said| !said.of_source) {
            about.retain(|said| !said.of_source);
        }
        if about.iter().any(|said| said.fix.is_some()) {
            about.retain(|said| said.fix.is_some() || said.stream.split(':').count() > 6);
        }
        of_id(asked, &about)
    })
}

/// Images by their content sets, which are told as CPE names.
const IMAGES: [&[&str]; 10] = [
    &[],
    &[],
    &["cpe:/o:redhat:enterprise_linux:8::baseos", "cpe:/a:redhat:enterprise_linux:8::appstream"],
    &["cpe:/o:redhat:enterprise_linux:9::baseos", "cpe:/a:redhat:enterprise_linux:9::appstream"],
    &["cpe:/o:redhat:rhel_eus:8.6::baseos", "cpe:/a:redhat:rhel_eus:8.6::appstream"],
    &["cpe:/a:redhat:enterprise_linux:8::appstream", "cpe:/a:redhat:rhel_eus:8.6::appstream"],
    &["cpe:/o:redhat:rhel_eus:9.0::baseos", "cpe:/a:redhat:rhel_eus:9.0::appstream"],
    &["cpe:/o:redhat:enterprise_linux:10.0::baseos", "cpe:/o:redhat:enterprise_linux:10.1::baseos"],
    &["cpe:/o:redhat:enterprise_linux:8::baseos", "cpe:/a:redhat:rhel_satellite_client:6::el8"],
    &["cpe:/o:redhat:enterprise_linux:9::baseos"],
];

fn check(label: &str, knowledge: &Knowledge, said: &[Said]) -> BTreeSet<(AdvisoryState, bool)> {
    let mut packages: BTreeMap<(&str, &str), Vec<&Said>> = BTreeMap::new();
    for said in said {
        packages.entry((&said.release, &said.package)).or_default().push(said);
    }
    // Most packages are those of layered products, of which there is nothing to say here.
    let of_system = |key: &(&str, &str)| {
        let major = &key.0[5..];
        let eus = format!("rhel_eus:{major}");
        packages[key].iter().any(|said| has(&[], &said.stream, major) || said.stream.contains(&eus))
    };
    let keys: Vec<_> = packages.keys().copied().filter(of_system).collect();
    let random = &mut Random(300);
    let (mut triples, mut verdicts, mut states) = (BTreeSet::new(), 0, BTreeSet::new());
    while triples.len() < 400 {
        let key = random.of(&keys);
        let of_package = &packages[key];
        let major = format!(":{}", &key.0[5..]);
        let images =
            IMAGES.iter().filter(|image| image.iter().any(|cpe| cpe.contains(&major)) || image.is_empty());
        let images: Vec<&[&str]> = images.copied().collect();
        let (asked, image) = (draw(random, of_package), *random.of(&images));
        if !triples.insert((asked.clone(), image)) {
            continue;
        }
        let about = |said: &&&Said| said.of_source || !asked.of_source;
        let expected = expected(&asked, image, &of_package.iter().filter(about).copied().collect::<Vec<_>>());
        let release = system("rhel", asked.release.split_once(':').unwrap().1);
        let ours = match image {
            [] => ours(knowledge, release, asked.package()),
            image => ours_with(knowledge, &release, &asked.package(), image),
        };
        assert_eq!(ours, expected, "{label}: {asked:?} with {image:?}, of {of_package:#?}");
        verdicts += expected.len();
        states.extend(expected.values().map(|(state, fix)| (*state, fix.is_some())));
    }
    println!("{label}: {} triples, {verdicts} verdicts", triples.len());
    states
}

fn check_files(label: &str, files: &Files) -> BTreeSet<(AdvisoryState, bool)> {
    let (_folder, knowledge) = database_of("redhat", all(files));
    let documents = files.values().map(|bytes| serde_json::from_slice(bytes).unwrap());
    let said: Vec<Said> = documents.flat_map(|document: Value| vex(&document)).collect();
    check(label, &knowledge, &said)
}

#[test]
fn real_documents_are_judged_as_csaf_vex_says() {
    let files = shared("redhat.tar.zst", |path| path.contains("/csaf-vex/") && path.ends_with(".json"));
    if !files.is_empty() {
        check_files("redhat, real VEX", &files);
    }
}
