//! Each order is total, over texts that look like versions and texts that do not.

use imagescan_version::Order;
use proptest::prelude::*;
use std::cmp::Ordering;

const ORDERS: [Order; 3] = [Order::Apk, Order::Deb, Order::Rpm];

fn version() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-2]{0,2}:?[0-2.a~^+_-]{0,8}(-r?[0-2])?",
        "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}[a-c]?(_(alpha|rc|p|git)[0-9]?){0,2}(~[0-f]{2})?(-r[0-9])?",
        "\\PC{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn every_order_is_antisymmetric_and_transitive(a in version(), b in version(), c in version()) {
        for order in ORDERS {
            prop_assert_eq!(order.compare(&a, &a), Ordering::Equal);
            prop_assert_eq!(order.compare(&a, &b), order.compare(&b, &a).reverse());
            if order.compare(&a, &b).is_le() && order.compare(&b, &c).is_le() {
                prop_assert!(order.compare(&a, &c).is_le(), "{:?}: {} <= {} <= {}", order, a, b, c);
            }
            if order.compare(&a, &b).is_eq() {
                prop_assert_eq!(order.compare(&a, &c), order.compare(&b, &c));
            }
        }
    }
}
