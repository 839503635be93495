//! The proxy that the environment names: a process of its own, since its environment is the matter.

use comfyicu_tests::{Cli, Host, Reply};

use crate::PROGRAMS;

const RUN: &str = r#"{"id": "r", "status": "COMPLETED", "output": []}"#;

/// A host that answers with a run, whatever it is asked: as a proxy, or as the service.
fn host() -> Host {
    Host::start(|_| Reply::ok(RUN).header("content-type", "application/json"))
}

/// Gets a run from a service, with this environment.
fn get(base_url: &str, environment: &[(&str, &str)]) -> comfyicu_tests::Finished {
    let cli = Cli::new(PROGRAMS).env("COMFYICU_BASE_URL", base_url);
    let cli = environment.iter().fold(cli, |cli, (name, value)| cli.env(name, value));
    cli.run(["runs", "get", "r", "--workflow", "w", "--json"])
}

/// What a host was asked for; what the service offers is asked for too.
fn asked(host: &Host) -> Vec<String> {
    host.received().into_iter().map(|request| request.path).filter(|path| path.ends_with("/r")).collect()
}

#[test]
fn a_service_elsewhere_is_called_through_the_proxy() {
    for variable in ["HTTP_PROXY", "ALL_PROXY"] {
        let proxy = host();
        get("http://service.invalid", &[(variable, &proxy.url(""))]).succeeded();
        assert_eq!(asked(&proxy), ["http://service.invalid/api/v1/workflows/w/runs/r"], "{variable}");
    }
}

#[test]
fn no_proxy_names_what_is_called_directly() {
    let proxy = host();
    let environment = [("HTTP_PROXY", proxy.url("")), ("NO_PROXY", "service.invalid".to_owned())];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let finished = get("http://service.invalid", &environment);
    assert!(finished.code != Some(0), "there is no such host");
    assert!(proxy.received().is_empty());
}

#[test]
fn a_service_on_this_machine_is_called_directly() {
    let (proxy, service) = (host(), host());
    get(&service.url(""), &[("HTTP_PROXY", &proxy.url("")), ("ALL_PROXY", &proxy.url(""))]).succeeded();
    assert_eq!(asked(&service), ["/api/v1/workflows/w/runs/r"]);
    assert!(proxy.received().is_empty());
}

#[test]
fn a_comfyui_on_this_machine_is_called_directly_though_the_service_is_elsewhere() {
    let definitions = r#"{"SaveImage": {"input": {"required": {}}, "output": [], "output_node": true, "name": "SaveImage"}}"#;
    let comfyui = Host::start(move |_| Reply::ok(definitions).header("content-type", "application/json"));
    let proxy = host();
    let folder = tempfile::tempdir().unwrap();
    let prompt = folder.path().join("prompt.json");
    std::fs::write(&prompt, r#"{"1": {"class_type": "SaveImage", "inputs": {}}}"#).unwrap();
    let cli = Cli::new(PROGRAMS).env("HTTP_PROXY", &proxy.url("")).env("HTTPS_PROXY", &proxy.url(""));
    let url = comfyui.url("");
    cli.run(["prompt", "check", prompt.to_str().unwrap(), "--object-info", &url]).succeeded();
    assert_eq!(comfyui.received().len(), 1);
    assert!(proxy.received().is_empty());
}
