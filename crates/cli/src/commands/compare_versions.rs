//! `imagescan compare-versions`.

use crate::arguments::CompareVersions;
use crate::{failure, output};
use anyhow::{Context as _, Result, anyhow};
use imagescan_model::ExitCode;
use imagescan_version::Order;
use std::cmp::Ordering;
use std::io::{BufRead, BufWriter, ErrorKind, Write};

pub(crate) fn run(arguments: &CompareVersions) -> Result<ExitCode> {
    match (&arguments.a, &arguments.b) {
        (Some(a), Some(b)) => output::print(&format!("{}\n", sign(arguments.order.compare(a, b))))?,
        _ => pairs(arguments.order)?,
    }
    Ok(ExitCode::Passed)
}

/// One tab-separated pair a line on stdin, one sign a line on stdout.
fn pairs(order: Order) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (number, line) in (1..).zip(std::io::stdin().lock().lines()) {
        let line = line.with_context(|| format!("line {number} of standard input"))?;
        let Some((a, b)) = line.split_once('\t') else {
            let error = anyhow!("line {number} of standard input, `{}`, is no pair", line.escape_debug());
            return Err(failure::Usage::of(error.context("write A, a tab and B on each line")));
        };
        match writeln!(out, "{}", sign(order.compare(a, b))) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            result => result.context("cannot write to stdout")?,
        }
    }
    match out.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to stdout"),
        _ => Ok(()),
    }
}

fn sign(ordering: Ordering) -> char {
    match ordering {
        Ordering::Less => '<',
        Ordering::Equal => '=',
        Ordering::Greater => '>',
    }
}
