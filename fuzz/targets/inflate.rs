#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(imagescan_image::agreed(bytes)));
