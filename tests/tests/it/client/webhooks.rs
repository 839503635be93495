//! Signed webhooks, from the server that signs to the wait that hears.

use std::time::{Duration, Instant};

use axum::Router;
use comfyicu_client::{
    Client, PollSchedule, RunHandle, WebhookHub, WebhookReceiver, WebhookSecret, WebhookVerifier, Webhooks,
};
use comfyicu_model::{RunStatus, WorkflowId};
use comfyicu_tests::{PATIENCE, Server, ServerOptions, eventually};

use crate::PROGRAMS;
use crate::faults::prompt;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ANOTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// So seldom that only a webhook ends the wait in time.
const SELDOM: PollSchedule = PollSchedule::fixed(Duration::from_secs(50));

/// A server that signs with one secret.
fn server() -> Server {
    let options = ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1"]);
    let secrets = options.folder().join("secrets");
    std::fs::write(&secrets, format!("{SECRET}\n")).unwrap();
    options.arg("--webhook-secret-file").arg(secrets).start()
}

/// A receiver that believes who has one of these secrets; its address, and what it hands on.
async fn receiver(secrets: &[&str], hub: &WebhookHub) -> (String, Webhooks) {
    let secrets = secrets.iter().map(|secret| WebhookSecret::parse(secret).unwrap());
    let (receiver, webhooks) = WebhookReceiver::with_channel(64);
    let receiver = receiver.verifier(WebhookVerifier::new(secrets)).hub(hub);
    let app = Router::new().route("/hook", receiver.into_route());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, webhooks)
}

async fn submit(server: &Server, webhook: &str) -> RunHandle {
    let client = Client::builder().base_url(server.base_url()).build().unwrap();
    let workflow = client.workflow(WorkflowId::parse("default").unwrap());
    workflow.run(prompt()).webhook(webhook.parse().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_is_verified_and_ends_the_wait() {
    let (server, hub) = (server(), WebhookHub::new());
    // While one secret takes the place of another, both are good.
    let (address, mut webhooks) = receiver(&[ANOTHER, SECRET], &hub).await;
    let run = submit(&server, &address).await;
    let begun = Instant::now();
    let wait = run.wait().poll_only().schedule(SELDOM).webhooks(&hub).max_wait(PATIENCE);
    assert_eq!(wait.await.unwrap().status(), Some(RunStatus::Completed));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let first = webhooks.next().await.unwrap();
    assert!(first.is_verified && first.id.is_some_and(|id| id.starts_with("msg_")));
    assert_eq!(first.event.run_id(), run.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_somebody_else_signed_is_refused_and_the_wait_looks() {
    let (server, hub) = (server(), WebhookHub::new());
    let (address, mut webhooks) = receiver(&[ANOTHER], &hub).await;
    let run = submit(&server, &address).await;
    let wait = run.wait().poll_only().schedule(PollSchedule::fixed(Duration::from_millis(200)));
    wait.webhooks(&hub).max_wait(PATIENCE).await.unwrap();
    let path = format!("/workflows/default/runs/{}/deliveries", run.id());
    let statuses = eventually("a delivery that was refused", || {
        let log = server.get(&path).expect_status(200).json();
        let attempts = log.as_array().unwrap().iter().flat_map(|delivery| {
            let attempts = delivery["attempts"].as_array().unwrap();
            attempts.iter().map(|attempt| attempt["status"].as_u64()).collect::<Vec<_>>()
        });
        Some(attempts.collect::<Vec<_>>()).filter(|statuses| !statuses.is_empty())
    });
    assert!(statuses.iter().all(|status| *status == Some(401)), "{statuses:?}");
    assert!(tokio::time::timeout(Duration::ZERO, webhooks.next()).await.is_err(), "nothing was handed on");
}
