#![no_main]

use imagescan_image::registry::challenge::{Demand, choose, parse};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let fields = bytes.split(|byte| *byte == b'\n');
    if let Ok(challenges) = parse(fields)
        && let Ok(Demand::Bearer(bearer)) = choose(&challenges)
    {
        assert!(bearer.realm().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http")));
    }
});
