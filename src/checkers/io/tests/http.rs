//! HTTP_GET.
