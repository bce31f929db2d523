//! Paths inside an image: relative, `/`-separated, without `.` and `..`.

/// The path of an archive entry or link as one relative to the image's root: `./`, leading and double slashes
/// dropped; `..` steps up and never above the root, as in a chroot. The root itself is the empty text.
pub(crate) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether [`normal`] would change nothing.
pub(crate) fn is_normal(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The folders on the way to `path`, from the root's empty text downwards, without `path` itself.
pub(crate) fn parents(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(end, _)| end);
    std::iter::once(0).chain(ends).filter(move |_| !path.is_empty()).filter_map(move |end| path.get(..end))
}

/// `folder/name`.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.into() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_brought_to_one_form_inside_the_root() {
        for (path, expected) in [
            ("./etc/os-release", "etc/os-release"),
            ("/etc//os-release/", "etc/os-release"),
            ("etc/../../../etc/shadow", "etc/shadow"),
            ("./", ""),
            ("..", ""),
        ] {
            assert_eq!(normal(path), expected);
        }
        assert!(is_normal("a/b") && !is_normal("a//b") && !is_normal("/a") && !is_normal("a/../b"));
    }

    #[test]
    fn parents_go_from_the_root_down() {
        assert_eq!(parents("a/b/c").collect::<Vec<_>>(), ["", "a", "a/b"]);
        assert_eq!(parents("").count(), 0);
    }
}
