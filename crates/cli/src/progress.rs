//! Progress on stderr: a line that is redrawn on a terminal, one line at the end elsewhere.

use crate::arguments::When;
use imagescan_image::Progress;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the line is redrawn.
const STEP: Duration = Duration::from_millis(100);

/// Shows what `counts` say until it is dropped.
pub(crate) struct Shown {
    pub counts: Arc<Progress>,
    targets: Arc<Targets>,
    drawing: Option<(Sender<()>, JoinHandle<()>)>,
    summary: bool,
    start: Instant,
}

impl Shown {
    /// `in_the_way`: a line that is redrawn would be.
    pub(crate) fn new(when: When, quiet: bool, in_the_way: bool, targets: usize) -> Self {
        let terminal = std::io::stderr().is_terminal() && !in_the_way && !crate::logs::is_busy();
        let shown = !quiet && when != When::Never;
        let counts = Arc::new(Progress::default());
        let targets = Arc::new(Targets { all: targets, done: AtomicUsize::new(0) });
        let drawing = (shown && terminal).then(|| draw(Arc::clone(&counts), Arc::clone(&targets)));
        let summary = shown && !terminal;
        Self { counts, targets, drawing, summary, start: Instant::now() }
    }
}

/// Targets, and how many of them are done.
struct Targets {
    all: usize,
    done: AtomicUsize,
}

impl Shown {
    /// One more target is done.
    pub(crate) fn target(&self) {
        self.targets.done.fetch_add(1, Relaxed);
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.drawing.take() {
            drop(stop);
            // Nothing depends on a line that could not be drawn.
            let _ = thread.join();
        }
        if self.summary && started(&self.counts) {
            let seconds = self.start.elapsed().as_secs_f64();
            let summary = format!("read {} in {seconds:.1} s", line(&self.counts));
            if crate::logs::is_json() {
                tracing::info!("{summary}");
            } else {
                let _ = writeln!(std::io::stderr(), "{summary}");
            }
        }
    }
}

fn draw(counts: Arc<Progress>, targets: Arc<Targets>) -> (Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = channel::<()>();
    let thread = std::thread::spawn(move || {
        let mut error = std::io::stderr();
        let mut speed = Speed::default();
        while stopped.recv_timeout(STEP) == Err(RecvTimeoutError::Timeout) {
            if started(&counts) {
                // What is still to come of other targets is not known: no time left is told then.
                let (of_targets, left) = match targets.all {
                    ..2 => (String::new(), counts.bytes.load(Relaxed)),
                    all => (format!("{}/{all} targets, ", targets.done.load(Relaxed)), 0),
                };
                let text = format!("reading {of_targets}{}{}", line(&counts), speed.now(&counts, left));
                let width =
                    terminal_size::terminal_size_of(&error).map_or(80, |(width, _)| usize::from(width.0));
                let text: String = text.chars().take(width.saturating_sub(1)).collect();
                let _ = write!(error, "\r\x1b[K{text}");
                let _ = error.flush();
            }
        }
        let _ = write!(error, "\r\x1b[K");
        let _ = error.flush();
    });
    (stop, thread)
}

/// Bytes a second, and the seconds that are left at that: over the last while, for a connection may come and go.
#[derive(Default)]
struct Speed {
    start: Option<(Instant, u64)>,
    rate: f64,
}

impl Speed {
    /// Over so long the rate is taken.
    const WINDOW: Duration = Duration::from_secs(1);

    fn now(&mut self, counts: &Progress, of: u64) -> String {
        let read = counts.bytes_read.load(Relaxed);
        let (start, before) = *self.start.get_or_insert_with(|| (Instant::now(), read));
        if start.elapsed() >= Self::WINDOW {
            #[expect(clippy::cast_precision_loss, reason = "for people")]
            let rate = read.saturating_sub(before) as f64 / start.elapsed().as_secs_f64();
            self.rate = if self.rate == 0.0 { rate } else { (self.rate + rate) / 2.0 };
            self.start = Some((Instant::now(), read));
        }
        text(self.rate, of.saturating_sub(read))
    }
}

fn text(rate: f64, left: u64) -> String {
    if rate < 1.0 {
        return String::new();
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "for people"
    )]
    let (rate, seconds) = (rate as u64, (left as f64 / rate).ceil() as u64);
    let left = match seconds {
        0 => String::new(),
        1..100 => format!(", {seconds} s left"),
        _ => format!(", {} min left", seconds.div_ceil(60)),
    };
    format!(", {}/s{left}", size(rate))
}

fn started(counts: &Progress) -> bool {
    counts.layers.load(Relaxed) + counts.layers_known.load(Relaxed) + counts.received.load(Relaxed) > 0
}

fn line(counts: &Progress) -> String {
    let layers = counts.layers.load(Relaxed);
    if layers + counts.layers_known.load(Relaxed) == 0 {
        return format!("{} from a container engine", size(counts.received.load(Relaxed)));
    }
    let noun = |count| if count == 1 { "layer" } else { "layers" };
    let known = match (counts.layers_known.load(Relaxed), layers) {
        (0, _) => String::new(),
        (known, 0) => return format!("{known} {} from the cache", noun(known)),
        (known, _) => format!(" and {known} from the cache"),
    };
    let read = counts.bytes_read.load(Relaxed);
    // A folder's bytes are not known before it is read.
    let bytes = size(counts.bytes.load(Relaxed).max(read));
    format!(
        "{}/{layers} {}{known}, {} of {bytes}",
        counts.layers_read.load(Relaxed),
        noun(layers),
        size(read)
    )
}

/// Bytes, for people.
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let bytes = bytes as f64;
    match bytes {
        0.0..1e6 => format!("{:.0} kB", bytes / 1e3),
        1e6..1e9 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.2} GB", bytes / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_tells_how_long_it_will_take() {
        assert_eq!(text(0.0, 100), "");
        assert_eq!(text(2e6, 5_000_000), ", 2.0 MB/s, 3 s left");
        assert_eq!(text(2e6, 0), ", 2.0 MB/s");
        assert_eq!(text(1e3, 300_000), ", 1 kB/s, 5 min left");
    }
}
