"""Hosts, switches and directors as namespaces of one kernel."""
