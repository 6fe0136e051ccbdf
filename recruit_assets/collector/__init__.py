"""The collector: takes events from trackers over HTTP, and answers once Kafka has them."""
