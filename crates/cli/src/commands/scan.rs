//! `imagescan scan`: inventory, match, judge, report.

use crate::arguments::{FailOn, Format, Scan};
use crate::failure::Usage;
use crate::output::Documents;
use crate::{clock, folders, output, targets};
use anyhow::{Context as _, Result, anyhow};
use imagescan_knowledge::{Knowledge, KnowledgeError};
use imagescan_model::{ExitCode, Finding, ImageReport, Inventory, REPORT_SCHEMA, Report};
use imagescan_policy::{Known, Policy};
use jiff::Timestamp;
use std::path::PathBuf;

/// Bytes of a policy file.
const POLICY_BYTES: u64 = 1 << 20;

pub(crate) fn run(arguments: &Scan) -> Result<ExitCode> {
    let as_of = arguments.targets.as_of.unwrap_or_else(clock::now);
    let policy = policy(arguments)?;
    let folder = folders::database(&arguments.database, &arguments.targets.cache)?;
    let knowledge = match Knowledge::open(&folder) {
        Err(KnowledgeError::Missing { .. }) => None,
        opened => Some(opened.with_context(|| format!("database `{}`", folder.display()))?),
    };
    let mut documents = Documents::new(&arguments.output, Format::Table)?;
    let mut report = Report {
        schema: REPORT_SCHEMA.into(),
        tool: super::tool(),
        as_of,
        knowledge: knowledge.as_ref().map(|knowledge| knowledge.info().clone()),
        policy: policy.info(),
        images: Vec::new(),
    };
    let mut images = Vec::new();
    let mut code = ExitCode::Passed;
    let ended = targets::read(&arguments.targets, documents.is_seen(), |inventories| {
        for inventory in inventories {
            let image = judge(inventory, knowledge.as_ref(), &policy, arguments, as_of)?;
            code = code.worse(image.verdict.exit_code);
            report.images = vec![image];
            if documents.is_lines() {
                documents.line(&imagescan_report::json_line(&report))?;
            }
            if documents.is_whole() {
                images.append(&mut report.images);
            }
        }
        Ok(())
    })?;
    report.images = images;
    documents.finish(|output| match output.format {
        Format::Json | Format::Jsonl => imagescan_report::json(&report),
        Format::Table => {
            let (width, colour) = output::table_style(output, arguments.color);
            imagescan_report::table(&report, &imagescan_report::Style { width, colour })
        }
    })?;
    ended.tell();
    Ok(code)
}

fn judge(
    mut inventory: Inventory,
    knowledge: Option<&Knowledge>,
    policy: &Policy,
    arguments: &Scan,
    as_of: Timestamp,
) -> Result<ImageReport> {
    if let Some(age) = &mut inventory.age {
        imagescan_freshness::date(age, as_of);
    }
    let findings: Option<Vec<Finding>> = match knowledge {
        Some(knowledge) => {
            let options =
                imagescan_match::Options { all: arguments.all, ..imagescan_match::Options::at(as_of) };
            let known = || -> Result<_, KnowledgeError> {
                let life = imagescan_match::lifecycle(&inventory.system, knowledge, as_of)?;
                Ok((imagescan_match::judge(&inventory, knowledge, &options)?, life))
            };
            let (findings, life) = known().context("the database")?;
            inventory.system.lifecycle = life;
            Some(findings)
        }
        None => None,
    };
    let fail_on = match arguments.fail_on {
        FailOn::Deny => imagescan_policy::FailOn::Deny,
        FailOn::Warn => imagescan_policy::FailOn::Warn,
        FailOn::Never => imagescan_policy::FailOn::Never,
    };
    // The cache's own folder is not the user's word: a report says the same on every machine.
    let named = arguments.database.db.as_ref().map(|folder| folder.display().to_string());
    let known = findings.as_deref().map_or(Known::NoDatabase(named.as_deref()), Known::Findings);
    let verdict = imagescan_policy::judge(policy, &mut inventory, known, as_of, fail_on);
    Ok(ImageReport { inventory, findings: findings.unwrap_or_default(), verdict })
}

/// The policy of the file named, else of `imagescan.toml` in this folder or the nearest above, else the default.
fn policy(arguments: &Scan) -> Result<Policy> {
    let file = match &arguments.policy {
        Some(file) => Some(targets::existing("--policy", file)?),
        None => nearest_policy(),
    };
    let Some(file) = file else { return Ok(Policy::default()) };
    let name = || format!("policy `{}`", file.display());
    let size = std::fs::metadata(&file).map_or(0, |meta| meta.len());
    if size > POLICY_BYTES {
        return Err(Usage::of(anyhow!("{} has {size} bytes, more than {POLICY_BYTES}", name())));
    }
    let text = std::fs::read_to_string(&file).with_context(name).map_err(Usage::of)?;
    Policy::parse(&text).with_context(name).map_err(Usage::of)
}

fn nearest_policy() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join("imagescan.toml")).find(|file| file.exists())
}
