//! Reads targets, asks for the dpkg database, and says how long it took: the image engine alone.

use imagescan_image::{Options, Question, Target, Threads, read};
use std::time::Instant;

#[expect(clippy::print_stdout, reason = "an example's result")]
fn main() {
    let question = Question::new(&["var/lib/dpkg/status", "var/lib/dpkg/info/*.list", "usr/lib/os-release"]);
    let jobs = std::env::var("JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(2);
    for target in std::env::args().skip(1) {
        let Ok(Target::Image(location)) = Target::parse(&target) else { continue };
        let options = Options { threads: Threads::new(jobs), ..Options::new(std::env::temp_dir()) };
        let start = Instant::now();
        match read(&target, &location, &question, &options) {
            Ok(images) => {
                for image in images {
                    let status = image.tree.top().file("var/lib/dpkg/status");
                    println!("{target}: {} layers, {status:?}, {:?}", image.layers.len(), image.incomplete);
                }
            }
            Err(error) => println!("{target}: {error}"),
        }
        println!("{:.2?}", start.elapsed());
    }
}
