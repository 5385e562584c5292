// Package console shows what is known, what waits and what a person has to decide, as pages for a browser and as a JSON API with the
// same content, and takes those decisions. It is an http.Handler below the admin listener, which has looked at the Host header and at
// who may connect before a request comes here. It asks for the token itself, as a browser needs a page for that. It writes to the store
// only what a person has confirmed, together with who it was, and nothing to any directory. No page, and no answer of the API, holds a
// password, a token or a key.
package console
