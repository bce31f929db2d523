//! An error and its causes in one line.

use std::error::Error;

/// Each level once, from the outside in.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut levels = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        let level = error.to_string();
        if levels.last() != Some(&level) {
            levels.push(level);
        }
        next = error.source();
    }
    levels.join(": ")
}
