#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| imagescan_fuzz::database("lib/apk/db/installed", bytes));
