//! Golden files: what `ldirector check` says of each text in tests/config, word for word.
//!
//! `UPDATE_EXPECT=1 cargo test --test config` rewrites what is expected.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use ldirector::config::{
    self,
    io::{LoadOptions, load},
    render::{Style, render},
    rules::text::Language,
    source::{FileId, Sources},
};
use proptest::prelude::*;
use std::{fs, path::Path};

#[test]
fn every_text_gets_the_expected_words() {
    std::env::set_current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")).unwrap();
    let mut paths: Vec<_> = fs::read_dir("config").unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
    paths.sort();
    assert!(!paths.is_empty());
    let mut wrong = vec![];
    for path in paths {
        let options = LoadOptions { config_id: Some("here".into()), ..LoadOptions::default() };
        let sources = load(&path, &options).unwrap();
        let (_, found) = config::parse(&sources);
        let text = render(
            &sources,
            &found,
            Style { colour: false, width: 120, language: Language::English },
        );
        let expected = path.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &text).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

/// What a parse says must point into the texts.
fn spans_are_inside(sources: &Sources) -> Result<(), TestCaseError> {
    let (_, found) = config::parse(sources);
    for diagnostic in found.iter() {
        let spans = diagnostic.labels.iter().map(|(span, _)| *span).chain([diagnostic.span]);
        for span in spans {
            let text = &sources.file(span.file).unwrap().text;
            let (start, end) = (span.start as usize, span.end as usize);
            prop_assert!(start <= end && end <= text.len(), "{diagnostic:?}");
            prop_assert!(text.is_char_boundary(start) && text.is_char_boundary(end));
        }
    }
    // Rendering looks at every one of them.
    let style = Style { colour: false, width: 80, language: Language::English };
    prop_assert_eq!(render(sources, &found, style).is_empty(), found.is_empty());
    Ok(())
}

/// Pieces of configurations, put together at random.
fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "{",
        "}",
        "\n",
        "\n",
        " ",
        "\"",
        "'",
        "#",
        "!",
        "\\",
        "$X",
        "${X}",
        "$X=",
        "$X= \\\n",
        "@a ",
        "~SEQ(X, 1, 3) ",
        "~LST(X, a, b) ",
        "include x",
        "vrrp_instance",
        "VI_1",
        "virtual_server",
        "192.0.2.1",
        "80",
        "real_server",
        "TCP_CHECK",
        "HTTP_GET",
        "url",
        "path",
        "/",
        "regex",
        "global_defs",
        "router_id",
        "script",
        "virtual_ipaddress",
        "track_script",
        "interface",
        "virtual_router_id",
        "51",
        "-1",
        "6s",
        "｛",
        "　",
        "“",
        "//",
        ";",
        "\r\n",
        "authentication",
        "auth_pass",
        "notify",
        "smtp_alert",
        "static_routes",
        "default",
        "via",
        "\u{feff}",
        "misc_path",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,300}") {
        spans_are_inside(&Sources::from_text("x.conf", text))?;
    }

    #[test]
    fn no_soup_of_keywords_breaks_the_parser(text in soup()) {
        spans_are_inside(&Sources::from_text("x.conf", text))?;
    }
}

/// A file of 5,000 real servers is read in a time that grows with its size, not with its square:
/// twice the text takes about twice as long, with much room for a busy machine.
#[test]
fn reading_is_linear() {
    let text = |servers: usize| {
        let mut text = String::new();
        for n in 0..servers {
            let (a, b) = (n / 250 % 250, n % 250);
            text.push_str(&format!(
                "virtual_server 10.1.{a}.{b} 80 {{\n  lb_algo rr\n  lb_kind DR\n  protocol TCP\n  \
                 real_server 10.2.{a}.{b} 80 {{\n    TCP_CHECK {{\n      connect_timeout 3\n    }}\n  }}\n}}\n"
            ));
        }
        Sources::from_text("big.conf", text)
    };
    let time = |sources: &Sources| {
        (0..3)
            .map(|_| {
                let begun = std::time::Instant::now();
                let (config, found) = config::parse(sources);
                assert!(!found.has_errors());
                assert!(config.director.virtual_servers.len() >= 1000);
                begun.elapsed()
            })
            .min()
            .unwrap()
    };
    let (small, large) = (time(&text(1000)), time(&text(8000)));
    assert!(large < small * 40, "8 times the text: {small:?} became {large:?}");
    assert_eq!(FileId::default(), FileId(0));
}

/// The screen in README is what the program says.
#[test]
fn readme_shows_real_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let expected = fs::read_to_string(root.join("tests/config/readme.expected")).unwrap();
    assert!(readme.contains(&expected), "README.md does not show\n{expected}");
}
