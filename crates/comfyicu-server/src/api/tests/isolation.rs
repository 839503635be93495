//! Every route, asked by one owner for what another one has: the answer is the one for what is not there.

use super::*;

/// What the other owner asks with.
const METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];

/// What stands for the parts of a path.
pub(super) struct Names {
    workflow_id: String,
    run_id: String,
    delivery_id: String,
    sha256: String,
    output: String,
}

impl Names {
    /// Of things that there never were.
    fn made_up() -> Self {
        Self {
            workflow_id: "made-up-workflow".to_owned(),
            run_id: "AAAAAAAAAAAAAAAAAAAAA".to_owned(),
            delivery_id: "msg_BBBBBBBBBBBBBBBBBBBBB".to_owned(),
            sha256: "0".repeat(64),
            output: "made-up_00001_.png".to_owned(),
        }
    }

    pub(super) fn path(&self, route: &str) -> String {
        let file = if route.contains("/output/") { &self.output } else { "photo.png" };
        route
            .replace("{workflow_id}", &self.workflow_id)
            .replace("{run_id}", &self.run_id)
            .replace("{delivery_id}", &self.delivery_id)
            .replace("{sha256}", &self.sha256)
            .replace("{path}", file)
    }

    /// A text without what stood in the path.
    fn forget(&self, text: &str) -> String {
        // The longer ones first: a short one may stand in them.
        [&self.sha256, &self.delivery_id, &self.run_id, &self.output, &self.workflow_id]
            .into_iter()
            .fold(text.to_owned(), |text, name| text.replace(name.as_str(), "NAME"))
    }
}

/// The paths that name something, as the OpenAPI document has them, so that a new one is asked too.
fn paths() -> Vec<String> {
    crate::api::document().paths.paths.into_keys().filter(|path| path.contains('{')).collect()
}

/// A server on which the local owner has a run with an input, an output, an upload and a webhook.
pub(super) async fn with_everything() -> (Server, Names) {
    let server = Server::start(&["--allow-host", "127.0.0.1"]).await;
    let first = server.ended(&server.submit(&body(PROMPT)).await).await;
    let RunOutput::Files(files) = first.output() else { panic!("{first:?}") };
    let png = server.get(files[0].url.as_ref().unwrap().path()).await.body;
    let upload = server.post("/api/v1/uploads", png).await.json();
    let upload = upload.as_object().unwrap();
    // Nobody listens there, so that the message waits.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = format!(
        r#"{{"prompt": {{"1": {{"class_type": "LoadImage", "inputs": {{"image": "photo.png"}}}},
             "2": {{"class_type": "SaveImage", "inputs": {{"images": ["1", 0], "filename_prefix": "secret"}}}}}},
            "files": {{"/input/photo.png": "{}"}}, "webhook": "http://{silent}/"}}"#,
        upload.get_str("url").unwrap()
    );
    let run = server.ended(&server.submit(&run).await).await;
    let deliveries = server.get(&format!("/api/v1/workflows/w1/runs/{}/deliveries", run.id())).await.json();
    let delivery = deliveries.as_array().unwrap()[0].as_object().unwrap();
    let names = Names {
        workflow_id: "w1".to_owned(),
        run_id: run.id().to_string(),
        delivery_id: delivery.get_str("id").unwrap().to_owned(),
        sha256: upload.get_str("sha256").unwrap().to_owned(),
        output: "secret_00001_.png".to_owned(),
    };
    (server, names)
}

/// What a caller is answered, without what is different in each answer.
async fn answered(
    server: &Server,
    key: &str,
    method: &Method,
    path: &str,
    names: &Names,
) -> (StatusCode, String) {
    let response =
        server.router.clone().oneshot(request_with(key, method.clone(), path, Body::from("{}"))).await;
    let (head, body) = response.unwrap().into_parts();
    if head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream") {
        // It goes on for as long as one reads: nothing has happened that could be told.
        return (head.status, String::new());
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut fields: Vec<_> = head.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    fields.retain(|field| !field.starts_with("x-request-id") && !field.starts_with("content-length"));
    let text = String::from_utf8_lossy(&body);
    // The id of the request is the last thing in an error.
    let text = text.split("\"request_id\"").next().unwrap_or_default();
    (head.status, names.forget(&format!("{fields:?} {text}")))
}

#[tokio::test]
async fn what_another_owner_has_is_answered_as_what_is_not_there() {
    let (server, theirs) = with_everything().await;
    let run = format!("/api/v1/workflows/{}/runs/{}", theirs.workflow_id, theirs.run_id);
    let made_up = Names::made_up();
    let mut seen = 0;
    for route in paths() {
        for method in METHODS {
            let ask = async |key: &str, names: &Names| {
                answered(&server, key, &method, &names.path(&route), names).await
            };
            let (foreign, nothing) = (ask(OTHER_KEY, &theirs).await, ask(OTHER_KEY, &made_up).await);
            assert_eq!(foreign, nothing, "{method} {route}");
            let own = ask(KEY, &theirs).await;
            seen += usize::from(own.0.is_success() && own != foreign);
        }
    }
    assert!(seen >= 10, "the owner sees what is there: {seen}");
    let unchanged = Run::parse(&server.get(&run).await.body).unwrap();
    assert_eq!(unchanged.status(), Some(RunStatus::Completed));
}
