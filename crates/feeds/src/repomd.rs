//! `repomd.xml`: which documents an rpm repository has (createrepo_c's metadata), as far as feeds need it.

use crate::document::Document;
use crate::error::FeedError;
use crate::xml;

/// A document of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Path from the repository's root.
    pub location: String,
    /// SHA-256 of the document as it is stored, in hexadecimal.
    pub sha256: String,
}

/// The `updateinfo` that `repomd`, the content of the document `name`, lists; `None`: the repository has none.
///
/// # Errors
/// [`FeedError`] for damaged XML, and for an `updateinfo` without a location or a SHA-256: nobody could tell whether
/// what came is what was published.
pub fn updateinfo(name: &str, repomd: &[u8]) -> Result<Option<Listed>, FeedError> {
    let mut source = repomd;
    let mut found = None;
    xml::each(&mut Document::new(name, &mut source), &["data"], |data| {
        if data.get("type") != Some("updateinfo") {
            return Ok(());
        }
        let location = data.child("location").and_then(|location| location.get("href"));
        let checksum = data.child("checksum").filter(|checksum| checksum.get("type") == Some("sha256"));
        let (Some(location), Some(checksum)) = (location, checksum) else {
            let why = "updateinfo without a location or a SHA-256 in";
            return Err(FeedError::Value { name: name.into(), why, value: "repomd".into() });
        };
        found = Some(Listed { location: location.into(), sha256: checksum.text.clone() });
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_updateinfo_is_found_with_its_checksum() {
        let text = r#"<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary"/>
            <data type="updateinfo"><checksum type="sha256">ab12</checksum>
            <location href="repodata/updateinfo.xml.gz"/></data></repomd>"#;
        let expected = Listed { location: "repodata/updateinfo.xml.gz".into(), sha256: "ab12".into() };
        assert_eq!(updateinfo("x", text.as_bytes()).unwrap(), Some(expected));
        assert_eq!(updateinfo("x", b"<repomd/>").unwrap(), None);
        assert!(updateinfo("x", b"<repomd><data type=\"updateinfo\"/></repomd>").is_err());
        assert!(updateinfo("x", b"<repomd>").is_err());
    }
}
