//! Webhooks that are lost, doubled or out of order, joined to a wait.

use std::time::{Duration, Instant};

use axum::Router;
use comfyicu_client::{PollSchedule, WebhookHub, WebhookReceiver, Webhooks};
use comfyicu_model::RunStatus;
use comfyicu_tests::{Fault, FaultProxy, PATIENCE};

use super::{Bench, Mode, prompt};

/// A receiver in this process, and the address of a proxy before it.
async fn receiver(hub: &WebhookHub, proxy: &FaultProxy) -> Webhooks {
    let (receiver, webhooks) = WebhookReceiver::with_channel(64);
    let app = Router::new().route("/hook", receiver.hub(hub).into_route());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    proxy.lead_to(&format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    webhooks
}

/// Runs a prompt whose webhooks go through the proxy, and says how long it took until the wait had ended. The
/// server sends what is left to be sent for as long as the bench is there.
async fn run(proxy: &FaultProxy, hub: &WebhookHub, schedule: PollSchedule) -> (Duration, Bench) {
    let bench = Bench::new(Mode::Hosted, |_, _| Fault::None);
    let webhook = format!("{}/hook", proxy.url()).parse().unwrap();
    let run = bench.workflow().run(prompt()).webhook(webhook).await.unwrap();
    let begun = Instant::now();
    let ended = run.wait().webhooks(hub).schedule(schedule).max_wait(PATIENCE).await.unwrap();
    assert_eq!(ended.status(), Some(RunStatus::Completed));
    (begun.elapsed(), bench)
}

/// So seldom that only a webhook ends the wait in time.
const SELDOM: PollSchedule = PollSchedule::fixed(Duration::from_secs(50));

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_ends_the_wait_at_once() {
    let (hub, proxy) = (WebhookHub::new(), FaultProxy::start(|_, _| Fault::None));
    let mut webhooks = receiver(&hub, &proxy).await;
    let (time, _server) = run(&proxy, &hub, SELDOM).await;
    assert!(time < Duration::from_secs(20));
    assert!(webhooks.next().await.unwrap().event.status().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn doubled_webhooks_are_handed_on_once() {
    let (hub, proxy) = (WebhookHub::new(), FaultProxy::start(|_, _| Fault::Double));
    let mut webhooks = receiver(&hub, &proxy).await;
    // The webhook of the start can end the wait: the run is looked at then, and may have ended meanwhile.
    let (_, _server) = run(&proxy, &hub, SELDOM).await;
    let mut statuses = Vec::new();
    while statuses.last() != Some(&Some(RunStatus::Completed)) {
        statuses.push(webhooks.next().await.unwrap().event.status());
    }
    assert!(
        statuses.iter().filter(|status| **status == Some(RunStatus::Started)).count() <= 1,
        "{statuses:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_webhooks_leave_the_looking() {
    // Accepted, and gone.
    let lost = Fault::Answer(200, &[], "{}");
    let (hub, proxy) = (WebhookHub::new(), FaultProxy::start(move |_, _| lost.clone()));
    let _webhooks = receiver(&hub, &proxy).await;
    run(&proxy, &hub, PollSchedule::fixed(Duration::from_millis(200))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_out_of_order_do_not_lead_astray() {
    // The first is held up for a while, and may come last.
    let hub = WebhookHub::new();
    let proxy =
        FaultProxy::start(|_, n| if n == 0 { Fault::Delay(Duration::from_millis(500)) } else { Fault::None });
    let _webhooks = receiver(&hub, &proxy).await;
    run(&proxy, &hub, SELDOM).await;
}
