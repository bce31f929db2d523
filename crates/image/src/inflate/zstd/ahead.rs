//! Frames of a file on several threads, given in their order.
//!
//! The thread that reads the layer decodes as before, some frames at a time. A thread that has nothing else to do
//! decodes those that come next, within a bound on what may wait. What cannot be decoded for itself (a frame that
//! is large, or does not say its size, or is damaged) is streamed when its turn comes, so that the same is said of
//! it as if there were one thread.

use super::frames::Glances;
use super::{Frame, Give, is_frame};
use crate::blob::Blob;
use crate::inflate::input::Input;
use crate::layer::LayerError;
use crate::work::{Permit, Threads};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use zstd::bulk::Decompressor;

/// Bytes of content that are decoded at once where frames are small.
const STRETCH: u64 = 512 << 10;
/// Bytes, of content or compressed, of what is decoded at once: each thread holds as much.
const LARGEST: u64 = 1 << 20;
/// Bytes of content that may wait for their turn before more is begun.
const WAITING: u64 = 8 << 20;

/// Some frames, one after the other.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    number: usize,
    start: u64,
    end: u64,
    /// Bytes they decode to, at most; `None`: it has to be streamed.
    content: Option<u64>,
}

/// A stretch that somebody tried to decode; `None`: it has to be streamed.
struct Done {
    stretch: Stretch,
    content: Option<Vec<u8>>,
}

/// What the threads share.
struct Shared<'a> {
    blob: &'a Blob,
    state: Mutex<State<'a>>,
    changed: Condvar,
}

struct State<'a> {
    glances: Glances<'a>,
    /// Where the stretch that nobody has begins, and its number.
    next: u64,
    number: usize,
    /// Content of stretches that somebody has and that were not given.
    waiting: u64,
    /// Stretches that helpers have done, by number.
    done: BTreeMap<usize, Done>,
    is_over: bool,
}

/// Decodes the frames of `blob` from byte `start` on.
pub(super) fn frames(
    blob: &Blob,
    start: u64,
    threads: &Threads,
    give: &mut Give<'_>,
) -> Result<(), LayerError> {
    let shared = Shared { blob, state: Mutex::new(State::at(blob, start)), changed: Condvar::new() };
    std::thread::scope(|scope| {
        let help = || {
            if let Some(permit) = threads.spare() {
                let helper = || shared.help(permit);
                // Where the system gives no thread, this one does it all.
                let _ = std::thread::Builder::new().spawn_scoped(scope, helper);
            }
        };
        let _over = Over(&shared);
        shared.give(help, give)
    })
}

/// Sends the helpers home, also after a panic.
struct Over<'a, 'b>(&'a Shared<'b>);

impl Drop for Over<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl<'a> Shared<'a> {
    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives all stretches in their order, and decodes those that nobody else has.
    fn give(&self, help: impl Fn(), give: &mut Give<'_>) -> Result<(), LayerError> {
        let mut decompressor = Decompressor::new()?;
        for turn in 0.. {
            help();
            let Some(Done { stretch, content }) = self.await_turn(turn, &mut decompressor)? else { break };
            match content {
                Some(content) => give(&content, stretch.end)?,
                None => self.stream(&stretch, give)?,
            }
            let mut state = self.lock();
            state.waiting -= stretch.content.unwrap_or_default();
            drop(state);
            self.changed.notify_all();
        }
        Ok(())
    }

    /// The stretch whose turn it is; while somebody else decodes it, others are decoded here.
    fn await_turn(
        &self,
        turn: usize,
        decompressor: &mut Decompressor<'_>,
    ) -> Result<Option<Done>, LayerError> {
        let mut state = self.lock();
        loop {
            if let Some(done) = state.done.remove(&turn) {
                return Ok(Some(done));
            }
            let is_free = state.number == turn;
            let claimed = if is_free || state.waiting < WAITING { state.claim(self.blob)? } else { None };
            state = match claimed {
                None if is_free => return Ok(None),
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(stretch) => {
                    drop(state);
                    let content = self.decode(&stretch, decompressor);
                    let mut state = self.lock();
                    state.done.insert(stretch.number, Done { stretch, content });
                    state
                }
            };
        }
    }

    /// Decodes stretches until there are no more, or somebody has a layer to read.
    fn help(&self, permit: Permit<'_>) {
        let Ok(mut decompressor) = Decompressor::new() else { return };
        let mut state = self.lock();
        while !state.is_over && !permit.is_wanted() {
            if state.waiting >= WAITING {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            // What cannot be read is left to the thread that reads the layer.
            let Ok(Some(stretch)) = state.claim(self.blob) else { return };
            drop(state);
            let content = self.decode(&stretch, &mut decompressor);
            state = self.lock();
            state.done.insert(stretch.number, Done { stretch, content });
            self.changed.notify_all();
        }
    }

    /// The content; `None`: it has to be streamed.
    fn decode(&self, stretch: &Stretch, decompressor: &mut Decompressor<'_>) -> Option<Vec<u8>> {
        let size = usize::try_from(stretch.content?).ok()?;
        let decode = || {
            let compressed =
                self.blob.part(stretch.start, stretch.end - stretch.start)?.bytes(u64::MAX).ok()?;
            decompressor.decompress(&compressed, size).ok()
        };
        // A panic here must not leave the others waiting.
        catch_unwind(AssertUnwindSafe(decode)).ok().flatten()
    }

    fn stream(&self, stretch: &Stretch, give: &mut Give<'_>) -> Result<(), LayerError> {
        let Some(part) = self.blob.part(stretch.start, stretch.end - stretch.start) else { return Ok(()) };
        let mut reader = part.reader();
        let mut input = Input::from(&mut reader, stretch.start);
        let mut decoder = Frame::new();
        let mut more = input.more(is_frame)?;
        while more {
            more = decoder.frame(&mut input, give)?;
        }
        Ok(())
    }
}

impl<'a> State<'a> {
    fn at(blob: &'a Blob, start: u64) -> Self {
        let (glances, done) = (Glances::at(blob), BTreeMap::new());
        Self { glances, next: start, number: 0, waiting: 0, done, is_over: false }
    }

    /// The next stretch that nobody has; `None` at the end.
    fn claim(&mut self, blob: &Blob) -> Result<Option<Stretch>, LayerError> {
        let start = self.next;
        if start == blob.len() {
            return Ok(None);
        }
        // Nothing is claimed before all of it could be looked at.
        let (mut content, mut next) = (0, start);
        let stretch = loop {
            let frame = self.glances.frame(next)?;
            let small = frame.and_then(|frame| {
                let size = frame.content.filter(|size| *size <= LARGEST.saturating_sub(content))?;
                (frame.end - start <= LARGEST).then_some((frame.end, size))
            });
            let number = self.number;
            match small {
                Some((end, size)) => {
                    content += size;
                    next = end;
                    if content >= STRETCH || end == blob.len() {
                        break Stretch { number, start, end, content: Some(content) };
                    }
                }
                None if next > start => {
                    break Stretch { number, start, end: next, content: Some(content) };
                }
                None => {
                    // Of what is no frame nobody knows where it ends.
                    next = frame.map_or(blob.len(), |frame| frame.end);
                    break Stretch { number, start, end: next, content: None };
                }
            }
        };
        self.next = next;
        self.number += 1;
        self.waiting += stretch.content.unwrap_or_default();
        Ok(Some(stretch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_stretch_that_could_not_be_looked_at_is_nobodys() {
        let frames: Vec<u8> =
            (0..20_u8).flat_map(|byte| zstd::encode_all(&[byte; 100_000][..], 1).unwrap()).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&frames).unwrap();
        let blob = Blob::whole(file.try_clone().unwrap()).unwrap();
        let mut state = State::at(&blob, 0);
        file.set_len(5).unwrap();
        assert!(state.claim(&blob).is_err());
        std::os::unix::fs::FileExt::write_all_at(&file, &frames, 0).unwrap();
        let mut at = 0;
        while let Some(stretch) = state.claim(&blob).unwrap() {
            assert_eq!(stretch.start, at);
            at = stretch.end;
        }
        assert_eq!(at, frames.len() as u64);
    }
}
