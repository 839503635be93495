//! How requests are refused, and how files are answered, for the OpenAPI document.

#![expect(dead_code, reason = "values of these types are never made: the document is made of their variants")]

use utoipa::IntoResponses;

use super::schema::Error;

/// Whatever needs a key.
#[derive(IntoResponses)]
pub(in crate::api) enum KeyRefused {
    /// `unauthorized`: the key is missing, or is not one, or not any more.
    #[response(status = 401)]
    Unauthorized(Error),
    /// `forbidden`: the key is not for this.
    #[response(status = 403)]
    Forbidden(Error),
    /// `too_many_requests`, and for a new run also `too_many_runs`: the key has done as much as it may for now;
    /// `Retry-After` says when to come back.
    #[response(status = 429)]
    TooMany(Error),
    /// `internal`: the server failed, and its log says why.
    #[response(status = 500)]
    Internal(Error),
}

/// Whatever names something in its path.
#[derive(IntoResponses)]
pub(in crate::api) enum NotFound {
    /// `not_found`: there is no such thing, or none of the owner of the key.
    #[response(status = 404)]
    NotFound(Error),
}

/// Whatever has a query or headers of its own.
#[derive(IntoResponses)]
pub(in crate::api) enum BadRequest {
    /// `bad_request`: the request cannot be read.
    #[response(status = 400)]
    BadRequest(Error),
}

/// Whatever has a body.
#[derive(IntoResponses)]
pub(in crate::api) enum BodyRefused {
    /// `bad_request`: the request cannot be read.
    #[response(status = 400)]
    BadRequest(Error),
    /// `timeout`: the body paused for too long.
    #[response(status = 408)]
    TooSlow(Error),
    /// `too_large`: the body is over the limit that the capabilities state.
    #[response(status = 413)]
    TooLarge(Error),
}

/// A new run.
#[derive(IntoResponses)]
pub(in crate::api) enum CreateRefused {
    /// `quota_spent`: the key has no time of execution left this month.
    #[response(status = 402)]
    QuotaSpent(Error),
    /// `conflict`: another request had this `Idempotency-Key`.
    #[response(status = 409)]
    Conflict(Error),
    /// `rejected`: the run would not work; `details` lists everything that was found.
    #[response(status = 422)]
    Rejected(Error),
    /// `queue_full` or `unavailable`: not now; `Retry-After` says when to come back where that is known.
    #[response(status = 503)]
    Unavailable(Error),
}

/// What depends on something that can be gone for a while.
#[derive(IntoResponses)]
pub(in crate::api) enum ServerBusy {
    /// `unavailable`: not now.
    #[response(status = 503)]
    Unavailable(Error),
}

/// A file, or a part of one, as it is given.
#[derive(IntoResponses)]
pub(in crate::api) enum FileServed {
    /// The file.
    #[response(status = 200, content_type = "*/*")]
    Whole,
    /// The part that was asked for.
    #[response(status = 206, content_type = "*/*")]
    Part,
    /// It is the version that is known already. There is no body.
    #[response(status = 304)]
    NotModified,
}

/// What is said of a file that is not given.
#[derive(IntoResponses)]
pub(in crate::api) enum FileRefused {
    /// `gone`: it was there, and was removed as the rules of this server say.
    #[response(status = 410)]
    Gone(Error),
    /// A precondition of the request does not hold: the file is another version. There is no body.
    #[response(status = 412)]
    PreconditionFailed,
    /// `range_not_satisfiable`: the file has no such part.
    #[response(status = 416)]
    NoSuchRange(Error),
}

/// A thumbnail.
#[derive(IntoResponses)]
pub(in crate::api) enum ThumbnailRefused {
    /// `unprocessable`: the output is no picture, or too large a one.
    #[response(status = 422)]
    Unprocessable(Error),
    /// `unavailable`: too many others are being made just now.
    #[response(status = 503)]
    Unavailable(Error),
}
