//! What several threads say of a file is what one says of a stream.

use super::*;
use proptest::prelude::*;
use std::io::Write;

type Said = Result<Vec<u8>, String>;

fn frame(content: &[u8], level: i32, has_size: bool, has_checksum: bool) -> Vec<u8> {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), level).unwrap();
    encoder.include_checksum(has_checksum).unwrap();
    if has_size {
        encoder.set_pledged_src_size(Some(content.len() as u64)).unwrap();
    }
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn skippable(content: &[u8]) -> Vec<u8> {
    [&[0x53, 0x2a, 0x4d, 0x18], &(content.len() as u32).to_le_bytes(), content].concat()
}

fn text(seed: u64, length: usize) -> Vec<u8> {
    let word = |index: u64| (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed) >> (index % 40);
    (0..length as u64 / 8 + 1).flat_map(|index| word(index / 3).to_le_bytes()).take(length).collect()
}

fn streamed(bytes: &[u8]) -> Said {
    said(|give| frames(Input::new(&mut &*bytes), None, give))
}

fn in_file(bytes: &[u8], threads: usize) -> Said {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let blob = Blob::whole(file).unwrap();
    let idle = Threads::new(threads);
    let said = said(|give| frames(Input::new(&mut blob.reader()), Some((&blob, &idle)), give));
    assert_eq!(idle.free(), threads, "a thread was not given back");
    said
}

fn said(
    decode: impl FnOnce(&mut dyn FnMut(&[u8], u64) -> Result<(), LayerError>) -> Result<(), LayerError>,
) -> Said {
    let (mut out, mut last) = (Vec::new(), 0);
    decode(&mut |window, at| {
        assert!(at >= last, "progress went back");
        last = at;
        out.extend_from_slice(window);
        Ok(())
    })
    .map(|()| out)
    .map_err(|error| error.to_string())
}

fn agrees(bytes: &[u8]) -> Said {
    // A decoder that was fed more at once tells of damage at a later byte.
    let placeless =
        |said: &Said| said.clone().map_err(|error| error.replace(|c: char| c.is_ascii_digit(), ""));
    let alone = in_file(bytes, 1);
    assert_eq!(placeless(&alone), placeless(&streamed(bytes)));
    for threads in [2, 4] {
        assert_eq!(in_file(bytes, threads), alone, "{threads}");
    }
    alone
}

fn parts() -> impl Strategy<Value = Vec<u8>> {
    let sizes =
        prop_oneof![4 => 0..40_000_usize, 1 => 1_000_000..1_500_000_usize, 1 => 4_000_000..4_500_000_usize];
    let content = (any::<u64>(), sizes, -1..4_i32, any::<bool>(), any::<bool>());
    let content = content
        .prop_map(|(seed, size, level, sized, checked)| frame(&text(seed, size), level, sized, checked));
    let skipped = proptest::collection::vec(any::<u8>(), 0..2000).prop_map(|bytes| skippable(&bytes));
    prop_oneof![8 => content, 1 => skipped]
}

proptest! {
    // A failing case has megabytes: the seed that is printed has to do.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn threads_say_what_a_stream_says(
        parts in proptest::collection::vec(parts(), 1..30),
        tail in prop_oneof![Just(vec![]), Just(vec![0; 700]), Just(b"garbage".to_vec()), Just(vec![0x28, 0xb5])],
        damage in proptest::option::of((any::<prop::sample::Index>(), 1..=255_u8)),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = [parts.concat(), tail].concat();
        if let Some((at, flip)) = damage {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = agrees(&bytes);
    }
}

#[test]
fn every_cut_of_small_frames_is_told_alike() {
    let frames: Vec<Vec<u8>> = (0..4).map(|seed| frame(&text(seed, 50), 3, seed != 2, seed != 1)).collect();
    let bytes = [frames.concat(), skippable(b"table"), vec![0; 3]].concat();
    assert_eq!(agrees(&bytes).unwrap().len(), 200);
    for end in 0..bytes.len() {
        let _ = agrees(&bytes[..end]);
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x21;
        let _ = agrees(&damaged);
    }
}

#[test]
fn a_frame_that_asks_for_much_history_is_left_to_the_decoder() {
    // One raw block, a window of 2 GiB, and a size of 1 or of 9 MiB, which is a lie.
    let greedy = |size: u32| {
        [&[0x28, 0xb5, 0x2f, 0xfd, 0x80, 21 << 3], &size.to_le_bytes()[..], &[9, 0, 0, b'x']].concat()
    };
    let around =
        |greedy: Vec<u8>| [frame(b"first", 1, true, true), greedy, frame(b"last", 1, true, true)].concat();
    assert_eq!(agrees(&around(greedy(1))).unwrap(), b"firstxlast");
    assert!(agrees(&around(greedy(9 << 20))).is_err());
}

#[test]
fn a_consumer_that_refuses_ends_it() {
    let bytes: Vec<u8> = (0..200).flat_map(|seed| frame(&text(seed, 100_000), 1, true, true)).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let blob = Blob::whole(file).unwrap();
    let (mut given, idle) = (0, Threads::new(2));
    let ended = frames(Input::new(&mut blob.reader()), Some((&blob, &idle)), |window, _| {
        given += window.len();
        if given > 3_000_000 { Err(LayerError::Changed) } else { Ok(()) }
    });
    assert!(matches!(ended, Err(LayerError::Changed)));
    let fault = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        frames(Input::new(&mut blob.reader()), Some((&blob, &idle)), |_, at| {
            assert!(at < 1_000_000, "a fault");
            Ok(())
        })
    }));
    assert!(fault.is_err());
    assert_eq!(idle.free(), 2);
}
