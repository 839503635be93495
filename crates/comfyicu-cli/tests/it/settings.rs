//! Settings: where each comes from, and the keys that are kept.

use std::fs;

use crate::{Command, Request, Response, Service};

/// Takes one key, and has one workflow.
fn service(key: &'static str) -> Service {
    Service::start(move |request, _| {
        if request.authorization.as_deref() != Some(&format!("Bearer {key}")) {
            return Response::new(401, r#"{"error": {"code": "unauthorized", "message": "no such key"}}"#);
        }
        Response::ok(r#"[{"id": "w1", "name": "foxes"}]"#)
    })
}

fn config(command: &Command) -> String {
    fs::read_to_string(command.path("home/.config/comfyicu/config.toml")).unwrap_or_default()
}

#[test]
fn a_flag_wins_over_a_variable_over_a_profile_over_the_default() {
    let command = Command::bare().env("COMFYICU_ACCELERATOR", "L4").env("COMFYICU_WORKFLOW", "");
    for (key, value) in [("workflow", "kept"), ("accelerator", "T4"), ("base_url", "http://127.0.0.1:1")] {
        let outcome = command.run(&["config", "set", key, value]);
        assert_eq!((outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()), (Some(0), "", ""));
    }
    assert_eq!(command.run(&["config", "set", "workflow", "other", "--profile", "two"]).code, Some(0));
    insta::assert_snapshot!(config(&command), @r#"
    [profiles.default]
    workflow = "kept"
    accelerator = "T4"
    base_url = "http://127.0.0.1:1"

    [profiles.two]
    workflow = "other"
    "#);
    insta::assert_snapshot!(command.run(&["config", "list"]).stdout, @"
    profile	default	default
    base_url	http://127.0.0.1:1	profile default
    api_key		not set
    workflow	kept	profile default
    accelerator	L4	COMFYICU_ACCELERATOR
    ");
    insta::assert_snapshot!(command.run(&["config", "list", "--profile", "two", "--base-url", "http://[::1]:9", "--json"]).stdout, @r#"{"profile":"two","settings":[{"key":"base_url","value":"http://[::1]:9","from":"command line"},{"key":"api_key","value":null,"from":null},{"key":"workflow","value":"other","from":"profile two"},{"key":"accelerator","value":"L4","from":"COMFYICU_ACCELERATOR"}]}"#);
    assert_eq!(command.run(&["config", "get", "workflow", "--profile", "two"]).stdout, "other\n");
    assert_eq!(command.run(&["config", "unset", "workflow"]).code, Some(0));
    let outcome = command.run(&["config", "get", "workflow"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(8), ""));
    insta::assert_snapshot!(outcome.stderr, @"
    error: `workflow` is not set
    hint: set it: comfyicu config set workflow VALUE
    ");
    assert!(command.run(&["config", "path"]).stdout.ends_with("home/.config/comfyicu/config.toml\n"));
}

#[test]
fn what_cannot_be_set_is_not_kept() {
    let command = Command::bare();
    for (key, value) in
        [("workflow", "a/b"), ("base_url", "ftp://x"), ("accelerator", " "), ("api_key", "two\nlines")]
    {
        let outcome = command.run(&["config", "set", key, value]);
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
    }
    assert_eq!(config(&command), "");
    let outcome = command.run(&["config", "set", "workflw", "w"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr, @"
    error: invalid value 'workflw' for '<KEY>'
      [possible values: base_url, api_key, workflow, accelerator]

      tip: a similar value exists: 'workflow'

    For more information, try '--help'.
    ");
}

#[test]
fn a_profile_that_is_not_there_is_named() {
    let command = Command::bare();
    command.run(&["config", "set", "workflow", "w", "--profile", "home"]);
    let outcome = command.run(&["runs", "list", "--profile", "hone"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr, @"
    error: there is no profile `hone`
    hint: there are the profiles: home
    hint: make it: comfyicu config set base_url URL --profile hone
    ");
}

#[test]
fn a_broken_config_file_is_said_and_left_alone() {
    let command = Command::bare().env("COMFYICU_CONFIG", "broken.toml");
    fs::write(command.path("broken.toml"), "[profiles.default\n").unwrap();
    let outcome = command.run(&["config", "set", "workflow", "w"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr, @"
    error: the config file `broken.toml` is not valid TOML
      caused by: TOML parse error at line 1, column 18
      |
    1 | [profiles.default
      |                  ^
    unclosed table, expected `]`
    hint: correct it, or name another one: COMFYICU_CONFIG=FILE
    ");
    assert_eq!(fs::read_to_string(command.path("broken.toml")).unwrap(), "[profiles.default\n");
    // What needs no settings does not mind.
    assert_eq!(command.run(&["prompt", "nodes", "prompt.json"]).code, Some(0));
}

#[test]
fn a_key_is_checked_kept_used_and_forgotten() {
    let service = service("k3y");
    let command = Command::bare();
    let login = |key: &str| command.run_with(&["auth", "login", "--base-url", &service.url], key);
    let outcome = login("wrong\n");
    assert_eq!((outcome.code, config(&command).as_str()), (Some(4), ""), "a key that is refused is not kept");
    let outcome = login("k3y\n");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!outcome.stdout.contains("k3y") && outcome.stderr.is_empty(), "{outcome:?}");
    let path = command.path("home/.config/comfyicu/config.toml");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(config(&command).contains("api_key = \"k3y\""));
    let outcome = command.run(&["auth", "status", "--json"]);
    let expected =
        format!(r#"{{"base_url":"{}","key_from":"profile default","accepted":true}}"#, service.url);
    assert_eq!((outcome.code, outcome.stdout.trim_end()), (Some(0), expected.as_str()));
    assert_eq!(command.run(&["workflows", "list"]).stdout, "w1\t\t\tfoxes\n");
    assert_eq!(command.run(&["config", "get", "api_key"]).stdout, "(set, not shown)\n");
    assert_eq!(command.run(&["auth", "logout"]).stdout, "the key is gone from the profile default\n");
    assert!(!config(&command).contains("k3y"));
    let outcome = command.run(&["auth", "status"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(4), ""));
}

#[test]
fn the_key_of_a_profile_goes_to_no_other_service() {
    let (own, other) = (service("k3y"), service("k3y"));
    let command = Command::bare();
    command.run_with(&["auth", "login", "--base-url", &own.url], "k3y");
    let outcome = command.run(&["workflows", "list", "--base-url", &other.url]);
    assert_eq!(outcome.code, Some(4));
    assert!(other.seen().iter().all(|request: &Request| request.authorization.is_none()));
    let outcome = command.run(&["workflows", "list", "--base-url", &other.url, "--api-key", "k3y"]);
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn without_a_home_there_are_no_settings_and_nothing_else_is_missing() {
    let service = service("k3y");
    let command = Command::on(&service).env("HOME", "").env("COMFYICU_API_KEY", "k3y");
    assert_eq!(command.run(&["workflows", "list"]).stdout, "w1\t\t\tfoxes\n");
}

#[test]
fn a_key_can_be_the_first_thing_that_a_profile_has() {
    let service = service("k3y");
    let command = Command::bare();
    let args = ["auth", "login", "--base-url", &service.url, "--profile", "team"];
    let outcome = command.run_with(&args, "k3y");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(command.run(&["workflows", "list", "--profile", "team"]).stdout, "w1\t\t\tfoxes\n");
}
