//! Carries out what the director orders: probes, scripts, and the kernel's table.
