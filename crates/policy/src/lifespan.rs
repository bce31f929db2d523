//! `[lifespan]`: by which clock an image is judged, and what follows.
//!
//! An age that is known exactly passes up to `at + max_age`, that instant included. One that is only bounded
//! ('at most so old') passes within the limit, too; beyond it, nobody can say whether the image is younger than
//! its content, and `unknown_age` decides.

use crate::duration::Duration;
use crate::outcome::{CREATED_INCONSISTENT, MAX_AGE, MAX_BASE_AGE, UNKNOWN_AGE, outcome};
use crate::policy::{ClockChoice, Lifespan, RuleLevel, UnknownAge};
use imagescan_model::{
    Age, AgeBound, AgeConfidence, AgeEvidence, AgeFact, Clock, EvidenceSource, JudgedAge, Level, RuleOutcome,
    SetAside,
};
use jiff::{SignedDuration, Timestamp};

/// Judges `age`, writes down the clock that decided, and adds what the rules say.
pub(crate) fn judge(lifespan: &Lifespan, age: &mut Age, as_of: Timestamp, rules: &mut Vec<RuleOutcome>) {
    if lifespan.level == RuleLevel::Off {
        return;
    }
    let (clock, fact) = chosen(lifespan, age, as_of);
    let expires_at = fact.at.map(|at| lifespan.max_age.after(at));
    let judged =
        JudgedAge { clock, at: fact.at, bound: fact.bound, confidence: confidence(fact), expires_at };
    rules.extend(limit(lifespan, (MAX_AGE, lifespan.max_age), (clock, fact), as_of));
    if let Some(max) = lifespan.max_base_age {
        let base = Lifespan { grace: Duration::days(0), ..lifespan.clone() };
        rules.extend(limit(&base, (MAX_BASE_AGE, max), (Clock::Base, &age.base), as_of));
    }
    rules.extend(inconsistent(&age.build));
    age.judged = Some(judged);
}

/// The clock of the policy. `strictest`: whichever of build and packages is worse: past its end for certain, then
/// perhaps past it, then unknown, then older.
fn chosen<'a>(lifespan: &Lifespan, age: &'a Age, as_of: Timestamp) -> (Clock, &'a AgeFact) {
    let (build, packages) = ((Clock::Build, &age.build), (Clock::Packages, &age.packages));
    match lifespan.clock {
        ClockChoice::Build => build,
        ClockChoice::Packages => packages,
        ClockChoice::Base => (Clock::Base, &age.base),
        // Only the build's evidence can hold a push, and it is the first to be asked there.
        ClockChoice::Pushed if is_push(&age.build) => (Clock::Pushed, &age.build),
        ClockChoice::Pushed => build,
        // No packages, no date of theirs.
        ClockChoice::Strictest if age.packages.evidence.is_empty() => build,
        ClockChoice::Strictest => {
            let rank = |fact: &AgeFact| match (fact.at, fact.bound) {
                (Some(at), Some(AgeBound::Exact)) if as_of > lifespan.max_age.after(at) => 0,
                (Some(at), _) if as_of > lifespan.max_age.after(at) => 1,
                (None, _) => 2,
                (Some(_), _) => 3,
            };
            let key = |fact: &AgeFact| (rank(fact), fact.at);
            if key(packages.1) < key(build.1) { packages } else { build }
        }
    }
}

/// Whether somebody who knows a push dates this.
fn is_push(fact: &AgeFact) -> bool {
    let decides = |evidence: &AgeEvidence| {
        evidence.source == EvidenceSource::Pushed && evidence.set_aside.is_none() && evidence.at == fact.at
    };
    fact.evidence.iter().any(decides)
}

/// What one limit says of one age.
fn limit(
    lifespan: &Lifespan,
    (rule, max): (&str, Duration),
    (clock, fact): (Clock, &AgeFact),
    as_of: Timestamp,
) -> Option<RuleOutcome> {
    let subject = if rule == MAX_BASE_AGE { "base" } else { "image" };
    let evidence = evidence(fact);
    let Some(at) = fact.at else {
        let actual = format!("no date of the {} can be trusted", thing(clock));
        let fix = "set `created` when building, or date the image's files".to_string();
        let known = outcome(UNKNOWN_AGE, unknown_level(lifespan), subject);
        return Some(RuleOutcome { actual: Some(actual), fix: Some(fix), evidence, ..known });
    };
    let expires = max.after(at);
    let due = lifespan.grace.after(expires);
    let bound_only = fact.bound == Some(AgeBound::AtMost);
    let level = match (as_of > due, as_of > expires, as_of >= lifespan.warn_before.before(expires)) {
        (true, ..) if bound_only => unknown_level(lifespan),
        (true, ..) if lifespan.level == RuleLevel::Deny => Level::Deny,
        (true, ..) | (_, true, _) | (_, _, true) => Level::Warn,
        _ => return None,
    };
    let days = as_of.duration_since(at).as_hours() / 24;
    let unproven = bound_only && as_of > expires;
    let actual = match unproven {
        true => {
            format!("cannot be shown to be younger than {days} days: nothing in it is newer than {}", day(at))
        }
        false => format!("{} {} ({days} days ago)", what(clock), day(at)),
    };
    Some(RuleOutcome {
        actual: Some(actual),
        limit: Some(max.to_string()),
        since: (as_of > expires).then_some(expires),
        due: Some(due),
        evidence,
        fix: Some(fix(clock).into()),
        ..outcome(if unproven { UNKNOWN_AGE } else { rule }, level, subject)
    })
}

fn unknown_level(lifespan: &Lifespan) -> Level {
    match (lifespan.unknown_age, lifespan.level) {
        (UnknownAge::Deny, RuleLevel::Deny) => Level::Deny,
        (UnknownAge::Deny | UnknownAge::Warn, _) => Level::Warn,
        (UnknownAge::Inconclusive, _) => Level::Inconclusive,
    }
}

fn thing(clock: Clock) -> &'static str {
    match clock {
        Clock::Build => "build",
        Clock::Packages => "packages",
        Clock::Base => "base",
        Clock::Pushed => "push",
    }
}

fn what(clock: Clock) -> &'static str {
    match clock {
        Clock::Build => "built",
        Clock::Packages => "packages last refreshed",
        Clock::Base => "base built",
        Clock::Pushed => "pushed",
    }
}

fn fix(clock: Clock) -> &'static str {
    match clock {
        Clock::Build | Clock::Pushed => "rebuild the image",
        Clock::Packages => "rebuild without the cache, so that packages are installed anew",
        Clock::Base => "rebuild on a newer base",
    }
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// The statements that an age was decided by, and those that were set aside, for people.
fn evidence(fact: &AgeFact) -> Vec<String> {
    const MOST: usize = 4;
    let line = |said: &AgeEvidence| {
        let source = source_name(said.source);
        let date = said.at.map(day).or_else(|| said.text.clone()).unwrap_or_default();
        let subject = said.subject.as_ref().map(|subject| format!(" ({subject})")).unwrap_or_default();
        let layer = said.layer.map(|layer| format!(", layer {layer}")).unwrap_or_default();
        let aside = said.set_aside.map(|reason| format!(": {}", reason_text(reason))).unwrap_or_default();
        format!("{source} {date}{subject}{layer}{aside}")
    };
    let deciding = fact.evidence.iter().filter(|said| said.set_aside.is_none() && said.at == fact.at);
    let aside = fact.evidence.iter().filter(|said| said.set_aside.is_some());
    let mut told: Vec<&AgeEvidence> = deciding.chain(aside).collect();
    // Every layer of one build says the same.
    told.dedup_by(|a, b| a.source == b.source && a.at == b.at && a.subject == b.subject);
    told.into_iter().map(line).take(MOST).collect()
}

fn source_name(source: EvidenceSource) -> &'static str {
    match source {
        EvidenceSource::Pushed => "pushed",
        EvidenceSource::ConfigCreated => "config created",
        EvidenceSource::HistoryCreated => "history created",
        EvidenceSource::LabelCreated => "label created",
        EvidenceSource::AnnotationCreated => "annotation created",
        EvidenceSource::PackageBuilt => "newest package built",
        EvidenceSource::PackageInstalled => "last package installed",
        EvidenceSource::AptLog => "last apt run",
        EvidenceSource::DpkgLog => "last dpkg run",
        EvidenceSource::RepositoryIndex => "repository index",
        EvidenceSource::OsRelease => "os-release build",
        EvidenceSource::FileModified => "newest file",
    }
}

fn reason_text(reason: SetAside) -> &'static str {
    match reason {
        SetAside::NotADate => "not a date",
        SetAside::Sentinel => "a value that reproducible builds write",
        SetAside::TooEarly => "before there were images",
        SetAside::Future => "in the future",
        SetAside::CreatedInconsistent => "older than the content",
    }
}

/// Two sources that agree within a day, one alone, or less than a statement.
fn confidence(fact: &AgeFact) -> AgeConfidence {
    let (Some(at), Some(AgeBound::Exact)) = (fact.at, fact.bound) else { return AgeConfidence::Low };
    let counting = || fact.evidence.iter().filter(|said| said.set_aside.is_none());
    let decided = counting().find(|said| said.at == Some(at)).map(|said| said.source);
    if matches!(decided, Some(EvidenceSource::LabelCreated | EvidenceSource::AnnotationCreated)) {
        return AgeConfidence::Low;
    }
    let near = |said: &&AgeEvidence| {
        said.at.is_some_and(|other| other.duration_since(at).abs() <= SignedDuration::from_hours(24))
            && Some(said.source) != decided
    };
    if counting().any(|said| near(&said)) { AgeConfidence::High } else { AgeConfidence::Medium }
}

/// Says so where a claim is contradicted by the content.
fn inconsistent(build: &AgeFact) -> Option<RuleOutcome> {
    let contradicted = |said: &&AgeEvidence| said.set_aside == Some(SetAside::CreatedInconsistent);
    let strongest = build.evidence.iter().find(contradicted)?.source;
    let of_it = build.evidence.iter().filter(contradicted).filter(|said| said.source == strongest);
    // The newest: the one that would have dated the build.
    let said = of_it.max_by_key(|said| said.at)?;
    let claimed = said.at.map(day).unwrap_or_default();
    let actual = format!("{} {claimed} is older than what is in the image", source_name(said.source));
    let note = outcome(CREATED_INCONSISTENT, Level::Note, "image");
    Some(RuleOutcome { actual: Some(actual), evidence: evidence(build), ..note })
}
