//! Settings from files and variables.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

use clap::Parser as _;

use super::*;
use crate::args::Cli;
use crate::args::Command as ServerCommand;
use crate::config::file::parse_text;
use crate::config::resolve::{ConfigError, Origin};

const PAGE: &str = "../../docs/src/reference/settings.md";

fn resolve_with(
    arguments: &[&str],
    variables: &[(&'static str, &str)],
) -> Result<Resolved, Vec<ConfigError>> {
    let variables: HashMap<&str, OsString> =
        variables.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
    let arguments = ["comfyicu-server"].iter().chain(arguments).map(OsString::from).collect();
    resolve(arguments, |name| variables.get(name).cloned())
}

fn served(arguments: &[&str], variables: &[(&'static str, &str)]) -> (Serve, Vec<(String, Origin)>) {
    let resolved = resolve_with(arguments, variables).unwrap();
    let ServerCommand::Serve(serve) = Cli::parse_from(resolved.arguments).command else { panic!("serve") };
    (*serve, resolved.origins)
}

fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn a_flag_comes_before_a_variable_and_a_variable_before_the_file() {
    let (_folder, path) = file(
        "listen = \"127.0.0.1:1\"\ndata-dir = \"from-file\"\npython = \"from-file\"\ncomfyui-dir = \"c\"\nno-auth = true\n",
    );
    let variables = [
        ("COMFYICU_SERVER_CONFIG", path.as_str()),
        ("COMFYICU_SERVER_LISTEN", "127.0.0.1:2"),
        ("COMFYICU_SERVER_DATA_DIR", "from-variable"),
        ("COMFYICU_SERVER_ALLOW_HOST", "10.0.0.0/8  gpu1"),
        ("COMFYICU_SERVER_PUBLIC_URL", ""),
    ];
    let (serve, origins) = served(&["serve", "--listen", "127.0.0.1:3"], &variables);
    assert_eq!(serve.listen.port(), 3);
    assert_eq!(serve.data_dir, Path::new("from-variable"));
    assert_eq!((serve.python.as_path(), serve.no_auth), (Path::new("from-file"), true));
    assert_eq!(serve.allow_host.len(), 2);
    assert_eq!(serve.public_url, None, "an empty variable says nothing");
    let origin = |name: &str| origins.iter().find(|(other, _)| other == name).unwrap().1.to_string();
    assert_eq!(origin("listen"), "arguments");
    assert_eq!(origin("data-dir"), "COMFYICU_SERVER_DATA_DIR");
    assert_eq!(origin("python"), format!("{path}:3"));
    assert_eq!(origin("public-url"), "default");
}

#[test]
fn a_flag_of_another_program_is_none_of_ours() {
    let (_folder, path) = file("listen = \"127.0.0.1:1\"\ncomfyui-arg = [\"--lowvram\", \"--listen\"]\n");
    let (serve, _) = served(&["serve", "--config", &path, "--comfyui-dir", "c"], &[]);
    assert_eq!(serve.comfyui_arg, ["--lowvram", "--listen"]);
    let (serve, _) =
        served(&["serve", "--config", &path, "--comfyui-dir", "c", "--comfyui-arg", "--listen"], &[]);
    assert_eq!((serve.listen.port(), serve.comfyui_arg), (1, vec!["--listen".to_owned()]));
}

#[test]
fn other_commands_take_the_settings_that_they_have() {
    let variables = [("COMFYICU_SERVER_DATA_DIR", "there"), ("COMFYICU_SERVER_LISTEN", "127.0.0.1:1")];
    let resolved = resolve_with(&["keys", "revoke", "ID"], &variables).unwrap();
    assert_eq!(resolved.arguments, ["comfyicu-server", "keys", "revoke", "--data-dir=there", "ID"]);
    for left_alone in [&["--help"][..], &[], &["serve", "--nonsense"]] {
        let expected: Vec<_> = ["comfyicu-server"].iter().chain(left_alone).map(OsString::from).collect();
        assert_eq!(resolve_with(left_alone, &[]).unwrap().arguments, expected);
    }
}

fn problems(text: &str) -> Vec<String> {
    match parse_text(text) {
        Ok(entries) => panic!("{entries:?}"),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line() {
    insta::assert_snapshot!(
        problems("# what we want\nlistn = \"127.0.0.1:1\"\n\nno-auth = \"yes\"\nconfig = \"x\"\nallow-host = 3.5\nzzz = 1\npublic-url = [\"a\"]\n")
            .join("\n"),
        @r"
    server.toml:2: there is no setting `listn`; did you mean `listen`?
    server.toml:4: `no-auth` is true or false
    server.toml:5: there is no setting `config`
    server.toml:7: there is no setting `zzz`
    server.toml:8: `public-url` is one text or number
    "
    );
    assert!(problems("a = \n")[0].starts_with("server.toml:"), "{:?}", problems("a = \n"));
    let (_folder, path) = file("listen = \"nowhere\"\naccelerators = \",\"\n");
    let refused = resolve_with(&["serve", "--config", &path], &[]).unwrap_err();
    let refused: Vec<_> = refused.iter().map(|problem| problem.to_string().replace(&path, "FILE")).collect();
    insta::assert_snapshot!(refused.join("\n"), @r"
    FILE:1: `listen` cannot be `nowhere`: invalid socket address syntax
    FILE:2: `accelerators` cannot be `,`: it names no accelerator
    ");
    let refused = resolve_with(&["serve"], &[("COMFYICU_SERVER_NO_AUTH", "maybe")]).unwrap_err();
    insta::assert_snapshot!(refused[0], @"COMFYICU_SERVER_NO_AUTH: `no-auth` cannot be `maybe`: it is true or false");
    let missing = resolve_with(&["serve", "--config", "/nowhere/server.toml"], &[]).unwrap_err();
    assert!(matches!(missing[..], [ConfigError::Read { .. }]));
}

#[test]
fn the_default_file_is_one_and_so_is_each_of_its_settings() {
    let text = default_file();
    assert_eq!(parse_text(&text).unwrap(), [], "all of it is left out");
    let (_folder, path) = file(&text);
    served(&["serve", "--config", &path], &[]);
    let said: Vec<_> = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix('#').filter(|line| line.contains(" = ") && !line.starts_with(' '))
        })
        .collect();
    let entries = parse_text(&said.join("\n")).unwrap();
    let names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
    let all: Vec<_> =
        settings().into_iter().map(|setting| setting.name).filter(|name| name != "config").collect();
    assert_eq!(names, all);
}

#[test]
fn the_page_of_the_book_is_what_the_flags_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let (is, should) = (std::fs::read_to_string(&path).unwrap_or_default(), page::page());
    if is != should {
        let new = path.with_extension("md.new");
        std::fs::write(&new, should).unwrap();
        panic!("{} is stale: look at {} and put it in its place", path.display(), new.display());
    }
}
