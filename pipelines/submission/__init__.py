"""A compiled pipeline on Vertex AI or on a Kubeflow cluster: submit it, watch it, cancel it, keep its template."""
