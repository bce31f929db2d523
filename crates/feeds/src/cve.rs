//! CVEs in texts for people.

use std::collections::BTreeSet;

/// All CVEs that stand in texts.
pub(crate) fn ids<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let ids = |text: &'a str| text.split("CVE-").skip(1).filter_map(id);
    texts.into_iter().flat_map(ids).collect()
}

/// The CVE that goes on with `rest`.
fn id(rest: &str) -> Option<String> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (year, rest) = rest.split_once('-')?;
    let number = rest.get(..digits(rest))?;
    (year.len() == 4 && digits(year) == 4 && number.len() >= 4).then(|| format!("CVE-{year}-{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_in_texts() {
        let text = "CVE-2022-21594 CVE-2022-39408 ... mysql: (CVE-2020-12345), CVE-2020-1 CVE-20-1234 CVE-2021-99999x CVE-é";
        let found: Vec<String> = ids([text]).into_iter().collect();
        assert_eq!(found, ["CVE-2020-12345", "CVE-2021-99999", "CVE-2022-21594", "CVE-2022-39408"]);
    }
}
