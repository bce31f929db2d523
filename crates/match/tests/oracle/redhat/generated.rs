//! CSAF VEX documents with every row of the decision table.

use super::check_files;
use crate::common::{Files, Random};
use imagescan_model::AdvisoryState::{
    Affected, EndOfLife, FixDeferred, NotAffected, UnderInvestigation, WillNotFix,
};
use serde_json::{Value, json};

/// Products by their ids: bare ones, repositories, extended support, minors of 10, one that is no system.
const PRODUCTS: [(&str, &str); 11] = [
    ("RHEL8", "cpe:/o:redhat:enterprise_linux:8"),
    ("BaseOS-8", "cpe:/o:redhat:enterprise_linux:8::baseos"),
    ("AppStream-8", "cpe:/a:redhat:enterprise_linux:8::appstream"),
    ("EUS-8.6", "cpe:/a:redhat:rhel_eus:8.6"),
    ("AppStream-8.6.EUS", "cpe:/a:redhat:rhel_eus:8.6::appstream"),
    ("AppStream-8.6.AUS", "cpe:/a:redhat:rhel_aus:8.6::appstream"),
    ("RHEL9", "cpe:/o:redhat:enterprise_linux:9"),
    ("BaseOS-9", "cpe:/o:redhat:enterprise_linux:9::baseos"),
    ("RHEL10", "cpe:/o:redhat:enterprise_linux:10"),
    ("BaseOS-10.1", "cpe:/o:redhat:enterprise_linux:10.1::baseos"),
    ("Client-8", "cpe:/a:redhat:rhel_satellite_client:6::el8"),
];

/// A document as it grows: leaves, relationships, statements, remediations.
#[derive(Default)]
struct Parts {
    leaves: Vec<Value>,
    relations: Vec<Value>,
    status: serde_json::Map<String, Value>,
    remediations: Vec<Value>,
}

impl Parts {
    /// Adds a package to a product, in a module or not, and gives the id.
    fn add(&mut self, product: &str, name: &str, purl: &str, module: Option<&str>) -> String {
        let leaf = |id: &str, purl: &str| {
            json!({"category": "product_version", "name": id, "product": {"name": id, "product_id": id,
                "product_identification_helper": {"purl": purl}}})
        };
        let relation = |id: &str, part: &str, whole: &str| {
            json!({"category": "default_component_of", "full_product_name": {"name": id, "product_id": id},
                "product_reference": part, "relates_to_product_reference": whole})
        };
        let mut whole = product.to_owned();
        if let Some(module) = module {
            let (name, stream) = module.split_once(':').unwrap();
            self.leaves
                .push(leaf(module, &format!("pkg:rpmmod/redhat/{name}@{stream}:8090020230627:b46abd14")));
            whole = format!("{product}:{module}");
            self.relations.push(relation(&whole, module, product));
        }
        let id = format!("{whole}:{name}");
        self.leaves.push(leaf(name, purl));
        self.relations.push(relation(&id, name, &whole));
        id
    }

    fn state(&mut self, status: &str, id: &str) {
        self.status.entry(status).or_insert_with(|| json!([])).as_array_mut().unwrap().push(id.into());
    }

    fn document(mut self, cve: &str) -> Value {
        let key = |value: &Value| value.to_string();
        for list in [&mut self.leaves, &mut self.relations] {
            list.sort_by_key(key);
            list.dedup();
        }
        for (id, cpe) in PRODUCTS {
            self.leaves.push(json!({"category": "product_name", "name": id, "product": {"name": id,
                "product_id": id, "product_identification_helper": {"cpe": cpe}}}));
        }
        json!({
            "document": {"category": "csaf_vex", "csaf_version": "2.0", "title": "t",
                "aggregate_severity": {"text": "Important"}, "publisher": {"name": "Red Hat"},
                "tracking": {"id": cve, "status": "final", "version": "1", "revision_history": [],
                    "initial_release_date": "2024-01-02T00:00:00+00:00",
                    "current_release_date": "2024-01-03T00:00:00+00:00"}},
            "product_tree": {"branches": [{"category": "vendor", "name": "Red Hat", "branches": self.leaves}],
                "relationships": self.relations},
            "vulnerabilities": [{"cve": cve, "title": "t", "product_status": self.status,
                "remediations": self.remediations, "threats": [],
                "release_date": "2024-01-02T00:00:00+00:00"}]
        })
    }
}

fn document(random: &mut Random, cve: &str) -> Value {
    let mut parts = Parts::default();
    for (product, cpe) in PRODUCTS {
        let major =
            ["8", "9", "10"].into_iter().find(|major| cpe.contains(&format!(":{major}"))).unwrap_or("8");
        for package in ["curl", "ruby", "glibc"] {
            let module = ["ruby:2.7", "ruby:3.1"][random.below(2)];
            let module = Some(module).filter(|_| package == "ruby" && major == "8");
            if random.below(3) == 0 {
                continue;
            }
            if cpe.contains("::") {
                fixed(random, &mut parts, (product, package, major, module));
            } else {
                // Of the binary package, of the source, or of both.
                let told = random.below(3);
                for source in [false, true].into_iter().filter(|source| told == 2 || *source == (told == 1)) {
                    unfixed(random, &mut parts, (product, package, source), module);
                }
            }
        }
    }
    parts.document(cve)
}

type Where<'a> = (&'a str, &'a str, &'a str, Option<&'a str>);

fn fixed(random: &mut Random, parts: &mut Parts, (product, package, major, module): Where<'_>) {
    let (number, minor) = (1 + random.below(5), 5 + random.below(2));
    let release = match (module, random.below(3)) {
        (Some(_), _) => format!("{number}.module%2Bel8.{minor}.0%2B1{number}%2B0a1b2c3d"),
        (None, 0) => format!("{number}.el{major}"),
        (None, _) => format!("{number}.el{major}_{minor}.{}", random.below(3)),
    };
    let upstream = match module {
        Some(module) => format!("{}.{}", &module[5..], random.below(3)),
        None => format!("7.61.{}", random.below(2)),
    };
    let epoch = random.below(2);
    let architectures = [["x86_64", "aarch64"], ["x86_64", "src"], ["noarch", "s390x"]][random.below(3)];
    for architecture in architectures {
        let name = format!("{package}-{epoch}:{upstream}-{release}.{architecture}");
        let label = module.map_or(String::new(), |module| format!("&rpmmod={module}:8090020230627:b46abd14"));
        let (label, nested) = if random.below(2) == 0 { (label, None) } else { (String::new(), module) };
        let purl =
            format!("pkg:rpm/redhat/{package}@{upstream}-{release}?arch={architecture}&epoch={epoch}{label}");
        // The same build is told once as of a module by its purl, once by the tree.
        let name = if nested.is_some() { format!("{name}::{}", module.unwrap()) } else { name };
        let id = parts.add(product, &name, &purl, nested);
        parts.state("fixed", &id);
        parts.remediations.push(json!({"category": "vendor_fix", "details": "d", "product_ids": [id],
            "date": "2024-01-05T00:00:00+00:00", "url": "https://access.redhat.com/errata/RHSA-2024:0001"}));
    }
}

fn unfixed(
    random: &mut Random,
    parts: &mut Parts,
    (product, package, source): (&str, &str, bool),
    module: Option<&str>,
) {
    let purl = format!("pkg:rpm/redhat/{package}{}", if source { "?arch=src" } else { "" });
    let name = if source { format!("{package}.src") } else { package.into() };
    let id = parts.add(product, &name, &purl, module);
    let (status, category, details) = [
        ("known_affected", "none_available", "Affected"),
        ("known_affected", "none_available", "Deferred"),
        ("known_affected", "none_available", "Fix deferred"),
        ("known_affected", "no_fix_planned", "Will not fix"),
        ("known_affected", "no_fix_planned", "Out of support scope"),
        ("known_affected", "workaround", "Do not use it"),
        ("known_not_affected", "", ""),
        ("under_investigation", "", ""),
    ][random.below(8)];
    parts.state(status, &id);
    if !category.is_empty() {
        parts.remediations.push(json!({"category": category, "details": details, "product_ids": [id]}));
    }
}

#[test]
fn generated_documents_have_every_row_of_the_table() {
    let random = &mut Random(91);
    let files: Files = (0..40)
        .map(|number| {
            let cve = format!("CVE-2024-{}", 1000 + number);
            (format!("{}.json", cve.to_lowercase()), document(random, &cve).to_string().into_bytes())
        })
        .collect();
    let states = check_files("redhat, generated", &files);
    let all = [
        (NotAffected, false),
        (NotAffected, true),
        (Affected, false),
        (Affected, true),
        (FixDeferred, false),
        (WillNotFix, false),
        (EndOfLife, false),
        (UnderInvestigation, false),
    ];
    assert_eq!(states, all.into());
}
