//go:build tools

// Package tools makes the API server's command a requirement of this module, so that `go mod tidy` keeps it.
package tools

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
