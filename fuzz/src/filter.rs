//! What people type to find something: it is read, or it is said what is wrong with it and where.

use octrace_core::{
    filter::{Filter, Search},
    search::Query,
};

/// The input is what was typed.
pub fn holds(input: &[u8]) {
    let typed = String::from_utf8_lossy(input);
    Filter::is_unfinished(&typed);
    Query::parse(&typed);
    match Filter::parse(&typed) {
        Ok(filter) => {
            let again = Filter::parse(&filter.to_string());
            assert_eq!(again.as_ref(), Ok(&filter), "as it is shown it is the same");
        }
        Err(problem) => {
            assert!(typed.get(problem.at.clone()).is_some(), "{:?} is no place in it", problem.at);
            assert!(!problem.message.is_empty());
        }
    }
    if let Err(problem) = Search::parse(&typed) {
        assert!(typed.get(problem.at.clone()).is_some(), "{:?} is no place in it", problem.at);
    }
}
