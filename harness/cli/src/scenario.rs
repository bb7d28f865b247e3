//! What is sent when no scenario is given.

use model::{Method, Request, Scenario, Template};

/// The shop of the built-in application: mostly reads, some writes, some static pages.
pub(crate) fn shop() -> Scenario {
    let order = r#"{"id":"{{uuid}}","item":"lamp","quantity":1}"#;
    Scenario {
        requests: vec![
            request("read", 6.0, Method::Get, "/api/orders/{{random 1 1000}}", "", false),
            request("write", 3.0, Method::Post, "/api/orders", order, true),
            request("page", 1.0, Method::Get, "/", "", false),
        ],
        ..Scenario::default()
    }
}

fn request(name: &str, weight: f64, method: Method, path: &str, body: &str, write: bool) -> Request {
    let template = |text: &str| {
        // Only the path of an address given by a person can fail to be a template, and then it is plain text.
        Template::parse(text).unwrap_or_else(|_| Template::fixed(text))
    };
    let headers = if body.is_empty() {
        Vec::new()
    } else {
        vec![("Content-Type".to_owned(), Template::fixed("application/json"))]
    };
    Request {
        name: name.to_owned(),
        weight,
        method,
        path: template(path),
        headers,
        body: template(body),
        write,
        ..Request::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_writes_orders_with_new_ids() {
        let shop = shop();
        let write = shop.requests.iter().find(|request| request.write).unwrap();
        assert!(!write.body.is_fixed());
        assert!(shop.requests.iter().filter(|request| !request.write).all(|request| request.body.is_fixed()));
    }
}
