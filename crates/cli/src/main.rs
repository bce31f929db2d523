//! The `imagescan` command: arguments in, a document on stdout, progress and errors on stderr, an exit code.

mod arguments;
mod clock;
mod commands;
mod config;
mod failure;
mod folders;
mod inputs;
mod output;
mod progress;
mod registries;
mod targets;

use arguments::{Arguments, Command, Db};
use clap::{CommandFactory, Parser};
use imagescan_model::ExitCode;
use std::process::ExitCode as ProcessCode;

fn main() -> ProcessCode {
    // Prints help, version and usage errors itself; the latter with exit code 2.
    let arguments = Arguments::parse();
    let code = run(&arguments.command).unwrap_or_else(|error| failure::report(&error));
    ProcessCode::from(u8::from(code))
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Scan(arguments) => commands::scan::run(arguments),
        Command::Inventory(arguments) => commands::inventory::run(arguments),
        Command::Db(Db::Build(arguments)) => commands::db::build(arguments),
        Command::Db(Db::Info(arguments)) => commands::db::info(arguments),
        Command::Db(Db::Lookup(arguments)) => commands::db::lookup(arguments),
        Command::Db(Db::Verify(arguments)) => commands::db::verify(arguments),
        Command::CompareVersions(arguments) => commands::compare_versions::run(arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "imagescan", &mut script);
            output::print(&String::from_utf8_lossy(&script))?;
            Ok(ExitCode::Passed)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
            output::print(&String::from_utf8_lossy(&page))?;
            Ok(ExitCode::Passed)
        }
    }
}
