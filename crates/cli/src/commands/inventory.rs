//! `imagescan inventory`: facts only.

use crate::arguments::{Format, Inventory};
use crate::{clock, failure, output, targets};
use anyhow::{Result, anyhow};
use imagescan_model::{ExitCode, INVENTORY_SCHEMA, IncompleteKind, InventoryDocument};

pub(crate) fn run(arguments: &Inventory) -> Result<ExitCode> {
    let outputs = output::or_default(&arguments.output, Format::Json);
    if outputs.iter().any(|output| output.format != Format::Json) {
        return Err(failure::Usage::of(anyhow!(
            "an inventory is written as json; the table is a report's: use scan"
        )));
    }
    let as_of = arguments.targets.as_of.unwrap_or_else(clock::now);
    let mut read = targets::read(&arguments.targets)?;
    for age in read.inventories.iter_mut().filter_map(|inventory| inventory.age.as_mut()) {
        imagescan_freshness::date(age, as_of);
    }
    let lacking = targets::lacking(&read.inventories);
    let document = InventoryDocument {
        schema: INVENTORY_SCHEMA.into(),
        tool: super::tool(),
        as_of,
        images: read.inventories,
    };
    output::write(&outputs, |_| imagescan_report::inventory_json(&document))?;
    read.failures.iter().for_each(|failure| failure::print(failure));
    Ok(if lacking.iter().any(|kind| kind.is_fatal()) {
        ExitCode::Failed
    } else if lacking.contains(&IncompleteKind::NoPackageDatabase) {
        ExitCode::Inconclusive
    } else {
        ExitCode::Passed
    })
}
