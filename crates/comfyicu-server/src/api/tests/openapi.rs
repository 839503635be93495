//! The document that describes the API: that of the book is the one that is served, and what is answered is as it
//! says.

use serde_json::Value as Json;

use super::isolation::with_everything;
use super::*;
use crate::api::{document, openapi};

/// The document of the book.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/openapi.json");

#[test]
fn the_document_of_the_book_is_the_one_that_is_served() {
    let now = openapi::to_json(&document());
    if std::fs::read_to_string(PAGE).unwrap_or_default() != now {
        let new = format!("{PAGE}.new");
        std::fs::write(&new, now).unwrap();
        panic!("the document of the book is old: look at {new}, and put it in the place of the other");
    }
}

#[test]
fn whatever_stands_in_a_path_is_a_parameter_that_is_required() {
    let document: Json = serde_json::from_str(&openapi::to_json(&document())).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let named: Vec<_> = path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        for (method, operation) in operations.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let required = parameters.filter(|each| each["in"] == "path" && each["required"] == true);
            let required: Vec<_> = required.map(|each| each["name"].as_str().unwrap()).collect();
            assert_eq!(required, named, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_document_and_the_page_need_no_key() {
    let server = Server::start(&[]).await;
    for (path, kind) in [("/openapi.json", "application/json"), ("/reference", "text/html; charset=utf-8")] {
        let answer = server.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status, &answer.headers[header::CONTENT_TYPE]),
            (StatusCode::OK, &kind.parse().unwrap())
        );
        for operation in ["create_run", "view_output", "get_metrics"] {
            assert!(answer.text().contains(operation), "{path} tells of {operation}");
        }
    }
}

#[tokio::test]
async fn what_is_answered_is_as_the_document_says() {
    let (server, names) = with_everything().await;
    let document: Json = serde_json::from_str(&openapi::to_json(&document())).unwrap();
    let mut held = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        // The events of a workflow go on for as long as one reads.
        if path.ends_with("{workflow_id}/events") {
            continue;
        }
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let example = &operation["requestBody"]["content"]["application/json"]["example"];
            let body = if example.is_null() { Body::empty() } else { Body::from(example.to_string()) };
            let answer = server.send(request(method.clone(), &names.path(path), body)).await;
            assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text());
            let response = &operation["responses"][answer.status.as_str()];
            assert!(response.is_object(), "{method} {path} tells nothing of {}", answer.status);
            let mut schema = response["content"]["application/json"]["schema"].clone();
            if schema.is_null() {
                continue;
            }
            schema["components"] = document["components"].clone();
            let validator = jsonschema::validator_for(&schema).unwrap();
            let answered: Json = serde_json::from_slice(&answer.body).unwrap();
            let errors: Vec<_> = validator.iter_errors(&answered).map(|error| error.to_string()).collect();
            assert_eq!(errors, [""; 0], "{method} {path}: {}", answer.text());
            held.push(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    assert!(held.len() >= 12, "answers are held against it: {held:?}");
}
