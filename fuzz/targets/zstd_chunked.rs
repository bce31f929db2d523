#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| imagescan_image::read_lazily(bytes, false));
