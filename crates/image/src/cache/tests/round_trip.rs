//! Any evidence comes back as it was.

use super::*;
use proptest::prelude::*;

fn a_node() -> impl Strategy<Value = Result<(Vec<u8>, i64), Node>> {
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        (any::<u8>(), 0..600_000_usize).prop_map(|(byte, length)| vec![byte; length]),
    ];
    prop_oneof![
        (bytes, any::<i64>()).prop_map(Ok),
        ".{0,8}".prop_map(|target| Err(Node::Symlink(target))),
        ".{0,8}".prop_map(|target| Err(Node::HardLink(target))),
        Just(Err(Node::Folder)),
        Just(Err(Node::Other)),
    ]
}

type Plain = (
    BTreeMap<String, Result<(Vec<u8>, i64), Node>>,
    (BTreeSet<String>, BTreeSet<String>),
    (Vec<(String, i64)>, Option<i64>),
    (BTreeSet<(&'static str, String)>, BTreeMap<&'static str, u64>),
    Vec<String>,
    (u64, u64),
);

fn plain() -> impl Strategy<Value = Plain> {
    let paths = || proptest::collection::btree_set(".{0,12}", 0..5);
    let kind = || prop_oneof![Just("npm"), Just("cargo"), Just("pypi")];
    (
        proptest::collection::btree_map(".{0,12}", a_node(), 0..6),
        (paths(), paths()),
        (proptest::collection::vec((".{0,6}", any::<i64>()), 0..20), any::<Option<i64>>()),
        (
            proptest::collection::btree_set((kind(), ".{0,6}"), 0..5),
            proptest::collection::btree_map(kind(), any::<u64>(), 0..3),
        ),
        proptest::collection::vec(".{0,12}", 0..3),
        (any::<u64>(), any::<u64>()),
    )
}

fn evidence(plain: Plain, store: &Store) -> LayerEvidence {
    let (nodes, (whiteouts, opaque), (times, newest_modified), (markers, markers_beyond), why, cost) = plain;
    let mut modified = ModificationTimes::default();
    times.iter().for_each(|(path, seconds)| modified.push(path, *seconds));
    modified.seal();
    let node = |node: Result<(Vec<u8>, i64), Node>| match node {
        Ok((bytes, modified)) => Node::File { content: content(store, &bytes), modified },
        Err(node) => node,
    };
    let incomplete = |why| Incomplete { what: IncompleteKind::Layer, path: None, why };
    LayerEvidence {
        read: LayerRead::Whole,
        nodes: nodes.into_iter().map(|(path, at)| (path, node(at))).collect(),
        whiteouts,
        opaque,
        modified,
        newest_modified,
        markers,
        markers_beyond,
        incomplete: why.into_iter().map(incomplete).collect(),
        cost: Cost { inflated: cost.0, files: cost.1, ..Cost::default() },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn evidence_comes_back_as_it_was(plain in plain()) {
        let folder = tempfile::tempdir().unwrap();
        let evidence = evidence(plain, &store());
        cache(&folder).store(&key(1), &evidence);
        let cache = cache(&folder);
        let back = load(&cache, &key(1)).unwrap();
        prop_assert_eq!(said(&back), said(&evidence));
        prop_assert_eq!(cache.remarks(), Vec::<String>::new());
    }

    #[test]
    fn bytes_that_are_no_index_end_in_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut cursor = cursor::Cursor::new(&bytes);
        let _ = decode::evidence(&mut cursor, &[], Cost::default(), &store());
    }
}
