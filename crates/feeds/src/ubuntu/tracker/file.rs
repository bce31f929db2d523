//! The fields of one file. A line that begins with a blank belongs to the field before it.

use crate::error::FeedError;

/// Bytes of the description that a title may need.
const DESCRIPTION: usize = 1 << 10;

/// What of a file matters. Values are without blanks at their ends.
#[derive(Debug, Default)]
pub(super) struct File<'a> {
    /// The CVE; empty in templates.
    pub(super) candidate: &'a str,
    /// The beginning of the description, in one line.
    pub(super) description: String,
    /// Source and vector.
    pub(super) cvss: Vec<(&'a str, &'a str)>,
    pub(super) statuses: Vec<Status<'a>>,
    public: &'a str,
    public_at_usn: &'a str,
    coordinated: &'a str,
    priority: &'a str,
    /// Of `package`, or `package_release`.
    priorities: Vec<(&'a str, &'a str)>,
}

/// `release_package: value`.
#[derive(Debug)]
pub(super) struct Status<'a> {
    /// From 1.
    pub(super) line: usize,
    pub(super) release: &'a str,
    pub(super) package: &'a str,
    pub(super) value: &'a str,
}

impl<'a> File<'a> {
    pub(super) fn parse(name: &str, text: &'a str) -> Result<Self, FeedError> {
        let mut file = Self::default();
        let mut last = "";
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim_end();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if content.starts_with([' ', '\t']) {
                file.continued(last, content.trim());
                continue;
            }
            let (field, value) = content.split_once(':').ok_or_else(|| FeedError::Line {
                name: name.into(),
                line,
                why: "it is no `field: value`",
            })?;
            last = field.trim();
            file.field(line, last, value.trim());
        }
        Ok(file)
    }

    fn field(&mut self, line: usize, field: &'a str, value: &'a str) {
        match field {
            "Candidate" => self.candidate = value,
            "PublicDate" => self.public = value,
            "PublicDateAtUSN" => self.public_at_usn = value,
            "CRD" => self.coordinated = value,
            "Priority" => self.priority = word(value),
            "Description" => self.continued(field, value),
            _ => {}
        }
        let Some((before, after)) = field.split_once('_') else { return };
        if before == "Priority" {
            self.priorities.push((after, word(value)));
        } else if before.starts_with(|first: char| first.is_ascii_lowercase()) {
            // What else has a `_`, `Tags_` and `Patches_` and `Assigned-to_`, is about work on a package.
            self.statuses.push(Status { line, release: before, package: after, value });
        }
    }

    fn continued(&mut self, field: &str, value: &'a str) {
        match field {
            "Description" if self.description.len() < DESCRIPTION => {
                if !self.description.is_empty() {
                    self.description.push(' ');
                }
                self.description += value;
            }
            "CVSS" => self.cvss.extend(value.split_once(':').map(|(source, vector)| (source, vector.trim()))),
            _ => {}
        }
    }

    /// When it became public: as it was known then, rather than as NVD has it since.
    pub(super) fn disclosed(&self) -> Option<&'a str> {
        [self.coordinated, self.public_at_usn, self.public].into_iter().find(|date| !date.is_empty())
    }

    /// The priority that a package has in a release.
    pub(super) fn priority(&self, package: &str, release: &str) -> &'a str {
        let of = |wanted: &dyn Fn(&str) -> bool| {
            self.priorities.iter().find(|(name, _)| wanted(name)).map(|(_, priority)| *priority)
        };
        of(&|name| name.strip_prefix(package).and_then(|rest| rest.strip_prefix('_')) == Some(release))
            .or_else(|| of(&|name| name == package))
            .unwrap_or(self.priority)
    }
}

/// Reasons may stand behind it.
fn word(value: &str) -> &str {
    value.split([' ', '\t']).next().unwrap_or_default()
}
