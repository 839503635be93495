//! The client on good days: what it does with a real server, and without that server's extensions.

mod following;
mod outputs;
mod proxies;
mod submitting;
mod webhooks;
