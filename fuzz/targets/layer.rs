#![no_main]

use imagescan_image::{Limits, Options, Target, Threads, read};
use std::io::Write;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let target = format!("rootfs:{}", file.path().display());
    let Ok(Target::Image(location)) = Target::parse(&target) else { unreachable!() };
    // Small, so that a bomb ends before the fuzzer's patience.
    let limits = Limits { layer_bytes: 16 << 20, ..Limits::default() };
    let options = Options { limits, threads: Threads::new(2), ..Options::new(std::env::temp_dir()) };
    if let Ok(images) = read(&target, &location, &imagescan_catalog::question(), &options) {
        images.iter().for_each(|image| drop(imagescan_catalog::inventory(image)));
    }
});
