"""The laboratory: makes the demo's recording from real containers and a real Kubernetes API server."""
