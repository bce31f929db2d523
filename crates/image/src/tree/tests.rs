use super::*;
use crate::question::Question;

fn text(view: View<'_>, path: &str) -> Option<String> {
    let file = view.file(path).unwrap()?;
    Some(String::from_utf8(file.bytes().unwrap().into_owned()).unwrap())
}

#[test]
fn upper_layers_replace_remove_and_empty() {
    let tree = TreeBuilder::new()
        .layer()
        .file("a/x", b"0", 0)
        .file("a/y", b"0", 0)
        .file("b/x", b"0", 0)
        .layer()
        .file("a/x", b"1", 0)
        .whiteout("b")
        .layer()
        .file("a/z", b"2", 0)
        .opaque("a")
        .file("b/y", b"2", 0)
        .build();
    assert_eq!(text(tree.at(0), "a/x").as_deref(), Some("0"));
    assert_eq!(text(tree.at(1), "a/x").as_deref(), Some("1"));
    assert_eq!(text(tree.at(1), "b/x"), None);
    assert_eq!(tree.at(1).list("a").unwrap(), ["x", "y"]);
    assert_eq!(tree.top().list("a").unwrap(), ["z"]);
    assert_eq!(tree.top().list("b").unwrap(), ["y"]);
    assert_eq!(tree.at(0).list("b").unwrap(), ["x"]);
}

#[test]
fn a_whiteout_says_nothing_of_its_own_layer() {
    let tree = TreeBuilder::new()
        .layer()
        .file("a/x", b"0", 0)
        .layer()
        .whiteout("a")
        .whiteout("a/x")
        .file("a/x", b"1", 0)
        .build();
    assert_eq!(text(tree.top(), "a/x").as_deref(), Some("1"));
}

#[test]
fn entries_below_a_link_land_where_it_leads() {
    let base = || {
        let old = TreeBuilder::new().layer().file("data/lib/status", b"old", 0);
        old.file("data/lib/other", b"old", 0).symlink("var", "/data")
    };
    let seen = |tree: Tree| {
        let read = |path| text(tree.top(), path);
        assert_eq!(read("var/lib/status"), read("data/lib/status"));
        (read("var/lib/status"), read("var/lib/other"))
    };
    let [old, new] = ["old", "new"].map(|text| Some(String::from(text)));
    // As `umoci unpack` has it, each.
    let written = base().layer().file("var/lib/status", b"new", 0).build();
    assert_eq!(seen(written), (new.clone(), old.clone()));
    let in_one_layer = TreeBuilder::new().layer().symlink("var", "data").file("var/lib/status", b"new", 0);
    assert_eq!(seen(in_one_layer.build()), (new.clone(), None));
    assert_eq!(seen(base().layer().whiteout("var/lib/status").build()), (None, old.clone()));
    assert_eq!(seen(base().layer().opaque("var/lib").build()), (None, None));
    let linked = base().layer().hard_link("var/lib/status", "var/lib/other").build();
    assert_eq!(seen(linked), (old.clone(), old.clone()));
    // An entry for the folder itself, or the link's removal, takes the link away.
    for layer in [base().layer().folder("var"), base().layer().whiteout("var")] {
        let tree = layer.file("var/lib/status", b"new", 0).build();
        assert_eq!(text(tree.top(), "var/lib/status"), new);
        assert_eq!(text(tree.top(), "data/lib/status"), old);
        assert_eq!(text(tree.top(), "var/lib/other"), None);
    }
}

#[test]
fn what_is_no_folder_hides_what_lay_below() {
    let tree = TreeBuilder::new()
        .layer()
        .file("lib/x", b"old", 0)
        .layer()
        .symlink("lib", "usr/lib")
        .file("usr/lib/y", b"new", 0)
        .build();
    assert_eq!(text(tree.top(), "lib/y").as_deref(), Some("new"));
    assert_eq!(text(tree.top(), "usr/lib/x"), None);
    assert!(matches!(tree.top().file("lib/x"), Err(LinkError::Dangling { .. }) | Ok(None)));
}

#[test]
fn links_are_followed_inside_the_root_and_loops_are_errors() {
    let tree = TreeBuilder::new()
        .layer()
        .symlink("etc/os-release", "../../../usr/lib/os-release")
        .file("usr/lib/os-release", b"ID=debian", 0)
        .symlink("var/lib/rpm", "/usr/lib/sysimage/rpm")
        .file("usr/lib/sysimage/rpm/Packages", b"db", 0)
        .hard_link("etc/second", "usr/lib/os-release")
        .symlink("loop", "pool")
        .symlink("pool", "loop")
        .hard_link("round", "round")
        .symlink("etc/nowhere", "/opt/nothing")
        .build();
    let view = tree.top();
    assert_eq!(text(view, "etc/os-release").as_deref(), Some("ID=debian"));
    assert_eq!(text(view, "/etc/second").as_deref(), Some("ID=debian"));
    assert_eq!(text(view, "var/lib/rpm/Packages").as_deref(), Some("db"));
    assert_eq!(view.list("var/lib/rpm").unwrap(), ["Packages"]);
    assert!(matches!(view.file("loop"), Err(LinkError::Loop(_))));
    assert!(matches!(view.file("round"), Err(LinkError::Loop(_))));
    let dangling = view.file("etc/nowhere").unwrap_err();
    assert_eq!(dangling.to_string(), "`etc/nowhere` is a link to `opt/nothing`, which is not in the image");
    assert!(view.file("etc/absent").unwrap().is_none());
}

#[test]
fn what_stands_in_the_place_of_a_file_or_a_folder_is_told_from_absence() {
    let tree = TreeBuilder::new()
        .layer()
        .folder("a/folder")
        .special("a/pipe")
        .file("a/file", b"", 0)
        .symlink("nowhere", "b")
        .symlink("round", "round")
        .symlink("unsaid", "a")
        .symlink("link", "a/folder")
        .build();
    let view = tree.top();
    let no_file = ["a/folder", "a/pipe", "link"];
    let no_folder = ["a/pipe", "a/file", "nowhere", "round"];
    for path in ["a/folder", "a/pipe", "a/file", "nowhere", "round", "unsaid", "link", "absent", "absent/x"] {
        assert_eq!(view.is_no_file(path), no_file.contains(&path), "{path}");
        assert_eq!(view.is_no_folder(path), no_folder.contains(&path), "{path}");
    }
}

#[test]
fn hard_links_reach_files_of_lower_layers() {
    let tree = TreeBuilder::new()
        .layer()
        .file("a", b"0", 0)
        .layer()
        .hard_link("b", "a")
        .layer()
        .whiteout("a")
        .build();
    assert_eq!(text(tree.top(), "b").as_deref(), Some("0"));
}

#[test]
fn a_question_grows_by_what_links_lead_to() {
    let mut question = Question::new(&["etc/os-release", "var/lib/rpm/Packages", "var/lib/dpkg/info/*.list"]);
    let tree = TreeBuilder::new()
        .layer()
        .symlink("etc/os-release", "/opt/release")
        .symlink("var/lib/rpm", "../../srv/rpm")
        .hard_link("var/lib/dpkg/info/a.list", "srv/a")
        .build();
    assert!(tree.extend(&mut question));
    for path in ["opt/release", "srv/rpm/Packages", "srv/a"] {
        assert!(question.wants(path), "{path}");
    }
    assert!(!tree.extend(&mut question));
}

#[test]
fn modification_times_are_found_by_either_name_of_a_merged_usr() {
    let tree = TreeBuilder::new().layer().symlink("lib", "usr/lib").file("usr/lib/x", b"", 7).build();
    assert_eq!(tree.modified_in(0).of("/lib/x"), Some(7));
    assert_eq!(tree.modified_in(0).of("/usr/lib/x"), Some(7));
    assert_eq!(tree.modified_in(0).of("/lib/y"), None);
    assert_eq!(tree.modified_in(1).of("/lib/x"), None);
}
