//! What can be wrong with a vendor's document.

/// Why a feed could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The bytes could not be had: a damaged archive, a file that was cut.
    #[error("cannot read `{}`", name.escape_debug())]
    Read {
        /// The document.
        name: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not JSON, or not the vendor's shape.
    #[error("`{}` is no {what}, or damaged", name.escape_debug())]
    Json {
        /// The document.
        name: String,
        /// What it should be.
        what: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A line of a list that fits no rule.
    #[error("`{}`, line {line}: {why}", name.escape_debug())]
    Line {
        /// The document.
        name: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// A value that no rule covers.
    #[error("`{}`: {why} `{}`", name.escape_debug(), value.escape_debug())]
    Value {
        /// The document.
        name: String,
        /// What is wrong.
        why: &'static str,
        /// The value.
        value: String,
    },
    /// A document that this feed does not have.
    #[error("`{}` is none of the documents of feed {feed}: {expected}", name.escape_debug())]
    Unrecognised {
        /// The document.
        name: String,
        /// The feed.
        feed: String,
        /// What the feed has.
        expected: &'static str,
    },
    /// Documents without a single record.
    #[error("the documents of feed {0} hold no record: they are incomplete")]
    Empty(String),
}

/// That no rule covers a value in a document.
pub(crate) fn refused(document: &str, why: &'static str, value: &str) -> FeedError {
    FeedError::Value { name: document.into(), why, value: value.into() }
}
