//! Comparisons a second on one core, for each order.

use imagescan_version::Order;
use std::hint::black_box;
use std::time::Instant;

#[expect(clippy::print_stdout, reason = "an example's result")]
fn main() {
    let orders = [
        ("deb", Order::Deb, ["2.36-9+deb12u3", "2.36-9+deb12u10", "1:7.88.1-10~bpo11+1", "3.0.15-1~deb12u1"]),
        (
            "rpm",
            Order::Rpm,
            ["2.28-236.el8", "2.28-236.el8_9.12", "1:1.1.1k-12.el8_9", "5.14.0-427.13.1.el9_4"],
        ),
        ("apk", Order::Apk, ["3.1.4-r5", "3.1.4-r10", "1.2.4_git20230717-r4", "20240226-r0"]),
    ];
    for (name, order, versions) in orders {
        let rounds = 1_000_000;
        let start = Instant::now();
        for round in 0..rounds {
            let a = versions[round % 4];
            let b = versions[(round / 4) % 4];
            black_box(order.compare(black_box(a), black_box(b)));
        }
        let rate = f64::from(u32::try_from(rounds).unwrap_or(u32::MAX)) / start.elapsed().as_secs_f64();
        println!("{name}: {:.1} million comparisons a second", rate / 1e6);
    }
}
