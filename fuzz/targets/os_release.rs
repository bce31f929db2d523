#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for path in ["etc/os-release", "etc/lsb-release", "etc/debian_version", "etc/redhat-release"] {
        imagescan_fuzz::inventory(path, bytes);
    }
});
