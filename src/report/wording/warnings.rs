//! Warnings that say the same, in one sentence.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::report::text::number;
use crate::report::{About, Warning};

/// Names in a warning that is said of many.
const NAMED: usize = 3;

/// Warnings that say the same but for their subject and count, in the order of the first
/// of each.
pub(in crate::report) fn grouped(warnings: &[Warning]) -> Vec<Vec<&Warning>> {
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<&Warning>> = Vec::new();
    for warning in warnings {
        let kind = warning.about.as_ref().map(About::kind);
        let place = *places
            .entry((kind, &warning.before, &warning.after))
            .or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(warning),
            None => groups.push(vec![warning]),
        }
    }
    groups
}

/// One sentence for warnings that say the same; the largest counts are named.
pub(in crate::report) fn together(group: &[&Warning]) -> String {
    let (first, many) = match group {
        [] => return String::new(),
        [only] => return only.to_string(),
        [first, ..] => (first, number(group.len() as u64)),
    };
    let Some(kind) = first.about.as_ref().map(About::kind) else {
        return format!("{first} ({many} times)");
    };
    let counts = group.iter().filter_map(|warning| warning.count);
    let sum: Option<u64> = first.count.map(|_| counts.sum());
    let mut largest: Vec<&Warning> = group.to_vec();
    largest.sort_by_key(|warning| Reverse(warning.count));
    let names = largest
        .iter()
        .take(NAMED)
        .map(|warning| named_with_count(warning));
    let more = group.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {} more", number(more as u64)));
    let names: Vec<String> = names.chain(more).collect();
    format!(
        "{many} {kind}: {}{}{} ({})",
        first.before,
        sum.map(number).unwrap_or_default(),
        first.behind(sum),
        names.join("; ")
    )
}

fn named_with_count(warning: &Warning) -> String {
    let name = warning.about.as_ref().map_or("", About::name);
    match warning.count {
        Some(count) => format!("{name}: {}", number(count)),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, count: u64) -> Warning {
        let about = About::Path(name.to_owned());
        Warning::counted(about, ("lost ", count, [" record", " records"]))
    }

    #[test]
    fn equal_warnings_are_told_once_with_their_sum_and_the_largest() {
        let file = Warning::of(About::File("a.txt".to_owned()), "no capture");
        assert_eq!(of("p", 1).to_string(), "p: lost 1 record");
        let plain = Warning::from("lost 1 record".to_owned());
        let mut all = vec![file.clone(), plain.clone()];
        all.extend((0..5).map(|n| of(&format!("p{n}"), 1000 + n)));
        let told: Vec<String> = grouped(&all).iter().map(|group| together(group)).collect();
        assert_eq!(
            told,
            [
                "a.txt: no capture",
                "lost 1 record",
                "5 paths: lost 5,010 records (p4: 1,004; p3: 1,003; p2: 1,002; and 2 more)",
            ]
        );
        let twice = [plain.clone(), plain];
        assert_eq!(together(&grouped(&twice)[0]), "lost 1 record (2 times)");
    }
}
