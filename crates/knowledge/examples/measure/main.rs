//! Builds a large database and prints what it costs to build, open, verify and read.
//!
//! `cargo run --release -p imagescan-knowledge --example measure -- [DIR [RECORDS]]`: in DIR (kept, and used as it
//! is where it has a database; a folder of its own that is removed where none is given), from RECORDS: a file of one
//! JSON record a line, or how many copies the full-size set shall have (14).

#![expect(clippy::print_stdout, reason = "it is what it is for")]

mod full;
mod words;

use imagescan_knowledge::{Builder, Key, Knowledge, RowId, diff, verify};
use imagescan_model::AdvisoryRecord;
use jiff::Timestamp;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

const LOOKUPS: usize = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let temporary = tempfile::tempdir()?;
    let dir = arguments.next().map_or_else(|| temporary.path().join("db"), Into::into);
    let records = arguments.next().unwrap_or_else(|| "14".into());
    let copies = records.to_str().and_then(|number| number.parse().ok());
    if Knowledge::open(&dir).is_err() {
        build(&dir, copies, Path::new(&records))?;
    }
    measure_sizes(&dir)?;
    measure_reads(&dir)?;
    copies.map_or(Ok(()), |copies| measure_diff(&dir, copies))
}

fn build(dir: &Path, copies: Option<u64>, records: &Path) -> Result<(), Box<dyn Error>> {
    let start = cpu()?;
    let mut builder = Builder::new(Timestamp::UNIX_EPOCH);
    match copies {
        None => {
            for line in BufReader::new(File::open(records)?).lines() {
                builder.records("records", [serde_json::from_str::<AdvisoryRecord>(&line?)?])?;
            }
        }
        Some(copies) => {
            for (feed, record) in full::records(copies) {
                builder.record(feed, &record)?;
            }
        }
    }
    let added = cpu()?;
    builder.write(dir)?;
    let (added, written) = ((added - start) / 1_000_000, (cpu()? - added) / 1_000_000);
    println!("made up and added in {added} ms, written in {written} ms, peak memory {}", peak_memory()?);
    Ok(())
}

fn measure_sizes(dir: &Path) -> Result<(), Box<dyn Error>> {
    let knowledge = Knowledge::open(dir)?;
    for segment in &knowledge.info().segments {
        println!("segment {} {:.2} MB", segment.name, segment.size as f64 / 1e6);
    }
    for (section, size) in knowledge.sizes() {
        println!("section {section} {:.2} MB", size as f64 / 1e6);
    }
    Ok(())
}

fn measure_reads(dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut opened: Vec<Duration> = Vec::new();
    let start = cpu()?;
    for _ in 0..201 {
        let start = Instant::now();
        drop(Knowledge::open(dir)?);
        opened.push(start.elapsed());
    }
    println!("open {} ns of processor time", (cpu()? - start) / 201);
    opened.sort();
    println!(
        "open by the clock: fastest {:.1?}, median {:.1?}, slowest {:.1?}",
        opened.first().ok_or("nothing opened")?,
        opened.get(100).ok_or("nothing opened")?,
        opened.last().ok_or("nothing opened")?
    );
    let start = Instant::now();
    let verified = verify(dir)?;
    println!("verify {:.2?}: {} keys, {} rows", start.elapsed(), verified.keys, verified.rows);

    let knowledge = Knowledge::open(dir)?;
    let mut keys = Vec::new();
    for rows in knowledge.keys() {
        keys.extend(rows?.key());
    }
    let mut random = 0x5eed_u64;
    let mut drawn: Vec<Key<'_>> = Vec::with_capacity(LOOKUPS);
    for _ in 0..LOOKUPS {
        let place = next(&mut random) % keys.len() as u64;
        drawn.extend(keys.get(place as usize));
    }
    for round in ["first", "second", "third"] {
        let start = cpu()?;
        let (mut rows, mut bytes, mut ids) = (0u32, 0, 0);
        for key in &drawn {
            for row in knowledge.lookup(key.release, key.package_type, key.matched_by, key.package)? {
                let row = row?;
                rows += 1;
                bytes += row.fixed_version.map_or(0, str::len);
                ids ^= u64::from(matches!(row.id, RowId::Cve { number, .. } if number % 2 == 0));
            }
        }
        let each = (cpu()? - start) / LOOKUPS as u64;
        println!(
            "hit, {round} round: {each} ns, {:.1} rows each ({bytes} bytes, {ids})",
            f64::from(rows) / LOOKUPS as f64
        );
    }
    measure_in_order(&knowledge, &keys)?;
    measure_misses(&knowledge, &drawn)?;
    let start = cpu()?;
    let mut records = 0;
    for rows in knowledge.keys().take(20_000) {
        for row in rows? {
            row?.to_record()?;
            records += 1;
        }
    }
    println!("records, owned: {} ns each", (cpu()? - start) / records);
    Ok(())
}

/// As an image asks: the packages of one release, by name.
fn measure_in_order(knowledge: &Knowledge, keys: &[Key<'_>]) -> Result<(), Box<dyn Error>> {
    let release = keys.last().ok_or("no keys")?.release;
    let of_release: Vec<_> = keys.iter().filter(|key| key.release == release).collect();
    for _ in 0..2 {
        let (start, mut rows) = (cpu()?, 0);
        for key in of_release.iter().cycle().take(LOOKUPS) {
            for row in knowledge.lookup(key.release, key.package_type, key.matched_by, key.package)? {
                rows += u64::from(row?.fixed_version.is_some());
            }
        }
        let each = (cpu()? - start) / LOOKUPS as u64;
        println!("hit in the order of one release of {} keys: {each} ns ({rows} fixes)", of_release.len());
    }
    Ok(())
}

fn measure_misses(knowledge: &Knowledge, drawn: &[Key<'_>]) -> Result<(), Box<dyn Error>> {
    let names: Vec<_> = (0..LOOKUPS).map(|number| format!("absent-{number}")).collect();
    let start = cpu()?;
    let mut found = 0;
    for (key, name) in drawn.iter().zip(&names) {
        found += knowledge.lookup(key.release, key.package_type, key.matched_by, name)?.count();
    }
    println!("miss: {} ns ({found} found)", (cpu()? - start) / LOOKUPS as u64);
    Ok(())
}

/// A second database of which every hundredth record has gone, and what `diff` says.
fn measure_diff(dir: &Path, copies: u64) -> Result<(), Box<dyn Error>> {
    let other = tempfile::tempdir()?;
    let mut builder = Builder::new(Timestamp::UNIX_EPOCH);
    for (_, (feed, record)) in (0u32..).zip(full::records(copies)).filter(|(number, _)| number % 100 > 0) {
        builder.record(feed, &record)?;
    }
    builder.write(other.path())?;
    let (old, new) = (Knowledge::open(dir)?, Knowledge::open(other.path())?);
    let start = cpu()?;
    let changes = diff(&old, &new)?;
    println!("diff: {} ms, {} keys changed", (cpu()? - start) / 1_000_000, changes.keys.len());
    Ok(())
}

/// xorshift64: the same every time.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Nanoseconds that this thread has run: other programs on the machine do not count.
fn cpu() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}

fn peak_memory() -> Result<String, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.unwrap_or("unknown").trim().into())
}
