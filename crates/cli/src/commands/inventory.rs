//! `imagescan inventory`: facts only.

use crate::arguments::{Format, Inventory};
use crate::output::Documents;
use crate::{clock, failure, targets};
use anyhow::{Result, anyhow};
use imagescan_model::{ExitCode, INVENTORY_SCHEMA, IncompleteKind, InventoryDocument};

pub(crate) fn run(arguments: &Inventory) -> Result<ExitCode> {
    let mut documents = Documents::new(&arguments.output, Format::Json)?;
    if documents.has(Format::Table) {
        return Err(failure::Usage::of(anyhow!(
            "an inventory is written as json or jsonl; the table is a report's: use scan"
        )));
    }
    let as_of = arguments.targets.as_of.unwrap_or_else(clock::now);
    let mut document =
        InventoryDocument { schema: INVENTORY_SCHEMA.into(), tool: super::tool(), as_of, images: Vec::new() };
    let mut images = Vec::new();
    let mut code = ExitCode::Passed;
    let ended = targets::read(&arguments.targets, documents.is_seen(), |inventories| {
        for mut inventory in inventories {
            if let Some(age) = &mut inventory.age {
                imagescan_freshness::date(age, as_of);
            }
            code = code.worse(exit_code(&inventory));
            document.images = vec![inventory];
            if documents.is_lines() {
                documents.line(&imagescan_report::inventory_line(&document))?;
            }
            if documents.is_whole() {
                images.append(&mut document.images);
            }
        }
        Ok(())
    })?;
    document.images = images;
    documents.finish(|_| imagescan_report::inventory_json(&document))?;
    ended.tell();
    Ok(code)
}

fn exit_code(inventory: &imagescan_model::Inventory) -> ExitCode {
    let lacks = |is: fn(IncompleteKind) -> bool| inventory.incomplete.iter().any(|entry| is(entry.what));
    if lacks(|kind| kind.is_fatal()) {
        ExitCode::Failed
    } else if lacks(|kind| kind == IncompleteKind::NoPackageDatabase) {
        ExitCode::Inconclusive
    } else {
        ExitCode::Passed
    }
}
