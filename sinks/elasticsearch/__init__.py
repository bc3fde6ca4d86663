"""The Elasticsearch sink."""
