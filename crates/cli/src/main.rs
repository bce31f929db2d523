//! The `imagescan` command: arguments in, a document on stdout, progress and errors on stderr, an exit code.

mod arguments;
mod clock;
mod commands;
mod config;
mod daemons;
mod failure;
mod folders;
mod interrupt;
mod logs;
mod output;
mod pool;
mod progress;
mod registries;
mod targets;

use arguments::{Arguments, CacheCommand, Command, Db};
use clap::builder::Resettable;
use clap::{CommandFactory, FromArgMatches};
use imagescan_model::ExitCode;
use std::process::ExitCode as ProcessCode;

fn main() -> ProcessCode {
    // Prints help, version and usage errors itself; the latter with exit code 2.
    let matches = without_empty_variables(Arguments::command()).get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    logs::start(&arguments.log);
    let code = run(&arguments.command).unwrap_or_else(|error| failure::report(&error));
    ProcessCode::from(u8::from(code))
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Scan(arguments) => commands::scan::run(arguments),
        Command::Inventory(arguments) => commands::inventory::run(arguments),
        Command::Db(Db::Build(arguments)) => commands::db::build(arguments),
        Command::Db(Db::Update(arguments)) => commands::update::run(arguments),
        Command::Db(Db::Info(arguments)) => commands::db::info(arguments),
        Command::Db(Db::Lookup(arguments)) => commands::db::lookup(arguments),
        Command::Db(Db::Verify(arguments)) => commands::db::verify(arguments),
        Command::Db(Db::Diff(arguments)) => commands::db::diff(arguments),
        Command::Cache(CacheCommand::Info(arguments)) => commands::cache::info(arguments),
        Command::Cache(CacheCommand::Clear(arguments)) => commands::cache::clear(arguments),
        Command::CompareVersions(arguments) => commands::compare_versions::run(arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "imagescan", &mut script);
            output::print(&String::from_utf8_lossy(&script))?;
            Ok(ExitCode::Passed)
        }
        Command::Man => {
            let mut pages = Vec::new();
            let mut command = Arguments::command();
            command.build();
            manual(&command, &mut pages)?;
            output::print(&String::from_utf8_lossy(&pages))?;
            Ok(ExitCode::Passed)
        }
    }
}

/// A variable that is set to nothing, as build pipelines do, is not set.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let unset = |argument: clap::Arg| match argument.get_env().and_then(std::env::var_os) {
        Some(value) if value.is_empty() => argument.env(Resettable::Reset),
        _ => argument,
    };
    command.mut_args(unset).mut_subcommands(without_empty_variables)
}

/// The pages of a command and of all below it.
fn manual(command: &clap::Command, pages: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(pages)?;
    let shown = command.get_subcommands().filter(|command| command.get_name() != "help");
    shown.into_iter().try_for_each(|command| manual(command, pages))
}
