//! SSL_GET.
