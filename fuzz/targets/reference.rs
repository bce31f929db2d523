#![no_main]

use imagescan_model::ImageReference;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<ImageReference>() {
        for shown in [reference.to_string(), reference.familiar()] {
            assert_eq!(shown.parse().as_ref(), Ok(&reference), "{text:?} is shown as {shown:?}");
        }
    }
});
