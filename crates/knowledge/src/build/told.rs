//! Subjects and issues, and the texts that they name.

use super::encode::{Fit, TooLarge, fit};
use super::ranked::Ranked;
use crate::codec::put_blob;
use crate::detail::{Issue, NONE, Subject};
use crate::section::Section;
use crate::texts;
use hashbrown::HashMap;
use std::cmp::Reverse;

/// What is told, and where.
pub(crate) struct Told {
    pub(crate) sections: Vec<(Section, Vec<u8>)>,
    /// The sections of the file of texts, if there are any.
    pub(crate) texts: Option<Vec<(Section, Vec<u8>)>>,
    /// By id and subject.
    variants: HashMap<(u32, u32), u32>,
    /// By issue.
    issues: Vec<u32>,
}

impl Told {
    pub(crate) fn of(ranked: &Ranked) -> Fit<Self> {
        let mut texts = Numbered { order: Vec::new(), numbers: vec![NONE; ranked.strings.len()] };
        let (mut places, mut subjects) = (Vec::new(), Vec::new());
        let variants = variants(ranked);
        let mut numbers = HashMap::with_capacity(variants.len());
        let mut of_ids = variants.chunk_by(|one, other| one.0 == other.0).peekable();
        for id in 0..fit(ranked.ids.len(), "ids")? {
            let of_id = of_ids.next_if(|of_id| of_id.first().is_some_and(|first| first.0 == id));
            let of_id = of_id.unwrap_or_default();
            let mut blob = Vec::new();
            let nothing = Subject::default();
            for (variant, (_, _, subject)) in (0..).zip(of_id) {
                numbers.insert((id, *subject), variant);
                let said = ranked.subjects.get(*subject as usize).unwrap_or(&nothing);
                said.of_texts(|text| texts.number(text)).write(&mut blob);
            }
            // One variant that says nothing: parts, and none of them.
            if blob == [1, 0] {
                places.extend(NONE.to_le_bytes());
            } else {
                places.extend(fit(subjects.len(), "subjects")?.to_le_bytes());
                put_blob(&mut subjects, &blob);
            }
        }
        let (issues, section) = issues(ranked, &mut texts)?;
        let texts = match texts.order.as_slice() {
            [] => None,
            order => {
                let sections = texts::encode(order.iter().map(|text| ranked.text(*text)));
                Some(sections.ok_or(TooLarge("texts"))?)
            }
        };
        let sections =
            vec![(Section::SubjectPlaces, places), (Section::Subjects, subjects), (Section::Issues, section)];
        Ok(Self { sections, texts, variants: numbers, issues })
    }

    /// Place of the issue and variant of the subject.
    pub(crate) fn of_row(&self, id: u32, subject: u32, issue: u32) -> (u32, u32) {
        let variant = self.variants.get(&(id, subject)).copied().unwrap_or_default();
        (self.issues.get(issue as usize).copied().unwrap_or(NONE), variant)
    }
}

/// (id, how often, subject) of every subject of every id, by id, most used first.
fn variants(ranked: &Ranked) -> Vec<(u32, Reverse<u32>, u32)> {
    let mut counts: HashMap<(u32, u32), u32> = HashMap::new();
    for row in ranked.rows() {
        *counts.entry((row.id, row.subject)).or_default() += 1;
    }
    let mut variants: Vec<_> =
        counts.into_iter().map(|((id, subject), count)| (id, Reverse(count), subject)).collect();
    variants.sort_unstable();
    variants
}

/// Where each issue lies, and the section.
fn issues(ranked: &Ranked, texts: &mut Numbered) -> Fit<(Vec<u32>, Vec<u8>)> {
    let mut used = vec![false; ranked.issues.len()];
    for row in ranked.rows() {
        if let Some(mark) = used.get_mut(row.issue as usize) {
            *mark = true;
        }
    }
    let (mut places, mut section) = (Vec::with_capacity(used.len()), Vec::new());
    for (issue, used) in ranked.issues.iter().zip(used) {
        if !used || *issue == Issue::default() {
            places.push(NONE);
            continue;
        }
        places.push(fit(section.len(), "issues")?);
        put_blob(&mut section, &issue.of_texts(|text| texts.number(text)).encode());
    }
    Ok((places, section))
}

/// Texts that are read apart, numbered as they are first named.
struct Numbered {
    order: Vec<u32>,
    numbers: Vec<u32>,
}

impl Numbered {
    fn number(&mut self, text: u32) -> u32 {
        let next = self.order.len() as u32;
        match self.numbers.get_mut(text as usize) {
            Some(number) if *number != NONE => *number,
            Some(number) => {
                *number = next;
                self.order.push(text);
                next
            }
            None => NONE,
        }
    }
}
