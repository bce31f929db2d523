#![no_main]

use imagescan_image::{
    Inflater, LayerExtent, Limits, Options, PlatformChoice, Progress, SharedLayers, Target, read,
};
use std::io::Write;
use std::sync::Arc;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let target = format!("rootfs:{}", file.path().display());
    let Ok(Target::Image(location)) = Target::parse(&target) else { unreachable!() };
    let options = Options {
        jobs: 1,
        extent: LayerExtent::default(),
        // Small, so that a bomb ends before the fuzzer's patience.
        limits: Limits { layer_bytes: 16 << 20, ..Limits::default() },
        spill: std::env::temp_dir(),
        cache: None,
        recall: false,
        shared: SharedLayers::default(),
        platform: PlatformChoice::default(),
        inflater: Inflater::default(),
        progress: Arc::new(Progress::default()),
    };
    if let Ok(images) = read(&target, &location, &imagescan_catalog::question(), &options) {
        images.iter().for_each(|image| drop(imagescan_catalog::inventory(image)));
    }
});
