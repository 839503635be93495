//! `doctor`, `api`, `completions`.

use crate::{Command, Response, Service};

fn service() -> Service {
    Service::start(|request, _| match request.line.as_str() {
        "GET /api/v1/workflows" => Response::ok(r#"[{"id":"w1"},{"id":"w2"}]"#),
        "GET /api/v1/capabilities" => {
            Response::ok(r#"{"server":"comfyicu-server","version":"9.9","uploads":true}"#)
        }
        "POST /api/v1/echo" => Response::ok(request.body.clone()),
        "GET /api/v1/broken" => Response::new(500, "no"),
        _ => Response::new(404, r#"{"error":{"code":"not_found"}}"#),
    })
}

#[test]
fn what_works_is_said_and_what_does_not_says_what_to_do() {
    let command = Command::on(&service()).env("HTTPS_PROXY", "http://me:hunter2@proxy.example.com:3128");
    let outcome = command.run(&["doctor", "--jq", ".checks[] | [.name, .state, .message] | join(\" | \")"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let plain = outcome
        .stdout
        .lines()
        .filter(|line| !line.starts_with("config"))
        .map(|line| line.split(" in ").next().unwrap());
    insta::assert_snapshot!(plain.collect::<Vec<_>>().join("\n"), @"
    proxy | ok | HTTPS_PROXY proxy.example.com
    folder | ok | outputs can be saved here
    service | ok | http://service/ answered
    tls | ok | not used: the address begins with http
    key | ok | the service takes the key (COMFYICU_API_KEY)
    extensions | ok | comfyicu-server 9.9: uploads
    ");
    let down = Command::bare().env("COMFYICU_BASE_URL", "http://127.0.0.1:1").run(&["doctor"]);
    assert_eq!(down.code, Some(6));
    assert!(down.stdout.contains("✗ service") && down.stdout.contains("comfyicu-server serve"), "{down:?}");
    let keyless = Command::bare().run(&["doctor"]);
    assert_eq!(keyless.code, Some(4));
    assert!(keyless.stdout.contains("comfyicu auth login"), "{keyless:?}");
}

#[test]
fn any_path_can_be_asked() {
    let command = Command::on(&service());
    assert_eq!(command.run(&["api", "get", "workflows"]).stdout, r#"[{"id":"w1"},{"id":"w2"}]"#);
    assert_eq!(command.run(&["api", "GET", "/api/v1/workflows", "--jq", ".[].id"]).stdout, "w1\nw2\n");
    assert_eq!(command.run(&["api", "post", "echo", "-d", "{\"a\": 1}"]).stdout, "{\"a\": 1}");
    assert_eq!(command.run(&["api", "post", "echo", "-d", "@prompt.json"]).stdout, crate::command::PROMPT);
    assert_eq!(command.run_with(&["api", "post", "echo", "-d", "@-"], "[]").stdout, "[]");
    let missing = command.run(&["api", "get", "nothing"]);
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(8), r#"{"error":{"code":"not_found"}}"#));
    assert_eq!(command.run(&["api", "get", "broken"]).code, Some(6));
    assert_eq!(command.run(&["api", "get", "../../etc"]).code, Some(2));
}

#[test]
fn every_shell_has_its_completions() {
    let command = Command::bare();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let outcome = command.run(&["completions", shell]);
        assert!(outcome.code == Some(0) && outcome.stdout.contains("COMFYICU_COMPLETE"), "{shell}");
    }
}
