//! What is typed, and what of it is shown.

use super::*;
use crate::timeline::ExchangeRow;

#[test]
fn quick() {
    let row = ExchangeRow { status: Some(503), ..ExchangeRow::default() };
    let fits = |typed: &str| Filter::parse(typed).unwrap().matches(&row, 0, |_| false);
    assert!(fits("status:5xx"));
    assert!(!fits("-status:5xx"));
}
