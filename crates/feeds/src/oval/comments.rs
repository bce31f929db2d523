//! Comments of criterions, where they say it all: `Oracle Linux 8 is installed`, `Oracle Linux arch is x86_64`,
//! `Module virt:kvm_utils is enabled`, `hivex is earlier than 0:1.3.18-21…`, `hivex is signed with …`.
//!
//! What holds for a tree holds for all that is below it.

use super::{Criteria, Definition};
use crate::error::{FeedError, refused};

/// Below which version a package is affected, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fix {
    /// `Oracle Linux 8`.
    pub(crate) system: String,
    /// Of the system.
    pub(crate) architecture: Option<String>,
    /// `virt:kvm_utils`.
    pub(crate) module: Option<String>,
    pub(crate) package: String,
    /// Without an epoch of 0.
    pub(crate) version: String,
}

enum Said<'a> {
    Installed(&'a str),
    Architecture(&'a str),
    Module(&'a str),
    Earlier(&'a str, &'a str),
    /// Of the package beside it.
    Remark,
}

/// All fixes that a definition speaks of.
pub(crate) fn fixes(document: &str, definition: &Definition) -> Result<Vec<Fix>, FeedError> {
    let mut found = Vec::new();
    walk(document, &definition.criteria, &Fix::default(), &mut found)?;
    match found.iter().find(|fix| fix.system.is_empty()) {
        Some(fix) => Err(refused(document, "no system that must be installed, for", &fix.package)),
        None => Ok(found),
    }
}

fn walk(document: &str, tree: &Criteria, around: &Fix, found: &mut Vec<Fix>) -> Result<(), FeedError> {
    let mut here = around.clone();
    let mut packages = Vec::new();
    for criterion in &tree.criterions {
        let comment = said(&criterion.comment);
        let comment = comment.ok_or_else(|| refused(document, "unknown criterion", &criterion.comment))?;
        // One of several systems or modules would be enough: nobody writes that.
        let condition = !matches!(comment, Said::Earlier(..) | Said::Remark);
        if condition && !tree.all && tree.criterions.len() + tree.children.len() > 1 {
            return Err(refused(document, "a condition among alternatives:", &criterion.comment));
        }
        match comment {
            Said::Installed(system) => here.system = system.into(),
            Said::Architecture(architecture) => here.architecture = Some(architecture.into()),
            Said::Module(module) => here.module = Some(module.into()),
            Said::Earlier(package, version) => packages.push((package, version)),
            Said::Remark => {}
        }
    }
    let fix = |(package, version): (&str, &str)| Fix {
        package: package.into(),
        version: version.strip_prefix("0:").unwrap_or(version).into(),
        ..here.clone()
    };
    found.extend(packages.into_iter().map(fix));
    tree.children.iter().try_for_each(|child| walk(document, child, &here, found))
}

fn said(comment: &str) -> Option<Said<'_>> {
    let comment = comment.trim();
    let module = |rest: &'_ str| rest.contains(':');
    if let Some((_, architecture)) = comment.split_once(" arch is ") {
        return Some(Said::Architecture(architecture));
    }
    if let Some(name) = comment.strip_prefix("Module ").and_then(|rest| rest.strip_suffix(" is enabled")) {
        return Some(Said::Module(name)).filter(|_| module(name));
    }
    if let Some(system) = comment.strip_suffix(" is installed") {
        return Some(Said::Installed(system));
    }
    if let Some((package, version)) = comment.split_once(" is earlier than ") {
        let whole = !package.contains(' ') && !version.contains(' ') && version.contains('-');
        return whole.then_some(Said::Earlier(package, version));
    }
    let remark = comment.contains(" is signed with ") || comment.ends_with(" is ksplice-based");
    remark.then_some(Said::Remark)
}
